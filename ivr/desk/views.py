"""What a desk is shown: the cards of its seat, and the floor as a supervisor sees it. Pure."""

from datetime import datetime

import msgspec

from asr.transcript import Hypothesis, Segment
from ivr.calls.vocabulary import AgentState, CallState, PauseReason
from ivr.desk.ticket_views import LikelyTicket
from ticketing.views import ArticleHit, CallerView, DraftView, TicketView


class AgentCard(msgspec.Struct, frozen=True, kw_only=True):
    """The person at the desk and what they are doing since when (UTC).

    A `pause_reason` in a state other than paused is a pause asked for during a call: it begins after the wrap-up.
    """

    id: str
    name: str
    extension: str
    state: AgentState
    since: datetime
    pause_reason: PauseReason | None = None


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A rate with what it is made of; no value is shown where `of` is 0."""

    part: int
    of: int


class QueueCard(msgspec.Struct, frozen=True, kw_only=True):
    """The queue now and today's rates. `oldest_since` is when the longest waiting caller entered (UTC)."""

    waiting: int
    oldest_since: datetime | None
    answered: Rate
    answered_in_15s: Rate


class CallCard(msgspec.Struct, frozen=True, kw_only=True):
    """The call at this desk. The number is masked; `answered_at` and `ended_at` are UTC."""

    id: str
    state: CallState
    masked_number: str
    caller: CallerView
    arrived_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    hearing: bool = True


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A word from the server to the person: `code` is a key of the message catalogue, `params` fill it."""

    code: str
    params: dict[str, str] = {}
    alarm: bool = False


class DeskView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a desk shows that the server knows. Screens are functions of this and of what is being typed.

    `resembling` are tickets that may be the matter of this call.
    """

    agent: AgentCard
    queue: QueueCard
    call: CallCard | None = None
    segments: tuple[Segment, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    draft: DraftView | None = None
    suggested: tuple[ArticleHit, ...] = ()
    resembling: tuple[LikelyTicket, ...] = ()
    ticket: TicketView | None = None
    notices: tuple[Notice, ...] = ()


class FloorCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call on the floor as a supervisor sees it; `since` is when it came into its state (UTC), the number masked."""

    id: str
    state: CallState
    masked_number: str
    arrived_at: datetime
    since: datetime
    agent: str | None = None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is broken now, since when (UTC): `code` is a key of the message catalogue, `params` fill it."""

    code: str
    since: datetime
    params: dict[str, str] = {}
