"""How the scripted server answers for the telephone, the floor and recordings: as the wire says, on its one view."""

from datetime import timedelta
from typing import Protocol, assert_never

import msgspec

from ivr.calls.vocabulary import GuestState
from ivr.desk.envelope import Done, FromServer, Refused
from ivr.desk.views import CallCard, DeskView, GuestCard
from ivr.desk.wire import AnyUpdate, CallChanged
from ivr.desk.wire_calls import (
    AnyDestination,
    CallBegun,
    CallColleague,
    CallOut,
    CallsRequest,
    Conference,
    Consult,
    DestinationCard,
    Destinations,
    DropGuest,
    FindDestinations,
    HandOver,
    HoldCall,
    MuteSelf,
    ResumeCall,
    ThreeWay,
    ToAgent,
    ToNumber,
    ToService,
    ToSkill,
    TransferCall,
)
from ivr.desk.wire_recordings import (
    FindRecordings,
    OpenRecording,
    RecordingCard,
    RecordingOpened,
    RecordingsFound,
    RecordingsRequest,
)
from ticketing.vocabulary import RecordingKind

SERVICES = (
    DestinationCard(to=ToService(service="em-110"), name="公安报警", urgent=True),
    DestinationCard(to=ToService(service="em-119"), name="火警与抢险救援", urgent=True),
    DestinationCard(to=ToService(service="em-120"), name="医疗急救", urgent=True),
)


class Desk(Protocol):
    """What of the scripted server is moved here."""

    view: DeskView

    async def tell(self, *updates: AnyUpdate) -> None: ...


async def carry_out_call(desk: Desk, message: CallsRequest, directory: tuple[DestinationCard, ...]) -> FromServer:
    """Move the card as the real server would; guests answer at once."""
    number, card = message.request, desk.view.call
    match message:
        case FindDestinations(query=query):
            return Destinations(request=number, found=tuple(each for each in directory if query in each.name))
        case CallColleague() | CallOut():
            return CallBegun(request=number, call="dialled-1")
    if card is None:
        return Refused(request=number, code="refused.no_call")
    match message:
        case HoldCall():
            card = msgspec.structs.replace(card, held=True)
        case ResumeCall():
            card = msgspec.structs.replace(card, held=False)
        case MuteSelf(muted=muted):
            card = msgspec.structs.replace(card, muted=muted)
        case Consult(to=to):
            card = _with_guest(card, to, GuestState.ASIDE)
        case ThreeWay(to=to):
            card = _with_guest(card, to, GuestState.TOGETHER)
        case Conference():
            guests = tuple(msgspec.structs.replace(guest, state=GuestState.TOGETHER) for guest in card.guests)
            card = msgspec.structs.replace(card, held=False, guests=guests)
        case DropGuest():
            card = msgspec.structs.replace(card, held=False, guests=card.guests[:-1])
        case TransferCall() | HandOver():
            card = msgspec.structs.replace(card, held=False, guests=())
        case _:
            assert_never(message)
    await desk.tell(CallChanged(seq=0, call=card))
    return Done(request=number)


def _with_guest(card: CallCard, to: AnyDestination, state: GuestState) -> CallCard:
    match to:
        case ToAgent(agent=name) | ToSkill(skill=name) | ToNumber(number=name) | ToService(service=name):
            guest = GuestCard(id=f"{card.id}-guest-{len(card.guests) + 1}", name=name, state=state)
    return msgspec.structs.replace(card, held=state is GuestState.ASIDE, guests=(*card.guests, guest))


def carry_out_recordings(
    message: RecordingsRequest, cards: tuple[RecordingCard, ...], opened: RecordingOpened | None
) -> FromServer:
    """Find among `cards`; open what a test has laid ready."""
    number = message.request
    match message:
        case FindRecordings(agent=agent, words=words):
            found = tuple(card for card in cards if agent in ("", card.agent) and words in card.said)
            return RecordingsFound(request=number, found=found, more=False)
        case OpenRecording(call=call):
            card = next((card for card in cards if card.call == call), None)
            if card is None:
                return Refused(request=number, code="refused.no_recording")
            if opened is not None:
                return msgspec.structs.replace(opened, request=number)
            return RecordingOpened(
                request=number,
                card=card,
                segments=(),
                links={RecordingKind.MIX: "/recordings/token"},
                until=card.arrived_at + timedelta(minutes=10),
                peaks=(0.0,) * 400,
            )
        case _:
            return Done(request=number)
