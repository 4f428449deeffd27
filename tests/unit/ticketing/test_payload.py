from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.tickets import SITE
from ticketing.masking import HIDDEN
from ticketing.payload import Dispatch, dispatch_of
from ticketing.records import OutboxRecord, TicketRecord
from ticketing.vocabulary import (
    AgencyId,
    AgencyPart,
    CategoryCode,
    ContactId,
    DispatchState,
    Medium,
    PlaceId,
    Reference,
    RequestType,
    TicketState,
    Urgency,
)

NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
TICKET = TicketRecord(
    reference=Reference("2611020001"),
    revision=0,
    state=TicketState.PENDING_DISPATCH,
    contact=ContactId("call-1"),
    draft_id="draft-1",
    submit_key="draft-1",
    medium=Medium.PHONE,
    request_type=RequestType.REPORT,
    category_code=CategoryCode("070101"),
    category="生态环境/大气污染/化工异味与企业排放",
    place_id=PlaceId("p140802-456"),
    address="汽贸城对面",
    citizen_name="申先生",
    callback_phone="13800005678",
    confidential=False,
    sensitive=True,
    lead_agency_id=AgencyId("d-sthj-zf"),
    lead_agency="运城市生态环境保护综合行政执法队",
    co_agency_ids=(),
    urgency=Urgency.URGENT,
    deadline_rule_id="dl-urgent",
    due_at=NOW,
    title="举报化工异味",
    content="申先生（13800005678）反映夜间异味。",
    created_by="1001",
    created_at=NOW,
)
ENTRY = OutboxRecord(
    key="2611020001-d-sthj-zf",
    reference=TICKET.reference,
    agency_id=TICKET.lead_agency_id,
    part=AgencyPart.LEAD,
    state=DispatchState.PENDING,
    attempts=1,
    created_at=NOW,
    next_at=NOW,
    attempted_at=NOW,
)


def message(**changes: object) -> Dispatch:
    ticket = msgspec.structs.replace(TICKET, **changes)
    return dispatch_of(ticket, ENTRY, SITE, dispatched_at=NOW, due_at=NOW)


def test_an_agency_sees_whom_to_call_back_and_where_to_go() -> None:
    sent = message()
    assert sent.citizen is not None
    assert (sent.citizen.name, sent.citizen.phone) == ("申先生", "13800005678")
    assert sent.place.startswith("盐湖区")
    assert sent.place.endswith(SITE.place("p140802-456").name)
    assert (sent.agency, sent.part) == (SITE.agency("d-sthj-zf").name, AgencyPart.LEAD)


def test_a_confidential_ticket_names_nobody() -> None:
    sent = message(confidential=True)
    assert sent.citizen is None
    assert sent.content == f"{HIDDEN}（{HIDDEN}）反映夜间异味。"


@given(name=st.text("申张王先生女士", min_size=1, max_size=4), phone=st.text("0123456789", min_size=3, max_size=11))
def test_no_confidential_message_holds_name_or_number(name: str, phone: str) -> None:
    text = f"{name}说{phone}{name}"
    sent = message(confidential=True, citizen_name=name, callback_phone=phone, title=text, content=text, address=text)
    for shown in (sent.title, sent.content, sent.address):
        assert name not in shown
        assert phone not in shown


def test_a_retired_place_or_agency_does_not_stop_a_dispatch() -> None:
    sent = dispatch_of(
        msgspec.structs.replace(TICKET, place_id=PlaceId("p-gone")),
        msgspec.structs.replace(ENTRY, agency_id=AgencyId("d-gone")),
        SITE,
        dispatched_at=NOW,
        due_at=NOW,
    )
    assert (sent.place, sent.agency) == ("", "d-gone")


def test_it_is_read_back_as_it_was_written() -> None:
    assert msgspec.json.decode(msgspec.json.encode(message()), type=Dispatch) == message()
