"""A step asked for by name, with what a person may say about it; what follows from rules is counted here.

Due times, the supervision's time and whether a matter is done again are never a person's to write: steps that carry
them are taken through `Casework`, which counts them.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from ticketing.casework import Acceptance, Casework
from ticketing.errors import ChangedMeanwhile, StepRefused, UnknownId
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.table import TABLE, Actor
from ticketing.records import TicketRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import Role

_Said = TypeVar("_Said", bound=msgspec.Struct)

MACHINES = frozenset({s.Dispatched})
"""Steps nobody takes by name: the outbox does."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may say about a step whose rest is counted: the level of a supervision, the answers of a visit."""

    level: int = 1
    reached: bool = True
    solved: bool | None = None
    satisfied: bool | None = None


COUNTED: Mapping[type[s.Step], tuple[str, ...]] = {
    s.Supervised: ("level",),
    s.Visited: ("reached", "solved", "satisfied"),
    s.Submitted: Acceptance.__struct_fields__,
    s.Resumed: (),
    s.ExtensionGranted: (),
}
"""The steps that carry what is counted, and what may be said of them."""


def step_named(name: str) -> type[s.Step]:
    """The step of a kind (`signed`) or of its Chinese name (签收). Raises `UnknownId`."""
    if name in s.STEPS:
        return s.STEPS[name]
    for step, rule in TABLE.items():
        if rule.name == name:
            return step
    raise UnknownId(f"no step {name[:20]!r}; there are: {', '.join(s.STEPS)}")


def words_of(step: type[s.Step]) -> tuple[str, ...]:
    """What may be said of a step: the names of its values."""
    if step in COUNTED:
        return COUNTED[step]
    return tuple(field.name for field in msgspec.structs.fields(step) if field.name != "by_itself")


async def act(
    casework: Casework,
    unit: UnitOfWork,
    reference: str,
    name: str,
    said: Mapping[str, Any],
    actor: Actor,
    *,
    why: str = "",
    revision: int | None = None,
) -> TicketRecord:
    """Take the step of that name; `said` are its values as plain JSON ones.

    Raises what `Casework.take` raises, `UnknownId` for a step, or a value, that there is not.
    """
    step = step_named(name)
    if unknown := set(said) - set(words_of(step)):
        known = ", ".join(words_of(step)) or "nothing"
        raise UnknownId(f"step {name} says no {', '.join(sorted(unknown))}; it says: {known}")
    if step in MACHINES and actor.role is not Role.SYSTEM:
        case = await casework.case(unit, reference, actor)
        raise StepRefused(f"{TABLE[step].name}由系统自动完成", case.open_steps)
    if revision is not None:
        await _see_nothing_changed(casework, unit, reference, actor, revision)
    if step not in COUNTED:
        try:
            taken = s.step_of(str(step.__struct_config__.tag), dict(said))
        except msgspec.ValidationError as error:
            raise UnknownId(f"step {name}: {error}") from error
        return await casework.take(unit, reference, taken, actor, why=why)
    if step is s.Submitted:
        return await casework.accept(unit, reference, actor, _read(name, said, Acceptance), why=why)
    asked = _read(name, said, Asked)
    if step is s.Supervised:
        return await casework.supervise(unit, reference, actor, asked.level, why=why)
    if step is s.Resumed:
        return await casework.resume(unit, reference, actor, why=why)
    if step is s.ExtensionGranted:
        return await casework.grant_extension(unit, reference, actor, why=why)
    return await casework.visit(
        unit, reference, actor, reached=asked.reached, solved=asked.solved, satisfied=asked.satisfied, why=why
    )


def _read(name: str, said: Mapping[str, Any], kind: type[_Said]) -> _Said:
    try:
        return msgspec.convert(dict(said), kind)
    except msgspec.ValidationError as error:
        raise UnknownId(f"step {name}: {error}") from error


async def _see_nothing_changed(
    casework: Casework, unit: UnitOfWork, reference: str, actor: Actor, revision: int
) -> None:
    case = await casework.case(unit, reference, actor)
    if case.ticket.revision != revision:
        between = (await unit.tickets.events(reference))[revision + 1 :]
        raise ChangedMeanwhile(f"ticket {reference}", tuple(one.kind for one in between))
