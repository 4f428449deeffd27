"""Who gets the next call. Pure, deterministic; the caller has the clock.

What a call asks for is a `Demand`: one skill at first, others or lower levels as it waits (`Step`s). What an agent
offers is a `Server`: a level for each skill, and whom they are kept for. Outside a hold no citizen waits for whom an
idle agent fits.

- An agent who becomes free takes, of all calls that may have them, the one that ranks first.
- A call takes, of all agents it may have, first those kept for its class, then the highest level, then the smallest
  idle rank; before all of these the agent it prefers, if idle.

A call's rank is its entry minus its class's head start: priorities age with the clock, so who has waited longer than
the greatest head start is overtaken by nobody any more, and no caller starves. A place is kept over re-offers because
the entry is the caller's own.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Generic, TypeVar

import msgspec

from ivr.calls.vocabulary import AgentId, CallerClass, CallId, Skill

_Rank = TypeVar("_Rank", int, tuple[int, int])
_Name = TypeVar("_Name", CallId, AgentId)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """From `after_ms` of waiting on, agents with `skill` at `least_level` or better may take the call.

    `anybody`: also those kept for callers of another class.
    """

    skill: Skill
    after_ms: int = 0
    least_level: int = 1
    anybody: bool = False


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What a call asks for. `steps` in order of `after_ms`, the first at 0; `entered_ms` is kept over re-offers.

    `ahead_ms` is the head start of its class: it ranks as if it had come so much earlier.
    """

    steps: tuple[Step, ...]
    entered_ms: int
    caller: CallerClass = CallerClass.ORDINARY
    ahead_ms: int = 0
    preferred: AgentId | None = None

    @property
    def rank(self) -> int:
        """Smaller goes first."""
        return self.entered_ms - self.ahead_ms

    @property
    def skill(self) -> Skill:
        """What it asked for first."""
        return self.steps[0].skill


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """What an idle agent offers. `levels` of each skill, greater is better; `rank` orders the idle, smaller first.

    `kept_for` are the classes of callers they are kept for; empty means everybody.
    """

    levels: Mapping[Skill, int]
    rank: int
    kept_for: frozenset[CallerClass] = frozenset()


class Match(msgspec.Struct, frozen=True):
    """A citizen and an agent, both taken out of their lines."""

    call: CallId
    agent: AgentId


class _Line(Generic[_Rank, _Name]):
    """Names in order of a rank, ties by name. A flat sorted list: at 5000 names an insertion shifts 40 kB, some µs."""

    __slots__ = ("order",)

    def __init__(self) -> None:
        self.order: list[tuple[_Rank, _Name]] = []

    def add(self, rank: _Rank, name: _Name) -> None:
        insort(self.order, (rank, name))

    def remove(self, rank: _Rank, name: _Name) -> None:
        del self.order[self.before(rank, name)]

    def before(self, rank: _Rank, name: _Name) -> int:
        return bisect_left(self.order, (rank, name))


class _Lines(dict[tuple[int, CallerClass, bool], _Line[int, CallId]]):
    """The calls that wait for one skill, by least level, class and whether anybody will do. No line is empty."""


@dataclass
class _Waiting:
    """A waiting call; `open` counts its steps that have begun, `serial` tells this wait from an earlier one."""

    demand: Demand
    serial: int
    open: int = 0


class Acd:
    """Waiting citizens and idle agents."""

    def __init__(self) -> None:
        self._calls: dict[CallId, _Waiting] = {}
        self._agents: dict[AgentId, Server] = {}
        self._lines: dict[Skill, _Lines] = {}
        self._home: dict[Skill, _Line[int, CallId]] = {}
        self._idle: dict[Skill, dict[frozenset[CallerClass], _Line[tuple[int, int], AgentId]]] = {}
        self._steps: list[tuple[int, int, CallId]] = []
        self._serials = 0
        self._held = False

    def __len__(self) -> int:
        """How many citizens wait."""
        return len(self._calls)

    def __contains__(self, call: CallId) -> bool:
        return call in self._calls

    @property
    def calls(self) -> tuple[CallId, ...]:
        """Who waits, in no order."""
        return tuple(self._calls)

    @property
    def oldest(self) -> int | None:
        """Entry time of the longest waiting citizen."""
        return min((waiting.demand.entered_ms for waiting in self._calls.values()), default=None)

    @property
    def next_step_ms(self) -> int | None:
        """When `advance` has something to do."""
        return self._steps[0][0] if self._steps else None

    def waiting(self) -> dict[Skill, int]:
        """How many wait for each skill, by what they asked for first."""
        return {skill: len(line.order) for skill, line in self._home.items() if line.order}

    # ---- citizens

    def join(self, call: CallId, demand: Demand, now_ms: int) -> list[Match]:
        """A citizen wants a person. Joining again moves them."""
        self.withdraw(call)
        self._serials += 1
        waiting = _Waiting(demand, self._serials)
        self._calls[call] = waiting
        self._home.setdefault(demand.skill, _Line()).add(demand.rank, call)
        self._open_steps(call, waiting, now_ms)
        return self._match_call(call)

    def withdraw(self, call: CallId) -> None:
        """The citizen waits no longer; harmless when they did not."""
        waiting = self._calls.pop(call, None)
        if waiting is None:
            return
        demand = waiting.demand
        self._home[demand.skill].remove(demand.rank, call)
        for step in demand.steps[: waiting.open]:
            lines, key = self._lines[step.skill], _key(demand, step)
            lines[key].remove(demand.rank, call)
            if not lines[key].order:
                del lines[key]

    def advance(self, now_ms: int) -> list[Match]:
        """Begin the steps that are due."""
        matches: list[Match] = []
        while self._steps and self._steps[0][0] <= now_ms:
            _, serial, call = heappop(self._steps)
            waiting = self._calls.get(call)
            if waiting is not None and waiting.serial == serial:
                self._open_steps(call, waiting, now_ms)
                matches += self._match_call(call)
        return matches

    def demand(self, call: CallId) -> Demand:
        """What a waiting call asks for. Raises `KeyError` for one that does not wait."""
        return self._calls[call].demand

    def ahead(self, call: CallId) -> int:
        """How many who asked for the same skill rank before this one. Raises `KeyError` for one who does not wait."""
        demand = self._calls[call].demand
        return self._home[demand.skill].before(demand.rank, call)

    def ranked_before(self, skill: Skill, rank: int) -> int:
        """How many who asked for `skill` rank before `rank`."""
        line = self._home.get(skill)
        return 0 if line is None else bisect_left(line.order, (rank, CallId("")))

    # ---- agents

    def agent_free(self, agent: AgentId, server: Server) -> list[Match]:
        """An agent can take a call."""
        self.agent_busy(agent)
        self._agents[agent] = server
        for skill, level in server.levels.items():
            pools = self._idle.setdefault(skill, {})
            pools.setdefault(server.kept_for, _Line()).add((-level, server.rank), agent)
        return self._match_agent(agent, server)

    def agent_busy(self, agent: AgentId) -> None:
        """An agent can take no call; harmless when they could not."""
        server = self._agents.pop(agent, None)
        if server is None:
            return
        for skill, level in server.levels.items():
            pools = self._idle[skill]
            pools[server.kept_for].remove((-level, server.rank), agent)
            if not pools[server.kept_for].order:
                del pools[server.kept_for]

    # ---- hold

    def hold(self) -> None:
        """Match nobody until `resume`: Asterisk cannot be told."""
        self._held = True

    def resume(self) -> list[Match]:
        """Match again, beginning with whom the hold kept waiting, in the order of their ranks."""
        self._held = False
        order = sorted((waiting.demand.rank, call) for call, waiting in self._calls.items())
        return [match for _, call in order for match in self._match_call(call)]

    # ---- inside

    def _open_steps(self, call: CallId, waiting: _Waiting, now_ms: int) -> None:
        demand = waiting.demand
        while waiting.open < len(demand.steps):
            step = demand.steps[waiting.open]
            due_ms = demand.entered_ms + step.after_ms
            if waiting.open and due_ms > now_ms:
                heappush(self._steps, (due_ms, waiting.serial, call))
                return
            lines = self._lines.setdefault(step.skill, _Lines())
            lines.setdefault(_key(demand, step), _Line()).add(demand.rank, call)
            waiting.open += 1

    def _match_call(self, call: CallId) -> list[Match]:
        waiting = self._calls[call]
        if self._held or not self._agents:
            return []
        demand = waiting.demand
        steps = demand.steps[: waiting.open]
        if demand.preferred in self._agents:
            assert demand.preferred is not None
            server = self._agents[demand.preferred]
            if any(_fits(server, demand.caller, step) for step in steps):
                return [self._take(call, demand.preferred)]
        for step in steps:
            found = min(self._candidates(demand.caller, step), default=None)
            if found is not None:
                return [self._take(call, found[-1])]
        return []

    def _candidates(self, caller: CallerClass, step: Step) -> Iterator[tuple[bool, tuple[int, int], AgentId]]:
        """The first of each pool that may take the call, those kept for its class before the others."""
        for kept_for, line in self._idle.get(step.skill, {}).items():
            rank, agent = line.order[0]
            if -rank[0] >= step.least_level and (not kept_for or step.anybody or caller in kept_for):
                yield caller not in kept_for, rank, agent

    def _match_agent(self, agent: AgentId, server: Server) -> list[Match]:
        if self._held or not self._calls:
            return []
        first = min(self._first_calls(server), default=None)
        return [] if first is None else [self._take(first[1], agent)]

    def _first_calls(self, server: Server) -> Iterator[tuple[int, CallId]]:
        for skill, level in server.levels.items():
            for (least, caller, anybody), line in self._lines.get(skill, {}).items():
                if level >= least and (not server.kept_for or anybody or caller in server.kept_for):
                    yield line.order[0]

    def _take(self, call: CallId, agent: AgentId) -> Match:
        self.withdraw(call)
        self.agent_busy(agent)
        return Match(call, agent)


def _key(demand: Demand, step: Step) -> tuple[int, CallerClass, bool]:
    return step.least_level, demand.caller, step.anybody


def _fits(server: Server, caller: CallerClass, step: Step) -> bool:
    kept = server.kept_for
    return server.levels.get(step.skill, 0) >= step.least_level and (not kept or step.anybody or caller in kept)
