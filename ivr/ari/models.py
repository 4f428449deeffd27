"""The parts of ARI's JSON we read. Fields we do not name are ignored, as ARI adds some with every release."""

from datetime import datetime
from typing import TypeAlias

import msgspec


class CallerID(msgspec.Struct, frozen=True):
    """A party's number as signalled; empty when withheld."""

    number: str = ""


class DialplanCEP(msgspec.Struct, frozen=True):
    """Where a channel is in the dialplan; `app_name` is the application it runs, `app_data` its arguments."""

    exten: str = ""
    app_name: str = ""
    app_data: str = ""


class Channel(msgspec.Struct, frozen=True):
    """A channel. `channelvars` are those ari.conf exports, empty strings where unset."""

    id: str
    name: str
    state: str
    caller: CallerID
    dialplan: DialplanCEP
    channelvars: dict[str, str] = {}


class Bridge(msgspec.Struct, frozen=True):
    """A bridge and the ids of the channels in it."""

    id: str
    channels: tuple[str, ...] = ()


class Playback(msgspec.Struct, frozen=True):
    """A playback; `state` is `failed` when nothing of it could be played."""

    id: str
    state: str


class Application(msgspec.Struct, frozen=True):
    """Our application and the channels it is told about."""

    name: str
    channel_ids: tuple[str, ...] = ()


class StatusInfo(msgspec.Struct, frozen=True):
    """Since when Asterisk runs, by its own clock, which is ours: it runs on this machine."""

    startup_time: datetime


class AsteriskInfo(msgspec.Struct, frozen=True):
    """What Asterisk says of itself; the part that was asked for."""

    status: StatusInfo | None = None


class StasisStart(msgspec.Struct, frozen=True, tag="StasisStart"):
    """A channel is under our control."""

    channel: Channel


class StasisEnd(msgspec.Struct, frozen=True, tag="StasisEnd"):
    """A channel is no longer under our control: hung up, or gone on in the dialplan."""

    channel: Channel


class ChannelStateChange(msgspec.Struct, frozen=True, tag="ChannelStateChange"):
    """A channel rings or was answered."""

    channel: Channel


class ChannelHangupRequest(msgspec.Struct, frozen=True, tag="ChannelHangupRequest"):
    """A channel is about to end. `cause` is Q.850, or Asterisk's flags where `soft`; `tech_cause` is SIP's status."""

    channel: Channel
    cause: int = 0
    tech_cause: int = 0
    soft: bool = False


class ChannelDestroyed(msgspec.Struct, frozen=True, tag="ChannelDestroyed"):
    """A channel has ended. `cause` is Q.850."""

    channel: Channel
    cause: int


class ChannelDtmfReceived(msgspec.Struct, frozen=True, tag="ChannelDtmfReceived"):
    """A key was pressed and released."""

    channel: Channel
    digit: str


class PlaybackFinished(msgspec.Struct, frozen=True, tag="PlaybackFinished"):
    """A playback ended or was stopped."""

    playback: Playback


class ChannelEnteredBridge(msgspec.Struct, frozen=True, tag="ChannelEnteredBridge"):
    """A channel hears a bridge."""

    bridge: Bridge
    channel: Channel | None = None


class ChannelLeftBridge(msgspec.Struct, frozen=True, tag="ChannelLeftBridge"):
    """A channel no longer hears a bridge."""

    bridge: Bridge
    channel: Channel


class Endpoint(msgspec.Struct, frozen=True):
    """A phone's address; `state` is online, offline or unknown."""

    technology: str
    resource: str
    state: str = ""


class ContactInfo(msgspec.Struct, frozen=True):
    """A registration of an endpoint, and whether it replies."""

    contact_status: str


class ContactStatusChange(msgspec.Struct, frozen=True, tag="ContactStatusChange"):
    """A phone registered, went, or stopped replying."""

    endpoint: Endpoint
    contact_info: ContactInfo


AriEvent: TypeAlias = (
    StasisStart
    | StasisEnd
    | ChannelStateChange
    | ChannelHangupRequest
    | ChannelDestroyed
    | ChannelDtmfReceived
    | PlaybackFinished
    | ChannelEnteredBridge
    | ChannelLeftBridge
    | ContactStatusChange
)

NOISE = (
    "ChannelVarset",
    "ChannelConnectedLine",
    "ChannelDialplan",
    "ChannelCallerId",
    "Dial",
    "BridgeDestroyed",
    "PlaybackStarted",
    "PlaybackContinuing",
)
"""Events we ask Asterisk not to send: two thirds of a call's, each with every channel variable."""
