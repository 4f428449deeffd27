from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.tickets import SITE
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.drawing import EXAMPLES, page
from ticketing.lifecycle.life import OPEN, Life, after, fold
from ticketing.lifecycle.table import (
    ROLE_NAMES,
    STATE_NAMES,
    SYSTEM,
    TABLE,
    Actor,
    Limits,
    Situation,
    open_steps,
    refuse,
)
from ticketing.vocabulary import AgencyId, CategoryCode, Closure, Reference, RequestType, Role, TicketState, Urgency

NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
LIMITS = Limits(
    max_returns=2,
    max_extensions=1,
    max_redos=2,
    visit_attempts=3,
    return_until=NOW + timedelta(days=1),
    pause_reasons=("等待上级批复",),
    refusals=frozenset({"na-region"}),
    supervision_levels=frozenset({1, 2, 3, 4, 5}),
)

AGENT = Actor(id="1001", role=Role.AGENT)
REVIEWER = Actor(id="2001", role=Role.REVIEWER)
VISITOR = Actor(id="3001", role=Role.VISITOR)
OVERSEER = Actor(id="4001", role=Role.OVERSEER)
SUPERVISOR = Actor(id="1901", role=Role.SUPERVISOR)
HEAD = Actor(id="gaj", role=Role.HANDLER_HEAD, agency_id=AgencyId("d-gaj-jj"))
CLERK = Actor(id="yh", role=Role.HANDLER, agency_id=AgencyId("d-gaj-jj-yh"))
STRANGER = Actor(id="edu", role=Role.HANDLER_HEAD, agency_id=AgencyId("d-jyj"))

SUBMITTED = s.Submitted(
    request_type=RequestType.HELP,
    category_code=CategoryCode("010101"),
    lead_agency_id=AgencyId("d-gaj-jj"),
    co_agency_ids=(),
    urgency=Urgency.NORMAL,
    deadline_rule_id="dl-general",
)
DISPATCHED = s.Dispatched(agency_id=AgencyId("d-gaj-jj"), dispatched_at=NOW, due_at=LATER)
REPLIED = s.Replied(closure=Closure.SOLVED, result="已修复")


def to_agency(agency: str) -> s.ReturnUpheld:
    return s.ReturnUpheld(lead_agency_id=AgencyId(agency))


def submitted_to(lead: AgencyId, review: bool) -> s.Submitted:
    return msgspec.structs.replace(SUBMITTED, lead_agency_id=lead, review=review)


def life_of(*steps: s.AnyStep) -> Life:
    return fold((NOW, step) for step in steps)


def refusal(life: Life, step: s.AnyStep, actor: Actor, why: str = "理由", at: datetime = NOW) -> str | None:
    return refuse(step, why, Situation(life=life, actor=actor, at=at, limits=LIMITS, site=SITE))


def walk(life: Life, *moves: tuple[s.AnyStep, Actor]) -> Life:
    for step, actor in moves:
        assert refusal(life, step, actor) is None, (s.kind_of(step), refusal(life, step, actor))
        life = after(life, NOW, step)
    return life


def test_the_whole_loop_from_acceptance_to_the_archive() -> None:
    life = walk(
        Life(),
        (s.Received(), AGENT),
        (msgspec.structs.replace(SUBMITTED, review=True), AGENT),
        (s.ReviewPassed(lead_agency_id=AgencyId("d-gaj-jj"), co_agency_ids=(AgencyId("d-jyj"),)), REVIEWER),
        (DISPATCHED, SYSTEM),
        (s.Signed(), HEAD),
        (s.Delegated(agency_id=AgencyId("d-gaj-jj-yh")), HEAD),
        (s.ExtensionAsked(), HEAD),
        (s.ExtensionGranted(due_at=LATER + timedelta(days=5)), REVIEWER),
        (s.Suspended(reason="等待上级批复"), HEAD),
        (s.Resumed(due_at=LATER + timedelta(days=8)), CLERK),
        (REPLIED, CLERK),
        (s.ReplySentBack(), REVIEWER),
        (REPLIED, CLERK),
        (s.ReplyApproved(), REVIEWER),
        (s.Visited(reached=False), VISITOR),
        (s.Visited(reached=True, solved=False, satisfied=False, done_anew_by=LATER), VISITOR),
        (s.Supervised(level=1, due_at=LATER), OVERSEER),
        (REPLIED, CLERK),
        (s.ReplyApproved(), REVIEWER),
        (s.Visited(reached=True, solved=True, satisfied=True), VISITOR),
        (s.Archived(), SYSTEM),
    )
    assert life.state is TicketState.ARCHIVED
    assert (life.closure, life.closed_at, life.redos, life.supervision) == (Closure.SOLVED, NOW, 1, 0)
    assert [line.due_before for line in life.extensions] == [LATER]
    assert life.holders == ("d-gaj-jj", "d-gaj-jj-yh")
    assert life.steps == 21


def test_a_return_is_judged_and_goes_elsewhere_or_back() -> None:
    with_agency = life_of(SUBMITTED, DISPATCHED)
    elsewhere = walk(
        with_agency,
        (s.ReturnAsked(rather=AgencyId("d-jyj")), HEAD),
        (s.ReturnUpheld(lead_agency_id=AgencyId("d-jyj")), REVIEWER),
    )
    assert (elsewhere.state, elsewhere.lead) == (TicketState.PENDING_DISPATCH, "d-jyj")
    back = walk(with_agency, (s.ReturnAsked(), HEAD), (s.ReturnRejected(), REVIEWER))
    assert (back.state, back.lead, back.returns) == (TicketState.IN_PROGRESS, "d-gaj-jj", 1)
    assert back.due_at == LATER, "the clock ran on while it was judged"


@pytest.mark.parametrize(
    ("steps", "step", "actor", "reason"),
    [
        ((SUBMITTED,), s.Signed(), HEAD, "“待派单”状态下不能签收"),
        ((SUBMITTED, DISPATCHED), s.Signed(), AGENT, "话务员无权签收"),
        ((SUBMITTED, DISPATCHED), s.Signed(), STRANGER, "工单不在本单位办理"),
        ((SUBMITTED, DISPATCHED), s.Signed(), CLERK, "工单不在本单位办理"),
        (
            (SUBMITTED, DISPATCHED, s.ReturnAsked()),
            s.ReturnUpheld(lead_agency_id=AgencyId("d-gaj-jj")),
            REVIEWER,
            "相同",
        ),
        (
            (SUBMITTED, DISPATCHED, s.ReturnAsked()),
            s.ReturnUpheld(lead_agency_id=AgencyId("d-x")),
            REVIEWER,
            "单位不存在",
        ),
        ((SUBMITTED, DISPATCHED, s.Signed()), s.Delegated(agency_id=AgencyId("d-jyj")), HEAD, "下属单位"),
        ((SUBMITTED, DISPATCHED, s.Signed()), s.Delegated(agency_id=AgencyId("d-gaj-jj")), HEAD, "下属单位"),
        ((SUBMITTED, DISPATCHED, s.Signed()), s.HandedUp(), HEAD, "未曾下派"),
        ((SUBMITTED, DISPATCHED, s.Signed()), s.Suspended(reason="没空"), HEAD, "事由"),
        ((SUBMITTED, DISPATCHED, s.Signed()), s.Suspended(reason="等待上级批复"), CLERK, "无权挂起"),
        ((SUBMITTED, DISPATCHED, s.Signed()), s.ExtensionGranted(due_at=LATER), REVIEWER, "没有待审批"),
        ((SUBMITTED, DISPATCHED, s.Signed(), s.ExtensionAsked()), s.ExtensionAsked(), HEAD, "已有延期申请"),
        (
            (SUBMITTED, DISPATCHED, s.Signed(), s.ExtensionAsked()),
            s.ExtensionGranted(due_at=LATER),
            REVIEWER,
            "晚于原时限",
        ),
        (
            (SUBMITTED, DISPATCHED, s.Signed(), s.ExtensionAsked(), s.ExtensionGranted(due_at=LATER)),
            s.ExtensionAsked(),
            HEAD,
            "延期已达 1 次",
        ),
        ((SUBMITTED, DISPATCHED, s.Signed()), s.Replied(closure=Closure.SOLVED, result=" "), HEAD, "不能为空"),
        ((SUBMITTED, DISPATCHED), s.HelperAdded(agency_id=AgencyId("d-gaj-jj")), REVIEWER, "已在办理"),
        ((SUBMITTED, DISPATCHED), s.Supervised(level=9, due_at=LATER), OVERSEER, "督办等级不存在"),
        (
            (SUBMITTED, DISPATCHED, s.Supervised(level=3, due_at=LATER)),
            s.Supervised(level=3, due_at=LATER),
            OVERSEER,
            "只能提高",
        ),
        ((SUBMITTED, DISPATCHED), s.SupervisionEnded(), OVERSEER, "未被督办"),
        ((s.Received(),), s.Refused(reason_id="na-nothing"), AGENT, "理由不存在"),
        ((), msgspec.structs.replace(SUBMITTED, co_agency_ids=(AgencyId("d-gaj-jj"),)), AGENT, "不能同时协办"),
    ],
)
def test_what_may_not_be_done_is_refused_with_the_reason(
    steps: Sequence[s.AnyStep], step: s.AnyStep, actor: Actor, reason: str
) -> None:
    found = refusal(life_of(*steps), step, actor)
    assert found is not None
    assert reason in found


def test_returning_ends_with_its_time_and_its_number() -> None:
    life = life_of(SUBMITTED, DISPATCHED)
    assert "已过退单时限" in str(refusal(life, s.ReturnAsked(), HEAD, at=NOW + timedelta(days=2)))
    twice = life_of(SUBMITTED, DISPATCHED, s.ReturnAsked(), s.ReturnRejected(), s.ReturnAsked(), s.ReturnRejected())
    assert "退单已达 2 次" in str(refusal(twice, s.ReturnAsked(), HEAD))
    assert "必须说明理由" in str(refusal(life, s.ReturnAsked(), HEAD, why=" "))


def test_overdue_tickets_are_not_extended() -> None:
    life = life_of(SUBMITTED, DISPATCHED, s.Signed())
    assert "已超期" in str(refusal(life, s.ExtensionAsked(), HEAD, at=LATER + timedelta(seconds=1)))


def test_dissatisfaction_means_doing_it_again_until_the_limit() -> None:
    replied = (SUBMITTED, DISPATCHED, s.Signed(), REPLIED, s.ReplyApproved())
    life = life_of(*replied)
    unhappy = s.Visited(reached=True, solved=True, satisfied=False)
    again = msgspec.structs.replace(unhappy, done_anew_by=LATER)
    assert "应当重办" in str(refusal(life, unhappy, VISITOR))
    assert refusal(life, again, VISITOR) is None
    life = fold((NOW, one) for one in (*replied, again, REPLIED, s.ReplyApproved(), again, REPLIED, s.ReplyApproved()))
    assert refusal(life, unhappy, VISITOR) is None, "after two times it may be closed unhappily"
    assert refusal(life, s.Visited(reached=False, solved=True), VISITOR) is not None
    assert "不再重办" in str(refusal(life, s.Visited(reached=True, solved=True, done_anew_by=LATER), VISITOR))


def test_who_cannot_be_reached_is_given_up_after_the_attempts() -> None:
    steps: list[s.AnyStep] = [SUBMITTED, DISPATCHED, s.Signed(), REPLIED, s.ReplyApproved()]
    closed = s.Closed(closure=Closure.SOLVED)
    for _ in range(3):
        assert "联系未满 3 次" in str(refusal(life_of(*steps), closed, VISITOR))
        steps.append(s.Visited(reached=False))
    assert refusal(life_of(*steps), closed, VISITOR) is None


def test_a_merged_ticket_goes_on_where_it_was_when_split_off() -> None:
    life = life_of(SUBMITTED, DISPATCHED, s.Signed())
    merged = walk(life, (s.Merged(main=Reference("2611020009")), REVIEWER))
    assert (merged.state, merged.merged_into) == (TicketState.MERGED, "2611020009")
    split = walk(merged, (s.SplitOff(), REVIEWER))
    assert (split.state, split.merged_into) == (TicketState.IN_PROGRESS, None)


def test_open_steps_are_those_the_person_may_take() -> None:
    life = life_of(SUBMITTED, DISPATCHED)
    assert set(open_steps(life, HEAD, SITE)) == {"signed", "return_asked", "noted"}
    assert open_steps(life, STRANGER, SITE) == ()
    assert "withdrawn" in open_steps(life, AGENT, SITE)
    assert open_steps(life, Actor(id="l", role=Role.LEADER), SITE) == ()


def test_the_drawing_in_the_docs_is_the_tables() -> None:
    kept = Path(__file__).parents[3] / "docs" / "reference" / "lifecycle.md"
    assert kept.read_text(encoding="utf-8") == page(), "run python -m ticketing.lifecycle.drawing"


def test_every_step_state_and_role_has_its_place() -> None:
    assert set(TABLE) == set(s.STEPS.values())
    assert {type(example) for example in EXAMPLES} == set(TABLE)
    assert set(STATE_NAMES) == set(TicketState)
    assert set(ROLE_NAMES) == set(Role)


@pytest.mark.parametrize("step", EXAMPLES, ids=s.kind_of)
def test_a_step_is_read_from_the_log_as_it_was_written(step: s.AnyStep) -> None:
    assert s.step_of(s.kind_of(step), s.body_of(step)) == step


# ---- a random crowd

CROWD = st.sampled_from([AGENT, REVIEWER, VISITOR, OVERSEER, SUPERVISOR, HEAD, CLERK, STRANGER, SYSTEM])
AGENCIES = st.sampled_from([AgencyId("d-gaj-jj"), AgencyId("d-gaj-jj-yh"), AgencyId("d-gaj-jj-yh1"), AgencyId("d-jyj")])
TIMES = st.integers(0, 30).map(lambda days: NOW + timedelta(days=days))
ANY_STEP: st.SearchStrategy[s.AnyStep] = st.one_of(
    st.sampled_from([one for one in EXAMPLES if not isinstance(one, s.Submitted | s.ReviewPassed)]),
    st.builds(
        lambda lead, review: msgspec.structs.replace(SUBMITTED, lead_agency_id=lead, review=review),
        AGENCIES,
        st.booleans(),
    ),
    st.builds(lambda lead: s.ReviewPassed(lead_agency_id=lead, co_agency_ids=()), AGENCIES),
    st.builds(lambda lead, due: s.Dispatched(agency_id=lead, dispatched_at=NOW, due_at=due), AGENCIES, TIMES),
    st.builds(to_agency, AGENCIES),
    st.builds(lambda agency: s.Delegated(agency_id=agency), AGENCIES),
    st.builds(lambda due: s.Resumed(due_at=due), TIMES),
    st.builds(lambda due: s.ExtensionGranted(due_at=due), TIMES),
    st.just(s.Suspended(reason="等待上级批复")),
)


@settings(max_examples=300)
@given(st.lists(st.tuples(ANY_STEP, CROWD, st.integers(0, 3600)), max_size=120))
def test_whatever_a_crowd_tries_the_ticket_stays_sound(attempts: list[tuple[s.AnyStep, Actor, int]]) -> None:
    life, at, log = Life(), NOW, list[tuple[datetime, s.AnyStep]]()
    for step, actor, seconds in attempts:
        at += timedelta(seconds=seconds)
        situation = Situation(life=life, actor=actor, at=at, limits=LIMITS, site=SITE)
        if refuse(step, "理由", situation) is not None:
            continue
        assert s.kind_of(step) in open_steps(life, actor, SITE)
        log.append((at, step))
        life = after(life, at, step)
        assert fold(log) == life, "the log tells the same"
        assert life.steps == len(log)
        assert life.returns <= LIMITS.max_returns
        assert len(life.extensions) <= LIMITS.max_extensions
        assert (life.state is TicketState.SUSPENDED) == any(pause.end is None for pause in life.pauses)
        assert (life.state is TicketState.MERGED) == (life.merged_into is not None)
        assert (life.state in (TicketState.CLOSED, TicketState.ARCHIVED)) <= (life.closure is not None)
        if life.state not in OPEN | {TicketState.MERGED}:
            assert life.supervision == 0
        if life.state in (TicketState.DISPATCHED, TicketState.IN_PROGRESS, TicketState.SUSPENDED):
            assert life.due_at is not None
            assert life.holder is not None
        for lower, upper in zip(life.holders[1:], life.holders, strict=False):
            assert SITE.is_under(lower, upper)
