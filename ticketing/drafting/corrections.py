"""What agents corrected, taken in by the categoriser - or not, where it would get worse by it.

Corrections that were taken in are kept beside the model (`learned.jsonl`); `Categoriser.of_site` trains with them.
"""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ticketing.drafting.categoriser import corpus, fit
from ticketing.drafting.corpus import BACKGROUND, Line, learned_path, line, manifest
from ticketing.drafting.features import bag
from ticketing.drafting.textmodel import TextModel
from ticketing.site import Site

_HELD_OUT = 0.1
_TOLERANCE = 0.003
"""A model may be this much less accurate on what was held out; differences below it are chance."""

_SHORTEST = 8
"""Lines shorter than this say too little to judge a model by."""


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """The category an agent gave a call, and what the citizen said in it."""

    category_code: str
    texts: tuple[str, ...]


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: how many corrections there were, and the share of what was held out that the model without and
    the model with them gets right.
    """

    taken: bool
    corrections: int
    held_out: int
    before: float
    after: float


def learn(site: Site, corrections: Sequence[Correction], cache: Path) -> Learned:
    """Train the categoriser anew with `corrections` and keep it in `cache`, unless it would be worse.

    Takes about a minute. Raises `UnknownId` for a category the site does not have; nothing is changed then.
    """
    lines = [line(site.category(one.category_code).code, "，".join(one.texts)) for one in corrections]
    lines = [one for one in lines if one.text]
    base = corpus(site)
    held_out, before, after = compare(base, lines, fit)
    taken = bool(lines) and after >= before - _TOLERANCE
    if taken:
        everything = [*base, *lines]
        fit(everything).save(cache / "categories.npz", manifest(everything))
        _keep(lines, learned_path(cache))
    return Learned(taken=taken, corrections=len(lines), held_out=held_out, before=before, after=after)


def compare(
    base: Sequence[Line], corrections: Sequence[Line], train: Callable[[Sequence[Line]], TextModel], seed: int = 1
) -> tuple[int, float, float]:
    """How many lines were held out, and the share a model without and one with the corrections gets right.

    A tenth of both kinds is held out, at least one correction where there are two.
    """
    source = random.Random(seed)  # noqa: S311 - draws a sample, guards nothing
    old = [one for one in base if one.label != BACKGROUND and len(one.text) >= _SHORTEST]
    held = source.sample(old, max(1, round(len(old) * _HELD_OUT))) if old else []
    fresh = list(corrections)
    if len(fresh) > 1:
        held += source.sample(fresh, max(1, round(len(fresh) * _HELD_OUT)))
    out = {id(one) for one in held}
    kept = [one for one in base if id(one) not in out]
    added = [one for one in fresh if id(one) not in out]
    without, with_them = train(kept), train([*kept, *added])
    return len(held), _share(without, held), _share(with_them, held)


def _share(model: TextModel, lines: Sequence[Line]) -> float:
    """The share of lines whose label the model finds."""
    if not lines:
        return 0.0
    right = sum(model.labels[int(model.scores(bag([(one.text, 1.0)])).argmax())] == one.label for one in lines)
    return right / len(lines)


def _keep(lines: Sequence[Line], path: Path) -> None:
    """Write the corrections that were taken in; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    rows = [json.dumps([one.label, *one.clauses], ensure_ascii=False) for one in lines]
    partial.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    partial.replace(path)
