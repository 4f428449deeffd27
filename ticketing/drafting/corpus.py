"""What the classifier learns from: lines written for it, and what the site pack says of its categories.

Training files (`training/*.txt`) are plain text: a heading `# 010101 占道经营` names a category, every line below is one
thing callers, or agents in their words, say of it. A heading whose code and name are not both the site's is skipped with
its lines, so the files of one taxonomy do no harm in another. `# 背景` heads lines that tell nothing of any matter.
"""

import hashlib
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ticketing.drafting.spoken import plain
from ticketing.site import Site

BACKGROUND = "背景"
_HEADING = re.compile(r"^#\s*(\S+)(?:\s+(.+?))?\s*$")
_BOILERPLATE = re.compile(r"(最新规定为准|便于派人核实|补充上传|请说明详细地址)")


class Line(NamedTuple):
    """One training text and the category it speaks of; `own` marks lines written for training."""

    code: str
    text: str
    own: bool


def training_dir() -> Path:
    """The folder of the embedded training files."""
    return Path(__file__).parent / "training"


def read_training(folder: Path, names: dict[str, str]) -> Iterator[Line]:
    """The lines of every file in `folder`; `names` maps the site's category codes to their names."""
    for path in sorted(folder.glob("*.txt")):
        code = ""
        for raw in path.read_text(encoding="utf-8").splitlines():
            if heading := _HEADING.match(raw):
                mark, name = heading[1], heading[2] or ""
                code = mark if mark == BACKGROUND or names.get(mark) == name else ""
            elif code and (text := plain(raw)):
                yield Line(code, text, own=True)


def site_lines(site: Site) -> Iterator[Line]:
    """What the pack says: names, keywords, and the articles' titles, questions and sentences."""
    for category in site.categories.values():
        for text in (category.level3, category.level2 + category.level3, *category.keywords):
            yield Line(category.code, plain(text), own=False)
    for article in site.articles.values():
        for text in (article.title, *article.questions, *article.answer.split("。")):
            if len(text) > 1 and not _BOILERPLATE.search(text):
                yield Line(article.category_code, plain(text), own=False)


def manifest(lines: Iterable[Line]) -> str:
    """A short text that changes with any line."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line.code} {line.text}\n".encode())
    return digest.hexdigest()


def conversations(lines: Sequence[Line], *, seed: int = 7, rounds: int = 2) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Lines of one category put together as a call holds them, with background between: `(code, texts)`.

    A call tells its matter in several turns and much that is no matter; single lines alone would teach the model that
    every word counts.
    """
    source = random.Random(seed)  # noqa: S311 - mixes training texts, guards nothing
    by_code: dict[str, list[str]] = {}
    for line in lines:
        by_code.setdefault(line.code, []).append(line.text)
    background = by_code.pop(BACKGROUND, [])
    for code, texts in sorted(by_code.items()):
        for _ in range(rounds):
            mixed = source.sample(texts, len(texts))
            while mixed:
                take, mixed = mixed[: source.randint(2, 5)], mixed[5:]
                yield code, (*take, *source.sample(background, min(len(background), source.randint(1, 4))))
