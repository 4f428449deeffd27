"""What a piece of text means for the eye, and the three themes that give each meaning a colour.

The only file with colours in it: widgets and style sheets name tones. Every tone is read on `ground`, and the contrast
of each pair is tested (WCAG 2.2, 1.4.3: 4.5 to 1; the high-contrast theme 1.4.6: 7 to 1).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from textual.content import Content
from textual.theme import Theme


class Tone(StrEnum):
    """A meaning; the value is the colour's token."""

    INK = "ink"
    FAINT = "faint"
    CITIZEN = "citizen"
    OFFICER = "officer"
    GOOD = "good"
    BUSY = "busy"
    WARN = "warn"
    ALARM = "alarm"
    MINE = "mine"
    IDEA = "idea"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text in one tone."""

    text: str
    tone: Tone = Tone.INK
    bold: bool = False


def content(pieces: Iterable[Piece]) -> Content:
    """The pieces as Textual shows them; their text is never read as markup."""
    return Content.assemble(*((piece.text, f"${piece.tone}{' bold' if piece.bold else ''}") for piece in pieces))


GROUNDS: Final = ("ground", "bar", "field", "lit")
"""Tokens of backgrounds that text stands on, besides `alarm-ground`, which only `alarm-ink` stands on."""


def _theme(name: str, dark: bool, tokens: dict[str, str]) -> Theme:
    return Theme(
        name=name,
        dark=dark,
        primary=tokens["focus"],
        secondary=tokens["line"],
        accent=tokens["focus"],
        warning=tokens["warn"],
        error=tokens["alarm"],
        success=tokens["good"],
        foreground=tokens["ink"],
        background=tokens["ground"],
        surface=tokens["ground"],
        panel=tokens["bar"],
        variables=tokens
        | {
            "border": tokens["focus"],
            "border-blurred": tokens["line"],
            "block-cursor-background": tokens["field"],
            "block-cursor-foreground": tokens["ink"],
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-background": tokens["bar"],
            "block-cursor-blurred-foreground": tokens["ink"],
            "block-cursor-blurred-text-style": "none",
            "input-cursor-background": tokens["ink"],
            "input-cursor-foreground": tokens["ground"],
            "input-selection-background": tokens["lit"],
            "input-selection-foreground": tokens["ink"],
            "screen-selection-background": tokens["lit"],
            "screen-selection-foreground": tokens["ink"],
            "scrollbar": tokens["line"],
            "scrollbar-hover": tokens["faint"],
            "scrollbar-active": tokens["focus"],
            "scrollbar-background": tokens["ground"],
            "scrollbar-background-hover": tokens["ground"],
            "scrollbar-background-active": tokens["ground"],
            "scrollbar-corner-color": tokens["ground"],
        },
    )


THEMES: Final = {
    "dark": _theme(
        "huying-dark",
        True,
        {
            "ground": "#12161c",
            "bar": "#1c232d",
            "field": "#20324a",
            "lit": "#4a3d12",
            "line": "#3b4653",
            "focus": "#4f9cf0",
            "ink": "#d9dfe7",
            "faint": "#a3adba",
            "citizen": "#8ccaff",
            "officer": "#b9dc92",
            "good": "#7ed48a",
            "busy": "#7cc4ff",
            "warn": "#f5bd5c",
            "alarm": "#ff9c94",
            "mine": "#ffffff",
            "idea": "#dcb8ff",
            "alarm-ground": "#8f1d1d",
            "alarm-ink": "#ffffff",
        },
    ),
    "light": _theme(
        "huying-light",
        False,
        {
            "ground": "#fbfbfa",
            "bar": "#e9edf1",
            "field": "#dcebfb",
            "lit": "#ffeea3",
            "line": "#b4bec9",
            "focus": "#0b63c5",
            "ink": "#1b222b",
            "faint": "#4d5865",
            "citizen": "#0a4f94",
            "officer": "#2f5f1a",
            "good": "#17642a",
            "busy": "#0a55a8",
            "warn": "#7a4b00",
            "alarm": "#a3121a",
            "mine": "#000000",
            "idea": "#642a96",
            "alarm-ground": "#a3121a",
            "alarm-ink": "#ffffff",
        },
    ),
    "contrast": _theme(
        "huying-contrast",
        True,
        {
            "ground": "#000000",
            "bar": "#1a1a1a",
            "field": "#00306b",
            "lit": "#453700",
            "line": "#ffffff",
            "focus": "#ffff00",
            "ink": "#ffffff",
            "faint": "#e0e0e0",
            "citizen": "#8fdcff",
            "officer": "#b8ff70",
            "good": "#80ff80",
            "busy": "#8fdcff",
            "warn": "#ffd84d",
            "alarm": "#ffc2bd",
            "mine": "#ffffff",
            "idea": "#f0d0ff",
            "alarm-ground": "#8a0000",
            "alarm-ink": "#ffffff",
        },
    ),
}
"""By the name the command line takes."""
