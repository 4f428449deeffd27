"""Brings articles in: the rows of a sheet become a changed site pack, or nothing does. Pure but for the reading."""

import re
from datetime import date
from pathlib import Path

import msgspec

from ticketing.old_tickets import Fault
from ticketing.pack import Article
from ticketing.sheets import Row, read_sheet
from ticketing.site import Site
from ticketing.vocabulary import AgencyId, CategoryCode

COLUMNS = {
    "编号": "id",
    "类别": "class",
    "标题": "title",
    "问法": "questions",
    "答复": "answer",
    "分类编码": "category_code",
    "单位": "agency_id",
    "标签": "tags",
    "生效日期": "valid_from",
    "失效日期": "valid_to",
    "更新日期": "updated_at",
}
"""Headings and what they are in `kb.jsonl`. 问法 and 标签 are separated by |."""

_REQUIRED = ("类别", "标题", "问法", "答复", "分类编码", "单位")
_LISTS = ("问法", "标签")
_DATES = ("生效日期", "失效日期", "更新日期")
_KINDS = ("政务便民", "公共服务", "单位职责")


def read_articles(file: Path, site: Site, today: date) -> tuple[tuple[Article, ...], tuple[Fault, ...]]:
    """The articles of a sheet and what is wrong with the others. One without 编号 gets the next free id.

    Raises `SheetUnreadable`.
    """
    headings, rows = read_sheet(file)
    faults = [
        Fault(row=1, column=one, why="缺少此列", mend="在首行加上此列并逐行填写")
        for one in _REQUIRED
        if one not in headings
    ]
    faults += [
        Fault(row=1, column=one, why="不认识的列", mend=f"改用其中之一或删去：{'、'.join(COLUMNS)}")
        for one in headings
        if one and one not in COLUMNS
    ]
    if faults:
        return (), tuple(faults)
    agencies = {name: one.id for one in site.agencies.values() for name in (one.short_name, one.name, one.id)}
    used = [int(found[1]) for one in site.articles if (found := re.fullmatch(r"kb-(\d+)", one))]
    number = max(used, default=0)
    found_articles: list[Article] = []
    seen: dict[str, int] = {}
    for row in rows:
        wrong = _faults(row, site, agencies)
        key = row.cells.get("编号", "")
        if key and (other := seen.setdefault(key, row.number)) != row.number:
            wrong.append(Fault(row=row.number, column="编号", why=f"与第 {other} 行相同", mend="删去重复的行"))
        if wrong:
            faults += wrong
            continue
        if not key:
            number += 1
            key = f"kb-{number:04d}"
        found_articles.append(_article(key, row, agencies, today))
    return tuple(found_articles), tuple(faults)


def merged_lines(site: Site, articles: tuple[Article, ...]) -> bytes:
    """`kb.jsonl` with these articles in the place of those of the same id, new ones at the end."""
    whole = {**site.articles, **{one.id: one for one in articles}}
    return b"".join(msgspec.json.encode(one) + b"\n" for one in whole.values())


def _faults(row: Row, site: Site, agencies: dict[str, AgencyId]) -> list[Fault]:
    def fault(column: str, why: str, mend: str) -> Fault:
        return Fault(row=row.number, column=column, why=why, mend=mend)

    cells = row.cells
    found = [fault(one, "为空", "填写此格") for one in _REQUIRED if not cells.get(one)]
    if (kind := cells.get("类别")) and kind not in _KINDS:
        found.append(fault("类别", f"不认识：{kind[:30]}", f"填其中之一：{'、'.join(_KINDS)}"))
    code = cells.get("分类编码", "").zfill(6)
    if cells.get("分类编码") and CategoryCode(code) not in site.categories:
        found.append(fault("分类编码", f"没有这个分类：{code[:30]}", "填六位分类编码，见 categories.csv"))
    if (unit := cells.get("单位")) and unit not in agencies:
        found.append(fault("单位", f"没有这个单位：{unit[:30]}", "填单位编号或全称，见 agencies.csv"))
    days: dict[str, date] = {}
    for column in _DATES:
        if text := cells.get(column):
            try:
                days[column] = date.fromisoformat(text.replace("/", "-")[:10])
            except ValueError:
                found.append(fault(column, f"不是日期：{text[:30]}", "写成 2026-11-02"))
    if "生效日期" in days and "失效日期" in days and days["失效日期"] < days["生效日期"]:
        found.append(fault("失效日期", "早于生效日期", "改为之后的日期"))
    return found


def _article(key: str, row: Row, agencies: dict[str, AgencyId], today: date) -> Article:
    values: dict[str, object] = {}
    for column, name in COLUMNS.items():
        text = row.cells.get(column, "")
        if column in _LISTS:
            values[name] = [one.strip() for one in text.split("|") if one.strip()]
        elif column in _DATES:
            values[name] = text.replace("/", "-")[:10] or None
        else:
            values[name] = text
    values |= {
        "id": key,
        "category_code": row.cells["分类编码"].zfill(6),
        "agency_id": agencies[row.cells["单位"]],
        "updated_at": values["updated_at"] or today.isoformat(),
    }
    return msgspec.convert(values, Article)
