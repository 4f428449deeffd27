"""The lines at the top and the bottom: state and banner, alarm, notice, keys."""

from datetime import datetime
from typing import Final

from textual.content import Content

from agent_console.keys import KEYS, SHOWN
from agent_console.lines import alarm_line, banner, top_line
from agent_console.state import Action, DeskState, LinkState, usable
from agent_console.tones import Piece, Tone, content
from agent_console.widgets.panel import Line
from ivr.desk.catalogue import Catalogue

ALONE: Final = frozenset({Action.KNOWLEDGE, Action.SIGN_OUT, Action.HELP})
"""What a key of the line does without the server."""


class TopLine(Line):
    """My state, the queue, the rates, the time; the connection's state in their place while the server is away."""

    def __init__(self, words: Catalogue) -> None:
        super().__init__(id="top")
        self._words = words

    def show(self, state: DeskState, now: datetime, width: int) -> None:
        """Show it for this moment, in that many cells."""
        away = banner(state, self._words, now, SHOWN[Action.SIGN_IN_AGAIN])
        self.set_class(bool(away), "-away")
        self.set_class(state.reception.link.state is LinkState.REFUSED, "-refused")
        if away:
            self.put(Content("".join(piece.text for piece in away)))
        else:
            self.put(content(top_line(state, self._words, now, width)))


class AlarmLine(Line):
    """The emergency cue."""

    def __init__(self, words: Catalogue) -> None:
        super().__init__(id="alarm")
        self._words = words
        self.display = False

    def show(self, state: DeskState) -> bool:
        """Show it, or nothing; true where there is one."""
        pieces = alarm_line(state, self._words)
        self.display = bool(pieces)
        self.put(Content("".join(piece.text for piece in pieces)))
        return bool(pieces)


class NoticeLine(Line):
    """The latest word to the person."""

    def __init__(self, words: Catalogue) -> None:
        super().__init__(id="notice")
        self._words = words

    def show(self, state: DeskState) -> None:
        """Show it, or an empty line."""
        notice = state.notice
        self.set_class(notice is not None and notice.alarm, "-alarm")
        self.put(Content("" if notice is None else f" {self._words.tell(notice.code, notice.params)}"))


class KeyLine(Line):
    """What the keys do; those that would do nothing now are dim."""

    def __init__(self, words: Catalogue) -> None:
        super().__init__(id="keys")
        self._words = words

    def show(self, state: DeskState) -> None:
        """Show the line."""
        here = state.reception.link.state is LinkState.CONNECTED
        pieces: list[Piece] = []
        for key in KEYS:
            if key.in_line:
                live = usable(key.action, state) and (here or key.action in ALONE)
                pieces.append(Piece(f" {key.shown}", Tone.BUSY if live else Tone.FAINT, bold=live))
                pieces.append(Piece(f" {self._words.say(f'key.{key.action}')} ", Tone.INK if live else Tone.FAINT))
        self.put(content(pieces))
