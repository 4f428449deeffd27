"""Ids a site no longer uses but its old tickets still name: `retired.jsonl` of a pack, one part a line. Pure data.

Loading a changed pack writes the file (`ticketing.site_store`); a person need never touch it.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from ticketing.pack import Agency, Article, Category, Part, Place, Refusal
from ticketing.pack_deadlines import DeadlineRule
from ticketing.pack_reader import Faults, read_json_lines

FILE = "retired.jsonl"


class PartKind(StrEnum):
    """The parts of a pack that have ids tickets keep."""

    AGENCY = "agency"
    CATEGORY = "category"
    PLACE = "place"
    ARTICLE = "article"
    RULE = "rule"
    REFUSAL = "refusal"


STRUCTS: Mapping[PartKind, type[msgspec.Struct]] = {
    PartKind.AGENCY: Agency,
    PartKind.CATEGORY: Category,
    PartKind.PLACE: Place,
    PartKind.ARTICLE: Article,
    PartKind.RULE: DeadlineRule,
    PartKind.REFUSAL: Refusal,
}


class RetiredPart(Part, frozen=True, kw_only=True):
    """A part that was in force until `retired_on`, as it last stood."""

    kind: PartKind
    id: str
    retired_on: date
    part: dict[str, Any]


class Retired:
    """All retired parts of a site."""

    def __init__(self, lines: tuple[RetiredPart, ...] = ()) -> None:
        """Raises `msgspec.ValidationError` for a part that is none of its kind."""
        self.lines = lines
        self._parts = {(one.kind, one.id): msgspec.convert(one.part, STRUCTS[one.kind]) for one in lines}

    def get(self, kind: PartKind, part_id: str) -> Any:
        """The part, None where there is no such retired one."""
        return self._parts.get((kind, part_id))


def read_retired(faults: Faults, folder: Path) -> Retired:
    """The retired parts of a pack; none where it has no such file."""
    if not (folder / FILE).exists():
        return Retired()
    sound = []
    for line, one in read_json_lines(faults, folder, FILE, RetiredPart):
        try:
            Retired((one,))
        except msgspec.ValidationError as error:
            faults.add(FILE, line, f"{one.kind} {one.id!r} is broken ({error})", "put the line back as it was")
        else:
            sound.append(one)
    return Retired(tuple(sound))
