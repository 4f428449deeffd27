"""Agencies spoken of in a call, by their names as people shorten them. Pure.

When an agent says 给您转卫生监督执法, the category is nearly decided; a category is spoken for when its lead agency,
the one above it, or a helper is named by the agent.
"""

import re
from collections.abc import Iterable

import numpy as np

from ticketing.drafting.textmodel import Floats
from ticketing.pack import AgencyKind
from ticketing.site import Site
from ticketing.wordlists import word_set

_HEAD = re.compile(r"^(运城市|运城|国网运城|中国|国家税务总局|国家|市)")
_END = re.compile(
    r"(综合行政执法队|行政执法队|监督管理局|服务管理局|服务中心|管理局|有限公司|委员会|办公室|公司|中心|"
    r"支队|局|委|办|队|处|所|站|院)$"
)
_TOO_COMMON = word_set(
    "中心 管理 系统 综合 投诉 市里 政府 大厅 公司 站 移动 路灯 排水 抢修 服务 培训 招生 银行 就业 加油站 机场",
    "医保卡 养老院 人才市场 火车站 救护车 路 煤气",
)
_PASSED_ON = re.compile(r"转|请|通知|联系|派|报给|由|核实|处理|部门|查处|受理")
_MOST = 1.5


class AgencyMentions:
    """Knows the names of a site's departments and enterprises, and which categories are theirs."""

    def __init__(self, site: Site, labels: Iterable[str]) -> None:
        self._labels = tuple(labels)
        self._above: dict[str, set[str]] = {
            agency.id: {agency.id, *(a.id for a in site.ancestors(agency.id) if a.parent_id)}
            for agency in site.agencies.values()
        }
        self._named: dict[str, set[str]] = {}
        for agency in site.agencies.values():
            if agency.kind in {AgencyKind.CITY_DEPARTMENT, AgencyKind.ENTERPRISE} and agency.parent_id:
                for name in (agency.name, agency.short_name, *agency.aliases):
                    for short in {_HEAD.sub("", name), _END.sub("", _HEAD.sub("", name))}:
                        if len(short) > 1 and not short.isdigit() and short not in _TOO_COMMON:
                            self._named.setdefault(short, set()).add(agency.id)
        longest_first = sorted(map(re.escape, self._named), key=len, reverse=True)
        self._pattern = re.compile("|".join(longest_first)) if longest_first else re.compile(r"(?!)")
        self._weights: dict[str, Floats] = {}
        rules = [site.category(label) for label in self._labels]
        lead = [self._family(category.lead_agency_rule) for category in rules]
        helpers = [self._family(*category.co_agency_ids) for category in rules]
        for name, ids in self._named.items():
            wide = {above for one in ids for above in self._above[one]}
            rows = zip(rules, lead, helpers, strict=True)
            self._weights[name] = np.array(
                [_weight(ids, wide, category.lead_agency_rule, head, rest) for category, head, rest in rows], np.float32
            )

    def _family(self, *rules: str) -> set[str]:
        """The agencies of some rules and those above them."""
        return {above for rule in rules for above in self._above.get(rule, ())}

    def support(self, texts: Iterable[str]) -> Floats:
        """How much an agent's plain texts speak for each label, 0 to `_MOST`."""
        total = np.zeros(len(self._labels), np.float32)
        for text in texts:
            if _PASSED_ON.search(text):
                for hit in self._pattern.finditer(text):
                    total += self._weights[hit[0]]
        result: Floats = np.minimum(total, np.float32(_MOST))
        return result


def _weight(ids: set[str], wide: set[str], own: str, lead: set[str], helpers: set[str]) -> float:
    """How much a named agency (`wide`: and those above it) speaks for a category of these leads and helpers."""
    if own in ids:
        return 1.0
    if wide & lead:
        return 0.6
    return 0.5 if ids & helpers else 0.25 if wide & helpers else 0.0
