"""Who sits at this desk."""

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Label, Static

from agent_console.clock import Clock
from agent_console.state import LinkState, Reception
from agent_console.tones import Piece, Tone, content
from ivr.desk.catalogue import Catalogue


class SignInScreen(Screen[None]):
    """Agent id, password, and why it did not work."""

    AUTO_FOCUS = ""

    @dataclass
    class SignedIn(Message):
        """The person has typed who they are."""

        agent: str
        password: str

    def __init__(
        self, words: Catalogue, clock: Clock, server: str, agent: str, *, safe: bool, again: bool, blink: bool
    ) -> None:
        super().__init__()
        self._words = words
        self._clock = clock
        self._server = server
        self._safe = safe
        self._again = again
        self._known_agent = agent
        self._reception = Reception()
        self._agent = Input(id="agent", compact=True, select_on_focus=False)
        self._password = Input(password=True, id="password", compact=True, select_on_focus=False)
        self._agent.cursor_blink = self._password.cursor_blink = blink
        self._told = Static(id="told")

    def compose(self) -> ComposeResult:
        """A small form in the middle."""
        say = self._words.say
        with Vertical(id="form") as form:
            form.border_title = content([Piece(say("sign_in.title"), bold=True)])
            yield Label(Content(say("sign_in.agent")))
            yield self._agent
            yield Label(Content(say("sign_in.password")))
            yield self._password
            yield self._told
            yield Label(content([Piece(f"{say('sign_in.server')} {self._server}", Tone.FAINT)]))
            if not self._safe:
                yield Label(content([Piece(say("sign_in.unencrypted"), Tone.WARN)]))
            if self._again:
                yield Label(content([Piece(say("sign_in.kept"), Tone.GOOD)]))
            yield Label(content([Piece(say("sign_in.hint"), Tone.FAINT)]))

    def on_mount(self) -> None:
        """The cursor stands where something is to be typed."""
        self._agent.value = self._known_agent
        (self._password if self._agent.value else self._agent).focus()
        self.set_interval(1.0, self._tick, name="second")

    def receive(self, reception: Reception) -> None:
        """How the attempt goes."""
        self._reception = reception
        self._tick()

    def _tick(self) -> None:
        link = self._reception.link
        say = self._words.say
        match link.state:
            case LinkState.CONNECTING:
                self._tell(say("link.connecting"), Tone.FAINT)
            case LinkState.LOST if link.retry_at is not None:
                seconds = max(0, round((link.retry_at - self._clock.now()).total_seconds()))
                self._tell(say("sign_in.unreachable", seconds=seconds), Tone.WARN)
            case LinkState.REFUSED if link.refused is not None:
                self._tell(self._words.tell(link.refused.code, link.refused.params), Tone.ALARM)
            case _:
                pass

    def _tell(self, text: str, tone: Tone) -> None:
        self._told.update(content([Piece(text, tone)]))

    @on(Input.Submitted, "#agent")
    def _agent_entered(self) -> None:
        self._password.focus()

    @on(Input.Submitted, "#password")
    def _entered(self) -> None:
        agent, password = self._agent.value.strip(), self._password.value
        if not agent:
            self._tell(self._words.say("sign_in.need_agent"), Tone.WARN)
            self._agent.focus()
        elif not password:
            self._tell(self._words.say("sign_in.need_password"), Tone.WARN)
        else:
            self._password.value = ""
            self.post_message(self.SignedIn(agent, password))
