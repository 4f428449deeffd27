"""Speech models on disk: which there are, whether they are whole, which one is meant.

Everything here reads files only; no recogniser is loaded, so a broken model cannot take the process down. Vosk itself
dies on a cut `disambig_tid.int` and loads a model whose graph is missing without a word.
"""

import hashlib
import re
import struct
from pathlib import Path
from typing import Final

import msgspec

from asr.errors import ModelBroken

EMBEDDED: Final = Path(__file__).parent / "embedded"
"""The model the product ships: made from synthetic speech, for demonstration and tests only."""

MANIFEST: Final = "manifest.json"
LANGUAGE: Final = "adaptation/language.xz"
_FST_MAGIC: Final = 2125659606
_FST_HAS_OUTPUT_SYMBOLS: Final = 2


class ModelFile(msgspec.Struct, frozen=True, kw_only=True):
    """What the manifest says about one file."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a model says about itself; official Vosk models carry none."""

    name: str
    version: str
    about: str
    files: tuple[ModelFile, ...]


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is whole. `look_ahead` graphs take hot words at run time, static ones do not; `adaptable` ones carry
    the counts from which `asr.model.adapt` makes their graph anew.
    """

    name: str
    path: Path
    about: str
    look_ahead: bool
    adaptable: bool
    sample_rate: int
    size: int


class BrokenModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model folder that cannot be used, and what to do about it."""

    name: str
    path: Path
    fault: str


def check(path: Path, *, hashes: bool = False) -> ModelInfo:
    """Look whether the folder holds a whole model of Vosk's layout and describe it.

    With `hashes`, every file of the manifest is read and compared too (slower: the whole model is read).
    Raises `ModelBroken` naming the file and the mend.
    """
    if not path.is_dir():
        raise ModelBroken(f"{path}: no such model folder; name a folder that holds am/final.mdl")
    manifest = _manifest(path)
    if manifest is not None:
        for file in manifest.files:
            _check_listed(path, file, hashes=hashes)
    acoustic = _present(path, "am/final.mdl")
    _check_acoustic(acoustic)
    _present(path, "conf/model.conf")
    features = path / "conf" / "fbank.conf"
    features = features if features.is_file() else _present(path, "conf/mfcc.conf")
    look_ahead = (path / "graph" / "HCLr.fst").is_file()
    if look_ahead:
        _check_fst(path / "graph" / "HCLr.fst")
        symbols = _check_fst(_present(path, "graph/Gr.fst"))
        _check_ints(_present(path, "graph/disambig_tid.int"))
    else:
        symbols = _check_fst(_present(path, "graph/HCLG.fst"))
    if not symbols:
        _present(path, "graph/words.txt")
    boundary = path / "graph" / "phones" / "word_boundary.int"
    if boundary.exists():
        _check_ints(boundary)
    return ModelInfo(
        name=manifest.name if manifest else path.name,
        path=path,
        about=manifest.about if manifest else "",
        look_ahead=look_ahead,
        adaptable=(path / LANGUAGE).is_file(),
        sample_rate=_sample_rate(features),
        size=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
    )


def list_models(folder: Path | None = None) -> list[ModelInfo | BrokenModel]:
    """The embedded model, then each sub-folder of `folder` by name; broken ones are listed as such."""
    paths = [EMBEDDED]
    if folder is not None and folder.is_dir():
        paths += sorted(entry for entry in folder.iterdir() if entry.is_dir())
    found: list[ModelInfo | BrokenModel] = []
    for path in paths:
        try:
            found.append(check(path))
        except ModelBroken as fault:
            found.append(BrokenModel(name=path.name, path=path, fault=str(fault)))
    return found


def select(name: str | None = None, folder: Path | None = None) -> ModelInfo:
    """The model meant by a setting: None or `embedded` ships with the product, else a folder's path or its name
    inside `folder`. Raises `ModelBroken` when it is missing or not whole.
    """
    if name is None or name == EMBEDDED.name:
        return check(EMBEDDED)
    inside = folder / name if folder is not None else None
    return check(inside if inside is not None and inside.is_dir() else Path(name))


def _mend(path: Path) -> str:
    return "install the product again" if path.is_relative_to(EMBEDDED) else "fetch or unpack the model again"


def _broken(file: Path, what: str) -> ModelBroken:
    return ModelBroken(f"{file}: {what}; {_mend(file)}")


def _manifest(path: Path) -> Manifest | None:
    file = path / MANIFEST
    if not file.is_file():
        if path == EMBEDDED:
            raise _broken(file, "missing")
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise _broken(file, f"not a manifest ({error})") from error


def _check_listed(path: Path, listed: ModelFile, *, hashes: bool) -> None:
    file = _present(path, listed.path)
    size = file.stat().st_size
    if size != listed.size:
        raise _broken(file, f"{size} bytes where the manifest says {listed.size}")
    if hashes and hashlib.sha256(file.read_bytes()).hexdigest() != listed.sha256:
        raise _broken(file, "its content is not what the manifest says")


def _present(path: Path, name: str) -> Path:
    file = path / name
    if not file.is_file():
        raise _broken(file, "missing")
    if file.stat().st_size == 0:
        raise _broken(file, "empty")
    return file


def _check_acoustic(file: Path) -> None:
    """A binary Kaldi model ends with `<Priors> FV ` and a float vector, so its end shows whether it was cut."""
    with file.open("rb") as stream:
        head = stream.read(64)
        stream.seek(max(0, file.stat().st_size - 1_000_000))
        tail = stream.read()
    if not head.startswith(b"\0B"):
        if not head.lstrip().startswith(b"<TransitionModel>"):
            raise _broken(file, "not a Kaldi model")
        return
    _, mark, priors = tail.rpartition(b"<Priors> FV \x04")
    if not mark or len(priors) < 4 or len(priors) != 4 + 4 * struct.unpack_from("<i", priors)[0]:
        raise _broken(file, "cut short")


def _check_fst(file: Path) -> bool:
    """OpenFst's header: magic, type, arc type, version, flags, properties, start, states, arcs. True when the file
    carries its own table of words. A `const` graph's least size follows from its states (20 bytes) and arcs (16).
    """
    with file.open("rb") as stream:
        head = stream.read(256)
    try:
        magic, length = struct.unpack_from("<ii", head)
        if magic != _FST_MAGIC:
            raise _broken(file, "not a graph of OpenFst")
        kind, at = head[8 : 8 + length], 8 + length
        at += 4 + int(struct.unpack_from("<i", head, at)[0])
        _version, flags, _properties, _start, states, arcs = struct.unpack_from("<iiQqqq", head, at)
    except struct.error as error:
        raise _broken(file, "cut short") from error
    if kind == b"const" and file.stat().st_size < states * 20 + arcs * 16:
        raise _broken(file, "cut short")
    return bool(flags & _FST_HAS_OUTPUT_SYMBOLS)


def _check_ints(file: Path) -> None:
    """Whole lines that begin with a number; Vosk aborts the process over a line cut in two."""
    content = file.read_bytes()
    if not content.endswith(b"\n") or not all(re.match(rb"\d+( \w+)?$", line) for line in content.splitlines()):
        raise _broken(file, "cut short or not a list of numbers")


def _sample_rate(features: Path) -> int:
    found = re.search(r"--sample-frequency=(\d+)", features.read_text(encoding="utf-8"))
    return int(found[1]) if found else 16000
