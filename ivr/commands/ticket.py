"""`hotline ticket …`: work orders, from 受理 to 归档, as a named person."""

import secrets
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from ivr.bootstrap import open_gateway
from ivr.commands.books import As, Books, Why, open_books, refused
from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, run_async, say, say_json, settings_of, told
from ivr.instance import Instance
from ticketing.acts import act as take_step
from ticketing.dispatch import DispatchWorker, Gateways, RetryPolicy
from ticketing.duplicates import Duplicates, Matter
from ticketing.errors import AccessRefused, ChangedMeanwhile, DraftIncomplete, DueTimeRefused, StepRefused
from ticketing.forms import filled
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.table import DESK, STATE_NAMES, TABLE, Actor
from ticketing.matter_index import MatterIndex
from ticketing.records import TicketFilter, TicketRecord
from ticketing.service import Outcome, utc_now
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import AgencyId, ArticleId, CategoryCode, ContactId, FieldName, Medium, PlaceId, TicketState

app = typer.Typer(help="Work orders: make, read, move on, and their history.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="The ticket's ten digits.")]


@app.command("new")
@told
def new(
    request_type: Annotated[str, typer.Option("--type", help="咨询, 投诉, 求助, 建议, 举报 or 表扬.")],
    category: Annotated[str, typer.Option(help="Six digits of the site pack.")],
    title: Annotated[str, typer.Option()],
    content: Annotated[str, typer.Option()],
    actor: As = "",
    name: Annotated[str, typer.Option(help="The citizen's name.")] = "",
    phone: Annotated[str, typer.Option(help="Where the citizen is called back.")] = "",
    place: Annotated[str, typer.Option(help="Id of the gazetteer.")] = "",
    address: Annotated[str, typer.Option()] = "",
    agency: Annotated[str, typer.Option(help="Lead agency; by default the category's.")] = "",
    helpers: Annotated[list[str] | None, typer.Option("--co", help="Co-agency; may be given several times.")] = None,
    urgency: Annotated[str, typer.Option(help="一般, 紧急 or 特急; by default the category's.")] = "",
    due: Annotated[str, typer.Option(help="An earlier due time than the rule's, ISO 8601 with zone.")] = "",
    confidential: Annotated[bool, typer.Option("--confidential", help="保密.")] = False,
    medium: Annotated[Medium, typer.Option(help="Way of contact.")] = Medium.COUNTER,
    review: Annotated[bool, typer.Option("--review", help="预审 before it is dispatched.")] = False,
    register: Annotated[bool, typer.Option("--register", help="登记 only: it waits to be accepted.")] = False,
    answered: Annotated[str | None, typer.Option(help="直办: the article answered from; - for none.")] = None,
    refuse: Annotated[str, typer.Option(help="不予受理: the site pack's reason.")] = "",
    transferred: Annotated[str, typer.Option(help="转紧急电话: the site pack's transfer.")] = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Make a ticket. Agencies, urgency and due time follow from category and place unless they are given."""
    outcomes = _outcomes(answered, refuse, transferred, register)
    if len(outcomes) > 1:
        fail("only one of --answered, --refuse, --transferred and --register")
    values = {
        FieldName.REQUEST_TYPE: request_type,
        FieldName.CATEGORY: category,
        FieldName.PLACE: place,
        FieldName.ADDRESS: address,
        FieldName.CITIZEN_NAME: name,
        FieldName.CALLBACK_PHONE: phone,
        FieldName.CONFIDENTIAL: "yes" if confidential else "",
        FieldName.LEAD_AGENCY: agency,
        FieldName.CO_AGENCIES: "|".join(helpers or ()),
        FieldName.URGENCY: urgency,
        FieldName.DUE_AT: due,
        FieldName.TITLE: title,
        FieldName.CONTENT: content,
    }

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            if who.role not in DESK:
                refused(AccessRefused("只有话务员和班长可以登记工单"), as_json=as_json)
            made = await _make(books, who, values, medium, outcomes[0] if outcomes else None, review)
            await _print(books, made, who, as_json=as_json)

    run_async(main())


def _outcomes(answered: str | None, refuse: str, transferred: str, register: bool) -> list[Outcome]:
    found: list[Outcome] = []
    if answered is not None:
        found.append(s.AnsweredDirectly(article_id=None if answered == "-" else ArticleId(answered)))
    if refuse:
        found.append(s.Refused(reason_id=refuse))
    if transferred:
        found.append(s.TransferredOut(target=transferred))
    if register:
        found.append(s.Received())
    return found


async def _make(
    books: Books, who: Actor, values: dict[FieldName, str], medium: Medium, outcome: Outcome | None, review: bool
) -> str:
    now, contact = utc_now(), ContactId(f"hand-{secrets.token_hex(8)}")
    draft = filled(books.site, f"{contact}.draft", contact, values, now)
    number = values[FieldName.CALLBACK_PHONE] or None
    try:
        async with UnitOfWork(books.database) as unit:
            await unit.contacts.open(contact, arrived_at=now, caller_number=number, dialled="", medium=medium)
            await unit.contacts.answered(contact, agent_id=who.id, at=now)
            await unit.contacts.ended(contact, at=now)
            made = await books.service.submit(unit, draft, who.id, draft.id, outcome=outcome, review=review)
    except DraftIncomplete as lacking:
        ask = draft.fields[FieldName.LEAD_AGENCY].ask
        hint = f" ({ask} give --place or --agency)" if ask and FieldName.LEAD_AGENCY in lacking.missing else ""
        fail(f"{lacking}{hint}")
    except DueTimeRefused as why:
        fail(f"--due: {why.reason}")
    return made.reference


@app.command("show")
@told
def show(
    reference: Reference,
    actor: As = "",
    reveal: Annotated[bool, typer.Option("--reveal", help="Who the citizen is; needs --why, and is kept.")] = False,
    why: Why = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Read a ticket: what it says, where it stands, what may be done with it."""

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            try:
                await _print(books, reference, who, as_json=as_json, reveal=why if reveal else None)
            except AccessRefused as error:
                refused(error, as_json=as_json)

    run_async(main())


async def _print(books: Books, reference: str, who: Actor, *, as_json: bool, reveal: str | None = None) -> None:
    async with UnitOfWork(books.database) as unit:
        sheet = await books.privacy.sheet(unit, reference, who)
        case = await books.casework.case(unit, reference, who)
        shown = books.ticket(sheet, case.open_steps)
        shown["life"] = books.plain(case.life)
        shown["merged_from"] = [one.reference for one in await unit.tickets.merged_into(reference)]
        shown["sent"] = [
            {"agency": one.agency_id, "kind": one.kind, "state": one.state.value, "error": one.last_error}
            for one in await unit.outbox.of_ticket(reference)
        ]
        if reveal is not None:
            identity = await books.privacy.reveal(unit, reference, who, reveal)
            shown |= {"citizen_name": identity.name, "callback_phone": identity.phone}
    if as_json:
        say_json(shown)
        return
    say(f"{shown['reference']}  {shown['state_name']}  {shown['request_type']} {shown['category']}")
    say(f"  {shown['title']}")
    say(f"  {shown['content']}")
    say(f"  来电人    {shown['citizen_name'] or '（未留）'} {shown['callback_phone']}")
    say(
        f"  主办      {shown['lead_agency']}"
        + (f"  协办 {'、'.join(sheet.co_agency_ids)}" if sheet.co_agency_ids else "")
    )
    say(f"  时限      {shown['due_at'] or '无'}")
    if sheet.supervision:
        say(f"  督办      {sheet.supervision} 级，{shown['supervision_due_at']} 前")
    say(f"  可以      {_names(shown['open_steps'])}")


@app.command("list")
@told
def list_tickets(
    actor: As = "",
    state: Annotated[list[TicketState] | None, typer.Option(help="Only these states; may be given often.")] = None,
    agency: Annotated[list[str] | None, typer.Option(help="Led or held by these agencies.")] = None,
    category: Annotated[str, typer.Option(help="Code, or its first two or four digits.")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Past their due time and not replied to.")] = False,
    supervised: Annotated[bool, typer.Option("--supervised", help="督办.")] = False,
    before: Annotated[str, typer.Option(help="Only numbers before this one: the next page.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """The newest tickets; handlers see their own and what is below them."""
    states = tuple(state or ())
    if overdue:
        states = states or (TicketState.DISPATCHED, TicketState.RETURN_ASKED, TicketState.IN_PROGRESS)
    wanted = TicketFilter(
        states=states,
        agencies=tuple(AgencyId(one) for one in agency or ()),
        due_before=utc_now() if overdue else None,
        category_prefix=category,
        supervised=supervised,
        before=before,
    )

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            async with UnitOfWork(books.database, reads=True) as unit:
                found = await books.privacy.listing(unit, wanted, who, limit)
            if as_json:
                say_json([books.ticket(one) for one in found])
                return
            for one in found:
                due = f"{one.due_at.astimezone(books.site.zone):%m-%d %H:%M}" if one.due_at else "-"
                say(f"{one.reference}  {STATE_NAMES[one.state]:5} {due}  {one.lead_agency}  {one.title}")

    run_async(main())


@app.command("act")
@told
def act(
    reference: Reference,
    step: Annotated[str, typer.Argument(metavar="STEP", help="Kind (signed) or Chinese name (签收) of the step.")],
    actor: As = "",
    why: Why = "",
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A value of the step; JSON, or text.")
    ] = None,
    revision: Annotated[int | None, typer.Option(help="Refuse if the ticket is no longer at this revision.")] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Take a step. A refused one says why and which steps are open (exit status 3)."""
    said = dict(_value(one) for one in values or ())

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            try:
                async with UnitOfWork(books.database) as unit:
                    await books.privacy.sheet(unit, reference, who)
                    await take_step(books.casework, unit, reference, step, said, who, why=why, revision=revision)
                await _print(books, reference, who, as_json=as_json)
            except (StepRefused, AccessRefused, ChangedMeanwhile) as error:
                refused(error, as_json=as_json)

    run_async(main())


def _value(text: str) -> tuple[str, Any]:
    name, given, value = text.partition("=")
    if not given:
        fail(f"--set {text!r} must be NAME=VALUE")
    try:
        found: Any = msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value
    # six digits of a category are JSON too, and yet text
    return name, value if isinstance(found, int | float) and not isinstance(found, bool) and name != "level" else found


@app.command("repeat")
@told
def repeat(
    reference: Reference,
    of: Annotated[str, typer.Option("--of", metavar="REFERENCE", help="The closed ticket it is about again.")],
    actor: As = "",
    why: Why = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """反复反映: reopen the closed ticket, by rule under supervision, and merge the new one into it."""

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            try:
                async with UnitOfWork(books.database) as unit:
                    await books.casework.repeat(unit, reference, of, who, why=why)
                await _print(books, of, who, as_json=as_json)
            except (StepRefused, AccessRefused, ChangedMeanwhile) as error:
                refused(error, as_json=as_json)

    run_async(main())


@app.command("history")
@told
def history(reference: Reference, actor: As = "", home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Every step of a ticket: who, when, from where to where, what and why."""

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            try:
                async with UnitOfWork(books.database) as unit:
                    await books.privacy.sheet(unit, reference, who)  # reading a sensitive one is kept
                    events = await books.privacy.history(unit, reference, who)
            except AccessRefused as error:
                refused(error, as_json=as_json)
            shown = [books.plain(one) | {"name": TABLE[s.STEPS[one.kind]].name} for one in events]
            if as_json:
                say_json(shown)
                return
            for one in shown:
                said = " ".join(f"{key}={value}" for key, value in one["body"].items() if value not in (None, "", []))
                took = f"{one['seq']:3} {one['at'][:16]} {one['name']} {one['actor']} → {one['to_state']}"
                say(f"{took}  {one['why']} {said}".rstrip())

    run_async(main())


@app.command("duplicates")
@told
def duplicates(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="A ticket; or use --text.")] = "",
    actor: As = "",
    text: Annotated[str, typer.Option(help="What the citizen says.")] = "",
    place: Annotated[str, typer.Option(help="Id of the gazetteer.")] = "",
    category: Annotated[str, typer.Option(help="Six digits of the site pack.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=50)] = 5,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """The tickets that may be the same matter, likeliest first, with the reasons."""
    if bool(reference) == bool(text):
        fail("name a ticket or give --text, one of the two")

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            try:
                async with UnitOfWork(books.database) as unit:
                    matter = await _matter(books, unit, reference, who, text, place, category)
            except AccessRefused as error:
                refused(error, as_json=as_json)
            with MatterIndex.opened(books.settings.matters) as index:
                await index.catch_up(books.database)
                search = Duplicates(books.site, index)
                async with UnitOfWork(books.database, reads=True) as unit:
                    found = await search.find(unit, matter, limit)
            others = [one for one in found if one.ticket.reference != reference]
            tickets = [books.privacy.masked(one.ticket, who) for one in others]
            if as_json:
                say_json(
                    [
                        {"score": one.score, "reasons": one.reasons, "ticket": books.ticket(ticket)}
                        for one, ticket in zip(others, tickets, strict=True)
                    ]
                )
                return
            for one, ticket in zip(others, tickets, strict=True):
                say(f"{ticket.reference}  {one.score:.2f}  {ticket.title}  （{'；'.join(one.reasons)}）")

    run_async(main())


async def _matter(
    books: Books, unit: UnitOfWork, reference: str, who: Actor, text: str, place: str, category: str
) -> Matter:
    if not reference:
        return Matter(
            text=text,
            at=datetime.now(UTC),
            place_id=books.site.place(place).id if place else None,
            category_code=books.site.category(category).code if category else None,
        )
    await books.privacy.sheet(unit, reference, who)
    return matter_of(await unit.tickets.get(reference))


def matter_of(ticket: TicketRecord) -> Matter:
    """What a ticket is about."""
    return Matter(
        text=f"{ticket.title} {ticket.address} {ticket.content}",
        at=max(ticket.created_at, datetime.now(UTC)),
        contact=ticket.contact,
        place_id=PlaceId(ticket.place_id) if ticket.place_id else None,
        category_code=CategoryCode(ticket.category_code),
    )


@app.command("dispatch")
@told
def dispatch(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Send what is due in the outbox once; a running server does so by itself."""

    async def main() -> int:
        instance = Instance(settings_of(home))
        async with AsyncExitStack() as stack:
            books = await stack.enter_async_context(open_books(home))
            worker = DispatchWorker(
                books.database,
                books.site,
                Gateways(default=await open_gateway(stack, instance)),
                policy=RetryPolicy(attempts=books.settings.dispatch.attempts),
            )
            tried = 0
            while found := await worker.work_once():
                tried += found
        return tried

    tried = run_async(main())
    say_json({"tried": tried}) if as_json else say(f"{tried} 件已发送或重试")


def _names(shown: list[dict[str, str]]) -> str:
    return "、".join(f"{one['name']}({one['kind']})" for one in shown) or "没有"
