"""The fold of updates, against a plain model of what a desk must show."""

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from asr.transcript import Hypothesis, Segment, Speaker
from ivr.calls.vocabulary import AgentState, CallState
from ivr.desk import board
from ivr.desk.ticket_views import LikelyTicket
from ivr.desk.views import DeskView, Notice, QueueCard, Rate
from ivr.desk.wire import (
    AgentChanged,
    AnyUpdate,
    CallChanged,
    CallCleared,
    DraftChanged,
    Filled,
    Heard,
    Noticed,
    QueueChanged,
    Resembling,
    Said,
    Submitted,
    Suggested,
    decode_from_server,
    encode,
)
from tests.console.scenes import CALL, IDLE, LAST_TICKET
from ticketing.views import ArticleHit, DraftField, DraftView
from ticketing.vocabulary import FieldName

speakers = st.sampled_from(Speaker)
calls = st.sampled_from(["c1", "c2", "c3"])
segments = st.builds(
    lambda number, speaker, start, long, text: Segment(
        id=f"s{number}", speaker=speaker, start_ms=start, end_ms=start + long, text=text, spoken=text
    ),
    st.integers(0, 12),
    speakers,
    st.integers(0, 20),
    st.integers(0, 5),
    st.text(max_size=4),
)
hypotheses = st.builds(
    lambda speaker, start, text: Hypothesis(speaker=speaker, start_ms=start, text=text),
    speakers,
    st.integers(0, 20),
    st.text(max_size=4),
)
queues = st.builds(
    lambda waiting: QueueCard(
        waiting=waiting, oldest_since=None, answered=Rate(part=0, of=0), answered_in_15s=Rate(part=0, of=0)
    ),
    st.integers(0, 9),
)
drafts = st.builds(
    lambda revision, value: DraftView(
        id="d1", call="c1", revision=revision, fields={FieldName.TITLE: DraftField(value=value)}
    ),
    st.integers(0, 99),
    st.text(max_size=3),
)
hits = st.builds(lambda number: ArticleHit(id=f"kb-{number}", title="", score=1.0, snippet=""), st.integers(0, 9))
notices = st.builds(lambda number: Notice(code="notice.message", params={"text": str(number)}), st.integers(0, 99))
updates: st.SearchStrategy[AnyUpdate] = st.one_of(
    st.builds(
        lambda state: AgentChanged(seq=0, agent=msgspec.structs.replace(IDLE.agent, state=state)),
        st.sampled_from(AgentState),
    ),
    st.builds(lambda queue: QueueChanged(seq=0, queue=queue), queues),
    st.builds(
        lambda call, state: CallChanged(seq=0, call=msgspec.structs.replace(CALL, id=call, state=state)),
        calls,
        st.sampled_from(CallState),
    ),
    st.builds(lambda call: CallCleared(seq=0, call=call), calls),
    st.builds(lambda hypothesis: Heard(seq=0, hypothesis=hypothesis), hypotheses),
    st.builds(lambda segment: Said(seq=0, segment=segment), segments),
    st.builds(
        lambda gap, found: Filled(seq=0, gap=f"s{gap}", segments=tuple(found)),
        st.integers(0, 12),
        st.lists(segments, max_size=3, unique_by=lambda s: s.id),
    ),
    st.builds(lambda draft: DraftChanged(seq=0, draft=draft), drafts),
    st.builds(lambda found: Suggested(seq=0, hits=tuple(found)), st.lists(hits, max_size=3)),
    st.builds(
        lambda score: Resembling(seq=0, likely=(LikelyTicket(ticket=LAST_TICKET, score=score, reasons=("今天",)),)),
        st.floats(0, 1),
    ),
    st.just(Submitted(seq=0, ticket=LAST_TICKET)),
    st.builds(lambda notice: Noticed(seq=0, notice=notice), notices),
)


def fold(view: DeskView, story: list[AnyUpdate]) -> DeskView:
    for update in story:
        view = board.apply(view, update)
    return view


@given(st.lists(updates, max_size=40))
def test_a_view_is_always_one_that_can_be_shown(story: list[AnyUpdate]) -> None:
    view = IDLE
    for update in story:
        before, view = view, board.apply(view, update)
        assert len({h.speaker for h in view.hypotheses}) == len(view.hypotheses)
        assert all(h.text for h in view.hypotheses)
        assert len({s.id for s in view.segments}) == len(view.segments)
        assert [s.start_ms for s in view.segments] == sorted(s.start_ms for s in view.segments)
        assert len(view.notices) <= board.KEPT_NOTICES
        if isinstance(update, Said):
            assert all(h.speaker is not update.segment.speaker for h in view.hypotheses)
            assert update.segment in view.segments
        if isinstance(update, Filled):
            assert set(update.segments) <= set(view.segments)
            assert view.hypotheses == before.hypotheses
            assert update.gap in {s.id for s in update.segments} or all(s.id != update.gap for s in view.segments)
        if isinstance(update, CallChanged) and (before.call is None or before.call.id != update.call.id):
            assert (view.segments, view.hypotheses, view.draft, view.suggested, view.ticket) == ((), (), None, (), None)
            assert view.resembling == ()
        if isinstance(update, CallCleared) and (before.call is None or before.call.id != update.call):
            assert view == before
        if not isinstance(update, Noticed):
            assert view.notices == before.notices


@given(st.lists(updates, max_size=25))
def test_a_desk_shows_what_the_server_meant(story: list[AnyUpdate]) -> None:
    """What crosses the wire and is folded there is what was folded here."""
    heard: list[AnyUpdate] = []
    for number, update in enumerate(story, 1):
        numbered = msgspec.structs.replace(update, seq=number)
        read = decode_from_server(encode(numbered))
        assert read == numbered
        heard.append(numbered)
    assert fold(IDLE, heard) == fold(IDLE, story)


@given(st.lists(updates, max_size=25), st.integers(0, 25))
def test_a_view_fetched_midway_ends_where_the_others_do(story: list[AnyUpdate], at: int) -> None:
    half = fold(IDLE, story[:at])
    fetched = msgspec.json.decode(msgspec.json.encode(half), type=DeskView)
    assert fold(fetched, story[at:]) == fold(IDLE, story)


@given(st.lists(segments, max_size=12, unique_by=lambda s: s.id), st.randoms(use_true_random=False))
def test_segments_find_their_place_whatever_order_they_come_in(said: list[Segment], chance: Random) -> None:
    told: list[AnyUpdate] = [Said(seq=0, segment=segment) for segment in said]
    shuffled = list(told)
    chance.shuffle(shuffled)
    assert fold(IDLE, told).segments == fold(IDLE, shuffled).segments
    assert fold(IDLE, told + told).segments == fold(IDLE, told).segments


@given(st.lists(notices, max_size=60))
def test_the_last_notices_are_kept(told: list[Notice]) -> None:
    view = fold(IDLE, [Noticed(seq=0, notice=notice) for notice in told])
    assert view.notices == tuple(told[-board.KEPT_NOTICES :])
