"""The switchboard: hears telephony, keeps a conductor for every call, takes calls over after a gap, lets go at the end.

What the rest of the server needs of it: `run` and `stop`; `floor` for the agents' verbs and views; `watchers`; `call`
and `calls` for what stands; `refork` where a conversation's tap is silent.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from ivr.calls.events import AnyEvent, CallArrived, LegAnswered, LegRinging, LineEvent, Recorded
from ivr.calls.plan import CallPlan
from ivr.calls.queue_rules import PLAIN_RULES, QueueRules
from ivr.calls.reconcile import LegSeen
from ivr.calls.roster import Agent
from ivr.calls.seen import CallSeen
from ivr.calls.session import CallSession
from ivr.calls.standing import BINDS
from ivr.calls.vocabulary import CallId, HangupCause, Party
from ivr.conductor import STOP_MS, Conductor, Surroundings
from ivr.floor import AgentFloor
from ivr.journal import Journal
from ivr.ports import Clock, Ear, EventLog, EventLogUnavailable, HotlineError, LinkDown, LinkUp, Snapshot, Telephony
from ivr.tasks import Tasks
from ivr.watchers import Watchers

_log = logging.getLogger(__name__)

RECALL_MS = 5_000
"""How long the event log may take to say which calls are open; past that, calls are taken over from Asterisk alone."""
ERRAND_MS = 5_000
ERRANDS = 1_000
FLUSH_MS = 5_000
ENDED = 10_000
"""Ended calls remembered, so that what is left of one in Asterisk is not taken for a new one."""


class Switchboard:
    """The running calls. `plan_for` makes the plan of a call that arrives; it must not wait.

    One process runs one switchboard for one telephony. All methods belong to the loop's thread.
    """

    def __init__(
        self,
        *,
        telephony: Telephony,
        ear: Ear,
        clock: Clock,
        log: EventLog,
        agents: Iterable[Agent],
        plan_for: Callable[[CallArrived], CallPlan],
        rules: QueueRules = PLAIN_RULES,
    ) -> None:
        self.watchers = Watchers()
        self.floor = AgentFloor(agents, clock, self.watchers, self._deliver, rules)
        self._telephony = telephony
        self._clock = clock
        self._event_log = log
        self._plan_for = plan_for
        self.journal = Journal(log, clock)
        self._around = Surroundings(telephony, ear, clock, self.journal, self.floor, self)
        self._conductors: dict[CallId, Conductor] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._seen: dict[CallId, CallSeen] = {}
        self._ended: deque[tuple[CallId, bool]] = deque(maxlen=ENDED)
        self._open: list[list[Recorded]] = []
        self._behind: set[CallId] = set()
        self._tasks = Tasks()
        self._errands: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    # ---- what stands

    def call(self, call: CallId) -> CallSeen | None:
        """A running call."""
        return self._seen.get(call)

    def calls(self) -> list[CallSeen]:
        """Every running call, in order of arrival."""
        return sorted(self._seen.values(), key=lambda seen: (seen.arrived_at, seen.call))

    def refork(self, call: CallId, party: Party) -> None:
        """Tap a party anew, where the tap is silent that should not be; nothing for a call that does not talk."""
        if (conductor := self._conductors.get(call)) is not None:
            conductor.refork(party)

    # ---- its life

    async def run(self) -> None:
        """Work until `stop` or the end of telephony's stream; then let go: no call is ended, the log is flushed.

        Raises what telephony's stream raises (`RequestRefused`), in an ExceptionGroup.
        """
        self._open = await self._open_calls()
        async with self._tasks as tasks:
            tasks.start("journal", self.journal.run())
            tasks.start("queue teller", self.floor.tell_the_queue())
            tasks.start("places teller", self.floor.tell_the_places())
            tasks.start("queue steps", self.floor.widen_the_search())
            listening = tasks.start("switchboard listening", self._listen())
            await self._stopping.wait()
            listening.cancel()
            await self._let_go()

    def stop(self) -> None:
        """Let go of all calls as they stand; they go on in Asterisk, for who takes them over."""
        self._stopping.set()

    async def _open_calls(self) -> list[list[Recorded]]:
        try:
            async with asyncio.timeout(RECALL_MS / 1000):
                return await self._event_log.open_calls()
        except (EventLogUnavailable, TimeoutError):
            _log.error("event log: open calls unknown, taking over from asterisk alone")
            return []

    async def _let_go(self) -> None:
        for conductor in self._conductors.values():
            conductor.stop()
        if self._running:
            await asyncio.wait(self._running, timeout=2 * STOP_MS / 1000)
        await self.journal.flush(FLUSH_MS)

    # ---- telephony

    async def _listen(self) -> None:
        async for heard in self._telephony.stream():
            try:
                self._hear(heard)
            except Exception as error:  # one call's arrival must not deafen the hotline
                _log.error("%s could not be heard: %s", type(heard).__name__, type(error).__name__)
        self.stop()

    def _hear(self, heard: LineEvent | LinkUp | LinkDown) -> None:
        match heard:
            case LinkUp(snapshot=snapshot):
                self._link_up(snapshot)
                self.watchers.link_changed(up=True)
            case LinkDown():
                _log.warning("link down: %d calls go on unheard", len(self._conductors))
                self.floor.hold()
                self.watchers.link_changed(up=False)
                self._behind.clear()
                for conductor in self._conductors.values():
                    conductor.link_down()
            case LineEvent(call=call, event=event):
                if not self._deliver(call, event):
                    self._hear_new(call, event)

    def _deliver(self, call: CallId, event: AnyEvent) -> bool:
        conductor = self._conductors.get(call)
        if conductor is None:
            return False
        conductor.deliver(event)
        return True

    def _hear_new(self, call: CallId, event: AnyEvent) -> None:
        match event:
            case CallArrived():
                self._begin(call, event, ())
                self._deliver(call, event)
            case LegRinging(leg=leg) | LegAnswered(leg=leg):  # an offer that outlived its call
                self._errand(f"hang up {leg}", lambda: self._telephony.hang_up(call, leg, HangupCause.NORMAL))

    # ---- taking over

    def _link_up(self, snapshot: Snapshot) -> None:
        """Believe the snapshot: adopt what is ours, release what is nobody's. Offers wait until all have caught up."""
        standing: dict[CallId, list[LegSeen]] = {}
        for leg in snapshot.legs:
            standing.setdefault(leg.call, []).append(leg)
        known = len(self._conductors)
        lost, self._open = self._open, []
        for lines in sorted(lost, key=lambda lines: lines[0].at):
            self._adopt(lines)
        adopted = len(self._conductors) - known
        for call, legs in standing.items():
            if call not in self._conductors:
                self._meet(call, legs)
        met = len(self._conductors) - known - adopted
        _log.info("link up: %d calls known, %d adopted from the log, %d met in asterisk", known, adopted, met)
        self._behind = set(self._conductors)
        for call, conductor in self._conductors.items():
            conductor.relink(standing.get(call, ()))
        self._errand("sweep", lambda: self._telephony.sweep(tuple(self._conductors)))
        if not self._behind:
            self.floor.resume()

    def _adopt(self, lines: Sequence[Recorded]) -> None:
        call, first = lines[0].call, lines[0].event
        if isinstance(first, CallArrived):
            self._begin(call, first, lines)
        else:
            _log.error("call %s: its log does not begin with its arrival, closed", call)
            self.journal.close(call)

    def _meet(self, call: CallId, legs: Sequence[LegSeen]) -> None:
        citizen = next((leg for leg in legs if leg.party is Party.CITIZEN), None)
        ended = dict(self._ended).get(call)
        if citizen is not None and ended is None:
            number, dialled = citizen.caller_number, citizen.dialled
            self._begin(call, CallArrived(leg=citizen.leg, caller_number=number, dialled=dialled), ())
            return
        for leg in legs:
            self._release(leg, give_back=ended is True)

    def _release(self, leg: LegSeen, *, give_back: bool) -> None:
        """Nobody's leg: away with it, but a citizen whose call's logic had failed goes to the fallback."""
        if give_back and leg.party is Party.CITIZEN:
            self._errand(f"give back {leg.leg}", lambda: self._telephony.give_back(leg.call, leg.leg))
        else:
            self._errand(f"hang up {leg.leg}", lambda: self._telephony.hang_up(leg.call, leg.leg, HangupCause.NORMAL))

    def _begin(self, call: CallId, arrived: CallArrived, past: Sequence[Recorded]) -> None:
        """Give a call its conductor. One that no plan can be made for goes back to the dialplan."""
        try:
            plan = self._plan_for(arrived)
        except Exception as error:  # the boundary of a call, before it has a conductor
            _log.error("call %s: no plan can be made: %s", call, type(error).__name__)
            self._errand(f"give back {arrived.leg}", lambda: self._telephony.give_back(call, arrived.leg))
            return
        session = _replay(call, plan, past)
        conductor = Conductor(session, self._around, past)
        self._conductors[call] = conductor
        if session.agent is not None and session.state in BINDS:
            self.floor.adopt(call, session.agent, BINDS[session.state])
        if past:
            self._show(conductor)
        task = self._tasks.start(f"call {call}", conductor.run())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    # ---- the conductors' owner

    def told(self, conductor: Conductor, record: Recorded) -> None:
        """A call moved on."""
        self.watchers.recorded(record)
        self._show(conductor)

    def caught_up(self, conductor: Conductor) -> None:
        """A call is what Asterisk shows; when all are, offers are made again."""
        if conductor.call in self._behind:
            self._behind.discard(conductor.call)
            if not self._behind:
                self.floor.resume()

    def ended(self, conductor: Conductor) -> None:
        """A call is over."""
        call = conductor.call
        del self._conductors[call]
        self._ended.append((call, conductor.failed))
        self.floor.forget(call)
        self.caught_up(conductor)
        self._seen.pop(call, None)
        self.watchers.call_changed(msgspec.structs.replace(_see(conductor), over=True))

    def _show(self, conductor: Conductor) -> None:
        seen = _see(conductor)
        if seen != self._seen.get(conductor.call):
            self._seen[conductor.call] = seen
            self.watchers.call_changed(seen)

    def _errand(self, name: str, verb: Callable[[], Awaitable[object]]) -> None:
        """Something beside the way. Past the bound it is left: the next snapshot shows what remains to be done."""
        if len(self._errands) >= ERRANDS:
            _log.error("too many errands: %s left", name)
            return
        task = self._tasks.start(name, self._run_errand(name, verb))
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _run_errand(self, name: str, verb: Callable[[], Awaitable[object]]) -> None:
        try:
            async with asyncio.timeout(ERRAND_MS / 1000):
                await verb()
        except TimeoutError:
            _log.warning("%s: no reply in time", name)
        except HotlineError as error:
            _log.warning("%s: %s", name, error)


def _replay(call: CallId, plan: CallPlan, past: Sequence[Recorded]) -> CallSession:
    """The session as it stood; a new one where its log breaks it, for Asterisk's word to bring to life."""
    try:
        return CallSession.replay(call, plan, past)
    except Exception as error:  # what failed once must not fail again at every start
        _log.error("call %s cannot be replayed: %s", call, type(error).__name__)
        return CallSession(call, plan)


def _see(conductor: Conductor) -> CallSeen:
    session = conductor.session

    def at(ms: int | None) -> datetime | None:
        return None if ms is None else conductor.arrived_at + timedelta(milliseconds=ms)

    return CallSeen(
        call=session.call,
        state=session.state,
        caller_number=session.caller_number,
        dialled=session.dialled,
        skill=session.skill,
        arrived_at=conductor.arrived_at,
        answered_at=at(session.answered_ms),
        ended_at=at(session.ended_ms),
        agent=session.agent,
        hearing=conductor.hearing,
        failed=conductor.failed,
    )
