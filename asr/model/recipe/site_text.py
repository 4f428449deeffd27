"""The words and sentences of a site pack: places, agencies, categories, articles, phrases.

Reads the pack's files as data (asr knows nothing of tickets): places.csv, agencies.csv, categories.csv, kb.jsonl and
phrases.txt. A missing file is an error that names it.
"""

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path

HANZI = re.compile(r"[\u4e00-\u9fff]+")


class SiteIncomplete(ValueError):
    """The folder is not a site pack; the text names the missing file."""


@dataclass(frozen=True, slots=True)
class SiteText:
    """Hanzi only: whole names of places and agencies, sentences nobody segmented yet."""

    places: tuple[str, ...]
    agencies: tuple[str, ...]
    keywords: tuple[str, ...]
    phrases: tuple[str, ...]
    articles: tuple[str, ...]


def load(folder: Path) -> SiteText:
    """Read a site pack. Raises SiteIncomplete."""
    for name in ("places.csv", "agencies.csv", "categories.csv", "kb.jsonl", "phrases.txt"):
        if not (folder / name).is_file():
            raise SiteIncomplete(f"no {name} in {folder}; point --site at a site pack")
    articles: list[str] = []
    for line in (folder / "kb.jsonl").read_text("utf-8").splitlines():
        article = json.loads(line)
        for text in (*article["questions"], article["title"], article["answer"]):
            articles += clauses(text)
    return SiteText(
        places=_cells(folder / "places.csv", ("name", "aliases")),
        agencies=_cells(folder / "agencies.csv", ("name", "short_name", "aliases")),
        keywords=_cells(folder / "categories.csv", ("level1", "level2", "level3", "keywords"))
        + _cells(folder / "agencies.csv", ("duties",)),
        phrases=tuple(clauses((folder / "phrases.txt").read_text("utf-8"))),
        articles=tuple(articles),
    )


def clauses(text: str) -> list[str]:
    """The runs of hanzi in a text; punctuation, digits and letters end a run."""
    return HANZI.findall(text)


def _cells(path: Path, columns: tuple[str, ...]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for column in columns:
                for value in (row[column] or "").split("|"):
                    if HANZI.fullmatch(value):
                        found[value] = None
    return tuple(found)
