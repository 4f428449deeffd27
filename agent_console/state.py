"""What a desk knows: the screen is a function of this, the catalogue and the time. Pure.

`Reception` is what came from the server and how the connection stands; `DeskState` adds what is being typed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from agent_console.edits import Edit
from ivr.calls.vocabulary import CallState
from ivr.desk.envelope import News, Refused
from ivr.desk.staff import Staff
from ivr.desk.views import CallCard, DeskView, Notice
from ticketing.views import DraftView
from ticketing.vocabulary import FieldName


class LinkState(StrEnum):
    """How the connection to the server stands."""

    OFF = "off"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    LOST = "lost"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """The connection. `retry_at` (UTC, by `Clock`) is set while a lost one waits, `refused` where it ended."""

    state: LinkState
    retry_at: datetime | None = None
    refused: Refused | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reception:
    """All that was received. `offset` is the server's clock less this machine's, from the last `Welcome`.

    A `person` without a phone has no `view`; `news` are the newest of each topic that is watched.
    """

    link: Link = Link(state=LinkState.OFF)
    site: str = ""
    zone: tzinfo = UTC
    offset: timedelta = timedelta(0)
    person: Staff | None = None
    view: DeskView | None = None
    news: Mapping[type[News], News] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeskState:
    """What the main screen shows. `missing` are the fields the server wanted when the draft was last submitted."""

    reception: Reception
    edits: Mapping[FieldName, Edit] = field(default_factory=dict)
    unsaved: int = 0
    missing: frozenset[FieldName] = frozenset()
    notice: Notice | None = None
    submitting: bool = False

    @property
    def view(self) -> DeskView | None:
        """The server's view, once signed in."""
        return self.reception.view

    @property
    def call(self) -> CallCard | None:
        """The call at this desk."""
        return None if self.view is None else self.view.call

    @property
    def draft(self) -> DraftView | None:
        """The draft of that call."""
        return None if self.view is None else self.view.draft

    @property
    def writable(self) -> bool:
        """Whether the draft takes edits: it is there and not yet a work order."""
        return self.draft is not None and self.draft.reference is None

    def shown_at(self, now: datetime) -> datetime:
        """The server's time when this machine's clock says `now`."""
        return now + self.reception.offset


class Action(StrEnum):
    """What a key can do; also its name in the catalogue's sections `key` and `about`."""

    HELP = "help"
    STATE = "state"
    KNOWLEDGE = "knowledge"
    FINISH = "finish"
    SUBMIT = "submit"
    HANG_UP = "hang_up"
    SIGN_OUT = "sign_out"
    TAKE = "take"
    REVEAL = "reveal"
    COPY_REFERENCE = "copy_reference"
    TRANSCRIPT_UP = "transcript_up"
    TRANSCRIPT_DOWN = "transcript_down"
    SIGN_IN_AGAIN = "sign_in_again"


def usable(action: Action, state: DeskState) -> bool:
    """Whether the key would do something now; a key that would not is dimmed, never given another meaning."""
    call, view = state.call, state.view
    match action:
        case Action.FINISH:
            return call is not None and call.state is CallState.WRAP_UP
        case Action.SUBMIT:
            in_wrap_up = call is not None and call.state is CallState.WRAP_UP
            return state.draft is not None and not state.submitting and (state.writable or in_wrap_up)
        case Action.HANG_UP:
            return call is not None and call.state is CallState.CONNECTED
        case Action.REVEAL:
            return call is not None
        case Action.COPY_REFERENCE:
            return view is not None and view.ticket is not None
        case Action.SIGN_IN_AGAIN:
            return state.reception.link.state is LinkState.REFUSED
        case _:
            return True
