"""The verbs of Asterisk's REST interface that the hotline uses, each with its arguments and its result."""

from urllib.parse import quote

from ivr.ari.link import RestCall
from ivr.ari.models import NOISE, Application, AsteriskInfo, Bridge, Channel, Endpoint
from ivr.ari.names import GIVEN_BACK
from ivr.ari.rest import Meaning, Rest
from ivr.ari.verdicts import BridgeMissing, BridgeStands
from ivr.ports import HotlineError, LegGone

_LEFT: Meaning = {404: LegGone, 409: LegGone}
"""Gone, or no longer in Stasis: what a channel's hang-up looks like from here."""

_ENTERING: dict[int, type[HotlineError]] = {400: LegGone, 404: BridgeMissing, 409: LegGone, 422: LegGone}
"""addChannel says 400 for a channel that is gone, 422 for one that left Stasis, 404 for the bridge."""

_GONE: Meaning = {404: LegGone}
_NO_ORIGINATOR: Meaning = {400: LegGone}


class AriClient:
    """Every method raises AsteriskUnavailable and RequestRefused; LegGone where it acts on something that has ended."""

    def __init__(self, rest: Rest, app: str) -> None:
        self._rest = rest
        self.app = app

    async def answer(self, channel: str) -> None:
        """Answer an incoming channel."""
        await self._rest.send(_call("answer", "POST", "channels", channel, "answer"), _LEFT)

    async def hang_up(self, channel: str, q850: int) -> None:
        """End a channel with a Q.850 cause."""
        call = _call("hang up", "DELETE", "channels", channel, query={"reason_code": str(q850)})
        await self._rest.send(call, _GONE)

    async def set_variable(self, channel: str, variable: str, value: str) -> None:
        """Set a channel variable."""
        query = {"variable": variable, "value": value}
        await self._rest.send(_call("set variable", "POST", "channels", channel, "variable", query=query), _LEFT)

    async def continue_in_dialplan(self, channel: str, context: str | None = None) -> None:
        """Leave Stasis; the dialplan goes on with the next priority, or with another context."""
        query = {} if context is None else {"context": context, "extension": "s", "priority": "1"}
        await self._rest.send(_call("continue", "POST", "channels", channel, "continue", query=query), _LEFT)

    async def send_to_fallback(self, channel: str) -> None:
        """Leave Stasis for the dialplan's fallback, which the next priority knows by a variable."""
        await self.set_variable(channel, GIVEN_BACK, "1")
        await self.continue_in_dialplan(channel)

    async def originate(
        self,
        channel: str,
        endpoint: str,
        *,
        caller_id: str,
        timeout_s: int,
        originator: str | None,
        variables: dict[str, str],
    ) -> Channel:
        """Call an endpoint; the channel enters our application when it is answered. LegGone: the originator is.

        Numbers go in the body: addresses of requests are written into logs.
        """
        query = {"app": self.app, "timeout": str(timeout_s)}
        body = {"endpoint": endpoint, "callerId": caller_id, "variables": variables}
        if originator is not None:
            query["originator"] = originator
        call = _call("originate", "POST", "channels", channel, query=query, body=body)
        return await self._rest.ask(call, Channel, _NO_ORIGINATOR, slow=True)

    async def play(self, channel: str, playback: str, media: tuple[str, ...], offset_ms: int = 0) -> None:
        """Play media URIs one after the other, the first from `offset_ms` on."""
        query = {"media": ",".join(media)} | ({"offsetms": str(offset_ms)} if offset_ms else {})
        await self._rest.send(_call("play", "POST", "channels", channel, "play", playback, query=query), _LEFT)

    async def control_playback(self, playback: str, operation: str) -> None:
        """`pause` or `unpause` a playback."""
        query = {"operation": operation}
        await self._rest.send(_call("control playback", "POST", "playbacks", playback, "control", query=query), _LEFT)

    async def mute(self, channel: str) -> None:
        """Let nobody hear what a channel says."""
        await self._rest.send(_call("mute", "POST", "channels", channel, "mute", query={"direction": "in"}), _LEFT)

    async def unmute(self, channel: str) -> None:
        """Let it be heard again."""
        await self._rest.send(_call("unmute", "DELETE", "channels", channel, "mute", query={"direction": "in"}), _LEFT)

    async def stop_playback(self, playback: str) -> None:
        """Stop a playback."""
        await self._rest.send(_call("stop playback", "DELETE", "playbacks", playback), _GONE)

    async def create_bridge(self, bridge: str, kind: str) -> None:
        """Make a bridge, `holding` or `mixing` with options; BridgeStands where there is one of this id."""
        call = _call("create bridge", "POST", "bridges", bridge, query={"type": kind, "name": bridge})
        await self._rest.send(call, {409: BridgeStands})

    async def destroy_bridge(self, bridge: str) -> None:
        """Remove a bridge; channels in it stay, alone."""
        await self._rest.send(_call("destroy bridge", "DELETE", "bridges", bridge), _GONE)

    async def add_to_bridge(self, bridge: str, *channels: str) -> None:
        """Move channels into a bridge, out of any other; BridgeMissing when it is."""
        query = {"channel": ",".join(channels)}
        await self._rest.send(_call("add to bridge", "POST", "bridges", bridge, "addChannel", query=query), _ENTERING)

    async def remove_from_bridge(self, bridge: str, channel: str) -> None:
        """Take a channel out of a bridge, into silence."""
        query = {"channel": channel}
        call = _call("remove from bridge", "POST", "bridges", bridge, "removeChannel", query=query)
        await self._rest.send(call, _ENTERING | {404: LegGone})

    async def start_music(self, bridge: str) -> None:
        """Play music on hold into a bridge; BridgeMissing when it is."""
        await self._rest.send(_call("start music", "POST", "bridges", bridge, "moh"), {404: BridgeMissing})

    async def stop_music(self, bridge: str) -> None:
        """End the music on hold of a bridge."""
        await self._rest.send(_call("stop music", "DELETE", "bridges", bridge, "moh"), _LEFT)

    async def snoop(self, channel: str, snoop: str, *, spy: str = "in", whisper: str = "none") -> None:
        """Make a channel that hears what `channel` says (`in`), or hears and says (`both`).

        What the new channel is told is heard by nobody (`none`) or by the person at `channel` (`out`).
        """
        query = {"spy": spy, "whisper": whisper, "app": self.app}
        await self._rest.send(_call("snoop", "POST", "channels", channel, "snoop", snoop, query=query), _LEFT)

    async def external_media(self, channel: str, to: tuple[str, int], variables: dict[str, str]) -> Channel:
        """Make a channel that sends what it is given as RTP (L16, 16000 Hz) to a host and port."""
        host = f"[{to[0]}]" if ":" in to[0] else to[0]
        query = {
            "channelId": channel,
            "app": self.app,
            "external_host": f"{host}:{to[1]}",
            "encapsulation": "rtp",
            "transport": "udp",
            "connection_type": "client",
            "direction": "both",
            "format": "slin16",
        }
        call = _call("external media", "POST", "channels", "externalMedia", query=query, body={"variables": variables})
        return await self._rest.ask(call, Channel, slow=True)

    async def channels(self) -> list[Channel]:
        """Every channel that stands, ours or not."""
        return await self._rest.ask(_call("list channels", "GET", "channels"), list[Channel], slow=True)

    async def bridges(self) -> list[Bridge]:
        """Every bridge that stands."""
        return await self._rest.ask(_call("list bridges", "GET", "bridges"), list[Bridge], slow=True)

    async def info(self) -> AsteriskInfo:
        """What Asterisk says of itself."""
        call = _call("info", "GET", "asterisk", "info", query={"only": "status"})
        return await self._rest.ask(call, AsteriskInfo, slow=True)

    async def application(self) -> Application:
        """Our application."""
        return await self._rest.ask(_call("application", "GET", "applications", self.app), Application, slow=True)

    async def watch_phones(self) -> None:
        """Be told when SIP phones come and go."""
        query = {"eventSource": "endpoint:PJSIP"}
        call = _call("watch phones", "POST", "applications", self.app, "subscription", query=query)
        await self._rest.send(call, slow=True)

    async def phones(self) -> list[Endpoint]:
        """Every SIP phone and the trunk."""
        return await self._rest.ask(_call("list phones", "GET", "endpoints", "PJSIP"), list[Endpoint], slow=True)

    async def mute_noise(self) -> None:
        """Ask for no events we would only throw away."""
        body = {"disallowed": [{"type": kind} for kind in NOISE]}
        await self._rest.send(_call("event filter", "PUT", "applications", self.app, "eventFilter", body=body))


def _call(
    what: str,
    method: str,
    *path: str,
    query: dict[str, str] | None = None,
    body: object = None,
) -> RestCall:
    return RestCall(
        what=what, method=method, path="/".join(quote(part, safe="") for part in path), query=query or {}, body=body
    )
