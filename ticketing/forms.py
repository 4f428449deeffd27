"""A draft filled in by hand (窗口、信箱、网站来件), without a conversation behind it. Pure."""

from collections.abc import Mapping
from datetime import datetime

from ticketing.choices import FieldChoices
from ticketing.consequences import consequences
from ticketing.drafts import absorb, edit, new_draft
from ticketing.site import Site
from ticketing.views import DraftView, Proposal
from ticketing.vocabulary import FieldName
from ticketing.work_calendar import WorkCalendar


def filled(site: Site, draft_id: str, contact: str, values: Mapping[FieldName, str], at: datetime) -> DraftView:
    """The draft with these values, a person's; agencies, urgency and due time follow from the rest by the rules.

    Raises `UnknownId` for a value its field cannot hold.
    """
    choices = FieldChoices(site)
    draft = new_draft(draft_id, contact)
    for field, value in values.items():
        if value:
            draft = edit(draft, field, value, choices.label(field, value))
    return absorb(draft, Proposal(fields=consequences(site, WorkCalendar.of_site(site), draft.fields, at)))
