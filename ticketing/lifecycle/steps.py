"""The steps a ticket can take: past tense, frozen. The log holds them; what the ticket is, is their fold. Pure.

A step carries everything its fold needs (an extension carries the new due time), so that replaying the log asks neither
calendar nor clock. No step says who the citizen is.
"""

from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from ticketing.vocabulary import AgencyId, ArticleId, CategoryCode, Closure, Reference, RequestType, Urgency


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class Step(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=_snake):
    """Root of the steps."""


class Received(Step, frozen=True, kw_only=True):
    """登记: it came in by another medium than the phone and waits for somebody to accept it."""


class Submitted(Step, frozen=True, kw_only=True):
    """提交: an agent made it a ticket. `review` sends it through 预审 before it is dispatched."""

    request_type: RequestType
    category_code: CategoryCode
    lead_agency_id: AgencyId
    co_agency_ids: tuple[AgencyId, ...]
    urgency: Urgency
    deadline_rule_id: str
    review: bool = False


class AnsweredDirectly(Step, frozen=True, kw_only=True):
    """直办: answered from the knowledge base."""

    article_id: ArticleId | None = None


class TransferredOut(Step, frozen=True, kw_only=True):
    """转紧急电话: put through to an emergency line of the site pack."""

    target: str


class Refused(Step, frozen=True, kw_only=True):
    """不予受理, with the site pack's reason."""

    reason_id: str


class Merged(Step, frozen=True, kw_only=True):
    """并入主单: the same matter as another ticket, which is worked on for both."""

    main: Reference


class SplitOff(Step, frozen=True, kw_only=True):
    """拆出: not the same matter after all; it goes on where it was."""


class ReviewPassed(Step, frozen=True, kw_only=True):
    """预审通过, to these agencies."""

    lead_agency_id: AgencyId
    co_agency_ids: tuple[AgencyId, ...]


class Dispatched(Step, frozen=True, kw_only=True):
    """派单: the lead agency has it and its clock runs."""

    agency_id: AgencyId
    dispatched_at: datetime
    due_at: datetime


class Signed(Step, frozen=True, kw_only=True):
    """签收; by itself when the agency did not in time, so that nobody stops the clock by not signing."""

    by_itself: bool = False


class ReturnAsked(Step, frozen=True, kw_only=True):
    """申请退单: the agency says it is not its matter, and whose it is if it knows."""

    rather: AgencyId | None = None


class ReturnUpheld(Step, frozen=True, kw_only=True):
    """同意退单、改派: another agency gets it. A precedent for routing."""

    lead_agency_id: AgencyId


class ReturnRejected(Step, frozen=True, kw_only=True):
    """驳回退单: it stays where it is. A precedent for routing."""


class Delegated(Step, frozen=True, kw_only=True):
    """下派: a unit below the holder works on it."""

    agency_id: AgencyId


class HandedUp(Step, frozen=True, kw_only=True):
    """上报: the unit below is done with it, or cannot; the unit above holds it again."""


class HelperAdded(Step, frozen=True, kw_only=True):
    """加派协办."""

    agency_id: AgencyId


class Suspended(Step, frozen=True, kw_only=True):
    """挂起: the clock stands still, for one of the site pack's reasons."""

    reason: str


class Resumed(Step, frozen=True, kw_only=True):
    """恢复办理: the clock runs again, to a later due time."""

    due_at: datetime


class ExtensionAsked(Step, frozen=True, kw_only=True):
    """申请延期."""


class ExtensionGranted(Step, frozen=True, kw_only=True):
    """批准延期, until."""

    due_at: datetime


class ExtensionDenied(Step, frozen=True, kw_only=True):
    """不予延期."""


class Replied(Step, frozen=True, kw_only=True):
    """提交办理结果. `public_reply` may be told to anybody (公开答复内容)."""

    closure: Closure
    result: str
    public_reply: str = ""


class ReplyApproved(Step, frozen=True, kw_only=True):
    """审核通过: the citizen is asked next."""


class ReplySentBack(Step, frozen=True, kw_only=True):
    """退回重办: the reply will not do."""


class Visited(Step, frozen=True, kw_only=True):
    """回访: an attempt to ask the citizen. Solved and satisfied are two questions, each may stay unanswered.

    `done_anew_by` is the due time if the matter is to be done again.
    """

    reached: bool
    solved: bool | None = None
    satisfied: bool | None = None
    done_anew_by: datetime | None = None


class Closed(Step, frozen=True, kw_only=True):
    """办结 by decision: what can be done is done, whatever the citizen says of it."""

    closure: Closure


class Supervised(Step, frozen=True, kw_only=True):
    """督办 at a level of the site pack, with its own due time; lies over the state."""

    level: int
    due_at: datetime


class SupervisionEnded(Step, frozen=True, kw_only=True):
    """督办办结."""


class Urged(Step, frozen=True, kw_only=True):
    """催办: the citizen asked again, or the hotline did."""


class Noted(Step, frozen=True, kw_only=True):
    """补充说明."""

    text: str


class Archived(Step, frozen=True, kw_only=True):
    """归档."""


class Reopened(Step, frozen=True, kw_only=True):
    """重新打开: to be dispatched anew."""


class Withdrawn(Step, frozen=True, kw_only=True):
    """撤单: the citizen does not want it any more."""


AnyStep: TypeAlias = (
    Received
    | Submitted
    | AnsweredDirectly
    | TransferredOut
    | Refused
    | Merged
    | SplitOff
    | ReviewPassed
    | Dispatched
    | Signed
    | ReturnAsked
    | ReturnUpheld
    | ReturnRejected
    | Delegated
    | HandedUp
    | HelperAdded
    | Suspended
    | Resumed
    | ExtensionAsked
    | ExtensionGranted
    | ExtensionDenied
    | Replied
    | ReplyApproved
    | ReplySentBack
    | Visited
    | Closed
    | Supervised
    | SupervisionEnded
    | Urged
    | Noted
    | Archived
    | Reopened
    | Withdrawn
)

STEPS: dict[str, type[Step]] = {str(one.__struct_config__.tag): one for one in Step.__subclasses__()}
"""Every kind of step and its struct."""


def kind_of(step: AnyStep) -> str:
    """What the log calls it."""
    return str(type(step).__struct_config__.tag)


def body_of(step: AnyStep) -> dict[str, Any]:
    """Its fields as plain JSON values."""
    body: dict[str, Any] = msgspec.to_builtins(step)
    del body["kind"]
    return body


def step_of(kind: str, body: dict[str, Any]) -> AnyStep:
    """A step of the log. Raises `msgspec.ValidationError` on what never was one."""
    step: AnyStep = msgspec.convert({"kind": kind, **body}, AnyStep)
    return step
