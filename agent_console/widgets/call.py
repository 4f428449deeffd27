"""The call: whose it is, what was before, and what is being said."""

from datetime import datetime

from textual import on
from textual.app import ComposeResult
from textual.content import Content

from agent_console.formats import group_digits
from agent_console.keys import SHOWN
from agent_console.lines import call_line, call_title
from agent_console.said import said
from agent_console.state import Action, DeskState
from agent_console.tones import Piece, Tone, content
from agent_console.widgets.panel import Line, Panel
from agent_console.widgets.prose import Prose
from agent_console.widgets.transcript import Transcript
from ivr.calls.vocabulary import CallState
from ivr.desk.catalogue import Catalogue


class CallPanel(Panel):
    """The card in the frame's title, the caller's last work order, the transcript."""

    def __init__(self, words: Catalogue) -> None:
        super().__init__(id="call")
        self._words = words
        self._line = Line(id="call-line")
        self._pop = Prose(id="call-pop")
        self._number = Line(id="call-number")
        self._number.display = False
        self.transcript = Transcript(words, id="transcript")
        self._call = ""

    def compose(self) -> ComposeResult:
        """Line (or, while it rings, all of it), revealed number, transcript."""
        yield self._line
        yield self._pop
        yield self._number
        yield self.transcript

    def show(self, state: DeskState, lit: frozenset[str], now: datetime) -> None:
        """Show the call as it stands."""
        call = state.call
        if call is None or call.id != self._call:
            self.hide_number()
        self._call = "" if call is None else call.id
        self.entitle(content(call_title(state, self._words)))
        ringing = call is not None and call.state is CallState.OFFERED
        self.set_class(ringing, "-ringing")
        self._line.display, self._pop.display = not ringing, ringing
        told = content(call_line(state, self._words, now, SHOWN[Action.STATE]))
        if ringing:
            self._pop.put(told)
        else:
            self._line.put(told)
        view = state.view
        self.transcript.show(() if view is None else said(view, state.reception.zone), lit)

    def show_number(self, number: str, seconds: float) -> None:
        """Show the whole number for a while; it is kept nowhere else."""
        pieces = (Piece(f"{self._words.say('call.revealed')} ", Tone.FAINT), Piece(group_digits(number), bold=True))
        self._number.put(content(pieces))
        self._number.display = True
        self.set_timer(seconds, self.hide_number)

    def hide_number(self) -> None:
        """Forget the whole number."""
        if self._number.display:
            self._number.put(Content(""))
            self._number.display = False

    @on(Transcript.Followed)
    def _followed(self, event: Transcript.Followed) -> None:
        event.stop()
        more = self._words.say("transcript.more")
        self.foot(Content("") if event.following else content([Piece(more, Tone.WARN)]))
