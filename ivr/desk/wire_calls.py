"""What an agent asks for within a call and of the telephone itself. Pure; part of the console protocol.

    Hold … Resume                          the citizen hears music
    Consult → Conference | HandOver | DropGuest     the citizen hears music until they are brought in or come back
    ThreeWay → HandOver | DropGuest        all three hear each other as soon as the third answers (一键互转)
    Transfer                               the citizen hears music until the other answers; then we are out of the call

A guest who does not answer changes nothing: the citizen is back with the agent, who is told by a notice. Every request
that names a call is for the asker's own.
"""

from typing import TypeAlias

import msgspec

from ivr.desk.envelope import FromDesk, FromServer


class Destination(msgspec.Struct, frozen=True, kw_only=True, tag_field="to", tag=True):
    """Root of whom one may call or pass a call to."""


class ToAgent(Destination, frozen=True, kw_only=True):
    """A person at the phones, by their number; they must be available."""

    agent: str


class ToSkill(Destination, frozen=True, kw_only=True):
    """技能组: whoever of it is available. Transferring waits in its queue, at the place the citizen has earned."""

    skill: str


class ToNumber(Destination, frozen=True, kw_only=True):
    """A number outside: 3 to 20 digits."""

    number: str


class ToService(Destination, frozen=True, kw_only=True):
    """An entry of the directory: 110, 119, 120 or an agency's line, by its id."""

    service: str


AnyDestination: TypeAlias = ToAgent | ToSkill | ToNumber | ToService


# ---- from the desk


class HoldCall(FromDesk, frozen=True, kw_only=True):
    """保持: the citizen hears music. Holding twice changes nothing."""

    call: str


class ResumeCall(FromDesk, frozen=True, kw_only=True):
    """取回: the citizen is back in the conversation."""

    call: str


class MuteSelf(FromDesk, frozen=True, kw_only=True):
    """静音: nobody hears the agent, who hears everybody."""

    call: str
    muted: bool


class TransferCall(FromDesk, frozen=True, kw_only=True):
    """盲转. To a skill: the citizen waits there and this desk is free at once."""

    call: str
    to: AnyDestination


class Consult(FromDesk, frozen=True, kw_only=True):
    """咨询: talk to somebody while the citizen hears music."""

    call: str
    to: AnyDestination


class ThreeWay(FromDesk, frozen=True, kw_only=True):
    """三方: call somebody into the conversation."""

    call: str
    to: AnyDestination


class Conference(FromDesk, frozen=True, kw_only=True):
    """会议: after a consultation, everybody hears everybody."""

    call: str


class HandOver(FromDesk, frozen=True, kw_only=True):
    """转出: leave the citizen with the guest who answered. To another agent goes the draft too."""

    call: str


class DropGuest(FromDesk, frozen=True, kw_only=True):
    """挂断第三方: end the guest's part, or stop ringing; the citizen is back. Without `guest` the newest."""

    call: str
    guest: str | None = None


class CallColleague(FromDesk, frozen=True, kw_only=True):
    """内部通话: call another agent, who must be available. Answered by `CallBegun`."""

    agent: str


class CallOut(FromDesk, frozen=True, kw_only=True):
    """外呼: our phone rings first, then the number is dialled. Answered by `CallBegun`."""

    number: str


class FindDestinations(FromDesk, frozen=True, kw_only=True):
    """Whom a call can be passed to, by name, number or pinyin-free text; answered by `Destinations`. Empty: all."""

    query: str = ""


CallsRequest: TypeAlias = (
    HoldCall
    | ResumeCall
    | MuteSelf
    | TransferCall
    | Consult
    | ThreeWay
    | Conference
    | HandOver
    | DropGuest
    | CallColleague
    | CallOut
    | FindDestinations
)


# ---- from the server


class DestinationCard(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody a call can be passed to. `free` is how many are available there now; None where that is not known."""

    to: AnyDestination
    name: str
    urgent: bool = False  # 110, 119, 120, 122: first in the list
    free: int | None = None


class Destinations(FromServer, frozen=True, kw_only=True):
    """Answer to `FindDestinations`: emergencies first, then skills, people, agencies."""

    request: int
    found: tuple[DestinationCard, ...]


class CallBegun(FromServer, frozen=True, kw_only=True):
    """A call was begun; it shows at this desk like any other."""

    request: int
    call: str


CallsAnswer: TypeAlias = Destinations | CallBegun
