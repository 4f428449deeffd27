import pytest

from tests.fakes.tickets import NUMBER, SITE
from tests.integration.test_ticketing_casework import AGENT, HEAD, POLICE, REVIEWER, Hotline
from ticketing.database import Database
from ticketing.errors import AccessRefused
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.table import Actor
from ticketing.masking import HIDDEN
from ticketing.privacy import Privacy
from ticketing.records import TicketFilter
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import AgencyId, FieldName, Role, TicketState

pytestmark = pytest.mark.database

LEADER = Actor(id="leader", role=Role.LEADER)
SECRET = {FieldName.CONFIDENTIAL: "yes", FieldName.CONTENT: f"申先生（{NUMBER}）举报占道。"}


@pytest.fixture
def hotline(database: Database) -> Hotline:
    return Hotline(database)


@pytest.fixture
def privacy(hotline: Hotline) -> Privacy:
    return Privacy(SITE, hotline.clock)


async def test_everybody_sees_a_citizen_masked(hotline: Hotline, privacy: Privacy) -> None:
    reference = await hotline.dispatched()
    for actor in (AGENT, HEAD, LEADER):
        async with UnitOfWork(hotline.database) as unit:
            shown = await privacy.sheet(unit, reference, actor)
        assert (shown.citizen_name, shown.callback_phone) == ("申**", "138****5678")


async def test_a_reason_reveals_and_is_kept(hotline: Hotline, privacy: Privacy) -> None:
    reference = await hotline.dispatched()
    async with UnitOfWork(hotline.database) as unit:
        identity = await privacy.reveal(unit, reference, HEAD, "联系来电人")
        with pytest.raises(AccessRefused, match="必须说明理由"):
            await privacy.reveal(unit, reference, HEAD, " ")
        with pytest.raises(AccessRefused, match="无权"):
            await privacy.reveal(unit, reference, LEADER, "看看")
        with pytest.raises(AccessRefused, match="不在本单位"):
            await privacy.reveal(unit, reference, POLICE, "看看")
        kept = await unit.audits.of_subject("ticket", reference)
    assert (identity.name, identity.phone) == ("申先生", NUMBER)
    assert [(one.actor, one.action, one.why) for one in kept] == [("cg", "reveal", "联系来电人")]


async def test_a_confidential_citizen_is_hidden_from_the_agency_altogether(hotline: Hotline, privacy: Privacy) -> None:
    reference = await hotline.dispatched(fields=SECRET)
    async with UnitOfWork(hotline.database) as unit:
        for actor in (HEAD, LEADER):
            shown = await privacy.sheet(unit, reference, actor)
            assert (shown.citizen_name, shown.callback_phone) == ("", "")
            assert shown.content == f"{HIDDEN}（{HIDDEN}）举报占道。"
        assert (await privacy.sheet(unit, reference, AGENT)).callback_phone == "138****5678"
        with pytest.raises(AccessRefused, match="保密工单"):
            await privacy.reveal(unit, reference, HEAD, "联系")
        assert (await privacy.reveal(unit, reference, AGENT, "回访")).phone == NUMBER


async def test_reading_a_sensitive_ticket_is_kept(hotline: Hotline, privacy: Privacy) -> None:
    reference = await hotline.dispatched(fields={FieldName.CATEGORY: "010201"})
    async with UnitOfWork(hotline.database) as unit:
        await privacy.sheet(unit, reference, REVIEWER)
        kept = await unit.audits.of_subject("ticket", reference)
    assert [(one.actor, one.action) for one in kept] == [("2001", "read")]


async def test_lists_show_what_was_asked_and_nobody_sees_other_agencies(hotline: Hotline, privacy: Privacy) -> None:
    first = await hotline.dispatched("call-1")
    second = await hotline.dispatched("call-2", {FieldName.CATEGORY: "110102", FieldName.LEAD_AGENCY: "b140802-jy"})
    await hotline.take(first, (s.Signed(), HEAD))
    waiting = await hotline.submit("call-3")

    async def listed(actor: Actor = AGENT, **wanted: object) -> list[str]:
        async with UnitOfWork(hotline.database, reads=True) as unit:
            found = await privacy.listing(unit, TicketFilter(**wanted), actor)  # type: ignore[arg-type]
        assert all("*" in one.callback_phone for one in found)
        return [one.reference for one in found]

    assert await listed() == [waiting, second, first]
    assert await listed(states=(TicketState.IN_PROGRESS,)) == [first]
    assert await listed(before=second) == [first]
    assert await listed(category_prefix="11") == [second]
    assert await listed(agencies=(AgencyId("b140802-jy"),)) == [second]
    assert await listed(supervised=True) == []
    due = (await hotline.case(first)).ticket.due_at
    assert await listed(due_before=due) == [second]  # three working days, not five
    assert await listed(HEAD) == [waiting, first]
    assert await listed(HEAD, agencies=(AgencyId("b140802-jy"),)) == []
    assert await listed(POLICE) == []
    assert await listed(Actor(id="lost", role=Role.HANDLER)) == []


async def test_a_list_does_not_say_what_a_sensitive_ticket_says(hotline: Hotline, privacy: Privacy) -> None:
    sensitive = await hotline.dispatched("call-1", {FieldName.CATEGORY: "010201"})
    plain = await hotline.dispatched("call-2")
    async with UnitOfWork(hotline.database, reads=True) as unit:
        found = {str(one.reference): one for one in await privacy.listing(unit, TicketFilter(), REVIEWER)}
    assert (found[sensitive].content, found[sensitive].address) == ("", "")
    assert found[sensitive].title
    assert found[plain].content
