"""The console protocol: what a desk and the server say to each other, one JSON object a websocket message. Pure.

A desk signs in (or resumes with its token), gets `Welcome` with the whole `DeskView`, then `Update`s that `board.apply`
folds into it; `seq` is without gaps, so a desk that missed one asks again by reconnecting. Requests carry `request`,
echoed in `Done`, `Refused` or the answer. The desk is never trusted: the server checks who may do what.
"""

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import msgspec

from asr.transcript import Hypothesis, Segment
from ivr.calls.vocabulary import PauseReason
from ivr.desk.envelope import Done, FromDesk, FromServer, News, Refused, Update
from ivr.desk.staff import Staff
from ivr.desk.ticket_views import LikelyTicket
from ivr.desk.topics import Topic
from ivr.desk.views import AgentCard, CallCard, DeskView, Fault, FloorCall, Notice, QueueCard
from ivr.desk.wire_callbacks import CallbackAnswer, CallbackRequest, CallbacksNews
from ivr.desk.wire_calls import CallsAnswer, CallsRequest
from ivr.desk.wire_floor import FloorRequest
from ivr.desk.wire_quality import QualityAnswer, QualityRequest
from ivr.desk.wire_recordings import RecordingsAnswer, RecordingsRequest
from ivr.desk.wire_tickets import InboxNews, TicketAnswer, TicketRequest
from ticketing.views import ArticleHit, ArticleView, Choice, DraftView, TicketView
from ticketing.vocabulary import FieldName

PROTOCOL = 1
SUBPROTOCOL = "huying.desk.v1"


class Disposition(StrEnum):
    """How a call ended that made no work order (来电处置)."""

    ANSWERED = "answered"  # 咨询答复完毕
    DROPPED = "dropped"  # 中途断线
    SILENT = "silent"  # 静默来电
    NUISANCE = "nuisance"  # 骚扰


class RevealReason(StrEnum):
    """Why an agent needs the whole number (查看号码事由); kept in the audit."""

    CALL_BACK = "call_back"
    EMERGENCY = "emergency"
    VERIFY = "verify"


# ---- from the desk


class SignIn(FromDesk, frozen=True, kw_only=True):
    """First message of a new desk.

    `extension` is the phone this person sits at today, where it is not their own. `nailed_up`: that phone rings once,
    stays off the hook, and calls beep in.
    """

    protocol: int
    agent: str
    password: str
    extension: str | None = None
    nailed_up: bool = False


class Resume(FromDesk, frozen=True, kw_only=True):
    """First message of a desk that lost its connection."""

    protocol: int
    token: str


class GoReady(FromDesk, frozen=True, kw_only=True):
    """示闲: take calls; ends a pause or the wrap-up."""


class Pause(FromDesk, frozen=True, kw_only=True):
    """示忙, with a reason. During a call it takes effect when the call's wrap-up ends."""

    reason: PauseReason


class SignOut(FromDesk, frozen=True, kw_only=True):
    """Leave the roster; refused during a call."""


class HangUpCall(FromDesk, frozen=True, kw_only=True):
    """End the conversation."""

    call: str


class EditField(FromDesk, frozen=True, kw_only=True):
    """The agent set a field; from now on it is theirs. An id for fields that hold ids, text otherwise.

    The `DraftChanged` that shows it goes before its `Done`. Setting the same value again changes nothing.
    """

    draft: str
    field: FieldName
    value: str


class TakeSuggestion(FromDesk, frozen=True, kw_only=True):
    """Accept the machine's later idea for a field that is the agent's."""

    draft: str
    field: FieldName


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag_field="ending", tag="answered"):
    """直办: answered on the phone, from this article."""

    article: str


class NotAccepted(msgspec.Struct, frozen=True, kw_only=True, tag_field="ending", tag="not_accepted"):
    """不予受理, for one of the site's reasons, after its script was said."""

    reason: str


class Transferred(msgspec.Struct, frozen=True, kw_only=True, tag_field="ending", tag="transferred"):
    """转紧急电话: put through to an emergency line of the site."""

    target: str


class SameMatter(msgspec.Struct, frozen=True, kw_only=True, tag_field="ending", tag="same_matter"):
    """并入主单: the same matter as an open ticket, which is worked on for both; this citizen is called back too."""

    main: str


class ForReview(msgspec.Struct, frozen=True, kw_only=True, tag_field="ending", tag="for_review"):
    """送预审: somebody looks at it before it is dispatched."""


Ending: TypeAlias = Answered | NotAccepted | Transferred | SameMatter | ForReview
"""How a matter goes on other than to its agency."""


class Submit(FromDesk, frozen=True, kw_only=True):
    """Make the draft a ticket and dispatch it, or end it another way. Submitting twice answers with the same ticket.

    With an `ending` other than `for_review` it goes to no agency and needs none; `refused.ending` says with `reason`
    (Chinese) why it cannot end so. In the wrap-up it ends the wrap-up too, as `FinishCall` does: the agent is ready, or
    paused where they asked for a pause. `Refused` with `refused.draft_incomplete` names what is missing in
    `params["fields"]`, field names joined by "|".
    """

    draft: str
    ending: Ending | None = None


class FinishCall(FromDesk, frozen=True, kw_only=True):
    """End the wrap-up without a ticket."""

    call: str
    disposition: Disposition


class SearchKnowledge(FromDesk, frozen=True, kw_only=True):
    """Search as you type; answered by `Hits`."""

    query: str


class ReadArticle(FromDesk, frozen=True, kw_only=True):
    """Open an article; answered by `Article`."""

    article: str


class FindChoices(FromDesk, frozen=True, kw_only=True):
    """What a field that holds ids could be, for what was typed; answered by `Choices`."""

    field: FieldName
    query: str


class RevealNumber(FromDesk, frozen=True, kw_only=True):
    """Show the caller's whole number, for a reason that is recorded; answered by `Number`."""

    call: str
    reason: RevealReason


class Watch(FromDesk, frozen=True, kw_only=True):
    """From now on tell the news of a topic, the newest at once."""

    topic: Topic


class Unwatch(FromDesk, frozen=True, kw_only=True):
    """No more news of a topic."""

    topic: Topic


SeatRequest: TypeAlias = (
    GoReady
    | Pause
    | SignOut
    | HangUpCall
    | EditField
    | TakeSuggestion
    | Submit
    | FinishCall
    | SearchKnowledge
    | ReadArticle
    | FindChoices
    | RevealNumber
)
"""What is asked at a seat."""

AnyFromDesk: TypeAlias = (
    SignIn
    | Resume
    | Watch
    | Unwatch
    | SeatRequest
    | TicketRequest
    | CallbackRequest
    | CallsRequest
    | FloorRequest
    | RecordingsRequest
    | QualityRequest
)


# ---- from the server


class Welcome(FromServer, frozen=True, kw_only=True):
    """Signed in. `token` resumes this desk; `now` is the server's clock (UTC) for the desk's own clocks.

    `view` is the seat's; a person without a phone has none.
    """

    request: int
    token: str
    person: Staff
    site: str
    zone: str
    now: datetime
    seq: int
    view: DeskView | None


class Hits(FromServer, frozen=True, kw_only=True):
    """Answer to `SearchKnowledge`."""

    request: int
    query: str
    hits: tuple[ArticleHit, ...]


class Article(FromServer, frozen=True, kw_only=True):
    """Answer to `ReadArticle`."""

    request: int
    article: ArticleView


class Choices(FromServer, frozen=True, kw_only=True):
    """Answer to `FindChoices`."""

    request: int
    field: FieldName
    choices: tuple[Choice, ...]


class Number(FromServer, frozen=True, kw_only=True):
    """Answer to `RevealNumber`; shown for `for_ms`, never kept."""

    request: int
    number: str
    for_ms: int


class AgentChanged(Update, frozen=True, kw_only=True):
    """The agent's own state."""

    agent: AgentCard


class QueueChanged(Update, frozen=True, kw_only=True):
    """The queue and today's rates; at most once a second."""

    queue: QueueCard


class CallChanged(Update, frozen=True, kw_only=True):
    """The call at this desk appeared or moved on. A new call id empties transcript, draft and suggestions."""

    call: CallCard


class CallCleared(Update, frozen=True, kw_only=True):
    """The desk is free of its call (wrapped up, or the offer ended)."""

    call: str


class Heard(Update, frozen=True, kw_only=True):
    """What one party is saying now; empty text clears that party's line."""

    hypothesis: Hypothesis


class Said(Update, frozen=True, kw_only=True):
    """One party finished an utterance; takes its place by time and clears that party's hypothesis."""

    segment: Segment


class Filled(Update, frozen=True, kw_only=True):
    """A stretch that had been lost was read again from the recording: `segments` stand in its place, perhaps none."""

    gap: str
    segments: tuple[Segment, ...]


class DraftChanged(Update, frozen=True, kw_only=True):
    """The draft as it now stands."""

    draft: DraftView


class Suggested(Update, frozen=True, kw_only=True):
    """Articles that came up by themselves, best first."""

    hits: tuple[ArticleHit, ...]


class Resembling(Update, frozen=True, kw_only=True):
    """Tickets that may be the matter of this call, the likeliest first."""

    likely: tuple[LikelyTicket, ...]


class Submitted(Update, frozen=True, kw_only=True):
    """The draft became this ticket; sent again when it has been dispatched."""

    ticket: TicketView


class Noticed(Update, frozen=True, kw_only=True):
    """A word for the person; at most the last 20 are kept."""

    notice: Notice


class FloorNews(News, frozen=True, kw_only=True):
    """大屏: the queue with today's rates, everybody at the phones, every call that stands. At most once a second."""

    queue: QueueCard
    seats: tuple[AgentCard, ...]
    calls: tuple[FloorCall, ...]


class FaultsNews(News, frozen=True, kw_only=True):
    """告警: all that is broken now; empty when nothing is."""

    faults: tuple[Fault, ...]


AnyNews: TypeAlias = FloorNews | FaultsNews | InboxNews | CallbacksNews

AnyUpdate: TypeAlias = (
    AgentChanged
    | QueueChanged
    | CallChanged
    | CallCleared
    | Heard
    | Said
    | Filled
    | DraftChanged
    | Suggested
    | Resembling
    | Submitted
    | Noticed
)

SeatAnswer: TypeAlias = Hits | Article | Choices | Number

AnyAnswer: TypeAlias = (
    Refused | Done | SeatAnswer | TicketAnswer | CallbackAnswer | CallsAnswer | RecordingsAnswer | QualityAnswer
)
"""What answers a request of a desk that has signed in."""

AnyFromServer: TypeAlias = Welcome | AnyAnswer | AnyUpdate | AnyNews

_to_desk = msgspec.json.Encoder()
_from_desk: msgspec.json.Decoder[AnyFromDesk] = msgspec.json.Decoder(AnyFromDesk)
_from_server: msgspec.json.Decoder[AnyFromServer] = msgspec.json.Decoder(AnyFromServer)


def encode(message: FromDesk | FromServer) -> bytes:
    """One message as JSON."""
    return _to_desk.encode(message)


def decode_from_desk(data: bytes | str) -> AnyFromDesk:
    """Read what a desk said. Raises `msgspec.ValidationError` or `msgspec.DecodeError` on anything else."""
    return _from_desk.decode(data)


def decode_from_server(data: bytes | str) -> AnyFromServer:
    """Read what the server said. Raises `msgspec.ValidationError` or `msgspec.DecodeError` on anything else."""
    return _from_server.decode(data)
