from datetime import UTC, datetime

from ivr.calls.seen import CallSeen
from ivr.calls.vocabulary import CallId, CallState, Party, Skill
from ivr.tap_watch import TapWatch

CALL = CallId("call1")


class World:
    def __init__(self) -> None:
        self.state = CallState.CONNECTED
        self.silent: dict[Party, int | None] = dict.fromkeys(Party, 0)
        self.reforked: list[tuple[int, Party]] = []
        self.now = 0
        self.watch = TapWatch(self.calls, lambda _, party: self.silent[party], self.refork)

    def calls(self) -> list[CallSeen]:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return [CallSeen(call=CALL, state=self.state, caller_number=None, dialled="", skill=Skill("x"), arrived_at=at)]

    def refork(self, call: CallId, party: Party) -> None:
        assert call == CALL
        self.reforked.append((self.now, party))

    def passes(self, seconds: int) -> None:
        for _ in range(seconds):
            self.watch.look(float(self.now))
            self.now += 1


def test_a_tap_that_sends_is_left_alone() -> None:
    world = World()
    world.silent[Party.AGENT] = 2_900
    world.passes(100)
    assert world.reforked == []


def test_a_silent_tap_is_made_anew_and_each_try_waits_longer() -> None:
    world = World()
    world.silent[Party.AGENT] = 3_000
    world.passes(200)
    assert world.reforked == [(at, Party.AGENT) for at in (0, 5, 15, 35, 95, 155)]


def test_a_tap_that_sends_again_and_falls_silent_is_made_anew_at_once() -> None:
    world = World()
    world.silent[Party.CITIZEN] = 4_000
    world.passes(40)
    world.silent[Party.CITIZEN] = 0
    world.passes(1)
    world.silent[Party.CITIZEN] = 4_000
    world.passes(1)
    assert [at for at, _ in world.reforked] == [0, 5, 15, 35, 41]


def test_a_conversation_nobody_listens_to_is_given_a_moment() -> None:
    world = World()
    world.silent[Party.CITIZEN] = None
    world.passes(11)
    assert world.reforked == [(5, Party.CITIZEN), (10, Party.CITIZEN)]


def test_only_conversations_are_watched_and_a_new_one_begins_anew() -> None:
    world = World()
    world.silent = dict.fromkeys(Party, None)
    world.state = CallState.QUEUED
    world.passes(20)
    assert world.reforked == []
    world.state = CallState.CONNECTED
    world.passes(4)
    world.state = CallState.QUEUED
    world.passes(1)
    world.state = CallState.CONNECTED
    world.passes(5)
    assert world.reforked == []
    world.passes(1)
    assert world.reforked == [(30, Party.AGENT), (30, Party.CITIZEN)]
