"""The screen as a function of state: lines, fields, transcript."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from rich.cells import cell_len

from agent_console import lines
from agent_console.edits import Edit, EditState
from agent_console.fields import FieldShown, field_shown, first_question, stored
from agent_console.keys import KEYS
from agent_console.said import said
from agent_console.state import Action, DeskState, Link, LinkState, Reception, usable
from agent_console.tones import Piece, Tone
from asr.transcript import Hypothesis, Segment, Speaker
from ivr.calls.vocabulary import AgentState, CallState, PauseReason
from ivr.desk.catalogue import Language, load
from ivr.desk.envelope import Refused
from ivr.desk.views import DeskView
from tests.console.scenes import (
    AGENT,
    CALL,
    DRAFT,
    HEAT_PIPE,
    IDLE,
    IN_CALL,
    LAST_TICKET,
    NOW,
    QUIET,
    RINGS,
    WRAP_UP,
    segment,
)
from ticketing.views import CallerView, DraftField
from ticketing.vocabulary import FieldName

WORDS = load(Language.CHINESE)
CONNECTED = Link(state=LinkState.CONNECTED)
change = msgspec.structs.replace


def state(view: DeskView, link: Link = CONNECTED, **parts: Any) -> DeskState:
    reception = Reception(link=link, site="运城12345", zone=ZoneInfo("Asia/Shanghai"), view=view)
    return replace(DeskState(reception=reception), **parts)


def plain(pieces: tuple[Piece, ...]) -> str:
    return "".join(piece.text for piece in pieces)


# ---- lines


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_the_top_line_fills_its_width_and_keeps_what_matters(width: int) -> None:
    shown = plain(lines.top_line(state(IN_CALL), WORDS, NOW, width))
    assert cell_len(shown) == width - 1  # a cell stays free at either end
    assert "● 通话中 02:14" in shown
    assert "排队 3 · 最长 00:21" in shown
    assert shown.endswith("14:22:31")


def test_the_top_line_lets_go_of_the_site_first_and_of_the_rates_next() -> None:
    wide, less, least = (plain(lines.top_line(state(IN_CALL), WORDS, NOW, width)) for width in (120, 100, 80))
    assert "运城12345" in wide
    assert "今日接通 97.8%   15秒 96.1%" in wide
    assert "运城12345" not in less
    assert "今日接通 97.8%" in less
    assert "今日" not in least
    assert "1001 话务员甲" in least


def test_no_rate_is_shown_of_nothing() -> None:
    shown = plain(lines.top_line(state(change(IDLE, queue=QUIET)), WORDS, NOW, 120))
    assert "%" not in shown
    assert "排队 0" in shown
    assert "最长" not in shown


def test_clocks_run_by_the_servers_time() -> None:
    late = state(IN_CALL)
    late = replace(late, reception=replace(late.reception, offset=timedelta(seconds=70)))
    shown = plain(lines.top_line(late, WORDS, NOW, 120))
    assert "通话中 03:24" in shown
    assert shown.endswith("14:23:41")


def test_a_pause_and_a_pause_asked_for_in_a_call_are_told_apart() -> None:
    paused = change(AGENT, state=AgentState.PAUSED, pause_reason=PauseReason.MEAL)
    asked = change(AGENT, state=AgentState.ON_CALL, pause_reason=PauseReason.MEAL)
    assert "● 示忙 用餐 01:35" in plain(lines.top_line(state(change(IDLE, agent=paused)), WORDS, NOW, 120))
    assert "● 通话中 01:35 · 话后用餐" in plain(lines.top_line(state(change(IN_CALL, agent=asked)), WORDS, NOW, 120))


@pytest.mark.parametrize("agent_state", AgentState)
def test_every_state_has_a_tone_besides_its_word(agent_state: AgentState) -> None:
    assert agent_state in lines.STATE_TONES


def test_the_banner_tells_what_still_works_and_when_the_next_try_is() -> None:
    def shown(link: Link, unsaved: int = 0) -> str:
        return plain(lines.banner(state(IN_CALL, link, unsaved=unsaved), WORDS, NOW, "Ctrl+L"))

    assert shown(CONNECTED) == ""
    lost = Link(state=LinkState.LOST, retry_at=NOW + timedelta(seconds=3.6))
    assert shown(lost).strip() == "与服务器断开，4 秒后重连 · 通话不受影响，继续录入，内容保留"
    assert shown(lost, unsaved=2).endswith("2 项待存")
    assert "正在重连" in shown(Link(state=LinkState.LOST))
    gone = Link(state=LinkState.REFUSED, refused=Refused(request=1, code="refused.token_unknown"))
    assert shown(gone).strip() == "服务器拒绝：签入已失效 · 按 Ctrl+L 重新签入，已录入的内容保留"


def test_the_card_counts_this_call_too() -> None:
    assert plain(lines.call_title(state(IN_CALL), WORDS)) == "来电 138****5678 · 第3次来电 · 在办 2 件"
    assert plain(lines.call_title(state(RINGS), WORDS)).startswith("来电振铃 138****5678")
    stranger = change(CALL, caller=CallerView(earlier_calls=0, open_tickets=0, last_ticket=None))
    view = change(IN_CALL, call=stranger)
    assert plain(lines.call_title(state(view), WORDS)) == "来电 138****5678 · 首次来电"
    assert plain(lines.call_line(state(view), WORDS, NOW, "F2")) == "以前没有工单"
    assert plain(lines.call_title(state(change(IN_CALL, call=WRAP_UP)), WORDS)).startswith("已挂断")


def test_the_line_below_the_card_tells_the_last_work_order_or_what_is_wrong() -> None:
    told = plain(lines.call_line(state(IN_CALL), WORDS, NOW, "F2"))
    assert told == "上一件 261120 0012 圣惠小区4号楼暖气不热 · 待签收 · 市热力公司 · 时限 11-22 09:22"
    deaf = change(IN_CALL, call=change(CALL, hearing=False))
    assert plain(lines.call_line(state(deaf), WORDS, NOW, "F2")).startswith("语音转写不可用，请手工记录")
    assert plain(lines.call_line(state(RINGS), WORDS, NOW, "F2")).startswith("请摘机接听")
    paused = change(IDLE, agent=change(AGENT, state=AgentState.PAUSED))
    assert plain(lines.call_line(state(paused), WORDS, NOW, "F2")) == "当前示忙，不接来电；按 F2 示闲"


def test_an_alarm_names_the_words_it_heard() -> None:
    assert lines.alarm_line(state(IN_CALL), WORDS) == ()
    alarmed = change(IN_CALL, draft=change(DRAFT, emergency_target="120", emergency_evidence=("s2", "s5")))
    told = plain(lines.alarm_line(state(alarmed), WORDS))
    assert told.startswith(" 紧急情况  建议转接 120 急救  听到：我家暖气一点都不热 热力公司来过一次")
    unheard = change(IN_CALL, draft=change(DRAFT, emergency_target="em-gas"))
    assert plain(lines.alarm_line(state(unheard), WORDS)).strip() == "紧急情况  建议转接 燃气抢修"
    unknown = change(IN_CALL, draft=change(DRAFT, emergency_target="999"))
    assert "转接 999" in plain(lines.alarm_line(state(unknown), WORDS))


def test_a_work_order_is_shown_with_its_number_in_groups() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    shown = [plain(line) for line in lines.ticket_lines(LAST_TICKET, WORDS, zone, NOW, "Ctrl+N")]
    assert shown == [
        "已派单   261120 0012   Ctrl+N 复制编号",
        "承办 市热力公司   状态 待签收   时限 11-22 09:22",
    ]
    waiting = change(LAST_TICKET, dispatched_at=None, due_at=None, state="pending_dispatch")
    shown = [plain(line) for line in lines.ticket_lines(waiting, WORDS, zone, NOW, "Ctrl+N")]
    assert shown[0].startswith("已立单，正在派单")
    assert shown[1] == "承办 市热力公司   状态 待派单"


# ---- fields


def shown(field: DraftField, name: FieldName = FieldName.TITLE, **parts: Any) -> FieldShown:
    view = change(IN_CALL, draft=change(DRAFT, fields=DRAFT.fields | {name: field}))
    return field_shown(state(view, **parts), WORDS, name, NOW)


def edit(value: str, state: EditState = EditState.WAITING, **parts: Any) -> Edit:
    made = Edit(draft="d-1", field=FieldName.TITLE, value=value, label=value, state=state)
    return replace(made, **parts)


@pytest.mark.parametrize(("confidence", "tone"), [(0.9, Tone.FAINT), (0.7, Tone.INK), (0.3, Tone.WARN)])
def test_the_machines_value_carries_its_confidence(confidence: float, tone: Tone) -> None:
    mark = shown(DraftField(value="a", confidence=confidence)).mark
    assert (mark.text, mark.tone) == (str(int(confidence * 100)), tone)


def test_the_agents_value_is_marked_as_theirs() -> None:
    assert shown(DraftField(value="a", mine=True)).mark.text == "人工"
    typed = shown(DraftField(value="a", confidence=0.9), edits={FieldName.TITLE: edit("b")})
    assert (typed.text, typed.value, typed.mine, typed.mark.text) == ("b", "b", True, "人工")


def test_what_is_not_saved_while_the_server_is_away_says_so() -> None:
    view = change(IN_CALL, draft=DRAFT)
    lost = state(view, Link(state=LinkState.LOST), edits={FieldName.TITLE: edit("b")})
    assert field_shown(lost, WORDS, FieldName.TITLE, NOW).mark.text == "待存"


def test_an_empty_field_tells_what_to_ask_until_it_is_filled() -> None:
    empty = DraftField(ask="请问您贵姓？")
    assert (shown(empty).ask, shown(empty).mark.text) == ("请问您贵姓？", "待问")
    assert shown(empty, edits={FieldName.TITLE: edit("王")}).ask == ""
    assert first_question(state(IN_CALL)) == "请问您贵姓？"
    named = {FieldName.CITIZEN_NAME: edit("王女士", field=FieldName.CITIZEN_NAME)}
    assert first_question(state(IN_CALL, edits=named)) == ""


def test_what_the_server_misses_is_marked_until_something_is_typed() -> None:
    missing = frozenset({FieldName.TITLE})
    assert shown(DraftField(), missing=missing).mark.text == "缺"
    assert shown(DraftField(), missing=missing, edits={FieldName.TITLE: edit("b")}).mark.text == "人工"


def test_what_may_not_stand_says_why() -> None:
    no = edit("b", EditState.REFUSED, refused=Refused(request=1, code="refused.bad_value"))
    refused = shown(DraftField(value="a"), edits={FieldName.TITLE: no})
    assert (refused.text, refused.mark.text, refused.note) == ("b", "有误", "这个内容不合规范")


def test_the_machines_other_idea_is_shown_unless_it_is_the_same() -> None:
    mine = DraftField(value="040103", label="供热 › 收费争议", mine=True, suggestion=HEAT_PIPE)
    assert shown(mine, FieldName.CATEGORY).suggestion == HEAT_PIPE
    assert shown(change(mine, value=HEAT_PIPE.value), FieldName.CATEGORY).suggestion is None


def test_due_times_and_yes_or_no_are_shown_in_words() -> None:
    draft = state(IN_CALL)
    assert field_shown(draft, WORDS, FieldName.DUE_AT, NOW).text == "11-22 14:22"
    assert field_shown(draft, WORDS, FieldName.CONFIDENTIAL, NOW).text == "否"
    assert shown(DraftField(value="yes"), FieldName.CONFIDENTIAL).text == "是"
    assert shown(DraftField(value="soon"), FieldName.DUE_AT).text == "soon"
    assert field_shown(state(IDLE), WORDS, FieldName.CONFIDENTIAL, NOW).text == ""


def test_a_due_time_is_stored_as_the_moment_it_names() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    assert stored(FieldName.DUE_AT, "11-22 14:22", zone, NOW) == "2026-11-22T06:22:00+00:00"
    assert stored(FieldName.DUE_AT, "soon", zone, NOW) is None
    assert stored(FieldName.DUE_AT, "", zone, NOW) == ""
    assert stored(FieldName.TITLE, "soon", zone, NOW) == "soon"


# ---- transcript


def test_lines_stand_at_the_sites_time_and_live_ones_come_last() -> None:
    shown = said(IN_CALL, ZoneInfo("Asia/Shanghai"))
    assert [line.when for line in shown][:2] == ["14:20:10", "14:20:17"]
    assert [line.live for line in shown] == [False] * 6 + [True]
    assert (shown[-1].id, shown[-1].text) == ("live-citizen", "都四天了家里还有老人孩子")


def test_both_may_be_speaking_and_keep_their_order() -> None:
    two = (
        Hypothesis(speaker=Speaker.CITIZEN, start_ms=900, text="b"),
        Hypothesis(speaker=Speaker.AGENT, start_ms=500, text="a"),
    )
    shown = said(change(IN_CALL, segments=(), hypotheses=two), ZoneInfo("Asia/Shanghai"))
    assert [line.text for line in shown] == ["a", "b"]


def doubtful(made: Segment) -> list[str]:
    (line,) = said(change(IN_CALL, segments=(made,), hypotheses=()), ZoneInfo("Asia/Shanghai"))
    return [line.text[begin:end] for begin, end in line.doubts]


def test_doubtful_words_are_found_in_the_written_form() -> None:
    made = segment(
        1, Speaker.CITIZEN, 1, "圣惠小区3号楼601", spoken="圣惠 小区 三 号楼 六零一", doubtful=("圣惠", "六零一")
    )
    assert doubtful(made) == ["圣惠", "601"]
    assert doubtful(segment(1, Speaker.CITIZEN, 1, "我家不热")) == []
    repeated = segment(1, Speaker.CITIZEN, 1, "不热，一点也不热", spoken="不热 一点 也 不热")
    words = (change(repeated.words[0], confidence=0.9), *repeated.words[1:3], change(repeated.words[3], confidence=0.2))
    assert doubtful(change(repeated, words=words)) == ["不热"]
    assert said(change(IN_CALL, segments=(change(repeated, words=words),)), ZoneInfo("UTC"))[0].doubts == ((6, 8),)


# ---- keys


def test_a_key_that_would_do_nothing_is_not_usable() -> None:
    idle, call, ended = state(IDLE), state(IN_CALL), state(change(IN_CALL, call=WRAP_UP))
    done = state(change(IN_CALL, draft=change(DRAFT, reference="2611210042"), ticket=LAST_TICKET))
    usable_in = {
        action: [usable(action, each) for each in (idle, call, ended, done)]
        for action in (Action.SUBMIT, Action.HANG_UP, Action.FINISH, Action.REVEAL, Action.COPY_REFERENCE)
    }
    assert usable_in == {
        Action.SUBMIT: [False, True, True, False],
        Action.HANG_UP: [False, True, False, True],
        Action.FINISH: [False, False, True, False],
        Action.REVEAL: [False, True, True, True],
        Action.COPY_REFERENCE: [False, False, False, True],
    }
    assert not usable(Action.SUBMIT, replace(call, submitting=True))


def test_every_action_has_one_key_and_no_key_two_actions() -> None:
    assert sorted(key.action for key in KEYS) == sorted(Action)
    pressed = [name for key in KEYS for name in key.names]
    assert len(pressed) == len(set(pressed))


def test_an_offer_is_not_yet_a_conversation() -> None:
    assert RINGS.call is not None
    assert RINGS.call.state is CallState.OFFERED
    assert not usable(Action.HANG_UP, state(RINGS))
