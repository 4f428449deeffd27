"""The ids we choose for what Asterisk makes for a call: call id + role. Pure.

    {call}.hold                    where the citizen waits, or is on hold
    {call}.talk                    where citizen, agent and guests hear each other
    {call}.tap.{party}.{n}         a tap's bridge, with its two channels
    {call}.snoop.{party}.{n}       hears the party
    {call}.media.{party}.{n}       sends what is heard out as RTP; a supervisor who listens in has none

A tap is numbered because Asterisk may report the end of one after the beginning of its successor.
"""

import re
from dataclasses import dataclass

from ivr.calls.vocabulary import CallId, Party

CALL_UUID = "CALL_UUID"
"""Channel variable of a citizen's leg: the call id the dialplan chose."""

HOTLINE_CALL = "HOTLINE_CALL"
HOTLINE_PARTY = "HOTLINE_PARTY"
"""Channel variables of the legs we make. These three and `HOTLINE_LENT` must stand in `channelvars` of ari.conf."""

HOTLINE_RECORDING = "HOTLINE_RECORDING"
"""Channel variable that names the recording of a call of our own."""

HOTLINE_LENT = "HOTLINE_LENT"
"""Channel variable of a phone that stays off the hook: the call and the leg it serves just now, a space between."""

GIVEN_BACK = "HOTLINE_GIVEN_BACK"
"""Channel variable by which the dialplan knows, after Stasis, that the call goes to the fallback."""

_BRIDGE = re.compile(r"(?P<call>.+)\.(?:hold|talk)")
_TAP = re.compile(r"(?P<call>.+)\.(?P<part>tap|snoop|media)\.(?P<party>citizen|agent|guest)\.(?P<number>[0-9]+)")


def hold(call: CallId) -> str:
    """The holding bridge."""
    return f"{call}.hold"


def talk(call: CallId) -> str:
    """The mixing bridge."""
    return f"{call}.talk"


@dataclass(frozen=True)
class Tap:
    """One tap's names."""

    call: CallId
    party: Party
    number: int

    @property
    def bridge(self) -> str:
        """Joins the other two."""
        return f"{self.call}.tap.{self.party}.{self.number}"

    @property
    def snoop(self) -> str:
        """The channel that hears the party."""
        return f"{self.call}.snoop.{self.party}.{self.number}"

    @property
    def media(self) -> str:
        """The channel that sends RTP."""
        return f"{self.call}.media.{self.party}.{self.number}"


def tap_of(name: str) -> Tap | None:
    """The tap a channel or bridge of this name belongs to."""
    found = _TAP.fullmatch(name)
    return Tap(CallId(found["call"]), Party(found["party"]), int(found["number"])) if found else None


def call_of_bridge(name: str) -> CallId | None:
    """The call whose holding or talk bridge this is."""
    found = _BRIDGE.fullmatch(name)
    return CallId(found["call"]) if found else None
