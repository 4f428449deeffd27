"""`hotline callback …`: who has to be called, taken one at a time."""

import secrets
from typing import Annotated, Any

import typer

from ivr.commands.books import As, Books, open_books, refused
from ivr.commands.common import DEFAULT_HOME, AsJson, Home, note, run_async, say, say_json, told
from ticketing.errors import AccessRefused, StepRefused
from ticketing.masking import mask_number
from ticketing.records import AuditRecord, CallbackRecord
from ticketing.service import utc_now
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CallOutcome

app = typer.Typer(help="Missed calls, promised callbacks and return visits, in one queue.", no_args_is_help=True)

NOBODY = 1
"""Exit status of `take` when nobody is due."""


@app.command("list")
@told
def list_callbacks(
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50, home: Home = DEFAULT_HOME, as_json: AsJson = False
) -> None:
    """Who waits to be called, in the order they will be; numbers masked."""

    async def main() -> None:
        async with open_books(home) as books:
            async with UnitOfWork(books.database, reads=True) as unit:
                waiting = await unit.callbacks.waiting(limit)
            shown = [_shown(books, one, reveal=False) for one in waiting]
            if as_json:
                say_json(shown)
                return
            for one in shown:
                due = f"最迟 {one['due_at'][:16]}"
                say(f"{one['id']:6} {one['kind']:8} {one['number']:13} {due}  已拨 {one['attempts']} 次")

    run_async(main())


@app.command("take")
@told
def take(
    actor: As = "",
    lease: Annotated[float, typer.Option(min=1, help="Seconds it is yours alone.")] = 300.0,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """The next citizen to call, with the number, yours alone for a while. Exit status 1 when nobody is due."""

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            token = secrets.token_hex(8)
            try:
                async with UnitOfWork(books.database) as unit:
                    found = await books.callbacks.take(unit, token, lease_s=lease, role=who.role)
                    if found is not None:
                        await unit.audits.add(
                            AuditRecord(
                                at=utc_now(),
                                actor=who.id,
                                action="call",
                                subject_kind="callback",
                                subject_id=str(found.id),
                                why="回拨",
                            )
                        )
            except AccessRefused as error:
                refused(error, as_json=as_json)
            if found is None:
                say_json(None) if as_json else note("没有到时的回拨")
                raise typer.Exit(NOBODY)
            shown = _shown(books, found, reveal=True) | {"token": token}
            if as_json:
                say_json(shown)
            else:
                about = f"工单 {shown['reference'] or '无'}"
                say(f"{shown['id']}  {shown['kind']}  {shown['number']}  {about}  --token {token}")

    run_async(main())


@app.command("done")
@told
def done(
    callback: Annotated[int, typer.Argument(metavar="ID")],
    token: Annotated[str, typer.Option(help="What `take` printed.")],
    outcome: Annotated[CallOutcome, typer.Option(help="How the call went.")],
    actor: As = "",
    solved: Annotated[bool | None, typer.Option("--solved/--not-solved", help="是否解决.")] = None,
    satisfied: Annotated[bool | None, typer.Option("--satisfied/--not-satisfied", help="是否满意.")] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """How a call went. A return visit that reached the citizen says whether it is solved and whether satisfied."""

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            try:
                async with UnitOfWork(books.database) as unit:
                    found = await unit.callbacks.get(callback)
                    settled = await books.callbacks.settle(
                        unit, found, token, outcome, who, solved=solved, satisfied=satisfied
                    )
            except StepRefused as error:
                refused(error, as_json=as_json)
            shown = _shown(books, settled, reveal=False)
            say_json(shown) if as_json else say(f"{shown['id']}  {shown['state']}")

    run_async(main())


def _shown(books: Books, callback: CallbackRecord, *, reveal: bool) -> dict[str, Any]:
    shown: dict[str, Any] = books.plain(callback)
    if not reveal:
        shown["number"] = mask_number(callback.number)
    return shown
