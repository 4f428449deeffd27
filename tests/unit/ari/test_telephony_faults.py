"""AriTelephony against an Asterisk that misbehaves; the stub shows every request that was made."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ivr.ari.account import LinkTimes
from ivr.ari.reconcile import Swept
from ivr.ari.sounds import Sounds
from ivr.ari.telephony import AriTelephony
from ivr.calls import events as ev
from ivr.calls.vocabulary import CallId, HangupCause, LegId, Party, PlaybackId
from ivr.ports import AsteriskUnavailable, LegGone, LegSeen, LinkDown, LinkUp, RequestRefused
from tests.fakes.ari_stub import Answer, AriStub, Asked
from tests.listening import Listener, listening
from tests.until import until

CALL, CITIZEN, AGENT = CallId("7f1c"), LegId("hotline-1.0"), LegId("7f1c-agent-1")
TIMES = LinkTimes(
    request_ms=300,
    slow_request_ms=300,
    ping_every_ms=200,
    pong_within_ms=1000,
    close_ms=100,
    retry_from_ms=20,
    retry_to_ms=100,
)
UNREACHABLE = {"error": "Allocation failed"}


@asynccontextmanager
async def hotline(
    stub: AriStub, folder: Path = Path("/nowhere"), times: LinkTimes = TIMES, bound: int = 1000, ports: int = 1000
) -> AsyncIterator[tuple[AriTelephony, Listener]]:
    telephony = AriTelephony(stub.account, Sounds(folder), "12345", rtp_ports=ports, times=times, bound=bound)
    async with telephony, listening(telephony) as heard:
        yield telephony, heard


def channel(leg: str = CITIZEN, state: str = "Ring", **more: Any) -> dict[str, Any]:
    whose = {"HOTLINE_CALL": CALL, "HOTLINE_PARTY": "agent"} if leg == AGENT else {"CALL_UUID": CALL}
    return {
        "id": leg,
        "name": "PJSIP/1001-00000001" if leg == AGENT else "PJSIP/trunk-00000000",
        "state": state,
        "caller": {"number": "13800000001"},
        "dialplan": {"exten": "s", "app_name": "Stasis", "app_data": "hotline,in,12345"},
        "channelvars": whose,
        **more,
    }


async def arrive(stub: AriStub, heard: Listener) -> None:
    await stub.event(type="StasisStart", channel=channel(), args=["in"])
    await heard.event(ev.CallArrived)


def standing(*channels: dict[str, Any], bridges: list[dict[str, Any]] | None = None) -> dict[str, Answer]:
    return {
        "applications/hotline": Answer(200, {"name": "hotline", "channel_ids": [each["id"] for each in channels]}),
        "channels": Answer(200, list(channels)),
        "bridges": Answer(200, bridges or []),
    }


def showing(answers: dict[str, Answer]) -> Any:
    return lambda asked: answers.get(asked.path) if asked.method == "GET" else None


# ---- the link and its snapshots


async def test_the_snapshot_shows_every_leg_that_is_ours() -> None:
    ringing = channel(AGENT, "Ringing", dialplan={"exten": "s", "app_name": "AppDial2", "app_data": "(Outgoing Line)"})
    elsewhere = channel("hotline-2.0", dialplan={"exten": "s", "app_name": "Playback", "app_data": "fallback"})
    foreign = channel("other-3.0", channelvars={})
    taps = channel(f"{CALL}.snoop.citizen.3", channelvars={})
    answers = standing(channel(CITIZEN, "Up"), ringing, elsewhere, foreign, taps)
    async with AriStub(script=showing(answers)) as stub, hotline(stub) as (_, heard):
        (up,) = heard.heard
        assert isinstance(up, LinkUp)
        assert up.snapshot.legs == (
            LegSeen(
                call=CALL, leg=CITIZEN, party=Party.CITIZEN, up=True, talking=False,
                caller_number="13800000001", dialled="12345",
            ),
            LegSeen(
                call=CALL, leg=AGENT, party=Party.AGENT, up=False, talking=False,
                caller_number=None, dialled="", endpoint="PJSIP/1001",
            ),
        )  # fmt: skip


async def test_who_stands_in_the_talk_bridge_is_talking() -> None:
    bridges = [{"id": f"{CALL}.talk", "channels": [CITIZEN, AGENT]}, {"id": "other.hold", "channels": []}]
    answers = standing(channel(CITIZEN, "Up"), channel(AGENT, "Up"), bridges=bridges)
    async with AriStub(script=showing(answers)) as stub, hotline(stub) as (_, heard):
        snapshot = await heard.link_up()
        assert [(leg.leg, leg.up, leg.talking) for leg in snapshot.legs] == [(CITIZEN, True, True), (AGENT, True, True)]


async def test_one_who_arrives_while_we_look_is_told_once_and_after_the_link() -> None:
    async with AriStub() as stub:

        def script(asked: Asked) -> Answer | None:
            if asked.path == "applications/hotline":
                return Answer(200, {"name": "hotline", "channel_ids": [CITIZEN]}, after_s=0.1)
            return Answer(200, [channel()]) if asked.path == "channels" else None

        stub.script = script
        telephony = AriTelephony(stub.account, Sounds(), "12345", rtp_ports=1000, times=TIMES)
        async with telephony:
            await until(lambda: stub.asked_for("GET", "applications"), "the look")
            await stub.event(type="StasisStart", channel=channel(), args=["in"])
            async with listening(telephony) as heard:
                await heard.event(ev.CallArrived)
                assert isinstance(heard.heard[0], LinkUp)
                assert heard.heard[0].snapshot.legs == ()
                assert len(heard.heard) == 2


async def test_a_broken_link_is_told_and_the_next_snapshot_is_the_truth() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        stub.script = showing(standing(channel(CITIZEN, "Up")))
        since = len(heard.heard)
        await stub.drop()
        snapshot = await heard.link_up(since)
        assert heard.heard[since] == LinkDown()
        assert [(leg.leg, leg.up) for leg in snapshot.legs] == [(CITIZEN, True)]
        assert telephony.counts["reconnect"] == 1
        stub.script = showing(standing())
        since = len(heard.heard)
        await stub.close()
        assert (await heard.link_up(since)).legs == ()
        with pytest.raises(LegGone):
            await telephony.pick_up(CALL, CITIZEN)
        assert not stub.asked_for("POST", f"channels/{CITIZEN}/answer")


async def test_an_asterisk_that_cannot_be_looked_at_is_not_up() -> None:
    async with AriStub(script=lambda asked: Answer(503) if asked.path == "bridges" else None) as stub:
        telephony = AriTelephony(stub.account, Sounds(), "12345", rtp_ports=1000, times=TIMES)
        async with telephony:
            await until(lambda: stub.handshakes >= 3, "repeated attempts")
            stub.script = lambda _: None
            async with listening(telephony) as heard:
                assert isinstance(heard.heard[0], LinkUp)


async def test_what_only_a_person_can_mend_reaches_the_listener() -> None:
    async with (
        AriStub(handshake=401) as stub,
        AriTelephony(stub.account, Sounds(), "12345", rtp_ports=1000, times=TIMES) as telephony,
    ):
        with pytest.raises(RequestRefused, match="mend user and password"):
            async with asyncio.timeout(3), listening(telephony):
                pytest.fail("the link cannot come up")


async def test_a_user_who_may_only_read_is_refused_with_the_mend() -> None:
    async with (
        AriStub(script=lambda asked: Answer(403) if asked.method == "PUT" else None) as stub,
        AriTelephony(stub.account, Sounds(), "12345", rtp_ports=1000, times=TIMES) as telephony,
    ):
        with pytest.raises(RequestRefused, match="read_only=no"):
            async with asyncio.timeout(3), listening(telephony):
                pytest.fail("the link cannot come up")


async def test_a_hotline_that_does_not_listen_is_told_anew() -> None:
    async with (
        AriStub() as stub,
        AriTelephony(stub.account, Sounds(), "12345", rtp_ports=1000, times=TIMES, bound=10) as telephony,
    ):
        await until(lambda: stub.asked_for("GET", "bridges"), "the look")
        for number in range(30):
            await stub.event(type="StasisStart", channel=channel(f"hotline-{number}.0"), args=["in"])
        await until(lambda: stub.handshakes >= 2, "a reconnection")
        stub.script = showing(standing(channel("hotline-7.0")))
        await stub.drop()
        async with listening(telephony) as heard:
            await heard.wait(lambda one: isinstance(one, LinkUp) and len(one.snapshot.legs) == 1, "the truth")


async def test_the_stream_ends_with_the_telephony() -> None:
    async with AriStub() as stub:
        async with AriTelephony(stub.account, Sounds(), "12345", rtp_ports=1000, times=TIMES) as telephony:
            pass
        async with asyncio.timeout(1):
            assert [heard async for heard in telephony.stream() if not isinstance(heard, LinkUp)] == []


# ---- verbs


async def test_verbs_on_what_is_not_there_are_quiet_or_say_so() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, _):
        before = len(stub.asked)
        for verb in (
            lambda: telephony.pick_up(CALL, CITIZEN),
            lambda: telephony.place_in_queue(CALL, CITIZEN),
            lambda: telephony.connect(CALL, CITIZEN, AGENT),
            lambda: telephony.fork_media(CALL, CITIZEN, Party.CITIZEN, ("127.0.0.1", 9)),
            lambda: telephony.give_back(CALL, CITIZEN),
        ):
            with pytest.raises(LegGone):
                await verb()
        await telephony.stop_playing(PlaybackId("p"))
        await telephony.stop_fork(CALL, Party.AGENT)
        await telephony.clear(CALL)
        assert len(stub.asked) == before


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(404, {"message": "Channel not found"}), LegGone),
        (Answer(409, {"message": "Channel not in Stasis application"}), LegGone),
        (Answer(412), RequestRefused),
        (Answer(500), AsteriskUnavailable),
        (Answer(never=True), AsteriskUnavailable),
    ],
)
async def test_refusals_become_the_ports_errors(answer: Answer, error: type[Exception]) -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        stub.script = lambda asked: answer if asked.path.endswith("/answer") else None
        async with asyncio.timeout(1):
            with pytest.raises(error):
                await telephony.pick_up(CALL, CITIZEN)


async def test_without_a_websocket_verbs_go_by_http() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        stub.handshake = 503
        await stub.drop()
        await heard.wait(lambda one: isinstance(one, LinkDown), "LinkDown")
        await telephony.hang_up(CALL, CITIZEN, HangupCause.NORMAL)
        (asked,) = stub.asked_for("DELETE", "channels/")
        assert (asked.via, asked.path, asked.query) == ("http", f"channels/{CITIZEN}", {"reason_code": "16"})


async def test_while_a_request_is_stalled_others_go_by_http() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        stub.script = lambda asked: Answer(after_s=0.6) if asked.path.endswith("/answer") else None
        with pytest.raises(AsteriskUnavailable, match="answer: no reply within 300 ms"):
            await telephony.pick_up(CALL, CITIZEN)
        await telephony.hang_up(CALL, CITIZEN, HangupCause.BUSY)
        assert [asked.via for asked in stub.asked_for("DELETE", "channels/")] == ["http"]


async def test_a_sound_that_does_not_exist_is_refused_before_asterisk_skips_it(tmp_path: Path) -> None:
    (tmp_path / "welcome.wav").touch()
    async with AriStub() as stub, hotline(stub, tmp_path) as (telephony, heard):
        await arrive(stub, heard)
        with pytest.raises(RequestRefused, match="no sound 'menu'"):
            await telephony.play(CALL, CITIZEN, PlaybackId("p"), ("welcome", "menu"))
        assert not stub.asked_for("POST", "channels")
        await telephony.play(CALL, CITIZEN, PlaybackId("p"), ("welcome", "welcome"))
        (asked,) = stub.asked_for("POST", "channels")
        assert (asked.path, asked.query["media"]) == (
            f"channels/{CITIZEN}/play/p",
            f"sound:{tmp_path}/welcome,sound:{tmp_path}/welcome",
        )


async def ring(telephony: AriTelephony, number: str | None = "13800000001") -> None:
    await telephony.ring(CALL, AGENT, "PJSIP/1001", number, 19_500)


async def test_a_ring_carries_who_it_is_for_and_hides_whose_call_it_is() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        await ring(telephony)
        (asked,) = stub.asked_for("POST", "channels")
        assert asked == Asked(
            via="http",
            method="POST",
            path=f"channels/{AGENT}",
            query={"app": "hotline", "timeout": "20", "originator": CITIZEN},
            body={
                "endpoint": "PJSIP/1001",
                "callerId": "<138****0001>",
                "variables": {"HOTLINE_CALL": CALL, "HOTLINE_PARTY": "agent"},
            },
        )


async def test_a_phone_that_is_not_registered_is_heard_as_unreachable() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        stub.script = lambda asked: Answer(500, UNREACHABLE) if asked.path == f"channels/{AGENT}" else None
        await ring(telephony)
        assert (await heard.event(ev.LegHungUp)) == ev.LegHungUp(leg=AGENT, cause=HangupCause.UNREACHABLE)


async def test_a_citizen_gone_while_ringing_out_is_a_gone_leg() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        gone = {"message": "Provided originator channel was not found"}
        stub.script = lambda asked: Answer(400, gone) if asked.path == f"channels/{AGENT}" else None
        with pytest.raises(LegGone) as citizen:
            await ring(telephony)
        assert citizen.value.leg == CITIZEN


async def test_a_ring_nobody_knows_of_is_taken_back() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        stub.script = lambda asked: Answer(never=True) if asked.method == "POST" else None
        with pytest.raises(AsteriskUnavailable):
            await ring(telephony)
        await until(lambda: stub.asked_for("DELETE", f"channels/{AGENT}"), "the ring to be taken back")
        # it was answered all the same, later
        await stub.event(type="StasisStart", channel=channel(AGENT, "Up"), args=[])
        await until(lambda: len(stub.asked_for("DELETE", f"channels/{AGENT}")) == 2, "the stray to be hung up")
        assert not [one for one in heard.of(CALL) if isinstance(one, ev.LegAnswered)]


async def test_a_ring_that_begins_only_after_it_was_taken_back_is_taken_back_again() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        not_yet = {"message": "Channel not found"}
        stub.script = lambda asked: (
            Answer(never=True) if asked.method == "POST"
            else Answer(404, not_yet) if len(stub.asked_for("DELETE", "channels")) == 1 else None
        )  # fmt: skip
        with pytest.raises(AsteriskUnavailable):
            await ring(telephony)
        await until(lambda: len(stub.asked_for("DELETE", f"channels/{AGENT}")) == 2, "the second attempt")


async def test_a_ring_that_began_under_a_reconnection_is_taken_back() -> None:
    """Its leg was not in the snapshot, so the call has given it up."""
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        stub.script = showing(standing(channel()))
        release = asyncio.Event()

        async def late() -> None:
            await ring(telephony)
            release.set()

        base = stub.script
        stub.script = lambda asked: (
            Answer(200, channel(AGENT, "Down"), after_s=0.25) if asked.path == f"channels/{AGENT}" else base(asked)
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(late(), name="ring")
            await until(lambda: stub.asked_for("POST", f"channels/{AGENT}"), "the ring")
            since = len(heard.heard)
            await stub.drop()
            assert [leg.leg for leg in (await heard.link_up(since)).legs] == [CITIZEN]
            assert not release.is_set()
        await until(lambda: stub.asked_for("DELETE", f"channels/{AGENT}"), "the ring to be taken back")


async def test_a_leg_answered_by_the_dialplan_is_picked_up_all_the_same() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await stub.event(type="StasisStart", channel=channel(state="Up"), args=["in"])
        await heard.event(ev.CallArrived)
        await telephony.pick_up(CALL, CITIZEN)
        assert await heard.event(ev.PickedUp) == ev.PickedUp(leg=CITIZEN)


async def test_a_queue_without_its_citizen_is_a_gone_leg_and_its_bridge_goes_with_the_call() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        stub.script = lambda asked: Answer(400) if asked.path.endswith("/addChannel") else None
        with pytest.raises(LegGone):
            await telephony.place_in_queue(CALL, CITIZEN)
        await telephony.clear(CALL)
        assert stub.asked_for("DELETE", f"bridges/{CALL}.hold")


async def test_a_bridge_whose_making_failed_is_made_again_and_no_leg_taken_for_gone() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        stub.script = lambda asked: Answer(503) if asked.path == f"bridges/{CALL}.hold" else None
        with pytest.raises(AsteriskUnavailable):
            await telephony.place_in_queue(CALL, CITIZEN)
        made: list[Asked] = []

        def script(asked: Asked) -> Answer | None:
            if asked.path == f"bridges/{CALL}.hold":
                made.append(asked)
            missing = asked.path.endswith("/addChannel") and not made
            return Answer(404, {"message": "Bridge not found"}) if missing else None

        stub.script = script
        await telephony.place_in_queue(CALL, CITIZEN)
        assert len(made) == 1


async def test_a_bridge_that_stands_unknown_to_us_is_entered() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        stub.script = lambda asked: Answer(409) if asked.path == f"bridges/{CALL}.hold" else None
        await telephony.place_in_queue(CALL, CITIZEN)
        assert len(stub.asked_for("POST", f"bridges/{CALL}.hold/addChannel")) == 1


async def test_a_bridge_that_cannot_be_kept_is_no_gone_leg() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        for step in ("/addChannel", "/moh"):
            stub.script = lambda asked, step=step: Answer(404) if asked.path.endswith(step) else None  # type: ignore[misc]  # bound now
            with pytest.raises(RequestRefused):
                await telephony.place_in_queue(CALL, CITIZEN)


async def both_there(stub: AriStub, telephony: AriTelephony, heard: Listener) -> None:
    await arrive(stub, heard)
    await ring(telephony)
    await stub.event(type="StasisStart", channel=channel(AGENT, "Up"), args=[])
    await heard.event(ev.LegAnswered)


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_phone_that_is_gone_is_named_and_the_citizen_stays_in_the_music(status: int) -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await both_there(stub, telephony, heard)
        stub.script = lambda asked: Answer(status) if asked.path.endswith("/addChannel") else None
        with pytest.raises(LegGone) as gone:
            await telephony.connect(CALL, CITIZEN, AGENT)
        assert gone.value.leg == AGENT
        assert [asked.query["channel"] for asked in stub.asked if asked.path.endswith("/addChannel")] == [AGENT]


async def test_a_leg_that_is_not_ours_yet_is_waited_for_not_tried_again() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        await ring(telephony)
        async with asyncio.TaskGroup() as group:
            group.create_task(telephony.connect(CALL, CITIZEN, AGENT), name="connect")
            await asyncio.sleep(0.05)  # nothing must happen in it
            assert not stub.asked_for("POST", "bridges")
            await stub.event(type="StasisStart", channel=channel(AGENT, "Up"), args=[])
        added = [asked.query["channel"] for asked in stub.asked_for("POST", f"bridges/{CALL}.talk/addChannel")]
        assert added == [AGENT, CITIZEN]


# ---- taps


def tapping(stub: AriStub, *, snoop: int = 200, media: int = 200, add: int = 204, port: str = "12310") -> None:
    """Let Asterisk make taps, or fail at one of their steps; a reply of 200 is followed by the channel's arrival."""

    def script(asked: Asked) -> Answer | None:
        if "/snoop/" in asked.path:
            return Answer(snoop, channel(asked.path.rpartition("/")[2]))
        if asked.path == "channels/externalMedia":
            return Answer(media, channel(asked.query["channelId"], channelvars={"UNICASTRTP_LOCAL_PORT": port}))
        return Answer(add) if asked.path.endswith("/addChannel") else None

    stub.script = script


async def taps_arrive(stub: AriStub, number: int = 1) -> None:
    for part in ("snoop", "media"):
        await until(lambda: len(stub.asked_for("POST", "channels")) >= 2, "both channels asked for")
        tap = channel(f"{CALL}.{part}.citizen.{number}", "Up", channelvars={})
        await stub.event(type="StasisStart", channel=tap, args=[])


async def fork(telephony: AriTelephony) -> int:
    return (await telephony.fork_media(CALL, CITIZEN, Party.CITIZEN, ("127.0.0.1", 40000))).source_port


async def test_a_tap_waits_for_its_channels_and_says_where_its_packets_come_from() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        tapping(stub)
        async with asyncio.TaskGroup() as group:
            forking = group.create_task(fork(telephony), name="fork")
            await until(lambda: len(stub.asked_for("POST", "channels")) == 2, "both channels asked for")
            assert not stub.asked_for("POST", f"bridges/{CALL}.tap.citizen.1/addChannel")
            await taps_arrive(stub)
        assert forking.result() == 12310
        (media,) = stub.asked_for("POST", "channels/externalMedia")
        assert media.via == "http"
        assert media.query["external_host"] == "127.0.0.1:40000"
        assert media.query["format"] == "slin16"
        assert media.query["encapsulation"] == "rtp"


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ({"snoop": 404}, LegGone),
        ({"snoop": 500}, AsteriskUnavailable),
        ({"media": 500}, AsteriskUnavailable),
        ({"media": 400}, RequestRefused),
        ({"add": 422}, LegGone),
        ({"port": ""}, RequestRefused),
    ],
)
async def test_a_failed_tap_cleans_after_itself_and_leaves_the_call_alone(
    step: dict[str, Any], error: type[Exception]
) -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        tapping(stub, **step)
        async with asyncio.TaskGroup() as group:
            forking = group.create_task(raises(error, telephony), name="fork")
            await taps_arrive(stub)
        await forking
        removed = {asked.path for asked in stub.asked if asked.method == "DELETE"}
        tap = f"{CALL}.{{}}.citizen.1"
        assert removed == {
            f"channels/{tap.format('snoop')}",
            f"channels/{tap.format('media')}",
            f"bridges/{tap.format('tap')}",
        }


async def raises(error: type[Exception], telephony: AriTelephony) -> None:
    with pytest.raises(error):
        await fork(telephony)


async def test_a_tap_whose_party_hangs_up_meanwhile_is_a_gone_leg() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        tapping(stub)
        async with asyncio.TaskGroup() as group:
            group.create_task(raises(LegGone, telephony), name="fork")
            await until(lambda: len(stub.asked_for("POST", "channels")) == 2, "both channels asked for")
            await stub.event(type="StasisEnd", channel=channel(f"{CALL}.snoop.citizen.1", channelvars={}))


async def test_a_tap_in_the_making_fails_with_the_link() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        tapping(stub)
        async with asyncio.TaskGroup() as group:
            group.create_task(raises(AsteriskUnavailable, telephony), name="fork")
            await until(lambda: len(stub.asked_for("POST", "channels")) == 2, "both channels asked for")
            began = time.monotonic()
            await stub.drop()
        assert time.monotonic() - began < 1, "at once, not when the arrival is overdue"


async def test_a_standing_tap_is_replaced_under_a_new_name() -> None:
    snoop = channel(f"{CALL}.snoop.citizen.4", channelvars={})
    answers = standing(channel(CITIZEN, "Up"), snoop, bridges=[{"id": f"{CALL}.tap.citizen.4", "channels": []}])
    async with AriStub(script=showing(answers)) as stub, hotline(stub) as (telephony, _):
        tapping(stub)
        async with asyncio.TaskGroup() as group:
            forking = group.create_task(fork(telephony), name="fork")
            await taps_arrive(stub, number=5)
        assert forking.result() == 12310
        gone = [asked.path for asked in stub.asked if asked.method == "DELETE"]
        assert set(gone) >= {f"channels/{CALL}.snoop.citizen.4", f"bridges/{CALL}.tap.citizen.4"}


async def test_no_tap_is_tried_that_might_take_the_last_rtp_port() -> None:
    async with AriStub() as stub, hotline(stub, ports=12) as (telephony, heard):  # six streams, four kept free
        await arrive(stub, heard)
        tapping(stub)
        async with asyncio.TaskGroup() as group:
            group.create_task(fork(telephony), name="fork")
            await taps_arrive(stub)
        asked = len(stub.asked_for("POST", "channels/externalMedia"))
        with pytest.raises(RequestRefused, match=r"2 RTP streams are in use, too many for a tap: widen rtp\.conf"):
            await telephony.fork_media(CALL, CITIZEN, Party.AGENT, ("127.0.0.1", 40000))
        assert len(stub.asked_for("POST", "channels/externalMedia")) == asked
        await telephony.stop_fork(CALL, Party.CITIZEN)
        async with asyncio.TaskGroup() as group:
            group.create_task(fork(telephony), name="fork")
            await taps_arrive(stub, number=2)


# ---- giving back, clearing, sweeping


async def test_a_call_given_back_goes_to_the_fallback_and_is_heard_of_no_more() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        await telephony.give_back(CALL, CITIZEN)
        variable, go_on = stub.asked_for("POST", f"channels/{CITIZEN}")
        assert variable.query == {"variable": "HOTLINE_GIVEN_BACK", "value": "1"}
        assert go_on.path == f"channels/{CITIZEN}/continue"
        await stub.event(type="StasisEnd", channel=channel())
        await stub.event(type="StasisStart", channel=channel("hotline-9.0", channelvars={"CALL_UUID": "next"}), args=[])
        await heard.event(ev.CallArrived, CallId("next"))
        assert [type(one) for one in heard.of(CALL)] == [ev.CallArrived]


async def test_a_call_that_could_not_be_given_back_is_still_ours() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await arrive(stub, heard)
        stub.script = lambda asked: Answer(500) if asked.path.endswith("/continue") else None
        with pytest.raises(AsteriskUnavailable):
            await telephony.give_back(CALL, CITIZEN)
        await stub.event(type="StasisEnd", channel=channel())
        await heard.event(ev.LegHungUp)


async def test_a_stray_call_goes_to_the_fallback(caplog: pytest.LogCaptureFixture) -> None:
    async with AriStub() as stub, hotline(stub):
        await stub.event(type="StasisStart", channel=channel("hotline-9.0", channelvars={}), args=[])
        await until(lambda: stub.asked_for("POST", "channels/hotline-9.0/continue"), "the stray to be sent on")
        assert "CALL_UUID" in caplog.text


async def test_clearing_removes_what_stands_and_tries_the_rest_when_one_fails() -> None:
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await both_there(stub, telephony, heard)
        await telephony.place_in_queue(CALL, CITIZEN)
        await telephony.connect(CALL, CITIZEN, AGENT)
        await until(lambda: stub.asked_for("DELETE", f"bridges/{CALL}.hold/moh"), "the music to stop")
        await telephony.place_in_queue(CALL, CITIZEN)
        posts = [asked.path for asked in stub.asked if asked.method == "POST" and "Channel" not in asked.path]
        assert [path for path in posts if path.startswith("bridges/")] == [
            f"bridges/{CALL}.hold",
            f"bridges/{CALL}.hold/moh",
            f"bridges/{CALL}.talk",
            f"bridges/{CALL}.hold/moh",
        ], "bridges are made once"
        stub.asked.clear()
        stub.script = lambda asked: Answer(500) if asked.path == f"bridges/{CALL}.hold" else None
        with pytest.raises(AsteriskUnavailable):
            await telephony.clear(CALL)
        assert {asked.path for asked in stub.asked} == {f"bridges/{CALL}.hold", f"bridges/{CALL}.talk"}
        stub.asked.clear()
        stub.script = lambda _: None
        await telephony.clear(CALL)
        assert {asked.path for asked in stub.asked} == {f"bridges/{CALL}.hold"}
        stub.asked.clear()
        await telephony.clear(CALL)
        assert stub.asked == []


async def test_sweeping_takes_what_nobody_claims_and_nothing_else() -> None:
    kept = CallId("kept")
    mine = [channel(f"{name}.snoop.citizen.1", channelvars={}) for name in (kept, "lost")]
    bridges = [
        {"id": f"{kept}.hold", "channels": []},
        {"id": "lost.hold", "channels": []},
        {"id": "lost.talk", "channels": [CITIZEN]},
        {"id": "lost.tap.citizen.1", "channels": ["lost.snoop.citizen.1"]},
        {"id": "somebody-elses", "channels": []},
    ]
    async with AriStub(script=showing(standing(*mine, bridges=bridges))) as stub, hotline(stub) as (telephony, _):
        swept = await telephony.sweep({kept})
        removed = {asked.path for asked in stub.asked if asked.method == "DELETE"}
        assert removed == {
            "channels/lost.snoop.citizen.1",
            "channels/lost.media.citizen.1",
            "bridges/lost.tap.citizen.1",
            "bridges/lost.hold",
        }
        assert swept == Swept(channels=2, bridges=2)
        assert telephony.counts["swept"] == 4


async def test_no_number_is_logged_however_much_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with AriStub() as stub, hotline(stub) as (telephony, heard):
        await stub.text('{"number": "13800000001", "type": "Anything"}')
        await arrive(stub, heard)
        await ring(telephony)
        stub.script = lambda _: Answer(500)
        with pytest.raises(AsteriskUnavailable):
            await telephony.pick_up(CALL, CITIZEN)
        await stub.drop()
        await heard.wait(lambda one: isinstance(one, LinkDown), "LinkDown")
    assert "13800000001" not in caplog.text
    assert "secret" not in caplog.text
    assert "ari connected" in caplog.text


async def test_a_frozen_asterisk_is_found_and_left() -> None:
    times = replace(TIMES, ping_every_ms=100, pong_within_ms=200)
    async with AriStub() as stub, hotline(stub, times=times) as (_, heard):
        since = len(heard.heard)
        await stub.freeze()
        await heard.link_up(since, timeout_s=3)
        assert heard.heard[since] == LinkDown()
