"""The table of steps: from which states, by whom, and what else must hold. Pure.

`refuse` says why a step may not be taken now, or None; `open_steps` what a person may do instead. The drawing in docs/
is made from this table.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from ticketing.lifecycle import steps as s
from ticketing.lifecycle.life import OPEN, Life
from ticketing.site import Site
from ticketing.vocabulary import AgencyId, Role, TicketState

S = TicketState
R = Role


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes a step. `agency_id` is the unit of handlers; they act for it and for all units below it."""

    id: str
    role: Role
    agency_id: AgencyId | None = None


SYSTEM = Actor(id="system", role=Role.SYSTEM)
"""The hotline itself: dispatches, signs when nobody does, archives."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a site allows, for one ticket. `return_until` is when asking to return it ends; None before dispatch."""

    max_returns: int
    max_extensions: int
    max_redos: int
    visit_attempts: int
    return_until: datetime | None
    pause_reasons: tuple[str, ...]
    refusals: frozenset[str]
    supervision_levels: frozenset[int]


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a step's own conditions may ask."""

    life: Life
    actor: Actor
    at: datetime
    limits: Limits
    site: Site


Condition = Callable[[s.AnyStep, Situation], str | None]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. `name` is Chinese; `why_needed`: the step must come with a reason."""

    name: str
    of: frozenset[TicketState]
    by: frozenset[Role]
    why_needed: bool = False
    condition: Condition | None = None


DESK = frozenset({R.AGENT, R.SUPERVISOR})
LEADS = frozenset({R.SUPERVISOR})
REVIEW = frozenset({R.REVIEWER, R.SUPERVISOR})
HANDLERS = frozenset({R.HANDLER, R.HANDLER_HEAD})
HEADS = frozenset({R.HANDLER_HEAD})
VISIT = frozenset({R.VISITOR, R.SUPERVISOR})
OVERSEE = frozenset({R.OVERSEER})
MACHINE = frozenset({R.SYSTEM})

UNDISPATCHED = frozenset({S.PENDING_ACCEPT, S.PENDING_REVIEW, S.PENDING_DISPATCH})
WITH_AGENCY = frozenset({S.DISPATCHED, S.RETURN_ASKED, S.IN_PROGRESS, S.SUSPENDED, S.PENDING_APPROVAL})


def _holds(_: s.AnyStep, now: Situation) -> str | None:
    """Handlers act on what their unit, or one below it, holds."""
    holder, own = now.life.holder, now.actor.agency_id
    if holder is None or own is None or holder not in now.site.agencies:
        return "承办单位不明"
    return None if now.site.is_under(holder, own) else "工单不在本单位办理"


def _may_return(step: s.AnyStep, now: Situation) -> str | None:
    if now.life.returns >= now.limits.max_returns:
        return f"退单已达 {now.limits.max_returns} 次"
    if now.limits.return_until is not None and now.at > now.limits.return_until:
        return "已过退单时限"
    assert isinstance(step, s.ReturnAsked)
    return _known(step.rather, now) or _holds(step, now)


def _other_lead(step: s.AnyStep, now: Situation) -> str | None:
    assert isinstance(step, s.ReturnUpheld)
    if step.lead_agency_id == now.life.lead:
        return "改派单位与原主办单位相同"
    return _known(step.lead_agency_id, now)


def _known_agencies(step: s.AnyStep, now: Situation) -> str | None:
    assert isinstance(step, s.Submitted | s.ReviewPassed)
    if step.lead_agency_id in step.co_agency_ids:
        return "主办单位不能同时协办"
    problems = [_known(one, now) for one in (step.lead_agency_id, *step.co_agency_ids)]
    return next((one for one in problems if one), None)


def _below(step: s.AnyStep, now: Situation) -> str | None:
    assert isinstance(step, s.Delegated)
    if problem := _known(step.agency_id, now) or _holds(step, now):
        return problem
    assert now.life.holder is not None
    if step.agency_id == now.life.holder or not now.site.is_under(step.agency_id, now.life.holder):
        return "只能下派给下属单位"
    return None


def _was_delegated(step: s.AnyStep, now: Situation) -> str | None:
    return _holds(step, now) or (None if len(now.life.holders) > 1 else "工单未曾下派")


def _new_helper(step: s.AnyStep, now: Situation) -> str | None:
    assert isinstance(step, s.HelperAdded)
    if step.agency_id == now.life.lead or step.agency_id in now.life.co_agency_ids:
        return "该单位已在办理"
    return _known(step.agency_id, now)


def _known_reason(step: s.AnyStep, now: Situation) -> str | None:
    assert isinstance(step, s.Suspended)
    return _holds(step, now) or (None if step.reason in now.limits.pause_reasons else "挂起事由不在允许范围内")


def _may_extend(step: s.AnyStep, now: Situation) -> str | None:
    if now.life.extension_asked:
        return "已有延期申请待审批"
    if len(now.life.extensions) >= now.limits.max_extensions:
        return f"延期已达 {now.limits.max_extensions} 次"
    if now.life.due_at is not None and now.at > now.life.due_at:
        return "已超期，不能再申请延期"
    return _holds(step, now)


def _extension_waits(step: s.AnyStep, now: Situation) -> str | None:
    if not now.life.extension_asked:
        return "没有待审批的延期申请"
    later = not isinstance(step, s.ExtensionGranted) or now.life.due_at is None or step.due_at > now.life.due_at
    return None if later else "延期后的时限必须晚于原时限"


def _not_earlier(step: s.AnyStep, now: Situation) -> str | None:
    assert isinstance(step, s.Resumed)
    earlier = now.life.due_at is not None and step.due_at < now.life.due_at
    return "恢复后的时限不得早于原时限" if earlier else _holds(step, now)


def _said_something(step: s.AnyStep, now: Situation) -> str | None:
    assert isinstance(step, s.Replied)
    if not step.result.strip():
        return "办理结果不能为空"
    return _holds(step, now)


def _known_refusal(step: s.AnyStep, now: Situation) -> str | None:
    assert isinstance(step, s.Refused)
    return None if step.reason_id in now.limits.refusals else "不予受理理由不存在"


def _sound_visit(step: s.AnyStep, now: Situation) -> str | None:
    assert isinstance(step, s.Visited)
    if not step.reached:
        return "未联系上，不能有评价" if step.solved is not None or step.satisfied is not None else None
    unhappy = step.solved is False or step.satisfied is False
    if unhappy and step.done_anew_by is None and now.life.redos < now.limits.max_redos:
        return "未解决或不满意的应当重办"
    if step.done_anew_by is not None and not unhappy:
        return "已解决且满意的不再重办"
    return None


def _may_close(_: s.AnyStep, now: Situation) -> str | None:
    if now.actor.role is not Role.VISITOR or now.life.visits >= now.limits.visit_attempts:
        return None
    return f"联系未满 {now.limits.visit_attempts} 次"


def _known_level(step: s.AnyStep, now: Situation) -> str | None:
    assert isinstance(step, s.Supervised)
    if step.level not in now.limits.supervision_levels:
        return "督办等级不存在"
    return None if step.level > now.life.supervision else "督办等级只能提高"


def _is_supervised(_: s.AnyStep, now: Situation) -> str | None:
    return None if now.life.supervision else "工单未被督办"


def _known(agency: AgencyId | None, now: Situation) -> str | None:
    return None if agency is None or agency in now.site.agencies else "单位不存在"


def _rule(
    name: str,
    of: frozenset[TicketState] | set[TicketState],
    by: frozenset[Role],
    *,
    why: bool = False,
    given: Condition | None = None,
) -> Rule:
    return Rule(name=name, of=frozenset(of), by=by, why_needed=why, condition=given)


TABLE: Mapping[type[s.Step], Rule] = {
    s.Received: _rule("登记", {S.DRAFT}, DESK | MACHINE),
    s.Submitted: _rule("提交", {S.DRAFT, S.PENDING_ACCEPT}, DESK, given=_known_agencies),
    s.AnsweredDirectly: _rule("直办", {S.DRAFT, S.PENDING_ACCEPT}, DESK),
    s.TransferredOut: _rule("转紧急电话", {S.DRAFT, S.PENDING_ACCEPT}, DESK),
    s.Refused: _rule("不予受理", {S.DRAFT, S.PENDING_ACCEPT, S.PENDING_REVIEW}, DESK | REVIEW, given=_known_refusal),
    s.Merged: _rule("并入主单", UNDISPATCHED | {S.DISPATCHED, S.IN_PROGRESS}, DESK | REVIEW),
    s.SplitOff: _rule("拆出", {S.MERGED}, DESK | REVIEW, why=True),
    s.ReviewPassed: _rule("预审通过", {S.PENDING_REVIEW}, REVIEW, given=_known_agencies),
    s.Dispatched: _rule("派单", {S.PENDING_DISPATCH}, MACHINE),
    s.Signed: _rule("签收", {S.DISPATCHED}, HANDLERS | MACHINE, given=_holds),
    s.ReturnAsked: _rule("申请退单", {S.DISPATCHED, S.IN_PROGRESS}, HANDLERS, why=True, given=_may_return),
    s.ReturnUpheld: _rule("同意退单", {S.RETURN_ASKED}, REVIEW, why=True, given=_other_lead),
    s.ReturnRejected: _rule("驳回退单", {S.RETURN_ASKED}, REVIEW, why=True),
    s.Delegated: _rule("下派", {S.IN_PROGRESS}, HANDLERS, given=_below),
    s.HandedUp: _rule("上报", {S.IN_PROGRESS}, HANDLERS, given=_was_delegated),
    s.HelperAdded: _rule("加派协办", {S.DISPATCHED, S.IN_PROGRESS}, REVIEW | OVERSEE, given=_new_helper),
    s.Suspended: _rule("挂起", {S.IN_PROGRESS}, HEADS, given=_known_reason),
    s.Resumed: _rule("恢复办理", {S.SUSPENDED}, HANDLERS, given=_not_earlier),
    s.ExtensionAsked: _rule("申请延期", {S.IN_PROGRESS}, HEADS, why=True, given=_may_extend),
    s.ExtensionGranted: _rule("批准延期", {S.IN_PROGRESS}, REVIEW | OVERSEE, given=_extension_waits),
    s.ExtensionDenied: _rule("不予延期", {S.IN_PROGRESS}, REVIEW | OVERSEE, why=True, given=_extension_waits),
    s.Replied: _rule("提交办理结果", {S.IN_PROGRESS}, HANDLERS, given=_said_something),
    s.ReplyApproved: _rule("审核通过", {S.PENDING_APPROVAL}, REVIEW),
    s.ReplySentBack: _rule("退回重办", {S.PENDING_APPROVAL}, REVIEW, why=True),
    s.Visited: _rule("回访", {S.PENDING_VISIT}, VISIT, given=_sound_visit),
    s.Closed: _rule("办结", {S.PENDING_VISIT}, VISIT | OVERSEE, why=True, given=_may_close),
    s.Supervised: _rule("督办", OPEN - UNDISPATCHED - {S.DRAFT}, OVERSEE | MACHINE, why=True, given=_known_level),
    s.SupervisionEnded: _rule("督办办结", OPEN - {S.DRAFT}, OVERSEE, why=True, given=_is_supervised),
    s.Urged: _rule("催办", WITH_AGENCY, DESK | OVERSEE | MACHINE),
    s.Noted: _rule("补充说明", OPEN - {S.DRAFT} | {S.MERGED}, DESK | REVIEW | HANDLERS | VISIT | OVERSEE),
    s.Archived: _rule("归档", {S.CLOSED}, MACHINE | frozenset({R.ANALYST})),
    s.Reopened: _rule("重新打开", {S.CLOSED, S.ARCHIVED, S.WITHDRAWN}, LEADS | OVERSEE, why=True),
    s.Withdrawn: _rule("撤单", OPEN - {S.DRAFT}, DESK, why=True),
}


def refuse(step: s.AnyStep, why: str, now: Situation) -> str | None:
    """Why the step may not be taken (Chinese), or None."""
    rule = TABLE[type(step)]
    if now.life.state not in rule.of:
        return f"“{STATE_NAMES[now.life.state]}”状态下不能{rule.name}"
    if now.actor.role not in rule.by:
        return f"{ROLE_NAMES[now.actor.role]}无权{rule.name}"
    if rule.why_needed and not why.strip():
        return f"{rule.name}必须说明理由"
    if rule.condition is not None and not (now.actor.role is Role.SYSTEM and rule.condition is _holds):
        why_not = rule.condition(step, now)
        if why_not is not None:
            return why_not
    return None if _in_reach(rule, now.life, now.actor, now.site) else f"工单不由本单位办理，不能{rule.name}"


def open_steps(life: Life, actor: Actor, site: Site) -> tuple[str, ...]:
    """The kinds of steps this person may take in this state; a step's own conditions may still refuse it."""
    kinds = []
    for kind, struct in s.STEPS.items():
        rule = TABLE[struct]
        if life.state in rule.of and actor.role in rule.by and _in_reach(rule, life, actor, site):
            kinds.append(kind)
    return tuple(kinds)


def _in_reach(rule: Rule, life: Life, actor: Actor, site: Site) -> bool:
    if actor.role not in HANDLERS or not rule.by & HANDLERS:
        return True
    own, holder = actor.agency_id, life.holder
    return own is not None and holder in site.agencies and site.is_under(holder, own)


STATE_NAMES: Mapping[TicketState, str] = {
    S.DRAFT: "草稿",
    S.PENDING_ACCEPT: "待受理",
    S.PENDING_REVIEW: "待预审",
    S.PENDING_DISPATCH: "待派单",
    S.DISPATCHED: "待签收",
    S.RETURN_ASKED: "退单待审定",
    S.IN_PROGRESS: "办理中",
    S.SUSPENDED: "挂起",
    S.PENDING_APPROVAL: "待审核",
    S.PENDING_VISIT: "待回访",
    S.CLOSED: "办结",
    S.ARCHIVED: "归档",
    S.MERGED: "并入主单",
    S.WITHDRAWN: "撤单",
}

ROLE_NAMES: Mapping[Role, str] = {
    R.AGENT: "话务员",
    R.SUPERVISOR: "班长",
    R.REVIEWER: "预审派单员",
    R.HANDLER: "承办单位经办人",
    R.HANDLER_HEAD: "承办单位负责人",
    R.VISITOR: "回访员",
    R.OVERSEER: "督办员",
    R.QUALITY: "质检员",
    R.ANALYST: "数据员",
    R.LEADER: "领导（只读）",
    R.ADMIN: "系统管理员",
    R.SYSTEM: "系统",
}
