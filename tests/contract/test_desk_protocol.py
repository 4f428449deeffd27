"""Another client speaks the protocol: plain JSON as docs/reference/protocol.md writes it, none of our messages."""

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, get_args

import msgspec
import pytest
from msgspec import inspect as mi
from websockets.asyncio.client import ClientConnection, connect

from ivr.desk.envelope import FromDesk
from ivr.desk.office import SEATLESS
from ivr.desk.rights import EVERYBODY, MAY
from ivr.desk.topics import WATCHERS
from ivr.desk.wire import AnyFromDesk, Resume, SeatRequest, SignIn, SignOut, Unwatch, Watch
from tests.desk_room import PASSWORD, PEOPLE, DeskRoom, desk_room
from ticketing.database import Database
from ticketing.vocabulary import Role

Json = dict[str, Any]


class Client:
    """A desk of somebody else's making."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.news: list[Json] = []

    @classmethod
    @asynccontextmanager
    async def at(cls, room: DeskRoom, person: str) -> AsyncIterator["Client"]:
        async with connect(room.address, subprotocols=["huying.desk.v1"], compression=None) as socket:  # type: ignore[list-item]
            client = cls(socket)
            welcome = await client.ask({"type": "SignIn", "protocol": 1, "agent": person, "password": PASSWORD})
            assert (welcome["type"], welcome["person"]["id"]) == ("Welcome", person)
            client.token = welcome["token"]
            yield client

    token = ""

    async def ask(self, request: Json) -> Json:
        """The one answer of a request; what is told meanwhile is kept."""
        number = next(self._numbers)
        await self._socket.send(json.dumps(request | {"request": number}))
        while True:
            said = await self._next()
            if "request" in said:
                assert said["request"] == number, "answers come in the order of the requests"
                return said
            self.news.append(said)

    async def told(self, kind: str) -> Json:
        """The next news of a kind."""
        while True:
            for said in self.news:
                if said["type"] == kind:
                    self.news.remove(said)
                    return said
            self.news.append(await self._next())

    async def _next(self) -> Json:
        async with asyncio.timeout(10):
            found: Json = json.loads(await self._socket.recv())
        return found


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> object:
    """One kind of database is enough to speak of it."""
    return request.getfixturevalue("sqlite_template")


@pytest.fixture
async def room(database: Database) -> AsyncIterator[DeskRoom]:
    async with desk_room(database) as running:
        yield running


async def test_another_client_works_a_ticket_through(room: DeskRoom) -> None:
    reference = await room.dispatched()
    async with Client.at(room, "3003") as handler, Client.at(room, "2001") as reviewer:
        counted = await handler.ask({"type": "CountTickets"})
        assert {"box": "to_sign", "tickets": 1, "overdue": 0} in counted["boxes"]
        listed = await handler.ask({"type": "ListTickets", "wanted": {"box": "to_sign"}})
        assert [one["reference"] for one in listed["lines"]] == [reference]
        signed = await handler.ask({"type": "SignTickets", "references": [reference]})
        assert (signed["signed"], signed["refused"]) == ([reference], [])
        sheet = (await handler.ask({"type": "ShowTicket", "reference": reference}))["sheet"]
        (reply,) = [one for one in sheet["moves"] if one["step"] == "replied"]
        said = {one["name"]: one["choices"][0]["value"] if one["choices"] else "已清理" for one in reply["fields"]}
        step = {"type": "TakeStep", "reference": reference, "revision": sheet["line"]["revision"], "step": "replied"}
        answer = await handler.ask(step | {"said": said})
        assert answer["sheet"]["line"]["state"] == "pending_approval"
        again = await handler.ask(step | {"said": said})
        assert (again["type"], again["code"], again["params"]) == (
            "Refused",
            "refused.changed_meanwhile",
            {"changed": "replied"},
        )
        stale = step | {"revision": answer["sheet"]["line"]["revision"], "step": "signed"}
        refused = await handler.ask(stale)
        assert (refused["code"], refused["params"]["open"]) == ("refused.step", "noted")
        assert "待审核" in refused["params"]["reason"]
        approved = await reviewer.ask(
            {
                "type": "TakeStep",
                "reference": reference,
                "revision": answer["sheet"]["line"]["revision"],
                "step": "reply_approved",
            }
        )
        assert approved["sheet"]["line"]["state"] == "pending_visit"
    async with Client.at(room, "2002") as visitor:
        await visitor.ask({"type": "Watch", "topic": "callbacks"})
        queue = await visitor.told("CallbacksNews")
        assert [one["reference"] for one in queue["cards"]] == [reference]
        taken = (await visitor.ask({"type": "TakeCallback"}))["card"]
        settled = await visitor.ask(
            {
                "type": "SettleCallback",
                "callback": taken["id"],
                "outcome": "reached",
                "solved": True,
                "satisfied": None,
            }
        )
        assert settled["card"]["state"] == "done"
        sheet = (await visitor.ask({"type": "ShowTicket", "reference": reference}))["sheet"]
        assert (sheet["line"]["state"], sheet["line"]["closure"]) == ("closed", "solved")


async def test_a_desk_resumes_with_its_token_and_hears_its_inbox(room: DeskRoom) -> None:
    async with Client.at(room, "3003") as client:
        token = client.token
    async with connect(room.address, subprotocols=["huying.desk.v1"], compression=None) as socket:  # type: ignore[list-item]
        client = Client(socket)
        assert (await client.ask({"type": "CountTickets"}))["code"] == "refused.not_signed_in"
        assert (await client.ask({"type": "Resume", "protocol": 2, "token": token}))["code"] == "refused.protocol"
        welcome = await client.ask({"type": "Resume", "protocol": 1, "token": token})
        assert (welcome["type"], welcome["view"]) == ("Welcome", None)
        assert (await client.ask({"type": "Watch", "topic": "tickets"}))["type"] == "Done"
        inbox = await client.told("InboxNews")
        assert {one["box"] for one in inbox["boxes"]} >= {"to_sign", "at_work", "overdue"}
        assert (await client.ask({"type": "Unwatch", "topic": "tickets"}))["type"] == "Done"


# ---- every request by everybody


def sample(told: mi.Type, rng: random.Random) -> Any:
    """Something of this type, as plain JSON."""
    match told:
        case mi.StrType(min_length=least):
            words = ["", "x", "2611020001", "汉字"]
            return rng.choice([word for word in words if len(word) >= (least or 0)])
        case mi.IntType():
            return rng.choice([0, 1, -1, 10**9])
        case mi.BoolType():
            return rng.choice([True, False])
        case mi.FloatType():
            return rng.random()
        case mi.NoneType():
            return None
        case mi.EnumType(cls=cls):
            return rng.choice(list(cls)).value
        case mi.DateTimeType():
            return "2026-11-02T01:00:00Z"
        case mi.DateType():
            return "2026-11-02"
        case mi.VarTupleType(item_type=item):
            return [sample(item, rng) for _ in range(rng.randrange(3))]
        case mi.DictType(key_type=key, value_type=value):
            return {sample(key, rng): sample(value, rng) for _ in range(rng.randrange(3))}
        case mi.UnionType(types=types):
            return sample(rng.choice(types), rng)
        case mi.StructType(cls=cls, fields=fields):
            made = {field.encode_name: sample(field.type, rng) for field in fields}
            config = cls.__struct_config__
            return made | ({config.tag_field: config.tag} if config.tag is not None else {})
    raise AssertionError(f"no sample of {told}")


def allowed(kind: type[FromDesk], role: Role, *, seated: bool, request: Json) -> bool:
    """What the page says of who may."""
    if kind in (SignIn, Resume):
        return False
    if kind is Watch:
        return role in WATCHERS[request["topic"]]
    if kind in (Unwatch, SignOut):
        return True
    if kind in get_args(SeatRequest):
        return seated or kind in SEATLESS
    return role in MAY.get(kind, EVERYBODY)


KINDS: tuple[type[FromDesk], ...] = get_args(AnyFromDesk)


async def test_every_request_of_everybody_is_answered_and_no_role_gets_past_the_page(room: DeskRoom) -> None:
    """Whatever a desk sends that the protocol allows, exactly one answer comes, and the desk stays connected."""
    await room.dispatched()
    rng = random.Random(12345)
    for person in PEOPLE:
        async with Client.at(room, person.id) as client:
            for kind in [*KINDS, *KINDS]:
                if kind is SignOut:
                    continue  # it would end the others' turn
                request = sample(mi.type_info(kind), rng)
                answer = await client.ask(request)
                wrong_role = answer["type"] == "Refused" and answer["code"] == "refused.not_allowed"
                may = allowed(kind, Role(person.role), seated=person.extension is not None, request=request)
                assert may or wrong_role, (person.role, request, answer)


def test_every_kind_of_request_has_a_sample_that_is_one() -> None:
    rng = random.Random(1)
    for kind in KINDS:
        made = msgspec.json.encode(sample(mi.type_info(kind), rng) | {"request": 1})
        assert type(msgspec.json.decode(made, type=AnyFromDesk)) is kind
