"""What a caller asks beside the matter itself: not to be named, and whether it was reported before. Pure.

People ask for secrecy in many words: a verb of telling or knowing with a no before it and themselves near it, a fear of
what follows, or who else should have said it. An agent who promises secrecy has understood the same.
"""

import re
from collections.abc import Sequence

from ticketing.drafting.cues import CueList
from ticketing.views import Utterance
from ticketing.vocabulary import Speaker

_NOT = r"(别|甭|不要|不能|不可以?|不敢|可别|莫|休要|勿|不想|不希望|不愿意?|不许|不准|不得|先别|千万)"
_TELL = (
    r"(说出?|提|讲|透|露|暴露|泄露?|告诉|告知|点(名|出|我|他)|报出|传|捅|扯|牵|写|登|留|公开|出卖|供|抖|抖搂|"
    r"捎带|带出|让.{1,8}(知道|晓得|听见|认出|猜)|知道|晓得)"
)
_SELF = r"(我|俺|咱|谁|名|姓|身份|电话|号码|信息|孩子|娃|家|楼[上下]|邻居|哪|出去|出来)"
_SECRET = re.compile(
    rf"{_NOT}.{{0,4}}{_TELL}.{{0,7}}{_SELF}|{_NOT}.{{0,3}}(把|将|让)?{_SELF}.{{0,6}}{_TELL}"
    r"|(替|给|帮|为|得|要|能|请|必须|一定)(我|咱|我们|人家)?.{0,3}(保密|瞒着|捂着|保个密|隐瞒|隐去)|"
    r"保密(啊|行|吧|呀|的|好|处理|我|$)|你们.{0,3}保密|匿名|不留名|隐(去|藏|匿)(我|姓)"
    r"|(名字|姓名|信息|身份|电话).{0,8}(捂|藏|隐|瞒|保密|遮|别写|不写|别登|别留|别给|别让)"
    r"|怕.{0,8}(报复|穿小鞋|小鞋|认出|猜出|猜到|知道是我|找我麻烦|找我事|打击|针对我|给我脸色|收拾我|记恨|"
    r"得罪|难做人|为难(我|孩子|娃))"
    r"|(就说|说成|写成|就当)是?.{0,6}(群众|路过|别人|有人|热心|其他人|大家|邻居们)(的)?(反映|说|举报|看见|"
    r"打)?|不(想|愿|方便)(暴露|露面|出面|留名|透露|得罪)|保护(好)?(我|举报人)"
    r"|让.{0,6}(知道|晓得|听见).{0,8}(活不成|完了|没法|还得了|麻烦|不得了|饶不了|混不下去|没好果子)|悄悄(地)?来"
)
_HUSH = CueList(("保密", "匿名", "报复", "透露", "举报", "别说", "名字"))
"""Words of secrecy, put back by sound where a recogniser wrote others."""

_DECLINED = re.compile(r"(不用|不需要|没必要|用不着|不必|不怕|无所谓|可以公开|随便公开).{0,4}(保密|匿名|报复)?")
_PROMISED = re.compile(
    r"((给|为|替|对)(您|你)|一定|会|严格|依法|我们|可以|肯定|放心)[^吗要]{0,4}(保密|不会透露|不会泄露|不透露|"
    r"隐去)|保密(处理|转|登记|举报|办理)|不会(透露|泄露|说出)"
)
_OFFERED = re.compile(r"(需要|要不要|是否|用不用|要求).{0,4}(保密|匿名|公开).{0,4}(吗|不)?$")
_BARE_NO = re.compile(r"^(不用|不需要|没事|没关系|无所谓|不怕|公开|可以公开|随便|不必)")
_BARE_YES = re.compile(r"^(要|需要|对|是|嗯|好|保密|当然|肯定|最好)")

_TOLD = r"(打|反映|投诉|登记|报|说|举报|申请|留言|来电)"
_REPEAT = re.compile(
    rf"(你们|咱们|热线|一二三四五|这个电话|这里|这边|政府热线).{{0,6}}{_TOLD}(过|了(一|两|二|三|四|五|"
    rf"好几|几|多少|n)(次|回|遍|个))|(给|跟|向|和)(你们|热线|一二三四五).{{0,4}}{_TOLD}过?"
    rf"|我.{{0,10}}(上个?|前|昨|头|那)(次|回|天|些天|几天|两天|周|礼拜|星期|月|阵子).{{0,6}}(反映|登记|"
    rf"投诉|来电|打(过|了)?(电话|热线|你们|一二三))(过|的|了)?(?!.{{0,6}}(物业|公司|村|社区|派出所|学校|"
    rf"医院))|(又|再)(来)?(打|烦|麻烦|找|跟|给)(扰)?(你们|您|这个)|第(二|三|四|五|六|几|n)(次|回|遍)(打|"
    rf"反映|给|跟|来)"
    r"|(打|反映|投诉|登记)(了|过)(好几|几|两|三|四|五|六|七|八|九|十|无数|多少|n)(次|回|遍|"
    r"个电话)(?!.{0,4}(客服|物业|商家|厂家|他))|(上次|上回|之前|以前|前几天|前两天|上个月|上周|上礼拜|"
    r"去年|今年|八月份|七月份|九月份|十月份).{0,6}(给你们|跟你们|打过|反映过|登记过|投诉过)|(工单|"
    r"我那个?单子|我的?单子|那个?单|编号是)"
    r"|(你们|热线).{0,3}(上次|上回|前几天|那天)"
    r"|(你们|热线|话务员|接线员|人家).{0,4}(回复|答复|答应|说好|短信).{0,8}(说|三天|五天|几天|办结|办好|"
    r"处理|派|没|到现在)|(没|没有)(人)?(给我)?(回复|答复|回访|回话|回电)(?!短信)|还是(那|我那|这|我|上次|"
    r"老)(个|件|家)?.{0,6}(事|问题|那堵|那个)|(昨天|前天|上午|早上|刚才).{0,6}(我)?(说|打|反映|"
    r"登记)的那(个|件)"
)
_ELSEWHERE = re.compile(
    r"((跟|给|找|向|和|去)(物业|公司|客服|派出所|单位|村里|村委|支书|社区|街道|厂家|店家|商家|学校|老师|"
    r"园长|医院|银行|平台|老板|房东|邻居|他|她|人家|他们|管理处|管理员|开发商|信访|法院).{0,8}(打|反映|"
    r"投诉|登记|说)|客服电话)"
)
_AGENT_KNOWS = re.compile(
    r"(您|你)(之前|上次|前几天|曾经?|已经|前期|此前).{0,8}(反映|登记|来电|打)(过)?(?!.{0,6}(吗|没有))|"
    r"(查到|看到)(您|了).{0,10}(工单|登记|反映|单子|这件)|再次反映|重复反映|标注再次|您是.{1,12}(反映|"
    r"登记|打)的|原来的?工单|原工单|上次的?答复|答复(过)?(您)?[一二三四五六七八九十]+次"
)


def wants_secrecy(utterances: Sequence[Utterance]) -> tuple[str, ...]:
    """The utterances in which the citizen asks not to be named; empty where they do not, or said they need not be."""
    asked: list[str] = []
    for at, said in enumerate(utterances):
        following = utterances[at + 1] if at + 1 < len(utterances) else None
        text = _put_back(said.text)
        if said.speaker is Speaker.CITIZEN:
            if _SECRET.search(text) and not _DECLINED.match(text):
                asked.append(said.id)
        elif _OFFERED.search(text):
            if following and following.speaker is Speaker.CITIZEN:
                if _BARE_NO.match(following.text):
                    asked = []
                elif _BARE_YES.match(following.text):
                    asked.append(following.id)
        elif _PROMISED.search(text):
            if following and _BARE_NO.match(following.text):
                asked = []
            elif not asked:
                asked.append(said.id)
    return tuple(asked)


def _put_back(text: str) -> str:
    """`text` with the words of secrecy written as they are meant."""
    for cue in _HUSH.find(text):
        text = text[: cue.start] + cue.phrase + text[cue.end :]
    return text


def reported_before(utterances: Sequence[Utterance]) -> tuple[str, ...]:
    """The utterances that say this hotline was told of the matter before."""
    return tuple(
        said.id
        for said in utterances
        if (
            _REPEAT.search(said.text) is not None and not _ELSEWHERE.search(said.text)
            if said.speaker is Speaker.CITIZEN
            else _AGENT_KNOWS.search(said.text) is not None
        )
    )
