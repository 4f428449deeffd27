"""Who citizens are, sealed at rest: AES-256-GCM (NIST SP 800-38D), and a keyed hash to find a number again.

A sealed text is `key id:base64(nonce, ciphertext, tag)`. The keys lie in a file only its owner can read; whoever
rotates them writes the file anew, and every open `Vault` notices.
"""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ticketing.errors import KeysUnusable

_NONCE = 12  # bytes; random ones are safe for 2**32 texts a key (SP 800-38D 8.3)
_KEY = 32


class Keys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the key file holds, base64: `lookup` for hashes, `sealing` by id; `current` is the one that seals."""

    lookup: str
    current: str
    sealing: dict[str, str]

    def __repr__(self) -> str:
        """Without the keys."""
        return f"Keys(current={self.current})"

    @classmethod
    def fresh(cls) -> Self:
        """New ones."""
        return cls(lookup=_new_key(), current="1", sealing={"1": _new_key()})

    def rotated(self) -> Self:
        """With a new key that seals; of the old ones only the last may still open."""
        new = str(max(map(int, self.sealing)) + 1)
        kept = {self.current: self.sealing[self.current], new: _new_key()}
        return msgspec.structs.replace(self, current=new, sealing=kept)


class Vault:
    """Seals and opens. Raises `KeysUnusable` for a text that none of its keys sealed."""

    def __init__(self, keys: Keys, file: Path | None = None) -> None:
        self._file = file
        self._seen = _mark(file)
        self._use(keys)

    @classmethod
    def opened(cls, file: Path) -> Self:
        """The vault of a key file. Raises `KeysUnusable` where it is missing or broken."""
        return cls(read_keys(file), file)

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        self._follow()
        return self._keys.current

    def seal(self, text: str) -> str:
        """The text, for the database; nothing stays nothing."""
        if not text:
            return ""
        self._follow()
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._keys.current].encrypt(nonce, text.encode(), None)
        return f"{self._keys.current}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str) -> str:
        """What was sealed."""
        if not sealed:
            return ""
        name, given, body = sealed.partition(":")
        if given and name not in self._ciphers:
            self._follow()
        if not given or name not in self._ciphers:
            raise KeysUnusable("a text was sealed with another key than those of the key file; put the right one back")
        try:
            raw = base64.b64decode(body, validate=True)
            return self._ciphers[name].decrypt(raw[:_NONCE], raw[_NONCE:], None).decode()
        except (InvalidTag, ValueError) as error:
            raise KeysUnusable(f"a text sealed with key {name} is damaged, or the key is another one") from error

    def digest(self, number: str) -> str:
        """The same for the same number, and nothing to be learnt from (HMAC-SHA256, RFC 2104), 64 hex digits."""
        return hmac.new(self._lookup, number.encode(), hashlib.sha256).hexdigest()

    def is_current(self, sealed: str) -> bool:
        """Whether a text is sealed with the key that seals now."""
        return not sealed or sealed.startswith(f"{self.current}:")

    def _follow(self) -> None:
        """Use the key file's keys, if somebody rotated them."""
        if self._file is not None and (mark := _mark(self._file)) != self._seen:
            self._use(read_keys(self._file))
            self._seen = mark

    def _use(self, keys: Keys) -> None:
        self._keys = keys
        self._lookup = base64.b64decode(keys.lookup)
        self._ciphers = {name: AESGCM(base64.b64decode(key)) for name, key in keys.sealing.items()}


def read_keys(file: Path) -> Keys:
    """The keys of a file. Raises `KeysUnusable`."""
    try:
        keys = msgspec.toml.decode(file.read_bytes(), type=Keys)
        sizes = {len(base64.b64decode(key, validate=True)) for key in (keys.lookup, *keys.sealing.values())}
    except FileNotFoundError as error:
        raise KeysUnusable(
            f"{file} is missing; put the instance's own back, or run `hotline setup` on a new one"
        ) from error
    except (OSError, ValueError) as error:
        raise KeysUnusable(f"{file} cannot be read as keys; put the instance's own back") from error
    if sizes != {_KEY} or keys.current not in keys.sealing:
        raise KeysUnusable(f"{file} lacks a key; put the instance's own back")
    return keys


def write_keys(file: Path, keys: Keys) -> None:
    """Keep keys in a file only its owner can read, whole or not at all."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(msgspec.toml.encode(keys))
        out.flush()
        os.fsync(out.fileno())
    scratch.replace(file)


def make_keys(file: Path) -> None:
    """Generate keys where there are none."""
    if not file.exists():
        write_keys(file, Keys.fresh())


def _mark(file: Path | None) -> tuple[int, int] | None:
    if file is None:
        return None
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(_KEY)).decode()
