from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.calls.queue_log import QueueLog, moment, read
from ivr.calls.queue_log_report import QueueLogReport, queue_log_report
from ivr.calls.report import Terms

BEGAN = 1_772_400_000
DAY_S = 86_400


def log_of(*lines: str) -> QueueLog:
    return read([("queue_log", [line.encode() + b"\n" for line in lines])])


def report_of(*lines: str, threshold_s: float = 20) -> QueueLogReport:
    return queue_log_report(log_of(*lines), Terms(within_ms=round(threshold_s * 1000)), ["queue_log"])


def enters(at: int, call: str, queue: str = "q", number: str = "13800000001") -> str:
    return f"{at}|{call}|{queue}|NONE|ENTERQUEUE||{number}|1"


def answered(call: str, wait: int, at: int = BEGAN, queue: str = "q", talk: int = 60) -> list[str]:
    return [
        enters(at, call, queue),
        f"{at + wait}|{call}|{queue}|SIP/1001|CONNECT|{wait}|x.1|3",
        f"{at + wait + talk}|{call}|{queue}|SIP/1001|COMPLETEAGENT|{wait}|{talk}|1",
    ]


def abandoned(call: str, wait: int, at: int = BEGAN, queue: str = "q") -> list[str]:
    return [enters(at, call, queue), f"{at + wait}|{call}|{queue}|NONE|ABANDON|1|1|{wait}"]


def test_the_published_vector() -> None:
    """ICMI: 1000 answered, 860 within 20 s; 60 abandoned, 20 within 20 s, 10 of those short."""
    lines = [line for n in range(860) for line in answered(f"a{n}", n % 21)]
    lines += [line for n in range(140) for line in answered(f"l{n}", 21 + n)]
    lines += [line for n in range(10) for line in abandoned(f"s{n}", n % 5)]
    lines += [line for n in range(10) for line in abandoned(f"t{n}", 6 + n)]
    lines += [line for n in range(40) for line in abandoned(f"u{n}", 30)]
    found = report_of(*lines)
    levels = {name: level.value for name, level in found.service_level.items()}
    assert {name: round(100 * value, 1) for name, value in levels.items() if value is not None} == {
        "forgiving": 83.0,
        "answered_only": 86.0,
        "strict": 81.1,
        "late_abandons": 82.7,
        "short_as_good": 82.1,
    }
    assert [level.formula for level in found.service_level.values()] == [1, 2, 3, 4, 5]
    strict = found.service_level["strict"]
    assert (strict.numerator, strict.denominator) == (860, 1060)
    assert (found.answer_rate.numerator, found.answer_rate.denominator) == (1000, 1060)
    assert (found.abandonment.numerator, found.abandonment.denominator) == (50, 1050)
    assert found.abandonment.exclusions["left within 5000 ms"] == 10
    assert found.problems == []


def test_every_way_out_of_a_queue() -> None:
    found = report_of(
        enters(BEGAN, "1"), f"{BEGAN + 9}|1|q|NONE|ABANDON|1|1|9",
        enters(BEGAN, "2"), f"{BEGAN + 30}|2|q|NONE|EXITWITHTIMEOUT|1|2|30",
        enters(BEGAN, "3"), f"{BEGAN + 10}|3|q|NONE|EXITWITHKEY|1|1|2|10",
        enters(BEGAN, "4"), f"{BEGAN + 1}|4|q|NONE|EXITEMPTY|1|1|1",
        enters(BEGAN, "5"), f"{BEGAN + 5}|5|q|SIP/1|SYSCOMPAT|",
        enters(BEGAN, "6"), f"{BEGAN + 2}|6|q|SIP/1|RINGNOANSWER|2000", f"{BEGAN + 8}|6|q|SIP/2|CONNECT|8|x|1",
        f"{BEGAN + 18}|6|q|SIP/2|BLINDTRANSFER|200|office|8|10|1",
        enters(BEGAN, "7"), f"{BEGAN + 4}|7|q|SIP/2|CONNECT|4|x|1",
        f"{BEGAN + 24}|7|q|SIP/2|ATTENDEDTRANSFER|BRIDGE|b-1|4|20|1",
        enters(BEGAN, "8"), f"{BEGAN + 4}|8|q|SIP/3|CONNECT|4|x|1",
        f"{BEGAN + 34}|8|q|SIP/3|ATTENDEDTRANSFER|LINK|chan/1|chan/2|4|30|1",
        enters(BEGAN, "9"), f"{BEGAN + 4}|9|q|SIP/3|CONNECT|4|x|1", f"{BEGAN + 44}|9|q|SIP/3|TRANSFER|9|out|4|40|1",
        enters(BEGAN, "10"), f"{BEGAN + 4}|10|q|SIP/3|CONNECT|4|x|1", f"{BEGAN + 54}|10|q|SIP/3|COMPLETECALLER|4|50|1",
        enters(BEGAN, "11"), f"{BEGAN + 40}|11|q|SIP/3|CONNECT|40|x|1",
        enters(BEGAN, "12"),
    )  # fmt: skip
    assert (found.offered, found.answered, found.abandoned, found.given_back, found.undecided) == (12, 6, 1, 4, 1)
    assert found.left_by == {"ABANDON": 1, "EXITEMPTY": 1, "EXITWITHKEY": 1, "EXITWITHTIMEOUT": 1, "SYSCOMPAT": 1}
    assert (found.answered_within, found.gone_within, found.missed_offers) == (5, 4, 1)
    assert (found.answer_rate.numerator, found.answer_rate.denominator) == (6, 11)
    assert (found.aht.value, found.aht.numerator, found.aht.denominator) == (30, 150, 5)
    assert found.aht.exclusions == {"answered and not over yet": 1}
    assert (found.asa.numerator, found.asa.denominator) == (64, 6)
    assert found.longest_wait_s == 40
    assert found.agents["SIP/3"].answered == 4
    assert found.agents["SIP/1"].ring_no_answer == 1
    assert (found.problems, found.unknown_events) == ([], {})


def test_several_queues_and_a_call_that_overflows() -> None:
    found = report_of(
        *answered("1", 5, queue="general"),
        *abandoned("2", 10, queue="heating"),
        enters(BEGAN, "3", "heating"), f"{BEGAN + 60}|3|heating|NONE|EXITWITHTIMEOUT|1|1|60",
        *answered("3", 3, BEGAN + 61, "general"),
    )  # fmt: skip
    assert {name: (one.offered, one.answered) for name, one in found.queues.items()} == {
        "general": (2, 2),
        "heating": (2, 0),
    }
    assert (found.offered, found.entries, found.calls) == (4, 4, 3)


def test_lines_that_cannot_be_read_are_told_by_their_number() -> None:
    found = read(
        [
            (
                "queue_log",
                [
                    enters(BEGAN, "1").encode(),
                    b"",
                    b"\n",
                    b"garbage\n",
                    b"yesterday|1|q|NONE|ABANDON|1|1|1\n",
                    b"\0\0\0\0" + enters(BEGAN, "0").encode(),
                    f"{BEGAN}|1|q|NONE\n".encode(),
                    f"{BEGAN}||q|NONE|ABANDON\n".encode(),
                    f"{BEGAN}|1|q|NONE||\n".encode(),
                    f"{BEGAN + 3}|gone|q|SIP/1|CONNECT|99|x|1\r\n".encode(),
                    f"{BEGAN + 5}|gone|q|SIP/1|COMPLETEAGENT|99|2|1\r\n".encode(),
                    f"{BEGAN + 7}|1|q|SIP/1|CONNECT|soon|x|1\r\n".encode(),
                    f"{BEGAN + 8}|1|q|SIP/1|CONNECT|7|x|1\n".encode(),
                    f"{BEGAN + 9}|1|q|NONE|ABANDON|1|1|9\n".encode(),
                    f"{BEGAN + 9}|NONE|NONE|NONE|CONFIGRELOAD|\n".encode(),
                    f"{BEGAN + 9}|1|q|SIP/1|HICCUP|3\n".encode(),
                    f"{BEGAN + 20}|1|q|\xe9|COMPLETECAL".encode("latin-1"),
                ],
            )
        ]
    )
    assert [(problem.line, problem.kind) for problem in found.problems] == [
        (4, "rotten"), (5, "rotten"), (6, "rotten"), (7, "rotten"), (8, "rotten"), (9, "rotten"),
        (10, "orphan"), (11, "orphan"), (12, "mended"), (13, "orphan"), (14, "orphan"),
    ]  # fmt: skip
    assert found.unknown == {"HICCUP": 1, "COMPLETECAL": 1}
    assert found.lines == 17
    (entry,) = found.entries
    assert (entry.answered_ms, entry.handled) == (7_000, False)


def test_rotated_files_are_read_oldest_first() -> None:
    first, last = answered("1", 5)[:1], answered("1", 5)[1:]
    found = read([("queue_log", [line.encode() for line in last]), ("queue_log.1", [line.encode() for line in first])])
    assert (found.entries[0].answered_ms, found.problems) == (5_000, [])


def test_a_call_may_come_back_to_the_same_queue() -> None:
    found = report_of(*abandoned("1", 5), *answered("1", 2, BEGAN + 100), enters(BEGAN, "2"), *answered("2", 3))
    assert (found.offered, found.answered, found.abandoned, found.undecided) == (4, 2, 1, 1)
    assert [problem.kind for problem in found.problems] == ["mended"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1366720340", 1_366_720_340.0),
        ("1366720340.25", 1_366_720_340.25),
        ("2013-04-23 12:32:20", 1_366_720_340.0),
        ("2013-04-23T12:32:20.250000", 1_366_720_340.25),
        ("2013-04-23T20:32:20+08:00", 1_366_720_340.0),
        ("2013-04-23T12:32:20Z", 1_366_720_340.0),
        ("0", 0.0),
    ],
)
def test_times_are_epoch_or_iso(text: str, seconds: float) -> None:
    found = moment(text, UTC)
    assert found is not None
    assert found.timestamp() == seconds


@pytest.mark.parametrize("text", ["", "soon", "2013-04-23", "-1", "1.x", "9" * 20, "2013-13-23 12:32:20", "١٢٣"])
def test_what_is_no_time(text: str) -> None:
    assert moment(text, UTC) is None


def test_a_time_without_offset_is_of_the_zone_told() -> None:
    found = moment("2013-04-23 20:32:20", timezone(timedelta(hours=8)))
    assert found == datetime.fromtimestamp(1_366_720_340, UTC)


def test_first_dials_are_grouped_by_number() -> None:
    lines = [
        *abandoned("1", 9), *answered("2", 1, BEGAN + 600),  # dialled again within 30 minutes
        *answered("3", 1, BEGAN + 600 + 1801),  # another matter
        enters(BEGAN, "4", number="13900000000"), f"{BEGAN + 90}|4|q|NONE|EXITWITHTIMEOUT|1|1|90",
        enters(BEGAN + 91, "4", "second", "13900000000"), f"{BEGAN + 95}|4|second|SIP/1|CONNECT|4|x|1",
        enters(BEGAN, "5", number="anonymous"), enters(BEGAN, "6", number="1390000001"),
    ]  # fmt: skip
    found = report_of(*lines).first_dial_answer_rate
    assert (found.numerator, found.denominator) == (2, 3)
    assert found.exclusions == {"repeated": 1, "without a number": 1, "undecided": 1}


def test_the_worst_day_of_a_log() -> None:
    lines = [line for hour in range(72) for line in answered(f"g{hour}", 3, BEGAN + 3600 * hour)]
    lines += [line for n in range(6) for line in abandoned(f"b{n}", 30, BEGAN + 30 * 3600 + n)]
    found = report_of(*lines).worst_24h["answer_rate"]
    assert found is not None
    assert (found.numerator, found.denominator) == (24, 30)
    assert (found.end - found.begin).total_seconds() == DAY_S


def test_occupancy_needs_the_sign_in() -> None:
    found = report_of(
        f"{BEGAN}|NONE|q|SIP/1|ADDMEMBER|",
        *answered("1", 0, BEGAN + 10, talk=30)[0:1],
        f"{BEGAN + 10}|1|q|SIP/1|CONNECT|0|x|1",
        f"{BEGAN + 10}|2|q|SIP/2|CONNECT|0|x|1",
        f"{BEGAN + 40}|1|q|SIP/1|COMPLETEAGENT|0|30|1",
        f"{BEGAN + 50}|NONE|NONE|SIP/1|PAUSEALL|meal",
        f"{BEGAN + 90}|NONE|NONE|SIP/1|UNPAUSEALL|",
        f"{BEGAN + 100}|NONE|q|SIP/1|REMOVEMEMBER|",
        f"{BEGAN + 500}|NONE|NONE|NONE|CONFIGRELOAD|",
    ).occupancy
    assert (found.numerator, found.denominator) == (30, 60)
    assert found.exclusions["s paused"] == 40
    assert found.exclusions["agents whose sign-in the log does not hold"] == 1


FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=8) | st.sampled_from(
    ["CONNECT", "ENTERQUEUE", "ABANDON", "COMPLETEAGENT", "EXITWITHKEY", "ATTENDEDTRANSFER", "q", "c", "1", str(BEGAN)]
)


@given(st.lists(st.lists(FIELD, max_size=9).map("|".join), max_size=30))
def test_whatever_the_file_holds_it_is_read(lines: list[str]) -> None:
    log = log_of(*lines)
    found = queue_log_report(log, Terms(), ["x"])
    assert found.offered == found.answered + found.abandoned + found.given_back + found.undecided
    assert all(1 <= problem.line <= len(lines) for problem in log.problems)
