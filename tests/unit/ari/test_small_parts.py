"""Names, caller ids, sounds, the outbox and the tape."""

import asyncio
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.ari.account import AriAccount
from ivr.ari.caller_id import Shown, caller_id, masked
from ivr.ari.names import Tap, call_of_bridge, hold, talk, tap_of
from ivr.ari.outbox import Outbox
from ivr.ari.sounds import Sounds
from ivr.ari.tape import Tape, read_tape
from ivr.calls import events as ev
from ivr.calls.events import LineEvent
from ivr.calls.vocabulary import CallId, LegId, Party
from ivr.ports import LinkDown, LinkUp, RequestRefused, Snapshot

CALLS = st.from_regex(r"[A-Za-z0-9.-]{1,40}", fullmatch=True).map(CallId)
UP = LinkUp(snapshot=Snapshot(legs=()))


def ringing(number: int) -> LineEvent:
    return LineEvent(CallId("call"), ev.LegRinging(leg=LegId(str(number))))


@given(CALLS, st.sampled_from(Party), st.integers(0, 10**6))
def test_names_say_what_they_belong_to(call: CallId, party: Party, number: int) -> None:
    tap = Tap(call, party, number)
    for name in (tap.bridge, tap.snoop, tap.media):
        assert tap_of(name) == tap
        assert call_of_bridge(name) is None
    for bridge in (hold(call), talk(call)):
        assert call_of_bridge(bridge) == call
        assert tap_of(bridge) is None


@pytest.mark.parametrize("name", ["", "hotline-1795306516.0", "a-agent-1", "x.tap.nobody.1", "x.snoop.citizen.a"])
def test_other_names_belong_to_nothing(name: str) -> None:
    assert tap_of(name) is None
    assert call_of_bridge(name) is None


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13800000001", "138****0001"),
        ("+8613800000001", "+86138****0001"),
        ("66668888", "****8888"),
        ("123456", "**3456"),
    ],
)
def test_the_middle_of_a_number_is_hidden(number: str, shown: str) -> None:
    assert masked(number) == shown
    assert caller_id(Shown.MASKED, number, "12345") == f"<{shown}>"
    assert caller_id(Shown.HOTLINE, number, "12345") == "<12345>"


@given(st.from_regex(r"\+?[0-9]{0,20}", fullmatch=True))
def test_no_number_is_shown_whole(number: str) -> None:
    shown = caller_id(Shown.MASKED, number, "12345")
    assert shown == "<12345>" or (number not in shown and "*" in shown)


@pytest.mark.parametrize("number", [None, "", "110", "9999"])
def test_what_cannot_be_masked_is_replaced(number: str | None) -> None:
    assert caller_id(Shown.MASKED, number, "12345") == "<12345>"


def test_a_recorded_sound_wins_over_a_rendered_one(tmp_path: Path) -> None:
    recorded, rendered = tmp_path / "recorded", tmp_path / "rendered"
    for folder, names in ((recorded, ("welcome.wav",)), (rendered, ("welcome.sln16", "digits/1.wav", "number.2.wav"))):
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
    sounds = Sounds(recorded, rendered)
    assert sounds.media(("digits/1", "welcome", "number.2")) == (
        f"sound:{rendered}/digits/1",
        f"sound:{recorded}/welcome",
        f"sound:{rendered}/number.2",
    )


@pytest.mark.parametrize("name", ["nowhere", "../welcome", "/etc/passwd", "a,b", "a..b", ".a", "", "sub/", "a&b"])
def test_a_sound_that_does_not_exist_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "welcome.wav").touch()
    folder = tmp_path / "sub"
    folder.mkdir()
    with pytest.raises(RequestRefused, match="no sound"):
        Sounds(folder).media((name,))


@pytest.mark.parametrize("folder", ["relative", "/with,comma", "/with&and"])
def test_a_folder_asterisk_cannot_be_told_of_is_refused(folder: str) -> None:
    with pytest.raises(ValueError, match="sound folder"):
        Sounds(Path(folder))


def test_an_address_with_a_last_slash_is_refused() -> None:
    with pytest.raises(ValueError, match="last slash"):
        AriAccount(url="http://127.0.0.1:8088/ari/", user="u", password="p")


async def test_the_outbox_keeps_order() -> None:
    outbox = Outbox(10)
    for heard in (UP, ringing(1), ringing(2)):
        assert outbox.put(heard)
    assert [await outbox.get() for _ in range(3)] == [UP, ringing(1), ringing(2)]


async def test_a_listener_too_far_behind_is_told_that_the_link_is_down() -> None:
    outbox = Outbox(3)
    outbox.put(UP)
    assert await outbox.get() == UP
    assert [outbox.put(ringing(n)) for n in range(4)] == [True, True, True, False]
    outbox.put(UP)
    assert [await outbox.get() for _ in range(2)] == [LinkDown(), UP]


async def test_a_listener_that_never_heard_of_the_link_is_not_told_that_it_is_down() -> None:
    outbox = Outbox(2)
    assert [outbox.put(UP), outbox.put(ringing(1)), outbox.put(ringing(2))] == [True, True, False]
    outbox.put(UP)
    assert await outbox.get() == UP


async def test_the_outbox_ends_once_and_for_all() -> None:
    outbox = Outbox(2)
    outbox.put(UP)
    outbox.end(RequestRefused("mend it"))
    assert await outbox.get() == UP
    for _ in range(2):
        with pytest.raises(RequestRefused, match="mend it"):
            await outbox.get()


async def test_the_tape_keeps_every_line_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "ari.jsonl"
    async with Tape(path) as tape:
        tape.note("up")
        tape.note("in", '{"type":"StasisStart"}')
        tape.note("out", "GET", via="http")
        tape.note("down")
    lines = list(read_tape(path))
    assert [(line.dir, line.via, line.text) for line in lines] == [
        ("up", "ws", ""),
        ("in", "ws", '{"type":"StasisStart"}'),
        ("out", "http", "GET"),
        ("down", "ws", ""),
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def test_the_tape_is_bounded_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "ari.jsonl"
    for number in range(6):
        async with Tape(path, max_bytes=300) as tape:
            tape.note("in", f"{number}" * 200)
    assert files(tmp_path) == ["ari.jsonl", "ari.jsonl.1"]
    assert [line.text[0] for line in read_tape(path)] == ["4", "5"]
    assert stat.S_IMODE(path.with_name("ari.jsonl.1").stat().st_mode) == 0o600


async def test_a_tape_that_cannot_be_written_does_not_end_anything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Tape(tmp_path / "nowhere" / "ari.jsonl") as tape:
        tape.note("up")
        await asyncio.sleep(0)
    assert "ari tape stopped" in caplog.text


async def test_a_tape_that_is_not_written_in_time_says_how_much_it_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivr.ari.tape._PENDING", 3)
    path = tmp_path / "ari.jsonl"
    async with Tape(path) as tape:
        for number in range(5):
            tape.note("in", str(number))
    assert [(line.dir, line.text) for line in read_tape(path)] == [("in", "0"), ("in", "1"), ("in", "2"), ("lost", "2")]
