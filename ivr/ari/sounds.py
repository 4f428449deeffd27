"""Where the sounds are that the hotline plays, by name."""

import re
from pathlib import Path

from ivr.ports import RequestRefused

_NAME = re.compile(r"[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*")
_FORMATS = (".wav", ".wav16", ".sln", ".sln16", ".ulaw", ".alaw", ".g722", ".gsm")
_UNFIT = frozenset(",&|;:")


TONES = frozenset({"tone:ring"})
"""Asterisk's own tones, which end only when they are stopped."""


class Sounds:
    """Folders of sounds, the first to have one wins: what people recorded goes before what was synthesised.

    Raises ValueError for a folder Asterisk could not be told of.
    """

    def __init__(self, *folders: Path) -> None:
        for folder in folders:
            if not folder.is_absolute() or _UNFIT & set(str(folder)):
                raise ValueError(f"sound folder {str(folder)!r}: an absolute path without {''.join(sorted(_UNFIT))}")
        self._folders = folders

    def media(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """ARI media URIs for these names. Raises RequestRefused for one that is nowhere: Asterisk would skip it."""
        return tuple(name if name in TONES else f"sound:{self._find(name)}" for name in names)

    def _find(self, name: str) -> Path:
        if _NAME.fullmatch(name):
            for folder in self._folders:
                if any((folder / (name + suffix)).is_file() for suffix in _FORMATS):
                    return folder / name
        raise RequestRefused(f"no sound {name!r} in {' or '.join(str(folder) for folder in self._folders)}")
