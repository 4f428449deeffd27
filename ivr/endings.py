"""How a draft becomes a ticket: on its way to an agency, or ended another way, in one unit of work."""

from typing import assert_never

import msgspec

from ivr.desk.wire import Answered, Ending, ForReview, NotAccepted, SameMatter, Transferred
from ticketing.casework import Casework
from ticketing.errors import StepRefused, UnknownId
from ticketing.lifecycle.steps import AnsweredDirectly, Merged, Refused, TransferredOut
from ticketing.lifecycle.table import Actor
from ticketing.service import Outcome, TicketService, ticket_view
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.views import DraftView, TicketView
from ticketing.vocabulary import ArticleId, FieldName, Reference, Role, TicketState


async def end(
    service: TicketService,
    casework: Casework,
    site: Site,
    unit: UnitOfWork,
    draft: DraftView,
    agent: str,
    ending: Ending | None,
) -> TicketView:
    """Submit the draft. One that was submitted before answers with its ticket, whatever the ending now.

    Raises what `TicketService.submit` raises, and `StepRefused` where the matter cannot end so.
    """
    if isinstance(ending, SameMatter):
        return await _merge(service, casework, unit, draft, agent, ending.main)
    review = isinstance(ending, ForReview)
    outcome = _outcome(site, ending)
    return await service.submit(unit, draft, agent, draft.id, outcome=outcome, review=review)


def _outcome(site: Site, ending: Answered | NotAccepted | Transferred | ForReview | None) -> Outcome | None:
    match ending:
        case None | ForReview():
            return None
        case Answered(article=article):
            if ArticleId(article) not in site.articles:
                raise StepRefused("没有这篇知识")
            return AnsweredDirectly(article_id=ArticleId(article))
        case NotAccepted(reason=reason):
            if reason not in {one.id for one in site.not_accepted.reasons}:
                raise StepRefused("不予受理理由不存在")
            return Refused(reason_id=reason)
        case Transferred(target=target):
            if target not in {one.id for one in site.emergency.transfers}:
                raise StepRefused("没有这条紧急电话")
            return TransferredOut(target=target)
        case _:
            assert_never(ending)


async def _merge(
    service: TicketService, casework: Casework, unit: UnitOfWork, draft: DraftView, agent: str, main: str
) -> TicketView:
    """A ticket of its own, merged at once, so that its citizen is called back too; it needs no agency of its own."""
    try:
        order = await unit.tickets.get(main)
    except UnknownId:
        raise StepRefused("主单不存在") from None
    lead = draft.fields[FieldName.LEAD_AGENCY]
    whole = draft
    if not lead.value.strip():
        lead = msgspec.structs.replace(lead, value=order.lead_agency_id, label=order.lead_agency)
        whole = msgspec.structs.replace(draft, fields={**draft.fields, FieldName.LEAD_AGENCY: lead})
    ticket = await service.submit(unit, whole, agent, draft.id)
    if draft.reference is not None or ticket.state == TicketState.MERGED:
        return ticket
    actor = Actor(id=agent, role=Role.AGENT)
    return ticket_view(await casework.take(unit, ticket.reference, Merged(main=Reference(main)), actor))
