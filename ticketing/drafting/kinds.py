"""What kind of request a call is: 咨询 投诉 求助 建议 举报 表扬, by the words that mark each. Pure.

The category says which kinds it usually is (the pack lists them in order); the caller's tone decides among them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ticketing.drafting.cues import CueList
from ticketing.pack import Category
from ticketing.views import Utterance
from ticketing.vocabulary import RequestType, Speaker

_CUES: dict[RequestType, CueList] = {
    RequestType.ENQUIRY: CueList(
        "想问一下 问一下 咨询 请问 怎么办理 怎么办手续 需要什么 要什么材料 需要哪些 多少钱 收不收 收费不 在哪办 去哪办 能不能办 可以办 多长时间 几点 什么时候 有没有规定 "
        "是怎么规定 什么条件 能申请 怎么申请 能报多少 算不算 还能不能 影响不影响 要不要 用不用 什么标准 我想了解 打听 咋办 行不行 能不能补".split()
    ),
    RequestType.COMPLAINT: CueList(
        "投诉 太不像话 没人管 不管 态度 推来推去 踢皮球 说法 凭什么 凭啥 不给 不退 骗 坑 糊弄 敷衍 拖着 到现在 还没 影响 没法 受不了 吵得 臭 收了 乱收 不热 不作为".split()
    ),
    RequestType.HELP: CueList(
        "帮帮 帮忙 求 救 快来 麻烦你们 能不能派 派人 来人 修一下 修修 急 想请 困难 没办法 谁来管 找谁 老人 孩子 危险 走失 联系不上 能不能来 给解决".split()
    ),
    RequestType.SUGGESTION: CueList(
        "建议 提个意见 提点意见 提几点 想法 希望能增加 能不能增加 能不能加 应该设 最好能 能不能改 可以考虑 我觉得应该 是不是可以 增设 加个 优化".split()
    ),
    RequestType.REPORT: CueList(
        "举报 查一查 查查 查处 偷偷 没有证 没证 无证 半夜 违法 保密 别说是我 冒充 假的 卖假 黑 非法 私自 套 偷倒 偷排 我要告 有人在".split()
    ),
    RequestType.PRAISE: CueList("表扬 感谢 锦旗 夸 点赞 好人 感激 谢谢他 谢谢她 谢谢人家 送面旗 写感谢信".split()),
}


class Kind(NamedTuple):
    """A kind of request, how sure it is, the others in order, and the utterances with its marks."""

    kind: RequestType
    sure: float
    others: tuple[RequestType, ...]
    evidence: tuple[str, ...]


def kind_of(utterances: Sequence[Utterance], category: Category | None) -> Kind:
    """The kind of request a conversation is so far."""
    score = dict.fromkeys(RequestType, 0.0)
    evidence: dict[RequestType, list[str]] = {kind: [] for kind in RequestType}
    if category is not None:
        for at, kind in enumerate(category.request_types):
            score[kind] += (1.4, 0.9, 0.6, 0.5)[min(at, 3)]
    for said in utterances:
        weight = 1.0 if said.speaker is Speaker.CITIZEN else 0.4
        for kind, cues in _CUES.items():
            heard = len(cues.find(said.text))
            if heard:
                score[kind] += weight * min(heard, 2) * (1.6 if kind in {RequestType.PRAISE, RequestType.SUGGESTION} else 0.7)
                evidence[kind].append(said.id)
    order = sorted(score, key=lambda k: -score[k])
    total = sum(max(0.0, s) for s in score.values()) or 1.0
    return Kind(order[0], score[order[0]] / total, tuple(order[1:3]), tuple(evidence[order[0]]))
