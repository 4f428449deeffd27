import pytest

from ivr.calls.acd import Acd
from ivr.calls.estimate import KEPT, Estimator
from ivr.calls.vocabulary import AgentId, CallId, Skill
from tests.unit.calls.test_acd import EVERYTHING, GENERAL, HEATING, call, wants


def with_agents(**count: int) -> Estimator:
    estimator = Estimator(first_mean_ms=60_000)
    skills = {"general": frozenset({GENERAL}), "heating": frozenset({HEATING}), "both": EVERYTHING}
    for kind, n in count.items():
        for number in range(n):
            estimator.arrived(AgentId(f"{kind}{number}"), skills[kind])
    return estimator


def line(*skills: Skill) -> Acd:
    acd = Acd()
    for n, skill in enumerate(skills):
        acd.join(call(n), wants(skill, n), n)
    return acd


@pytest.mark.parametrize(
    ("ahead", "agents", "expected_ms"),
    [(0, 1, 96_566), (0, 10, 9_657), (9, 10, 75_000), (99, 10, 650_000)],
)
def test_it_is_the_eighty_percent_quantile_of_the_gaps_to_come(ahead: int, agents: int, expected_ms: int) -> None:
    """Of Gamma(k + 1) with mean 60 s over the agents: -ln 0.2, 12.5, 108.3 for 1, 10, 100 gaps."""
    found = with_agents(general=agents).wait_ms(line(*[GENERAL] * (ahead + 1)), call(ahead))
    assert found == pytest.approx(expected_ms, rel=0.01)


def test_nobody_there_is_no_estimate() -> None:
    estimator = with_agents(heating=3)
    assert estimator.wait_ms(line(GENERAL), call(0)) is None
    estimator.arrived(AgentId("late"), EVERYTHING)
    assert estimator.wait_ms(line(GENERAL), call(0)) is not None
    estimator.left(AgentId("late"))
    estimator.left(AgentId("late"))
    assert estimator.wait_ms(line(GENERAL), call(0)) is None


def test_callers_of_another_skill_count_by_the_agents_shared() -> None:
    acd = line(*[HEATING] * 8, GENERAL)
    alone = with_agents(general=4).wait_ms(acd, call(8))
    half = with_agents(general=2, heating=2, both=2).wait_ms(acd, call(8))
    shared = with_agents(both=4).wait_ms(acd, call(8))
    assert alone is not None
    assert half is not None
    assert shared is not None
    assert alone < half < shared
    assert shared == with_agents(general=4).wait_ms(line(*[GENERAL] * 9), call(8))


def test_the_mean_follows_the_last_calls() -> None:
    estimator = with_agents(general=1)
    for _ in range(KEPT):
        estimator.handled(1_000)
    assert estimator.mean_ms == 1_000
    for _ in range(KEPT):
        estimator.handled(3_000)
    assert estimator.mean_ms == 3_000


def test_one_who_does_not_wait_has_no_wait() -> None:
    with pytest.raises(KeyError):
        with_agents(general=1).wait_ms(Acd(), CallId("nobody"))
