"""What the Telephony port promises, asked of the fake and of a real Asterisk alike."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ivr.calls import events as ev
from ivr.calls.vocabulary import CallId, HangupCause, LegId, Party, PlaybackId
from ivr.demo.sip.received import Answer, Behaviour, Decline, Ring
from ivr.ports import AsteriskUnavailable, LegGone, LinkDown, RequestRefused
from tests.contract.telephony_worlds import ENDPOINT, NOWHERE, NUMBER, Citizen, World, fake_world, real_world
from tests.exchanges import Exchange, lent
from tests.until import until_async

CLOSED = ("127.0.0.1", 9)


@pytest.fixture(scope="session", params=["fake", pytest.param("real", marks=pytest.mark.e2e)])
def running(request: pytest.FixtureRequest) -> Exchange | None:
    """The Asterisk to test on, None for the fake."""
    asterisk: Exchange | None = None if request.param == "fake" else request.getfixturevalue("asterisk")
    return asterisk


@pytest.fixture
async def world(running: Exchange | None) -> AsyncIterator[World]:
    if running is None:
        async with fake_world() as fake:
            yield fake
    else:
        async with lent(running) as exchange, real_world(exchange) as real:
            yield real


def agent_leg(call: CallId, number: int = 1) -> LegId:
    return LegId(f"{call}-agent-{number}")


async def arrived(world: World, number: str | None = NUMBER) -> tuple[CallId, LegId, Citizen]:
    citizen = await world.citizen(number)
    return (*await world.heard.arrival(), citizen)


async def queued(world: World) -> tuple[CallId, LegId, Citizen]:
    call, leg, citizen = await arrived(world)
    await world.telephony.pick_up(call, leg)
    await world.heard.event(ev.PickedUp, call)
    await world.telephony.place_in_queue(call, leg)
    return call, leg, citizen


async def offered(world: World, behaviour: Behaviour, ring_ms: int = 5000) -> tuple[CallId, LegId, LegId, Citizen]:
    call, leg, citizen = await queued(world)
    world.phone.will(behaviour)
    await world.telephony.ring(call, agent_leg(call), ENDPOINT, NUMBER, ring_ms)
    return call, leg, agent_leg(call), citizen


async def talking(world: World) -> tuple[CallId, LegId, LegId, Citizen]:
    call, leg, agent, citizen = await offered(world, Answer())
    await world.heard.event(ev.LegAnswered, call)
    await world.telephony.connect(call, leg, agent)
    await world.heard.event(ev.LegsJoined, call)
    return call, leg, agent, citizen


async def over(world: World, call: CallId) -> None:
    """End whatever stands of a call, and see that nothing does."""
    for event in world.heard.of(call):
        if isinstance(event, ev.CallArrived | ev.LegRinging):
            await world.telephony.hang_up(call, event.leg, HangupCause.NORMAL)
    await world.telephony.clear(call)
    await until_async(lambda: empty(world), "nothing standing")


async def empty(world: World) -> bool:
    return await world.census() == 0


async def test_a_citizen_arrives_with_number_and_dialled_number(world: World) -> None:
    call, leg, _ = await arrived(world)
    assert world.heard.of(call) == [ev.CallArrived(leg=leg, caller_number=NUMBER, dialled="12345")]
    await over(world, call)


async def test_a_withheld_number_is_none(world: World) -> None:
    call, _, _ = await arrived(world, None)
    (arrival,) = world.heard.of(call)
    assert isinstance(arrival, ev.CallArrived)
    assert arrival.caller_number is None
    await over(world, call)


async def test_picking_up_is_heard(world: World) -> None:
    call, leg, _ = await arrived(world)
    await world.telephony.pick_up(call, leg)
    assert await world.heard.event(ev.PickedUp, call) == ev.PickedUp(leg=leg)
    await over(world, call)


async def test_a_playback_ends_by_itself(world: World) -> None:
    call, leg, _ = await arrived(world)
    await world.telephony.pick_up(call, leg)
    playback = PlaybackId(f"{call}-play-1")
    await world.telephony.play(call, leg, playback, ("welcome", "number.2"))
    assert await world.heard.event(ev.PlaybackFinished, call) == ev.PlaybackFinished(playback=playback)
    await world.telephony.stop_playing(playback)
    await over(world, call)


async def test_a_stopped_playback_ends_once(world: World) -> None:
    call, leg, _ = await arrived(world)
    await world.telephony.pick_up(call, leg)
    playback = PlaybackId(f"{call}-play-1")
    await world.telephony.play(call, leg, playback, ("welcome",))
    await world.telephony.stop_playing(playback)
    await world.heard.event(ev.PlaybackFinished, call)
    await over(world, call)
    assert sum(isinstance(event, ev.PlaybackFinished) for event in world.heard.of(call)) == 1


async def test_a_playback_id_is_used_once(world: World) -> None:
    call, leg, _ = await arrived(world)
    await world.telephony.pick_up(call, leg)
    playback = PlaybackId(f"{call}-play-1")
    await world.telephony.play(call, leg, playback, ("welcome",))
    with pytest.raises(RequestRefused):
        await world.telephony.play(call, leg, playback, ("welcome",))
    await world.heard.event(ev.PlaybackFinished, call)
    await over(world, call)


async def test_an_announcement_in_the_queue_leaves_the_citizen_in_the_queue(world: World) -> None:
    call, leg, _ = await queued(world)
    await world.telephony.play(call, leg, PlaybackId(f"{call}-play-1"), ("welcome",))
    await world.heard.event(ev.PlaybackFinished, call)
    assert not [event for event in world.heard.of(call) if isinstance(event, ev.LegHungUp)]
    await over(world, call)


async def test_keys_are_heard(world: World) -> None:
    call, leg, citizen = await arrived(world)
    await world.telephony.pick_up(call, leg)
    await citizen.press("5")
    assert await world.heard.event(ev.DigitPressed, call) == ev.DigitPressed(leg=leg, digit="5")
    await over(world, call)


async def test_a_citizen_hangs_up_and_every_verb_on_the_leg_says_so(world: World) -> None:
    call, leg, citizen = await queued(world)
    await citizen.hang_up()
    assert await world.heard.event(ev.LegHungUp, call) == ev.LegHungUp(leg=leg, cause=HangupCause.NORMAL)
    telephony = world.telephony
    for verb in (
        lambda: telephony.pick_up(call, leg),
        lambda: telephony.play(call, leg, PlaybackId(f"{call}-play-9"), ("welcome",)),
        lambda: telephony.place_in_queue(call, leg),
        lambda: telephony.ring(call, agent_leg(call), ENDPOINT, NUMBER, 5000),
        lambda: telephony.connect(call, leg, agent_leg(call)),
        lambda: telephony.fork_media(call, leg, Party.CITIZEN, CLOSED),
        lambda: telephony.give_back(call, leg),
    ):
        with pytest.raises(LegGone) as gone:
            await verb()
        assert gone.value.leg in (leg, None)
    await telephony.hang_up(call, leg, HangupCause.NORMAL)
    await over(world, call)


async def test_an_agent_rings_answers_and_is_joined(world: World) -> None:
    call, leg, agent, _ = await talking(world)
    events = [event for event in world.heard.of(call) if not isinstance(event, ev.CallArrived | ev.PickedUp)]
    assert events == [
        ev.LegRinging(leg=agent),
        ev.LegAnswered(leg=agent),
        ev.LegsJoined(citizen_leg=leg, agent_leg=agent),
    ]
    await over(world, call)


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (Decline(486), HangupCause.BUSY),
        (Decline(603), HangupCause.REJECTED),
        (Decline(480), HangupCause.UNREACHABLE),
        (Ring(), HangupCause.NO_ANSWER),
    ],
)
async def test_a_phone_that_is_not_answered_says_why(world: World, behaviour: Behaviour, cause: HangupCause) -> None:
    call, _, agent, _ = await offered(world, behaviour, ring_ms=1000)
    assert await world.heard.event(ev.LegHungUp, call) == ev.LegHungUp(leg=agent, cause=cause)
    await over(world, call)


async def test_a_phone_that_is_not_registered_is_unreachable(world: World) -> None:
    call, _, _ = await queued(world)
    await world.telephony.ring(call, agent_leg(call), NOWHERE, NUMBER, 5000)
    hung_up = await world.heard.event(ev.LegHungUp, call)
    assert hung_up == ev.LegHungUp(leg=agent_leg(call), cause=HangupCause.UNREACHABLE)
    await over(world, call)


async def test_a_leg_is_rung_once(world: World) -> None:
    call, _, agent, _ = await offered(world, Ring())
    await world.heard.event(ev.LegRinging, call)
    with pytest.raises(RequestRefused):
        await world.telephony.ring(call, agent, ENDPOINT, NUMBER, 5000)
    await over(world, call)


@pytest.mark.parametrize("cause", [HangupCause.NORMAL, HangupCause.NO_ANSWER])
async def test_an_offer_is_taken_back(world: World, cause: HangupCause) -> None:
    call, _, agent, _ = await offered(world, Ring())
    await world.heard.event(ev.LegRinging, call)
    await world.telephony.hang_up(call, agent, cause)
    assert await world.heard.event(ev.LegHungUp, call) == ev.LegHungUp(leg=agent, cause=cause)
    await over(world, call)


async def test_a_phone_that_is_gone_cannot_be_joined_and_is_named(world: World) -> None:
    call, leg, agent, _ = await offered(world, Answer())
    await world.heard.event(ev.LegAnswered, call)
    await world.phone.hang_up()
    await world.heard.event(ev.LegHungUp, call)
    with pytest.raises(LegGone) as gone:
        await world.telephony.connect(call, leg, agent)
    assert gone.value.leg == agent
    await over(world, call)


@pytest.mark.parametrize("who", ["citizen", "agent", "we"])
async def test_a_conversation_ends_from_any_side(world: World, who: str) -> None:
    call, leg, agent, citizen = await talking(world)
    if who == "citizen":
        await citizen.hang_up()
    elif who == "agent":
        await world.phone.hang_up()
    else:
        await world.telephony.hang_up(call, agent, HangupCause.NORMAL)
    gone = leg if who == "citizen" else agent
    assert await world.heard.event(ev.LegHungUp, call) == ev.LegHungUp(leg=gone, cause=HangupCause.NORMAL)
    await over(world, call)
    ends = [event.leg for event in world.heard.of(call) if isinstance(event, ev.LegHungUp)]
    assert sorted(ends) == sorted({leg, agent})


async def test_after_a_conversation_the_citizen_may_queue_and_talk_again(world: World) -> None:
    call, leg, agent, _ = await talking(world)
    await world.telephony.hang_up(call, agent, HangupCause.NORMAL)
    await world.heard.event(ev.LegHungUp, call)
    await world.telephony.place_in_queue(call, leg)
    since = len(world.heard.heard)
    second = agent_leg(call, 2)
    await world.telephony.ring(call, second, ENDPOINT, NUMBER, 5000)
    await world.heard.event(ev.LegAnswered, call, since=since)
    await world.telephony.connect(call, leg, second)
    joined = await world.heard.event(ev.LegsJoined, call, since=since)
    assert joined == ev.LegsJoined(citizen_leg=leg, agent_leg=second)
    await over(world, call)


async def test_taps_stand_are_replaced_and_removed(world: World) -> None:
    call, leg, agent, _ = await talking(world)
    telephony = world.telephony
    before = await world.census()
    forks = [
        await telephony.fork_media(call, leg, Party.CITIZEN, CLOSED),
        await telephony.fork_media(call, agent, Party.AGENT, CLOSED),
        await telephony.fork_media(call, leg, Party.CITIZEN, CLOSED),
    ]
    assert [(fork.call, fork.party) for fork in forks] == [
        (call, Party.CITIZEN),
        (call, Party.AGENT),
        (call, Party.CITIZEN),
    ]
    assert len({fork.source_port for fork in forks[:2]}) == 2
    for party in Party:
        await telephony.stop_fork(call, party)
        await telephony.stop_fork(call, party)
    await until_async(lambda: as_many(world, before), "the taps to be gone")
    await over(world, call)


async def as_many(world: World, number: int) -> bool:
    return await world.census() == number


async def test_clearing_removes_bridges_and_taps_and_no_leg(world: World) -> None:
    call, leg, agent, _ = await talking(world)
    await world.telephony.fork_media(call, leg, Party.CITIZEN, CLOSED)
    await world.telephony.fork_media(call, agent, Party.AGENT, CLOSED)
    await world.telephony.clear(call)
    await until_async(lambda: as_many(world, 2), "only the two legs to stand")
    await world.telephony.clear(call)
    await over(world, call)


async def test_a_call_given_back_is_heard_of_no_more(world: World) -> None:
    call, leg, citizen = await queued(world)
    await world.telephony.give_back(call, leg)
    with pytest.raises(LegGone):
        await world.telephony.pick_up(call, leg)
    await citizen.hang_up()
    await world.telephony.clear(call)
    await until_async(lambda: empty(world), "nothing standing")
    assert not [event for event in world.heard.of(call) if isinstance(event, ev.LegHungUp)]


async def test_after_a_broken_link_the_snapshot_shows_who_stands_and_calls_go_on(world: World) -> None:
    call, leg, agent, citizen = await talking(world)
    since = len(world.heard.heard)
    await world.link_breaks()
    snapshot = await world.heard.link_up(since)
    assert world.heard.heard[since] == LinkDown()
    seen = {one.leg: one for one in snapshot.legs}
    assert set(seen) == {leg, agent}
    assert all(one.call == call and one.up and one.talking for one in seen.values())
    assert (seen[leg].party, seen[leg].caller_number, seen[leg].dialled) == (Party.CITIZEN, NUMBER, "12345")
    assert (seen[agent].party, seen[agent].endpoint) == (Party.AGENT, ENDPOINT)
    await citizen.hang_up()
    assert await world.heard.event(ev.LegHungUp, call) == ev.LegHungUp(leg=leg, cause=HangupCause.NORMAL)
    await over(world, call)


async def test_a_ringing_phone_is_in_the_snapshot_and_answers_after_it(world: World) -> None:
    call, leg, agent, _ = await offered(world, Answer(after_ms=1000))
    await world.heard.event(ev.LegRinging, call)
    since = len(world.heard.heard)
    await world.link_breaks()
    seen = {one.leg: one for one in (await world.heard.link_up(since)).legs}
    assert not seen[agent].up
    assert seen[leg].up
    assert await world.heard.event(ev.LegAnswered, call, since=since) == ev.LegAnswered(leg=agent)
    await over(world, call)


async def test_two_calls_do_not_mix(world: World) -> None:
    first, _, _ = await arrived(world)
    since = len(world.heard.heard)
    await world.citizen("13800000002")
    second, leg = await world.heard.arrival(since)
    assert second != first
    await world.telephony.pick_up(second, leg)
    await world.heard.event(ev.PickedUp, second)
    assert [type(event) for event in world.heard.of(first)] == [ev.CallArrived]
    for call in (first, second):
        for event in world.heard.of(call):
            if isinstance(event, ev.CallArrived):
                await world.telephony.hang_up(call, event.leg, HangupCause.NORMAL)
    await until_async(lambda: empty(world), "nothing standing")


async def test_an_unanswered_leg_is_not_joined(world: World) -> None:
    call, leg, agent, _ = await offered(world, Ring(), ring_ms=8000)
    await world.heard.event(ev.LegRinging, call)
    async with asyncio.timeout(5):
        with pytest.raises((AsteriskUnavailable, LegGone)):
            await world.telephony.connect(call, leg, agent)
    await over(world, call)


async def test_what_stands_already_may_be_asked_for_again(world: World) -> None:
    """As a server does that takes a call over."""
    call, leg, _ = await queued(world)
    await world.telephony.place_in_queue(call, leg)
    await world.telephony.pick_up(call, leg)
    world.phone.will(Answer())
    await world.telephony.ring(call, agent_leg(call), ENDPOINT, NUMBER, 5000)
    await world.heard.event(ev.LegAnswered, call)
    for _ in range(2):
        since = len(world.heard.heard)
        await world.telephony.connect(call, leg, agent_leg(call))
        await world.heard.event(ev.LegsJoined, call, since=since)
    await over(world, call)


async def test_a_guest_is_called_in_and_joined(world: World) -> None:
    call, _, agent, _ = await talking(world)
    await world.telephony.hang_up(call, agent, HangupCause.NORMAL)
    await world.heard.event(ev.LegHungUp, call)
    since = len(world.heard.heard)
    guest = LegId(f"{call}-guest-1")
    await world.telephony.call_in(call, guest, Party.GUEST, ENDPOINT, None, 5000)
    assert await world.heard.event(ev.LegAnswered, call, since=since) == ev.LegAnswered(leg=guest)
    await world.telephony.join(call, guest)
    assert await world.heard.event(ev.LegJoined, call, since=since) == ev.LegJoined(leg=guest)
    await over(world, call)


async def test_on_hold_and_back(world: World) -> None:
    call, leg, _, _ = await talking(world)
    since = len(world.heard.heard)
    await world.telephony.place_in_queue(call, leg)
    await world.telephony.join(call, leg)
    assert await world.heard.event(ev.LegJoined, call, since=since) == ev.LegJoined(leg=leg)
    assert not [event for event in world.heard.of(call) if isinstance(event, ev.LegHungUp)]
    await over(world, call)


async def test_a_call_of_our_own_needs_no_citizen(world: World) -> None:
    call = CallId("placed-1")
    world.phone.will(Answer())
    leg = agent_leg(call)
    await world.telephony.call_in(call, leg, Party.AGENT, ENDPOINT, NUMBER, 5000)
    assert await world.heard.event(ev.LegAnswered, call) == ev.LegAnswered(leg=leg)
    nowhere = LegId(f"{call}-citizen-1")
    await world.telephony.call_in(call, nowhere, Party.CITIZEN, NOWHERE, None, 5000, record="placed-1")
    hung_up = await world.heard.event(ev.LegHungUp, call)
    assert hung_up == ev.LegHungUp(leg=nowhere, cause=HangupCause.UNREACHABLE)
    await world.telephony.hang_up(call, leg, HangupCause.NORMAL)
    await over(world, call)


async def test_muting_and_listening_in_leave_nothing_behind(world: World) -> None:
    call, leg, agent, _ = await talking(world)
    before = await world.census()
    line = CallId("line-1")
    for muted in (True, False):
        await world.telephony.mute(call, agent, muted)
    for whisper in (False, True):
        await world.telephony.listen_in(line, leg, agent, whisper=whisper)
    await world.telephony.clear(line)
    await until_async(lambda: as_many(world, before), "nobody listening")
    await over(world, call)


async def test_who_is_gone_is_neither_joined_nor_muted_nor_listened_to(world: World) -> None:
    call, leg, agent, _ = await talking(world)
    await world.telephony.hang_up(call, agent, HangupCause.NORMAL)
    await world.heard.event(ev.LegHungUp, call)
    telephony, playback = world.telephony, PlaybackId(f"{call}-play-9")
    with pytest.raises(LegGone):
        await telephony.join(call, agent)
    with pytest.raises(LegGone):
        await telephony.mute(call, agent, True)
    with pytest.raises(LegGone):
        await telephony.listen_in(CallId("line-2"), leg, agent, whisper=False)
    with pytest.raises(LegGone):
        await telephony.play_file(call, agent, playback, "/nowhere", 0)
    await telephony.pause_playing(playback, True)
    await telephony.clear(CallId("line-2"))
    await over(world, call)


async def test_at_an_open_line_calls_are_there_at_once_and_end_without_it(world: World) -> None:
    line = CallId("line-3")
    world.phone.will(Answer())
    await world.telephony.call_in(line, agent_leg(line), Party.AGENT, ENDPOINT, None, 5000)
    await world.heard.event(ev.LegAnswered, line)
    await world.telephony.open_line(line, agent_leg(line), ENDPOINT)
    for _ in range(2):
        since = len(world.heard.heard)
        await world.citizen()
        call, leg = await world.heard.arrival(since)
        await world.telephony.pick_up(call, leg)
        await world.heard.event(ev.PickedUp, call)
        await world.telephony.ring(call, agent_leg(call), ENDPOINT, NUMBER, 5000)
        assert await world.heard.event(ev.LegAnswered, call) == ev.LegAnswered(leg=agent_leg(call))
        await world.telephony.connect(call, leg, agent_leg(call))
        await world.heard.event(ev.LegsJoined, call)
        before = len(world.heard.heard)
        await world.link_breaks()
        snapshot = await world.heard.link_up(before)
        assert {one.leg for one in snapshot.legs} == {leg, agent_leg(call), agent_leg(line)}
        await world.telephony.hang_up(call, agent_leg(call), HangupCause.NORMAL)
        hung_up = await world.heard.event(ev.LegHungUp, call)
        assert hung_up == ev.LegHungUp(leg=agent_leg(call), cause=HangupCause.NORMAL)
        await world.telephony.hang_up(call, leg, HangupCause.NORMAL)
        await world.telephony.clear(call)
        await until_async(lambda: as_many(world, 1), "only the open line")
    assert not [event for event in world.heard.of(line) if isinstance(event, ev.LegHungUp)]
    await world.telephony.hang_up(line, agent_leg(line), HangupCause.NORMAL)
    await world.heard.event(ev.LegHungUp, line)
    await over(world, line)
