"""Replays a tape of ARI traffic: what was heard then is translated again."""

from collections.abc import Iterable
from urllib.parse import unquote

import msgspec

from ivr.ari.events import Translator, q850
from ivr.ari.names import HOTLINE_CALL, HOTLINE_PARTY, call_of_bridge
from ivr.ari.registry import Leg, Registry
from ivr.ari.tape import TapeLine
from ivr.calls.events import LineEvent
from ivr.calls.vocabulary import CallId, HangupCause, LegId, Party, PlaybackId


class _Pair(msgspec.Struct):
    name: str
    value: str


class _Body(msgspec.Struct):
    variables: dict[str, str] = {}


class _Request(msgspec.Struct):
    """A request of either carrier: the websocket's `uri` and `query_strings`, or HTTP's `path` and `query`."""

    method: str
    uri: str = ""
    path: str = ""
    query_strings: list[_Pair] = []
    query: dict[str, str] = {}
    body: _Body | None = None

    @property
    def parts(self) -> list[str]:
        return [unquote(part) for part in (self.uri or self.path).split("/")]

    @property
    def asked(self) -> dict[str, str]:
        return self.query or {pair.name: pair.value for pair in self.query_strings}


def replay(lines: Iterable[TapeLine]) -> list[LineEvent]:
    """The calls' events of a tape. What the server had registered is read from the requests it sent."""
    registry = Registry()
    translator = Translator(registry)
    events: list[LineEvent] = []
    for line in lines:
        if line.dir == "out":
            _register(registry, msgspec.json.decode(line.text, type=_Request))
        elif line.dir == "in" and line.via == "ws" and (event := translator.decode(line.text.encode())) is not None:
            events += [heard for heard in translator.translate(event) if isinstance(heard, LineEvent)]
    return events


def _register(registry: Registry, request: _Request) -> None:
    match (request.method, *request.parts):
        case ("POST", "channels", leg) if leg != "externalMedia" and request.body is not None:
            variables = request.body.variables
            party = Party(variables[HOTLINE_PARTY])
            registry.add(Leg(call=CallId(variables[HOTLINE_CALL]), leg=LegId(leg), party=party))
        case ("POST", "channels", leg, "play", playback):
            registry.playbacks[PlaybackId(playback)] = registry.legs[LegId(leg)].call
        case ("DELETE", "channels", leg) if LegId(leg) in registry.legs:
            causes = {q850(cause): cause for cause in HangupCause}
            registry.legs[LegId(leg)].asked = causes[int(request.asked["reason_code"])]
        case ("POST", "bridges", bridge, "addChannel") if bridge.endswith(".talk"):
            call, leg = call_of_bridge(bridge), LegId(request.asked["channel"])
            assert call is not None
            if registry.legs[leg].party is Party.AGENT:
                citizen = registry.citizen_of(call)
                assert citizen is not None
                registry.joining[call] = (citizen, leg)
