"""Runs one call: what is heard goes through the session, what the session wants is done. One task owns one call.

    inbox → (journal) → session → floor (queue, agents), timers: at once
                                → legs' lane → Asterisk          } in order, beside the hearing,
                                → taps' lane → Asterisk and ear  } so nothing slow keeps a hang-up from being heard

While the link to Asterisk is down no verb is begun and no timer judges Asterisk's silence; `relink` brings the truth.
"""

import asyncio
import logging
import traceback
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ivr.calls import effects as do
from ivr.calls import events as ev
from ivr.calls.caller import Caller
from ivr.calls.effects import AnyEffect
from ivr.calls.events import AnyEvent, Recorded
from ivr.calls.reconcile import LegSeen, reconcile
from ivr.calls.session import CallSession
from ivr.calls.standing import forks, orders
from ivr.calls.vocabulary import AgentId, CallId, OfferOutcome, Party, Skill
from ivr.journal import Journal
from ivr.performer import Performer
from ivr.ports import Clock, Ear, Telephony

_log = logging.getLogger(__name__)

INBOX = 256
"""Events a call may be behind. Past half of it, keys, ringing and places are dropped; past all of it the call fails."""
LANE = 256
STOP_MS = 3_000

_DISPENSABLE = (ev.DigitPressed, ev.LegRinging, ev.QueueMoved)


class Overrun(Exception):
    """A call has more to hear or to do than it can ever catch up with."""


class Floor(Protocol):
    """The queue and the agents as a call sees them. Nothing here waits or raises."""

    def join(self, call: CallId, skill: Skill, entered_ms: int, caller: Caller) -> None:
        """Wait for a person; `entered_ms` on the clock's monotonic axis."""
        ...

    def leave(self, call: CallId) -> None:
        """Wait no longer."""
        ...

    def connected(self, call: CallId, agent: AgentId) -> None:
        """The agent talks."""
        ...

    def released(self, call: CallId, agent: AgentId, outcome: OfferOutcome) -> None:
        """The agent is let go."""
        ...

    def wrap_up_began(self, call: CallId, agent: AgentId) -> None:
        """The agent's after-call work began."""
        ...

    def wrap_up_ended(self, call: CallId, agent: AgentId) -> None:
        """The agent's after-call work is over."""
        ...

    def agent_at(self, endpoint: str) -> AgentId | None:
        """Whose phone that is."""
        ...


class Owner(Protocol):
    """Who keeps the conductors. Nothing here waits or raises."""

    def told(self, conductor: "Conductor", record: Recorded) -> None:
        """An event of the call was recorded and its session moved on."""
        ...

    def caught_up(self, conductor: "Conductor") -> None:
        """After a `relink`, the call is what Asterisk shows."""
        ...

    def ended(self, conductor: "Conductor") -> None:
        """The call is over: nothing of it stands any more, or its logic failed and it was given back."""
        ...


@dataclass(frozen=True)
class Surroundings:
    """What all calls share."""

    telephony: Telephony
    ear: Ear
    clock: Clock
    journal: Journal
    floor: Floor
    owner: Owner


@dataclass(frozen=True)
class _Fired:
    timer: str
    run: int


@dataclass(frozen=True)
class _Relink:
    legs: Sequence[LegSeen]
    link: int


class Conductor:
    """One call and its task. `past` are the events a call taken over has already in its log.

    `arrived_at` is UTC; `failed` is true once the guard had to give the citizen back. Everything but `run` may be
    called at any time from the loop's thread and returns at once.
    """

    def __init__(self, session: CallSession, around: Surroundings, past: Sequence[Recorded] = ()) -> None:
        self.session = session
        self.call = session.call
        self._around = around
        clock = around.clock
        now = clock.now()
        self.arrived_at: datetime = past[0].at if past else now
        self._seq = len(past)
        self._last_ms = past[-1].offset_ms if past else 0
        self._born_ms = clock.monotonic_ms() - max(self._last_ms, round((now - self.arrived_at).total_seconds() * 1000))
        self._taken_over = bool(past)
        self._inbox: asyncio.Queue[AnyEvent | _Fired | _Relink] = asyncio.Queue(INBOX)
        self._legs_lane: asyncio.Queue[AnyEffect | None] = asyncio.Queue(LANE)
        self._taps_lane: asyncio.Queue[AnyEffect | None] = asyncio.Queue(LANE)
        self._linked = asyncio.Event()
        self._linked.set()
        self._link = 0
        self._done = asyncio.Event()
        self._overrun = False
        self.failed = False
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._runs = 0
        self._running: dict[str, int] = {}
        self._held: list[_Fired] = []
        self._group = asyncio.TaskGroup()
        self._performer = Performer(
            session, around.telephony, around.ear, clock, self._linked, self.deliver, self._offset_ms
        )

    @property
    def hearing(self) -> frozenset[Party]:
        """Who is listened to."""
        return frozenset(self._performer.hearing)

    # ---- from outside

    def deliver(self, event: AnyEvent) -> None:
        """Let the call hear something."""
        if isinstance(event, _DISPENSABLE) and self._inbox.qsize() >= INBOX // 2:
            _log.warning("call %s: too far behind, %s dropped", self.call, type(event).__name__)
            return
        self._put(self._inbox, event)

    def link_down(self) -> None:
        """Asterisk cannot be heard or told."""
        self._link += 1
        self._linked.clear()

    def relink(self, legs: Sequence[LegSeen]) -> None:
        """Asterisk can be heard again, and `legs` are what stands of this call."""
        self.link_down()
        self._put(self._inbox, _Relink(legs, self._link))

    def refork(self, party: Party) -> None:
        """Tap a party of a running conversation anew, where the tap is silent that should not be."""
        for effect in forks(self.session):
            if effect.party is party:
                self._put(self._taps_lane, effect)

    def stop(self) -> None:
        """Let go of the call as it stands; it goes on in Asterisk, and its log stays open for who takes it over."""
        self._done.set()

    async def run(self) -> None:
        """Conduct the call to its end or until stopped. Whatever fails here fails this call only."""
        try:
            async with self._group:
                await self._conduct()
        except Exception as error:  # the boundary of a call: the hotline goes on
            _log.error("call %s failed: %s", self.call, _without_words(error))
            await self._fail()

    # ---- the task

    async def _conduct(self) -> None:
        hearing = self._spawn("hearing", self._hear())
        lanes = [
            self._spawn("legs", self._work(self._legs_lane)),
            self._spawn("taps", self._work(self._taps_lane)),
        ]
        await self._done.wait()
        if self._overrun:
            raise Overrun(f"more than {INBOX} events or {LANE} effects wait")
        if self.session.over:
            await self._end(lanes)
        else:
            await self._let_go(lanes)
        for task in (hearing, *lanes, *self._timers.values()):
            task.cancel()

    async def _end(self, lanes: Sequence[asyncio.Task[None]]) -> None:
        """Everything asked for is done, then nothing is left of the call."""
        await self._legs_lane.put(None)
        await self._taps_lane.put(None)
        await asyncio.wait(lanes)
        await self._performer.finish()
        self._around.journal.close(self.call)
        self._around.owner.ended(self)

    async def _let_go(self, lanes: Sequence[asyncio.Task[None]]) -> None:
        """What is being done may end, what is not begun is left: a successor finds it missing and does it."""
        for lane in (self._legs_lane, self._taps_lane):
            while not lane.empty():
                lane.get_nowait()
            lane.put_nowait(None)
        await asyncio.wait(lanes, timeout=STOP_MS / 1000)
        await self._performer.close_ears()

    async def _fail(self) -> None:
        self.failed = True
        try:
            citizen = self.session.citizen
            if citizen is not None and not self.session.citizen_gone:
                await self._record(ev.GivenBack(leg=citizen))
            await self._performer.give_back()
        except Exception as error:  # the same boundary: what fails twice may still not reach the other calls
            _log.error("call %s could not be given back: %s", self.call, _without_words(error))
        self._around.journal.close(self.call)
        self._around.owner.ended(self)

    async def _hear(self) -> None:
        while True:
            match await self._inbox.get():
                case _Relink() as relink:
                    await self._believe(relink)
                case _Fired() as fired:
                    if self._linked.is_set():
                        await self._fired(fired)
                    else:
                        self._held.append(fired)
                case event:
                    await self._take(event)

    async def _work(self, lane: asyncio.Queue[AnyEffect | None]) -> None:
        while (effect := await lane.get()) is not None:
            await self._performer.perform(effect)

    async def _take(self, event: AnyEvent) -> list[AnyEffect]:
        """Record an event, then let the session decide, then do it."""
        if self.session.over:
            return []
        record = await self._record(event)
        effects = self.session.handle(event, record.offset_ms)
        for effect in effects:
            self._perform(effect)
        self._around.owner.told(self, record)
        if self.session.over:
            self._done.set()
        return effects

    async def _record(self, event: AnyEvent) -> Recorded:
        self._last_ms = self._offset_ms()
        at = self._around.clock.now()
        record = Recorded(call=self.call, seq=self._seq, at=at, offset_ms=self._last_ms, event=event)
        self._seq += 1
        await self._around.journal.append(record)
        return record

    async def _believe(self, relink: _Relink) -> None:
        """Hear what was missed; a call taken over also sees to what its former server may have left undone."""
        done: list[AnyEffect] = []
        for event in reconcile(self.session, relink.legs, self._around.floor.agent_at):
            done += await self._take(event)
        if self._taken_over:
            self._taken_over = False
            for order in orders(self.session):
                if order not in done:
                    self._perform(order)
            for timer, due_ms in self.session.timers.items():
                if timer not in self._timers:
                    self._start(timer, max(0, due_ms - self._offset_ms()))
            if self.session.over:
                self._done.set()
        if relink.link == self._link:
            self._linked.set()
            held, self._held = self._held, []
            for fired in held:
                await self._fired(fired)
            self._around.owner.caught_up(self)

    def _perform(self, effect: AnyEffect) -> None:
        floor, call = self._around.floor, self.call
        match effect:
            case do.JoinQueue(skill=skill, entered_ms=entered_ms, caller=caller):
                floor.join(call, skill, self._born_ms + entered_ms, caller)
            case do.LeaveQueue():
                floor.leave(call)
            case do.AgentConnected(agent=agent):
                floor.connected(call, agent)
            case do.ReleaseAgent(agent=agent, outcome=outcome):
                floor.released(call, agent, outcome)
            case do.BeginWrapUp(agent=agent):
                floor.wrap_up_began(call, agent)
            case do.EndWrapUp(agent=agent):
                floor.wrap_up_ended(call, agent)
            case do.StartTimer(timer=timer, after_ms=after_ms):
                self._start(timer, after_ms)
            case do.CancelTimer(timer=timer):
                self._cancel(timer)
            case do.ForkMedia() | do.StopFork():
                self._put(self._taps_lane, effect)
            case do.EndCall():
                pass  # `_end` follows: the session is over
            case _:
                self._put(self._legs_lane, effect)

    def _start(self, timer: str, after_ms: int) -> None:
        self._cancel(timer)
        self._runs += 1
        self._running[timer] = self._runs
        self._timers[timer] = self._spawn(f"timer {timer}", self._wait(_Fired(timer, self._runs), after_ms))

    def _cancel(self, timer: str) -> None:
        self._running.pop(timer, None)
        task = self._timers.pop(timer, None)
        if task is not None:
            task.cancel()

    async def _wait(self, fired: _Fired, after_ms: int) -> None:
        await self._around.clock.sleep(after_ms)
        self._put(self._inbox, fired)

    async def _fired(self, fired: _Fired) -> None:
        """One that was cancelled or started anew while it waited to be heard is not heard."""
        if self._running.get(fired.timer) == fired.run:
            self._cancel(fired.timer)
            await self._take(ev.TimerFired(timer=fired.timer))

    def _offset_ms(self) -> int:
        return max(self._last_ms, self._around.clock.monotonic_ms() - self._born_ms)

    def _spawn(self, what: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._group.create_task(work, name=f"call {self.call} {what}")

    def _put(self, queue: asyncio.Queue[Any], item: object) -> None:
        try:
            queue.put_nowait(item)
        except asyncio.QueueFull:
            self._overrun = True
            self._done.set()


def _without_words(error: BaseException) -> str:
    """What went wrong and where, without the error's text: it might quote a citizen."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
