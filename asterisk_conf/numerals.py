"""Chinese numbers, digits and dates as rows of short sounds, and what each sound says. Pure.

A number is said as people say it before a measure word: 两 for a lone 2, 十二 for 12, 三百一十二 for 312. Digits are
said one by one, 1 as 幺, as telephone numbers are read. Dates are month and day, where 2 is 二.
"""

from collections.abc import Mapping
from datetime import date

NUMBER_MAX = 999
_DIGITS = "零一二三四五六七八九"
_TEN = 10
_HUNDRED = 100


def number_sounds(number: int) -> tuple[str, ...]:
    """The sounds of a whole number from 0 to 999. Raises ValueError for another."""
    if not 0 <= number <= NUMBER_MAX:
        raise ValueError(f"{number} cannot be said: 0 to {NUMBER_MAX}")
    hundreds, rest = divmod(number, _HUNDRED)
    if not hundreds:
        return (f"number.{rest}",)
    if not rest:
        return (f"hundred.{hundreds}",)
    return (f"hundred.{hundreds}", f"rest.{rest}" if rest < 2 * _TEN else f"number.{rest}")


def digit_sounds(digits: str) -> tuple[str, ...]:
    """The sounds of digits read one by one. Raises ValueError for anything else."""
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("only digits 0 to 9 can be read one by one")
    return tuple(f"digit.{digit}" for digit in digits)


def date_sounds(day: date) -> tuple[str, ...]:
    """The sounds of month and day."""
    return (f"month.{day.month}", f"day.{day.day}")


def vocabulary() -> Mapping[str, str]:
    """Every sound of this file and the Chinese it says."""
    said = {f"number.{number}": _below_hundred(number) for number in range(_HUNDRED)}
    said["number.2"] = "两"
    said |= {f"hundred.{hundreds}": f"{_DIGITS[hundreds]}百" for hundreds in range(1, _TEN)}
    said |= {f"rest.{rest}": f"零{_DIGITS[rest]}" for rest in range(1, _TEN)}
    said |= {f"rest.{rest}": f"一{_below_hundred(rest)}" for rest in range(_TEN, 2 * _TEN)}
    said |= {f"digit.{digit}": name for digit, name in enumerate(_DIGITS.replace("一", "幺"))}
    said |= {f"month.{month}": f"{_below_hundred(month)}月" for month in range(1, 13)}
    said |= {f"day.{day}": f"{_below_hundred(day)}日" for day in range(1, 32)}
    return said


def _below_hundred(number: int) -> str:
    tens, ones = divmod(number, _TEN)
    if not tens:
        return _DIGITS[ones]
    return f"{_DIGITS[tens] if tens > 1 else ''}十{_DIGITS[ones] if ones else ''}"
