import csv
import json
from datetime import timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from tests.fakes.tickets import SITE
from tests.integration.test_ticketing_casework import AGENT, HEAD, Hotline
from ticketing.database import Database
from ticketing.errors import AccessRefused, SheetUnreadable
from ticketing.exporting import MARK, TicketExport
from ticketing.importing import TicketImport
from ticketing.lifecycle.table import Actor
from ticketing.old_tickets import COLUMNS
from ticketing.records import TicketFilter
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import Closure, ContactId, FieldName, Role, TicketState

pytestmark = pytest.mark.database

ADMIN = Actor(id="9001", role=Role.ADMIN)
ANALYST = Actor(id="5001", role=Role.ANALYST)
GOOD = {
    "工单编号": "2610080007",
    "受理时间": "2026/10/8 9:30",
    "诉求类型": "投诉",
    "问题分类": "城市管理->市容秩序->占道经营",
    "标题": "占道经营",
    "主要内容": "早市占道",
    "工单状态": "归档",
    "主办单位": "运城市城市管理局",
    "来电人": "申先生",
    "联系电话": "138-0000-5678",
    "派单时间": "2026-10-08 10:00",
    "办结时间": "2026-10-12 16:00",
    "办结方式": "已解决",
    "办理结果": "已取缔",
    "是否解决": "是",
    "是否满意": "否",
}


def sheet(file: Path, *rows: dict[str, str], headings: tuple[str, ...] = COLUMNS, encoding: str = "utf-8") -> Path:
    with file.open("w", encoding=encoding, newline="") as out:
        writer = csv.DictWriter(out, headings)
        writer.writeheader()
        writer.writerows(rows)
    return file


def excel(file: Path, *rows: dict[str, object]) -> Path:
    book = Workbook()
    page = book.active
    assert page is not None
    page.append(list(COLUMNS))
    for row in rows:
        page.append([row.get(one) for one in COLUMNS])
    book.save(file)
    return file


@pytest.fixture
def hotline(database: Database) -> Hotline:
    made = Hotline(database)
    made.clock.forward(days=30)
    return made


@pytest.fixture
def importer(hotline: Hotline) -> TicketImport:
    return TicketImport(hotline.database, SITE, now=hotline.clock)


async def test_an_old_ticket_comes_in_with_its_past(hotline: Hotline, importer: TicketImport, tmp_path: Path) -> None:
    brought = await importer.bring_in(sheet(tmp_path / "old.csv", GOOD, encoding="gb18030"), ADMIN)
    assert (brought.rows, brought.written, brought.faults) == (1, 1, ())
    assert brought.first == "2610080007"  # its own number: the citizen knows it
    await hotline.sound("2610080007")
    case = await hotline.case("2610080007")
    assert (case.ticket.state, case.ticket.closure) == (TicketState.ARCHIVED, Closure.SOLVED)
    assert (case.ticket.lead_agency_id, case.ticket.category_code) == ("d-cgj", "010101")
    assert (case.ticket.citizen_name, case.ticket.callback_phone) == ("申先生", "13800005678")
    assert case.life.due_at is not None
    assert case.life.due_at.isoformat() == "2026-10-14T09:30:00+00:00"  # the 10th was worked
    again = await importer.bring_in(sheet(tmp_path / "old.csv", GOOD), ADMIN)
    assert (again.written, again.known) == (0, 1)


async def test_a_caller_is_known_from_before_and_numbers_go_on(
    hotline: Hotline, importer: TicketImport, tmp_path: Path
) -> None:
    today = hotline.clock.at.astimezone(SITE.zone)
    row = {**GOOD, "工单编号": f"{today:%y%m%d}0041", "受理时间": f"{today:%Y-%m-%d} 00:10", "工单状态": "办理中"}
    row |= {"派单时间": f"{today:%Y-%m-%d} 00:20", "办结时间": ""}
    brought = await importer.bring_in(sheet(tmp_path / "a.csv", row, {**row, "工单编号": "旧-1"}), ADMIN)
    assert (brought.first, brought.last) == (f"{today:%y%m%d}0041", f"{today:%y%m%d}0042")
    assert await hotline.submit("call-1") == f"{today:%y%m%d}0043"
    async with UnitOfWork(hotline.database, reads=True) as unit:
        assert (await hotline.service.caller(unit, ContactId("call-1"))).open_tickets == 3
    await hotline.sound(f"{today:%y%m%d}0042")
    assert (await hotline.case(f"{today:%y%m%d}0042")).ticket.state is TicketState.IN_PROGRESS


@pytest.mark.parametrize(
    ("change", "column", "why"),
    [
        ({"受理时间": "昨天"}, "受理时间", "不是时间"),
        ({"受理时间": "2999-01-01"}, "受理时间", "在将来"),
        ({"诉求类型": "闲聊"}, "诉求类型", "不认识"),
        ({"问题分类": "外星事务"}, "问题分类", "没有这个分类"),
        ({"标题": ""}, "标题", "为空"),
        ({"主办单位": "外星局"}, "主办单位", "没有这个单位"),
        ({"主办单位": ""}, "主办单位", "为空"),
        ({"联系电话": "没有"}, "联系电话", "不是电话号码"),
        ({"办结时间": ""}, "办结时间", "为空"),
        ({"办结时间": "2026-10-01"}, "办结时间", "早于"),
        ({"办结方式": "直接答复"}, "派单时间", "没有派单"),
        ({"地点": "月球"}, "地点", "没有这个地点"),
        ({"是否满意": "凑合"}, "是否满意", "不认识"),
    ],
)
async def test_a_refused_row_is_told_and_nothing_is_brought_in(
    hotline: Hotline, importer: TicketImport, tmp_path: Path, change: dict[str, str], column: str, why: str
) -> None:
    file = sheet(tmp_path / "old.csv", {**GOOD, "工单编号": "1"}, {**GOOD, **change})
    brought = await importer.bring_in(file, ADMIN)
    assert [(one.row, one.column) for one in brought.faults] == [(3, column)]
    assert why in brought.faults[0].why
    assert brought.faults[0].mend
    async with UnitOfWork(hotline.database, reads=True) as unit:
        assert await unit.tickets.count() == 0
    assert (await importer.bring_in(file, ADMIN, skip=True, dry_run=True)).written == 0
    assert (await importer.bring_in(file, ADMIN, skip=True)).written == 1


async def test_a_sheet_with_wrong_headings_or_no_sheet_at_all(importer: TicketImport, tmp_path: Path) -> None:
    short = sheet(tmp_path / "a.csv", {"标题": "x", "颜色": "y"}, headings=("标题", "颜色"))
    brought = await importer.bring_in(short, ADMIN, skip=True)
    assert {one.column for one in brought.faults} >= {"工单编号", "颜色"}
    assert brought.written == 0
    (tmp_path / "b.xlsx").write_bytes(b"nothing")
    (tmp_path / "c.csv").write_bytes(b"")
    (tmp_path / "d.csv").write_text("a,a\n1,2\n")
    (tmp_path / "e.txt").write_text("a\n")
    for name in ("b.xlsx", "c.csv", "d.csv", "e.txt", "missing.csv"):
        with pytest.raises(SheetUnreadable, match=name[:1]):
            await importer.bring_in(tmp_path / name, ADMIN)
    with pytest.raises(AccessRefused):
        await importer.bring_in(short, AGENT)


async def test_excel_takes_zeros_away_and_they_are_put_back(
    hotline: Hotline, importer: TicketImport, tmp_path: Path
) -> None:
    row: dict[str, object] = {**GOOD, "工单编号": 17, "问题分类": 10101, "联系电话": 13800005678.0}
    row["受理时间"] = (hotline.clock.at - timedelta(days=60)).replace(tzinfo=None)
    brought = await importer.bring_in(excel(tmp_path / "old.xlsx", row, {**GOOD, "工单编号": "2610080007"}), ADMIN)
    assert (brought.written, brought.faults) == (2, ())
    async with UnitOfWork(hotline.database, reads=True) as unit:
        (ticket,) = [one for one in await unit.tickets.find(TicketFilter()) if one.submit_key == "import-17"]
    assert (ticket.category_code, ticket.callback_phone) == ("010101", "13800005678")


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "json"])
async def test_an_export_is_masked_marked_and_kept(hotline: Hotline, tmp_path: Path, suffix: str) -> None:
    await hotline.dispatched("call-1", {FieldName.TITLE: "=HYPERLINK(1)"})
    await hotline.dispatched("call-2", {FieldName.CATEGORY: "010201", FieldName.LEAD_AGENCY: "d-gaj"})
    sensitive = await hotline.dispatched(
        "call-3", {FieldName.CATEGORY: "010201", FieldName.CONFIDENTIAL: "yes", FieldName.CONTENT: "申先生举报"}
    )
    export = TicketExport(hotline.database, SITE, now=hotline.clock)
    file = tmp_path / f"out.{suffix}"
    taken = await export.take_out(file, TicketFilter(), ANALYST, "月报", 100)
    assert (taken.tickets, "5001" in taken.mark) == (3, True)
    rows = read(file)
    assert rows[0]["工单编号"] == sensitive
    assert {one[MARK] for one in rows} == {taken.mark}
    assert {one["联系电话"] for one in rows} == {"138****5678", ""}
    assert not any("申先生" in str(one) for one in rows)
    assert rows[2]["标题"] == ("'=HYPERLINK(1)" if suffix == "csv" else "=HYPERLINK(1)")
    async with UnitOfWork(hotline.database, reads=True) as unit:
        kept = await unit.audits.of_subject("ticket", sensitive)
    assert [(one.actor, one.action) for one in kept] == [("5001", "export")]
    mine = await export.take_out(file, TicketFilter(), HEAD, "核对", 100)
    assert mine.tickets == 2
    with pytest.raises(AccessRefused):
        await export.take_out(file, TicketFilter(), AGENT, "看看", 100)
    with pytest.raises(AccessRefused, match="用途"):
        await export.take_out(file, TicketFilter(), ANALYST, " ", 100)
    with pytest.raises(SheetUnreadable):
        await export.take_out(tmp_path / "out.doc", TicketFilter(), ANALYST, "月报", 100)


def read(file: Path) -> list[dict[str, str]]:
    if file.suffix == ".json":
        rows: list[dict[str, str]] = json.loads(file.read_text())["tickets"]
        return rows
    if file.suffix == ".csv":
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return list(csv.DictReader(lines))
    page = load_workbook(file).worksheets[0]
    headings, *lines_ = page.iter_rows()
    assert all(cell.data_type != "f" for line in lines_ for cell in line)
    return [{str(h.value): str(cell.value or "") for h, cell in zip(headings, line, strict=True)} for line in lines_]
