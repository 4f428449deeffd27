"""The floor: the queue and the agents, matched. Calls see it as their `Floor`, desks by the agents' verbs."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import timedelta

from ivr.calls import events as ev
from ivr.calls.acd import Acd, Match
from ivr.calls.errors import MoveRefused
from ivr.calls.events import AnyEvent
from ivr.calls.roster import BOUND, Agent, Rest, Roster, Seat
from ivr.calls.seen import QueueSeen
from ivr.calls.vocabulary import AgentId, AgentState, CallId, OfferOutcome, PauseReason, Skill
from ivr.ports import Clock
from ivr.watchers import Watchers

_log = logging.getLogger(__name__)

QUEUE_EVERY_MS = 1_000
PLACES_EVERY_MS = 5_000


class AgentFloor:
    """Owns the ACD and the roster; every change of an agent goes through here, so both always agree.

    `deliver` lets a call hear something and says whether there is such a call. The agents' verbs raise `AgentUnknown`
    and `MoveRefused`. Matching is on hold until the first `resume`.
    """

    def __init__(
        self, agents: Iterable[Agent], clock: Clock, watchers: Watchers, deliver: Callable[[CallId, AnyEvent], bool]
    ) -> None:
        self._clock = clock
        self._watchers = watchers
        self._deliver = deliver
        self._roster = Roster(agents, clock.now())
        self._acd = Acd()
        self._acd.hold()
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

    def join(self, call: CallId, skill: Skill, entered_ms: int) -> None:
        """Wait for a person; the call hears at once who comes or where it stands."""
        self._reserve(self._acd.join(call, skill, entered_ms))
        if call in self._acd:
            self._places[call] = self._acd.ahead(call)
            self._deliver(call, ev.QueueMoved(ahead=self._places[call]))
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

    def restore(self, rests: Iterable[Rest]) -> None:
        """Let people be as an earlier server had them, before any call is taken over."""
        for seat in self._roster.restore(rests):
            self._changed(seat)

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
            told, self._places = self._places, {call: self._acd.ahead(call) for call in self._acd.calls}
            for call, ahead in sorted(self._places.items()):
                if told.get(call) != ahead:
                    self._deliver(call, ev.QueueMoved(ahead=ahead))

    # ---- inside

    def _by_call(self, seat: Seat | None, call: CallId) -> None:
        if seat is None:
            _log.warning("call %s: spoke of an agent it does not have", call)
        else:
            self._changed(seat)

    def _changed(self, seat: Seat) -> Seat:
        self._watchers.agent_changed(seat)
        agent = seat.agent
        if seat.state is AgentState.AVAILABLE:
            self._reserve(self._acd.agent_free(agent.id, agent.skills, seat.idle_rank))
        else:
            self._acd.agent_busy(agent.id)
        return self._roster.seat(agent.id)  # being free may have brought a call already

    def _reserve(self, matches: Iterable[Match]) -> None:
        for match in matches:
            seat = self._roster.reserve(match.agent, match.call, self._clock.now())
            self._watchers.agent_changed(seat)
            self._queue_moved()
            reserved = ev.AgentReserved(agent=match.agent, endpoint=seat.agent.endpoint)
            if not self._deliver(match.call, reserved):
                self.released(match.call, match.agent, OfferOutcome.WITHDRAWN)

    def _queue_moved(self) -> None:
        self._moved.set()
        self._places_moved.set()
