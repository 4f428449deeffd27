"""The articles shown beside a call while it is talked of: the three best, steady as long as the matter is. Pure.

What is said changes with every utterance and the engine's order with it; a panel that jumps is not read. So an article
that is shown stays, in its place, until another is better by a margin, or the matter is another one.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from ticketing.knowledge.index import KnowledgeIndex
from ticketing.views import ArticleHit, Proposal, Utterance
from ticketing.vocabulary import ArticleId, FieldName, Speaker

SHOWN = 3
MARGIN, MARGIN_OTHER_MATTER = 1.8, 1.2
"""How many times better than an article shown another must be to take its place; and where the category changed."""

_WIDE = 12
_FROM_LETTERS = 8
_LISTEN_BACK = 6
_SAME_MATTER, _LIKELY_MATTER = 1.6, 1.25


class Suggestions(msgspec.Struct, frozen=True, kw_only=True):
    """What one call's panel shows, and the category it was chosen for ("" where none was sure)."""

    matter: str = ""
    hits: tuple[ArticleHit, ...] = ()


def suggest(
    index: KnowledgeIndex, before: Suggestions, utterances: Sequence[Utterance], proposal: Proposal, on: date
) -> Suggestions:
    """What to show now, given what was shown `before`. `on` is the site's day; expired articles are never suggested."""
    said = "".join(u.text for u in utterances if u.speaker is Speaker.CITIZEN)
    if len(said) < _FROM_LETTERS:
        return before
    category = proposal.fields[FieldName.CATEGORY]
    likely = {choice.value for choice in category.alternatives[:2]}
    found = _found(index, utterances, proposal, on)
    ranked = {
        hit.id: msgspec.structs.replace(hit, score=round(score, 3))
        for hit, score in sorted(
            ((hit, hit.score * _fits(index, hit, category.value, likely)) for hit in found.values()),
            key=lambda pair: (-pair[1], pair[0].id),
        )
    }
    matter = category.value or before.matter
    margin = MARGIN if matter == before.matter else MARGIN_OTHER_MATTER
    return Suggestions(matter=matter, hits=_steady(before.hits, ranked, margin))


def _found(
    index: KnowledgeIndex, utterances: Sequence[Utterance], proposal: Proposal, on: date
) -> Mapping[str, ArticleHit]:
    """Hits for the matter as the draft names it, and for what the citizen said last; the better score of both."""
    label = proposal.fields[FieldName.CATEGORY].label.rpartition("› ")[2]
    title = proposal.fields[FieldName.TITLE].value
    last = [u.text for u in utterances if u.speaker is Speaker.CITIZEN][-_LISTEN_BACK:]
    found: dict[str, ArticleHit] = {}
    for query in (f"{label} {title}", " ".join(last)):
        hits = [hit for hit in index.search(query, _WIDE, on=on) if not hit.expired]
        top = max((hit.score for hit in hits), default=1.0)
        for hit in hits:
            kept = found.get(hit.id)
            score = hit.score / top + (kept.score if kept else 0.0)
            found[hit.id] = msgspec.structs.replace(kept or hit, score=score)
    return found


def _fits(index: KnowledgeIndex, hit: ArticleHit, category: str, likely: set[str]) -> float:
    article = index.article(ArticleId(hit.id))
    if article is None:
        return 0.0
    if article.category_code == category:
        return _SAME_MATTER
    return _LIKELY_MATTER if article.category_code in likely else 1.0


def _steady(shown: Sequence[ArticleHit], ranked: Mapping[str, ArticleHit], margin: float) -> tuple[ArticleHit, ...]:
    """The shown hits, each in its place unless a newcomer is better by the margin; free places go to the best."""
    scores = {hit.id: ranked[hit.id].score if hit.id in ranked else 0.0 for hit in shown}
    kept = list(shown)
    newcomers = [hit for hit in ranked.values() if hit.id not in scores]
    for hit in newcomers:
        if len(kept) < SHOWN:
            kept.append(hit)
            scores[hit.id] = hit.score
            continue
        worst = min(range(len(kept)), key=lambda at: scores[kept[at].id])
        if hit.score > margin * scores[kept[worst].id]:
            kept[worst] = hit
            scores[hit.id] = hit.score
    return tuple(kept)
