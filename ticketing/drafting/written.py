"""From speech to written Chinese, clause by clause. Pure.

Fillers and particles go, the first person becomes 其, colloquial function words become written ones, numbers become
Arabic. Words that carry the matter are left as they were said: an agent has to find them again in the recording.
"""

import re

from ticketing.drafting.features import words
from ticketing.drafting.numerals import arabic
from ticketing.wordlists import word_pairs, word_set

_OPENING = re.compile(
    r"^(?:喂|您好|你好|你看|您看|你说|是这样的?|这样的?|我说|我跟你说|我想问一下|我想问|我问一下|想问一下|"
    r"我想反映一下|我想反映|我要反映|我反映|"
    r"就是说|就是|反正|其实|对对对?|对|嗯|啊|呃|哎呀|哎|唉|哦|好的|好|行|那么|然后|所以我才说|所以|这不|"
    r"谁知道呢|谁知道|可不是|可不嘛|可不|"
    r"不是|是呀|是啊|是|没有没有|有有|在呢|姑娘|闺女|同志|师傅)+(?=[\u4e00-\u9fff]{4})"
)
_WHOLE = [
    (re.compile(pattern), written)
    for pattern, written in (
        (r"我(?:们)?(?:的)?(?:妈|娘|母亲)", "其母亲"),
        (r"我(?:们)?(?:的)?(?:爸|爹|父亲)", "其父亲"),
        (r"我(?:媳妇|老婆|爱人|对象|那口子)", "其爱人"),
        (r"我(?:老公|男人|丈夫)", "其丈夫"),
        (r"我(?:家)?(?:闺女|姑娘|女儿)", "其女儿"),
        (r"我(?:家)?(?:儿子|小子)", "其儿子"),
        (r"我(?:家)?(?:娃|孩子|小孩)", "其孩子"),
        (r"我们(?:两口子|俩)", "夫妻两人"),
        (r"(?:你|您)们?(?:能不能|可不可以)", "希望能"),
        (r"能不能|可不可以", "能否"),
        (r"是不是", "是否"),
        (r"有没有", "有无"),
        (r"行不行|行不$|成不成|中不中", "是否可行"),
        (r"为啥|凭啥", "为何"),
        (r"咋办|怎么办|咋弄|咋整|怎么整|怎么弄", "如何处理"),
        (r"在哪(?:里|儿)?(?=办|弄|挂|交|领|补|报|买)", "在何处"),
        (r"咋|怎么", "如何"),
        (r"啥时候|什么时候", "何时"),
        (r"啥", "什么"),
        (r"俺|咱们?", "我"),
        (r"(?:你|您)们", "热线"),
        (r"我们(?:小区|村|院|楼|单元|厂|公司|学校|单位)", lambda found: "所在" + found[0][2:]),
        (r"我们家", "其家"),
        (r"我们", "居民"),
        (r"(?<!自)我", "其"),
        (r"(?:你|您)(?=说|看|听|想|瞅|瞧)", ""),
        (r"跟前", "附近"),
        (r"这会儿", "目前"),
        (r"根本|压根|简直", ""),
        (r"真的?是", "是"),
        (r"小有半个月|小半个月", "近半个月"),
    )
]
_PARTICLES = word_set(
    "吧 呢 嘛 啊 呀 哦 哎 唉 嗯 呃 啦 哪 喽 哇 嘞 噢 的话 吗 呗 咯 哩",
)
_DROPPED = word_set(
    "了 的 就 也 都 还 那 这 着 又 才 一下 一个 那个 这个 其实 反正 老是 总是 自己",
)
_SWAPPED = word_pairs(
    "给>向 让>被 跟>与 但是>但 可是>但 因为>因 现在>目前 已经>已 还>仍 都>均 就>便 特别>十分 如果>若 要是>若",
    "到现在>至今 一直>始终 把>将 这个>该 那个>该 人家>对方 他们>对方 里头>内 里面>内 外头>外 底下>下方",
    "上头>上方 说>称 天天>每天 好几>数 时候>时 以后>之后 以前>此前 晚上>夜间 每天>天天 全>全部 只能>只好",
    "到处>四处 经常>常 还有>另有 自己>自行 一样>似的",
)

_BEGINS = word_set(
    "其 他 她 它 他们 对方 人家 结果 后来 现在 目前 但 但是 可是 可 因 因为 所以 还有 就是 前天 昨天 今天 昨晚",
    "上个月 去年 今年 称 反正 最后 然后 家里 居民 连 有的 每次 一到 只要 如果 要是 万一 到 到现在 至今 物业",
    "老板 热线 本来 原来 当时 结账 说 另外 而且 或者 要么 想 打 找 问 其母亲 其父亲 其孩子 其儿子 其女儿 其爱人",
    "其丈夫 孩子 老人",
)
_GOVERNS = word_set(
    "给 跟 让 被 把 将 带 带着 对 嫌 在 替 帮 向 与 到 从 叫 请 问 找 比 和 为 像 是 的 拉着 说 骂 打 等 于 由",
)
"""Words that need the next one: no comma stands between."""

_SHORT = 7
"""A clause goes on for at least this many characters before a comma may end it."""

LONGEST_COPY = 14
"""No more characters in a row than this are left as they were said, where a word can be changed at all."""


def clause(text: str) -> str:
    """One plain utterance (`spoken.plain`) in written form; empty where nothing is said."""
    body = _OPENING.sub("", text)
    for pattern, written in _WHOLE:
        body = pattern.sub(written, body)
    kept = [word for word in words(body) if word not in _PARTICLES]
    return arabic("".join(kept))


def punctuate(text: str) -> str:
    """Commas where a new clause seems to begin; speech has none of its own."""
    parts: list[str] = []
    length = 0
    left = len(text)
    for word in words(text):
        if length >= _SHORT and left > _SHORT and word in _BEGINS and parts[-1] not in _GOVERNS:
            parts.append("，")
            length = 0
        parts.append(word)
        length += len(word)
        left -= len(word)
    return "".join(parts)


def loosen(text: str, spoken: str) -> str:
    """`text` with every stretch copied from `spoken` that is longer than `LONGEST_COPY` broken by a rewording.

    Both texts are without punctuation and have their numerals in the same form.
    """
    result: list[str] = []
    run = ""
    for word in words(text):
        if run + word not in spoken:
            run = word if word in spoken else ""
            result.append(word)
            continue
        run += word
        result.append(word)
        if len(run) > LONGEST_COPY:
            run = _reword(result, run)
    return "".join(result)


def _reword(result: list[str], run: str) -> str:
    """Change one word of the copied stretch that ends `result`; answers the copied stretch that is left at its end."""
    length = 0
    for back in range(len(result) - 1, -1, -1):
        length += len(result[back])
        if length > len(run):
            break
        word = result[back]
        if word in _SWAPPED:
            result[back] = _SWAPPED[word]
        elif word in _DROPPED:
            result[back] = ""
        else:
            continue
        return "".join(result[back + 1 :])
    return run
