"""Colours: all from tokens, and legible."""

import re
from itertools import product
from pathlib import Path

import pytest
from textual.color import Color

from agent_console.tones import GROUNDS, THEMES, Piece, Tone, content

DESK = Path(__file__).parents[2] / "agent_console"
LEAST = {"dark": 4.5, "light": 4.5, "contrast": 7.0}
NAMED = r"\b(black|white|red|green|blue|yellow|cyan|magenta|gray|grey|orange|purple)\b"


def luminance(colour: Color) -> float:
    """WCAG 2.2, definition of relative luminance."""
    parts = [part / 255 for part in (colour.r, colour.g, colour.b)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_every_tone_can_be_read_on_every_ground(name: str) -> None:
    tokens = THEMES[name].variables
    pairs = [*product(Tone, GROUNDS), ("alarm-ink", "alarm-ground"), ("ground", "warn")]
    faint = {
        f"{ink} on {ground}": round(contrast(tokens[ink], tokens[ground]), 2)
        for ink, ground in pairs
        if contrast(tokens[ink], tokens[ground]) < LEAST[name]
    }
    assert faint == {}


def test_contrast_is_reckoned_as_wcag_does() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21.0
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


def test_no_colour_is_named_outside_the_themes() -> None:
    found: list[str] = []
    for path in [*DESK.rglob("*.tcss"), *DESK.rglob("*.py")]:
        if path.name == "tones.py":
            continue
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        pattern = r"#[0-9a-fA-F]{6}\b|rgb\(" + ("|" + NAMED if path.suffix == ".tcss" else "")
        found += [f"{path.name}: {match.group()}" for match in re.finditer(pattern, text)]
    assert found == []


def test_text_is_never_markup() -> None:
    assert content([Piece("[b]138[/b] ["), Piece("[red]", Tone.WARN)]).plain == "[b]138[/b] [[red]"
