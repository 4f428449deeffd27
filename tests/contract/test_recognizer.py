"""What every engine owes: one suite for the fake, for Vosk with the shipped model, and for a server that has it."""

import wave
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from asr.audio import Resampler
from asr.engine import Engine, Recognizer, Utterance
from asr.model import store
from asr.vosk_engine import VoskEngine
from asr.vosk_server import ServerRecognizer, VoskServers
from tests.fakes.recognizer import FakeEngine, say, silence
from tests.fakes.vosk_server import FakeVoskServer

SPEECH = Path(__file__).parent.parent / "data" / "speech.wav"
SAID = "您好 我要反映 光明小区 暖气不热"
JOINED = SAID.replace(" ", "")
"""Where a word ends is the model's own business."""


@dataclass(frozen=True)
class Case:
    engine: Engine
    audio: Callable[[int], bytes]
    """The sentence at a rate, some silence around it."""

    def hear(self, pcm: bytes, rate: int = 16000, piece_ms: int = 100) -> list[Utterance]:
        return feed(self.engine.recognizer(rate), pcm, rate, piece_ms)


class KeepingServers(VoskServers):
    """Remembers its recognisers, so that a test need not close each."""

    def __init__(self, urls: list[str]) -> None:
        super().__init__(urls)
        self.opened: list[ServerRecognizer] = []

    def recognizer(self, sample_rate: int) -> ServerRecognizer:
        self.opened.append(super().recognizer(sample_rate))
        return self.opened[-1]


@contextmanager
def closing_all(engine: KeepingServers) -> Iterator[KeepingServers]:
    yield engine
    for recognizer in engine.opened:
        recognizer.close()


def joined(utterance: Utterance) -> str:
    return utterance.spoken.replace(" ", "")


def feed(recognizer: Recognizer, pcm: bytes, rate: int, piece_ms: int = 100) -> list[Utterance]:
    size = 2 * rate * piece_ms // 1000
    heard = [recognizer.accept(pcm[at : at + size]) for at in range(0, len(pcm), size)]
    return [each for each in [*heard, recognizer.finish()] if each is not None]


def recorded(rate: int) -> bytes:
    with wave.open(str(SPEECH)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
        resampler = Resampler(file.getframerate(), rate)
    whole = np.concatenate([resampler.feed(samples), resampler.flush()])
    return silence(300, sample_rate=rate) + whole.tobytes() + silence(300, sample_rate=rate)


@pytest.fixture(scope="module")
def vosk_engine() -> VoskEngine:
    return VoskEngine(store.select())


@pytest.fixture(params=["fake", "vosk", "vosk server"])
def case(request: pytest.FixtureRequest, vosk_engine: VoskEngine) -> Iterator[Case]:
    if request.param == "vosk server":
        with FakeVoskServer(vosk_engine).listening() as url, closing_all(KeepingServers([url])) as engine:
            yield Case(engine, recorded)
    elif request.param == "vosk":
        yield Case(vosk_engine, recorded)
    else:
        yield Case(FakeEngine(), lambda rate: silence(300, sample_rate=rate) + say(SAID.split(), sample_rate=rate))


@pytest.mark.parametrize("rate", [8000, 16000])
def test_words_come_with_times_inside_the_audio_and_in_order(case: Case, rate: int) -> None:
    pcm = case.audio(rate)
    [utterance] = case.hear(pcm, rate)
    assert joined(utterance) == JOINED
    times = [ms for word in utterance.words for ms in (word.start_ms, word.end_ms)]
    assert times == sorted(times)
    assert 200 <= times[0] <= 600
    assert times[-1] <= len(pcm) / 2 / rate * 1000
    assert all(0 <= word.confidence <= 1 for word in utterance.words)


@pytest.mark.parametrize("piece_ms", [20, 500])
def test_how_the_audio_is_cut_changes_no_word(case: Case, piece_ms: int) -> None:
    [utterance] = case.hear(case.audio(16000), piece_ms=piece_ms)
    assert joined(utterance) == JOINED


def test_a_pause_ends_the_utterance_by_itself(case: Case) -> None:
    recognizer = case.engine.recognizer(16000)
    pcm = case.audio(16000) + silence(2000)
    heard = [recognizer.accept(pcm[at : at + 3200]) for at in range(0, len(pcm), 3200)]
    assert [joined(each) for each in heard if each] == [JOINED]
    assert recognizer.finish() is None


def test_a_hypothesis_grows_and_is_gone_when_the_utterance_ended(case: Case) -> None:
    recognizer = case.engine.recognizer(16000)
    assert recognizer.hypothesis() == ""
    pcm = case.audio(16000)
    shown = []
    for at in range(0, len(pcm), 3200):
        recognizer.accept(pcm[at : at + 3200])
        shown.append(recognizer.hypothesis())
    assert any(text and JOINED.startswith(text.replace(" ", "")) for text in shown)
    recognizer.finish()
    assert recognizer.hypothesis() == ""


def test_after_finish_more_may_follow_and_times_go_on(case: Case) -> None:
    recognizer = case.engine.recognizer(16000)
    pcm = case.audio(16000)
    [first] = feed(recognizer, pcm, 16000)
    [second] = feed(recognizer, pcm, 16000)
    length_ms = len(pcm) / 32
    assert joined(second) == JOINED
    assert second.words[0].start_ms == pytest.approx(first.words[0].start_ms + length_ms, abs=100)
    assert second.words[-1].end_ms == pytest.approx(first.words[-1].end_ms + length_ms, abs=100)


def test_after_a_pause_times_go_on(case: Case) -> None:
    pcm = case.audio(16000) + silence(2000)
    first, second = case.hear(pcm + pcm)
    assert joined(first) == joined(second) == JOINED
    assert second.words[0].start_ms == pytest.approx(first.words[0].start_ms + len(pcm) / 32, abs=100)


def test_silence_says_nothing(case: Case) -> None:
    assert case.hear(silence(3000)) == []
    recognizer = case.engine.recognizer(16000)
    recognizer.accept(silence(1000))
    assert recognizer.hypothesis() == ""


def test_nothing_at_all_may_be_finished(case: Case) -> None:
    assert case.engine.recognizer(16000).finish() is None


def test_threads_hear_their_own_stream(case: Case) -> None:
    pcm = case.audio(16000)
    with ThreadPoolExecutor(2) as pool:
        heard = list(pool.map(case.hear, [pcm, silence(1000) + pcm, pcm]))
    assert [joined(each[0]) for each in heard] == [JOINED] * 3
    assert heard[1][0].words[0].start_ms - heard[0][0].words[0].start_ms == pytest.approx(1000, abs=100)


def test_an_engine_outlives_its_recognisers(case: Case) -> None:
    case.engine.recognizer(16000).close()
    assert len(case.hear(case.audio(16000))) == 1
