"""What a citizen is told of a work order by its number."""

from zoneinfo import ZoneInfo

import pytest

from asterisk_conf.numerals import digit_sounds
from ivr.announcements import CallPlans, prompt_book
from ivr.calls.plan import CallPlan
from ivr.enquiry import Enquiry
from ivr.settings import QueueSettings
from tests.fakes.tickets import MONDAY, SITE, TestClock, a_contact, draft_of
from ticketing.database import Database
from ticketing.service import TicketService
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import FieldName

BOOK = prompt_book(SITE)
TEXTS = BOOK.texts()


def said(sounds: tuple[str, ...]) -> str:
    return "".join(TEXTS[sound] for sound in sounds)


async def submitted(database: Database, call: str, fields: dict[FieldName, str] | None = None) -> str:
    await a_contact(database, call)
    service = TicketService(SITE, TestClock())
    async with UnitOfWork(database) as unit:
        return (await service.submit(unit, draft_of(call, fields), "1001", call)).reference


@pytest.mark.database
async def test_state_and_deadline_are_told_and_nothing_else(database: Database) -> None:
    reference = await submitted(database, "call-1")
    clock = TestClock()
    enquiry = Enquiry(database, BOOK, ZoneInfo("Asia/Shanghai"), clock)
    sounds = await enquiry.sounds(reference)
    told = said(sounds)
    assert "待派单" in told
    assert "十一月九日" in told
    for hidden in ("申先生", "汽贸城", "城管", "13800005678"):
        assert hidden not in told
    assert all(sound in sounds for sound in digit_sounds(reference))
    clock.forward(days=20)
    assert "前答复" not in said(await enquiry.sounds(reference)), "a promise that was broken is not repeated"
    assert await enquiry.sounds("9999999999") == ()


@pytest.mark.database
async def test_a_confidential_matter_is_not_told_of(database: Database) -> None:
    reference = await submitted(database, "call-1", {FieldName.CONFIDENTIAL: "yes"})
    async with UnitOfWork(database, reads=True) as unit:
        assert (await unit.tickets.get(reference)).confidential
    assert await Enquiry(database, BOOK, ZoneInfo("Asia/Shanghai"), TestClock()).sounds(reference) == ()


def plan(**queue: bool | str) -> CallPlan:
    settings = QueueSettings(**queue)  # type: ignore[arg-type]
    return CallPlans(SITE, BOOK, settings, "PJSIP/{number}@trunk").at(MONDAY)


def test_the_sites_menu_leads_to_it_and_everything_said_has_a_sound() -> None:
    made = plan(menu=True, survey=True)
    assert (made.enquiry.key, made.enquiry.length, made.enquiry.attempts) == ("3", 10, 2)
    assert "menu_progress" in made.menu.sounds
    for sounds in (made.enquiry.ask, made.enquiry.not_found, made.survey.ask, made.survey.low, made.place_kept):
        assert sounds
        assert said(sounds)


def test_without_a_menu_there_is_no_key_for_it_and_without_a_survey_none_is_asked() -> None:
    made = plan(keep_place_key="")
    assert (made.enquiry.key, made.survey.ask, made.keep_key) == (None, (), None)
