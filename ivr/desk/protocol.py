"""The console protocol as a page for people who write another desk, made from the messages themselves."""

import inspect
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, get_args

import msgspec
from msgspec import inspect as mi

from ivr.desk import server, wire
from ivr.desk.catalogue import Language, load
from ivr.desk.envelope import FromDesk, FromServer, News, Update
from ivr.desk.office import SEATLESS
from ivr.desk.rights import EVERYBODY, MAY
from ivr.desk.topics import WATCHERS
from ivr.desk.wire import (
    PROTOCOL,
    SUBPROTOCOL,
    AnyFromDesk,
    AnyFromServer,
    Resume,
    SeatRequest,
    SignIn,
    Unwatch,
    Watch,
    encode,
)
from ivr.desk.wire_tickets import ListTickets, TakeStep, Wanted
from ticketing.acts import MACHINES, words_of
from ticketing.lifecycle.steps import STEPS
from ticketing.lifecycle.table import ROLE_NAMES, TABLE
from ticketing.vocabulary import Role

PAGE = "docs/reference/protocol.md"

_INTRODUCTION = f"""\
# The console protocol (话务席协议)

Made from `ivr/desk/wire*.py` by `ivr/desk/protocol.py`; a test fails when they differ. What is written here is enough
to write another desk: the server trusts none and checks every request by the person who signed in.

## The connection

- A websocket (RFC 6455), subprotocol `{SUBPROTOCOL}`, protocol version {PROTOCOL}; one JSON object a text message,
  at most {server.LARGEST_MESSAGE // 1024} KiB from the desk. Every object has `type`, the name of its message below.
  Times are ISO 8601 in UTC; ids are opaque text.
- The first message is `SignIn`, or `Resume` with the token of an earlier `Welcome`, within {server.SIGN_IN_S:g} s;
  nothing else is answered before. A refused one may be tried again on the same connection.
- Every request carries a `request` number of the desk's own choosing; exactly one answer comes back with that number:
  the one its text names, `Done` where it names none, or `Refused`. Answers come in the order of the requests.
- `Update`s change the view of the person's seat; their `seq` goes up by one each. A desk that misses one connects
  again with `Resume` and gets the whole view. People without a phone of the hotline have no seat and get none.
- `News` is the whole state of a topic (`Watch`); only the newest waits for a slow desk.
- The server closes with {server.CLOSE_BAD_DATA} on anything that is no message of the protocol, and with
  {server.CLOSE_TRY_AGAIN} where a desk does not read what it is sent. It pings every {server.PING_S:g} s.
"""


def who_may(kind: type[FromDesk]) -> str:
    """Who may ask it, in words."""
    if kind in (SignIn, Resume):
        return "anybody, first"
    if kind in (Watch, Unwatch):
        return "see the topics"
    if kind in get_args(SeatRequest):
        return "everybody" if kind in SEATLESS else "who has a seat at the phones"
    if kind in MAY:
        return roles(MAY[kind])
    return "decided by its counter"


def roles(of: frozenset[Role]) -> str:
    """Roles as people call them."""
    return "everybody" if of == EVERYBODY else "、".join(ROLE_NAMES[role] for role in Role if role in of)


def page() -> str:
    """The page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield from _examples()
    asked = [one for one in get_args(AnyFromDesk) if isinstance(one, type)]
    said = [one for one in get_args(AnyFromServer) if isinstance(one, type)]
    yield "## Topics"
    yield ""
    yield "| topic | who may watch it |"
    yield "|---|---|"
    yield from (f"| `{topic}` | {roles(WATCHERS[topic])} |" for topic in WATCHERS)
    yield ""
    for module in _families(asked + said):
        yield from _family(module, [one for one in asked + said if inspect.getmodule(one) is module])
    yield from _things(asked + said)
    yield from _steps()
    yield from _codes()


def _families(kinds: list[type]) -> list[ModuleType]:
    found = dict.fromkeys(inspect.getmodule(kind) for kind in kinds)
    return sorted((one for one in found if one is not None), key=lambda one: (one is not wire, one.__name__))


def _family(module: ModuleType, kinds: list[type]) -> Iterator[str]:
    yield f"## `{module.__name__}`"
    yield ""
    yield inspect.getdoc(module) or ""
    yield ""
    for title, root in (
        ("Requests", FromDesk),
        ("Answers", FromServer),
        ("Updates of the seat's view", Update),
        ("News", News),
    ):
        chosen = [one for one in kinds if issubclass(one, root) and _root(one) is root]
        if chosen:
            yield f"### {title}"
            yield ""
        for kind in chosen:
            yield from _message(kind)


def _root(kind: type) -> type:
    return next(root for root in (Update, News, FromServer, FromDesk) if issubclass(kind, root))


def _message(kind: type) -> Iterator[str]:
    yield f"#### `{kind.__name__}`"
    yield ""
    yield inspect.getdoc(kind) or ""
    yield ""
    if issubclass(kind, FromDesk):
        yield f"Who may: {who_may(kind)}."
        yield ""
    yield from _fields(kind)


def _fields(kind: type) -> Iterator[str]:
    fields = msgspec.structs.fields(kind)
    known = mi.type_info(kind)
    assert isinstance(known, mi.StructType)
    own = [(field, told) for field, told in zip(fields, known.fields, strict=True) if field.name not in _EVERYWHERE]
    if not own:
        return
    yield "| field | holds | without it |"
    yield "|---|---|---|"
    for field, told in own:
        yield f"| `{field.encode_name}` | {_shown(told.type)} | {_default(field)} |"
    yield ""


_EVERYWHERE = frozenset({"request", "seq"})


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "must be there"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return f"`{msgspec.json.encode(value).decode()}`"


def _shown(told: mi.Type) -> str:
    match told:
        case mi.StructType(cls=cls):
            return f"`{cls.__name__}`"
        case mi.EnumType(cls=cls):
            return f"`{cls.__name__}`"
        case mi.VarTupleType(item_type=item) | mi.ListType(item_type=item) | mi.FrozenSetType(item_type=item):
            return f"list of {_shown(item)}"
        case mi.DictType(key_type=key, value_type=value):
            return f"object: {_shown(key)} → {_shown(value)}"
        case mi.UnionType(types=types):
            return " or ".join(_shown(one) for one in types)
    return _PLAIN[type(told)]


_PLAIN: dict[type[mi.Type], str] = {
    mi.StrType: "text",
    mi.IntType: "whole number",
    mi.FloatType: "number",
    mi.BoolType: "true or false",
    mi.NoneType: "null",
    mi.DateTimeType: "time",
    mi.DateType: "date",
}


def _things(kinds: list[type]) -> Iterator[str]:
    """Everything that is no message but stands in one."""
    seen: dict[type, None] = {}
    for kind in kinds:
        _collect(mi.type_info(kind), seen)
    others = sorted((one for one in seen if one not in kinds), key=lambda one: one.__name__)
    yield "## What stands in messages"
    yield ""
    for thing in others:
        yield f"### `{thing.__name__}`"
        yield ""
        yield inspect.getdoc(thing) or ""
        yield ""
        if issubclass(thing, msgspec.Struct):
            tag = thing.__struct_config__.tag
            if tag is not None:
                yield f"Told apart by `{thing.__struct_config__.tag_field}`: `{tag}`."
                yield ""
            yield from _fields(thing)
        else:
            yield "、".join(f"`{one.value}`" for one in thing)  # type: ignore[attr-defined]
            yield ""


def _collect(told: mi.Type, seen: dict[type, None]) -> None:
    match told:
        case mi.StructType(cls=cls, fields=fields):
            if cls not in seen:
                seen[cls] = None
                for field in fields:
                    _collect(field.type, seen)
        case mi.EnumType(cls=cls):
            seen[cls] = None
        case mi.VarTupleType(item_type=item) | mi.ListType(item_type=item) | mi.FrozenSetType(item_type=item):
            _collect(item, seen)
        case mi.DictType(key_type=key, value_type=value):
            _collect(key, seen)
            _collect(value, seen)
        case mi.UnionType(types=types):
            for one in types:
                _collect(one, seen)


def _steps() -> Iterator[str]:
    yield "## Steps"
    yield ""
    yield "What `TakeStep` may say of each; who may take it when is in [the lifecycle](lifecycle.md)."
    yield ""
    yield "| step | 名称 | `said` |"
    yield "|---|---|---|"
    for kind, step in STEPS.items():
        if step not in MACHINES:
            yield f"| `{kind}` | {TABLE[step].name} | {', '.join(f'`{one}`' for one in words_of(step))} |"
    yield ""


def _codes() -> Iterator[str]:
    chinese, english = (load(language).words for language in (Language.CHINESE, Language.ENGLISH))
    yield "## Codes"
    yield ""
    yield "`Refused` and `Notice` name a code; `params` fill the names in braces. A desk says them in its own words."
    yield ""
    yield "| code | 中文 | English |"
    yield "|---|---|---|"
    for code in chinese:
        if code.startswith(("refused.", "notice.", "fault.")):
            yield f"| `{code}` | {chinese[code]} | {english[code]} |"


def _examples() -> Iterator[str]:
    examples: tuple[Any, ...] = (
        SignIn(request=1, protocol=PROTOCOL, agent="3003", password="…"),  # noqa: S106 - an example
        ListTickets(request=2, wanted=Wanted()),
        TakeStep(
            request=3,
            reference="2611220001",
            revision=4,
            step="replied",
            said={"closure": "solved", "result": "已清理"},
        ),
    )
    yield "Examples:"
    yield ""
    yield "```json"
    yield from (encode(one).decode() for one in examples)
    yield "```"
    yield ""


def main() -> None:
    """Write the page to standard output: `python -m ivr.desk.protocol > docs/reference/protocol.md`."""
    sys.stdout.write(page())


if __name__ == "__main__":
    main()
