"""The console protocol's quality inspections (质检) and praise (表扬). Pure.

A day's tickets are drawn by rule and by lot; an inspector scores each by the site's sheet. Nobody judges themselves.
"""

from datetime import date, datetime
from typing import TypeAlias

import msgspec

from ivr.desk.envelope import FromDesk, FromServer
from ticketing.vocabulary import PraiseForm


class SheetLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the score sheet: 0 to `points`; no points in a `fatal` one fails the whole."""

    id: str
    name: str
    points: int
    fatal: bool


class InspectionCard(msgspec.Struct, frozen=True, kw_only=True):
    """A drawn ticket: `rule` that drew it ("lot": by lot), whose work it is; without `total` it is not judged yet."""

    id: int
    reference: str
    rule: str
    judged: str
    judged_name: str
    sampled_at: datetime
    scores: dict[str, int] = msgspec.field(default_factory=dict)
    total: int | None = None
    remark: str = ""
    done_at: datetime | None = None


class DrawInspections(FromDesk, frozen=True, kw_only=True):
    """Draw a day's tickets (the site's day); answered by `InspectionsDrawn`. A second time draws nothing more."""

    day: date


class ListInspections(FromDesk, frozen=True, kw_only=True):
    """What is drawn and waits to be judged, oldest first, at most 100, and the sheet; answered by `Inspections`."""


class ScoreInspection(FromDesk, frozen=True, kw_only=True):
    """Judge: points for every line of the sheet; answered by `InspectionScored`, else `refused.bad_value`."""

    inspection: int
    scores: dict[str, int]
    remark: str = ""


class RegisterPraise(FromDesk, frozen=True, kw_only=True):
    """Whom a ticket of praise praises: an agency (empty: its lead), and the person if the citizen named one."""

    reference: str
    form: PraiseForm
    agency: str = ""
    person: str = ""


QualityRequest: TypeAlias = DrawInspections | ListInspections | ScoreInspection | RegisterPraise


class InspectionsDrawn(FromServer, frozen=True, kw_only=True):
    """Answer to `DrawInspections`: how many, by the rule that drew them."""

    request: int
    drawn: dict[str, int]


class Inspections(FromServer, frozen=True, kw_only=True):
    """Answer to `ListInspections`."""

    request: int
    cards: tuple[InspectionCard, ...]
    sheet: tuple[SheetLine, ...]


class InspectionScored(FromServer, frozen=True, kw_only=True):
    """Answer to `ScoreInspection`."""

    request: int
    card: InspectionCard


QualityAnswer: TypeAlias = InspectionsDrawn | Inspections | InspectionScored
