"""An Asterisk of few words behind the scripted ARI server: channels, bridges and phones that do what ARI says.

`fault` answers a request instead, or not at all; `phones` say what each does when it is rung.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.ari_stub import Answer, AriStub, Asked

Fault = Callable[[Asked], Answer | None]


@dataclass
class ScriptedAsterisk:
    """Use `stub` as the context manager; `script` is what it answers by."""

    stub: AriStub = field(default_factory=AriStub)
    fault: Fault = lambda _: None
    phones: dict[str, str] = field(default_factory=dict)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    bridges: dict[str, list[str]] = field(default_factory=dict)
    rung: list[str] = field(default_factory=list)
    _calls: int = 0

    def __post_init__(self) -> None:
        self.stub.script = self._script

    # ---- what people do

    def citizen(self) -> str:
        """A citizen calls; the call's id. Told as an event where a server listens."""
        self._calls += 1
        call, leg = f"c{self._calls}", f"hotline-{self._calls}.0"
        self.channels[leg] = self._channel(leg, "Ring", {"CALL_UUID": call}, number=f"1380000000{self._calls}")
        self.tell(type="StasisStart", channel=self.channels[leg], args=["in"])
        return call

    def leg(self, call: str) -> str:
        return f"hotline-{call.removeprefix('c')}.0"

    def hang_up(self, channel: str, cause: int = 16) -> None:
        """A channel ends."""
        gone = self.channels.pop(channel, None)
        for inside in self.bridges.values():
            if channel in inside:
                inside.remove(channel)
        if gone is not None:
            self.tell(type="ChannelDestroyed", channel=gone, cause=cause)

    def lift(self, channel: str) -> None:
        """A phone that rings is answered."""
        found = self.channels[channel]
        found["state"] = "Up"
        found["dialplan"] = {"exten": "s", "app_name": "Stasis", "app_data": "hotline"}
        self.tell(type="StasisStart", channel=found, args=[])

    def tell(self, **event: object) -> None:
        socket = self.stub._socket
        if socket is not None and socket.open and not socket.frozen:
            socket.send_text(json.dumps(event))

    @property
    def left(self) -> list[str]:
        """Every channel and bridge."""
        return [*self.channels, *self.bridges]

    # ---- what the server asks

    def _script(self, asked: Asked) -> Answer | None:
        faulty = self.fault(asked)
        if faulty is not None:
            return faulty
        match asked.method, asked.path.split("/"):
            case "GET", ["applications", _]:
                return Answer(200, {"name": "hotline", "channel_ids": [*self.channels]})
            case "GET", ["channels"]:
                return Answer(200, [*self.channels.values()])
            case "GET", ["bridges"]:
                return Answer(200, [{"id": name, "channels": inside} for name, inside in self.bridges.items()])
            case "POST", ["channels", channel, "answer"]:
                return self._answered(channel)
            case "POST", ["channels", channel, "play", playback]:
                return self._played(channel, playback)
            case "POST", ["bridges", bridge]:
                self.bridges.setdefault(bridge, [])
                return Answer(200, {"id": bridge})
            case "POST", ["bridges", bridge, "addChannel"]:
                return self._entered(bridge, asked.query["channel"].split(","))
            case "DELETE", ["bridges", bridge]:
                return Answer(204 if self.bridges.pop(bridge, None) is not None else 404)
            case "POST", ["channels", channel, "snoop", _]:
                return Answer(500 if channel in self.channels else 404, {"message": "no taps here"})
            case "POST", ["channels", "externalMedia"]:
                return Answer(500, {"message": "no taps here"})
            case "POST", ["channels", channel]:
                return self._rung(channel, asked)
            case "DELETE", ["channels", channel]:
                if channel not in self.channels:
                    return Answer(404)
                self._soon(self.hang_up, channel, int(asked.query.get("reason_code", "16")))
                return Answer(204)
            case _:
                return None

    def _answered(self, channel: str) -> Answer:
        found = self.channels.get(channel)
        if found is None:
            return Answer(404)
        found["state"] = "Up"
        self._soon(lambda: self.tell(type="ChannelStateChange", channel=found))
        return Answer(204)

    def _played(self, channel: str, playback: str) -> Answer:
        if channel not in self.channels:
            return Answer(404)
        self._soon(lambda: self.tell(type="PlaybackFinished", playback={"id": playback, "state": "done"}))
        return Answer(201, {"id": playback, "state": "queued"})

    def _entered(self, bridge: str, channels: list[str]) -> Answer:
        if bridge not in self.bridges:
            return Answer(404)
        for channel in channels:
            found = self.channels.get(channel)
            if found is None:
                return Answer(400, {"message": "Channel not found"})
            if found["dialplan"]["app_name"] != "Stasis":
                return Answer(422, {"message": "Channel not in Stasis application"})
            for inside in self.bridges.values():
                if channel in inside:
                    inside.remove(channel)
            self.bridges[bridge].append(channel)
            entered = {"id": bridge, "channels": [*self.bridges[bridge]]}
            self._soon(lambda found=found, entered=entered: self.tell(
                type="ChannelEnteredBridge", channel=found, bridge=entered
            ))  # fmt: skip
        return Answer(204)

    def _rung(self, channel: str, asked: Asked) -> Answer:
        endpoint = asked.query["endpoint"]
        does = self.phones.get(endpoint, "ring")
        if does == "unregistered":
            return Answer(500, {"error": "Allocation failed"})
        self.rung.append(endpoint)
        extension = endpoint.partition("/")[2]
        made = self._channel(channel, "Down", asked.body["variables"], name=f"PJSIP/{extension}-00000001")
        made["dialplan"] = {"exten": "s", "app_name": "AppDial2", "app_data": "(Outgoing Line)"}
        self.channels[channel] = made
        self._soon(self._ring, channel, does)
        return Answer(200, made)

    def _ring(self, channel: str, does: str) -> None:
        if channel not in self.channels:
            return
        self.channels[channel]["state"] = "Ringing"
        self.tell(type="ChannelStateChange", channel=self.channels[channel])
        if does == "answer":
            self.lift(channel)
        elif does == "busy":
            self.hang_up(channel, 17)

    @staticmethod
    def _channel(
        channel: str, state: str, variables: dict[str, str], *, number: str = "", **more: Any
    ) -> dict[str, Any]:
        return {
            "id": channel,
            "name": "PJSIP/trunk-00000000",
            "state": state,
            "caller": {"number": number},
            "dialplan": {"exten": "s", "app_name": "Stasis", "app_data": "hotline,in,12345"},
            "channelvars": variables,
            **more,
        }

    @staticmethod
    def _soon(what: Callable[..., None], *arguments: object) -> None:
        asyncio.get_running_loop().call_soon(what, *arguments)
