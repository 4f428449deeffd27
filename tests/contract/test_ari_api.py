"""Every verb, model and event we use, held against what the running Asterisk says of itself at /ari/api-docs."""

import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any, get_args

import httpx
import msgspec
import pytest
import pytest_asyncio

from ivr.ari import models
from ivr.ari.client import AriClient
from ivr.ari.link import RestCall
from ivr.ari.rest import NOTHING, Meaning, Rest
from tests.exchanges import Exchange

pytestmark = pytest.mark.asterisk


class Parameter(msgspec.Struct):
    name: str
    paramType: str  # noqa: N815  Swagger's word
    required: bool = False


class Operation(msgspec.Struct):
    httpMethod: str  # noqa: N815  Swagger's word
    parameters: list[Parameter] = []


class Api(msgspec.Struct):
    path: str
    operations: list[Operation]


class Property(msgspec.Struct):
    type: str
    required: bool = False


class Model(msgspec.Struct):
    properties: dict[str, Property] = {}
    subTypes: list[str] = []  # noqa: N815  Swagger's word


class Resource(msgspec.Struct):
    apis: list[Api]
    models: dict[str, Model] = {}


class Described:
    """Everything the server describes."""

    def __init__(self, resources: list[Resource]) -> None:
        self.apis = [api for resource in resources for api in resource.apis]
        self.models = {name: model for resource in resources for name, model in resource.models.items()}

    def operation(self, method: str, path: str) -> tuple[Api, Operation]:
        """The operation for a path, the one with fewest variables where several fit."""
        fitting = [
            (api, operation)
            for api in self.apis
            for operation in api.operations
            if operation.httpMethod == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", api.path), "/" + path)
        ]
        assert fitting, f"no {method} /{path}"
        return min(fitting, key=lambda found: found[0].path.count("{"))

    def properties(self, name: str) -> dict[str, Property]:
        """A model's fields, its parents' too."""
        found: dict[str, Property] = {}
        for parent, model in self.models.items():
            if name in model.subTypes:
                found |= self.properties(parent)
        return found | self.models[name].properties


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def described(asterisk: Exchange) -> AsyncIterator[Described]:
    account = asterisk.account
    async with httpx.AsyncClient(auth=(account.user, account.password), trust_env=False) as http:
        resources = []
        for name in ("channels", "bridges", "playbacks", "applications", "asterisk", "endpoints", "events"):
            reply = await http.get(f"{account.url}/api-docs/{name}.json")
            resources.append(msgspec.json.decode(reply.content, type=Resource))
    yield Described(resources)


class Recorder(Rest):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        self.calls: list[RestCall] = []

    async def send(self, call: RestCall, meaning: Meaning = NOTHING, *, slow: bool = False) -> bytes:
        self.calls.append(call)
        return b""

    async def ask(self, call: RestCall, kind: Any, meaning: Meaning = NOTHING, *, slow: bool = False) -> Any:
        self.calls.append(call)


VERBS: dict[str, Callable[[AriClient], Awaitable[object]]] = {
    "answer": lambda client: client.answer("c"),
    "hang_up": lambda client: client.hang_up("c", 16),
    "set_variable": lambda client: client.set_variable("c", "v", "1"),
    "continue_in_dialplan": lambda client: client.continue_in_dialplan("c"),
    "send_to_fallback": lambda client: client.send_to_fallback("c"),
    "originate": lambda client: client.originate(
        "c", "PJSIP/1", caller_id="<1>", timeout_s=1, originator="o", variables={"a": "b"}
    ),
    "play": lambda client: client.play("c", "p", ("sound:x",)),
    "control_playback": lambda client: client.control_playback("p", "pause"),
    "mute": lambda client: client.mute("c"),
    "unmute": lambda client: client.unmute("c"),
    "watch_phones": lambda client: client.watch_phones(),
    "phones": lambda client: client.phones(),
    "stop_playback": lambda client: client.stop_playback("p"),
    "create_bridge": lambda client: client.create_bridge("b", "mixing"),
    "destroy_bridge": lambda client: client.destroy_bridge("b"),
    "add_to_bridge": lambda client: client.add_to_bridge("b", "c", "d"),
    "remove_from_bridge": lambda client: client.remove_from_bridge("b", "c"),
    "start_music": lambda client: client.start_music("b"),
    "stop_music": lambda client: client.stop_music("b"),
    "snoop": lambda client: client.snoop("c", "s"),
    "external_media": lambda client: client.external_media("c", ("127.0.0.1", 1), {"a": "b"}),
    "channels": lambda client: client.channels(),
    "info": lambda client: client.info(),
    "bridges": lambda client: client.bridges(),
    "application": lambda client: client.application(),
    "mute_noise": lambda client: client.mute_noise(),
}


def test_no_verb_is_forgotten_here() -> None:
    assert set(VERBS) == {name for name, _ in inspect.getmembers(AriClient, inspect.iscoroutinefunction)}


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_exists_with_its_parameters(described: Described, verb: str) -> None:
    recorder = Recorder()
    await VERBS[verb](AriClient(recorder, "hotline"))
    assert recorder.calls
    for call in recorder.calls:
        api, operation = described.operation(call.method, call.path)
        known = {parameter.name for parameter in operation.parameters if parameter.paramType == "query"}
        needed = {
            parameter.name
            for parameter in operation.parameters
            if parameter.required and parameter.paramType in {"query", "body"}
        }
        assert set(call.query) <= known, f"{call.method} {api.path}"
        told = set(call.body) - {"variables", "disallowed"} if isinstance(call.body, dict) else set()
        assert told <= known, f"{call.method} {api.path}: Asterisk takes these from the body too"
        assert needed <= set(call.query) | told, f"{call.method} {api.path}"
        bodies = [parameter for parameter in operation.parameters if parameter.paramType == "body"]
        assert call.body is None or bodies, f"{call.method} {api.path} takes no body"


STRUCTS = [
    struct
    for _, struct in inspect.getmembers(models, inspect.isclass)
    if issubclass(struct, msgspec.Struct) and struct.__module__ == models.__name__
]
KINDS: dict[type, tuple[str, ...]] = {str: ("string",), int: ("int", "long"), bool: ("boolean",), datetime: ("Date",)}


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_a_model_has_our_fields_with_our_types(described: Described, struct: type[msgspec.Struct]) -> None:
    properties = described.properties(struct.__name__)
    for field in msgspec.structs.fields(struct):
        assert field.encode_name in properties, f"{struct.__name__}.{field.name}"
        there = properties[field.encode_name]
        ours = next((part for part in get_args(field.type) if inspect.isclass(part) and part in STRUCTS), field.type)
        if ours in KINDS:
            assert there.type in KINDS[ours], f"{struct.__name__}.{field.name} is a {there.type}"
        elif ours in STRUCTS:
            assert there.type == ours.__name__
        elif get_args(ours) == (str, ...):
            assert there.type == "List[string]"
        else:
            assert there.type == "object", f"{struct.__name__}.{field.name} is a {there.type}"
        assert there.required or not field.required, f"{struct.__name__}.{field.name} may be missing"


def test_events_are_told_apart_by_their_models_name(described: Described) -> None:
    for event in get_args(models.AriEvent):
        assert event.__struct_config__.tag == event.__name__
        assert event.__name__ in described.models["Event"].subTypes


@pytest.mark.parametrize("kind", models.NOISE)
def test_what_we_do_not_want_to_hear_exists(described: Described, kind: str) -> None:
    assert kind in described.models["Event"].subTypes
    assert kind not in {event.__name__ for event in get_args(models.AriEvent)}


def test_requests_may_travel_on_the_events_websocket(described: Described) -> None:
    request, response = described.properties("RESTRequest"), described.properties("RESTResponse")
    assert {
        "type",
        "transaction_id",
        "request_id",
        "method",
        "uri",
        "query_strings",
        "content_type",
        "message_body",
    } <= (set(request))
    assert {"request_id", "status_code", "reason_phrase", "message_body"} <= set(response)
