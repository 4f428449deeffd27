from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.errors import KeysUnusable
from ticketing.vault import Keys, Vault, make_keys, read_keys, write_keys

VAULT = Vault(Keys.fresh())


@given(st.text(max_size=200))
def test_what_was_sealed_opens_and_is_not_seen(text: str) -> None:
    sealed = VAULT.seal(text)
    assert VAULT.open(sealed) == text
    assert not text or sealed != VAULT.seal(text)  # nobody sees that two are the same
    assert len(text) < 4 or text not in sealed


def test_a_number_is_found_by_its_digest_alone() -> None:
    assert VAULT.digest("13800005678") == VAULT.digest("13800005678")
    assert VAULT.digest("13800005678") != VAULT.digest("13800005679")
    assert VAULT.digest("13800005678") != Vault(Keys.fresh()).digest("13800005678")


@pytest.mark.parametrize("text", ["plain", "9:AAAA", "1:AAAA", "1:***"])
def test_what_no_key_sealed_is_refused(text: str) -> None:
    with pytest.raises(KeysUnusable):
        VAULT.open(text)


def test_a_changed_letter_is_noticed() -> None:
    sealed = VAULT.seal("申先生")
    changed = sealed[:-5] + ("A" if sealed[-5] != "A" else "B") + sealed[-4:]
    with pytest.raises(KeysUnusable, match="damaged"):
        VAULT.open(changed)


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    make_keys(file)
    first = read_keys(file)
    make_keys(file)
    assert read_keys(file) == first
    assert file.stat().st_mode & 0o777 == 0o600
    assert first.lookup not in repr(first)


def test_an_open_vault_follows_a_rotation(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    make_keys(file)
    vault = Vault.opened(file)
    old = vault.seal("x")
    write_keys(file, read_keys(file).rotated())
    assert vault.seal("x").startswith("2:")
    assert vault.open(old) == "x"
    assert not vault.is_current(old)


@pytest.mark.parametrize("text", ["", "nonsense", 'lookup = "AA=="\ncurrent = "1"\n[sealing]\n1 = "AA=="\n'])
def test_a_broken_key_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.toml"
    with pytest.raises(KeysUnusable, match=r"keys\.toml is missing"):
        read_keys(file)
    file.write_text(text)
    with pytest.raises(KeysUnusable, match=r"keys\.toml"):
        read_keys(file)
