"""What agents corrected in the drafts, as lines the categoriser learns from.

Only what a person set counts: a field an agent left alone says nothing. Utterances a name, a number or an address was
taken from are left out, and so is whatever holds many digits: who the citizen is must not outlive the ticket here.
"""

import re

from ticketing.database import Database
from ticketing.drafting.corrections import Correction
from ticketing.records import SegmentRecord
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.views import DraftView
from ticketing.vocabulary import CategoryCode, ContactId, FieldName, Speaker

NEWEST = 5_000
"""Submitted drafts read, the newest."""

_WHO = (FieldName.CITIZEN_NAME, FieldName.CALLBACK_PHONE, FieldName.ADDRESS, FieldName.PLACE)
_DIGITS = re.compile(r"[0-9零一二三四五六七八九幺两]{5}")
_SHORTEST = 4


async def corrections(database: Database, site: Site, limit: int = NEWEST) -> list[Correction]:
    """The categories agents set on what became tickets, with what was said; those the site lacks are passed over."""
    found: list[Correction] = []
    async with UnitOfWork(database, reads=True) as unit:
        for draft in await unit.drafts.newest_submitted(limit):
            category = draft.fields[FieldName.CATEGORY]
            if category.mine and CategoryCode(category.value) in site.categories:
                texts = _told(draft, await unit.transcripts.segments(ContactId(draft.call)))
                if texts:
                    found.append(Correction(category_code=category.value, texts=texts))
    return found


def _told(draft: DraftView, segments: tuple[SegmentRecord, ...]) -> tuple[str, ...]:
    who = {utterance for name in _WHO for utterance in draft.fields[name].evidence}
    return tuple(
        segment.text
        for segment in segments
        if segment.speaker is Speaker.CITIZEN
        and segment.id not in who
        and len(segment.text) >= _SHORTEST
        and not _DIGITS.search(segment.text)
    )
