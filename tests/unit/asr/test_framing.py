import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.framing import REORDER_WINDOW, NotRtp, Reassembly, Run, parse
from tests.unit.asr.packets import packet, packets

SAMPLES = 320


def pcm(number: int) -> bytes:
    """20 ms that name their packet."""
    return np.full(SAMPLES, number % 30000 + 1, dtype="<i2").tobytes()


def row(runs: list[Run]) -> list[int]:
    """Sample values, one a packet; 0 for each packet's worth of hole."""
    values: list[int] = []
    for run in runs:
        values += [0] * (run.hole // SAMPLES)
        if run.pcm:
            values.append(int(np.frombuffer(run.pcm, dtype="<i2")[0]) - 1)
    return values


def feed(tap: Reassembly, arrivals: list[tuple[int, bytes]]) -> list[Run]:
    runs: list[Run] = []
    for ms, datagram in arrivals:
        runs += tap.push(datagram, ms)
    return runs + tap.flush()


def in_time(order: list[int], first: int = 0) -> list[tuple[int, bytes]]:
    return [(n * 20, packet(first + number, pcm(number))) for n, number in enumerate(order)]


def test_every_optional_part_of_the_header_is_stepped_over() -> None:
    read = parse(packet(9, pcm(1), csrcs=(1, 2), extension=bytes(8), padding=4, marker=True, ssrc=5))
    assert (read.sequence, read.timestamp, read.ssrc, read.payload_type, read.marker) == (9, 9 * 320, 5, 118, True)
    assert np.frombuffer(read.payload, dtype=">i2").tolist() == [2] * SAMPLES


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x80" * 11,
        b"\x40" + packet(1, pcm(1))[1:],
        b"\x80\xc8" + bytes(26),
        packet(1, pcm(1))[:-1],
        b"\x8f" + bytes(13),
        b"\x90" + bytes(12),
        b"\xa0" + bytes(11) + b"\xff\xff",
        b"\xa0" + bytes(11) + b"\x00\x00",
    ],
    ids=["empty", "short", "version 1", "RTCP", "half a sample", "CSRCs", "extension", "padding", "padding of none"],
)
def test_what_is_no_packet_is_refused_and_counted(datagram: bytes) -> None:
    with pytest.raises(NotRtp):
        parse(datagram)
    tap = Reassembly(16000)
    assert tap.push(datagram, 0) == []
    assert tap.counts.malformed == 1


@given(st.binary(max_size=100))
def test_any_bytes_are_a_packet_or_refused(datagram: bytes) -> None:
    try:
        parse(datagram)
    except NotRtp:
        return


@given(first=st.integers(0, 0xFFFF), count=st.integers(1, 60))
def test_samples_come_out_as_they_went_in_across_the_wrap(first: int, count: int) -> None:
    tap = Reassembly(16000)
    assert row(feed(tap, in_time(list(range(count)), first))) == list(range(count))
    assert (tap.counts.lost, tap.counts.late, tap.counts.duplicate) == (0, 0, 0)


@given(
    first=st.integers(0, 0xFFFF),
    lost=st.sets(st.integers(1, 38)),
    doubled=st.sets(st.integers(0, 39)),
    seed=st.integers(0, 1000),
)
def test_loss_reordering_and_duplicates_keep_every_sample_in_its_place(
    first: int, lost: set[int], doubled: set[int], seed: int
) -> None:
    """However packets fare, what comes out is the sent row with silence where packets are missing."""
    sent = [number for number in range(40) if number not in lost]
    shuffler = random.Random(seed)
    order = [sent[0], *sorted(sent[1:], key=lambda number: number + shuffler.uniform(0, REORDER_WINDOW - 1))]
    order = [number for each in order for number in ([each, each] if each in doubled else [each])]
    tap = Reassembly(16000)
    expected = [0 if number in lost else number for number in range(40)]
    runs = feed(tap, in_time(order, first))
    assert row(runs) == expected
    assert tap.counts.lost == len(lost)
    assert tap.counts.duplicate == len(doubled - lost)
    assert tap.counts.late == 0
    assert sum(run.lost for run in runs) == len(lost)


@given(order=st.permutations(list(range(12))))
def test_no_order_brings_a_sample_twice_or_before_an_earlier_one(order: list[int]) -> None:
    tap = Reassembly(16000)
    given_out = [value for value in row(feed(tap, in_time(order))) if value]
    assert given_out == sorted(set(given_out))
    dropped = tap.counts.late + tap.counts.duplicate
    assert len(given_out) + dropped >= 11


def test_a_packet_after_its_hole_was_passed_is_late() -> None:
    tap = Reassembly(16000)
    assert row(feed(tap, in_time([0, 2, 3, 4, 5, 1]))) == [0, 0, 2, 3, 4, 5]
    assert (tap.counts.lost, tap.counts.late) == (1, 1)


def test_a_sender_that_paused_is_not_a_loss() -> None:
    tap = Reassembly(16000)
    runs = feed(tap, [(0, packet(0, pcm(1))), (1000, packet(1, pcm(2), timestamp=50 * 320, marker=True))])
    assert [(run.hole, run.lost) for run in runs] == [(0, 0), (49 * SAMPLES, 0)]
    assert tap.counts.lost == 0


def test_a_timestamp_that_leaps_beyond_the_clock_is_not_believed() -> None:
    tap = Reassembly(16000)
    runs = feed(tap, [(0, packet(0, pcm(1))), (20, packet(1, pcm(2), timestamp=1_000_000_000))])
    assert runs[1].hole <= 16000


def test_a_new_ssrc_goes_on_where_the_clock_says() -> None:
    tap = Reassembly(16000)
    arrivals = in_time(list(range(5)))
    arrivals += [(2000 + n * 20, packet(40000 + n, pcm(n + 10), ssrc=8, timestamp=n * 320 + 77)) for n in range(3)]
    runs = feed(tap, arrivals)
    assert row(runs) == [0, 1, 2, 3, 4, *[0] * 95, 10, 11, 12]
    assert tap.counts.restarts == 1


def test_a_new_ssrc_at_once_leaves_no_hole() -> None:
    tap = Reassembly(16000)
    arrivals = [*in_time([0, 1, 2]), (60, packet(9, pcm(3), ssrc=8)), (80, packet(10, pcm(4), ssrc=8))]
    assert row(feed(tap, arrivals)) == [0, 1, 2, 3, 4]


def test_a_stray_sequence_is_dropped_and_two_in_a_row_begin_anew() -> None:
    tap = Reassembly(16000)
    arrivals = in_time([0, 1])
    arrivals += [(40, packet(30000, pcm(9))), (40, packet(2, pcm(2)))]
    arrivals += [(60, packet(50000, pcm(50))), (80, packet(50001, pcm(51))), (100, packet(50002, pcm(52)))]
    assert row(feed(tap, arrivals)) == [0, 1, 2, 51, 52]
    assert (tap.counts.late, tap.counts.restarts) == (2, 1)


def test_packets_helper_cuts_by_twenty_ms() -> None:
    assert [parse(each).sequence for each in packets(pcm(1) + pcm(2), first=5)] == [5, 6]
