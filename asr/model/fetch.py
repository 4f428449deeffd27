"""Official Vosk models, downloaded whole or not at all.

Their maker's list (`model-list.json`) says how long each archive is and which MD5 it has; both are checked before it is
unpacked. A download that broke off goes on where it stopped (RFC 9110 section 14, range requests).
"""

import hashlib
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import msgspec

from asr.errors import FetchFailed, ModelBroken
from asr.model.store import ModelInfo, check

OFFICIAL: Final = {"small-cn": "vosk-model-small-cn-0.22"}
"""Short names of the models that suit a hotline in Mandarin. This one is 42 MB, look-ahead, Apache-2.0."""
INDEX: Final = "https://alphacephei.com/vosk/models/"
"""Where Vosk's makers publish their models."""

Progress = Callable[[int, int], None]
"""Told how many bytes are there, of how many."""

_TIMEOUT_S: Final = 30.0
_PIECE: Final = 1 << 16


class _Offer(msgspec.Struct, frozen=True):
    """One entry of the list."""

    name: str
    md5: str
    size: int
    url: str


def fetch(short: str, folder: Path, *, index: str = INDEX, progress: Progress = lambda have, whole: None) -> ModelInfo:
    """Download the model `short` of `OFFICIAL` into `folder`; one that is there and whole is left as it is.

    Blocking. Raises `FetchFailed`; what has come so far stays beside it and the next try goes on from there.
    """
    name = OFFICIAL.get(short)
    if name is None:
        raise FetchFailed(f"{short}: no such official model; there is {', '.join(OFFICIAL)}")
    target = folder / name
    if target.is_dir():
        return check(target)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{name}.zip.part"
    by_hand = (
        f"on a machine with a network download {index}{name}.zip, unpack it to {target}, "
        f"and run `hotline asr model select {name}`"
    )
    try:
        with httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True) as client:
            offer = _offer(client, index, name)
            _download(client, offer, part, progress)
    except httpx.HTTPError as error:
        raise FetchFailed(f"{name} cannot be downloaded ({type(error).__name__}: {error}); {by_hand}") from error
    except OSError as error:
        raise FetchFailed(f"{part}: {error.strerror}; make room or choose another --home, and run it again") from error
    _verify(part, offer)
    return _unpack(part, target)


def _offer(client: httpx.Client, index: str, name: str) -> _Offer:
    reply = client.get(f"{index}model-list.json").raise_for_status()
    try:
        offers = msgspec.json.decode(reply.content, type=list[dict[str, object]])
        for each in offers:
            if each.get("name") == name:
                return msgspec.convert(each, _Offer, strict=False)
    except msgspec.MsgspecError as error:
        raise FetchFailed(f"{index}model-list.json is no list of models ({error}); try again later") from error
    raise FetchFailed(f"{index}model-list.json does not name {name} any more; look there for its successor")


def _download(client: httpx.Client, offer: _Offer, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have > offer.size:
        part.unlink()
        have = 0
    if have == offer.size:
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    with client.stream("GET", offer.url, headers=headers) as reply:
        reply.raise_for_status()
        resumed = reply.status_code == httpx.codes.PARTIAL_CONTENT
        have = have if resumed else 0
        with part.open("ab" if resumed else "wb") as file:
            for piece in reply.iter_bytes(_PIECE):
                have += file.write(piece)
                progress(have, offer.size)


def _verify(part: Path, offer: _Offer) -> None:
    size = part.stat().st_size
    if size < offer.size:
        raise FetchFailed(f"{part}: {size} of {offer.size} bytes came; run it again, it goes on from there")
    with part.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if size != offer.size or found != offer.md5:
        part.unlink()
        raise FetchFailed(f"{offer.name}: what came has MD5 {found}, not {offer.md5}, and was removed; run it again")


def _unpack(part: Path, target: Path) -> ModelInfo:
    scratch = target.with_name(f"{target.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        with zipfile.ZipFile(part) as archive:
            archive.extractall(scratch)
        check(scratch / target.name)
        (scratch / target.name).rename(target)
    except (zipfile.BadZipFile, ModelBroken) as error:
        part.unlink()
        raise FetchFailed(f"{target.name}: the archive holds no whole model ({error})") from error
    except OSError as error:
        raise FetchFailed(
            f"{target}: {error.strerror}; make room or choose another --home, and run it again"
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    part.unlink()
    return check(target)
