"""What the desk's screens are photographed in: the pictures of the README, and of the tests that guard them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from agent_console.desk import Pace
from asr.transcript import Speaker
from ivr.desk.catalogue import Language
from ivr.desk.views import DeskView
from ivr.desk.wire import DraftChanged, Said
from tests.console.scenes import DRAFT, HEAT_COLD, IDLE, IN_CALL, RINGS, segment
from tests.console.stage import QUICK, Stage, desk_at, server_with
from tests.fakes.desk_server import DeskServer
from ticketing.views import DraftField
from ticketing.vocabulary import FieldName

change = msgspec.structs.replace
Play = Callable[[Stage, DeskServer], Awaitable[None]]

WIDE, MIDDLE, NARROW = (120, 40), (100, 30), (80, 24)


async def _nothing(stage: Stage, server: DeskServer) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A view, and what is done before the picture is taken."""

    view: DeskView
    play: Play = _nothing
    signed_in: bool = True
    theme: str = "dark"
    language: Language = Language.CHINESE
    pace: Pace = field(default=QUICK)

    async def take(self, size: tuple[int, int]) -> str:
        """The picture at that size."""
        address = "" if self.signed_in else "ws://127.0.0.1:8712"
        async with (
            server_with(self.view) as server,
            desk_at(
                server,
                size=size,
                theme=self.theme,
                language=self.language,
                signed_in=self.signed_in,
                address=address,
                pace=self.pace,
            ) as stage,
        ):
            await self.play(stage, server)
            await stage.settle()
            return stage.picture()


def _mine() -> DeskView:
    """The agent has set two fields; of one the machine thinks otherwise."""
    fields = DRAFT.fields | {
        FieldName.CATEGORY: DraftField(
            value="040103", label="供热 › 收费争议", mine=True, evidence=("s2",), suggestion=HEAT_COLD
        ),
        FieldName.CITIZEN_NAME: DraftField(value="王女士", mine=True),
    }
    return change(IN_CALL, draft=change(DRAFT, fields=fields))


async def _focus_category(stage: Stage, server: DeskServer) -> None:
    await stage.focus("category")


async def _choose(stage: Stage, server: DeskServer) -> None:
    await stage.focus("lead_agency")
    await stage.press("enter")
    await stage.sees("3 南城街道")


async def _read(stage: Stage, server: DeskServer) -> None:
    await stage.press("f3", "enter")
    await stage.sees("供热期内正常供热的住户")


async def _submit(stage: Stage, server: DeskServer) -> None:
    await stage.press("f9")
    await stage.sees("已提交")
    await stage.press("f10", "f10")
    await stage.sees("话后整理")


async def _lose(stage: Stage, server: DeskServer) -> None:
    await server.stop()
    await stage.sees("秒后重连")
    await stage.focus("citizen_name")
    await stage.type("王女士")
    await stage.sees("1 项待存")


async def _alarm(stage: Stage, server: DeskServer) -> None:
    alarm = change(DRAFT, emergency_target="119", emergency_evidence=("s9",))
    words = segment(9, Speaker.CITIZEN, 60, "楼道里冒烟了，好像着火了，快来人")
    await server.tell(Said(seq=0, segment=words), DraftChanged(seq=0, draft=alarm))
    await stage.sees("紧急情况")


async def _menu(stage: Stage, server: DeskServer) -> None:
    await stage.press("f2")
    await stage.sees("后台处理")


async def _help(stage: Stage, server: DeskServer) -> None:
    await stage.press("f1")
    await stage.sees("Ctrl+Down")


_STILL: Final = change(IN_CALL, hypotheses=())

SHOTS: Final = {
    "sign-in": Shot(view=IDLE, signed_in=False),
    "idle": Shot(view=IDLE),
    "ringing": Shot(view=RINGS),
    "call": Shot(view=_mine(), play=_focus_category),
    "article": Shot(view=IN_CALL, play=_read),
    "wrap-up": Shot(view=_STILL, play=_submit),
    "lost": Shot(view=IN_CALL, play=_lose, pace=Pace(backoff=(8.0,), spread=0)),
    "alarm": Shot(view=IN_CALL, play=_alarm),
    "help": Shot(view=IN_CALL, play=_help),
}
"""Photographed at every size."""

MORE: Final = {
    "choice": Shot(view=IN_CALL, play=_choose),
    "menu": Shot(view=IDLE, play=_menu),
    "light": Shot(view=_mine(), play=_focus_category, theme="light"),
    "contrast": Shot(view=_mine(), play=_focus_category, theme="contrast"),
    "english": Shot(view=_mine(), play=_focus_category, language=Language.ENGLISH),
}
"""Photographed once."""
