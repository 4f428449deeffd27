"""ARI's events in the hotline's words."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.ari.events import Stray, ToRecord, Translator, q850
from ivr.ari.registry import Leg, Registry
from ivr.calls import events as ev
from ivr.calls.events import AnyEvent, LineEvent
from ivr.calls.vocabulary import CallId, HangupCause, LegId, Party, PlaybackId
from ivr.ports import PhoneSeen

CALL = CallId("7f1c")
CITIZEN, AGENT = LegId("hotline-1.0"), LegId("7f1c-agent-1")


def channel(leg: str, state: str = "Up", **more: Any) -> dict[str, Any]:
    whose = {"HOTLINE_CALL": CALL, "HOTLINE_PARTY": "agent"} if leg == AGENT else {"CALL_UUID": CALL}
    return {
        "id": leg,
        "name": f"PJSIP/x-{leg}",
        "state": state,
        "protocol_id": "not read",
        "caller": {"name": "", "number": "13800000001"},
        "dialplan": {"context": "hotline", "exten": "s", "app_name": "Stasis", "app_data": "hotline,in,12345"},
        "channelvars": {"CALL_UUID": "", "HOTLINE_CALL": "", "HOTLINE_PARTY": ""} | whose,
        **more,
    }


class World:
    """A translator with a citizen and, if wanted, an agent's leg."""

    def __init__(self, *, agent: bool = False, citizen: bool = True) -> None:
        self.registry = Registry()
        self.translator = Translator(self.registry)
        if citizen:
            self.hear("StasisStart", channel=channel(CITIZEN, "Ring"), args=["in", "12345"])
        if agent:
            self.registry.add(Leg(call=CALL, leg=AGENT, party=Party.AGENT))

    def hear(self, kind: str, **event: Any) -> list[AnyEvent | Stray | ToRecord | PhoneSeen]:
        frame = json.dumps({"type": kind, "application": "hotline", **event})
        return list(self.frame(frame.encode()))

    def frame(self, frame: bytes) -> Iterator[AnyEvent | Stray | ToRecord | PhoneSeen]:
        event = self.translator.decode(frame)
        for heard in self.translator.translate(event) if event is not None else ():
            if isinstance(heard, LineEvent):
                assert heard.call == CALL
                yield heard.event
            else:
                yield heard


def test_a_citizen_arrives() -> None:
    arrived = World(citizen=False).hear("StasisStart", channel=channel(CITIZEN, "Ring"), args=["in"])
    assert arrived == [ev.CallArrived(leg=CITIZEN, caller_number="13800000001", dialled="12345")]


@pytest.mark.parametrize("number", ["", "anonymous", "Anonymous", "unknown"])
def test_a_withheld_number_is_none(number: str) -> None:
    (arrived,) = World(citizen=False).hear("StasisStart", channel=channel(CITIZEN, caller={"number": number}))
    assert isinstance(arrived, ev.CallArrived)
    assert arrived.caller_number is None


def test_without_a_number_from_the_dialplan_the_extension_is_what_was_dialled() -> None:
    dialplan = {"exten": "12345", "app_name": "Stasis", "app_data": "hotline"}
    (arrived,) = World(citizen=False).hear("StasisStart", channel=channel(CITIZEN, dialplan=dialplan))
    assert isinstance(arrived, ev.CallArrived)
    assert arrived.dialled == "12345"


def test_picking_up_is_heard_once() -> None:
    world = World()
    assert world.hear("ChannelStateChange", channel=channel(CITIZEN)) == [ev.PickedUp(leg=CITIZEN)]
    assert world.hear("ChannelStateChange", channel=channel(CITIZEN)) == []


def test_an_agents_phone_rings_and_is_answered() -> None:
    world = World(agent=True)
    assert world.hear("ChannelStateChange", channel=channel(AGENT, "Ringing")) == [ev.LegRinging(leg=AGENT)]
    assert world.hear("ChannelStateChange", channel=channel(AGENT, "Ringing")) == []
    assert world.hear("ChannelStateChange", channel=channel(AGENT)) == []
    assert world.hear("StasisStart", channel=channel(AGENT), args=[]) == [ev.LegAnswered(leg=AGENT)]


def test_keys_are_heard_with_their_leg() -> None:
    world = World(agent=True)
    for leg in (CITIZEN, AGENT):
        heard = world.hear("ChannelDtmfReceived", channel=channel(leg), digit="5", duration_ms=120)
        assert heard == [ev.DigitPressed(leg=leg, digit="5")]
    assert world.hear("ChannelDtmfReceived", channel=channel("other"), digit="5", duration_ms=120) == []


def test_a_playback_ends_once() -> None:
    world = World()
    world.registry.playbacks[PlaybackId("p")] = CALL
    finished = {"id": "p", "state": "done", "media_uri": "sound:x", "target_uri": "channel:y"}
    assert world.hear("PlaybackFinished", playback=finished) == [ev.PlaybackFinished(playback=PlaybackId("p"))]
    assert world.hear("PlaybackFinished", playback=finished) == []


def test_a_failed_playback_ends_too_and_is_reported() -> None:
    world = World()
    world.registry.playbacks[PlaybackId("p")] = CALL
    heard = world.hear("PlaybackFinished", playback={"id": "p", "state": "failed"})
    assert heard == [ev.PlaybackFinished(playback=PlaybackId("p"))]
    assert world.translator.counts["playback failed"] == 1


def test_the_legs_are_joined_when_both_hear_the_talk_bridge() -> None:
    world = World(agent=True)
    world.hear("StasisStart", channel=channel(AGENT))
    world.registry.joining[CALL] = (CITIZEN, AGENT)
    assert world.hear("ChannelEnteredBridge", channel=channel(CITIZEN), bridge={"id": f"{CALL}.hold"}) == []
    assert world.hear("ChannelEnteredBridge", channel=channel(CITIZEN), bridge={"id": f"{CALL}.talk"}) == []
    joined = world.hear("ChannelEnteredBridge", channel=channel(AGENT), bridge={"id": f"{CALL}.talk"})
    assert joined == [ev.LegsJoined(citizen_leg=CITIZEN, agent_leg=AGENT)]


def test_one_who_left_before_the_other_came_is_not_joined() -> None:
    world = World(agent=True)
    world.hear("StasisStart", channel=channel(AGENT))
    world.registry.joining[CALL] = (CITIZEN, AGENT)
    world.hear("ChannelEnteredBridge", channel=channel(CITIZEN), bridge={"id": f"{CALL}.talk"})
    world.hear("ChannelLeftBridge", channel=channel(CITIZEN), bridge={"id": f"{CALL}.talk"})
    assert world.hear("ChannelEnteredBridge", channel=channel(AGENT), bridge={"id": f"{CALL}.talk"}) == []


REQUESTS = [
    ({"cause": 16}, HangupCause.NORMAL),
    ({}, HangupCause.NORMAL),
    ({"cause": 127, "tech_cause": 487}, HangupCause.NORMAL),  # CANCEL before the answer
    ({"cause": 1, "soft": True}, HangupCause.LOST),  # RTP time-out
    ({"cause": 32, "soft": True}, HangupCause.NORMAL),  # our own DELETE
    ({"cause": 38}, HangupCause.FAILURE),
]


@pytest.mark.parametrize(("request_", "cause"), REQUESTS)
def test_a_citizen_hangs_up_once_for_a_reason(request_: dict[str, Any], cause: HangupCause) -> None:
    world = World()
    assert world.hear("ChannelHangupRequest", channel=channel(CITIZEN), **request_) == []
    assert world.hear("StasisEnd", channel=channel(CITIZEN)) == [ev.LegHungUp(leg=CITIZEN, cause=cause)]
    assert world.hear("ChannelDestroyed", channel=channel(CITIZEN), cause=16, cause_txt="Normal Clearing") == []
    assert world.hear("ChannelDtmfReceived", channel=channel(CITIZEN), digit="1", duration_ms=1) == []


# what Asterisk 22.10.1 was seen to say of a phone that did not answer: (rang, hang-up request, cause of the end)
PHONES = [
    (True, {"cause": 17, "tech_cause": 486}, 17, HangupCause.BUSY),
    (True, {"cause": 21, "tech_cause": 603}, 21, HangupCause.REJECTED),
    (True, {"cause": 19, "tech_cause": 480}, 19, HangupCause.UNREACHABLE),
    (True, {"cause": 18, "tech_cause": 408}, 18, HangupCause.UNREACHABLE),
    (True, {"cause": 1, "tech_cause": 404}, 1, HangupCause.UNREACHABLE),
    (True, {"cause": 38, "tech_cause": 500}, 38, HangupCause.FAILURE),
    (True, {"cause": 34, "tech_cause": 503}, 34, HangupCause.FAILURE),
    (True, None, 19, HangupCause.NO_ANSWER),  # rang to the end of its time
    (False, None, 19, HangupCause.UNREACHABLE),  # never replied
]


@pytest.mark.parametrize(("rang", "request_", "end", "cause"), PHONES)
def test_a_phone_that_does_not_answer_says_why(
    rang: bool, request_: dict[str, Any] | None, end: int, cause: HangupCause
) -> None:
    world = World(agent=True)
    if rang:
        world.hear("ChannelStateChange", channel=channel(AGENT, "Ringing"))
    if request_ is not None:
        world.hear("ChannelHangupRequest", channel=channel(AGENT, "Ringing"), **request_)
    ended = world.hear("ChannelDestroyed", channel=channel(AGENT, "Ringing"), cause=end, cause_txt="x", tech_cause=480)
    assert ended == [ev.LegHungUp(leg=AGENT, cause=cause)]


@pytest.mark.parametrize("cause", HangupCause)
def test_a_leg_we_ended_ended_for_our_reason(cause: HangupCause) -> None:
    world = World(agent=True)
    world.registry.leg(AGENT).asked = cause
    world.hear("ChannelHangupRequest", channel=channel(AGENT, "Ringing"), cause=32, soft=True)
    ended = world.hear("ChannelDestroyed", channel=channel(AGENT, "Ringing"), cause=q850(cause), cause_txt="x")
    assert ended == [ev.LegHungUp(leg=AGENT, cause=cause)]


def test_a_leg_given_back_is_heard_of_no_more() -> None:
    world = World()
    world.registry.leg(CITIZEN).given_back = True
    assert world.hear("StasisEnd", channel=channel(CITIZEN)) == []
    assert world.hear("ChannelDestroyed", channel=channel(CITIZEN), cause=16, cause_txt="") == []


def test_a_call_without_an_id_is_a_stray_to_be_given_back() -> None:
    world = World(citizen=False)
    assert world.hear("StasisStart", channel=channel("other", channelvars={})) == [Stray("other", made_by_us=False)]
    assert world.translator.counts["stray"] == 1


def test_a_leg_of_ours_that_nobody_waits_for_is_a_stray_to_be_hung_up() -> None:
    assert World().hear("StasisStart", channel=channel(AGENT)) == [Stray(AGENT, made_by_us=True)]


@pytest.mark.parametrize("name", [f"{CALL}.snoop.citizen.1", f"{CALL}.media.agent.2"])
def test_a_taps_channel_is_no_call(name: str) -> None:
    assert World().hear("StasisStart", channel=channel(name, channelvars={"HOTLINE_PARTY": "tap"})) == []


def test_unknown_events_are_counted_and_passed_over() -> None:
    world = World()
    assert world.hear("DeviceStateChanged", device_state={}) == []
    assert world.translator.counts["ignored DeviceStateChanged"] == 1


MALFORMED = [b"", b"{", b"[]", b'{"type":"StasisStart"}', b'{"type":"StasisStart","channel":7}', b"\xff"]


@pytest.mark.parametrize("frame", MALFORMED)
def test_malformed_events_are_counted_and_not_quoted(frame: bytes, caplog: pytest.LogCaptureFixture) -> None:
    world = World(citizen=False)
    assert list(world.frame(frame)) == []
    assert sum(world.translator.counts.values()) == 1
    assert "channel" not in caplog.text


def test_no_number_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    world = World(citizen=False)
    world.hear("StasisStart", channel=channel("other", channelvars={}))
    world.hear("StasisStart", channel={**channel(CITIZEN), "state": 7})
    world.hear("StasisStart", channel=channel(CITIZEN))
    assert "13800000001" not in caplog.text


KINDS = [
    "StasisStart",
    "StasisEnd",
    "ChannelStateChange",
    "ChannelHangupRequest",
    "ChannelDestroyed",
    "ChannelEnteredBridge",
]
FRAMES = st.tuples(
    st.sampled_from(KINDS),
    st.sampled_from([CITIZEN, AGENT]),
    st.sampled_from(["Ring", "Ringing", "Up"]),
    st.integers(0, 127),
    st.booleans(),
)


@settings(max_examples=300)
@given(st.lists(FRAMES, max_size=30))
def test_whatever_comes_a_leg_is_answered_once_and_ends_once(frames: list[tuple[str, LegId, str, int, bool]]) -> None:
    world = World(agent=True)
    world.registry.joining[CALL] = (CITIZEN, AGENT)
    heard: list[AnyEvent] = []
    for kind, leg, state, cause, soft in frames:
        bridge = {"id": f"{CALL}.talk"}
        heard += [
            event
            for event in world.hear(kind, channel=channel(leg, state), cause=cause, soft=soft, bridge=bridge)
            if not isinstance(event, Stray | ToRecord | PhoneSeen)
        ]
    arrivals = 1 + sum(isinstance(event, ev.CallArrived) for event in heard)
    for leg, lives in ((CITIZEN, arrivals), (AGENT, 1)):
        of_leg = [event for event in heard if getattr(event, "leg", None) == leg]
        for step in (ev.PickedUp, ev.LegRinging, ev.LegAnswered):
            assert sum(isinstance(event, step) for event in of_leg) <= lives
        ends = sum(isinstance(event, ev.LegHungUp) for event in of_leg)
        assert ends == lives - (leg in world.registry.legs)


def test_a_leg_to_record_is_answered_when_it_is_back_from_the_dialplan() -> None:
    world = World()
    leg = LegId("hotline-1-citizen-1")
    world.registry.add(Leg(call=CALL, leg=leg, party=Party.CITIZEN, ours=True, to_record="hotline-1"))
    assert world.hear("StasisStart", channel=channel(leg, "Up"), args=[]) == [ToRecord(leg)]
    assert world.hear("StasisEnd", channel=channel(leg, "Up")) == []
    assert world.hear("StasisStart", channel=channel(leg, "Up"), args=["out"]) == [ev.LegAnswered(leg=leg)]
    assert world.hear("StasisEnd", channel=channel(leg, "Up")) == [ev.LegHungUp(leg=leg, cause=HangupCause.NORMAL)]


@pytest.mark.parametrize(("status", "reachable"), [("Reachable", True), ("Unreachable", False), ("Removed", False)])
def test_phones_come_and_go(status: str, reachable: bool) -> None:
    phone = {"technology": "PJSIP", "resource": "1001", "state": "offline"}
    seen = World().hear("ContactStatusChange", endpoint=phone, contact_info={"contact_status": status})
    assert seen == [PhoneSeen(endpoint="PJSIP/1001", reachable=reachable)]
    assert World().hear("ContactStatusChange", endpoint=phone, contact_info={"contact_status": "Created"}) == []
