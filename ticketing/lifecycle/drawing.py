"""The lifecycle as a page for people, made from the table itself: a Mermaid diagram and who may do what."""

import sys
from datetime import UTC, datetime

from ticketing.lifecycle import steps as s
from ticketing.lifecycle.life import Life, Pause, after
from ticketing.lifecycle.table import ROLE_NAMES, STATE_NAMES, TABLE
from ticketing.vocabulary import (
    AgencyId,
    ArticleId,
    CategoryCode,
    Closure,
    Reference,
    RequestType,
    TicketState,
    Urgency,
)

_AT = datetime(2026, 1, 1, tzinfo=UTC)
_LEAD = AgencyId("lead")

EXAMPLES: tuple[s.AnyStep, ...] = (
    s.Received(),
    s.Submitted(
        request_type=RequestType.HELP,
        category_code=CategoryCode("010101"),
        lead_agency_id=_LEAD,
        co_agency_ids=(),
        urgency=Urgency.NORMAL,
        deadline_rule_id="rule",
        review=True,
    ),
    s.Submitted(
        request_type=RequestType.HELP,
        category_code=CategoryCode("010101"),
        lead_agency_id=_LEAD,
        co_agency_ids=(),
        urgency=Urgency.NORMAL,
        deadline_rule_id="rule",
    ),
    s.AnsweredDirectly(article_id=ArticleId("kb-0001")),
    s.TransferredOut(target="em-110"),
    s.Refused(reason_id="na-region"),
    s.Merged(main=Reference("2601010001")),
    s.SplitOff(),
    s.ReviewPassed(lead_agency_id=_LEAD, co_agency_ids=()),
    s.Dispatched(agency_id=_LEAD, dispatched_at=_AT, due_at=_AT),
    s.Signed(),
    s.ReturnAsked(),
    s.ReturnUpheld(lead_agency_id=AgencyId("other")),
    s.ReturnRejected(),
    s.Delegated(agency_id=AgencyId("below")),
    s.HandedUp(),
    s.HelperAdded(agency_id=AgencyId("helper")),
    s.Suspended(reason="等待"),
    s.Resumed(due_at=_AT),
    s.ExtensionAsked(),
    s.ExtensionGranted(due_at=_AT),
    s.ExtensionDenied(),
    s.Replied(closure=Closure.SOLVED, result="已处理"),
    s.ReplyApproved(),
    s.ReplySentBack(),
    s.Visited(reached=False),
    s.Visited(reached=True, solved=True, satisfied=True),
    s.Visited(reached=True, solved=False, done_anew_by=_AT),
    s.Closed(closure=Closure.EXPLAINED),
    s.Supervised(level=1, due_at=_AT),
    s.SupervisionEnded(),
    s.Urged(),
    s.Noted(text="补充"),
    s.Archived(),
    s.Reopened(),
    s.Withdrawn(),
)
"""Every step once, with every turn it can take."""


def arrows() -> dict[tuple[TicketState, TicketState], list[str]]:
    """From which state to which, by which steps (Chinese), as the fold itself goes. Steps that stay are left out."""
    found: dict[tuple[TicketState, TicketState], list[str]] = {}
    for step in EXAMPLES:
        rule = TABLE[type(step)]
        for state in TicketState:
            if state not in rule.of:
                continue
            stood = Life(
                state=state,
                holders=(_LEAD, AgencyId("below")),
                pauses=(Pause(start=_AT),),
                before_merge=TicketState.IN_PROGRESS,
            )
            to = after(stood, _AT, step).state
            names = found.setdefault((state, to), [])
            if to is not state and rule.name not in names:
                names.append(rule.name)
    return {pair: names for pair, names in found.items() if names}


def page() -> str:
    """The page, in Markdown."""
    lines = [
        "# The life of a ticket (工单生命周期)",
        "",
        "Made from `ticketing/lifecycle/table.py` by `ticketing/lifecycle/drawing.py`; a test fails when they differ.",
        "督办、催办、延期、下派、协办 lie over the state and do not change it.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        *(f"    {state.name}: {STATE_NAMES[state]}" for state in TicketState),
        f"    [*] --> {TicketState.DRAFT.name}",
        *(f"    {a.name} --> {b.name}: {'、'.join(names)}" for (a, b), names in arrows().items()),
        f"    {TicketState.ARCHIVED.name} --> [*]",
        "```",
        "",
        "| step | 名称 | from | by | reason |",
        "|---|---|---|---|---|",
    ]
    for kind, struct in s.STEPS.items():
        rule = TABLE[struct]
        of = "、".join(STATE_NAMES[state] for state in TicketState if state in rule.of)
        by = "、".join(ROLE_NAMES[role] for role in ROLE_NAMES if role in rule.by)
        lines.append(f"| `{kind}` | {rule.name} | {of} | {by} | {'required' if rule.why_needed else ''} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page to standard output: `python -m ticketing.lifecycle.drawing > docs/reference/lifecycle.md`."""
    sys.stdout.write(page())


if __name__ == "__main__":
    main()
