"""What agents corrected, read back from submitted drafts on both databases."""

from datetime import timedelta

import msgspec
import pytest

from tests.fakes.tickets import MONDAY, SITE, a_contact, draft_of
from ticketing.database import Database
from ticketing.learning import corrections
from ticketing.records import SegmentRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.views import DraftView
from ticketing.vocabulary import ContactId, FieldName, Speaker

pytestmark = pytest.mark.database

SAID = (
    ("s1", Speaker.CITIZEN, "楼下烤鱼的排风机对着我家窗户"),
    ("s2", Speaker.AGENT, "您贵姓电话多少"),
    ("s3", Speaker.CITIZEN, "姓申幺三八三五九九二七四六"),
    ("s4", Speaker.CITIZEN, "我住汽贸城三号楼"),
    ("s5", Speaker.CITIZEN, "衣服上全是油烟味"),
)


def _segments() -> list[SegmentRecord]:
    return [
        SegmentRecord(
            id=name, speaker=speaker, start_ms=1000 * at, end_ms=1000 * at + 900, text=text, spoken=text, words=()
        )
        for at, (name, speaker, text) in enumerate(SAID)
    ]


def _corrected(draft: DraftView, category: str, *, mine: bool) -> DraftView:
    fields = dict(draft.fields)
    fields[FieldName.CATEGORY] = msgspec.structs.replace(fields[FieldName.CATEGORY], value=category, mine=mine)
    fields[FieldName.ADDRESS] = msgspec.structs.replace(fields[FieldName.ADDRESS], evidence=("s4",))
    return msgspec.structs.replace(draft, fields=fields)


async def _submitted(database: Database, call: str, category: str, *, mine: bool) -> None:
    await a_contact(database, call)
    async with UnitOfWork(database) as unit:
        await unit.transcripts.add_segments(ContactId(call), _segments())
        draft = _corrected(draft_of(call), category, mine=mine)
        await unit.drafts.save(draft, MONDAY + timedelta(minutes=1))
        await unit.drafts.submitted(draft.id, "2611020001")


async def test_a_category_set_by_an_agent_is_a_correction_without_who_the_citizen_is(database: Database) -> None:
    await _submitted(database, "c1", "070102", mine=True)
    [learned] = await corrections(database, SITE)
    assert learned.category_code == "070102"
    assert learned.texts == (SAID[0][2], SAID[4][2])


@pytest.mark.parametrize(("category", "mine"), [("070102", False), ("999999", True)])
async def test_what_no_agent_set_or_the_site_lacks_is_none(database: Database, category: str, *, mine: bool) -> None:
    await _submitted(database, "c1", category, mine=mine)
    assert await corrections(database, SITE) == []
