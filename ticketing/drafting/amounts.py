"""Sums of money in yuan, said in full or as people do: 二百八十八, 七百八, 两万七, 一块五. Pure.

A sum said with its unit (块, 元, 万) always counts; one without counts where the words around speak of money
(交了, 花了, 一盒, 工资). Ranges, ages, distances, room numbers and years do not.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ticketing.drafting.numerals import NUMERAL, numbers
from ticketing.views import Utterance
from ticketing.vocabulary import Speaker

_UNIT = re.compile(r"^(多|来)?(块钱|块|元|圆|万元|万块|毛)")
_HALF = re.compile(rf"^块([{NUMERAL}])(?![{NUMERAL}])|^块([{NUMERAL}])(?=一[度斤米个平方次天件吨亩公里])")
_THING = re.compile(
    r"^(多|来|几)?(个|户|亩|米|公里|里|号|楼|单元|室|层|度|斤|吨|岁|年(?!初|底|后|前|末)|月|天|点|分|秒|人|辆|台|盒子|平|间|"
    r"栋|次|趟|回|遍|家|口|头|只|"
    r"棵|条|根|张|件|双|方|瓦|伏|兆|克|毫|公斤|公分|厘米|瓶|箱|路|中|小|院|街|倍|成|届|级|代|类|期|班|线|"
    r"周|年级|平米|平方|把|块地|车|桶|袋|例|名|位|套|节|堂|课|站|成|步|样|份|批|股|场|笔|单|页|号|厘|里|"
    r"户|下|节课|盏|桌|瓣|秒|趟|轮|茬|拨|处|平米|排|段|道|棵|笼|垛|捆|盘|缕|把|垧|尾|头)"
)
_MONEY = re.compile(
    r"(钱|交|花|收|付|欠|充|费|价|卖|买|给|赔|退|款|工资|押金|罚|转|打|借|存|贷|卡|余额|要|涨|报销|到账|"
    r"补|一共|总共|加起来|合计|一个月|每月|一斤|"
    r"一盒|一件|一亩|一吨|标|便宜|贵|租|利息|定金|首付|扣|提成|红包|捐|奖|一人|人均|每人|一次|一年|剩|结|差)"
)

_ASKED = re.compile(
    r"(多少钱|花了多少|金额|价格|结账|收费|费用|多少费|一年的|交了多少|损失|欠款|款项|原价|花费|收了多少|付了)"
)


class Sum(NamedTuple):
    """A sum in yuan and the utterance it was said in."""

    yuan: float
    evidence: str


def sums(utterances: Sequence[Utterance]) -> list[Sum]:
    """Every sum the citizen spoke of, and those the agent put a number to, each value once."""
    found: dict[float, Sum] = {}
    asked = False
    for said in utterances:
        for number in numbers(said.text):
            after, before = said.text[number.end :], said.text[: number.start]
            amount = _amount(number.value, before, after, row=number.row, asked=asked)
            if amount is not None and (said.speaker is Speaker.CITIZEN or _UNIT.match(after)):
                found.setdefault(amount, Sum(amount, said.id))
        asked = said.speaker is Speaker.AGENT and _ASKED.search(said.text) is not None
    return list(found.values())


def _amount(value: float, before: str, after: str, *, row: bool, asked: bool) -> float | None:
    if before.endswith(("第", "几", "周", "星期", "礼拜", "十几", "初", "尾号", "编号")) or value <= 0:
        return None
    if half := _HALF.match(after):
        tail = numbers(half[1] or half[2])
        return value + tail[0].value / 10 if tail else value
    if found := _UNIT.match(after):
        if (
            found[2] == "块"
            and value < 20
            and not re.match(r"(多|来)?块(钱|$|[一二三四五六七八九半多的就才都也还给了收])", after)
        ):
            return None
        return value * (10_000 if after.lstrip("多来").startswith("万") else 0.1 if after.startswith("毛") else 1)
    if row or value < 50 or _THING.match(after) or before.endswith(("差不多", "大概", "有个", "高", "长", "宽", "重")):
        return None
    spoken_of = asked or _MONEY.search(before[-10:]) or _MONEY.search(after[:6])
    return value if spoken_of or (value >= 1000 and not before.endswith("有")) else None
