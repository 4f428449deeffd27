"""The desk's single lines: top, connection, call, alarm, ticket, notice, keys. Pure."""

from datetime import datetime, tzinfo
from typing import Final

from rich.cells import cell_len

from agent_console.formats import clock, day_and_time, group_digits, rate, time_of_day
from agent_console.state import DeskState, LinkState
from agent_console.tones import Piece, Tone
from ivr.calls.vocabulary import AgentState, CallState
from ivr.desk.catalogue import Catalogue
from ivr.desk.views import AgentCard, QueueCard
from ticketing.views import TicketView

STATE_TONES: Final = {
    AgentState.LOGGED_OUT: Tone.FAINT,
    AgentState.AVAILABLE: Tone.GOOD,
    AgentState.RESERVED: Tone.WARN,
    AgentState.ON_CALL: Tone.BUSY,
    AgentState.WRAP_UP: Tone.WARN,
    AgentState.PAUSED: Tone.IDEA,
}

HEARD_CELLS: Final = 60
"""How much of the words that raised an alarm is shown."""


def top_line(state: DeskState, words: Catalogue, now: datetime, width: int) -> tuple[Piece, ...]:
    """Who I am and what I am doing, the queue, today's rates and the time; what matters less gives way to `width`."""
    view = state.view
    if view is None:
        return ()
    here = state.shown_at(now)
    groups: list[tuple[int, list[Piece]]] = [
        (4, [Piece(state.reception.site, Tone.FAINT)]),
        (1, [Piece(f"{view.agent.id} {view.agent.name}")]),
        (0, _agent(view.agent, words, here)),
        *_queue(view.queue, words, here),
    ]
    time = Piece(time_of_day(here, state.reception.zone), bold=True)
    room = width - cell_len(time.text) - 2
    while sum(_cells(group) + 3 for _, group in groups) > room and any(rank for rank, _ in groups):
        groups.remove(max(groups, key=lambda entry: entry[0]))
    line: list[Piece] = [Piece(" ")]
    for number, (_, group) in enumerate(groups):
        line.extend([Piece("   "), *group] if number else group)
    filler = width - _cells(line) - cell_len(time.text) - 1
    return (*line, Piece(" " * max(1, filler)), time)


def _agent(agent: AgentCard, words: Catalogue, here: datetime) -> list[Piece]:
    tone = STATE_TONES[agent.state]
    word = words.say(f"agent_state.{agent.state}")
    if agent.state is AgentState.PAUSED and agent.pause_reason is not None:
        word = f"{word} {words.say(f'pause.{agent.pause_reason}')}"
    pieces = [Piece(f"● {word}", tone, bold=True), Piece(f" {clock((here - agent.since).total_seconds())}", tone)]
    if agent.state is not AgentState.PAUSED and agent.pause_reason is not None:
        reason = words.say(f"pause.{agent.pause_reason}")
        pieces.append(Piece(f" · {words.say('top.next_pause', reason=reason)}", Tone.IDEA))
    return pieces


def _queue(queue: QueueCard, words: Catalogue, here: datetime) -> list[tuple[int, list[Piece]]]:
    waiting = [Piece(words.say("top.queue", waiting=queue.waiting), Tone.WARN if queue.waiting else Tone.INK)]
    if queue.oldest_since is not None:
        longest = clock((here - queue.oldest_since).total_seconds())
        waiting.append(Piece(f" · {words.say('top.longest', clock=longest)}", Tone.WARN))
    groups = [(0, waiting)]
    for rank, code, measured in ((2, "top.answered", queue.answered), (3, "top.in_15s", queue.answered_in_15s)):
        percent = rate(measured.part, measured.of)
        if percent:
            groups.append((rank, [Piece(words.say(code, rate=percent), Tone.FAINT)]))
    return groups


def _cells(pieces: list[Piece]) -> int:
    return sum(cell_len(piece.text) for piece in pieces)


def banner(state: DeskState, words: Catalogue, now: datetime, sign_in_key: str) -> tuple[Piece, ...]:
    """The line that replaces the top line while the server is away; nothing while it is there."""
    link = state.reception.link
    what: list[str]
    match link.state:
        case LinkState.CONNECTED:
            return ()
        case LinkState.OFF | LinkState.CONNECTING:
            what = [words.say(f"link.{link.state}")]
        case LinkState.LOST:
            seconds = None if link.retry_at is None else max(0, round((link.retry_at - now).total_seconds()))
            retry = words.say("link.retrying") if seconds is None else words.say("link.lost", seconds=seconds)
            what = [retry, words.say("link.keeps")]
        case LinkState.REFUSED:
            what = [refusal(state, words), words.say("link.sign_in_again", key=sign_in_key)]
    if state.unsaved:
        what.append(words.say("link.unsent", count=state.unsaved))
    return (Piece(" " + " · ".join(what)),)


def refusal(state: DeskState, words: Catalogue) -> str:
    """Why the server ended this sign-in, in words; empty if it did not."""
    refused = state.reception.link.refused
    return "" if refused is None else words.say("link.refused", reason=words.tell(refused.code, refused.params))


def call_title(state: DeskState, words: Catalogue) -> tuple[Piece, ...]:
    """The call's card: who calls, how often before, how much is open."""
    call = state.call
    if call is None:
        return (Piece(words.say("call.none")),)
    head = {CallState.OFFERED: "call.offered", CallState.WRAP_UP: "call.wrap_up"}.get(call.state, "call.connected")
    tone = Tone.WARN if call.state is CallState.OFFERED else Tone.INK
    nth = (
        words.say("call.nth", n=call.caller.earlier_calls + 1) if call.caller.earlier_calls else words.say("call.first")
    )
    pieces = [Piece(words.say(head, number=call.masked_number), tone, bold=True), Piece(f" · {nth}", tone)]
    if call.caller.open_tickets:
        pieces.append(Piece(f" · {words.say('call.open_tickets', count=call.caller.open_tickets)}", Tone.WARN))
    return tuple(pieces)


def call_line(state: DeskState, words: Catalogue, now: datetime, ready_key: str) -> tuple[Piece, ...]:
    """Below the card: the caller's last work order, or what the desk waits for."""
    call, view = state.call, state.view
    if view is None:
        return ()
    if call is None:
        if view.agent.state is AgentState.PAUSED:
            return (Piece(words.say("call.not_ready", key=ready_key), Tone.IDEA),)
        return (Piece(words.say("call.waiting"), Tone.FAINT),)
    pieces: list[Piece] = []
    if call.state is CallState.OFFERED:
        pieces.append(Piece(f"{words.say('call.pick_up')}\n", Tone.WARN, bold=True))
    elif not call.hearing:
        pieces.append(Piece(f"{words.say('call.deaf')}   ", Tone.WARN, bold=True))
    if call.caller.last_ticket is None:
        return (*pieces, Piece(words.say("call.no_ticket"), Tone.FAINT))
    last = call.caller.last_ticket
    told = [last.title, words.name("ticket_state", last.state), last.lead_agency]
    if last.due_at is not None:
        moment = day_and_time(last.due_at, state.reception.zone, state.shown_at(now))
        told.append(words.say("call.due", when=moment))
    pieces.append(Piece(f"{words.say('call.last_ticket')} {group_digits(last.reference)} ", Tone.FAINT))
    pieces.append(Piece(" · ".join(part for part in told if part)))
    return tuple(pieces)


def alarm_line(state: DeskState, words: Catalogue) -> tuple[Piece, ...]:
    """The emergency cue: whom to transfer to and the words that were heard; nothing where there is none."""
    draft, view = state.draft, state.view
    if draft is None or view is None or draft.emergency_target is None:
        return ()
    target = words.name("emergency", draft.emergency_target)
    parts = [words.say("alarm.title"), words.say("alarm.transfer", target=target)]
    heard = " ".join(segment.text for segment in view.segments if segment.id in draft.emergency_evidence)
    if heard:
        parts.append(words.say("alarm.heard", words=heard[-HEARD_CELLS:]))
    return (Piece(" " + "  ".join(parts), bold=True),)


def draft_title(state: DeskState, words: Catalogue) -> tuple[Piece, ...]:
    """The draft's title, with the number once it is a work order."""
    if state.draft is not None and state.draft.reference is not None:
        return (
            Piece(words.say("draft.title_done", reference=group_digits(state.draft.reference)), Tone.GOOD, bold=True),
        )
    return (Piece(words.say("draft.title"), bold=True),)


def ticket_lines(
    ticket: TicketView, words: Catalogue, zone: tzinfo, now: datetime, copy_key: str
) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """The work order that was made: its number to read out; who deals with it, how far it is, until when."""
    sent = ticket.dispatched_at is not None
    head = Piece(words.say("ticket.title" if sent else "ticket.waiting"), Tone.GOOD if sent else Tone.WARN, bold=True)
    number = Piece(f"   {group_digits(ticket.reference)}", bold=True)
    copy = Piece(f"   {words.say('ticket.copy', key=copy_key)}", Tone.FAINT)
    told = [("ticket.agency", ticket.lead_agency), ("ticket.state", words.name("ticket_state", ticket.state))]
    if ticket.due_at is not None:
        told.append(("ticket.due", day_and_time(ticket.due_at, zone, now)))
    line: list[Piece] = []
    for code, value in told:
        line += [Piece(f"{'   ' if line else ''}{words.say(code)} ", Tone.FAINT), Piece(value)]
    return (head, number, copy), tuple(line)
