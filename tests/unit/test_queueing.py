"""The queue's rules, the callers known, and the hours, as made from site and settings."""

import copy
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from ivr.announcements import CallPlans, prompt_book
from ivr.callers import KnownCallers
from ivr.calls.acd import Step
from ivr.calls.caller import Caller
from ivr.calls.events import CallArrived
from ivr.calls.queue_rules import Strategy
from ivr.calls.roster import Roster
from ivr.calls.vocabulary import AgentId, CallerClass, CallId, LegId, PauseReason, Skill
from ivr.clock import SystemClock
from ivr.queueing import queue_rules, wrap_ups
from ivr.settings import QueueSettings, SettingsError
from tests.unit.calls.world import AT, agent
from ticketing.site import Site, default_site_dir, load_site

GENERAL, HEATING = Skill("general"), Skill("heating")


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(default_site_dir())


def arrived(number: str | None) -> CallArrived:
    return CallArrived(leg=LegId("leg"), caller_number=number, dialled="12345")


def test_a_special_desk_overflows_to_the_default_one(site: Site) -> None:
    rules = queue_rules(site, QueueSettings())
    assert rules.steps[GENERAL] == (Step(skill=GENERAL),)
    assert rules.steps[HEATING] == (Step(skill=HEATING), Step(skill=GENERAL, after_ms=60_000))


def test_experts_first_and_kept_agents_last(site: Site) -> None:
    rules = queue_rules(site, QueueSettings(experts_s=20, kept_open_s=90, overflow_s=0))
    assert rules.steps[HEATING] == (
        Step(skill=HEATING, least_level=2),
        Step(skill=HEATING, after_ms=20_000),
        Step(skill=HEATING, after_ms=90_000, anybody=True),
    )


def test_an_emergency_goes_before_all_and_an_enterprise_a_little(site: Site) -> None:
    rules = queue_rules(site, QueueSettings())
    ranks = {kind: rules.demand(GENERAL, Caller(kind=kind), 10_000_000).rank for kind in CallerClass}
    assert ranks[CallerClass.EMERGENCY] < ranks[CallerClass.ENTERPRISE] < ranks[CallerClass.ORDINARY]
    assert ranks[CallerClass.ORDINARY] - ranks[CallerClass.EMERGENCY] == 3_600_000


def test_fewest_calls_goes_before_longest_idle() -> None:
    roster = Roster([agent("1001"), agent("1002")], AT)
    for one in ("1001", "1002"):
        roster.sign_in(AgentId(one), AT)
        roster.ready(AgentId(one), AT)
    roster.reserve(AgentId("1001"), CallId("c"), AT)
    roster.connect(AgentId("1001"), CallId("c"), AT)
    roster.begin_wrap_up(AgentId("1001"), CallId("c"), AT)
    roster.end_wrap_up(AgentId("1001"), CallId("c"), AT)
    busy, fresh = roster.seat(AgentId("1001")), roster.seat(AgentId("1002"))
    assert (busy.taken, fresh.taken) == (1, 0)
    roster.pause(AgentId("1002"), PauseReason.MEAL, AT)
    fresh = roster.ready(AgentId("1002"), AT)
    assert busy.idle_rank < fresh.idle_rank
    site = load_site(default_site_dir())
    fewest = queue_rules(site, QueueSettings(strategy="fewest_calls"))
    longest = queue_rules(site, QueueSettings())
    assert (fewest.strategy, longest.strategy) == (Strategy.FEWEST_CALLS, Strategy.LONGEST_IDLE)
    assert fewest.server(fresh).rank < fewest.server(busy).rank
    assert longest.server(busy).rank < longest.server(fresh).rank


@pytest.mark.parametrize(
    ("settings", "mend"),
    [
        (QueueSettings(strategy="random"), "choose one of longest_idle, fewest_calls"),
        (QueueSettings(wrap_ups=("heating",)), "gives no time"),
        (QueueSettings(wrap_ups=("sailing=10",)), "names no skill"),
        (QueueSettings(notice="surge_sun"), "choose one it has"),
    ],
)
def test_what_can_be_mended_is_said(site: Site, settings: QueueSettings, mend: str) -> None:
    with pytest.raises(SettingsError, match=mend):
        CallPlans(site, prompt_book(site), settings), queue_rules(site, settings)


def test_wrap_up_limits_of_single_skills(site: Site) -> None:
    assert wrap_ups(site, QueueSettings(wrap_ups=("enterprise=180", "general=60"))) == {
        "enterprise": 180_000,
        "general": 60_000,
    }
    plan = CallPlans(site, prompt_book(site), QueueSettings(wrap_ups=("heating=30",))).at(AT)
    assert (plan.wrap_up_limit(HEATING), plan.wrap_up_limit(GENERAL)) == (30_000, 120_000)


def test_who_calls_again_is_known_with_their_agent() -> None:
    clock = SystemClock()
    callers = KnownCallers(clock, timedelta(hours=1), emergency=["110"], enterprise=["0359", "110"])
    assert callers.of(arrived("138")) == Caller()
    assert callers.of(arrived(None)) == Caller()
    callers.talked("138", AgentId("1001"), clock.now() - timedelta(minutes=59))
    callers.talked("139", AgentId("1001"), clock.now() - timedelta(minutes=61))
    callers.talked("110", AgentId("1002"), clock.now())
    assert callers.of(arrived("138")) == Caller(kind=CallerClass.REPEAT, preferred=AgentId("1001"))
    assert callers.of(arrived("139")) == Caller()
    assert callers.of(arrived("110")) == Caller(kind=CallerClass.EMERGENCY, preferred=AgentId("1002"))
    assert callers.of(arrived("0359")).kind is CallerClass.ENTERPRISE


def test_outside_the_hours_nobody_waits(site: Site) -> None:
    info = msgspec.structs.replace(
        site.info,
        opening_hours=msgspec.structs.replace(site.info.opening_hours, human_agents="08:00-20:00", days=("mon",)),
        announcements={**site.info.announcements, "closed": "现在没有话务员值班。"},
    )
    shut = copy.copy(site)
    shut.info = info
    plans = CallPlans(shut, prompt_book(shut), QueueSettings())
    monday = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 09:00 in the site's zone
    assert plans.at(monday).staffed
    for moment in (monday + timedelta(hours=12), monday + timedelta(days=1)):
        plan = plans.at(moment)
        assert not plan.staffed
        assert plan.greeting[-1] == "closed"
