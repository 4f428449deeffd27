"""What the models learn from: lines written for them, and what the site pack says of its categories.

Training files (`training/*/*.txt`) are plain text: a heading `# 010101 占道经营` names a label, every line below is
one thing callers, or agents in their words, say of it. A heading whose code and name are not both the site's is
skipped with its lines, so the files of one taxonomy do no harm in another. `# 背景` heads lines that tell nothing
of any matter.
"""

import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ticketing.drafting.spoken import plain
from ticketing.site import Site

BACKGROUND = "背景"
_HEADING = re.compile(r"^#\s*(\S+)(?:\s+(.+?))?\s*$")
_BOILERPLATE = re.compile(r"(最新规定为准|便于派人核实|补充上传|请说明详细地址)")


class Line(NamedTuple):
    """One training text and its label. `clauses` are the parts it was written in, `text` all of it in plain form."""

    label: str
    text: str
    clauses: tuple[str, ...]


def line(label: str, raw: str) -> Line:
    """A line from raw text; spaces and punctuation part its clauses."""
    clauses = tuple(part for piece in re.split(r"[\s，。；、！？]+", raw) if (part := plain(piece)))
    return Line(label, "".join(clauses), clauses)


def training_dir(of: str) -> Path:
    """The folder of the embedded training files of one model."""
    return Path(__file__).parent / "training" / of


def read_training(folder: Path, names: Mapping[str, str]) -> Iterator[Line]:
    """The lines of every file in `folder`; `names` maps the labels that count to the names they must stand with."""
    for path in sorted(folder.glob("*.txt")):
        label = ""
        for raw in path.read_text(encoding="utf-8").splitlines():
            if heading := _HEADING.match(raw):
                label = heading[1] if names.get(heading[1]) == (heading[2] or "") else ""
            elif label and (found := line(label, raw)).text:
                yield found


def site_lines(site: Site) -> Iterator[Line]:
    """What the pack says: names, keywords, and the articles' titles, questions and sentences."""
    for category in site.categories.values():
        for text in (category.level3, category.level2 + category.level3, *category.keywords):
            yield line(category.code, text)
    for article in site.articles.values():
        for text in (article.title, *article.questions, *article.answer.split("。")):
            if len(text) > 1 and not _BOILERPLATE.search(text):
                yield line(article.category_code, text)


def learned_path(cache: Path) -> Path:
    """Where the corrections stand that the categoriser has learned from."""
    return cache / "learned.jsonl"


def read_learned(cache: Path, names: Mapping[str, str]) -> Iterator[Line]:
    """The corrections kept in `cache`; those of categories the site no longer has are passed over."""
    path = learned_path(cache)
    if path.exists():
        for row in path.read_text(encoding="utf-8").splitlines():
            label, *clauses = json.loads(row)
            if label in names:
                yield Line(label, "".join(clauses), tuple(clauses))


def manifest(lines: Iterable[Line]) -> str:
    """A short text that changes with any line."""
    digest = hashlib.sha256()
    for one in lines:
        digest.update(f"{one.label} {one.text}\n".encode())
    return digest.hexdigest()


def conversations(lines: Sequence[Line], *, rounds: int = 2, seed: int = 7) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Lines of one label put together as a call holds them, with background between: `(label, texts)`.

    A call tells its matter in several turns and much that is no matter; single lines alone would teach a model that
    every word counts.
    """
    source = random.Random(seed)  # noqa: S311 - mixes training texts, guards nothing
    by_label: dict[str, list[str]] = {}
    for one in lines:
        by_label.setdefault(one.label, []).append(one.text)
    background = by_label.pop(BACKGROUND, [])
    for label, texts in sorted(by_label.items()):
        for _ in range(rounds):
            mixed = source.sample(texts, len(texts))
            while mixed:
                take = source.randint(2, 5)
                yield label, (*mixed[:take], *source.sample(background, min(len(background), source.randint(1, 4))))
                mixed = mixed[take:]
