import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.calls.acd import Acd, Demand, Match, Server, Step
from ivr.calls.vocabulary import AgentId, CallerClass, CallId, Skill

GENERAL, HEATING = Skill("general"), Skill("heating")
EVERYTHING = frozenset({GENERAL, HEATING})


def call(n: int) -> CallId:
    return CallId(f"c{n}")


def agent(n: int) -> AgentId:
    return AgentId(f"a{n}")


def wants(skill: Skill, entered: int, *steps: Step, **more: object) -> Demand:
    return Demand(steps=(Step(skill=skill), *steps), entered_ms=entered, **more)  # type: ignore[arg-type]


def offers(skills: frozenset[Skill], rank: int, level: int = 1, *kept_for: CallerClass) -> Server:
    return Server(levels=dict.fromkeys(skills, level), rank=rank, kept_for=frozenset(kept_for))


def test_the_longest_idle_agent_with_the_skill_gets_the_call() -> None:
    acd = Acd()
    acd.agent_free(agent(1), offers(frozenset({GENERAL}), 1))
    acd.agent_free(agent(2), offers(EVERYTHING, 3))
    acd.agent_free(agent(3), offers(EVERYTHING, 2))
    assert acd.join(call(1), wants(HEATING, 0), 0) == [Match(call(1), agent(3))]
    assert acd.join(call(2), wants(GENERAL, 1), 1) == [Match(call(2), agent(1))]
    assert acd.join(call(3), wants(HEATING, 2), 2) == [Match(call(3), agent(2))]
    assert acd.join(call(4), wants(GENERAL, 3), 3) == []


def test_the_longest_waiting_citizen_gets_the_agent_whatever_the_skill() -> None:
    acd = Acd()
    acd.join(call(1), wants(HEATING, 20), 20)
    acd.join(call(2), wants(GENERAL, 10), 20)
    acd.join(call(3), wants(GENERAL, 5), 20)
    assert acd.agent_free(agent(1), offers(frozenset({HEATING}), 1)) == [Match(call(1), agent(1))]
    assert acd.agent_free(agent(2), offers(EVERYTHING, 2)) == [Match(call(3), agent(2))]


def test_the_best_level_goes_before_the_longest_idle() -> None:
    acd = Acd()
    acd.agent_free(agent(1), offers(EVERYTHING, 1, level=1))
    acd.agent_free(agent(2), offers(EVERYTHING, 2, level=3))
    assert acd.join(call(1), wants(HEATING, 0), 0) == [Match(call(1), agent(2))]


def test_a_call_waits_for_an_expert_at_first_and_takes_others_later() -> None:
    acd = Acd()
    acd.agent_free(agent(1), offers(EVERYTHING, 1, level=1))
    demand = Demand(steps=(Step(skill=HEATING, least_level=2), Step(skill=HEATING, after_ms=20_000)), entered_ms=1_000)
    assert acd.join(call(1), demand, 1_000) == []
    assert acd.next_step_ms == 21_000
    assert acd.advance(20_999) == []
    assert acd.advance(21_000) == [Match(call(1), agent(1))]
    assert acd.next_step_ms is None


def test_overflow_opens_another_skill_after_a_wait_and_a_place_found_again_opens_it_at_once() -> None:
    acd = Acd()
    demand = wants(HEATING, 0, Step(skill=GENERAL, after_ms=60_000))
    acd.join(call(1), demand, 0)
    assert acd.agent_free(agent(1), offers(frozenset({GENERAL}), 1)) == []
    assert acd.advance(60_000) == [Match(call(1), agent(1))]
    acd.agent_free(agent(2), offers(frozenset({GENERAL}), 2))
    assert acd.join(call(1), demand, 70_000) == [Match(call(1), agent(2))], "nobody took the offer; it has waited long"


def test_a_step_of_a_call_that_left_and_came_back_is_not_taken_twice() -> None:
    acd = Acd()
    demand = wants(HEATING, 0, Step(skill=GENERAL, after_ms=10))
    acd.join(call(1), demand, 0)
    acd.withdraw(call(1))
    acd.join(call(1), demand, 1)
    assert acd.advance(10) == []
    acd.withdraw(call(1))
    assert acd.agent_free(agent(1), offers(EVERYTHING, 1)) == []


def test_a_head_start_goes_before_who_has_waited_no_longer_than_it() -> None:
    acd = Acd()
    emergency = wants(GENERAL, 50_000, caller=CallerClass.EMERGENCY, ahead_ms=40_000)
    acd.join(call(1), wants(GENERAL, 0), 50_000)
    acd.join(call(2), wants(GENERAL, 20_000), 50_000)
    acd.join(call(3), emergency, 50_000)
    assert [acd.ahead(call(n)) for n in (1, 2, 3)] == [0, 2, 1]


def test_an_agent_kept_for_a_class_takes_nobody_else_until_that_is_opened() -> None:
    acd = Acd()
    acd.agent_free(agent(1), offers(EVERYTHING, 1, 1, CallerClass.EMERGENCY))
    opened = Step(skill=GENERAL, after_ms=30_000, anybody=True)
    assert acd.join(call(1), wants(GENERAL, 0, opened), 0) == []
    assert acd.join(call(2), wants(GENERAL, 1, caller=CallerClass.EMERGENCY), 1) == [Match(call(2), agent(1))]
    assert acd.agent_free(agent(2), offers(EVERYTHING, 2, 1, CallerClass.EMERGENCY)) == []
    assert acd.advance(30_000) == [Match(call(1), agent(2))]


def test_agents_kept_for_a_class_are_used_first_by_it() -> None:
    acd = Acd()
    acd.agent_free(agent(1), offers(EVERYTHING, 1, 9))
    acd.agent_free(agent(2), offers(EVERYTHING, 2, 1, CallerClass.ENTERPRISE))
    demand = wants(GENERAL, 0, caller=CallerClass.ENTERPRISE)
    assert acd.join(call(1), demand, 0) == [Match(call(1), agent(2))]
    assert acd.join(call(2), demand, 0) == [Match(call(2), agent(1))]


def test_a_repeat_caller_gets_the_same_agent_if_free_and_able() -> None:
    acd = Acd()
    acd.agent_free(agent(1), offers(EVERYTHING, 1))
    acd.agent_free(agent(2), offers(frozenset({GENERAL}), 2))
    assert acd.join(call(1), wants(GENERAL, 0, preferred=agent(2)), 0) == [Match(call(1), agent(2))]
    acd.agent_free(agent(2), offers(frozenset({GENERAL}), 2))
    assert acd.join(call(2), wants(HEATING, 0, preferred=agent(2)), 0) == [Match(call(2), agent(1))]


def test_a_call_that_comes_back_has_its_place() -> None:
    acd = Acd()
    acd.join(call(1), wants(GENERAL, 1), 1)
    acd.join(call(2), wants(GENERAL, 2), 2)
    assert acd.agent_free(agent(1), offers(EVERYTHING, 1)) == [Match(call(1), agent(1))]
    acd.join(call(3), wants(GENERAL, 3), 3)
    acd.join(call(1), wants(GENERAL, 1), 4)
    assert [acd.ahead(call(n)) for n in (1, 2, 3)] == [0, 1, 2]
    assert acd.agent_free(agent(2), offers(EVERYTHING, 2)) == [Match(call(1), agent(2))]


def test_who_leaves_is_matched_with_nobody() -> None:
    acd = Acd()
    acd.join(call(1), wants(GENERAL, 1), 1)
    acd.withdraw(call(1))
    acd.withdraw(call(1))
    assert acd.agent_free(agent(1), offers(EVERYTHING, 1)) == []
    acd.agent_busy(agent(1))
    acd.agent_busy(agent(1))
    assert acd.join(call(2), wants(GENERAL, 2), 2) == []
    with pytest.raises(KeyError):
        acd.ahead(call(1))


def test_joining_again_for_another_skill_moves_the_citizen() -> None:
    acd = Acd()
    acd.join(call(1), wants(HEATING, 1), 1)
    acd.join(call(1), wants(GENERAL, 1), 1)
    assert len(acd) == 1
    assert acd.agent_free(agent(1), offers(frozenset({HEATING}), 1)) == []
    assert acd.agent_free(agent(2), offers(frozenset({GENERAL}), 2)) == [Match(call(1), agent(2))]


def test_a_hold_matches_nobody_and_its_end_serves_them_in_order() -> None:
    acd = Acd()
    acd.hold()
    acd.join(call(2), wants(GENERAL, 2), 2)
    acd.join(call(1), wants(GENERAL, 1), 2)
    assert acd.agent_free(agent(1), offers(EVERYTHING, 1)) == []
    assert acd.resume() == [Match(call(1), agent(1))]
    assert acd.oldest == 2


CLASSES = [CallerClass.ORDINARY, CallerClass.EMERGENCY]
DEMAND = st.builds(
    lambda first, level, more, entered, caller, preferred: Demand(
        steps=(Step(skill=first, least_level=level), *sorted(more, key=lambda step: step.after_ms)),
        entered_ms=entered,
        caller=caller,
        ahead_ms=10 if caller is CallerClass.EMERGENCY else 0,
        preferred=preferred,
    ),
    st.sampled_from([GENERAL, HEATING]),
    st.integers(1, 3),
    st.lists(
        st.builds(
            Step,
            skill=st.sampled_from([GENERAL, HEATING]),
            after_ms=st.integers(0, 30),
            least_level=st.integers(1, 3),
            anybody=st.booleans(),
        ),
        max_size=2,
    ),
    st.integers(0, 20),
    st.sampled_from(CLASSES),
    st.none() | st.integers(0, 5).map(agent),
)
SERVER = st.builds(
    Server,
    levels=st.dictionaries(st.sampled_from([GENERAL, HEATING]), st.integers(1, 3), min_size=1),
    rank=st.integers(0, 20),
    kept_for=st.frozensets(st.sampled_from(CLASSES), max_size=1),
)
ACT = st.one_of(
    st.tuples(st.just("join"), st.integers(0, 8), DEMAND),
    st.tuples(st.just("leave"), st.integers(0, 8), st.none()),
    st.tuples(st.just("free"), st.integers(0, 5), SERVER),
    st.tuples(st.just("busy"), st.integers(0, 5), st.none()),
    st.tuples(st.just("advance"), st.integers(0, 9), st.none()),
    st.tuples(st.just("hold"), st.just(0), st.none()),
    st.tuples(st.just("resume"), st.just(0), st.none()),
)


class Plain:
    """The same decisions by looking at everybody each time."""

    def __init__(self) -> None:
        self.now = 0
        self.held = False
        self.waiting: dict[CallId, Demand] = {}
        self.idle: dict[AgentId, Server] = {}

    def open(self, name: CallId) -> list[Step]:
        demand = self.waiting[name]
        first, *more = demand.steps
        return [first, *(step for step in more if demand.entered_ms + step.after_ms <= self.now)]

    def fits(self, name: CallId, server: Server, step: Step) -> bool:
        caller = self.waiting[name].caller
        return server.levels.get(step.skill, 0) >= step.least_level and (
            not server.kept_for or step.anybody or caller in server.kept_for
        )

    def match_call(self, name: CallId) -> list[Match]:
        demand = self.waiting[name]
        steps = self.open(name)
        preferred = self.idle.get(demand.preferred) if demand.preferred is not None else None
        if preferred is not None and any(self.fits(name, preferred, step) for step in steps):
            assert demand.preferred is not None
            return self.take(name, demand.preferred)
        for step in steps:
            fit = [
                (demand.caller not in one.kept_for, -one.levels[step.skill], one.rank, who)
                for who, one in self.idle.items()
                if self.fits(name, one, step)
            ]
            if fit:
                return self.take(name, min(fit)[-1])
        return []

    def match_agent(self, who: AgentId) -> list[Match]:
        server = self.idle[who]
        fit = [
            (demand.rank, name)
            for name, demand in self.waiting.items()
            if any(self.fits(name, server, step) for step in self.open(name))
        ]
        return self.take(min(fit)[1], who) if fit else []

    def take(self, name: CallId, who: AgentId) -> list[Match]:
        del self.waiting[name], self.idle[who]
        return [Match(name, who)]


@given(st.lists(ACT, max_size=40))
def test_it_decides_as_a_plain_search_would(acts: list[tuple[str, int, Demand | Server | None]]) -> None:
    acd, plain = Acd(), Plain()
    for what, n, given_ in acts:
        matches: list[Match] = []
        expected: list[Match] = []
        match what, given_:
            case "join", Demand() as demand:
                plain.waiting[call(n)] = demand
                matches = acd.join(call(n), demand, plain.now)
                expected = [] if plain.held else plain.match_call(call(n))
            case "leave", _:
                plain.waiting.pop(call(n), None)
                acd.withdraw(call(n))
            case "free", Server() as server:
                plain.idle[agent(n)] = server
                matches = acd.agent_free(agent(n), server)
                expected = [] if plain.held else plain.match_agent(agent(n))
            case "busy", _:
                plain.idle.pop(agent(n), None)
                acd.agent_busy(agent(n))
            case "advance", _:
                plain.now += n
                matches = acd.advance(plain.now)
                assert not (plain.held and matches)
                for found in matches:  # each widened call takes what it may have; the order is that of the steps' times
                    assert any(plain.fits(found.call, plain.idle[found.agent], step) for step in plain.open(found.call))
                    plain.take(found.call, found.agent)
                expected = matches
            case "hold", _:
                plain.held = True
                acd.hold()
            case "resume", _:
                plain.held = False
                matches = acd.resume()
                for name in [name for _, name in sorted((one.rank, name) for name, one in plain.waiting.items())]:
                    expected += plain.match_call(name)
        assert matches == expected
        assert set(acd.calls) == set(plain.waiting)
        assert len({found.call for found in matches}) == len({found.agent for found in matches}) == len(matches)
        for name, demand in plain.waiting.items():
            before = [
                c for c, d in plain.waiting.items() if d.skill == demand.skill and (d.rank, c) < (demand.rank, name)
            ]
            assert acd.ahead(name) == len(before)
        if not plain.held:
            idle_for = [
                (name, who)
                for name in plain.waiting
                for who, server in plain.idle.items()
                if any(plain.fits(name, server, step) for step in plain.open(name) if step in opened(acd, name))
            ]
            assert idle_for == [], "nobody waits for whom an idle agent fits"


def opened(acd: Acd, name: CallId) -> tuple[Step, ...]:
    """The steps the queue has begun; one that became due is begun by `advance`."""
    waiting = acd._calls[name]
    return waiting.demand.steps[: waiting.open]


@given(st.lists(st.tuples(st.integers(1, 2_000), st.booleans(), st.integers(0, 3)), min_size=1, max_size=60))
def test_no_caller_starves(arrivals: list[tuple[int, bool, int]]) -> None:
    """However many emergencies come, who has waited longer than their head start goes before every newcomer."""
    acd, now, ahead_ms, served = Acd(), 0, 5_000, list[CallId]()
    entered: dict[CallId, int] = {}
    for n, (gap, emergency, free) in enumerate(arrivals):
        now += gap
        entered[call(n)] = now
        kind = CallerClass.EMERGENCY if emergency else CallerClass.ORDINARY
        acd.join(call(n), wants(GENERAL, now, caller=kind, ahead_ms=ahead_ms if emergency else 0), now)
        for _ in range(min(free, 1)):
            served += [found.call for found in acd.agent_free(agent(1), offers(EVERYTHING, 1))]
            acd.agent_busy(agent(1))
            waits = [entered[name] for name in acd.calls]
            assert all(entered[served[-1]] - earlier <= ahead_ms for earlier in waits)


def test_a_decision_takes_less_than_a_millisecond_with_a_thousand_agents_and_five_thousand_waiting() -> None:
    skills = [Skill(f"s{n}") for n in range(10)]
    acd = Acd()
    for n in range(5_000):
        acd.join(call(n), wants(skills[n % 9], n), n)
    for n in range(1_000):
        acd.agent_free(agent(n), offers(frozenset({skills[9]}), n))
    took = []
    for n in range(500):
        began = time.perf_counter()
        assert len(acd.agent_free(AgentId("next"), offers(frozenset(skills[:9]), 0))) == 1
        acd.join(call(10_000 + n), wants(skills[n % 9], 10_000 + n), 10_000 + n)
        acd.ahead(call(10_000 + n))
        took.append(time.perf_counter() - began)
    assert sorted(took)[len(took) // 2] < 0.001
