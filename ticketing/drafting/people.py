"""Who is calling: surname or full name, spelled or plain, and what to call them. Pure.

Four places give a name away: 姓X and 我叫XYZ, a spelled character (弓长张, 申请的申, 儿童的童), the short answer to
您贵姓, and the agent's own X先生. They vote by sound, so one misheard reading does not win against two good ones.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ticketing.sound import slack
from ticketing.views import Utterance
from ticketing.vocabulary import Speaker

SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付"
    "傅方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞"
    "左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳欧管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦"
    "褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀郁"
    "胥南班储原栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻位厉伊仝区郜海阚花权强帅屠豆朴盖练廉禹井祖漆巴丰支卿国狄平计索宣晋相初门云容敬来扈晁芮都普阙"
    "浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况那宿鲜印逯隆茹诺战慕危玉银亢嵇公哈湛宾戎勾茅利於呼居揭干但尉冶斯元束檀衣信展阴昝智幸奉植衡富"
    "尧闭由畅毋蒿巨原相撖弋乜令狐上官司马欧阳诸葛夏侯"
) - frozenset("上官令")
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

_SPELLED = {
    "弓长": "张", "耳东": "陈", "立早": "章", "木子": "李", "双木": "林", "口天": "吴", "言午": "许", "古月": "胡", "三横": "王",
    "走肖": "赵", "人可": "何", "双人": "徐", "文刀": "刘", "卯金刀": "刘", "禾呈": "程", "草头": "黄", "人禾": "余", "千钩": "于",
    "干勾": "于", "月半": "胖", "西早": "覃", "女兆": "姚", "木易": "杨", "竹付": "符", "人尔": "你", "日月": "明", "音十": "章",
    "人工": "仝", "北田": "冀", "木寸": "村", "山丘": "岳", "丘山": "岳", "丰色": "艳", "奠耳": "郑", "革斤": "靳", "禾火": "秋", "大耳": "郑",
    "言射": "谢", "丁山": "仃", "木公": "松", "立风": "飒", "白水": "泉", "米分": "粉", "米羊": "糕", "土也": "地", "十口": "古", "山今": "岑",
}  # fmt: skip
_OF = r"(?P<word>[\u4e00-\u9fff]{1,4}?)[的德得](?P<char>[\u4e00-\u9fff])"
_TITLE = "|".join(TITLES)
_SURNAME_IS = re.compile(r"(?:免贵|我|贵|就|俺)?(?:姓|性|幸)(?P<rest>[\u4e00-\u9fff]{1,12})")
_CALLED = re.compile(r"(?:我叫|叫我|名字叫|名叫|我是)(?P<name>[\u4e00-\u9fff]{2,4})")
_ASKED_NAME = re.compile(r"(贵姓|怎么称呼|姓什么|叫什么|您的姓名|怎么叫您|您的名字|规姓|称呼您)")
_AGENT_SAYS = re.compile(rf"(?P<name>[\u4e00-\u9fff]{{1,3}})(?P<title>{_TITLE})")
_REFUSED = re.compile(r"(不留|不说|不方便|匿名|不想说|别问|不用记|不留名|不透露)")


class Name(NamedTuple):
    """A caller's name as the work order has it (申先生, 岳建民), the utterances it rests on, and how sure it is."""

    text: str
    evidence: tuple[str, ...]
    sure: float


class _Votes:
    """Readings of the surname, each with the weight of where it was heard."""

    def __init__(self) -> None:
        self.weight: Counter[str] = Counter()
        self.evidence: dict[str, list[str]] = {}

    def cast(self, char: str, weight: float, utterance: str) -> None:
        self.weight[char] += weight  # type: ignore[assignment]
        self.evidence.setdefault(char, []).append(utterance)

    def winner(self) -> tuple[str, tuple[str, ...], float] | None:
        """The surname most was heard of, sound-alikes counted half."""
        if not self.weight:
            return None

        def support(char: str) -> float:
            alike = sum(w for c, w in self.weight.items() if c != char and slack(c[0]) == slack(char[0]))
            return self.weight[char] + alike / 2 + (0.5 if char in SURNAMES or char in COMPOUND else -1.0)

        best = max(self.weight, key=support)
        evidence = [u for c, us in self.evidence.items() if slack(c[0]) == slack(best[0]) for u in us]
        return best, tuple(dict.fromkeys(evidence)), min(1.0, 0.45 + 0.15 * support(best))


def spelled(text: str) -> list[str]:
    """The characters a text spells out: 弓长张, 申请的申, 儿童的童."""
    found = [char for parts, char in _SPELLED.items() if f"{parts}{char}" in text]
    for hit in re.finditer(_OF, text):
        char = hit["char"]
        for part in reversed(hit["word"]):
            if part == char or slack(part) == slack(char):
                found.append(part if part in SURNAMES or char not in SURNAMES else char)
                break
    return found


def caller_name(utterances: Sequence[Utterance]) -> Name | None:
    """The citizen's name, None where none was given. A person merely spoken of (李经理) is not the caller."""
    votes = _Votes()
    full: tuple[str, str] | None = None
    title = ""
    asked = False
    for said in utterances:
        text = said.text
        if said.speaker is Speaker.AGENT:
            for hit in _AGENT_SAYS.finditer(text):
                surname = _surname_before(hit["name"])
                if surname:
                    votes.cast(surname, 1.6, said.id)
                    title = hit["title"]
                elif not title and re.match(rf"^({_TITLE})?", text):
                    title = hit["title"]
            if (plain := re.search(rf"(?<![\u4e00-\u9fff])({_TITLE})|^[好那]?的?({_TITLE})", text)) and not title:
                title = plain[1] or plain[2]
            asked = bool(_ASKED_NAME.search(text))
            continue
        if asked and _REFUSED.search(text):
            asked = False
            continue
        given = _citizen(votes, said, asked)
        if given:
            full = (given, said.id)
        asked = False
    won = votes.winner()
    if won is None:
        return None
    surname, evidence, sure = won
    if full and slack(full[0][0]) == slack(surname[0]):
        return Name(surname + full[0][len(surname) :], tuple(dict.fromkeys((*evidence, full[1]))), sure)
    return Name(surname + title, evidence, sure)


def _surname_before(text: str) -> str | None:
    """The surname at the end of what stands before a title (好的申, 那马)."""
    for compound in COMPOUND:
        if text.endswith(compound):
            return compound
    return text[-1] if text[-1] in SURNAMES else None


def _citizen(votes: _Votes, said: Utterance, asked: bool) -> str | None:
    """Cast the votes of one utterance of the citizen; the whole name where it was given."""
    text = said.text
    letters = spelled(text)
    hit = _SURNAME_IS.search(text)
    short = asked and len(text) <= 14
    if not (hit or short or letters and asked):
        called = _CALLED.search(text)
        if called and called["name"][0] in SURNAMES and not called["name"].endswith(("的", "人", "了")):
            votes.cast(called["name"][0], 1.0, said.id)
            return _name_of(called["name"])
        return None
    for char in letters:
        if char in SURNAMES or asked or hit:
            votes.cast(char, 1.2, said.id)
            break
    rest = hit["rest"] if hit else re.sub(r"^(我|免贵|叫|是|就|嗯|哦|啊|贵|俺)+", "", text)
    for compound in COMPOUND:
        if rest.startswith(compound):
            votes.cast(compound, 2.0, said.id)
            return None
    if not rest:
        return None
    if rest[0] in SURNAMES or hit and "姓" in text:
        if hit and rest[0] in "什名甚":
            return None
        votes.cast(rest[0], 1.0 if letters else 1.3, said.id)
    if short and rest[0] in SURNAMES and 2 <= len(rest) <= 3 and not letters and rest[-1] not in "的了吧啊呢先生":
        return _name_of(rest)
    return _spelled_name(rest, letters)


def _name_of(text: str) -> str | None:
    """`text` as a whole name, None where it is a surname and a title or goes on as a sentence."""
    return text if 2 <= len(text) <= 3 and not text.endswith(TITLES) and text[-1] not in "的了吧啊呢是在" else None


def _spelled_name(rest: str, letters: list[str]) -> str | None:
    """岳建民建设的建人民的民: a whole name whose given characters are spelled after it."""
    name = rest[:3]
    if len(rest) > 3 and len(letters) >= 2 and all(char in letters for char in name[1:]):
        return name
    name = rest[:2]
    return name if len(rest) > 2 and name[0] in SURNAMES and name[1:] in letters and letters[0] != name[0] else None
