"""Whatever Asterisk, or who takes its place, may send: it is read, or counted and passed over, and never more."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.ari import models as ari
from ivr.ari.account import AriAccount, LinkTimes
from ivr.ari.events import Translator
from ivr.ari.link import Link
from ivr.ari.reconcile import Sight, snapshot
from ivr.ari.registry import Registry
from ivr.ports import RequestRefused

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
words = st.sampled_from(["", "a", "b", "PJSIP/1001-0001", "c.talk", "c.hold", "c.snoop.citizen.1", "\u0000", "x" * 300])
channels = st.fixed_dictionaries(
    {
        "id": words,
        "name": words,
        "state": st.sampled_from(["Ring", "Up", "Ringing", "Down", ""]),
        "caller": st.fixed_dictionaries({"number": words}),
        "dialplan": st.fixed_dictionaries({"exten": words, "app_name": words, "app_data": words}),
        "channelvars": st.dictionaries(
            st.sampled_from(["CALL_UUID", "HOTLINE_CALL", "HOTLINE_PARTY"]), words, max_size=3
        ),
    }
)
kinds = st.sampled_from([kind.__name__ for kind in ari.AriEvent.__args__] + ["Dial", "ApplicationMoveFailed"])


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """An event as Asterisk sends it, with one thing in it perhaps replaced by anything."""
    event: dict[str, Any] = {
        "type": draw(kinds),
        "channel": draw(channels),
        "bridge": {"id": draw(words), "channels": draw(st.lists(words, max_size=2))},
        "playback": {"id": draw(words), "state": draw(words)},
        "cause": draw(st.integers(-1, 200)),
        "digit": draw(words),
        "soft": draw(st.booleans()),
    }
    if draw(st.booleans()):
        event[draw(st.sampled_from(sorted(event)))] = draw(values)
    return json.dumps(event).encode()


@settings(max_examples=200)
@given(st.lists(events() | st.binary(max_size=60), max_size=12))
def test_any_row_of_frames_is_translated_or_passed_over(frames: list[bytes]) -> None:
    translator = Translator(Registry())
    for frame in frames:
        event = translator.decode(frame)
        if event is not None:
            list(translator.translate(event))


@settings(max_examples=100)
@given(st.lists(events() | st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()), max_size=12))
def test_the_link_takes_any_frame(frames: list[bytes]) -> None:
    link = Link(AriAccount(url="http://x/ari", user="u", password="p"), LinkTimes())
    for frame in frames:
        link._take(frame)


@pytest.mark.parametrize("frame", [b'{"x":' + b"[" * 200_000, b"[" * 200_000, b'{"type":"\xff"}', b'{"type":1}', b""])
def test_depth_and_bad_text_are_malformed(frame: bytes) -> None:
    link = Link(AriAccount(url="http://x/ari", user="u", password="p"), LinkTimes())
    link._take(frame)
    assert link.counts["malformed"] == 1
    assert Translator(Registry()).decode(frame) is None


def test_only_one_word_of_asterisks_ends_the_link() -> None:
    link = Link(AriAccount(url="http://x/ari", user="u", password="p"), LinkTimes())
    with pytest.raises(RequestRefused):
        link._take(b'{"type":"ApplicationReplaced"}')


@settings(max_examples=100)
@given(st.lists(channels, max_size=5), st.lists(words, max_size=3), st.data())
def test_any_sight_is_a_snapshot(rows: list[dict[str, Any]], bridges: list[str], data: st.DataObject) -> None:
    seen = tuple(msgspec.convert(row, ari.Channel) for row in rows)
    sight = Sight(
        app="hotline",
        up_since=datetime(2026, 11, 21, 6, tzinfo=UTC),
        channels=seen,
        bridges=tuple(ari.Bridge(id=each, channels=tuple(data.draw(st.lists(words, max_size=2)))) for each in bridges),
    )
    found, legs = snapshot(sight, frozenset(), frozenset())
    assert len(found.legs) == len(legs) <= len(rows)
