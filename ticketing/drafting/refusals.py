"""Whether a call is one the hotline does not take, and for which of the site's reasons (不予受理). Pure.

Only an agent turns a caller away; what the citizen says is a hint. So a reason is given once the agent has said no, or
that the matter is being dealt with already, and has not passed the matter on. Which reason it is, the pack's cues and a
small model of lines written for each reason decide.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ticketing.drafting.corpus import read_training, training_dir
from ticketing.drafting.cues import CueList
from ticketing.drafting.features import bag
from ticketing.drafting.kinds import Course
from ticketing.drafting.textmodel import TextModel, odds, train
from ticketing.pack import NotAccepted
from ticketing.views import Utterance
from ticketing.vocabulary import Speaker

_TAKEN = "受理"
_AGENT_WEIGHT = 0.8
_CUE = 0.9
_SHARPNESS = 1.5

_NO = re.compile(
    r"(热线|我们|这里|这边|窗口|话务员).{0,6}(不能|没办法|没有办法|无法|无权|不便|不可以|管不了|帮不了|"
    r"查不了|做不了|处理不了|受理不了|改变不了|干预不了|不提供|不受理|不负责|不接受|不参与|不推荐|不裁决|"
    r"不介入|不评判)"
    r"|(不能|没办法|没有办法|无法|无权|不便)(替您|替你|为您|帮您|给您|向您|向他人|向别人|受理|干预|改变|"
    r"评判|裁决|介入|推荐|透露|提供|代替|替代|登记|查询|查别人|为高利贷|居中|推翻)"
    r"|不属于(我们|本市|热线|受理|市里|咱们|政府)|不在(我们|本市|运城|咱们|热线|受理)|不予受理|不受理|"
    r"受理范围|做不到|不归(我们|运城|热线)|没有管辖|管辖(权|范围)|不受(法律)?保护"
    r"|(属于|涉及)(个人|他人|别人|公民|商业)?(隐私|秘密|机密|民事纠纷|私人|家庭内部|商业服务|司法)|"
    r"由(法院|检察院|纪委|纪检|仲裁|信访|当地|事发地|部队|军队)[^工]{0,8}(依|受理|处理|负责|办理|管)"
    r"|(一二三八八|一二三六八|一二三零九|区号|零三五一|零二九|零三七一)|当地的?(一二三四五|热线|政府)|"
    r"(请您?|麻烦您?)(文明|注意用语|不要辱骂|不要骂|不要占用|尊重)|结束(本次)?通话|挂断了|恶意|占用(线路|"
    r"热线|其他)"
    r"|(已经)?进入(法律|司法|诉讼|信访|复议)程序|(法院|仲裁|信访)(部门|局)?(已经|正在)(受理|办理|审理)|"
    r"信访(部门|局|程序).{0,8}(受理|答复|办理)|提起上诉|申请再审|依申请公开|信息公开申请|公开申请表|"
    r"制作(该信息|机关)"
    r"|(没有|无)新(的)?(情况|证据|理由)|解释过|答复过(您|了)|办结(并|了|过)|想清楚|考虑清楚|打错|没有具体"
)
_UNDER_WAY = re.compile(
    r"(正在(办理|处理|核实|核对)|还在(办理|处理|期限)|办理(中|期限)|没有?到期|没有?到(答复)?(时间|期限|"
    r"日子)|(补充|加|备注|记录|附)(到|在|进).{0,6}(原来|原|工单|单子)|不用(再|重新)?登记|"
    r"已经转到.{1,14}(要求|办理|处理|核实)|(预计|要求|承诺).{1,10}(前|之前|以前)(答复|回复|办结|给您))"
)


class Turned(NamedTuple):
    """A reason for not accepting, the utterances that say so, and how sure it is."""

    reason_id: str
    evidence: tuple[str, ...]
    sure: float


class RefusalWatch:
    """Listens for one site's reasons."""

    def __init__(self, rules: NotAccepted) -> None:
        self._cues = {reason.id: (CueList(reason.cues), CueList(reason.not_cues)) for reason in rules.reasons}
        names = {reason.id: reason.name for reason in rules.reasons} | {_TAKEN: ""}
        texts = [(line.label, line.text) for line in read_training(training_dir("refusals"), names)]
        texts += [
            (reason.id, text)
            for reason in rules.reasons
            for text in (*reason.cues, *reason.script.split("。"), reason.name)
            if text
        ]
        self._model: TextModel = train([(label, bag([(text, 1.0)])) for label, text in texts])

    def listen(self, utterances: Sequence[Utterance], course: Course) -> Turned | None:
        """The reason the call is not taken; None where it is taken, answered, or nothing was decided yet."""
        agent = [u for u in utterances if u.speaker is Speaker.AGENT]
        refused = [u.id for u in agent if _NO.search(u.text)]
        waiting = [u.id for u in agent if _UNDER_WAY.search(u.text)]
        if not (refused or waiting) or (course.passed_on and not waiting):
            return None
        scores = self._model.scores(
            bag([(u.text, 1.0 if u.speaker is Speaker.CITIZEN else _AGENT_WEIGHT) for u in utterances])
        )
        for at, label in enumerate(self._model.labels):
            if label in self._cues:
                cues, nots = self._cues[label]
                heard = sum(cues.any(u.text) and not nots.any(u.text) for u in utterances)
                scores[at] += _CUE * min(heard, 2)
            if waiting and not refused:
                scores[at] += 1.5 if label in {"na-handling", "na-repeat"} else -1.5
            if label == "na-emergency":
                scores[at] -= 2.0
        probable = odds(scores, _SHARPNESS)
        best = int(probable.argmax())
        if self._model.labels[best] == _TAKEN:
            return None
        return Turned(self._model.labels[best], (*refused, *waiting), float(probable[best]))
