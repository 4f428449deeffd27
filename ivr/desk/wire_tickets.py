"""The console protocol's tickets: lists, the sheet, every step of the lifecycle, duplicates, who the citizen is. Pure.

Everybody who can sign in may ask; what they see and may do is decided by `ticketing` from their role and agency. A
refusal of a step is `refused.step` with `reason` (Chinese) and `open`, the kinds of the steps that are open, joined by
"|"; one that came too late is `refused.changed_meanwhile` with `changed`, the kinds of the steps in between.
"""

from datetime import datetime
from typing import TypeAlias

import msgspec

from ivr.desk.envelope import FromDesk, FromServer, News
from ivr.desk.ticket_views import Box, BoxCount, LikelyTicket, RefusalReason, TicketLine, TicketSheet
from ivr.desk.views import Notice
from ticketing.vocabulary import TicketState

Value: TypeAlias = str | int | bool | tuple[str, ...] | None
"""A value of a step, as plain JSON."""

LONGEST_LIST = 100
"""Lines one answer may hold."""

LONGEST_TEXT = 4_000
"""Characters a reason or a value may hold."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which tickets a list shows; what is empty does not matter, what is given must hold together.

    `agency` shows what it, or a unit below it, leads or holds. `category` is a code or its first two or four digits.
    `words` are looked for in title, address and content (the likeliest first, at most 200); `reference` may be a
    number's beginning. `call` shows the tickets of whoever made that call.
    """

    box: Box = Box.ALL
    states: tuple[TicketState, ...] = ()
    agency: str = ""
    category: str = ""
    overdue: bool = False
    words: str = ""
    reference: str = ""
    call: str = ""


# ---- from the desk


class ListTickets(FromDesk, frozen=True, kw_only=True):
    """A page of tickets; answered by `Tickets`. Open ones by due time, earliest first; others newest first.

    `after` is the `next` of the page before; at most `limit` lines (1 to 100).
    """

    wanted: Wanted
    after: str = ""
    limit: int = 50


class CountTickets(FromDesk, frozen=True, kw_only=True):
    """The person's boxes with what lies in them; answered by `TicketCounts`. `Topic.TICKETS` tells it by itself."""


class ShowTicket(FromDesk, frozen=True, kw_only=True):
    """A ticket whole; answered by `TicketShown`. Reading a sensitive one is kept in the audit."""

    reference: str


class TakeStep(FromDesk, frozen=True, kw_only=True):
    """Take a step of the lifecycle; answered by `TicketShown` with the ticket as it then is.

    `step` and the names in `said` are those of the sheet's `moves`; what rules decide (due times, doing it anew) is
    never said. `revision` is that of the sheet the person had before their eyes.
    """

    reference: str
    revision: int
    step: str
    said: dict[str, Value] = msgspec.field(default_factory=dict)
    why: str = ""


class SignTickets(FromDesk, frozen=True, kw_only=True):
    """批量签收: sign each by itself (at most 100); answered by `TicketsSigned`."""

    references: tuple[str, ...]


class FindLikely(FromDesk, frozen=True, kw_only=True):
    """Tickets that may be the same matter as this one; answered by `LikelyTickets`."""

    reference: str


class RevealCitizen(FromDesk, frozen=True, kw_only=True):
    """Who the citizen of a ticket is, for a reason that is kept in the audit; answered by `Citizen`."""

    reference: str
    why: str


class ListRefusals(FromDesk, frozen=True, kw_only=True):
    """The site's reasons for not accepting, with their scripts; answered by `Refusals`."""


TicketRequest: TypeAlias = (
    ListTickets | CountTickets | ShowTicket | TakeStep | SignTickets | FindLikely | RevealCitizen | ListRefusals
)


# ---- from the server


class Tickets(FromServer, frozen=True, kw_only=True):
    """Answer to `ListTickets`. `next` asks on; empty at the end."""

    request: int
    lines: tuple[TicketLine, ...]
    next: str


class TicketCounts(FromServer, frozen=True, kw_only=True):
    """Answer to `CountTickets`, in the order a person works through them."""

    request: int
    boxes: tuple[BoxCount, ...]


class TicketShown(FromServer, frozen=True, kw_only=True):
    """Answer to `ShowTicket` and `TakeStep`.

    After a step that took the ticket out of the person's reach, `sheet` is None.
    """

    request: int
    sheet: TicketSheet | None


class NotSigned(msgspec.Struct, frozen=True, kw_only=True):
    """Why a ticket was not signed (Chinese)."""

    reference: str
    reason: str


class TicketsSigned(FromServer, frozen=True, kw_only=True):
    """Answer to `SignTickets`."""

    request: int
    signed: tuple[str, ...]
    refused: tuple[NotSigned, ...]


class LikelyTickets(FromServer, frozen=True, kw_only=True):
    """Answer to `FindLikely`, the likeliest first."""

    request: int
    likely: tuple[LikelyTicket, ...]


class Citizen(FromServer, frozen=True, kw_only=True):
    """Answer to `RevealCitizen`; shown for `for_ms`, never kept."""

    request: int
    name: str
    phone: str
    for_ms: int


class Refusals(FromServer, frozen=True, kw_only=True):
    """Answer to `ListRefusals`."""

    request: int
    reasons: tuple[RefusalReason, ...]


class TicketNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A word on a ticket for whom it concerns: it is due soon, overdue, or under supervision."""

    at: datetime
    reference: str
    notice: Notice


class InboxNews(News, frozen=True, kw_only=True):
    """The person's inbox: what lies in their boxes, and the last words on their tickets (at most 20), oldest first.

    Told when something changed, at most every two seconds; `changes` grows whenever any ticket in their boxes moved, so
    a list on the screen knows that it is old.
    """

    boxes: tuple[BoxCount, ...]
    notices: tuple[TicketNotice, ...]
    changes: int


TicketAnswer: TypeAlias = Tickets | TicketCounts | TicketShown | TicketsSigned | LikelyTickets | Citizen | Refusals
