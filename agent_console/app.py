"""The application: one desk, one person, and which screen they see. What it knows and shows lives elsewhere."""

import asyncio
import logging
import signal
import threading
import traceback
from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar, Final
from urllib.parse import urlsplit

from textual import on
from textual.app import App

from agent_console.clock import Clock
from agent_console.desk import Desk, Pace
from agent_console.messages import DeskChanged
from agent_console.screens.main import MainScreen
from agent_console.screens.sign_in import SignInScreen
from agent_console.state import LinkState
from agent_console.tones import THEMES
from ivr.desk.catalogue import Catalogue
from ivr.desk.envelope import Refused

logger = logging.getLogger(__name__)

WIDTHS: Final = [(0, "-narrow"), (100, "-wide")]
HEIGHTS: Final = [(0, "-low"), (34, "-tall")]
"""From how many columns and rows on a screen has which class."""

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """Where this desk stands. With a `password` it signs in at once and ends if that is refused."""

    server: str
    agent: str = ""
    password: str = ""
    theme: str = "dark"
    blink: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What broke the program: the exception's kind, and the file and line it came from."""

    kind: str
    place: str


class DeskApp(App[Refused]):
    """Ends with None after signing out, or with why the sign-in it was started with was refused."""

    CSS_PATH: ClassVar[list[str | PurePath]] = [
        "screens/main.tcss",
        "screens/help.tcss",
        "screens/sign_in.tcss",
        "widgets/bars.tcss",
        "widgets/call.tcss",
        "widgets/draft.tcss",
        "widgets/finder.tcss",
        "widgets/knowledge.tcss",
        "widgets/menu.tcss",
        "widgets/choice.tcss",
    ]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    ENABLE_COMMAND_PALETTE = False
    TITLE = "Huying"

    def __init__(self, seat: Seat, words: Catalogue, clock: Clock, pace: Pace | None = None) -> None:
        super().__init__()
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = THEMES[seat.theme].name
        self.desk = Desk(seat.server, self.post_message, clock, pace)
        self._seat = seat
        self._words = words
        self._clock = clock
        self._main: MainScreen | None = None
        self._unattended = bool(seat.password)
        self.fault: Fault | None = None

    def on_mount(self) -> None:
        """Signing in comes first, and happens at once where a password was given.

        Ended from outside (SIGTERM, SIGHUP), the terminal is given back as it was.
        """
        if threading.current_thread() is threading.main_thread():
            for end in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(end, self.exit)
        self.push_screen(self._sign_in_screen(again=False))
        if self._unattended:
            self._run_desk(self._seat.agent, self._seat.password)

    def _sign_in_screen(self, *, again: bool) -> SignInScreen:
        address = urlsplit(self._seat.server)
        return SignInScreen(
            self._words,
            self._clock,
            self._seat.server,
            self._seat.agent,
            safe=address.scheme == "wss" or address.hostname in LOOPBACK,
            again=again,
            blink=self._seat.blink,
        )

    def _run_desk(self, agent: str, password: str) -> None:
        self.run_worker(self.desk.run(agent, password), name="desk", group="desk", exclusive=True)

    @on(DeskChanged)
    def _changed(self) -> None:
        reception = self.desk.collect()
        state = reception.link.state
        if state is LinkState.REFUSED and self._unattended and self._main is None:
            self.exit(reception.link.refused)
            return
        if isinstance(self.screen, SignInScreen):
            self.screen.receive(reception)
            if state is LinkState.CONNECTED:
                self._enter()
        if self._main is not None:
            self._main.receive(reception)

    def _enter(self) -> None:
        if self._main is None:
            self._main = MainScreen(self.desk, self._words, self._clock, blink=self._seat.blink)
            self.switch_screen(self._main)
        else:
            self.pop_screen()

    @on(SignInScreen.SignedIn)
    def _signed_in(self, event: SignInScreen.SignedIn) -> None:
        self._run_desk(event.agent, event.password)

    @on(MainScreen.SignInAgain)
    def _again(self) -> None:
        if self._main is not None and self.screen is self._main:
            self.push_screen(self._sign_in_screen(again=True))

    @on(MainScreen.Leave)
    def _leave(self) -> None:
        self.exit()

    def _fatal_error(self) -> None:
        """Close on an unhandled exception, leaving its kind and place in `fault`.

        Textual's own way prints every local variable, and those hold what citizens said.
        """
        if self.fault is not None:
            return
        error = self._exception
        frames = [] if error is None else traceback.extract_tb(error.__traceback__)
        place = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        self.fault = Fault(kind=type(error).__name__, place=place)
        logger.critical("the desk failed: %s at %s", self.fault.kind, self.fault.place, exc_info=error)
        self._close_messages_no_wait()

    async def action_quit(self) -> None:
        """Ctrl+Q: signs out first where somebody is signed in. Textual binds it here, above every screen."""
        if self._main is not None and not isinstance(self.screen, SignInScreen):
            self._main.action_sign_out()
        else:
            self.exit()

    def action_help_quit(self) -> None:
        """Ctrl+C copies where something is marked and otherwise does nothing: it is no way to end a call."""
