import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.ear import AS_SPOKEN, BRIDGE_MS, Ear, Writer
from asr.punctuation import Punctuated
from asr.transcript import Segment, Speaker
from tests.fakes.recognizer import WORDS, FakeEngine, say, silence


def ear(engine: FakeEngine | None = None, began_ms: int = 0, write: Writer = AS_SPOKEN) -> Ear:
    return Ear(engine or FakeEngine(), Speaker.CITIZEN, began_ms=began_ms, write=write)


def hear(listener: Ear, pcm: bytes, piece_ms: int = 100) -> list[Segment]:
    size = 32 * piece_ms
    return [said for at in range(0, len(pcm), size) for said in listener.hear(pcm[at : at + size])]


def texts(segments: list[Segment]) -> list[str]:
    return [segment.text if not segment.lost else "…" for segment in segments]


def test_a_segment_carries_text_words_and_times_of_the_call() -> None:
    listener = ear(began_ms=5000)
    segments = hear(listener, silence(1000) + say(["您好", "暖气不热"], pause_ms=1000)) + listener.close()
    [said] = segments
    assert (said.id, said.speaker, said.text, said.spoken) == (
        "citizen-5000-1",
        Speaker.CITIZEN,
        "您好暖气不热",
        "您好 暖气不热",
    )
    assert (said.start_ms, said.end_ms) == (6000, 6420)
    assert [(word.text, word.start_ms, word.end_ms) for word in said.words] == [
        ("您好", 6000, 6200),
        ("暖气不热", 6220, 6420),
    ]


def test_the_written_form_stands_in_text_and_the_spoken_beside_it() -> None:
    listener = ear(write=Punctuated(lambda spoken: spoken.replace("十五", "15")))
    hear(listener, say(["十五", "度"]))
    [said] = listener.close()
    assert (said.text, said.spoken) == ("15度。", "十五 度")


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4), st.integers(600, 9000)),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([20, 100, 250]),
)
def test_silence_left_out_moves_no_word(turns: list[tuple[list[str], int]], piece_ms: int) -> None:
    listener = ear()
    pcm, expected = b"", []
    for words, pause_ms in turns:
        for number, _ in enumerate(words):
            expected.append(len(pcm) // 32 + number * 220)
        pcm += say(words, pause_ms=pause_ms)
    segments = hear(listener, pcm, piece_ms) + listener.close()
    assert [segment.spoken for segment in segments] == [" ".join(words) for words, _ in turns]
    assert [word.start_ms for segment in segments for word in segment.words] == expected


def test_long_silence_does_not_reach_the_recogniser() -> None:
    engine = FakeEngine()
    listener = ear(engine)
    hear(listener, say(["您好"]) + silence(60_000) + say(["谢谢"]))
    listener.close()
    assert engine.opened[0].heard < 16 * 4000


def test_a_hypothesis_is_told_once_and_withdrawn_by_its_segment() -> None:
    listener = ear()
    hear(listener, silence(2000) + say(["您好"]))
    shown = listener.hypothesis()
    assert shown is not None
    assert (shown.text, shown.start_ms) == ("您好", 1600)
    assert listener.hypothesis() is None
    hear(listener, silence(1000))
    assert listener.hypothesis() is None


def test_a_short_hole_is_heard_as_silence() -> None:
    listener = ear()
    segments = hear(listener, say(["您好"]))
    segments += listener.skip(16 * BRIDGE_MS, lost=True)
    segments += hear(listener, say(["谢谢"])) + listener.close()
    assert texts(segments) == ["您好", "谢谢"]
    assert segments[1].start_ms == 220 + BRIDGE_MS


def test_a_long_hole_ends_the_utterance_and_asks_to_be_read_again() -> None:
    listener = ear(began_ms=1000)
    segments = hear(listener, say(["您好"]))
    segments += listener.skip(16 * 3000, lost=True)
    segments += hear(listener, say(["谢谢"])) + listener.close()
    assert texts(segments) == ["您好", "…", "谢谢"]
    assert (segments[1].start_ms, segments[1].end_ms, segments[1].lost) == (1220, 4220, True)
    assert segments[2].start_ms == 4220
    assert listener.lost_samples == 16 * 3000


def test_a_pause_of_the_sender_is_no_loss() -> None:
    listener = ear()
    segments = hear(listener, say(["您好"]))
    segments += listener.skip(16 * 3000, lost=False)
    segments += hear(listener, say(["谢谢"])) + listener.close()
    assert texts(segments) == ["您好", "谢谢"]
    assert segments[1].start_ms == 3220


class Failing:
    """Raises at the given calls of `accept`, counted over all recognisers."""

    def __init__(self, *calls: int) -> None:
        self._calls = calls
        self._count = 0

    def __call__(self) -> None:
        self._count += 1
        if self._count in self._calls:
            raise RuntimeError("a decoder died")


def test_a_recogniser_that_fails_is_replaced_and_its_utterance_marked_lost() -> None:
    engine = FakeEngine(before=Failing(10))
    listener = ear(engine)
    first = say(["您好"], pause_ms=580)
    segments = hear(listener, first + say(["暖气不热", "谢谢"], pause_ms=580) + say(["谢谢"])) + listener.close()
    assert texts(segments) == ["您好", "…", "谢谢", "谢谢"]
    lost = segments[1]
    assert (lost.start_ms, lost.end_ms) == (200, 1000)
    assert segments[2].start_ms == pytest.approx(1020, abs=1)
    assert listener.restarts == 1
    assert [recognizer.closed for recognizer in engine.opened] == [True, True]


def test_failing_again_and_again_is_one_loss() -> None:
    listener = ear(FakeEngine(before=Failing(1, 2, 3)))
    segments = hear(listener, say(["您好"], word_ms=280) + say(["谢谢"])) + listener.close()
    assert texts(segments) == ["…", "谢谢"]
    assert (segments[0].start_ms, segments[0].end_ms) == (0, 300)
    assert listener.restarts == 3


def test_an_engine_that_gives_no_recogniser_loses_audibly() -> None:
    engine = FakeEngine(refuses=True)
    listener = ear(engine)
    segments = hear(listener, say(["您好"]))
    engine.refuses = False
    segments += hear(listener, say(["谢谢"])) + listener.close()
    assert texts(segments) == ["…", "谢谢"]
    engine.refuses = True
    listener = ear(engine)
    hear(listener, say(["您好"]))
    assert texts(listener.close()) == ["…"]


def test_ids_never_repeat_within_a_stream_or_after_a_restart() -> None:
    one, again = ear(began_ms=0), ear(began_ms=7000)
    segments: list[Segment] = []
    for listener in (one, again):
        segments += hear(listener, say(["您好"], pause_ms=700) + say(["谢谢"]))
        segments += listener.skip(16 * 1000, lost=True)
        segments += listener.close()
    assert len({segment.id for segment in segments}) == len(segments) == 6
