"""What `quality.yaml` of a site pack holds, if it has one: the score sheet of 质检 and what is sampled. Pure data."""

from enum import StrEnum
from typing import Annotated

import msgspec

from ticketing.pack import Name, Part


class SampleRule(StrEnum):
    """What makes a ticket worth a look, whatever the dice say."""

    UNHAPPY = "unhappy"  # 回访不满意或未解决
    RETURNED = "returned"  # 退单成立: it was routed wrongly
    SENT_BACK = "sent_back"  # 退回重办
    REFUSED = "refused"  # 不予受理
    SUPERVISED = "supervised"  # 督办
    WITHDRAWN = "withdrawn"  # 撤单


class SheetItem(Part, frozen=True, kw_only=True):
    """One line of the score sheet. Who fails a `fatal` one (scores 0) fails the whole."""

    id: Name
    name: Name
    points: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    fatal: bool = False


class QualityRules(Part, frozen=True, kw_only=True):
    """The sheet, the share of an agent's tickets that is drawn by lot (percent), and the rules that draw the others."""

    sheet: Name = "default-1"
    percent: Annotated[float, msgspec.Meta(ge=0, le=100)] = 5.0
    rules: tuple[SampleRule, ...] = tuple(SampleRule)
    items: Annotated[tuple[SheetItem, ...], msgspec.Meta(min_length=1)] = (
        SheetItem(id="greeting", name="用语规范、态度", points=20),
        SheetItem(id="elements", name="要素齐全（时间、地点、人物、事件、诉求）", points=25),
        SheetItem(id="category", name="分类、紧急程度准确", points=15),
        SheetItem(id="routing", name="派单单位准确", points=20),
        SheetItem(id="writing", name="文字通顺、无错别字", points=10),
        SheetItem(id="knowledge", name="解答有依据", points=9),
        SheetItem(id="secrecy", name="未泄露来电人信息", points=1, fatal=True),
    )
