"""Who is calling: surname or full name, spelled or plain, and what to call them. Pure.

Four places give a name away: 姓X and 我叫XYZ, a spelled character (弓长张, 申请的申, 儿童的童), the short answer to
您贵姓, and the agent's own X先生. They vote by sound, so one misheard reading does not win against two good ones.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ticketing.drafting.numerals import DIGIT
from ticketing.sound import slack, slack_key, syllable
from ticketing.views import Utterance
from ticketing.vocabulary import Speaker
from ticketing.wordlists import word_pairs

_BY_FREQUENCY = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡"
    "余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付傅方白邹孟熊秦邱江尹薛闫段雷"
    "侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章"
    "鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉"
    "骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦"
    "戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄"
    "丛仲虞敖巩明佘池查麻苑迟邝封谈匡鞠惠荆乐冀郁胥南班储原栗燕楚鄢劳谌奚皮粟冼蔺楼盘"
    "满闻位厉伊仝区郜海阚花权强帅屠豆朴盖练廉禹井祖漆巴丰支卿国狄平计索宣晋相初门云容"
    "敬来扈晁芮都普阙浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况那宿鲜印逯隆茹诺战慕危玉银"
    "亢嵇公哈湛宾戎勾茅利於呼居揭干但尉冶斯元束檀衣信展阴昝智幸奉植衡富尧闭由畅毋蒿巨"
    "撖弋乜狐诸郗宦阎莘仉郄逄楮闾濮眭缑麴鞏揣佴矫咸藏买代操仵訾牧化"
)
SURNAMES = frozenset(_BY_FREQUENCY)
"""Surnames of one character; `_BY_FREQUENCY` has the common ones first."""

COMPOUND = (
    "欧阳",
    "上官",
    "司马",
    "令狐",
    "诸葛",
    "夏侯",
    "皇甫",
    "尉迟",
    "东方",
    "慕容",
    "长孙",
    "司徒",
    "端木",
    "南宫",
)
TITLES = (
    "先生",
    "女士",
    "小姐",
    "大爷",
    "大娘",
    "大妈",
    "大叔",
    "阿姨",
    "师傅",
    "同志",
    "老师",
    "大哥",
    "大姐",
    "奶奶",
    "爷爷",
    "叔叔",
    "老人家",
)

_FORMAL = frozenset({"先生", "女士", "小姐"})
_CALLINGS = frozenset({"老师", "师傅", "同志", "叔叔"})
"""Titles that more often speak of another than to the caller."""

_SPELLED = word_pairs(
    "弓长>张 耳东>陈 立早>章 木子>李 双木>林 口天>吴 言午>许 古月>胡 三横>王 走肖>赵 人可>何 双人>徐 文刀>刘",
    "卯金刀>刘 禾呈>程 草头>黄 人禾>余 千钩>于 干勾>于 月半>胖 西早>覃 女兆>姚 木易>杨 竹付>符 人尔>你 日月>明",
    "音十>章 人工>仝 北田>冀 木寸>村 山丘>岳 丘山>岳 丰色>艳 奠耳>郑 革斤>靳 禾火>秋 大耳>郑 言射>谢 丁山>仃",
    "木公>松 立风>飒 白水>泉 米分>粉 米羊>糕 土也>地 十口>古 山今>岑",
)

_TITLE_KEYS = {title: re.compile(".?".join(slack_key(title))) for title in TITLES}
_XING = slack_key("姓")
_OF = re.compile(r"(?P<word>[\u4e00-\u9fff]{1,4}?)[的德得地](?P<char>[\u4e00-\u9fff])")
_SURNAME_IS = re.compile(r"(?<![同百老名异改不一贵规鬼])姓(?!什|名|啥|氏|谁)")
_CALLED = re.compile(r"(?:我叫|叫我|名字叫|名叫|我是)(?P<name>[\u4e00-\u9fff]{2,4})$")
_ASKED_NAME = re.compile(r"(贵姓|怎么称呼|姓什么|叫什么|您的?姓名|怎么叫您|您的名字|称呼您|您姓|怎么称|先生姓|女士姓)")
_REFUSED = re.compile(r"(甭|别记|不留|不说|不方便|匿名|不想说|别问|不用记|不透露|免了|算了|就别|保密|不必)")
_COMPONENT = re.compile(r"(字头|旁|底|上面|下面|上头|下头|左边|右边|加个|加一个|三点水|单人|双人|耳刀)")
_NO_NAME = frozenset("甭的好这那位请给和是您你我他她老小大对跟让个们嗯啊行了呢吧就也再哦喂有在不没还")
_FILLER = re.compile(r"^(我|俺|免|贵|面|叫|是|就|嗯|哦|啊|呃|那个|姓)+")


class Name(NamedTuple):
    """A caller's name as the work order has it (申先生, 岳建民), the utterances it rests on, and how sure it is."""

    text: str
    evidence: tuple[str, ...]
    sure: float


class _Votes:
    """Readings of the surname, each with the weight of where it was heard."""

    def __init__(self, *, misheard: bool) -> None:
        self.misheard = misheard
        self.weight: dict[str, float] = {}
        self.evidence: dict[str, list[str]] = {}

    def cast(self, char: str, weight: float, utterance: str, *, spelled_out: bool = False) -> None:
        """Count one reading. In a misheard conversation a character that is no surname stands for the commonest surname
        that sounds like it, and counts half.
        """
        if self.misheard and not spelled_out and len(char) == 1 and char not in SURNAMES:
            alike = surname_like(char)
            if alike is None:
                return
            char, weight = alike, weight / 2
        self.weight[char] = self.weight.get(char, 0.0) + weight
        self.evidence.setdefault(char, []).append(utterance)

    def winner(self) -> tuple[str, tuple[str, ...], float] | None:
        """The surname most was heard of, sound-alikes counted half."""
        if not self.weight:
            return None

        def support(char: str) -> float:
            alike = sum(w for c, w in self.weight.items() if c != char and slack(c[0]) == slack(char[0]))
            return self.weight[char] + alike / 2

        best = max(self.weight, key=support)
        evidence = [u for c, us in self.evidence.items() if slack(c[0]) == slack(best[0]) for u in us]
        return best, tuple(dict.fromkeys(evidence)), min(1.0, 0.4 + 0.2 * support(best))


def surname_like(char: str) -> str | None:
    """The commonest surname that sounds like `char`: of the same syllable, else of the same slack."""
    same = next((s for s in _BY_FREQUENCY if syllable(s) == syllable(char)), None)
    return same or next((s for s in _BY_FREQUENCY if slack(s) == slack(char)), None)


def spelled(text: str) -> list[str]:
    """The characters a text spells out: 弓长张, 申请的申, 儿童的童."""
    found = [char for parts, char in _SPELLED.items() if f"{parts}{char}" in text]
    found += [hit[1] for hit in re.finditer(r"([\u4e00-\u9fff])[\u4e00-\u9fff]\1", text) if hit[1] not in DIGIT]
    for hit in _OF.finditer(text):
        char = hit["char"]
        for part in reversed(hit["word"]):
            if part == char or slack(part) == slack(char):
                found.append(part if part in SURNAMES or char not in SURNAMES else char)
                break
    return found


def caller_name(heard: Sequence[Utterance], readable: Sequence[Utterance]) -> Name | None:
    """The citizen's name, None where none was given. A person merely spoken of (李经理) is not the caller.

    `readable` are the same utterances with misheard hanzi put back, character for character: where the words of asking
    and answering stand is read there, the name itself where it was `heard`, for names are no words.
    """
    votes = _Votes(misheard=any(one.text != two.text for one, two in zip(heard, readable, strict=True)))
    full: tuple[str, str] | None = None
    title = ""
    asked = False
    for said, plain in zip(heard, readable, strict=True):
        if said.speaker is Speaker.AGENT:
            title = _by_agent(votes, said, plain.text) or title
            asked = _ASKED_NAME.search(plain.text) is not None or _ASKED_NAME.search(said.text) is not None
            continue
        if not (asked and _REFUSED.search(plain.text)) and (given := _by_citizen(votes, said, plain.text, asked=asked)):
            full = (given, said.id)
        title = title or _own_title(plain.text)
        asked = asked and len(said.text) < 3 and not votes.weight
    won = votes.winner()
    if won is None:
        return None
    surname, evidence, sure = won
    if full and slack(full[0][0]) == slack(surname[0]):
        return Name(surname + full[0][len(surname) :], tuple(dict.fromkeys((*evidence, full[1]))), sure)
    return Name(surname + title, evidence, sure)


def _by_agent(votes: _Votes, said: Utterance, plain: str) -> str:
    """Cast the votes of an agent's utterance (好的申先生); the title it holds."""
    title = ""
    key = slack_key(said.text)
    for name in TITLES:
        for hit in _TITLE_KEYS[name].finditer(key):
            letters = said.text[hit.start() : hit.end()]
            before = said.text[: hit.start()]
            if letters != name and not (votes.misheard and name in _FORMAL and before):
                continue
            weight = 1.6 if letters == name else 1.0
            if before.endswith(COMPOUND):
                votes.cast(before[-2:], weight, said.id)
            elif (
                before
                and before[-1] not in _NO_NAME
                and (before[-1] in SURNAMES or (votes.misheard and name in _FORMAL))
            ):
                votes.cast(before[-1], weight, said.id)
            elif name not in _FORMAL and (name in _CALLINGS or before or len(plain) > 12):
                continue  # somebody spoken of: 和老师沟通过吗
            title = name
    return title


def _own_title(plain: str) -> str:
    """What callers call themselves (姓谷的谷大爷)."""
    hit = re.search(r"姓.{0,4}(大爷|大娘|大妈|阿姨|师傅|女士|先生)", plain)
    return hit[1] if hit else ""


def _by_citizen(votes: _Votes, said: Utterance, plain: str, *, asked: bool) -> str | None:
    """Cast the votes of one utterance of the citizen; the whole name where it was given."""
    text = said.text
    hit = _surname_follows(text, asked=asked)
    short = asked and len(text) <= 16
    if hit is None and not short:
        called = _CALLED.search(plain)
        if called and text[called.start("name")] in SURNAMES and plain[called.start("name") - 1] == "叫":
            votes.cast(text[called.start("name")], 1.0, said.id)
            return _name_of(text[called.start("name") :])
        return None
    start = hit if hit is not None else (found.end() if (found := _FILLER.match(plain)) else 0)
    rest = text[start:]
    if not rest or plain[start:].startswith(("什么", "啥", "哪")):
        return None
    for compound in COMPOUND:
        if rest.startswith(compound):
            votes.cast(compound, 2.0, said.id)
            return None
    letters = spelled(text[hit or 0 :])
    described = _COMPONENT.search(plain[start:]) is not None
    for char in letters:
        if (
            not described
            and (char in SURNAMES or slack(char) == slack(rest[0]))
            and (short or slack(char) == slack(rest[0]))
        ):
            votes.cast(char, 1.5, said.id, spelled_out=rest[0] == char)
            break
    if rest[0] not in _NO_NAME or hit is not None:
        votes.cast(rest[0], 1.0 if letters and not described else 1.3, said.id, spelled_out=rest[0] in letters)
    if short and rest[0] in SURNAMES and 2 <= len(rest) <= 3 and not letters and rest[1:] not in _SPELLED:
        return _name_of(rest)
    return _spelled_name(rest, letters)


def _surname_follows(text: str, *, asked: bool) -> int | None:
    """Where the surname stands after 姓, or after what 姓 is misheard as: asked for or after 我, and at the end."""
    if hit := _SURNAME_IS.search(text):
        return hit.end()
    for at, code in enumerate(slack_key(text)):
        rest = len(text) - at - 1
        if (
            code == _XING
            and 1 <= rest <= (6 if asked else 2)
            and ((asked and at == 0) or text[:at].endswith(("我", "免贵", "俺", "个")))
        ):
            return at + 1
    return None


def _name_of(text: str) -> str | None:
    """`text` as a whole name, None where it is a surname and a title or goes on as a sentence."""
    return text if 2 <= len(text) <= 3 and not text.endswith(TITLES) and text[-1] not in _NO_NAME else None


def _spelled_name(rest: str, letters: list[str]) -> str | None:
    """岳建民建设的建人民的民: a whole name whose given characters are spelled after it."""
    name = rest[:3]
    if len(rest) > 3 and len(letters) >= 2 and all(char in letters for char in name[1:]):
        return name
    name = rest[:2]
    return name if len(rest) > 2 and name[0] in SURNAMES and name[1:] in letters and letters[0] != name[0] else None
