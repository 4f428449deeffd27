"""What a desk is shown of work orders: a line of a list, the whole sheet, what may be done with it. Pure.

Names and numbers of citizens are masked before they come here; a confidential citizen's are empty for those who handle.
Times are UTC.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from ticketing.views import Choice, TicketView
from ticketing.vocabulary import AgencyPart, Closure, Medium, Role, TicketState, Urgency


class Box(StrEnum):
    """A box of the inbox (工单箱): tickets that wait for the same thing. Which a person has follows from their role."""

    TO_ACCEPT = "to_accept"  # 待受理
    TO_REVIEW = "to_review"  # 待预审
    TO_JUDGE = "to_judge"  # 退单待审定
    TO_EXTEND = "to_extend"  # 延期待批
    TO_APPROVE = "to_approve"  # 办理结果待审核
    TO_SIGN = "to_sign"  # 待签收
    AT_WORK = "at_work"  # 办理中, with what is suspended
    TO_VISIT = "to_visit"  # 待回访
    SUPERVISED = "supervised"  # 督办中
    OVERDUE = "overdue"  # 已超期, the agency's reply
    UNSENT = "unsent"  # 待派单: not with its agency yet
    MINE = "mine"  # 我经手登记的
    OPEN = "open"  # 全部在办
    ALL = "all"  # 全部


class TicketLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a list. `overdue`: the agency owes its reply since `due_at`."""

    reference: str
    revision: int
    title: str
    state: TicketState
    request_type: str
    category: str
    urgency: Urgency
    place: str
    lead_agency: str
    holder: str
    due_at: datetime | None
    overdue: bool
    created_at: datetime
    dispatched_at: datetime | None
    sign_by: datetime | None
    closed_at: datetime | None
    closure: Closure | None
    supervision: int
    confidential: bool
    merged_into: str | None


class BoxCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many tickets a box holds, and how many of them are overdue."""

    box: Box
    tickets: int
    overdue: int


class FieldKind(StrEnum):
    """What a field of a move holds, so that a desk knows how to ask for it."""

    TEXT = "text"
    CHOICE = "choice"  # one of `choices`, by value
    AGENCY = "agency"  # an agency's id; `choices` are the likeliest, `FindChoices` finds others
    AGENCIES = "agencies"  # a list of them
    CATEGORY = "category"  # six digits; as for agencies
    REFERENCE = "reference"  # another ticket's number
    ARTICLE = "article"  # an article's id
    NUMBER = "number"
    YES_NO = "yes_no"
    ANSWER = "answer"  # true, false, or null where it was not asked or not answered


class MoveField(msgspec.Struct, frozen=True, kw_only=True):
    """One value a move wants; without `needed` it may be left out. `name` is its key in `TakeStep.said`."""

    name: str
    kind: FieldKind
    needed: bool
    choices: tuple[Choice, ...] = ()


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A step this person may take now. `step` is its kind in `TakeStep`, `name` what people call it (Chinese).

    Its own conditions may still refuse it. `why_needed`: it must come with a reason.
    """

    step: str
    name: str
    why_needed: bool
    fields: tuple[MoveField, ...] = ()


class StepLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a ticket's history. `said` are the step's values as people read them, by field name."""

    seq: int
    at: datetime
    actor: str
    role: Role
    step: str
    name: str
    to_state: TicketState
    why: str = ""
    said: dict[str, str] = {}


class PrecedentLine(msgspec.Struct, frozen=True, kw_only=True):
    """How an earlier return of the same category was judged (agencies by name); the same twice: it was rejected."""

    at: datetime
    reference: str
    refused: str
    assigned: str
    why: str


class DispatchLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent, or waits to be sent, to an agency. `state` is pending, sent, dead or cancelled."""

    agency: str
    part: AgencyPart
    kind: str
    state: str
    attempts: int
    sent_at: datetime | None
    last_error: str


class ExtensionLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the ledger of extensions (延期台账)."""

    at: datetime
    due_before: datetime | None
    due_after: datetime


class PauseLine(msgspec.Struct, frozen=True, kw_only=True):
    """A suspension; `end` None while it lasts."""

    start: datetime
    end: datetime | None


class TicketSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A work order, whole, as this person may see it, with what they may do now (`moves`).

    `line.revision` goes back with the next step. `call` is the contact it came from. `main` stands where this one was
    merged into another, `children` where others were merged into this one.
    """

    line: TicketLine
    medium: Medium
    call: str
    address: str
    citizen_name: str
    callback_phone: str
    content: str
    co_agencies: tuple[str, ...]
    holders: tuple[str, ...]
    deadline_rule: str
    result: str
    public_reply: str
    supervision_name: str
    supervision_due_at: datetime | None
    extension_asked: bool
    returns: int
    redos: int
    visits: int
    urges: int
    history: tuple[StepLine, ...]
    extensions: tuple[ExtensionLine, ...]
    pauses: tuple[PauseLine, ...]
    main: TicketLine | None
    children: tuple[TicketLine, ...]
    precedents: tuple[PrecedentLine, ...]
    dispatches: tuple[DispatchLine, ...]
    moves: tuple[Move, ...]


class LikelyTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that may be the same matter: how sure (0..1) and why (Chinese), the strongest reason first."""

    ticket: TicketView
    score: float
    reasons: tuple[str, ...]


class RefusalReason(msgspec.Struct, frozen=True, kw_only=True):
    """A reason for not accepting (不予受理), what to say, and where else the citizen may turn."""

    id: str
    name: str
    script: str
    send_to: str
