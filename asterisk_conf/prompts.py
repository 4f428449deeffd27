"""All sounds of an instance: made where text, recording or recipe changed, left alone where not.

`recorded/<name>.wav` (PCM, any rate) is taken in place of the synthesised sound of that name. Making them blocks for
seconds: call it before the event loop, or in a thread.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from asterisk_conf.errors import SynthesisFailed
from asterisk_conf.espeak import Speaker, Voice
from asterisk_conf.layout import Layout
from asterisk_conf.music import beep, hold_music
from asterisk_conf.promptbook import PromptBook
from asterisk_conf.sound import RATES, Samples, level, read_wav, resample, trim, write_wav

RECIPE = "1"
"""Changed whenever the same text would sound otherwise, so that sounds are made anew."""

_MANIFEST = "manifest.json"
_MUSIC = "hold"
_MUSIC_KEY = "music on hold"
_LEAD_MS, _TAIL_MS = 30, 90
Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class SoundsReport:
    """What was done, by sound name. `strange` are recordings whose name no announcement has."""

    made: tuple[str, ...]
    kept: tuple[str, ...]
    recorded: tuple[str, ...]
    strange: tuple[str, ...]


def make_sounds(
    book: PromptBook, layout: Layout, *, voice: Voice | None = None, progress: Progress = lambda _: None
) -> SoundsReport:
    """Bring the instance's sounds in line with `book` and the recordings. Raises SynthesisFailed, SoundRefused.

    Broken off, it goes on the next time; a sound is whole or not there.
    """
    voice = voice or Voice()
    layout.rendered.mkdir(parents=True, exist_ok=True, mode=0o700)
    wanted = expected(book, layout, voice)
    recordings = _recordings(layout)
    done = _read_manifest(layout)
    stale = [name for name, digest in wanted.items() if done.get(name) != digest or not _stands(layout, name)]
    texts = book.texts()
    with Speaker(voice) as speaker:
        for count, name in enumerate(stale, 1):
            made = _from_recording(recordings[name]) if name in recordings else _make(speaker, name, texts)
            for suffix, samples in made.items():
                write_wav(layout.rendered / f"{name}{suffix}", samples, RATES[suffix])
            done[name] = wanted[name]
            if count % 50 == 0 or count == len(stale):
                _write_manifest(layout, done)
                progress(f"{count} of {len(stale)} sounds made")
    _forget(layout, done, wanted)
    _make_music(layout, done)
    return SoundsReport(
        made=tuple(stale),
        kept=tuple(name for name in wanted if name not in set(stale)),
        recorded=tuple(sorted(name for name in recordings if name in wanted)),
        strange=tuple(sorted(name for name in recordings if name not in wanted)),
    )


def lacking(book: PromptBook, layout: Layout, *, voice: Voice | None = None) -> list[str]:
    """The sounds of `book` that are not there, or not as text and recording want them."""
    done = _read_manifest(layout)
    wanted = expected(book, layout, voice or Voice())
    return [name for name, digest in wanted.items() if done.get(name) != digest or not _stands(layout, name)]


def expected(book: PromptBook, layout: Layout, voice: Voice) -> dict[str, str]:
    """Every sound there should be, with a digest of all it is made from."""
    recipe = "\0".join((RECIPE, *voice.arguments()))
    digests = {name: _digest(f"{recipe}\0{text}".encode()) for name, text in book.texts().items()}
    digests["beep"] = _digest(f"{RECIPE}\0beep".encode())
    for name, path in _recordings(layout).items():
        if name in digests:
            digests[name] = _digest(RECIPE.encode() + path.read_bytes())
    return digests


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _recordings(layout: Layout) -> dict[str, Path]:
    return {path.name.removesuffix(".wav"): path for path in sorted(layout.recorded.glob("*.wav"))}


def _stands(layout: Layout, name: str) -> bool:
    return all((layout.rendered / f"{name}{suffix}").is_file() for suffix in RATES)


def _make(speaker: Speaker, name: str, texts: Mapping[str, str]) -> dict[str, Samples]:
    if name == "beep":
        return {suffix: beep(rate) for suffix, rate in RATES.items()}
    try:
        spoken, rate = speaker.say(texts[name])
    except SynthesisFailed as wrong:
        raise SynthesisFailed(f"announcement {name!r}: {wrong}") from wrong
    return _finish(trim(spoken, rate, lead_ms=_LEAD_MS, tail_ms=_TAIL_MS), rate)


def _from_recording(path: Path) -> dict[str, Samples]:
    return _finish(*read_wav(path))


def _finish(samples: Samples, rate: int) -> dict[str, Samples]:
    return {suffix: level(resample(samples, rate, to), to) for suffix, to in RATES.items()}


def _forget(layout: Layout, done: dict[str, str], wanted: dict[str, str]) -> None:
    """Remove what no announcement asks for any more."""
    for name in done.keys() - wanted.keys() - {_MUSIC_KEY}:
        del done[name]
    _write_manifest(layout, done)
    for path in layout.rendered.iterdir():
        if path.suffix in RATES and path.name.removesuffix(path.suffix) not in wanted:
            path.unlink()


def _make_music(layout: Layout, done: dict[str, str]) -> None:
    """Our own music on hold, unless the site has put its own into the folder."""
    layout.music.mkdir(parents=True, exist_ok=True, mode=0o700)
    ours = [layout.music / f"{_MUSIC}{suffix}" for suffix in RATES]
    if any(path.is_file() and path not in ours for path in layout.music.iterdir()):
        for path in ours:
            path.unlink(missing_ok=True)
    elif done.get(_MUSIC_KEY) != RECIPE or not all(path.is_file() for path in ours):
        for path in ours:
            write_wav(path, hold_music(RATES[path.suffix]), RATES[path.suffix])
        done[_MUSIC_KEY] = RECIPE
        _write_manifest(layout, done)


def _read_manifest(layout: Layout) -> dict[str, str]:
    try:
        return msgspec.json.decode((layout.rendered / _MANIFEST).read_bytes(), type=dict[str, str])
    except (FileNotFoundError, msgspec.MsgspecError):
        return {}  # unknown sounds are made anew


def _write_manifest(layout: Layout, done: dict[str, str]) -> None:
    path = layout.rendered / _MANIFEST
    aside = path.with_name(f".{_MANIFEST}")
    aside.write_bytes(msgspec.json.format(msgspec.json.encode(dict(sorted(done.items()))), indent=1))
    aside.replace(path)
