"""Is somebody in danger now, and which emergency line is theirs. Pure.

One utterance of the citizen is enough to alert the agent: a cue of the site pack, found by sound, or a pattern of
danger (`dangers`) with a word of the moment beside it. Neither counts where the words around deny it, put it in the
past, fear or suppose it, or where the citizen says no when the agent asks whether it is happening now. What the agent
then does settles it: sending for help, or taking the call as an ordinary matter.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ticketing.drafting.cues import Cue, CueList
from ticketing.drafting.dangers import PATTERNS
from ticketing.drafting.dangersense import DangerSense
from ticketing.pack import Emergency, EmergencyTransfer
from ticketing.views import Utterance
from ticketing.vocabulary import Speaker

_ALARM = 0.75
"""Weight from which the citizen's words alone alert the agent."""
_HELD = 0.5
"""Weight that is enough once the agent sends for help."""
_WANTED = 0.4
"""Weight that is enough once the agent connects an emergency line by name."""

_GAS = "em-gas"
_HINTING, _TELLING = 8, 25
"""Characters a citizen must have said before the model is asked, and before it is believed as it stands."""

_LEARNED_BRIEF, _LEARNED_SURE, _LEARNED_FROM, _LEARNED_SENT, _LEARNED_SAFE = 1.0, 0.0, -2.0, -4.0, -3.0
"""The model's score of danger over safety: from which little said counts; from which no routine word of the agent
outweighs it; from which it counts; from which it does once the agent connects an emergency line by name; below which
the words of danger a citizen used are believed less.
"""

_PER_SCORE, _LEARNED_MOST, _SAFE_SCALE = 0.4, 0.8, 0.6
_CALM = 4
"""Turns of an agent who minds no danger after which there is none."""

_NOW = re.compile(
    r"(刚刚|刚才|刚(?!好|毕业|买|搬|交|开学|办|装|修|结婚|生|来)|现在|正在|正(?=打|砸|往|追|烧|躺|流|冒|"
    r"抽|哭|喊)|快来|快点|快(?!递|要|餐|捷)|赶紧|赶快|马上|救命|这会儿|眼下|眼看|还在(?=打|烧|流|冒|砸|喊|"
    r"里|动|抽|上|水|哭)|着呢|在呢|"
    r"喊着|哭着|躺着|站着|坐着|冒着|烧着|流着|叫着|就在|咋办|怎么办啊?$|不敢(动|出|开|进|看|回)|止不住|"
    r"不行了|不动了|出不来|下不来|上不来|够不着|拔不出|要出人命)"
)
_DENIED = re.compile(
    r"^(没有|没着|没伤|没出|没事|没|不是|现在没|这会儿没|倒没|那倒没|没没|目前没|今天没|好了|早就|已经好|"
    r"已经灭|不在了|人没事)"
)
_NOW_ASKED = re.compile(
    r"(现在|这会儿|目前|眼下|正在|还在).{0,12}(吗|没有|对吧|是不是|有没有)$|有没有(人(受伤|被困|相撞)|"
    r"伤到人|车辆相撞)|着火了吗|人没事吧|伤到人没有|受伤了吗"
)
_HANDLED = re.compile(
    r"(已经报警|报警了|报过警|打过[幺一二零九]{3}|打了[幺一二零九]{3}|消防车?来(过|了)|救护车来(过|了)|"
    r"警察(来过|抓了|来了|处理)|判了|送(到|去|进)?医院了|已经送|拉到医院|出院|住院|住了.{1,4}院|灭了|扑灭|"
    r"放出来|救(出|上)来|修好了|"
    r"已经去看|已经好|缝了|缝.{0,2}针|医药费|赔偿|赔钱|索赔|鉴定|认定|责任书|保险|治好|退烧|没事了|解决了|打针花)"
)
_SUPPOSED = re.compile(
    r"((?<!害)(?<!可)怕(?!得)|担心|万一|要是|如果|假如|会不会|差点|差一点|险些|早晚|迟早|哪天|哪一天|防止|避免|"
    r"以防|等着出|非得|难道|该有多|再不|除非|演练|听说|新闻)"
)
"""Feared or supposed: a word of the moment does not make it real."""

_PAST = re.compile(
    r"(容易|出了事|出事|小心|以前|上次|上回|去年|前年|那年|那次|上个月|上礼拜|上周|前几天|前些|前阵子|前两天|"
    r"大前天|前天|昨天|昨晚|头年|小时候|曾经|想问|政策|怎么收费|多少钱|老是|经常|总是|天天|每天|每次|一到|动不动|"
    r"三天两头|隔三差五|好几年|多年|个月了|年了|(礼拜|星期|天|个月)(过去|多了)|[一二三四五六七八九十]号(那|让|晚|早|上午|下午|在)|过一(个|次|回)|过人|老有|谁负责|就要|不如|应该|能不能|建议|希望)"
)
"""Past, repeated or wished for, unless a word of the moment stands beside it."""

_SENDS = re.compile(
    r"(马上|立即|立刻|现在|正在|已经|这就|赶紧)(就)?(给|帮|为)?(您|你)?(转接?|接通?|连线|叫|呼叫|通知|"
    r"报)(?!.{0,5}(热力|供热|供电|电力|供水|自来水|水务|市政|园林|住建|应急管理))[^部门登记核实]{0,8}(急救|救护|消防|救援|公安|派出所|警|抢修|一二零|幺二零|一一九|幺幺九|一一零|"
    r"幺幺零|一二二|幺二二)"
    r"|(正在|已经)(转接|接通|连线)|(不要|别|先别)(挂断|挂机|挂电话|挂掉|挂)|保持通话|(打开|开|放|"
    r"调成?).{0,3}免提|(急救|消防|民警|救援|抢修)(人员)?(马上|已经|正在)(到|过去|出发|在路上)|转(一二零|"
    r"幺二零|一一九|幺幺九|一一零|幺幺零|一二二|幺二二|急救|消防救援)"
)
_CONNECTS = re.compile(r"(马上|立即|立刻|现在|正在|已经|这就)(给|帮|为)?(您|你)?(转接?|接通?|连线)")
_CARE = re.compile(
    r"(千万(不要|别)|不要移动|别动(他|她|伤者)|(不要|别)开(电)?灯|关阀|关死|关(掉|了)?总阀|马上(出门|出去|"
    r"离开|下楼|撤)|侧(躺|着躺|过来)|躺平|按住|压住伤口|双闪|警示牌|护栏外|稳住(他|她)|别刺激|别说刺激|"
    r"说刺激的话|捂住口鼻|湿毛巾|不要坐电梯|"
    r"不能下井|别下去|不要再?下|散开|心肺复苏|人工呼吸|清醒吗|有呼吸吗|意识|受伤了吗|人在不在里面|"
    r"有没有人被困|您现在安全吗|躲(好|起来)|锁好门|离(远|开)点|别(开门|出声|靠近))"
)
_MENTIONED = {
    "120": re.compile(r"(急救|救护|一二零|幺二零)"),
    "119": re.compile(r"(消防|救援|一一九|幺幺九)"),
    "110": re.compile(r"(公安|民警|警察|派出所|报警|一一零|幺幺零)"),
    "122": re.compile(r"(交警|一二二|幺二二)"),
    "em-gas": re.compile(r"(抢修|燃气)"),
}
_ROUTINE = re.compile(r"(给您转|为您转|转给|登记|记下|工单|转办|核实|催办|标注|转[^接]{2,8}(部门|局|处理|执法|督促))")


class Danger(NamedTuple):
    """An emergency line the call belongs to, the utterances that say so, and how much they weigh (0.75 alerts)."""

    target: str
    evidence: tuple[str, ...]
    weight: float


def _target(line: EmergencyTransfer) -> str:
    """What a draft calls the line: its number, or its id where the number is words."""
    return line.target_number if line.target_number.isdigit() else line.id


def _named(sends: Sequence[str]) -> list[str]:
    """The emergency lines an agent who sends for help names, in the order named."""
    text = " ".join(sends)
    return sorted(
        (target for target, pattern in _MENTIONED.items() if pattern.search(text)),
        key=lambda target: hit.start() if (hit := _MENTIONED[target].search(text)) else 0,
    )


class EmergencyWatch:
    """Listens for danger with one site's cues and lines."""

    def __init__(self, rules: Emergency) -> None:
        self._lines: list[tuple[EmergencyTransfer, CueList, CueList]] = [
            (line, CueList(line.positive, exact_pairs=True), CueList(line.negative, exact_pairs=True))
            for line in rules.transfers
        ]
        self._negative = CueList(rules.match.negative_markers)
        self._window = rules.match.negation_window_chars
        self._known: dict[str, dict[str, float]] = {}
        self._sense = DangerSense([_target(line) for line, _, _ in self._lines])

    def listen(self, utterances: Sequence[Utterance]) -> Danger | None:
        """The danger the citizen speaks of as happening now, None where there is none."""
        heard: dict[str, float] = {}
        evidence: list[tuple[float, str]] = []
        standing = []
        for at, said in enumerate(utterances):
            if said.speaker is not Speaker.CITIZEN or len(said.text) < 3 or self._taken_back(utterances, at):
                continue
            standing.append(said)
            for target, weight in self.weigh(said.text).items():
                heard[target] = max(heard.get(target, 0.0), weight) + (0.1 if target in heard else 0.0)
                evidence.append((weight, said.id))
        learned = self._sense.judge([said.text for said in standing])
        agent = [u.text for u in utterances if u.speaker is Speaker.AGENT]
        sends = [text for text in agent if _SENDS.search(text)]
        cares = sum(1 for text in agent if _CARE.search(text))
        connects = any(_CONNECTS.search(text) for text in sends)
        named = _named(sends)
        named = [t for t in named if t != _GAS or t in heard or learned.target == t]
        connects = connects and bool(named)
        said_much = sum(len(said.text) for said in standing)
        least = _LEARNED_SENT if connects else _LEARNED_BRIEF if said_much < _TELLING else _LEARNED_FROM
        if said_much >= _HINTING and learned.score > least:
            gained = min(_LEARNED_MOST, max(0.0, learned.score - _LEARNED_FROM) * _PER_SCORE)
            target = named[0] if named else learned.target
            heard[target] = heard.get(target, 0.0) + gained
            evidence.append((gained, standing[0].id))
        elif learned.score < _LEARNED_SAFE and not connects:
            heard = {target: weight * _SAFE_SCALE for target, weight in heard.items()}
        if not heard:
            return None
        enough = 0.0 if connects else _WANTED if named else _HELD if sends or cares >= 2 else _ALARM
        routine = not sends and cares < 2 and any(_ROUTINE.search(text) for text in agent)
        routine = routine and learned.score < _LEARNED_SURE
        best = named[0] if connects and named[0] in heard else max(heard, key=heard.__getitem__)
        if routine or max(heard.values()) < enough or (not sends and cares == 0 and self._calm(utterances, evidence)):
            return None
        return Danger(best, tuple(dict.fromkeys(u for _, u in sorted(evidence, key=lambda e: -e[0])[:2])), heard[best])

    @staticmethod
    def _calm(utterances: Sequence[Utterance], evidence: list[tuple[float, str]]) -> bool:
        """Whether the agent has gone on talking for some turns after the words of danger without minding them."""
        last = max(at for at, said in enumerate(utterances) if any(said.id == heard for _, heard in evidence))
        return sum(said.speaker is Speaker.AGENT for said in utterances[last + 1 :]) >= _CALM

    def weigh(self, text: str) -> dict[str, float]:
        """How much one utterance of a citizen speaks of danger now, by emergency line."""
        if text not in self._known:
            if len(self._known) > 4096:
                self._known.clear()
            self._known[text] = self._weigh(text)
        return self._known[text]

    def _weigh(self, text: str) -> dict[str, float]:
        now = _NOW.search(text) is not None
        supposed, past = _SUPPOSED.search(text) is not None, _PAST.search(text) is not None
        handled = _HANDLED.search(text) is not None
        found: dict[str, float] = {}
        for target, patterns in PATTERNS.items():
            weights = sorted((weight for pattern, weight in patterns if pattern.search(text)), reverse=True)
            if weights:
                found[target] = weights[0] + 0.3 * sum(weights[1:3])
        for line, positive, negative in self._lines:
            target = _target(line)
            if any(self._holds(text, cue, negative) for cue in positive.find(text)):
                found[target] = max(0.9, found.get(target, 0.0)) + 0.2
            elif any(negative.find(text)):
                found.pop(target, None)
        doubt = 0.35 if supposed or (past and not now) else 0.6 if past else 1.0
        scale = doubt * (0.2 if handled else 1.0)
        return {target: scale * (weight + (0.4 if now else 0.0)) for target, weight in found.items()}

    def _holds(self, text: str, cue: Cue, negative: CueList) -> bool:
        """Whether `cue` is not denied by the words before it, nor part of a phrase that means something else."""
        if any(n.start < cue.end and cue.start < n.end for n in negative.find(text)):
            return False
        return not self._negative.any(text[max(0, cue.start - self._window) : cue.start])

    @staticmethod
    def _taken_back(utterances: Sequence[Utterance], at: int) -> bool:
        """Whether the agent asked soon after if it is happening now, and the citizen said no."""
        for asked, answered in zip(utterances[at + 1 : at + 6], utterances[at + 2 : at + 7], strict=False):
            if asked.speaker is Speaker.AGENT and answered.speaker is Speaker.CITIZEN and _NOW_ASKED.search(asked.text):
                return _DENIED.match(answered.text) is not None and not re.search(
                    r"没有?(呼吸|心跳|反应|知觉|救)", answered.text
                )
        return False
