"""Spoken Chinese into written form: 幺三八… to 138…, 十五度 to 15度, never inside a name.

After GB/T 15835-2011 (use of numerals in publications): measures, dates, times, sums, house and telephone numbers are
written in digits; small counts (三天, 两个), approximations (十五六度, 两三天), ordinals and set phrases stay as said.
The rules are a table, tried in order where a number or its context begins; the first that fits decides.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from asr.numerals import DIGITS, NUMERALS, cardinal, spoken_digits, written_number

_N: Final = f"[{NUMERALS}]"
_D: Final = f"[{DIGITS}]"
_NOT_WHOLE: Final = f"(?![{NUMERALS.replace('万', '').replace('亿', '')}])"


def _any(*words: str) -> str:
    """One of the words, the longest first."""
    return "(?:" + "|".join(sorted(" ".join(words).split(), key=len, reverse=True)) + ")"


_ALWAYS: Final = _any(
    "号楼 号院 号线 号 单元 楼 元 块钱 公里 千米 厘米 毫米 米 平方米 平米 立方米 公斤 千克 吨 摄氏度 月份"
)
"""Units written with digits whatever the number."""
_FROM_THREE: Final = _any("度 室 层 栋 幢 组 弄 岁 斤 克 升 亩 折 码 千瓦 瓦 小时 分钟 秒 毛 毛钱 角钱 日")
"""Not with 一 and 两, which mean something else before them (一度, 一层灰, 两室)."""
_FROM_TEN: Final = _any(
    "个 天 人 户 次 年 周 星期 遍 辆 台 张 份 家 名 位 条 件 套 间 棵 只 袋 箱 桶 盏 平 平方 方 立方 倍 步 级 页 种 项"
)
"""Counts: small ones stay as said."""
_DECIMAL: Final = _any(
    "度 米 公里 厘米 平 平米 平方米 平方 方 立方 元 块 万 亿 倍 斤 公斤 吨 克 升 小时 级 折 亩 千瓦 兆 个百分点"
)
_COUNTED: Final = f"(?:{_ALWAYS}|{_FROM_THREE}|{_FROM_TEN}|[点块])"
"""What follows a number of its own: 三块一斤 is no 三块一."""
_DAYPART: Final = _any(
    "凌晨 清晨 早上 早晨 上午 中午 下午 傍晚 晚上 夜里 夜晚 半夜 深夜 今早 今晚 昨晚 明早 明晚 早 晚 从 到 至"
)
_HOUR_FOLLOWS: Final = _any(
    "左右 多 之前 以前 之后 以后 前 后 到 至 开始 就 才 准时 起床 睡觉 上班 下班 开门 关门 开会 出门 回家 来水 来电"
)
_NO_HOUR: Final = _any("建议 意见 要求 问题 原因 诉求 看法 想法 都 也 儿")
_NO_MONEY: Final = _any("地 田 牌 砖 板 瓷 玻璃 石 木 布 肉 电池 手表 屏")
_PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

_SET_PHRASES: Final = (
    "(?:周|星期|礼拜)[一二三四五六]",
    f"第[一二三四五六七八九十](?!{_N})",
    "[几数][十百千万亿]+",
    f"{_N}+几[十百千万亿]*",
    f"{_N}+来(?=[个天块元人年户岁米度次平公里])",
    f"(?:农历|阴历)(?:{_N}+月)?(?:初?{_N}+)?",
    f"(?:{_N}+月)?初{_N}+",
    f"(?:正月|腊月|大年){_N}+",
    "八月十五(?![号日])",
    "[一二两三四]室[一两二]厅(?:[一两二]卫)?",
    f"(?!百分之|千分之){_N}+分之{_N}+",
    f"零{_D}[毛角分]",
    "一点一点|一点一滴|一星半点|十万八千里|千方百计",
)
"""Said so, written so."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Where `pattern` fits, `write` gives the written form; None leaves it as said."""

    pattern: re.Pattern[str]
    write: Callable[[re.Match[str]], str | None]


def _as_said(found: re.Match[str]) -> str:
    return found[0]


def _number(said: str) -> str | None:
    value = cardinal(said)
    return None if value is None else written_number(value)


def _code_or_number(said: str) -> str | None:
    """五零一 is a room's code, 二十 a number."""
    code = spoken_digits(said) if len(said) > 2 or set(said) & set("零〇幺") else None
    return code or _number(said)


def _measure(found: re.Match[str]) -> str | None:
    many = _code_or_number(found["n"])
    return many and many + (found["more"] or "") + found["unit"]


def _measure_from_three(found: re.Match[str]) -> str | None:
    return None if found["n"] in ("一", "两") else _measure(found)


def _measure_from_ten(found: re.Match[str]) -> str | None:
    return None if (cardinal(found["n"]) or 0) < 10 else _measure(found)


def _percent(found: re.Match[str]) -> str | None:
    sign = "%" if found["base"] == "百" else "‰"
    if found["n"] == found["base"]:
        return {"%": "100%", "‰": "1000‰"}[sign]
    whole = _number(found["n"])
    return whole and f"{whole}{_fraction(found['f'])}{sign}"


def _fraction(said: str | None) -> str:
    return f".{spoken_digits(said)}" if said else ""


def _decimal(found: re.Match[str]) -> str | None:
    whole = _number(found["n"])
    clear = found["unit"] or found["n"] == "零" or len(found["n"] + found["f"]) > 2
    return whole and f"{whole}{_fraction(found['f'])}{found['unit'] or ''}" if clear else None


def _plate(found: re.Match[str]) -> str:
    spelled = "".join(spoken_digits(each) or each.upper() for each in found["n"].replace("两", "二"))
    return found["province"] + found["city"].upper() + spelled


def _year(found: re.Match[str]) -> str | None:
    """Four digits, or two that cannot be an approximation: 九八年, but not 三五年."""
    digits = spoken_digits(found["n"])
    if digits and len(digits) == 2 and int(digits[1]) - int(digits[0]) in (1, 2) and "零" not in found["n"]:
        return None
    return digits and digits + found["unit"]


def _date(found: re.Match[str]) -> str | None:
    month, day = cardinal(found["month"]), cardinal(found["day"]) if found["day"] else 1
    if month is None or day is None or not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{month}月{day if found['day'] else ''}{found['unit'] or ''}"


def _time(found: re.Match[str]) -> str | None:
    hour = cardinal(found["hour"])
    said = found["minutes"]
    minutes = "" if not said else spoken_digits(said) if said[0] == "零" else _number(said)
    if hour is None or hour > 24 or minutes is None:
        return None
    return f"{found['before'] or ''}{hour}点{minutes}{found['rest'] or ''}"


def _part_of_day(found: re.Match[str]) -> str | None:
    """早一点 and 晚一点 are no times."""
    return None if found["hour"] == "一" and found["before"] in ("早", "晚") else _time(found)


def _late_hour(found: re.Match[str]) -> str | None:
    return None if (cardinal(found["hour"]) or 0) < 10 else _time(found)


def _sum(found: re.Match[str]) -> str | None:
    whole = _number(found["n"])
    return whole and f"{whole}块{spoken_digits(found['f'])}{found['unit'] or ''}"


def _and_some(found: re.Match[str]) -> str | None:
    """两米五, 十三度五."""
    whole, rest = _number(found["n"]), _number(found["f"])
    return whole and rest and f"{whole}{found['unit']}{rest}"


def _digits(found: re.Match[str]) -> str | None:
    digits = spoken_digits(found["n"])
    return digits and digits + found["last"].upper()


def _long(found: re.Match[str]) -> str | None:
    return None if (cardinal(found["n"]) or 0) < 10 else _number(found["n"])


_BEFORE: Final = f"(?P<before>{_DAYPART})"
_HOUR: Final = f"(?P<hour>{_N}+)点"
_NO_MINUTES: Final = "(?P<minutes>)(?P<rest>)"
_MANY: Final = f"(?P<n>{_N}+)(?P<more>[多余])?"

_RULES: Final = tuple(
    Rule(re.compile(pattern), write)
    for pattern, write in (
        ("|".join(_SET_PHRASES), _as_said),
        (f"(?P<base>[百千])分之(?P<n>{_N}+)(?:点(?P<f>{_D}+))?", _percent),
        (f"(?P<province>[{_PROVINCES}])(?P<city>[A-Za-z])(?P<n>[A-Za-z{DIGITS}两]{{4,6}})", _plate),
        (f"(?P<n>{_D}{{4}}|{_D}{{2}})(?P<unit>年)(?!级)", _year),
        (f"(?P<n>{_D}[零〇])(?P<unit>后)", _year),
        (f"(?P<month>[十一二三四五六七八九]+)月(?!份)(?:(?P<day>{_N}+)(?P<unit>[号日])?)?(?!{_N})", _date),
        (
            f"{_BEFORE}?{_HOUR}(?P<minutes>零{_D}|[二三四五]?十[一二三四五六七八九]?|[一二三四五六七八九](?=分))"
            f"(?P<rest>分)?(?!{_N}|{_DECIMAL}|{_FROM_TEN})",
            _time,
        ),
        (f"{_BEFORE}?{_HOUR}(?P<minutes>)(?P<rest>半|[一三]刻|钟|整)", _time),
        (f"{_BEFORE}(?P<hour>一)点{_NO_MINUTES}(?={_HOUR_FOLLOWS}|$)", _part_of_day),
        (f"{_BEFORE}(?P<hour>(?!一点){_N}+)点{_NO_MINUTES}(?!{_N}|{_NO_HOUR})", _part_of_day),
        (f"(?P<before>)(?P<hour>(?!一点){_N}+)点{_NO_MINUTES}(?={_HOUR_FOLLOWS})", _time),
        (f"(?P<before>){_HOUR}{_NO_MINUTES}(?!{_N}|{_NO_HOUR})", _late_hour),
        (f"(?P<n>{_N}+)点(?P<f>{_D}+){_NOT_WHOLE}(?P<unit>{_DECIMAL})?", _decimal),
        (f"(?P<n>{_N}+)块(?P<f>{_D})(?P<unit>毛)?(?!{_N}|{_COUNTED})", _sum),
        (f"(?P<n>{_N}+)(?P<unit>[米度])(?P<f>{_N}+)(?!{_COUNTED})", _and_some),
        (f"(?P<n>{_N}{{2,}})(?P<more>[多余])?(?P<unit>块)(?!{_NO_MONEY})", _measure),
        (f"(?P<n>{_N})(?P<more>多)?(?P<unit>块)(?=[一每的左，]|$)", _measure_from_three),
        (f"(?P<n>一)(?P<more>)(?P<unit>[栋幢层])(?={_N})", _measure),
        (f"{_MANY}(?P<unit>路)(?=公交|车)", _measure),
        (f"{_MANY}(?P<unit>{_ALWAYS})", _measure),
        (f"{_MANY}(?P<unit>{_FROM_THREE})", _measure_from_three),
        (f"{_MANY}(?P<unit>{_FROM_TEN})", _measure_from_ten),
        (f"(?P<n>{_D}{{3,}})(?P<last>[xX]?)(?!{_N})", _digits),
        (f"(?P<n>{_N}{{3,}})(?!几)", _long),
        (f"{_N}+", _as_said),
    )
)
_BEGINNINGS: Final = frozenset(NUMERALS + _PROVINCES + "周星礼第几数农阴初正腊大凌清早上中下傍晚夜半深今昨明从到至")
"""Characters a rule can begin with; at all others nothing is tried."""


class Written:
    """Writes what was said. `names` (places, roads, offices, people) stay as they are wherever they are said."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        numbered = sorted({name for name in names if set(name) & set(NUMERALS)}, key=len, reverse=True)
        self._names = re.compile("|".join(map(re.escape, numbered))) if numbered else None
        self._beginnings = _BEGINNINGS | {name[0] for name in numbered}

    def __call__(self, spoken: str) -> str:
        """`spoken` without spaces; what is no number comes back unchanged."""
        if not set(spoken) & set(NUMERALS):
            return spoken
        written: list[str] = []
        at = 0
        while at < len(spoken):
            found = self._next(spoken, at) if spoken[at] in self._beginnings else None
            written.append(spoken[at] if found is None else found[0])
            at += 1 if found is None else found[1]
        return "".join(written)

    def _next(self, spoken: str, at: int) -> tuple[str, int] | None:
        """The written form of what begins here, and how many spoken characters it stands for."""
        name = self._names.match(spoken, at) if self._names else None
        if name is not None:
            return name[0], len(name[0])
        for rule in _RULES:
            found = rule.pattern.match(spoken, at)
            if found is not None and found[0]:
                text = rule.write(found)
                return (found[0] if text is None else text), len(found[0])
        return None
