"""Whatever people, Asterisk, its link, the log and the server do: in the end nothing and nobody is left behind."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.calls.errors import MoveRefused
from ivr.calls.measures import fold, measure
from ivr.calls.roster import BOUND
from ivr.calls.session import CallSession
from ivr.calls.vocabulary import AgentId, AgentState, CallState, HangupCause, Party, PauseReason
from ivr.ports import AsteriskUnavailable, HotlineError, RequestRefused
from tests.fakes.telephony import FakeCitizen, FakePhone
from tests.hotline import DIRECT, GREETED, Hotline, until
from tests.virtual_time import run

AGENTS = 3
VERBS = (
    "pick_up",
    "play",
    "stop_playing",
    "place_in_queue",
    "ring",
    "connect",
    "fork_media",
    "stop_fork",
    "hang_up",
    "clear",
)
ERRORS: dict[str, HotlineError] = {
    "unavailable": AsteriskUnavailable("no reply"),
    "refused": RequestRefused("422: not now"),
}
ONE = st.integers(0, 4)
AGENT = st.integers(0, AGENTS - 1)
PEOPLE = st.one_of(
    st.tuples(st.just("arrive")),
    st.tuples(st.just("pass"), st.sampled_from([1, 200, 1_500, 6_000, 40_000])),
    st.tuples(st.just("citizen"), st.sampled_from(["hang up", "0", "2", "9"]), ONE),
    st.tuples(st.just("phone"), AGENT, st.sampled_from(["answers", "rings", "busy", "dead", "lift", "hang up", "die"])),
    st.tuples(st.just("agent"), AGENT, st.sampled_from(["ready", "pause", "out", "force", "hang up", "finish"])),
)
TROUBLE = st.one_of(
    st.tuples(st.just("link"), st.sampled_from(["breaks", "returns"])),
    st.tuples(st.just("restart")),
    st.tuples(st.just("fails"), st.sampled_from(VERBS), st.sampled_from(sorted(ERRORS)), st.integers(1, 3)),
    st.tuples(st.just("slow"), st.sampled_from(VERBS), st.sampled_from([0, 300, 8_000]), st.sampled_from([0, 8_000])),
)
LOG = st.tuples(st.just("log"), st.sampled_from(["down", "up", "slow"]))
Step = tuple[object, ...]


class Chaos:
    """Plays steps on a hotline."""

    def __init__(self, line: Hotline) -> None:
        self.line = line
        self.citizens: list[FakeCitizen] = []

    async def play(self, steps: list[Step]) -> bool:
        """Play them; True where the last asks for a restart."""
        for step in steps:
            self.step(step)
            await self.line.passes(step[1] if step[0] == "pass" and isinstance(step[1], int) else 10)
            self.check()
        return False

    def step(self, step: Step) -> None:
        telephony = self.line.telephony
        match step:
            case ("arrive",):
                self.citizens.append(telephony.citizen_arrives())
            case ("citizen", str(act), int(which)) if self.citizens:
                citizen = self.citizens[which % len(self.citizens)]
                citizen.hang_up() if act == "hang up" else citizen.press(act)
            case ("phone", int(which), str(act)):
                self.phone(telephony.phone(f"PJSIP/{1001 + which}"), act)
            case ("agent", int(which), str(act)):
                self.agent(AgentId(str(1001 + which)), act)
            case ("link", "breaks") if telephony.up:
                telephony.link_breaks()
            case ("link", "returns") if not telephony.up:
                telephony.link_returns()
            case ("fails", str(verb), str(error), int(times)):
                telephony.fails(verb, ERRORS[error], times)
            case ("slow", str(verb), int(before_ms), int(after_ms)):
                telephony.delays(verb, before_ms, after_ms)
            case ("log", str(state)):
                self.line.log.down = state == "down"
                self.line.log.stalled_ms = 30_000 if state == "slow" else 0

    @staticmethod
    def phone(phone: FakePhone, act: str) -> None:
        match act:
            case "answers":
                phone.will_answer()
            case "rings":
                phone.will_ring()
            case "busy":
                phone.will_end(HangupCause.BUSY)
            case "dead":
                phone.will_end(HangupCause.UNREACHABLE)
            case "lift" if phone.ringing:
                phone.lift()
            case "hang up" if phone.ringing or phone.talking:
                phone.hang_up()
            case "die" if phone.talking:
                phone.die()

    def agent(self, agent: AgentId, act: str) -> None:
        floor = self.line.board.floor
        try:
            match act:
                case "ready":
                    floor.sign_in(agent)
                    floor.ready(agent)
                case "pause":
                    floor.pause(agent, PauseReason.BREAK)
                case "out" | "force":
                    floor.sign_out(agent, forced=act == "force")
                case "hang up":
                    floor.hang_up(agent)
                case "finish":
                    floor.finish_wrap_up(agent)
        except MoveRefused as refused:
            assert refused.state is floor.seat(agent).state

    def check(self) -> None:
        """At no time are two agents with one citizen, or an agent with two calls."""
        bridges = [leg.bridge for leg in self.line.telephony.legs.values() if leg.bridge and leg.party is Party.AGENT]
        assert len(bridges) == len(set(bridges))
        bound = [seat.call for seat in self.line.board.floor.seats() if seat.call is not None]
        assert len(bound) == len(set(bound))

    async def settles(self) -> None:
        """The trouble is over, everybody hangs up, time passes."""
        line = self.line
        line.log.down, line.log.stalled_ms = False, 0
        line.telephony.calms()
        if not line.telephony.up:
            line.telephony.link_returns()
        await line.passes(2_000)
        line.telephony.hang_everybody_up()
        await until(line.nothing_is_left, "nothing is left", 300)
        assert [seat for seat in line.board.floor.seats() if seat.state in BOUND] == []
        assert (line.board.floor.queue().waiting, line.board.calls()) == (0, [])


async def live(line: Hotline, steps: list[Step]) -> None:
    chaos = Chaos(line)
    lives: list[list[Step]] = [[]]
    for step in steps:
        lives.append([]) if step == ("restart",) else lives[-1].append(step)
    for life in lives[:-1]:
        async with line.running():
            await chaos.play(life)
    async with line.running():
        await chaos.play(lives[-1])
        await chaos.settles()


CHAOTIC = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@CHAOTIC
@given(st.lists(st.one_of(PEOPLE, PEOPLE, TROUBLE), max_size=50), st.sampled_from([DIRECT, GREETED]))
def test_nothing_is_left_and_the_log_tells_all(steps: list[Step], plan: object) -> None:
    line = Hotline(DIRECT if plan is DIRECT else GREETED, AGENTS)
    run(live(line, steps))
    assert line.log.holes == []
    assert line.log.closed == set(line.log.calls)
    for call, lines in line.log.calls.items():
        again = CallSession.replay(call, line.plan_for(lines[0].event), lines)  # type: ignore[arg-type]  # an arrival
        assert again.over
        assert again.state is line.last[call].state
        assert (again.answered_ms is None) == (line.last[call].answered_at is None)
    figures = measure(fold(line.log.lines))
    assert figures.offered == len(line.last)
    assert figures.undecided == 0
    assert figures.answered == sum(seen.answered_at is not None for seen in line.last.values())
    abandoned = sum(seen.state is CallState.ABANDONED for seen in line.last.values())
    assert figures.abandoned + figures.given_back == abandoned


@CHAOTIC
@given(st.lists(st.one_of(PEOPLE, PEOPLE, TROUBLE, LOG), max_size=50))
def test_nothing_is_left_even_where_the_log_fails(steps: list[Step]) -> None:
    line = Hotline(DIRECT, AGENTS)
    run(live(line, steps))
    assert line.log.holes == []
    assert AgentState.RESERVED not in [seat.state for seat in line.board.floor.seats()]
