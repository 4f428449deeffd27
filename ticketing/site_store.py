"""The packs an instance was given, each kept: loading a changed one retires ids and deletes none.

Below the store's folder: `packs/0001`, `packs/0002`, … and `current`, the name of the one in force.
"""

import os
import shutil
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from ticketing.pack_retired import FILE, PartKind, RetiredPart
from ticketing.site import Site, default_site_dir, load_site


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What loading a pack changed, ids by kind. Without any change `folder` is the one in force before."""

    folder: Path
    added: dict[PartKind, tuple[str, ...]]
    changed: dict[PartKind, tuple[str, ...]]
    retired: dict[PartKind, tuple[str, ...]]
    revived: dict[PartKind, tuple[str, ...]]
    same: bool


class SiteStore:
    """See the module."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def current(self) -> Path:
        """The folder of the pack in force; the embedded demonstration city before the first load."""
        try:
            name = (self._folder / "current").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return default_site_dir()
        return self._folder / "packs" / name

    def load(self, source: Path, today: date) -> Loaded:
        """Bring a pack in, whole or not at all; it is in force for whoever opens the site next.

        Raises `SitePackBroken` with every fault, `OSError` when it cannot be written.
        """
        old, new = load_site(self.current()), load_site(source)
        before, after = parts_of(old), parts_of(new)
        retired = _retired(old, new, today)
        changes = Loaded(
            folder=self.current(),
            added=_by_kind(key for key in after if key not in before and old.retired.get(*key) is None),
            changed=_by_kind(key for key in after if key in before and after[key] != before[key]),
            retired=_by_kind(key for key in before if key not in after),
            revived=_by_kind(key for key in after if old.retired.get(*key) is not None),
            same=_same(self.current(), source, retired),
        )
        if changes.same:
            return changes
        return msgspec.structs.replace(changes, folder=self._keep(source, retired))

    def _keep(self, source: Path, retired: tuple[RetiredPart, ...]) -> Path:
        packs = self._folder / "packs"
        packs.mkdir(parents=True, exist_ok=True)
        number = max((int(one.name) for one in packs.iterdir() if one.name.isdecimal()), default=0) + 1
        scratch, folder = packs / f".new-{os.getpid()}", packs / f"{number:04d}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        for file in _files(source):
            shutil.copy2(file, scratch / file.name)
        if retired:
            (scratch / FILE).write_bytes(b"\n".join(msgspec.json.encode(one) for one in retired) + b"\n")
        scratch.rename(folder)
        pointer = self._folder / f".current-{os.getpid()}"
        pointer.write_text(folder.name + "\n", encoding="utf-8")
        pointer.replace(self._folder / "current")
        return folder


def parts_of(site: Site) -> dict[tuple[PartKind, str], msgspec.Struct]:
    """Everything of a site that has an id tickets keep."""
    tables: Mapping[PartKind, Mapping[Any, msgspec.Struct]] = {
        PartKind.AGENCY: site.agencies,
        PartKind.CATEGORY: site.categories,
        PartKind.PLACE: site.places,
        PartKind.ARTICLE: site.articles,
        PartKind.RULE: site.deadlines.rules,
        PartKind.REFUSAL: {one.id: one for one in site.not_accepted.reasons},
    }
    return {(kind, key): part for kind, table in tables.items() for key, part in table.items()}


def _retired(old: Site, new: Site, today: date) -> tuple[RetiredPart, ...]:
    """Everything that was ever in force and is not any more."""
    live = parts_of(new)
    lines = {(one.kind, one.id): one for one in (*new.retired.lines, *old.retired.lines)}
    for (kind, key), part in parts_of(old).items():
        lines[kind, key] = RetiredPart(kind=kind, id=key, retired_on=today, part=msgspec.to_builtins(part))
    return tuple(one for key, one in sorted(lines.items()) if key not in live)


def _by_kind(keys: Iterable[tuple[PartKind, str]]) -> dict[PartKind, tuple[str, ...]]:
    found: dict[PartKind, tuple[str, ...]] = {}
    for kind, key in keys:
        found[kind] = (*found.get(kind, ()), key)
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_file() and not one.name.startswith("."))


def _same(current: Path, source: Path, retired: tuple[RetiredPart, ...]) -> bool:
    def content(folder: Path) -> dict[str, bytes]:
        return {one.name: one.read_bytes() for one in _files(folder) if one.name != FILE}

    kept = {(one.kind, one.id) for one in load_site(current).retired.lines}
    return content(current) == content(source) and kept == {(one.kind, one.id) for one in retired}
