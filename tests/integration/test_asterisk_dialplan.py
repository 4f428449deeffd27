"""What a caller can reach, what becomes of a call when the server is away, and what is recorded of it."""

import asyncio
import base64
import json
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import websockets
from numpy.typing import NDArray

from asterisk_conf.errors import SoundRefused
from asterisk_conf.layout import Layout
from asterisk_conf.process import Asterisk, RunningAsterisk
from asterisk_conf.program import Program
from asterisk_conf.prompts import make_sounds
from asterisk_conf.render import Rendered, render
from asterisk_conf.settings import AgentEndpoint, AsteriskSettings
from asterisk_conf.sound import read_wav, write_wav
from tests.asterisk_prefix import asterisk_program, instance_settings, short_book
from tests.integration.sip_probe import SipProbe

pytestmark = pytest.mark.e2e

PITCH = {"fallback": 400.0, "fallback_total": 600.0, "leave_message": 800.0, "part.1": 1500.0}
"""Announcements are tones here, so that a test knows which one it hears."""
CITIZEN_PITCH = 1000.0


@pytest.fixture(scope="module")
def program() -> Program:
    return asterisk_program()


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = Layout(tmp_path_factory.mktemp("sounds"))
    layout.recorded.mkdir(parents=True)
    for name, pitch in PITCH.items():
        write_wav(layout.recorded / f"{name}.wav", 0.2 * np.sin(2 * np.pi * pitch * np.arange(4800) / 8000), 8000)
    make_sounds(short_book(fallback="一", fallback_total="二", part="三{n}"), layout)
    return layout


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ast"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def rendered(home: Path, program: Program, sounds: Layout) -> Rendered:
    agents = (AgentEndpoint(extension="1001", name="坐席一"),)
    done = render(instance_settings(home, agents=agents, trunk_hosts=("127.0.0.1", "127.0.0.3")), program)
    shutil.copytree(sounds.rendered, done.layout.rendered, dirs_exist_ok=True)
    shutil.copytree(sounds.music, done.layout.music, dirs_exist_ok=True)
    return done


@pytest.fixture
def settings(rendered: Rendered) -> AsteriskSettings:
    return rendered.settings


@pytest.fixture
async def asterisk(rendered: Rendered, program: Program) -> AsyncIterator[RunningAsterisk]:
    async with await Asterisk(program, rendered.layout.home).start() as running:
        yield running


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  files of another process can only be polled
            await asyncio.sleep(0.05)


def pitches(samples: NDArray[np.float64]) -> list[float]:
    """The tones heard one after the other, from windows of 100 ms; silence and edges left out."""
    heard: list[float] = []
    for start in range(0, len(samples) - 800, 400):
        window = samples[start : start + 800]
        if np.sqrt((window**2).mean()) > 0.02:
            spectrum = np.abs(np.fft.rfft(window * np.hanning(800)))
            pitch = float(spectrum.argmax()) * 10
            if spectrum.max() > 0.8 * np.linalg.norm(spectrum) / 2 and (not heard or heard[-1] != pitch):
                heard.append(pitch)
    return heard


def loudness(path: Path, start_s: float, end_s: float) -> float:
    samples, rate = read_wav(path)
    return float(np.sqrt((samples[round(start_s * rate) : round(end_s * rate)] ** 2).mean()))


def recordings(settings: AsteriskSettings) -> dict[str, Path]:
    """The one call's files by what they hold: citizen, agent, mix."""
    found = {}
    for path in settings.recordings.iterdir():
        uuid = re.fullmatch(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-(citizen|agent))?\.wav", path.name)
        assert uuid is not None, path.name
        found[uuid[2] or "mix"] = path
    return found


def length(path: Path) -> float:
    """Seconds; 0 while the file is still being written."""
    try:
        return len(read_wav(path)[0]) / 8000
    except SoundRefused:
        return 0.0


@asynccontextmanager
async def fast_agi(settings: AsteriskSettings) -> AsyncIterator[asyncio.Queue[str]]:
    """A fallback process that notes what it is asked and ends at once."""
    asked: asyncio.Queue[str] = asyncio.Queue(maxsize=10)
    served: list[asyncio.Future[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(end := asyncio.get_running_loop().create_future())
        asked.put_nowait((await reader.readuntil(b"\n\n")).decode())
        writer.close()
        await writer.wait_closed()
        end.set_result(None)

    async with await asyncio.start_server(serve, settings.control_host, settings.fallback_port):
        yield asked
        async with asyncio.timeout(5):
            await asyncio.gather(*served)


class App:
    """A Stasis application of few words."""

    def __init__(self, link: websockets.ClientConnection, http: httpx.AsyncClient) -> None:
        self.link, self.http = link, http

    async def event(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while (found := json.loads(await self.link.recv()))["type"] != kind:
                continue
        assert isinstance(found, dict)
        return found

    async def post(self, path: str, **query: str) -> None:
        (await self.http.post(path, params=query)).raise_for_status()


@asynccontextmanager
async def app(rendered: Rendered) -> AsyncIterator[App]:
    settings = rendered.settings
    auth = (settings.ari_user, rendered.secrets.ari)
    basic = {"Authorization": "Basic " + base64.b64encode(":".join(auth).encode()).decode()}
    base = f"{settings.control_host}:{settings.http_port}/ari"
    async with (
        httpx.AsyncClient(base_url=f"http://{base}", auth=auth, trust_env=False) as http,
        websockets.connect(f"ws://{base}/events?app={settings.app}", additional_headers=basic) as link,
    ):
        yield App(link, http)


async def test_from_the_trunk_only_the_hotline_can_be_reached(
    asterisk: RunningAsterisk, settings: AsteriskSettings
) -> None:
    elsewhere = ["1001", "*43", "s", "h", "i", "t", "fallback", "hotline", "123", "123456", "112", "+8612345", "0"]
    elsewhere += ["PJSIP%2F1001", "trunk", "600", "12345%20", "%31001"]
    reached = {}
    for user in elsewhere:
        async with SipProbe(settings) as caller:
            reached[user] = await caller.invite(user)
    assert {user: status for user, status in reached.items() if not 400 <= status < 500} == {}
    assert "0 active channels" in await asterisk.rx("core show channels count")


async def test_from_the_trunk_nothing_but_calls_is_taken(asterisk: RunningAsterisk, settings: AsteriskSettings) -> None:
    answers = {}
    for method in ("MESSAGE", "SUBSCRIBE", "PUBLISH", "REFER", "REGISTER"):
        async with SipProbe(settings) as caller:
            answers[method] = await caller.request(method, "1001", body="x", kind="text/plain")
    assert min(answers.values()) >= 400, answers


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1", "1001"), ("127.0.0.2", "1001"), ("127.0.0.2", "trunk"), ("127.0.0.2", "13800000000")],
)
async def test_whoever_is_neither_trunk_nor_signed_in_is_not_let_in(
    asterisk: RunningAsterisk, settings: AsteriskSettings, host: str, name: str
) -> None:
    async with SipProbe(settings, name, host=host) as caller:
        assert await caller.invite("12345") == 401
    assert "0 active channels" in await asterisk.rx("core show channels count")


async def test_every_address_of_the_trunk_is_let_in(asterisk: RunningAsterisk, settings: AsteriskSettings) -> None:
    async with SipProbe(settings, host="127.0.0.3") as caller:
        assert await caller.invite("12345") == 200
        await caller.bye()


async def test_without_server_and_fallback_the_caller_is_told_and_can_leave_a_message(
    asterisk: RunningAsterisk, rendered: Rendered, settings: AsteriskSettings
) -> None:
    async with SipProbe(settings) as caller:
        assert await caller.invite("12345") == 200
        await caller.talk(3.5, CITIZEN_PITCH)
        heard = pitches(caller.heard())
        await caller.bye()
    expected = [PITCH["fallback"], PITCH["fallback_total"], PITCH["leave_message"], 1000.0]
    assert heard == expected, "the last is the beep"
    messages = rendered.layout.fallback_spool
    await until(lambda: any(length(path) > 0.3 for path in messages.glob("*.wav")))
    (message,) = messages.glob("*.wav")
    assert message.stem == recordings(settings)["mix"].stem, "the message carries the call's id"
    assert loudness(message, 0.0, 0.3) > 0.1
    await until(lambda: length(recordings(settings)["citizen"]) > 3)


async def test_without_a_server_the_fallback_process_takes_over(
    asterisk: RunningAsterisk, rendered: Rendered, settings: AsteriskSettings
) -> None:
    async with fast_agi(settings) as asked, SipProbe(settings) as caller:
        assert await caller.invite("12345") == 200
        await caller.talk(0.1)
        request = await asyncio.wait_for(asked.get(), 10)
        await caller.wait_bye(10)
        assert PITCH["fallback_total"] not in pitches(caller.heard())
    assert "agi_network_script: fallback\n" in request
    assert "agi_callerid: 13800000000\n" in request
    assert not list(rendered.layout.fallback_spool.glob("*.wav"))


async def test_both_sides_are_recorded_on_one_time_axis_that_begins_with_the_call(
    asterisk: RunningAsterisk, rendered: Rendered, settings: AsteriskSettings
) -> None:
    async with app(rendered) as server, SipProbe(settings) as caller:
        call = asyncio.create_task(caller.invite("12345"), name="invite")
        channel = (await server.event("StasisStart"))["channel"]
        assert channel["channelvars"]["CALL_UUID"] == recordings(settings)["mix"].stem
        await server.post(f"/channels/{channel['id']}/answer")
        assert await call == 200
        await caller.talk(1.0, CITIZEN_PITCH)
        await server.post(f"/channels/{channel['id']}/play/p1", media="sound:part.1,sound:number.2")
        await caller.talk(1.0, CITIZEN_PITCH)
        played = await server.event("PlaybackFinished")
        await caller.talk(0.5, CITIZEN_PITCH)
        await caller.bye()
        await server.event("StasisEnd")
    assert played["playback"]["state"] == "done", "names with dots are found"
    files = recordings(settings)
    assert files.keys() == {"mix", "citizen", "agent"}
    await until(lambda: min(length(path) for path in files.values()) > 2)
    lengths = [length(path) for path in files.values()]
    assert max(lengths) - min(lengths) < 0.05, "one time axis"
    assert max(lengths) == pytest.approx(2.6, abs=0.5)
    assert loudness(files["agent"], 0.1, 0.9) < 0.001
    assert loudness(files["citizen"], 0.3, 0.9) > 0.1
    assert PITCH["part.1"] in pitches(read_wav(files["agent"])[0])
    assert CITIZEN_PITCH not in pitches(read_wav(files["agent"])[0])
    assert pitches(read_wav(files["citizen"])[0]) == [CITIZEN_PITCH]


async def test_the_recording_outlives_the_server(
    asterisk: RunningAsterisk, rendered: Rendered, settings: AsteriskSettings
) -> None:
    async with SipProbe(settings) as caller:
        async with app(rendered) as server:
            call = asyncio.create_task(caller.invite("12345"), name="invite")
            channel = (await server.event("StasisStart"))["channel"]
            await server.post(f"/channels/{channel['id']}/answer")
            assert await call == 200
            await caller.talk(0.5, CITIZEN_PITCH)
            server.link.transport.abort()
        await caller.talk(1.5, CITIZEN_PITCH)
        await caller.bye()
    citizen = recordings(settings)["citizen"]
    await until(lambda: length(citizen) > 1.8)
    assert loudness(citizen, 1.0, 1.8) > 0.1


async def test_where_both_sides_are_silent_on_the_wire_silence_keeps_the_axis_running(
    asterisk: RunningAsterisk, rendered: Rendered, settings: AsteriskSettings
) -> None:
    async with app(rendered) as server, SipProbe(settings) as caller:
        call = asyncio.create_task(caller.invite("12345"), name="invite")
        channel = (await server.event("StasisStart"))["channel"]["id"]
        await server.post(f"/channels/{channel}/answer")
        assert await call == 200
        await server.post(f"/channels/{channel}/silence")
        await caller.talk(0.5, CITIZEN_PITCH)
        await asyncio.sleep(1)  # the pause of a phone that sends nothing while nobody speaks
        await caller.talk(0.5, CITIZEN_PITCH)
        await caller.bye()
    citizen = recordings(settings)["citizen"]
    await until(lambda: length(citizen) > 1.8)
    assert loudness(citizen, 0.7, 1.3) < 0.001
    assert loudness(citizen, 1.65, 1.9) > 0.1


async def test_a_call_the_server_gives_back_goes_to_the_fallback(
    asterisk: RunningAsterisk, rendered: Rendered, settings: AsteriskSettings
) -> None:
    async with fast_agi(settings) as asked, app(rendered) as server, SipProbe(settings) as caller:
        call = asyncio.create_task(caller.invite("12345"), name="invite")
        channel = (await server.event("StasisStart"))["channel"]["id"]
        await server.post(f"/channels/{channel}/answer")
        assert await call == 200
        await server.post(f"/channels/{channel}/variable", variable="HOTLINE_GIVEN_BACK", value="1")
        await server.post(f"/channels/{channel}/continue")
        await caller.talk(0.1)
        assert "fallback" in await asyncio.wait_for(asked.get(), 10)
        await caller.wait_bye(10)


async def test_a_call_the_server_has_finished_with_ends(
    asterisk: RunningAsterisk, rendered: Rendered, settings: AsteriskSettings
) -> None:
    async with fast_agi(settings) as asked, app(rendered) as server, SipProbe(settings) as caller:
        call = asyncio.create_task(caller.invite("12345"), name="invite")
        channel = (await server.event("StasisStart"))["channel"]["id"]
        await server.post(f"/channels/{channel}/answer")
        assert await call == 200
        await server.post(f"/channels/{channel}/continue")
        await caller.wait_bye(10)
        assert asked.empty()


async def test_the_records_of_a_call_carry_its_id_and_no_number(
    asterisk: RunningAsterisk, rendered: Rendered, settings: AsteriskSettings
) -> None:
    async with app(rendered) as server, SipProbe(settings, "13812345678") as caller:
        call = asyncio.create_task(caller.invite("12345"), name="invite")
        channel = (await server.event("StasisStart"))["channel"]
        await server.post(f"/channels/{channel['id']}/answer")
        assert await call == 200
        await caller.bye()
        await server.event("StasisEnd")
    uuid = channel["channelvars"]["CALL_UUID"]
    events = rendered.layout.log / "cel-custom" / "hotline.csv"
    records = rendered.layout.log / "cdr-custom" / "hotline.csv"
    await until(lambda: events.exists() and "CHAN_END" in events.read_text() and records.exists())
    assert '"ANSWER"' in events.read_text()
    assert uuid in events.read_text()
    assert uuid in records.read_text()
    everything = [path for path in rendered.layout.log.rglob("*") if path.is_file()]
    assert [path.name for path in everything if "13812345678" in path.read_text(errors="replace")] == []


async def test_music_is_there_for_who_waits(
    asterisk: RunningAsterisk, rendered: Rendered, settings: AsteriskSettings
) -> None:
    async with app(rendered) as server, SipProbe(settings) as caller:
        call = asyncio.create_task(caller.invite("12345"), name="invite")
        channel = (await server.event("StasisStart"))["channel"]["id"]
        await server.post(f"/channels/{channel}/answer")
        assert await call == 200
        await server.post("/bridges/wait", type="holding")
        await server.post("/bridges/wait/addChannel", channel=channel)
        await server.post("/bridges/wait/moh")
        await caller.talk(1.5)
        heard = caller.heard()
        await caller.bye()
    assert np.sqrt((heard[4000:] ** 2).mean()) > 0.01
