"""Stops where a speaker pauses, and a mark at the end that the words themselves tell.

A recogniser gives words and times, no punctuation. A pause of 350 ms between words is a comma, a shorter one is too
after a particle (啊, 呢, 吧 …) or a greeting, which end a clause by themselves. Inside a number or a name there is none
however long the speaker hesitates, for what is written afterwards would be torn. An utterance ends in a question mark
when its last clause asks, else in a full stop (GB/T 15834-2011, sections 4.1, 4.2 and 4.5).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final

from asr.numerals import NUMERALS
from asr.transcript import Word

PAUSE_MS: Final = 350
SHORT_PAUSE_MS: Final = 120
"""Enough after a particle or a greeting."""
LONG_PAUSE_MS: Final = 900
"""Needed after a numeral: 十五 … 度 is one measure."""

_PARTICLES: Final = ("啊", "呢", "吧", "嘛", "吗", "呀", "哦", "哎", "喂", "嗯", "啦", "嘞", "的话")
_GREETINGS: Final = ("您好", "你好", "好的", "是的", "对的", "不是", "谢谢", "谢谢您", "麻烦您了", "没有", "对", "好")
_NUMBER: Final = frozenset(NUMERALS + "0123456789点")
_LONGEST_NAME: Final = 16

_ASKING: Final = re.compile(
    r"(?:吗|么|没有呢|了没有|了没|呢吗)$"
    r"|是不是|是否|有没有|能不能|可不可以|会不会|要不要|行不行|好不好|对不对|该不该|知不知道|用不用|需不需要"
    r"|(?:请问|您看).*(?:什么|怎么|哪|谁|几|多少|多久|多长|贵姓|称呼)"
    r"|(?:什么|怎么办|怎么样|怎么回事|哪里|哪儿|谁|多少|多久|多长时间|什么时候|几点|为什么|为啥|咋办|咋回事|咋)(?:呢|呀|啊)?$"
    r"|^(?:那|那么|你们|你|他们|到底|这|这个)?(?:为什么|为啥|凭什么|什么时候|啥时候|怎么还|怎么不|怎么没|咋还|咋不)"
    r"|(?:怎么|为什么|为啥|凭什么|咋).*呢$|贵姓$|^几[点号楼岁个]|(?:在|是|到|去|住)哪.{0,3}$"
)
_NO_QUESTION: Final = re.compile(
    r"(?:不知道|不清楚|不晓得|不明白|没说|说不清|看看|看一下|问一下|了解一下|告诉.{0,4}|没有|没|无论|不管|随便).{0,12}"
    r"(?:什么|怎么|哪|谁|几|多少|多久|多长|为什么|为啥|咋|是不是|是否|有没有|能不能|会不会).{0,8}$"
)
"""It says that something is not known, or asks to be told: 我不知道怎么办."""
_MARKS: Final = "，。？"


class Punctuated:
    """A writer of sentences: `write` gives a clause its written form, no stop tears one of `names`."""

    def __init__(self, write: Callable[[str], str], names: Iterable[str] = ()) -> None:
        self._write = write
        self._names = frozenset(name for name in names if 1 < len(name) <= _LONGEST_NAME)
        self._longest = max(map(len, self._names), default=0)

    def hypothesis(self, spoken: str) -> str:
        """What is believed so far, without stops: they would come and go."""
        return self._write(spoken)

    def sentence(self, words: Sequence[Word]) -> str:
        """A finished utterance in written form with its stops; empty without words."""
        clauses = self._clauses(words)
        if not clauses:
            return ""
        end = "？" if asks(clauses[-1]) else "。"
        written = [self._write(clause) for clause in clauses]
        return "，".join(written).rstrip(_MARKS) + end

    def _clauses(self, words: Sequence[Word]) -> list[str]:
        text = "".join(word.text for word in words)
        clauses: list[str] = []
        began = at = 0
        for word, following in pairwise(words):
            at += len(word.text)
            if self._parts(text[began:at], word.text, following.start_ms - word.end_ms) and not self._tears(text, at):
                clauses.append(text[began:at])
                began = at
        return [*clauses, text[began:]] if began < len(text) else clauses

    def _parts(self, clause: str, word: str, pause_ms: int) -> bool:
        """Whether the clause so far ends with this word, before that pause."""
        if word[-1:] in _NUMBER:
            return pause_ms >= LONG_PAUSE_MS
        if word in _PARTICLES or clause in _GREETINGS:
            return pause_ms >= SHORT_PAUSE_MS
        return pause_ms >= PAUSE_MS

    def _tears(self, text: str, at: int) -> bool:
        """Whether a number or a name runs over this place."""
        if text[at - 1] in _NUMBER and text[at] in _NUMBER:
            return True
        for start in range(max(0, at - self._longest + 1), at):
            for end in range(at + 1, min(len(text), start + self._longest) + 1):
                if text[start:end] in self._names:
                    return True
        return False


def asks(clause: str) -> bool:
    """Whether a clause is a question by its words; tone of voice is not heard."""
    return _ASKING.search(clause) is not None and (
        _NO_QUESTION.search(clause) is None or clause.endswith(("吗", "么")) or clause.startswith("请问")
    )
