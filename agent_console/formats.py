"""How single things are written: clocks, moments, rates, numbers, lines of Chinese. Pure.

Widths are terminal cells: a hanzi takes two.
"""

import re
from datetime import UTC, datetime, tzinfo

from rich.cells import cell_len

MATCH_BEGINS, MATCH_ENDS = "\x02", "\x03"
"""What `ArticleHit.snippet` puts around the words that matched."""

NEVER_FIRST = frozenset("，。、；：？！）》」』”’…,.;:?!)%")
"""Marks that must not begin a line (GB/T 15834-2011, 5.1), and their Western kin."""

UNBROKEN = re.compile(r"[0-9A-Za-z*@./:+-]+")
"""Numbers and Latin words stay whole where the line has room for them."""


def clock(seconds: float) -> str:
    """mm:ss, hours in front from one hour on; time that has not begun is 00:00."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"


def time_of_day(moment: datetime, zone: tzinfo) -> str:
    """HH:MM:SS in the site's zone."""
    return f"{moment.astimezone(zone):%H:%M:%S}"


def day_and_time(moment: datetime, zone: tzinfo, now: datetime) -> str:
    """MM-DD HH:MM in the site's zone, the year in front where it is not this one."""
    local = moment.astimezone(zone)
    return f"{local:%m-%d %H:%M}" if local.year == now.astimezone(zone).year else f"{local:%Y-%m-%d %H:%M}"


def read_day_and_time(text: str, zone: tzinfo, now: datetime) -> datetime | None:
    """The moment (UTC) somebody wrote as [year-]month-day hour:minute in the site's zone; None for anything else.

    Without a year the next such day is meant: a date before today is next year's.
    """
    found = re.fullmatch(r"\s*(?:(\d{4})[-/.])?(\d{1,2})[-/.](\d{1,2})\s+(\d{1,2})[:：](\d{2})\s*", text)
    if found is None:
        return None
    year, month, day, hour, minute = (int(part) if part else None for part in found.groups())
    today = now.astimezone(zone)
    try:
        moment = datetime(year or today.year, month or 0, day or 0, hour or 0, minute or 0, tzinfo=zone)
        if year is None and moment.date() < today.date():
            moment = moment.replace(year=today.year + 1)
    except ValueError:
        return None
    return moment.astimezone(UTC)


def rate(part: int, of: int) -> str:
    """A percentage with one decimal, cut and not rounded so that 94.96 never reads as 95; nothing of nothing is ""."""
    if of <= 0:
        return ""
    tenths = part * 1000 // of
    return f"{tenths // 10}%" if tenths == 1000 else f"{tenths // 10}.{tenths % 10}%"


def confidence(value: float) -> str:
    """0..1 as a whole number of a hundred, cut."""
    return str(int(value * 100 + 1e-6))


def group_digits(number: str) -> str:
    """A mobile number as 138 1234 5678, a work order's number as 261121 0042; any other as it is."""
    if len(number) == 11 and number.startswith("1") and number.isdigit():
        return f"{number[:3]} {number[3:7]} {number[7:]}"
    if len(number) == 10 and number.isdigit():
        return f"{number[:6]} {number[6:]}"
    return number


def matches(snippet: str) -> list[tuple[str, bool]]:
    """The pieces of a snippet, each with whether it matched."""
    pieces: list[tuple[str, bool]] = []
    inside = False
    for piece in re.split(f"([{MATCH_BEGINS}{MATCH_ENDS}])", snippet):
        if piece in (MATCH_BEGINS, MATCH_ENDS):
            inside = piece == MATCH_BEGINS
        elif piece:
            pieces.append((piece, inside))
    return pieces


def line_breaks(text: str, width: int) -> list[int]:
    """Where to break `text` (offsets of characters) so that no line is wider than `width` cells.

    A line begins with no closing mark and numbers stay whole, where the line has room for that. Newlines in the text
    are breaks of their own.
    """
    breaks: list[int] = []
    start, used = 0, 0
    position = 0
    for piece in _pieces(text):
        wide = cell_len(piece)
        if piece == "\n":
            start, used = position + 1, 0
            breaks.append(position + 1)
        elif used + wide <= width:
            used += wide
        elif wide > width:
            for offset, character in enumerate(piece, position):
                cells = cell_len(character)
                if used + cells > width and offset > start:
                    breaks.append(offset)
                    start, used = offset, 0
                used += cells
        else:
            begin = position
            while begin > start + 1 and text[begin] in NEVER_FIRST:
                begin -= 1
            if cell_len(text[begin:position]) + wide > width:
                begin = position
            if begin > start:
                breaks.append(begin)
                start = begin
            used = cell_len(text[start:position]) + wide
        position += len(piece)
    return [at for at in breaks if at < len(text)]


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    position = 0
    for found in UNBROKEN.finditer(text):
        pieces.extend(text[position : found.start()])
        pieces.append(found.group())
        position = found.end()
    pieces.extend(text[position:])
    return pieces
