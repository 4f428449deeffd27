"""Spoken Chinese numbers as values. Strict: what is not one exact number (十五六, 两三百) is none."""

import re
from typing import Final

NUMERALS: Final = "零〇一二三四五六七八九十百千万亿两幺"
"""Every character a spoken number is made of, the decimal 点 apart."""
DIGITS: Final = "零〇一二三四五六七八九幺"
"""Those that may be spoken one by one; 幺 is how 一 is said in telephone and room numbers."""

_VALUES: Final = {"零": 0, "〇": 0, "幺": 1, "两": 2} | {each: n for n, each in enumerate("一二三四五六七八九", 1)}
_UNDER_TEN_THOUSAND: Final = re.compile(
    r"(?:(?P<thousands>[一二两三四五六七八九])千)?"
    r"(?:(?P<skipped_hundreds>零)?(?P<hundreds>[一二两三四五六七八九])百)?"
    r"(?:(?P<skipped_tens>零)?(?P<tens>[一二三四五六七八九])?(?P<ten>十))?"
    r"(?:(?P<skipped>零)?(?P<ones>[一二三四五六七八九]))?"
)


def spoken_digits(text: str) -> str | None:
    """Digits said one by one: 幺三八 is 138, 二零二六 is 2026. None when there is anything else in it."""
    return "".join(str(_VALUES[each]) for each in text) if text and set(text) <= set(DIGITS) else None


def cardinal(text: str) -> int | None:
    """The number: 一百零五 is 105, 两千六 is 2600, 三万五 is 35000. None when it is not exactly one number."""
    if text in _VALUES:
        return _VALUES[text]
    for unit, size in (("亿", 100_000_000), ("万", 10_000)):
        left, found, right = text.rpartition(unit)
        if found:
            return _joined(cardinal(left), size, right)
    return _small(text)


def written_number(value: int) -> str:
    """35000, 3万, 12000万, 2亿: whole ten thousands keep their character, as people write sums."""
    for unit, size in (("亿", 100_000_000), ("万", 10_000)):
        if value and value % size == 0:
            return f"{value // size}{unit}"
    return str(value)


def _joined(many: int | None, size: int, rest: str) -> int | None:
    """`many` times 万 or 亿 and what follows; one bare digit after it counts in the next lower unit (三万五)."""
    if not many:
        return None
    if not rest:
        return many * size
    if len(rest) == 1 and rest in "一二三四五六七八九":
        return many * size + _VALUES[rest] * size // 10
    low = cardinal(rest.removeprefix("零"))
    return many * size + low if low and low < size else None


def _small(text: str) -> int | None:
    """Below ten thousand."""
    parts = _UNDER_TEN_THOUSAND.fullmatch(text)
    if not text or parts is None:
        return None
    thousands, hundreds, tens, ones = (
        _VALUES.get(parts[name], 0) for name in ("thousands", "hundreds", "tens", "ones")
    )
    if parts["ten"] and not tens:
        tens = 1
    if ones and not parts["skipped"] and not tens:
        if hundreds:
            tens, ones = ones, 0
        elif thousands:
            hundreds, ones = ones, 0
    leading_zero = text[0] == "零"
    return None if leading_zero else thousands * 1000 + hundreds * 100 + tens * 10 + ones
