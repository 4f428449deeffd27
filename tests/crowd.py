"""A random but legal crowd at work on tickets, and an auditor who reads only the logs afterwards.

The crowd sees what desks see: it takes a step the sheet's moves offer, fills its fields from the choices they give, and
calls citizens from the queue. Time goes on, gateways fail, holidays come. The auditor then knows from the logs, the
outbox and the queue alone whether anything illegal happened, was lost or happened twice.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec

from ivr.desk.moves import Grounds, moves
from ivr.desk.ticket_views import FieldKind, Move, MoveField
from ivr.desk.wire import Answered, Ending, ForReview, NotAccepted, SameMatter
from ivr.desk.wire_tickets import Value
from ivr.endings import end
from tests.fakes.tickets import SITE, a_contact, draft_of
from ticketing.acts import act
from ticketing.callbacks import Callbacks
from ticketing.casework import Casework
from ticketing.clockwork import Clockwork
from ticketing.database import Database
from ticketing.deadlines import due_at, extended
from ticketing.dispatch import DispatchWorker, Gateways
from ticketing.entries import life_of
from ticketing.errors import ChangedMeanwhile, DatabaseUnavailable, GatewayFailed, StepRefused, UnknownId
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.life import OPEN, Life, after
from ticketing.lifecycle.table import HANDLERS, TABLE, Actor, open_steps
from ticketing.pack_deadlines import Span, Unit
from ticketing.payload import Dispatch, Message
from ticketing.privacy import Privacy
from ticketing.records import CallbackRecord, OutboxRecord, TicketEventRecord, TicketRecord
from ticketing.repositories.wanted import AWAITING_REPLY
from ticketing.service import TicketService
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import (
    AgencyId,
    CallbackKind,
    CallbackState,
    CallOutcome,
    FieldName,
    Reference,
    Role,
    TicketState,
)
from ticketing.work_calendar import WorkCalendar

BEGIN = datetime(2026, 9, 21, 1, 0, tzinfo=UTC)
"""A Monday before the autumn holidays, with their moved working days."""

LEADS = ("d-cgj-zf", "d-gaj-jj", "e-heat", "d-jyj", "c140802")
CATEGORIES = ("010101", "020101", "040101", "050101")
ROLES: tuple[Actor, ...] = (
    *(Actor(id=str(role), role=role) for role in Role if role not in HANDLERS | {Role.SYSTEM}),
    *(Actor(id=f"{role}-{lead}", role=role, agency_id=AgencyId(lead)) for lead in LEADS for role in sorted(HANDLERS)),
)
BY_ID = {actor.id: actor for actor in ROLES}

BLINK = timedelta(seconds=1)
"""This clock goes on while a step is taken."""

TURNS = 7
"""Turns for each ticket: what it takes to bring most of them round."""

TICKS = 60
"""How often the clock looks at all tickets, however many they are."""

SELDOM: Mapping[str, float] = {
    "withdrawn": 0.03,
    "urged": 0.1,
    "noted": 0.03,
    "supervised": 0.15,
    "merged": 0.08,
    "reopened": 0.05,
    "helper_added": 0.1,
    "closed": 0.3,
    "split_off": 0.3,
    "delegated": 0.4,
}
"""How much less than others a step is taken, so that tickets get round."""


class CrowdClock:
    """Every look at it is a little later than the one before, so that no two things happen at the same time."""

    def __init__(self) -> None:
        self.at = BEGIN

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=5)
        return self.at

    def forward(self, **length: float) -> None:
        """Let time pass."""
        self.at += timedelta(**length)


class MoodyGateway:
    """Takes most messages, loses some, and sometimes does not say whether it took one."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.taken: list[Message] = []

    async def send(self, message: Message) -> None:
        await asyncio.sleep(0)
        if (mood := self._rng.random()) < 0.05:
            raise GatewayFailed("away")
        self.taken.append(message)
        if mood < 0.08:
            raise GatewayFailed("no reply", may_have_arrived=True)


class Crowd:
    """`tickets` are made and worked on by `people` at once, until everybody had their turn."""

    def __init__(self, database: Database, seed: int, tickets: int, people: int = 1) -> None:
        self.database = database
        self.rng = random.Random(seed)
        self.clock = CrowdClock()
        self.casework = Casework(SITE, self.clock)
        self.service = TicketService(SITE, self.clock)
        self.privacy = Privacy(SITE, self.clock)
        self.callbacks = Callbacks(SITE, self.casework, self.clock)
        self.gateway = MoodyGateway(self.rng)
        self.worker = DispatchWorker(database, SITE, Gateways(default=self.gateway), now=self.clock)
        self.clockwork = Clockwork(database, SITE, now=self.clock)
        self.wanted = tickets
        self.people = people
        self.open: list[str] = []
        self.made = 0
        self.did: Counter[str] = Counter()
        self.looked_at = BEGIN
        self.told: Callable[[int], None] = lambda made: None

    async def work(self, turns_each: int = TURNS) -> None:
        """Everybody takes their turns; then the queue and the outbox are worked off."""
        turns = iter(range(self.wanted * turns_each))

        async def person() -> None:
            for _ in turns:
                await self._turn()

        async with asyncio.TaskGroup() as group:
            for number in range(self.people):
                group.create_task(person(), name=f"person {number}")
        await self._finish()

    async def _turn(self) -> None:
        self.clock.forward(minutes=self.rng.expovariate(1.0) * 60 * 24 * 40 / (self.wanted * TURNS))
        chance = self.rng.random()
        try:
            if self.made < self.wanted and (chance < 1.15 / TURNS or not self.open):
                await self._submit()
            elif chance < 0.22:
                await self._call()
            elif chance < 0.25:
                self.did["sent"] += await self.worker.work_once()
            elif chance < 0.25 + TICKS / (self.wanted * TURNS):
                self.did["clock"] += await self.clockwork.tick()
            elif self.open:
                await self._step()
        except StepRefused:
            self.did["refused"] += 1
        except (ChangedMeanwhile, DatabaseUnavailable):
            self.did["too late"] += 1

    async def _submit(self) -> None:
        self.made += 1
        self.told(self.made)
        call, rng = f"call-{self.made}", self.rng
        number = f"138{self.made:08d}"
        await a_contact(self.database, call, number=number, arrived_at=self.clock())
        fields = {
            FieldName.LEAD_AGENCY: rng.choice(LEADS),
            FieldName.CATEGORY: rng.choice(CATEGORIES),
            FieldName.URGENCY: rng.choices(["一般", "紧急", "特急"], [8, 1, 1])[0],
            FieldName.CONFIDENTIAL: rng.choice(["", "", "", "yes"]),
            FieldName.CALLBACK_PHONE: number,
        }
        endings: list[Ending | None] = [None, ForReview(), Answered(article=next(iter(SITE.articles)))]
        endings.append(NotAccepted(reason="na-region"))
        if self.open:
            endings.append(SameMatter(main=rng.choice(self.open)))
        ending = rng.choices(endings, [10, 3, 1, 1, 1][: len(endings)])[0]
        async with UnitOfWork(self.database) as unit:
            draft = draft_of(call, fields)
            made = await end(self.service, self.casework, SITE, unit, draft, "agent", ending)
        self.did["submitted"] += 1
        if made.state in OPEN:
            self.open.append(made.reference)

    async def _step(self) -> None:
        """Somebody who may do something about a ticket takes one of the moves they are offered."""
        reference, rng = self.rng.choice(self.open), self.rng
        async with UnitOfWork(self.database) as unit:
            case = await self.casework.case(unit, reference, BY_ID["leader"])
            may = [
                (actor, kind)
                for actor in ROLES
                if self.privacy.may_see(case.ticket, actor)
                for kind in open_steps(case.life, actor, SITE)
                if kind != "visited"  # citizens are called from the queue
            ]
            if not may:
                return
            actor, kind = rng.choices(may, [SELDOM.get(kind, 1.0) for _, kind in may])[0]
            (move,) = moves((kind,), Grounds(site=SITE, ticket=case.ticket, life=case.life))
            said = self._said(move)
            seen = rng.choice([None, case.ticket.revision, case.ticket.revision, case.ticket.revision - 1])
            try:
                ticket = await act(self.casework, unit, reference, kind, said, actor, why="理由", revision=seen)
            except UnknownId as error:
                raise AssertionError(f"what a sheet offers is no step: {kind} {said}") from error
        self.did[move.step] += 1
        if ticket.state not in OPEN and reference in self.open and rng.random() < 0.9:
            self.open.remove(reference)  # the others may be reopened or split off

    def _said(self, move: Move) -> dict[str, Value]:
        fields = [one for one in move.fields if one.needed or self.rng.random() < 0.5]
        return {field.name: self._value(field) for field in fields}

    def _value(self, field: MoveField) -> Value:
        choice = self.rng.choice(field.choices).value if field.choices else ""
        match field.kind:
            case FieldKind.TEXT:
                return "已处理"
            case FieldKind.NUMBER:
                return int(choice or 1)
            case FieldKind.YES_NO:
                return self.rng.random() < 0.5
            case FieldKind.ANSWER:
                return self.rng.choice([True, False, None])
            case FieldKind.AGENCY:
                return choice or self.rng.choice(LEADS)
            case FieldKind.AGENCIES:
                return (choice,) if choice else ()
            case FieldKind.REFERENCE:
                return self.rng.choice(self.open)
            case FieldKind.ARTICLE:
                return next(iter(SITE.articles))
            case _:
                return choice

    async def _call(self, *, until_reached: bool = False) -> bool:
        """Somebody takes a citizen of the queue and says how it went."""
        async with UnitOfWork(self.database) as unit:
            taken = await self.callbacks.take(unit, "visitor", role=Role.VISITOR)
        if taken is None:
            return False
        if self.rng.random() < 0.05 and not until_reached:
            return True  # dies with the citizen in hand: the lease ends by itself
        outcome = self.rng.choices([CallOutcome.REACHED, CallOutcome.NO_ANSWER, CallOutcome.BUSY], [6, 2, 1])[0]
        answers: dict[str, Any] = {}
        if outcome is CallOutcome.REACHED:
            happy = self.rng.random() < 0.75
            answers = {"solved": happy, "satisfied": happy if self.rng.random() < 0.8 else None}
        async with UnitOfWork(self.database) as unit:
            try:
                await self.callbacks.settle(unit, taken, "visitor", outcome, BY_ID["visitor"], **answers)
            except UnknownId:
                self.did["too late"] += 1  # nobody has to ask any more
                return True
        self.did["called"] += 1
        return True

    async def _finish(self) -> None:
        """Nobody begins anything new; who waits is called, what waits is sent."""
        for _ in range(200):
            self.clock.forward(hours=2)
            while await self._call(until_reached=True):
                pass
            await self._send_all()
            async with UnitOfWork(self.database, reads=True) as unit:
                left = await unit.callbacks.tally(self.clock())
            if not left.waiting:
                break
        else:
            raise AssertionError("the queue never empties")
        self.looked_at = self.clock()
        while await self.clockwork.tick():  # the earliest thousand each time
            pass
        await self._send_all()

    async def _send_all(self) -> None:
        for _ in range(1_000):
            while await self.worker.work_once():
                pass
            async with UnitOfWork(self.database, reads=True) as unit:
                due = await unit.outbox.next_due()
            if due is None:
                return
            self.clock.at = max(self.clock.at, due)
        raise AssertionError("the outbox never empties")


class Audit:
    """What the logs say of everything that was done."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._calendar = WorkCalendar.of_site(SITE)
        self.tickets: dict[str, TicketRecord] = {}
        self.logs: dict[str, tuple[TicketEventRecord, ...]] = {}
        self.queue: dict[str, tuple[CallbackRecord, ...]] = {}
        self.outbox: dict[str, tuple[OutboxRecord, ...]] = {}

    async def check(self) -> None:
        """Read everything and check it; the first thing that is wrong is raised."""
        after_number: Reference = Reference("")
        async with UnitOfWork(self._crowd.database, reads=True) as unit:
            while page := await unit.tickets.created_from(None, beyond=after_number, limit=500):
                after_number = page[-1].reference
                for ticket in page:
                    reference = ticket.reference
                    self.tickets[reference] = ticket
                    self.logs[reference] = await unit.tickets.events(reference)
                    self.queue[reference] = await unit.callbacks.of_ticket(reference)
                    self.outbox[reference] = await unit.outbox.of_ticket(reference)
        assert len(self.tickets) == self._crowd.did["submitted"]
        self.numbers_have_no_gaps()
        for number in self.tickets:
            self.nothing_illegal(number)
            self.the_row_is_the_log(number)
            self.no_deadline_is_lost(number)
            self.nothing_is_overdue_in_silence(number)
        self.every_citizen_was_called()
        self.agencies_have_what_they_were_given()

    def numbers_have_no_gaps(self) -> None:
        days = Counter(reference[:6] for reference in self.tickets)
        assert set(self.tickets) == {f"{day}{n:04d}" for day, count in days.items() for n in range(1, count + 1)}

    def nothing_illegal(self, reference: str) -> None:
        """Every step was open in that state to that role, with its reason, and for its own agency's tickets."""
        state, life, clock = None, Life(), BEGIN
        rules = SITE.deadlines.clock
        for seq, event in enumerate(self.logs[reference]):
            step = s.step_of(event.kind, event.body)
            rule = TABLE[type(step)]
            assert (event.seq, event.from_state) == (seq, state)
            assert event.at > clock, "time goes on"
            assert life.state in rule.of, (reference, event)
            assert event.role in rule.by, (reference, event)
            assert event.why.strip() or not rule.why_needed, (reference, event)
            actor = BY_ID.get(event.actor)
            if actor is not None and actor.role in HANDLERS and rule.by & HANDLERS and event.kind != "noted":
                assert life.holder is not None
                assert actor.agency_id is not None
                assert SITE.is_under(life.holder, actor.agency_id), (reference, event)
            life, state, clock = after(life, event.at, step), event.to_state, event.at
            assert life.state is event.to_state, (reference, event)
            assert life.returns <= rules.max_returns * (1 + life.redos)
            assert life.merged_into != reference

    def the_row_is_the_log(self, reference: str) -> None:
        ticket, events = self.tickets[reference], self.logs[reference]
        life = life_of(events)
        assert (ticket.state, ticket.revision) == (life.state, len(events) - 1)
        row = self._crowd.casework.row_of(ticket, life)
        other = {key: (getattr(ticket, key), told) for key, told in row.items() if getattr(ticket, key) != told}
        assert other == {}, (reference, other)

    def no_deadline_is_lost(self, reference: str) -> None:
        """The agency has exactly the time the rule gives, no less after a pause, and more only where it was granted."""
        life, due, paused = Life(), None, None
        ticket = self.tickets[reference]
        for event in self.logs[reference]:
            step = s.step_of(event.kind, event.body)
            rule_id = life.deadline_rule_id or ticket.deadline_rule_id
            match step:
                case s.Dispatched(dispatched_at=began):
                    rule = SITE.rule_for(rule_id, step.agency_id, began)
                    due = due_at(rule, began, self._calendar).due_at
                    assert step.due_at == due, (reference, event)
                case s.Suspended():
                    paused = event.at
                case s.Resumed():
                    assert paused is not None
                    assert due is not None
                    self._no_less_left(life, paused, due, event.at, step.due_at)
                    due = step.due_at
                case s.ExtensionGranted():
                    assert due is not None
                    assert step.due_at > due, (reference, event)
                    due = step.due_at
                case s.Visited(done_anew_by=datetime() as anew):
                    rule = SITE.rule_for(rule_id, life.lead, event.at)
                    due = due_at(rule, event.at, self._calendar).due_at
                    assert abs(anew - due) <= BLINK, (reference, event)
                    due = anew
                case _:
                    pass
            life = after(life, event.at, step)
            assert life.due_at == due or not life.dispatched_at, (reference, event)
            if life.dispatched_at is not None and due is not None:
                self._not_on_a_closed_day(life, due)
        if life.dispatched_at is not None:
            assert ticket.due_at == due

    def _no_less_left(self, life: Life, paused: datetime, due: datetime, went_on: datetime, later: datetime) -> None:
        assert life.dispatched_at is not None
        unit = SITE.rule_for(life.deadline_rule_id, life.lead, life.dispatched_at).reply.unit
        assert later >= due
        if paused >= due:
            assert later == due, "who was late already gains nothing"
        elif unit in (Unit.HOUR, Unit.MINUTE):
            assert abs((later - went_on) - (due - paused)) <= BLINK
        else:
            day_after = life.dispatched_at.astimezone(SITE.zone).date() + timedelta(days=1)
            counts_from = datetime.combine(
                day_after, time(), SITE.zone
            )  # the day of dispatch is none of the days given
            left = self._days_between(max(paused, counts_from), due, unit)
            assert self._days_between(max(went_on, counts_from), later, unit) >= left

    def _days_between(self, start: datetime, stop: datetime, unit: Unit) -> int:
        """The days that count whose end lies between two times."""
        first, last = (at.astimezone(SITE.zone).date() for at in (start, stop))
        days = ((first + timedelta(days=n)) for n in range((last - first).days + 1))
        ends = [day for day in days if unit is Unit.NATURAL_DAY or self._calendar.is_working(day)]
        at_end = SITE.deadlines.clock.day_end if unit is Unit.WORKING_DAY else "24:00"
        past = f"{start.astimezone(SITE.zone):%H:%M}" > at_end
        return len(ends) - (1 if ends and ends[0] == first and past else 0)

    def _not_on_a_closed_day(self, life: Life, due: datetime) -> None:
        assert life.dispatched_at is not None
        rule = SITE.rule_for(life.deadline_rule_id, life.lead, life.dispatched_at)
        if rule.reply.unit is Unit.WORKING_DAY and (rule.extension is None or rule.extension.unit is Unit.WORKING_DAY):
            local = due.astimezone(SITE.zone) - timedelta(microseconds=1)
            assert self._calendar.is_working(local.date()), due

    def nothing_is_overdue_in_silence(self, reference: str) -> None:
        """Once the clock has looked: a word to the agency, and after a working day supervision."""
        ticket, now = self.tickets[reference], self._crowd.looked_at
        if ticket.state not in AWAITING_REPLY or ticket.due_at is None or ticket.due_at > now:
            return
        keys = [one.key for one in self.outbox[reference] if one.kind == "reminded"]
        assert any(f"{ticket.due_at:%Y%m%d%H%M}" in key for key in keys), reference
        day_later = extended(ticket.due_at, Span(amount=1, unit=Unit.WORKING_DAY), self._calendar).due_at
        if day_later < now:
            assert any(one.kind == "supervised" for one in self.logs[reference]), reference

    def every_citizen_was_called(self) -> None:
        """Whenever a reply was approved, its citizen and those of all tickets merged into it by then, and later."""
        owed: Counter[str] = Counter()
        approvals: list[tuple[datetime, str]] = []
        merges: list[tuple[datetime, str, str | None]] = []
        for reference, events in self.logs.items():
            for event in events:
                if event.kind == "reply_approved":
                    approvals.append((event.at, reference))
                    owed[reference] += 1
                elif event.kind == "merged":
                    merges.append((event.at, reference, event.body["main"]))
                elif event.kind == "split_off":
                    merges.append((event.at, reference, None))
        merges.sort()
        history: dict[str, list[tuple[datetime, str | None]]] = defaultdict(list)
        for at, child, main in merges:
            history[child].append((at, main))
        for at, main in approvals:
            for child, when in history.items():
                stood = [where for moved, where in when if moved <= at]
                if stood and stood[-1] == main:
                    owed[child] += 1
        for at, child, joined in merges:
            if joined is not None and self._state_at(joined, at) is TicketState.PENDING_VISIT:
                owed[child] += 1
        for reference, calls in self.queue.items():
            visits = [one for one in calls if one.kind is CallbackKind.VISIT]
            assert len(visits) == owed[reference], (reference, owed[reference], visits)
            for one in visits:
                assert one.state is not CallbackState.WAITING
                assert one.attempts > 0 or one.state is CallbackState.CANCELLED
                if one.state is CallbackState.CANCELLED:
                    assert one.outcome in {event.kind for event in self.logs[reference]}, (reference, one)

    def _state_at(self, reference: str, at: datetime) -> TicketState | None:
        stood = [event.to_state for event in self.logs[reference] if event.at <= at]
        return stood[-1] if stood else None

    def agencies_have_what_they_were_given(self) -> None:
        """Every dispatch in a log is what an agency took, with the same times; a key is repeated only when unsure."""
        taken: dict[str, list[Message]] = defaultdict(list)
        for message in self._crowd.gateway.taken:
            taken[message.key].append(message)
        for messages in taken.values():
            first = messages[0]
            assert all(_matter(one) == _matter(first) for one in messages)
        given = {
            (one.reference, one.agency_id, one.dispatched_at)
            for one in self._crowd.gateway.taken
            if isinstance(one, Dispatch)
        }
        for reference, events in self.logs.items():
            for event in events:
                if event.kind == "dispatched":
                    step = s.step_of(event.kind, event.body)
                    assert isinstance(step, s.Dispatched)
                    assert (reference, step.agency_id, step.dispatched_at) in given, (reference, event)
        for reference, entries in self.outbox.items():
            assert len({one.key for one in entries}) == len(entries), reference
            assert all(one.state not in ("pending", "dead") for one in entries), reference

    def kinds(self) -> Counter[str]:
        """How often each step was taken."""
        return Counter(event.kind for events in self.logs.values() for event in events)


def _matter(message: Message) -> object:
    """What a repeated message must not change."""
    return msgspec.structs.replace(message, attempt=0) if hasattr(message, "attempt") else message


def never(kinds: Counter[str], names: Iterable[str]) -> list[str]:
    """Which of these steps nobody ever took."""
    return [name for name in names if not kinds[name]]
