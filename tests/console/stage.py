"""The real desk on a scripted server: opened at a size, waited for by looking, photographed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from agent_console.app import DeskApp, Seat
from agent_console.desk import Pace
from agent_console.screens.main import MainScreen
from agent_console.widgets.transcript import Transcript
from ivr.desk.catalogue import Language, load
from ivr.desk.envelope import Refused
from ivr.desk.views import DeskView
from tests.console.picture import picture
from tests.console.scenes import ARTICLES, CHOICES, NOW
from tests.fakes.desk_server import DeskServer
from ticketing.vocabulary import FieldName

QUICK = Pace(backoff=(0.02,), opening=5, answer=5, heartbeat=20)
DEADLINE = 10.0
QUIET_ROUNDS = 4


@dataclass
class HeldClock:
    """Time that moves when it is told to."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    def pass_by(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def server_with(view: DeskView) -> DeskServer:
    return DeskServer(view=view, now=NOW, articles=ARTICLES, choices=dict(CHOICES))


@dataclass
class Stage:
    """A desk that runs, and the hand that works it."""

    app: DeskApp
    pilot: Pilot[Refused]
    clock: HeldClock

    @property
    def main(self) -> MainScreen:
        screen = self.app.screen
        assert isinstance(screen, MainScreen)
        return screen

    async def until(self, holds: Callable[[], object], what: str = "") -> None:
        """Wait until it holds; the words in the failure are what was waited for."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DEADLINE
        while not holds():
            assert self.app.fault is None, self.app.fault
            if loop.time() > deadline:
                raise AssertionError(f"never came: {what or holds}\n{self.text()}")
            await asyncio.sleep(0.004)
        await self.settle()

    async def settle(self) -> None:
        """Let every widget handle what it has before it, and what comes of that; then draw."""
        quiet = 0
        while quiet < QUIET_ROUNDS:
            await asyncio.sleep(0)
            quiet = quiet + 1 if self._nothing_waits() else 0
        self.app.screen._on_timer_update()

    def _nothing_waits(self) -> bool:
        pumps = [self.app, *self.app.screen.walk_children(with_self=True)]
        return not any(pump._message_queue.qsize() + len(pump._next_callbacks) for pump in pumps)

    async def press(self, *keys: str) -> None:
        """By name, or a character; each is handled before the next one comes."""
        for key in keys:
            character = key if len(key) == 1 else {"space": " "}.get(key)
            name = _character_to_key(key) if len(key) == 1 else key
            self.app.post_message(events.Key(name, character))
            await self.settle()

    async def type(self, text: str) -> None:
        """As an input method hands it over: character by character."""
        for character in text:
            self.app.post_message(events.Key(_character_to_key(character), character))
        await self.settle()

    def text(self) -> str:
        """What stands on the screen, as plain lines."""
        _, height = self.app.size
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in lines[:height])

    def lit(self) -> list[str]:
        """The lines of the transcript that are lit."""
        transcript = self.main.query_one(Transcript)
        return [
            line.plain.strip() for line in transcript._lines if any("$lit" in str(span.style) for span in line.spans)
        ]

    async def focus(self, field: str) -> None:
        """Put the cursor into that field of the draft."""
        self.main.query_one(f"#field-{field} .editor").focus()
        await self.settle()

    def focused_field(self) -> FieldName | None:
        return self.main._focused_field()

    def box_text(self) -> str:
        """What stands in the knowledge's search box."""
        return self.main.query_one("#knowledge SearchBox", Input).value

    async def sees(self, *texts: str) -> None:
        """Wait until all of these stand on the screen."""
        await self.until(lambda: all(text in self.text() for text in texts), f"{texts} on the screen")

    def picture(self) -> str:
        """The screen as it stands, as an SVG."""
        return picture(self.app)


@asynccontextmanager
async def desk_at(
    server: DeskServer,
    *,
    size: tuple[int, int] = (120, 40),
    theme: str = "dark",
    language: Language = Language.CHINESE,
    signed_in: bool = True,
    password: str = "",
    address: str = "",
    pace: Pace = QUICK,
) -> AsyncIterator[Stage]:
    """A desk before that server, signed in unless it is to be done by hand, or with another `password`."""
    password = server.password if signed_in else password
    seat = Seat(server=address or server.url, agent=server.agent, password=password, theme=theme, blink=False)
    clock = HeldClock()
    app = DeskApp(seat, load(language), clock, pace)
    before = asyncio.all_tasks()
    async with app.run_test(size=size) as pilot:
        stage = Stage(app, pilot, clock)
        if signed_in:
            await stage.until(lambda: isinstance(app.screen, MainScreen) and app.screen.is_mounted, "the main screen")
        yield stage
    await _all_ended(before)


async def _all_ended(before: set[asyncio.Task[object]]) -> None:
    """A desk that was left runs no longer."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE
    while left := [task for task in asyncio.all_tasks() - before if not task.done()]:
        if loop.time() > deadline:
            raise AssertionError(f"still running: {left}")
        await asyncio.sleep(0.002)
