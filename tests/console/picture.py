"""A screen as an SVG that is exact for wide characters, whatever fonts its reader has, and fetches nothing.

Rich's own export measures text by characters, so hanzi run into each other. Here every character has its own place on
the grid, and frames, bars and blocks are drawn, not written.
"""

from html import escape
from typing import Any, Final

from rich.cells import get_character_cell_size
from rich.color import Color, ColorType
from rich.segment import Segment
from rich.style import Style
from textual.app import App

WIDE, HIGH = 9, 22
"""One cell, in pixels."""

MARGIN: Final = 8
BASELINE: Final = 17
FONTS: Final = (
    "'Sarasa Mono SC', 'Noto Sans Mono CJK SC', 'Noto Sans Mono', 'WenQuanYi Zen Hei Mono', "
    "Menlo, Consolas, 'DejaVu Sans Mono', monospace"
)

LEFT, RIGHT, UP, DOWN = 1, 2, 4, 8
FRAMES: Final = {
    "─": LEFT | RIGHT, "│": UP | DOWN, "╭": RIGHT | DOWN, "╮": LEFT | DOWN, "╰": RIGHT | UP, "╯": LEFT | UP,
    "━": LEFT | RIGHT, "┃": UP | DOWN, "┏": RIGHT | DOWN, "┓": LEFT | DOWN, "┗": RIGHT | UP, "┛": LEFT | UP,
}  # fmt: skip
HEAVY: Final = frozenset("━┃┏┓┗┛")
LOWER: Final = "▁▂▃▄▅▆▇█"
"""Blocks that fill the cell from below, by eighths."""


def picture(app: App[Any], title: str = "") -> str:
    """The screen as it stands."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()[:height]
    ground = Style.parse(f"on {app.theme_variables['background']}")
    shapes: list[str] = []
    words: list[str] = []
    for row, strip in enumerate(strips):
        column = 0
        for segment in strip:
            _draw(segment, column, row, ground, shapes, words)
            column += segment.cell_length
    wide, high = width * WIDE + 2 * MARGIN, height * HIGH + 2 * MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{wide}" height="{high}" rx="6" fill="{_background(ground, ground)}"/>',
            f'<g transform="translate({MARGIN} {MARGIN})" font-size="{2 * WIDE}" font-family="{escape(FONTS)}">',
            *shapes,
            *words,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _draw(segment: Segment, column: int, row: int, ground: Style, shapes: list[str], words: list[str]) -> None:
    style = segment.style or Style.null()
    ink, paper = _foreground(style), _background(style, ground)
    if style.reverse:
        ink, paper = paper, ink
    x, y = column * WIDE, row * HIGH
    if paper != _background(ground, ground):
        shapes.append(f'<rect x="{x}" y="{y}" width="{segment.cell_length * WIDE}" height="{HIGH}" fill="{paper}"/>')
    places: list[int] = []
    written: list[str] = []
    at = x
    for character in segment.text:
        cells = get_character_cell_size(character)
        if character in FRAMES:
            shapes.append(_frame(character, at, y, ink))
        elif character in LOWER:
            part = HIGH * (LOWER.index(character) + 1) / 8
            shapes.append(f'<rect x="{at}" y="{y + HIGH - part:g}" width="{WIDE}" height="{part:g}" fill="{ink}"/>')
        elif not character.isspace():
            places.append(at)
            written.append(character)
        at += cells * WIDE
    if written:
        looks = "".join(
            [
                ' font-weight="bold"' if style.bold else "",
                ' font-style="italic"' if style.italic else "",
                ' opacity="0.6"' if style.dim else "",
            ]
        )
        xs = " ".join(str(place) for place in places)
        words.append(f'<text x="{xs}" y="{y + BASELINE:g}" fill="{ink}"{looks}>{escape("".join(written))}</text>')
    if style.underline and segment.text.strip():
        line = f'<path d="M{x} {y + HIGH - 2.5}h{segment.cell_length * WIDE}" stroke="{ink}" fill="none"/>'
        shapes.append(line)


def _frame(character: str, x: int, y: int, ink: str) -> str:
    middle_x, middle_y = x + WIDE / 2, y + HIGH / 2
    ends = {
        LEFT: (x, middle_y),
        RIGHT: (x + WIDE, middle_y),
        UP: (middle_x, y),
        DOWN: (middle_x, y + HIGH),
    }
    arms = [end for side, end in ends.items() if FRAMES[character] & side]
    (x1, y1), (x2, y2) = arms
    thick = 2.5 if character in HEAVY else 1
    path = f"M{x1:g} {y1:g}Q{middle_x:g} {middle_y:g} {x2:g} {y2:g}"
    return f'<path d="{path}" stroke="{ink}" stroke-width="{thick:g}" fill="none"/>'


def _foreground(style: Style) -> str:
    return _hex(style.color) or "#cccccc"


def _background(style: Style, ground: Style) -> str:
    return _hex(style.bgcolor) or _hex(ground.bgcolor)


def _hex(color: Color | None) -> str:
    if color is None or color.type is ColorType.DEFAULT:
        return ""
    return color.get_truecolor().hex
