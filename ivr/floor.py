"""The floor: the queue and the agents, matched. Calls see it as their `Floor`, desks by the agents' verbs."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from ivr.calls import events as ev
from ivr.calls.acd import Acd, Match
from ivr.calls.caller import Caller
from ivr.calls.errors import MoveRefused
from ivr.calls.estimate import Estimator
from ivr.calls.events import AnyEvent
from ivr.calls.pace import Pace
from ivr.calls.queue_rules import PLAIN_RULES, QueueRules
from ivr.calls.roster import BOUND, Agent, Roster, Seat
from ivr.calls.seen import QueueSeen
from ivr.calls.vocabulary import AgentId, AgentState, CallId, OfferOutcome, PauseReason, Skill
from ivr.ports import Clock
from ivr.watchers import Watchers

_log = logging.getLogger(__name__)

QUEUE_EVERY_MS = 1_000
PLACES_EVERY_MS = 5_000
PLACES_AT_ONCE = 200
STEPS_EVERY_MS = 1_000


@dataclass
class _Bound:
    """Since when an agent is taken up by a call; `taken` as their seat counted then."""

    since_ms: int
    taken: int
    talked: bool = False


class AgentFloor:
    """Owns the ACD and the roster; every change of an agent goes through here, so both always agree.

    `deliver` lets a call hear something and says whether there is such a call. The agents' verbs raise `AgentUnknown`
    and `MoveRefused`. Matching is on hold until the first `resume`.
    """

    def __init__(
        self,
        agents: Iterable[Agent],
        clock: Clock,
        watchers: Watchers,
        deliver: Callable[[CallId, AnyEvent], bool],
        rules: QueueRules = PLAIN_RULES,
    ) -> None:
        self._clock = clock
        self._watchers = watchers
        self._deliver = deliver
        self._roster = Roster(agents, clock.now())
        self._rules = rules
        self._acd = Acd()
        self._acd.hold()
        self._estimator = Estimator()
        self._bound: dict[AgentId, _Bound] = {}
        self._pace = Pace()
        self._resting: dict[AgentId, int] = {}
        self._steps = asyncio.Event()
        self._moved = asyncio.Event()
        self._places_moved = asyncio.Event()
        self._places: dict[CallId, int] = {}
        self._queue = QueueSeen(waiting=0)

    # ---- what others see

    def seat(self, agent: AgentId) -> Seat:
        """What an agent is doing."""
        return self._roster.seat(agent)

    def seats(self) -> list[Seat]:
        """Everybody, by number."""
        return self._roster.seats()

    def queue(self) -> QueueSeen:
        """Who waits now."""
        oldest = self._acd.oldest
        if oldest is None:
            return QueueSeen(waiting=0)
        waited = timedelta(milliseconds=self._clock.monotonic_ms() - oldest)
        return QueueSeen(waiting=len(self._acd), oldest_since=self._clock.now() - waited)

    def waiting(self) -> dict[Skill, int]:
        """How many wait for each skill."""
        return self._acd.waiting()

    def longest_wait_ms(self) -> int:
        """How long the longest waiting citizen has waited; 0 where nobody waits."""
        oldest = self._acd.oldest
        return 0 if oldest is None else self._clock.monotonic_ms() - oldest

    def agent_at(self, endpoint: str) -> AgentId | None:
        """Whose phone that is."""
        return self._roster.by_endpoint(endpoint)

    # ---- what agents do

    def sign_in(self, agent: AgentId) -> Seat:
        """签入. Paused without a reason until `ready`; who is in a call stays in it."""
        return self._changed(self._roster.sign_in(agent, self._clock.now()))

    def ready(self, agent: AgentId) -> Seat:
        """示闲. Ends a pause or the wrap-up; during a call it takes back a pause asked for."""
        seat = self._roster.ready(agent, self._clock.now())
        if seat.state is AgentState.WRAP_UP and seat.call is not None:
            self._deliver(seat.call, ev.WrapUpFinished(agent=agent))
        return self._changed(seat)

    def pause(self, agent: AgentId, reason: PauseReason) -> Seat:
        """示忙. During a call it takes effect when the wrap-up ends."""
        return self._changed(self._roster.pause(agent, reason, self._clock.now()))

    def sign_out(self, agent: AgentId, *, forced: bool = False) -> Seat:
        """签出. Refused while a call rings or talks; forced, the agent leaves when that call lets go of them."""
        seat = self._roster.sign_out(agent, self._clock.now(), forced=forced)
        if seat.call is not None:
            self._deliver(seat.call, ev.AgentLost(agent=agent))
        return self._changed(seat)

    def hang_up(self, agent: AgentId) -> Seat:
        """挂断. End the conversation, or refuse the call that rings."""
        seat = self._roster.seat(agent)
        if seat.call is None or seat.state not in (AgentState.RESERVED, AgentState.ON_CALL):
            raise MoveRefused(agent, seat.state, "hang up")
        self._deliver(seat.call, ev.HangUpRequested(agent=agent))
        return seat

    def finish_wrap_up(self, agent: AgentId) -> Seat:
        """End the after-call work; then free, or in the pause asked for."""
        seat = self._roster.seat(agent)
        if seat.call is None or seat.state is not AgentState.WRAP_UP:
            raise MoveRefused(agent, seat.state, "finish wrap-up")
        self._deliver(seat.call, ev.WrapUpFinished(agent=agent))
        return seat

    # ---- what calls do: the conductors' Floor

    def join(self, call: CallId, skill: Skill, entered_ms: int, caller: Caller) -> None:
        """Wait for a person; the call hears at once who comes or where it stands."""
        demand = self._rules.demand(skill, caller, entered_ms)
        self._reserve(self._acd.join(call, demand, self._clock.monotonic_ms()))
        if call in self._acd:
            self._tell_place(call)
            self._steps.set()
        self._queue_moved()

    def leave(self, call: CallId) -> None:
        """Wait no longer."""
        self._acd.withdraw(call)
        self._queue_moved()

    def connected(self, call: CallId, agent: AgentId) -> None:
        """The agent talks."""
        if agent in self._roster:
            self._by_call(self._roster.connect(agent, call, self._clock.now()), call)

    def released(self, call: CallId, agent: AgentId, outcome: OfferOutcome) -> None:
        """The agent is let go."""
        if agent in self._roster:
            self._by_call(self._roster.release(agent, call, outcome, self._clock.now()), call)

    def wrap_up_began(self, call: CallId, agent: AgentId) -> None:
        """After-call work begins."""
        if agent in self._roster:
            self._by_call(self._roster.begin_wrap_up(agent, call, self._clock.now()), call)

    def wrap_up_ended(self, call: CallId, agent: AgentId) -> None:
        """After-call work is over."""
        if agent in self._roster:
            self._by_call(self._roster.end_wrap_up(agent, call, self._clock.now()), call)

    # ---- what the switchboard does

    def adopt(self, call: CallId, agent: AgentId, state: AgentState) -> None:
        """Bind an agent to a call taken over."""
        if agent in self._roster:
            self._by_call(self._roster.adopt(agent, call, state, self._clock.now()), call)

    def forget(self, call: CallId) -> None:
        """The call is over: it waits for nobody and has nobody."""
        self.leave(call)
        for seat in self._roster.seats():
            if seat.call == call and seat.state in BOUND:
                _log.warning("call %s ended with agent %s still %s", call, seat.agent.id, seat.state.value)
                self.released(call, seat.agent.id, OfferOutcome.WITHDRAWN)

    def hold(self) -> None:
        """Offer nobody a call: Asterisk cannot be told."""
        self._acd.hold()

    def resume(self) -> None:
        """Offer calls again, first to who waited longest."""
        self._reserve(self._acd.resume())
        self._queue_moved()

    async def tell_the_queue(self) -> None:
        """Tell the watchers how the queue stands, when it moved, at most once a second. Runs until cancelled."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            queue = self.queue()
            if queue.waiting != self._queue.waiting or queue.waiting:
                self._queue = queue
                self._watchers.queue_changed(queue)
            await self._clock.sleep(QUEUE_EVERY_MS)

    async def tell_the_places(self) -> None:
        """Tell waiting calls how many are ahead, when that changed, every five seconds. Runs until cancelled."""
        while True:
            await self._places_moved.wait()
            await self._clock.sleep(PLACES_EVERY_MS)
            self._places_moved.clear()
            self._places = {call: place for call, place in self._places.items() if call in self._acd}
            for told, call in enumerate(sorted(self._acd.calls), 1):
                if call in self._acd and self._places.get(call) != self._acd.ahead(call):
                    self._tell_place(call)
                if told % PLACES_AT_ONCE == 0:
                    await asyncio.sleep(0)  # thousands wait: others have their turn between

    async def widen_the_search(self) -> None:
        """Let calls that have waited long have further agents, and agents who rested be offered calls, when it is time.

        Runs until cancelled.
        """
        while True:
            await self._steps.wait()
            while (due_ms := self._next_step_ms()) is not None:
                await self._clock.sleep(max(0, min(due_ms - self._clock.monotonic_ms(), STEPS_EVERY_MS)))
                now_ms = self._clock.monotonic_ms()
                self._reserve(self._acd.advance(now_ms))
                for agent in [agent for agent, due in self._resting.items() if due <= now_ms]:
                    del self._resting[agent]
                    self._offer(self._roster.seat(agent))
            self._steps.clear()

    # ---- inside

    def _by_call(self, seat: Seat | None, call: CallId) -> None:
        if seat is None:
            _log.warning("call %s: spoke of an agent it does not have", call)
        else:
            self._changed(seat)

    def _changed(self, seat: Seat) -> Seat:
        self._watchers.agent_changed(seat)
        agent = seat.agent
        self._count(seat)
        self._resting.pop(agent.id, None)
        if seat.state is AgentState.AVAILABLE:
            self._offer(seat)
        else:
            self._acd.agent_busy(agent.id)
        return self._roster.seat(agent.id)  # being free may have brought a call already

    def _offer(self, seat: Seat) -> None:
        """An available agent may have a call, unless they have had as many as they should."""
        agent = seat.agent
        due_ms = self._pace.free_at(agent, self._clock.monotonic_ms())
        if due_ms is None:
            self._reserve(self._acd.agent_free(agent.id, self._rules.server(seat)))
        else:
            self._resting[agent.id] = due_ms
            self._steps.set()

    def _count(self, seat: Seat) -> None:
        """What the estimated waits are made of: who is there, and how long calls take them up."""
        agent, now_ms = seat.agent, self._clock.monotonic_ms()
        if seat.state in BOUND:
            bound = self._bound.setdefault(agent.id, _Bound(now_ms, seat.taken))
            if seat.taken > bound.taken:
                bound.taken, bound.talked = seat.taken, True
                self._pace.took(agent, now_ms)
        elif (ended := self._bound.pop(agent.id, None)) is not None and ended.talked:
            self._estimator.handled(now_ms - ended.since_ms)
        if seat.state in (AgentState.AVAILABLE, *BOUND):
            self._estimator.arrived(agent.id, agent.skills)
        else:
            self._estimator.left(agent.id)

    def _tell_place(self, call: CallId) -> None:
        ahead = self._places[call] = self._acd.ahead(call)
        wait_ms = self._estimator.wait_ms(self._acd, call)
        self._deliver(call, ev.QueueMoved(ahead=ahead, wait_ms=wait_ms, skill=self._acd.demand(call).skill))

    def _next_step_ms(self) -> int | None:
        due = [*self._resting.values()]
        if (step := self._acd.next_step_ms) is not None:
            due.append(step)
        return min(due, default=None)

    def _reserve(self, matches: Iterable[Match]) -> None:
        for match in matches:
            seat = self._roster.reserve(match.agent, match.call, self._clock.now())
            self._watchers.agent_changed(seat)
            self._count(seat)
            self._queue_moved()
            reserved = ev.AgentReserved(agent=match.agent, endpoint=seat.agent.endpoint)
            if not self._deliver(match.call, reserved):
                self.released(match.call, match.agent, OfferOutcome.WITHDRAWN)

    def _queue_moved(self) -> None:
        self._moved.set()
        self._places_moved.set()
