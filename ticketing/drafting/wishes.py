"""What a caller asks beside the matter itself: not to be named, and whether it was reported before. Pure."""

import re
from collections.abc import Sequence

from ticketing.drafting.cues import CueList
from ticketing.views import Utterance
from ticketing.vocabulary import Speaker

_SECRET = CueList(
    "替我保密 给我保密 帮我保密 要保密 得保密 保密啊 保密行吗 你们保密 能保密 别说*是我 别说是谁 不要说*我 别提我 别提*名字 不要提我 不要提*名字 "
    "别透露 不要透露 别暴露 不要暴露 别告诉*我 别让*知道*我 别让人知道 不想让*知道 匿名 不要公开我 别公开 怕报复 怕打击报复 怕他报复 怕人家报复 "
    "怕给我穿小鞋 穿小鞋 别把我 别泄露 不要泄露 不能说是我 千万别说 别给旁人 别写我 不写名字 别留我 隐去我 隐藏我 不要记我 保护好我 保护我".split()
)
_PROMISED = re.compile(r"(保密|不会透露|不会泄露|不透露|隐去|匿名)")
_NO = re.compile(r"^(不用|不需要|没事|没关系|无所谓|不怕|公开|可以公开|随便|不必)")
_REPEAT = CueList(
    "打过电话 打过一次 打过两次 打过好几 打过三 打过你们 打过一二三四五 打过热线 给你们打过 给你们反映过 反映过 投诉过 登记过 登记的 报过一次 上次打 "
    "上回打 前几天打 上个月打 上礼拜打 上周打 又打来 再打 第二次打 第三次打 第几次打 又来烦 又来麻烦 跟你们说过 跟你们反映 工单 上次给我 上次答复 "
    "上回答复 你们回复说 之前反映 之前打 之前登记 再次反映 说三天回复 说五天 一直没回复 没人回复 没给我答复 还没答复 上次说 打了好几次 打了几次 打了多少次".split()
)
_ELSEWHERE = re.compile(
    r"(物业|公司|客服|派出所|他们单位|村里|社区|街道|厂家|店家|商家|学校|医院|银行)(那边|那里|也)?(打|反映|投诉|登记)"
)


def wants_secrecy(utterances: Sequence[Utterance]) -> tuple[str, ...]:
    """The utterances in which the citizen asks not to be named; empty where they do not, or said they need not be."""
    asked: list[str] = []
    for at, said in enumerate(utterances):
        if said.speaker is Speaker.CITIZEN:
            if _SECRET.any(said.text) and not re.search(r"(不用|不要|不需要|没必要)保密", said.text):
                asked.append(said.id)
        elif _PROMISED.search(said.text) and at + 1 < len(utterances) and _NO.match(utterances[at + 1].text):
            asked = []
    return tuple(asked)


def reported_before(utterances: Sequence[Utterance]) -> tuple[str, ...]:
    """The utterances that say this hotline was told of the matter before."""
    return tuple(
        said.id
        for said in utterances
        if said.speaker is Speaker.CITIZEN and _REPEAT.any(said.text) and not _ELSEWHERE.search(said.text)
    )
