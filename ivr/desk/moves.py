"""The moves of a sheet: the steps a person may take, with what each wants to be told, for a desk to ask for it. Pure.

What each step may be told is `ticketing.acts`'s to say; here it is said how to ask for it, and what would be likely.
"""

from collections.abc import Callable, Mapping

import msgspec

from ivr.desk.ticket_views import FieldKind, Move, MoveField
from ticketing.errors import UnknownId
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.life import Life
from ticketing.lifecycle.table import TABLE
from ticketing.records import PrecedentRecord, TicketRecord
from ticketing.site import Site
from ticketing.views import Choice
from ticketing.vocabulary import AgencyId, Closure

CLOSURE_NAMES: Mapping[Closure, str] = {
    Closure.SOLVED: "已解决",
    Closure.EXPLAINED: "解释说明",
    Closure.PLANNED: "列入计划",
    Closure.ANSWERED: "直接答复",
    Closure.TRANSFERRED: "转紧急电话",
    Closure.REFUSED: "不予受理",
}

BY_AN_AGENCY = (Closure.SOLVED, Closure.EXPLAINED, Closure.PLANNED)
"""How an agency may say that a matter ended."""


class Grounds(msgspec.Struct, frozen=True, kw_only=True):
    """What the likely values follow from. `rather` is the agency the last return named."""

    site: Site
    ticket: TicketRecord
    life: Life
    rather: AgencyId | None = None
    precedents: tuple[PrecedentRecord, ...] = ()


def moves(kinds: tuple[str, ...], grounds: Grounds) -> tuple[Move, ...]:
    """The open steps as a desk shows them."""
    found = []
    for kind in kinds:
        rule = TABLE[s.STEPS[kind]]
        fields = FIELDS[kind](grounds) if kind in FIELDS else ()
        found.append(Move(step=kind, name=rule.name, why_needed=rule.why_needed, fields=fields))
    return tuple(found)


def agency_name(site: Site, agency_id: str | None) -> str:
    """What an agency is called; one the pack no longer has by its id."""
    if not agency_id:
        return ""
    try:
        return site.agency(agency_id).name
    except UnknownId:
        return agency_id


def _agency(site: Site, agency_id: str) -> Choice:
    return Choice(value=agency_id, label=agency_name(site, agency_id), confidence=0.0)


def _agencies(site: Site, *ids: str | None) -> tuple[Choice, ...]:
    return tuple(_agency(site, one) for one in dict.fromkeys(ids) if one)


def _closures(_: Grounds) -> MoveField:
    choices = tuple(Choice(value=one, label=CLOSURE_NAMES[one], confidence=0.0) for one in BY_AN_AGENCY)
    return MoveField(name="closure", kind=FieldKind.CHOICE, needed=True, choices=choices)


def _lead(grounds: Grounds, *, needed: bool) -> MoveField:
    likely = _agencies(grounds.site, grounds.ticket.lead_agency_id, *(one.assigned for one in grounds.precedents))
    return MoveField(name="lead_agency_id", kind=FieldKind.AGENCY, needed=needed, choices=likely)


def _helpers(grounds: Grounds, *, needed: bool) -> MoveField:
    likely = _agencies(grounds.site, *grounds.ticket.co_agency_ids)
    return MoveField(name="co_agency_ids", kind=FieldKind.AGENCIES, needed=needed, choices=likely)


def _new_lead(grounds: Grounds) -> tuple[MoveField, ...]:
    named = [grounds.rather, *(one.assigned for one in grounds.precedents)]
    likely = _agencies(grounds.site, *(one for one in named if one != grounds.life.lead))
    return (MoveField(name="lead_agency_id", kind=FieldKind.AGENCY, needed=True, choices=likely),)


def _below(grounds: Grounds) -> tuple[MoveField, ...]:
    holder = grounds.life.holder
    below = _agencies(grounds.site, *(one.id for one in grounds.site.children(holder))) if holder else ()
    return (MoveField(name="agency_id", kind=FieldKind.AGENCY, needed=True, choices=below),)


def _levels(grounds: Grounds) -> tuple[MoveField, ...]:
    higher = tuple(
        Choice(value=str(one.level), label=one.name, confidence=0.0)
        for one in grounds.site.deadlines.supervision_levels
        if one.level > grounds.life.supervision
    )
    return (MoveField(name="level", kind=FieldKind.NUMBER, needed=True, choices=higher),)


def _reasons(grounds: Grounds) -> tuple[MoveField, ...]:
    known = grounds.site.not_accepted.reasons
    choices = tuple(Choice(value=one.id, label=one.name, confidence=0.0) for one in known)
    return (MoveField(name="reason_id", kind=FieldKind.CHOICE, needed=True, choices=choices),)


def _targets(grounds: Grounds) -> tuple[MoveField, ...]:
    known = grounds.site.emergency.transfers
    choices = tuple(Choice(value=one.id, label=one.name, confidence=0.0) for one in known)
    return (MoveField(name="target", kind=FieldKind.CHOICE, needed=True, choices=choices),)


def _pauses(grounds: Grounds) -> tuple[MoveField, ...]:
    allowed = grounds.site.deadlines.clock.pause_reasons
    choices = tuple(Choice(value=one, label=one, confidence=0.0) for one in allowed)
    return (MoveField(name="reason", kind=FieldKind.CHOICE, needed=True, choices=choices),)


def _plain(*fields: tuple[str, FieldKind, bool]) -> Callable[[Grounds], tuple[MoveField, ...]]:
    made = tuple(MoveField(name=name, kind=kind, needed=needed) for name, kind, needed in fields)
    return lambda _: made


def _words(name: str, words: tuple[str, ...], now: str) -> MoveField:
    ordered = sorted(words, key=lambda one: one != now)
    choices = tuple(Choice(value=one, label=one, confidence=0.0) for one in ordered)
    return MoveField(name=name, kind=FieldKind.CHOICE, needed=False, choices=choices)


def _acceptance(grounds: Grounds) -> tuple[MoveField, ...]:
    info, ticket = grounds.site.info, grounds.ticket
    return (
        _words("request_type", tuple(info.request_types), ticket.request_type),
        MoveField(
            name="category_code",
            kind=FieldKind.CATEGORY,
            needed=False,
            choices=(Choice(value=ticket.category_code, label=ticket.category, confidence=0.0),),
        ),
        _lead(grounds, needed=False),
        _helpers(grounds, needed=False),
        _words("urgency", tuple(info.urgencies), ticket.urgency),
        MoveField(name="review", kind=FieldKind.YES_NO, needed=False),
    )


FIELDS: Mapping[str, Callable[[Grounds], tuple[MoveField, ...]]] = {
    "submitted": _acceptance,
    "answered_directly": _plain(("article_id", FieldKind.ARTICLE, False)),
    "transferred_out": _targets,
    "refused": _reasons,
    "merged": _plain(("main", FieldKind.REFERENCE, True)),
    "review_passed": lambda grounds: (_lead(grounds, needed=True), _helpers(grounds, needed=True)),
    "return_asked": _plain(("rather", FieldKind.AGENCY, False)),
    "return_upheld": _new_lead,
    "delegated": _below,
    "helper_added": _plain(("agency_id", FieldKind.AGENCY, True)),
    "suspended": _pauses,
    "replied": lambda grounds: (
        _closures(grounds),
        MoveField(name="result", kind=FieldKind.TEXT, needed=True),
        MoveField(name="public_reply", kind=FieldKind.TEXT, needed=False),
    ),
    "visited": _plain(
        ("reached", FieldKind.YES_NO, True),
        ("solved", FieldKind.ANSWER, False),
        ("satisfied", FieldKind.ANSWER, False),
    ),
    "closed": lambda grounds: (_closures(grounds),),
    "supervised": _levels,
    "noted": _plain(("text", FieldKind.TEXT, True)),
}
"""What the steps want that want anything."""
