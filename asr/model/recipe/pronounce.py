"""How a word sounds: toned pinyin from pypinyin's phrase data (MIT), mended where the hotline says it otherwise."""

import re
from functools import lru_cache

from pypinyin import Style, lazy_pinyin, pinyin

MOST_READINGS = 3

_SPOKEN_TABLE = """
的:de5 地:di4/de5 得:de5/dei3/de2 着:zhe5/zhao2 了:le5/liao3 还:hai2/huan2 都:dou1/du1 行:xing2/hang2 吗:ma5
嗯:en5/en1/en4 呃:e5/e4/e1 哦:wo5/o4/o2 啊:a5/a1 幺:yao1 和:he2 长:chang2/zhang3 给:gei3 不:bu4/bu2/bu5
一:yi1/yi2/yi4 谁:shei2/shui2 那:na4/nei4 这:zhe4/zhei4 哪:na3/nei3 重:zhong4/chong2 为:wei4/wei2
中:zhong1/zhong4 种:zhong3/zhong4 好:hao3/hao4 只:zhi3/zhi1 几:ji3/ji1 当:dang1/dang4 干:gan4/gan1
少:shao3/shao4 大:da4 上:shang4/shang5 下:xia4 个:ge4/ge5 们:men5 呢:ne5 吧:ba5 嘛:ma5 啦:la5 子:zi3/zi5
头:tou2/tou5 过:guo4/guo5 里:li3/li5 倒:dao4/dao3 教:jiao4/jiao1 分:fen1/fen4 差:cha4/chai1 数:shu4/shu3
量:liang4/liang2 空:kong1/kong4 乐:le4/yue4 便:bian4/pian2 应:ying1/ying4 要:yao4/yao1 转:zhuan3/zhuan4
背:bei4/bei1 看:kan4/kan1 发:fa1/fa4 处:chu4/chu3 间:jian1/jian4 调:tiao2/diao4 觉:jue2/jiao4 相:xiang1/xiang4
假:jia3/jia4 难:nan2/nan4 解:jie3/xie4 落:luo4/la4 血:xue4/xie3 露:lu4/lou4 嘞:lei5 诶:ei1/ei4 哎:ai1 喂:wei4/wei2
唉:ai4/ai1 噢:o1/ou1 绛:jiang4 盐:yan2 解州:xie4_zhou1/jie3_zhou1/hai4_zhou1 猗:yi1
"""
_SPOKEN = {
    word: tuple(tuple(reading.split("_")) for reading in said.split("/"))
    for word, said in (entry.split(":") for entry in _SPOKEN_TABLE.split())
}
"""Readings of words that pypinyin reads otherwise or one way only, most usual first."""


@lru_cache(maxsize=200_000)
def readings(word: str) -> tuple[tuple[str, ...], ...]:
    """The ways to say a word, most usual first, each a tuple of toned syllables; empty where no one knows."""
    if word in _SPOKEN:
        return _SPOKEN[word]
    first = tuple(_toned(word))
    if not first or len(first) != len(word) or any(re.fullmatch(r"[a-z]+[1-5]", s) is None for s in first):
        return ()
    out = [first]
    if len(word) == 1:
        out += [(s,) for s in _heteronyms(word)]
    else:
        out += _sandhi(word, first)
    unique = list(dict.fromkeys(out))
    return tuple(unique[: MOST_READINGS if len(word) > 1 else 2])


def _toned(word: str) -> list[str]:
    return list(lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=False))


def _heteronyms(char: str) -> list[str]:
    found = pinyin(char, style=Style.TONE3, heteronym=True, neutral_tone_with_five=True, v_to_u=False)[0]
    return [s for s in found if re.fullmatch(r"[a-z]+[1-5]", s)]


def _sandhi(word: str, reading: tuple[str, ...]) -> list[tuple[str, ...]]:
    """不 before a falling tone rises; 一 rises before a falling tone and falls before the others."""
    out = list(reading)
    for i, char in enumerate(word[:-1]):
        following = reading[i + 1][-1]
        if char == "不" and following == "4":
            out[i] = "bu2"
        elif char == "一" and reading[i] == "yi1" and not (i and word[i - 1] in "第十零二三四五六七八九一"):
            out[i] = "yi2" if following == "4" else "yi4"
    return [tuple(out)] if tuple(out) != reading else []
