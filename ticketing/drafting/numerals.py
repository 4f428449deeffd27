"""Numbers as they are spoken: 二百五 is 250, 四万三 43,000, 一块五 1.5, 幺三八 a row of digits. Pure."""

import re
from typing import NamedTuple

DIGIT = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "幺": 1,
    "二": 2,
    "两": 2,
    "俩": 2,
    "三": 3,
    "仨": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_UNIT = {"十": 10, "百": 100, "千": 1000}
NUMERAL = "零〇一幺二两三四五六七八九十百千万亿"
_RUN = re.compile(f"[{NUMERAL}]+")


class Number(NamedTuple):
    """A number in a text: its value and where it stands. `row` marks digits read one by one (六零二)."""

    value: float
    start: int
    end: int
    row: bool


def is_row(run: str) -> bool:
    """Whether digits are read one by one, without 十, 百, 千, 万."""
    return not any(c in "十百千万亿" for c in run)


def value(run: str) -> int | None:
    """The value of a run of numerals; None where it is not one number (二三百, 万千)."""
    if not run:
        return None
    if is_row(run):
        return int("".join(str(DIGIT[c]) for c in run))
    total = part = digit = 0
    last, zero = 1, False
    for at, c in enumerate(run):
        if c in DIGIT:
            if digit and not zero:
                return None
            digit, zero = DIGIT[c], c in "零〇"
        elif c in _UNIT:
            if not digit and c != "十" and at > 0 and run[at - 1] in _UNIT:
                return None
            part += (digit or 1) * _UNIT[c]
            last, digit, zero = _UNIT[c], 0, False
        else:
            big = 10_000 if c == "万" else 100_000_000
            if not (total or part or digit):
                return None
            total += (part + digit) * big
            part, digit, last, zero = 0, 0, big, False
    if digit:
        short = last >= 100 and run[-2] in "百千万亿"  # 三千二 is 3200, 三千零二 is 3002
        part += digit * (last // 10 if short else 1)
    return total + part


def arabic(text: str) -> str:
    """`text` with its numerals in Arabic digits where they are one number or a row of two and more digits.

    Single digits stay hanzi, 一个 and 三楼 read better so; and so do pairs, 四五里 is no 45.
    """

    def written(found: re.Match[str]) -> str:
        run = found[0]
        if (
            len(run) == 1
            or run in {"一一", "万一", "千万", "百万", "十万", "一万", "一千", "一百", "一十"}
            or run.startswith(("万", "千", "百", "亿"))
        ):
            return run
        amount = value(run)
        if is_row(run) and len(run) == 2:
            return run  # 四五里, 三四回: about so many
        if is_row(run):
            return "".join(str(DIGIT[c]) for c in run)
        return run if amount is None else str(amount)

    return _RUN.sub(written, text)


def numbers(text: str) -> list[Number]:
    """Every number of a plain text, with halves and decimals (一万二, 三点五, 十四度半 stays 14)."""
    found: list[Number] = []
    for run in _RUN.finditer(text):
        amount = value(run[0])
        if amount is None or (found and run.start() < found[-1].end):
            continue
        end, exact = run.end(), float(amount)
        if (tail := re.match(rf"点([{''.join(DIGIT)}]+)", text[end:])) and not run[0].endswith(
            ("十", "百", "千", "万")
        ):
            exact += float("0." + "".join(str(DIGIT[c]) for c in tail[1]))
            end += tail.end()
        found.append(Number(exact, run.start(), end, is_row(run[0]) and len(run[0]) > 1))
    return found
