"""Tables in files: CSV (UTF-8, or GB 18030 as Chinese Excel saves it) and Excel (.xlsx), read and written as text.

What a spreadsheet would take for a formula is written as text (CWE-1236).
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from zipfile import BadZipFile

import msgspec
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils.exceptions import InvalidFileException

from ticketing.errors import SheetUnreadable

LONGEST = 200_000
"""Rows a sheet may have; more are to be brought in parts."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a sheet: its number as a spreadsheet shows it, and its cells by heading, without spaces around."""

    number: int
    cells: dict[str, str]


def read_sheet(file: Path) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """The headings and the rows that are not empty. Raises `SheetUnreadable`, naming the file and the mend."""
    suffix = file.suffix.lower()
    try:
        if suffix == ".csv":
            lines = list(csv.reader(io.StringIO(_text(file.read_bytes(), file), newline="")))
        elif suffix == ".xlsx":
            lines = _excel(file)
        else:
            raise SheetUnreadable(f"{file}: neither .csv nor .xlsx; save it as one of them")
    except OSError as error:
        raise SheetUnreadable(f"{file}: {error.strerror or 'cannot be read'}") from error
    except csv.Error as error:
        raise SheetUnreadable(f"{file}: not CSV ({error})") from error
    if not lines:
        raise SheetUnreadable(f"{file}: empty; its first row must be the headings")
    headings = tuple(cell.strip() for cell in lines[0])
    named = [one for one in headings if one]
    if len(set(named)) != len(named):
        twice = next(one for one in named if named.count(one) > 1)
        raise SheetUnreadable(f"{file}: the heading {twice!r} stands twice; keep one")
    if len(lines) - 1 > LONGEST:
        raise SheetUnreadable(f"{file}: {len(lines) - 1} rows; bring in at most {LONGEST} at once")
    rows = []
    for number, cells in enumerate(lines[1:], 2):
        by_heading = {name: cell.strip() for name, cell in zip(headings, cells, strict=False) if name}
        if any(by_heading.values()):
            rows.append(Row(number=number, cells=by_heading))
    return headings, tuple(rows)


def write_csv(file: Path, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file Excel opens as what it is (UTF-8 with its mark)."""
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(headings)
        writer.writerows([_harmless(cell) for cell in row] for row in rows)


def write_excel(file: Path, headings: Sequence[str], rows: Iterable[Sequence[str]], *, mark: str) -> None:
    """Write an Excel file; `mark` stands on every printed page and in the file's properties."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("数据")
    sheet.oddFooter.center.text = mark
    book.properties.creator = mark
    book.properties.description = mark
    for cells in (headings, *rows):
        line = []
        for cell in cells:
            one = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", cell))
            one.data_type = "s"
            line.append(one)
        sheet.append(line)
    book.save(file)


def _excel(file: Path) -> list[list[str]]:
    try:
        book = load_workbook(file, read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, KeyError, ValueError) as error:
        raise SheetUnreadable(f"{file}: no Excel file; save it as .xlsx") from error
    try:
        sheet = book.worksheets[0]
        return [[_shown(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    finally:
        book.close()


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _text(raw: bytes, file: Path) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SheetUnreadable(f"{file}: neither UTF-8 nor GB 18030; save it as UTF-8")


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) and not cell[1:].replace(".", "").isdecimal() else cell
