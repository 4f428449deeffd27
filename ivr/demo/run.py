"""The demonstration: one real call, from the citizen's phone to a dispatched work order, on one machine, with nobody.

Everything is the real thing: a server process, Asterisk, two SIP phones, Vosk, the database, the outbox. With a
terminal the desk is on it and a person may act as the agent; if nobody does, a hand on the desk does what is left.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from asterisk_conf.errors import AsteriskConfError
from asterisk_conf.install import find
from asterisk_conf.process import Asterisk
from asterisk_conf.render import load_secrets
from ivr.calls.vocabulary import AgentState, CallState
from ivr.demo.hand import DeskHand
from ivr.demo.report import Report, StepFailed, ensure
from ivr.demo.result import collect
from ivr.demo.server import free_ports, running_server
from ivr.demo.sip.call import SipCall
from ivr.demo.sip.received import Answer
from ivr.demo.sip_party import SipParty
from ivr.demo.story import load_story
from ivr.desk.envelope import Done
from ivr.desk.views import DeskView
from ivr.desk.wire import EditField, GoReady, Hits, SearchKnowledge, Submit
from ivr.instance import Instance
from ivr.people import write_private
from ivr.settings import Settings, load_settings
from ticketing.vocabulary import FieldName

AGENT = "1001"
CITIZEN = "03590000124"
RINGS_MS = 1500
"""How long the agent lets the phone ring."""
PATIENCE_S = 6.0
"""With a terminal: how long after the hang-up the hand waits for a person who has not touched the draft yet."""
BUSY_S = 90.0
"""And for one who has."""
GREETING_RMS = 200.0
"""Loudness (16-bit RMS) above which what the citizen hears is speech and not line noise."""


async def demonstrate(home: Path, report: Report, *, at_terminal: bool) -> dict[str, Any]:
    """Run it and return the whole result. Raises `StepFailed` for the first thing that did not really happen."""
    environment = free_ports()
    settings = load_settings(home, environment)
    instance = await asyncio.to_thread(Instance.made, settings)
    await _stop_left_over(settings)
    asterisk, rendered = await asyncio.to_thread(
        instance.prepare_asterisk, lambda text: report.step("setup", note=text)
    )
    await asyncio.to_thread(instance.prepare_mind, lambda text: report.step("setup", note=text))
    report.step("set_up", asterisk=asterisk.program.version_text, sip_port=settings.asterisk.sip_port)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_stop, asterisk)
        server = await stack.enter_async_context(running_server(settings, environment))
        report.step("server_ready", pid=server.pid)
        phone = ("127.0.0.1", settings.asterisk.sip_port)
        secret = load_secrets(rendered.layout.home).agents[AGENT]
        agent = await stack.enter_async_context(
            SipParty(phone, AGENT, password=secret, behaviour=Answer(after_ms=RINGS_MS))
        )
        await agent.register()
        report.step("agent_phone_registered", extension=AGENT)
        address = f"ws://{settings.desk.host}:{settings.desk.port}"
        hand = await stack.enter_async_context(DeskHand.at(address, agent=AGENT, password=instance.passwords[AGENT]))
        await hand.ask(GoReady(request=hand.number()), Done)
        await hand.until(lambda view: view.agent.state is AgentState.AVAILABLE, "the agent ready")
        report.step("agent_ready", agent=AGENT)
        if at_terminal:
            password = instance.passwords[AGENT]
            await stack.enter_async_context(_desk_on_terminal(settings, password, report))
        citizen = await stack.enter_async_context(SipParty(phone, CITIZEN))
        call, view = await _call(citizen, agent, hand, report, at_terminal=at_terminal)
        result = await collect(instance, view, call)
    report.step("stopped")
    return result


async def _call(
    citizen: SipParty, agent: SipParty, hand: DeskHand, report: Report, *, at_terminal: bool
) -> tuple[str, DeskView]:
    """The whole call; its id and the desk's view once the work order was dispatched."""
    call = await citizen.dial("12345")
    await call.answered(10_000)
    report.step("citizen_hears_the_hotline")
    popped = await hand.until(lambda view: view.call is not None, "the call on the desk", 60)
    assert popped.call is not None
    greeting = call.voice.heard.samples()
    loudness = float(np.sqrt(np.mean(np.square(greeting.astype(np.float64))))) if greeting.size else 0.0
    ensure(loudness > GREETING_RMS, f"the citizen heard no greeting (loudness {loudness:.0f})")
    report.step("greeted", heard_ms=greeting.size // 8, loudness=round(loudness))
    report.step("desk_pops", call=popped.call.id, number=popped.call.masked_number)
    ringing = await agent.next_call(15_000)
    report.step("agent_phone_rings")
    await ringing.answered(10_000)
    await hand.until(_talking, "citizen and agent joined", 10)
    report.step("answered")
    await _converse(call, ringing, hand, report, at_terminal=at_terminal)
    await call.hang_up()
    report.step("citizen_hangs_up")
    if at_terminal and hand.view.ticket is None:
        draft = hand.view.draft
        touched = draft is not None and any(field.mine for field in draft.fields.values())
        try:
            await hand.until(
                lambda view: view.ticket is not None, "a person submitting", BUSY_S if touched else PATIENCE_S
            )
        except TimeoutError:
            await _submit(hand)
    view = await hand.until(
        lambda view: view.ticket is not None and view.ticket.dispatched_at is not None, "the work order dispatched"
    )
    assert view.ticket is not None
    report.step("dispatched", reference=view.ticket.reference, lead_agency=view.ticket.lead_agency)
    ended = await hand.until(lambda view: not _talking(view), "the call over at the desk", 10)
    if ended.agent.state is AgentState.WRAP_UP:
        await hand.ask(GoReady(request=hand.number()), Done)
    await hand.until(lambda view: view.call is None, "the desk free again")
    return popped.call.id, view


async def _converse(citizen: SipCall, agent: SipCall, hand: DeskHand, report: Report, *, at_terminal: bool) -> None:
    """Say every line of the story; the hand works on the desk during the agent's last ones, as an agent would."""
    lines = load_story().lines
    for number, line in enumerate(lines):
        if number == len(lines) - 2 and not at_terminal:
            await _work_on_the_desk(hand, report)
        speaker = citizen if line.who == "citizen" else agent
        await speaker.say(line.sound)
        await asyncio.sleep(line.pause_after_ms / 1000)
    report.step("said", turns=len(lines), segments=len(hand.view.segments))


async def _work_on_the_desk(hand: DeskHand, report: Report) -> None:
    view = await hand.until(_drafted, "a draft with a category and a lead agency", 15)
    assert view.draft is not None
    category = view.draft.fields[FieldName.CATEGORY]
    report.step("drafted", category=category.label, rests_on=list(category.evidence))
    hits = await hand.ask(SearchKnowledge(request=hand.number(), query="暖气不热"), Hits)
    ensure(hits.hits, "the knowledge base found nothing")
    report.step("searched", best=hits.hits[0].title)
    title = "光明小区3号楼室温15度暖气不热"
    edit = EditField(request=hand.number(), draft=view.draft.id, field=FieldName.TITLE, value=title)
    await hand.ask(edit, Done)
    corrected = await hand.until(lambda view: _field(view, FieldName.TITLE) == title, "the corrected title", 5)
    assert corrected.draft is not None
    ensure(corrected.draft.fields[FieldName.TITLE].mine, "the corrected title is the agent's")
    report.step("corrected", field="title")
    await _submit(hand)
    submitted = await hand.until(lambda view: view.ticket is not None, "a work order number", 10)
    assert submitted.ticket is not None
    report.step("submitted", reference=submitted.ticket.reference, still_talking=_talking(submitted))


async def _submit(hand: DeskHand) -> None:
    if hand.view.draft is None:
        raise StepFailed("there is no draft to submit")
    await hand.ask(Submit(request=hand.number(), draft=hand.view.draft.id), Done)


def _talking(view: DeskView) -> bool:
    return view.call is not None and view.call.state is CallState.CONNECTED


def _drafted(view: DeskView) -> bool:
    return bool(_field(view, FieldName.CATEGORY) and _field(view, FieldName.LEAD_AGENCY))


def _field(view: DeskView, name: FieldName) -> str:
    return view.draft.fields[name].value if view.draft is not None else ""


async def _stop(asterisk: Asterisk) -> None:
    if await asterisk.answers():
        await asterisk.rx("core stop now")
        pid_file = asterisk.layout.run / "asterisk.pid"
        for _ in range(100):
            if not await asyncio.to_thread(pid_file.exists):
                return
            await asyncio.sleep(0.05)


async def _stop_left_over(settings: Settings) -> None:
    """End the Asterisk of an earlier demonstration that was killed: its ports are not this one's."""
    try:
        found = await asyncio.to_thread(find, settings.prefix)
    except AsteriskConfError:
        return
    asterisk = Asterisk(found, settings.asterisk_home)
    if await asyncio.to_thread(asterisk.layout.main_conf.exists):
        await _stop(asterisk)


@asynccontextmanager
async def _desk_on_terminal(settings: Settings, secret: str, report: Report) -> AsyncIterator[None]:
    """The desk on the terminal, signed in; the demonstration's own lines wait until it is gone."""
    password = settings.home / "demo.password"
    await asyncio.to_thread(write_private, password, secret)
    report.step("desk_opens", keys="F1 help, F2 pause/ready, F3 knowledge, F9 submit and dispatch, F10 hang up")
    report.hold()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent_console", "--server", f"ws://{settings.desk.host}:{settings.desk.port}",
        "--agent", AGENT, "--password-file", str(password), env=dict(os.environ),
    )  # fmt: skip
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await asyncio.to_thread(password.unlink)
        report.release()
