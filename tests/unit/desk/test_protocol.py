"""The reference of the protocol says what the protocol is, and every step can be asked for as it says."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from ivr.desk.moves import FIELDS, Grounds, moves
from ivr.desk.protocol import PAGE, page, who_may
from ivr.desk.ticket_views import FieldKind
from ivr.desk.wire import AnyFromDesk, AnyFromServer
from tests.fakes.tickets import MONDAY, SITE
from ticketing.acts import MACHINES, words_of
from ticketing.lifecycle.life import Life
from ticketing.lifecycle.steps import STEPS
from ticketing.records import TicketRecord
from ticketing.vocabulary import (
    AgencyId,
    CategoryCode,
    ContactId,
    Medium,
    Reference,
    RequestType,
    TicketState,
    Urgency,
)

KEPT = Path(__file__).parents[3] / PAGE
TICKET = TicketRecord(
    reference=Reference("2611020001"),
    revision=0,
    state=TicketState.IN_PROGRESS,
    contact=ContactId("c1"),
    draft_id=None,
    submit_key="c1",
    medium=Medium.PHONE,
    request_type=RequestType.COMPLAINT,
    category_code=CategoryCode("010101"),
    category="城市管理",
    place_id=None,
    address="",
    citizen_name="",
    callback_phone="",
    confidential=False,
    sensitive=False,
    lead_agency_id=AgencyId("d-cgj-zf"),
    lead_agency="执法支队",
    co_agency_ids=(),
    urgency=Urgency.NORMAL,
    deadline_rule_id="dl-general",
    due_at=MONDAY,
    title="占道",
    content="占道",
    created_by="1001",
    created_at=MONDAY,
)
GROUNDS = Grounds(site=SITE, ticket=TICKET, life=Life(holders=(AgencyId("d-cgj-zf"),), supervision=1))


def test_the_page_in_the_docs_is_the_protocol() -> None:
    assert KEPT.read_text(encoding="utf-8") == page(), f"run python -m ivr.desk.protocol > {PAGE}"


@pytest.mark.parametrize("kind", [*get_args(AnyFromDesk), *get_args(AnyFromServer)])
def test_every_message_is_on_the_page_with_all_its_fields(kind: type[msgspec.Struct]) -> None:
    text = KEPT.read_text(encoding="utf-8")
    _, found, rest = text.partition(f"\n#### `{kind.__name__}`\n")
    assert found, kind.__name__
    section = re.split(r"\n#{2,4} ", rest, maxsplit=1)[0]
    told = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert told == {field.encode_name for field in msgspec.structs.fields(kind)} - {"request", "seq"}


def test_it_is_said_of_every_request_who_may_make_it() -> None:
    assert all(who_may(kind) for kind in get_args(AnyFromDesk))


@pytest.mark.parametrize("kind", STEPS)
def test_a_desk_is_told_how_to_ask_for_every_step(kind: str) -> None:
    if STEPS[kind] in MACHINES or kind == "received":
        return
    (move,) = moves((kind,), GROUNDS)
    assert tuple(field.name for field in move.fields) == words_of(STEPS[kind])
    chosen = [field for field in move.fields if field.kind is FieldKind.CHOICE]
    assert all(field.choices for field in chosen)


def test_nothing_is_asked_for_that_is_no_step() -> None:
    assert set(FIELDS) <= set(STEPS)
