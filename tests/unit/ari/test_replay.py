"""A tape recorded from a real Asterisk (invented numbers) still means what it meant."""

import msgspec

from ivr.ari.tape import read_tape
from ivr.calls.events import LineEvent
from tests.fakes.tape_replay import replay
from tests.integration.taped_call import EVENTS, TAPE


def test_the_recorded_tape_gives_the_recorded_events() -> None:
    recorded = msgspec.json.decode(EVENTS.read_bytes(), type=list[LineEvent])
    assert len({type(line.event) for line in recorded}) >= 8, "a call with everything in it"
    assert replay(read_tape(TAPE)) == recorded


def test_a_tape_that_lost_an_event_gives_others() -> None:
    recorded = msgspec.json.decode(EVENTS.read_bytes(), type=list[LineEvent])
    lines = [line for line in read_tape(TAPE) if "ChannelDtmfReceived" not in line.text]
    assert replay(lines) != recorded
