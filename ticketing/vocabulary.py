"""The words of a work order (工单). English names follow Open311 GeoReport v2 and the glossary in docs/. Pure."""

from enum import StrEnum
from typing import NewType

ContactId = NewType("ContactId", str)
"""One contact of a citizen with the hotline; for a phone call the call's id."""

AgencyId = NewType("AgencyId", str)
CategoryCode = NewType("CategoryCode", str)
"""Six digits, two a level, kept as text (leading zero)."""

PlaceId = NewType("PlaceId", str)
ArticleId = NewType("ArticleId", str)
Reference = NewType("Reference", str)
"""工单编号: ten digits, YYMMDDNNNN, in the site's zone."""


class Medium(StrEnum):
    """A way of contact (受理渠道), the site pack's `channels`."""

    PHONE = "phone"
    APP = "app"
    WEB = "web"
    MAIL = "mail"
    COUNTER = "counter"
    WECHAT = "wechat"
    MINHU = "minhu"
    BOARD = "board"
    PARTNER = "partner"
    GRID = "grid"


class RequestType(StrEnum):
    """诉求类型, as the site pack defines them."""

    ENQUIRY = "咨询"
    COMPLAINT = "投诉"
    HELP = "求助"
    SUGGESTION = "建议"
    REPORT = "举报"
    PRAISE = "表扬"


class Urgency(StrEnum):
    """紧急程度."""

    NORMAL = "一般"
    URGENT = "紧急"
    CRITICAL = "特急"


class Speaker(StrEnum):
    """Who said an utterance (this room's own word: it knows nothing of recognition)."""

    CITIZEN = "citizen"
    AGENT = "agent"


class FieldName(StrEnum):
    """The fields of a draft (工单草稿), in the order an agent reads them."""

    REQUEST_TYPE = "request_type"
    CATEGORY = "category"
    PLACE = "place"
    ADDRESS = "address"
    CITIZEN_NAME = "citizen_name"
    CALLBACK_PHONE = "callback_phone"
    CONFIDENTIAL = "confidential"
    LEAD_AGENCY = "lead_agency"
    CO_AGENCIES = "co_agencies"
    URGENCY = "urgency"
    DUE_AT = "due_at"
    TITLE = "title"
    CONTENT = "content"


class TicketState(StrEnum):
    """Where a work order stands (工单状态). Which steps lead from where to where is `ticketing.lifecycle.table`."""

    DRAFT = "draft"  # 草稿
    PENDING_ACCEPT = "pending_accept"  # 待受理
    PENDING_REVIEW = "pending_review"  # 待预审
    PENDING_DISPATCH = "pending_dispatch"  # 待派单
    DISPATCHED = "dispatched"  # 待签收: given to the agency, clock running
    RETURN_ASKED = "return_asked"  # 退单待审定
    IN_PROGRESS = "in_progress"  # 办理中
    SUSPENDED = "suspended"  # 挂起
    PENDING_APPROVAL = "pending_approval"  # 待审核: the agency has replied
    PENDING_VISIT = "pending_visit"  # 待回访
    CLOSED = "closed"  # 办结
    ARCHIVED = "archived"  # 归档
    MERGED = "merged"  # 并入主单
    WITHDRAWN = "withdrawn"  # 撤单


class Closure(StrEnum):
    """How a matter ended (办结方式)."""

    SOLVED = "solved"  # 已解决
    EXPLAINED = "explained"  # 解释说明
    PLANNED = "planned"  # 列入计划
    ANSWERED = "answered"  # 直接答复
    TRANSFERRED = "transferred"  # 转紧急电话
    REFUSED = "refused"  # 不予受理


class DispatchState(StrEnum):
    """Where an outbox entry stands."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    CANCELLED = "cancelled"  # no longer to be sent: the ticket went elsewhere


class CallbackKind(StrEnum):
    """Why a citizen is called (回拨类别)."""

    MISSED = "missed"  # 漏接回拨
    PROMISED = "promised"  # 登记回拨: pressed 9 while waiting
    VISIT = "visit"  # 回访


class CallbackState(StrEnum):
    """Where a callback stands."""

    WAITING = "waiting"
    DONE = "done"
    EXHAUSTED = "exhausted"  # as often as allowed, never reached
    CANCELLED = "cancelled"  # the citizen called in first, or there is nothing to ask any more


class CallOutcome(StrEnum):
    """How an attempt to call a citizen ended."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"  # reached, and wants no call
    WRONG_NUMBER = "wrong_number"


class ContactState(StrEnum):
    """How far a contact came. `answered` means by a person."""

    ARRIVED = "arrived"
    ANSWERED = "answered"
    ENDED = "ended"
    ABANDONED = "abandoned"  # ended before a person answered


class RecordingKind(StrEnum):
    """Which voices a recording holds."""

    MIX = "mix"
    CITIZEN = "citizen"
    AGENT = "agent"


class PraiseForm(StrEnum):
    """How a citizen praises (表扬形式)."""

    CALL = "call"  # 感谢电话
    LETTER = "letter"  # 感谢信
    PENNANT = "pennant"  # 锦旗
    ONLINE = "online"  # 网上留言


class AgencyPart(StrEnum):
    """What an agency has to do with a ticket."""

    LEAD = "lead"  # 主办
    CO = "co"  # 协办


class Role(StrEnum):
    """What a person may do (岗位); `ticketing.lifecycle` holds the table."""

    AGENT = "agent"  # 话务员
    SUPERVISOR = "supervisor"  # 班长
    REVIEWER = "reviewer"  # 预审派单
    HANDLER = "handler"  # 承办单位经办
    HANDLER_HEAD = "handler_head"  # 承办单位负责人
    VISITOR = "visitor"  # 回访
    OVERSEER = "overseer"  # 督办
    QUALITY = "quality"  # 质检
    ANALYST = "analyst"  # 数据
    LEADER = "leader"  # 领导只读
    ADMIN = "admin"  # 系统管理
    SYSTEM = "system"  # no person: the hotline itself
