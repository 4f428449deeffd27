from pathlib import Path

import pytest

from ivr.settings import SettingsError, load_settings
from ivr.settings_file import put


def test_a_setting_is_put_where_there_is_no_file(tmp_path: Path) -> None:
    put(tmp_path / "new", "speech", "model", "a-model")
    assert load_settings(tmp_path / "new", {}).speech.model == "a-model"


def test_what_a_person_wrote_stays(tmp_path: Path) -> None:
    file = tmp_path / "hotline.toml"
    file.write_text("# ours\n[desk]\nport = 9000  # behind the proxy\n\n[speech]\nworkers = 3\n", "utf-8")
    put(tmp_path, "speech", "model", "a-model")
    put(tmp_path, "speech", "model", "another")
    text = file.read_text("utf-8")
    assert "# ours" in text
    assert "port = 9000  # behind the proxy" in text
    settings = load_settings(tmp_path, {})
    assert (settings.speech.model, settings.speech.workers, settings.desk.port) == ("another", 3, 9000)
    assert [each.name for each in tmp_path.iterdir()] == ["hotline.toml"]


@pytest.mark.parametrize("broken", ["[speech\n", "speech = 1\n", "[desk]\nport = 'x'\n"])
def test_a_broken_file_is_left_as_it_is(tmp_path: Path, broken: str) -> None:
    file = tmp_path / "hotline.toml"
    file.write_text(broken, "utf-8")
    with pytest.raises(SettingsError):
        put(tmp_path, "speech", "model", "a-model")
    assert file.read_text("utf-8") == broken
