"""Which words the model knows and which texts teach it their order.

Text comes from the site pack, from sentences written for this project (`text/*.txt`, one a line, hanzi only) and from
a small grammar of numbers and addresses; frequencies of ordinary words come from the dictionary. The held-out sentences
of tests/data/speech are read by nothing here.
"""

import random
from importlib.resources import files

from asr.model.recipe import dictionary, parts
from asr.model.recipe.language import Counts
from asr.model.recipe.pronounce import readings
from asr.model.recipe.segment import classed, classes_of, segmenter
from asr.model.recipe.site_text import SiteText, clauses

RARE = 10
"""Dictionary words seen less often than this stay out."""
RARE_CHARACTER = 40
LONGEST_WORD = 6
_WORD_WEIGHT = 60.0
TEXTS = {"general.txt": 2.0, "hotline.txt": 2.5, "dialogues.txt": 2.5, "collocations.txt": 0.6}
_NUMBER_SENTENCES = 4000

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛"
    "叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔"
    "贺赖龚文卫柴樊申景相畅解仪荆裴宁薄晋"
)
_SURNAME_HALVING = 40


def counts(site: SiteText) -> Counts:
    """Everything the language model is estimated from."""
    out = Counts()
    known = dictionary.entries()
    for word, entry in known.items():
        floor = RARE_CHARACTER if len(word) == 1 else RARE
        if entry.frequency >= floor and len(word) <= LONGEST_WORD and readings(word):
            out.general[word] = float(entry.frequency)
            out.parts[word] = entry.part
    out.follows = parts.follows()
    for word in "幺嗯呃哦啊喂诶嘞哎噢唉嘛呗":
        out.general[word] = max(out.general.get(word, 0.0), 2000.0)
    for keyword in site.keywords:
        if 2 <= len(keyword) <= LONGEST_WORD and readings(keyword):
            out.general.setdefault(keyword, _WORD_WEIGHT)
    for char in sorted(set("".join([*site.places, *site.agencies, *site.phrases]))):
        if readings(char):
            out.general.setdefault(char, 5.0)
    out.members["<place>"] = {name: 1.0 for name in site.places if readings(name)}
    out.members["<agency>"] = {name: 1.0 for name in site.agencies if readings(name) and len(name) > 1}
    out.members["<surname>"] = {name: 0.5 ** (rank / _SURNAME_HALVING) for rank, name in enumerate(SURNAMES)}
    learn(out, site)
    return out


def learn(known: Counts, site: SiteText) -> None:
    """Count all texts."""
    cut, classes = segmenter(known), classes_of(known)

    def read(lines: list[str] | tuple[str, ...], weight: float) -> None:
        for line in lines:
            known.add(_surnames(classed(cut.cut(line), classes)), weight)

    read(site.phrases, 1.0)
    read(site.articles, 0.5)
    folder = files("asr.model.recipe") / "text"
    for name, weight in TEXTS.items():
        text = (folder / name).read_text("utf-8")
        read(clauses(text), weight)
    read(numbers(_NUMBER_SENTENCES, seed=5), 0.25)


def _surnames(tokens: list[str]) -> list[str]:
    """A surname between 姓 and its bearer's title, or before the title, is any surname."""
    out = list(tokens)
    for i, token in enumerate(tokens):
        before = tokens[i - 1] if i else ""
        after = tokens[i + 1] if i + 1 < len(tokens) else ""
        if token in SURNAMES and (
            before in ("姓", "免贵姓", "我姓") or after in ("先生", "女士", "师傅", "大姐", "阿姨")
        ):
            out[i] = "<surname>"
    return out


def numbers(count: int, seed: int) -> list[str]:
    """Sentences with telephone numbers, doors, dates, times, amounts and measures, as they are said."""
    rng = random.Random(seed)  # noqa: S311 - training text, not secrets
    makers = (_telephone, _telephone, _door, _door, _date, _clock, _amount, _measure)
    return [rng.choice(makers)(rng) for _ in range(count)]


def _digits(rng: random.Random, count: int, one: str) -> str:
    return "".join(rng.choice(f"零{one}二三四五六七八九") for _ in range(count))


def value(number: int) -> str:
    """A whole number up to 99 999 as it is said."""
    names = "零一二三四五六七八九"
    if number < 10:
        return names[number]
    out, zero = "", False
    for unit, name in ((10000, "万"), (1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, unit)
        if digit:
            out += ("零" if zero and out else "") + names[digit] + name
            zero = False
        else:
            zero = True
    return out[1:] if out.startswith("一十") else out


def _telephone(rng: random.Random) -> str:
    one = rng.choice("幺幺一")
    number = one + rng.choice("3578").translate(str.maketrans("3578", "三五七八")) + _digits(rng, 9, one)
    if rng.random() < 0.25:
        number = "零三五九" + _digits(rng, 7, one)
    lead = rng.choice(
        ["我的电话是", "电话是", "我电话", "手机号是", "号码是", "联系电话", "你记一下", "我手机", "打这个号", ""]
    )
    return lead + number + rng.choice(["", "", "", "对", "你记一下"])


def _door(rng: random.Random) -> str:
    one = rng.choice("一幺")
    room = rng.choice(
        [_digits(rng, 1, one).replace("零", "二") + "零" + _digits(rng, 1, one), value(rng.randint(1, 30))]
    )
    parts = [value(rng.randint(1, 40)) + rng.choice(["号楼", "号楼", "栋", "幢"]), value(rng.randint(1, 6)) + "单元"]
    parts.append(room + rng.choice(["", "室", "号", "户"]) if rng.random() < 0.7 else value(rng.randint(1, 32)) + "楼")
    kept = parts[: rng.randint(1, 3)]
    return rng.choice(["我住在", "住", "在", "我家是", "地址是", "就是", ""]) + "".join(kept)


def _date(rng: random.Random) -> str:
    date = value(rng.randint(1, 12)) + "月" + value(rng.randint(1, 31)) + rng.choice(["号", "日", "号那天"])
    if rng.random() < 0.3:
        date = "二零" + rng.choice(["二三", "二四", "二五", "二六", "一八", "一九", "二零", "二一"]) + "年" + date
    return (
        rng.choice(["从", "是", "就是", "大概", "到", "", "在"])
        + date
        + rng.choice(["开始", "晚上", "上午", "报的", "", "停的"])
    )


def _clock(rng: random.Random) -> str:
    part = rng.choice(["早上", "上午", "中午", "下午", "晚上", "凌晨", "每天晚上", "半夜", "昨天晚上", "今天早上", ""])
    clock = rng.choice(["两", *(value(n) for n in range(1, 13))]) + "点"
    clock += rng.choice(["", "", "半", "多", "钟", "左右", value(rng.randint(10, 59)) + "分", "一刻"])
    return rng.choice(["", "从", "到", "大概", "就是"]) + part + clock


def _amount(rng: random.Random) -> str:
    number = rng.choice(
        [rng.randint(1, 99), rng.randint(1, 99) * 10, rng.randint(1, 99) * 100, rng.randint(1, 90) * 1000]
    )
    lead = rng.choice(
        ["交了", "收了", "一共", "花了", "欠我", "要", "退了", "扣了", "罚了", "每个月", "工资", "押金", ""]
    )
    return lead + value(number) + rng.choice(["块钱", "块", "元", "元钱", "多块钱", "多"])


def _measure(rng: random.Random) -> str:
    unit = rng.choice(
        "度度天个月 个星期 个小时 分钟 年 米 公里 平方米 户 个人 岁 次 层 亩 吨 斤 公斤 辆".replace(
            "度度天个月", "度 度 天 个月"
        ).split()
    )
    number = rng.choice(
        ["两", "三", "十几", "二十多", "几", "好几", value(rng.randint(1, 60)), value(rng.randint(1, 200))]
    )
    lead = rng.choice(["已经", "都", "大概", "只有", "才", "有", "家里", "等了", "停了", "超过", "不到", ""])
    return lead + number + unit + rng.choice(["了", "", "左右", "以上"])
