"""From speech to written Chinese, clause by clause. Pure.

Fillers and particles go, the first person becomes 其, colloquial function words become written ones, numbers become
Arabic. Words that carry the matter are left as they were said: an agent has to find them again in the recording.
"""

import re

from ticketing.drafting.features import words
from ticketing.drafting.numerals import arabic

_OPENING = re.compile(
    r"^(?:喂|您好|你好|你看|您看|你说|是这样的?|这样的?|我说|我跟你说|我想问一下|我想问|我问一下|想问一下|我想反映一下|我想反映|我要反映|我反映|就是说|就是|反正|其实|"
    r"对对对?|对|嗯|啊|呃|哎呀|哎|唉|哦|好的|好|行|那么|然后|所以我才说|所以|这不|谁知道呢|谁知道|可不是|不是|是|有|没有|没|在呢|在)+(?=[\u4e00-\u9fff]{4})"
)
_WHOLE = [
    (re.compile(pattern), written)
    for pattern, written in (
        (r"我(?:们)?(?:的)?(?:妈|娘|母亲)", "其母亲"),
        (r"我(?:们)?(?:的)?(?:爸|爹|父亲)", "其父亲"),
        (r"我(?:媳妇|老婆|爱人|对象)", "其爱人"),
        (r"我(?:老公|男人|丈夫)", "其丈夫"),
        (r"我(?:家)?(?:闺女|姑娘|女儿)", "其女儿"),
        (r"我(?:家)?(?:儿子|小子)", "其儿子"),
        (r"我(?:家)?(?:娃|孩子|小孩)", "其孩子"),
        (r"我们(?:两口子|俩)", "夫妻两人"),
        (r"(?:你|您)们?(?:能不能|可不可以)", "希望能"),
        (r"能不能|可不可以", "能否"),
        (r"是不是", "是否"),
        (r"有没有", "有无"),
        (r"为啥|凭啥", "为何"),
        (r"咋办|怎么办|咋弄", "如何处理"),
        (r"咋", "怎么"),
        (r"啥", "什么"),
        (r"俺|咱们?", "我"),
        (r"(?:你|您)们", "热线"),
        (r"我们", "居民"),
        (r"(?<!自)我", "其"),
        (r"(?:你|您)(?=说|看|听|想)", ""),
        (r"跟前", "附近"),
        (r"这会儿", "目前"),
        (r"没完没了", "持续不断"),
        (r"根本", ""),
        (r"真的?是", "是"),
    )
]
_PARTICLES = frozenset("吧 呢 嘛 啊 呀 哦 哎 唉 嗯 呃 啦 哪 喽 哇 嘞 噢 的话 吗".split())
_SOFT = frozenset(
    "了 的 就 都 也 还 着 过 又 再 才 把 给 让 那 这 那个 这个 一下 一个 自己 已经 现在 人家 那个 其实 反正 真的 老是 总是".split()
)
_SWAP = {
    "给": "向", "让": "被", "跟": "与", "和": "与", "但是": "但", "可是": "但", "因为": "因", "现在": "目前", "已经": "已", "还": "仍", "都": "均", "就": "即",
    "也": "亦", "又": "再次", "老": "经常", "老是": "经常", "总是": "经常", "特别": "十分", "全": "全部", "如果": "若", "要是": "若", "到现在": "至今",
    "一直": "始终", "把": "将", "在": "于", "这": "该", "那": "该", "这个": "该", "那个": "该", "的": "之", "人家": "对方", "他们": "对方",
}  # fmt: skip
LONGEST_COPY = 13
"""No more characters in a row than this are left as they were said."""


def clause(text: str) -> str:
    """One plain utterance (`spoken.plain`) in written form; empty where nothing is said."""
    body = _OPENING.sub("", text)
    for pattern, written in _WHOLE:
        body = pattern.sub(written, body)
    kept = [word for word in words(body) if word not in _PARTICLES]
    return arabic("".join(kept))


def loosen(text: str, spoken: str) -> str:
    """`text` with every stretch copied from `spoken` that is longer than `LONGEST_COPY` broken by a rewording.

    Both texts are without punctuation; numerals count as they are written.
    """
    result: list[str] = []
    run = ""
    for word in words(text):
        trial = run + word
        if trial not in spoken:
            run = word if word in spoken else ""
            result.append(word)
            continue
        if len(trial) > LONGEST_COPY:
            run = _reword(result, word)
        else:
            run = trial
            result.append(word)
    return "".join(result)


def _reword(result: list[str], word: str) -> str:
    """Change the latest word that may change, append `word`, and answer the copied stretch that is left."""
    for back in range(len(result) - 1, max(-1, len(result) - 8), -1):
        old = result[back]
        if old in _SOFT and old not in _SWAP or old in {"了", "的", "就", "也", "都", "还", "那", "这", "着"}:
            result[back] = ""
        elif old in _SWAP:
            result[back] = _SWAP[old]
        else:
            continue
        result.append(word)
        return "".join(result[back + 1 :])
    result.append("，且" if len(word) > 1 else "")
    result.append(word)
    return word
