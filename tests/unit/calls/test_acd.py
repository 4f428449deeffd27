import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.calls.acd import Acd, Match
from ivr.calls.vocabulary import AgentId, CallId, Skill

GENERAL, HEATING = Skill("general"), Skill("heating")
EVERYTHING = frozenset({GENERAL, HEATING})


def call(n: int) -> CallId:
    return CallId(f"c{n}")


def agent(n: int) -> AgentId:
    return AgentId(f"a{n}")


def test_the_longest_idle_agent_with_the_skill_gets_the_call() -> None:
    acd = Acd()
    acd.agent_free(agent(1), frozenset({GENERAL}), rank=1)
    acd.agent_free(agent(2), EVERYTHING, rank=3)
    acd.agent_free(agent(3), EVERYTHING, rank=2)
    assert acd.join(call(1), HEATING, 0) == [Match(call(1), agent(3))]
    assert acd.join(call(2), GENERAL, 1) == [Match(call(2), agent(1))]
    assert acd.join(call(3), HEATING, 2) == [Match(call(3), agent(2))]
    assert acd.join(call(4), GENERAL, 3) == []


def test_the_longest_waiting_citizen_gets_the_agent_whatever_the_skill() -> None:
    acd = Acd()
    acd.join(call(1), HEATING, 20)
    acd.join(call(2), GENERAL, 10)
    acd.join(call(3), GENERAL, 5)
    assert acd.agent_free(agent(1), frozenset({HEATING}), 1) == [Match(call(1), agent(1))]
    assert acd.agent_free(agent(2), EVERYTHING, 2) == [Match(call(3), agent(2))]


def test_a_call_that_comes_back_has_its_place() -> None:
    acd = Acd()
    acd.join(call(1), GENERAL, 1)
    acd.join(call(2), GENERAL, 2)
    assert acd.agent_free(agent(1), EVERYTHING, 1) == [Match(call(1), agent(1))]
    acd.join(call(3), GENERAL, 3)
    acd.join(call(1), GENERAL, 1)
    assert [acd.ahead(call(n)) for n in (1, 2, 3)] == [0, 1, 2]
    assert acd.agent_free(agent(2), EVERYTHING, 2) == [Match(call(1), agent(2))]


def test_who_leaves_is_matched_with_nobody() -> None:
    acd = Acd()
    acd.join(call(1), GENERAL, 1)
    acd.withdraw(call(1))
    acd.withdraw(call(1))
    assert acd.agent_free(agent(1), EVERYTHING, 1) == []
    acd.agent_busy(agent(1))
    acd.agent_busy(agent(1))
    assert acd.join(call(2), GENERAL, 2) == []
    with pytest.raises(KeyError):
        acd.ahead(call(1))


def test_joining_again_for_another_skill_moves_the_citizen() -> None:
    acd = Acd()
    acd.join(call(1), HEATING, 1)
    acd.join(call(1), GENERAL, 1)
    assert len(acd) == 1
    assert acd.agent_free(agent(1), frozenset({HEATING}), 1) == []
    assert acd.agent_free(agent(2), frozenset({GENERAL}), 2) == [Match(call(1), agent(2))]


def test_a_hold_matches_nobody_and_its_end_serves_them_in_order() -> None:
    acd = Acd()
    acd.hold()
    acd.join(call(2), GENERAL, 2)
    acd.join(call(1), GENERAL, 1)
    assert acd.agent_free(agent(1), EVERYTHING, 1) == []
    assert acd.resume() == [Match(call(1), agent(1))]
    assert acd.oldest == 2


STEP = st.one_of(
    st.tuples(st.just("join"), st.integers(0, 8), st.sampled_from([GENERAL, HEATING]), st.integers(0, 20)),
    st.tuples(st.just("leave"), st.integers(0, 8), st.just(GENERAL), st.just(0)),
    st.tuples(st.just("free"), st.integers(0, 5), st.sampled_from([GENERAL, HEATING]), st.integers(0, 20)),
    st.tuples(st.just("free both"), st.integers(0, 5), st.just(GENERAL), st.integers(0, 20)),
    st.tuples(st.just("busy"), st.integers(0, 5), st.just(GENERAL), st.just(0)),
    st.tuples(st.just("hold"), st.just(0), st.just(GENERAL), st.just(0)),
    st.tuples(st.just("resume"), st.just(0), st.just(GENERAL), st.just(0)),
)


@given(st.lists(STEP, max_size=40))
def test_it_decides_as_a_plain_search_would(steps: list[tuple[str, int, Skill, int]]) -> None:
    acd, waiting, idle, held = (
        Acd(),
        dict[CallId, tuple[Skill, int]](),
        dict[AgentId, tuple[frozenset[Skill], int]](),
        False,
    )

    def search() -> list[Match]:
        found = []
        for entered, name in sorted((entered, name) for name, (_, entered) in waiting.items()):
            skill = waiting[name][0]
            fit = sorted((rank, one) for one, (skills, rank) in idle.items() if skill in skills)
            if fit and not held:
                found.append(Match(name, fit[0][1]))
                del waiting[name], idle[fit[0][1]]
            assert entered >= 0
        return found

    for what, n, skill, rank in steps:
        matches: list[Match] = []
        match what:
            case "join":
                waiting[call(n)] = (skill, rank)
                matches = acd.join(call(n), skill, rank)
            case "leave":
                waiting.pop(call(n), None)
                acd.withdraw(call(n))
            case "free" | "free both":
                skills = EVERYTHING if what == "free both" else frozenset({skill})
                idle[agent(n)] = (skills, rank)
                matches = acd.agent_free(agent(n), skills, rank)
            case "busy":
                idle.pop(agent(n), None)
                acd.agent_busy(agent(n))
            case "hold":
                held = True
                acd.hold()
            case "resume":
                held = False
                matches = acd.resume()
        assert matches == search()
        assert set(acd.calls) == set(waiting)
        for name, (wanted, entered) in waiting.items():
            before = [c for c, (s, e) in waiting.items() if s == wanted and (e, c) < (entered, name)]
            assert acd.ahead(name) == len(before)


def test_a_decision_takes_less_than_a_millisecond_with_a_thousand_agents_and_five_thousand_waiting() -> None:
    skills = [Skill(f"s{n}") for n in range(10)]
    acd = Acd()
    for n in range(5_000):
        acd.join(call(n), skills[n % 9], n)
    for n in range(1_000):
        acd.agent_free(agent(n), frozenset({skills[9]}), n)
    took = []
    for n in range(500):
        began = time.perf_counter()
        assert len(acd.agent_free(AgentId("next"), frozenset(skills[:9]), 0)) == 1
        acd.join(call(10_000 + n), skills[n % 9], 10_000 + n)
        acd.ahead(call(10_000 + n))
        took.append(time.perf_counter() - began)
    assert sorted(took)[len(took) // 2] < 0.001
