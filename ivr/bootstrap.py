"""The composition root: opens every part of the hotline in order, and closes it in reverse."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asr.media_server import MediaServer
from asr.pipeline import Pipeline
from asr.transcript import Hypothesis, Segment
from asr.vosk_engine import VoskEngine
from asr.written import Written
from asterisk_conf.process import Asterisk
from asterisk_conf.render import Rendered
from ivr.announcements import CallPlans
from ivr.ari.account import AriAccount
from ivr.ari.sounds import Sounds
from ivr.ari.telephony import AriTelephony
from ivr.calls.events import Recorded
from ivr.calls.roster import Agent
from ivr.calls.vocabulary import CallId
from ivr.clock import SystemClock
from ivr.desk.counters import Counters
from ivr.desk.door import Door
from ivr.desk.newsroom import Newsroom
from ivr.desk.office import Office
from ivr.desk.rates import Today
from ivr.desk.server import DeskServer
from ivr.event_log import DatabaseEventLog, recorded_of
from ivr.exchange import ensure_running, supervise
from ivr.instance import LEAST_FREE_BYTES, Instance
from ivr.intake import Intake
from ivr.keeper import Keeper
from ivr.recordings import RecordingKeeper
from ivr.settings import Settings, SettingsError
from ivr.speech import PipelineEar, chosen_model
from ivr.switchboard import Switchboard
from ivr.tasks import Tasks
from ticketing import schema
from ticketing.accounts import Accounts, Seed
from ticketing.articles import KnowledgeBase
from ticketing.database import Database, open_database
from ticketing.dispatch import DispatchWorker, Gateways, RetryPolicy
from ticketing.gateways import DirectoryGateway, Gateway, WebhookGateway
from ticketing.records import AccountRecord
from ticketing.service import TicketService
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import AgencyId, Role

_log = logging.getLogger(__name__)

FLUSH_S = 10.0
"""How long an orderly stop waits for what has yet to be kept."""


@dataclass(frozen=True)
class Hotline:
    """The open server; `port` is where desks connect."""

    instance: Instance
    database: Database
    switchboard: Switchboard
    intake: Intake
    telephony: AriTelephony
    pipeline: Pipeline
    keeper: Keeper
    port: int


@asynccontextmanager
async def open_hotline(settings: Settings, progress: Callable[[str], None]) -> AsyncIterator[Hotline]:
    """The hotline at work for as long as the block runs. Leaving it ends no call: Asterisk goes on.

    Raises what any part raises that cannot be opened, one clear error: `SettingsError`, `AsteriskConfError`,
    `TicketingError`, `AsrError`, `HotlineError`.
    """
    instance = await asyncio.to_thread(Instance.made, settings)
    clock = SystemClock()
    _see_that_desks_can_come(settings)
    if (free := instance.free_bytes()) < LEAST_FREE_BYTES:
        progress(f"{settings.recordings}: only {free // 1_000_000} MB free for recordings; make room")
    async with AsyncExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix="intake"))
        model = await asyncio.to_thread(chosen_model, settings)
        await schema.upgrade(settings.database_url)
        database = await stack.enter_async_context(open_database(settings.database_url))
        accounts = Accounts(database)
        await accounts.seed(_seeds(instance))
        asterisk, rendered = await asyncio.to_thread(instance.prepare_asterisk, progress)
        drafter, index = await asyncio.to_thread(instance.prepare_mind, progress)
        engine = await asyncio.to_thread(VoskEngine, model)

        tasks = await stack.enter_async_context(Tasks())
        await _start_asterisk(asterisk, settings, tasks, progress)
        keeper = Keeper(database)
        stack.push_async_callback(_flush, keeper)
        tasks.start("keeper", keeper.run())
        intake = Intake(
            database=database,
            keeper=keeper,
            site=instance.site,
            service=TicketService(instance.site, clock.now),
            drafter=drafter,
            index=index,
            clock=clock,
            executor=executor,
        )
        tasks.start("drafting", intake.run())
        knowledge = KnowledgeBase(instance.site, database, index, clock.now)
        await knowledge.refresh()
        tasks.start("knowledge", knowledge.follow())
        media = await _media(stack, settings)
        ear = PipelineEar(media, _hearing(intake))
        pipeline = await stack.enter_async_context(_pipeline(engine, media, ear, instance, settings))
        ear.pipeline = pipeline
        telephony = await stack.enter_async_context(_telephony(rendered))
        plans = CallPlans(instance.site, instance.book, settings.queue)
        switchboard = Switchboard(
            telephony=telephony,
            ear=ear,
            clock=clock,
            log=DatabaseEventLog(database, clock),
            agents=_agents(instance),
            plan_for=lambda _: plans.at(clock.now()),
        )
        today = await _today(database, instance, settings)
        office = Office(switchboard.floor, intake, today)
        switchboard.watchers.add(office)
        recordings = RecordingKeeper(settings.recordings, keeper, tasks)
        switchboard.watchers.add(recordings)
        tasks.start("office", office.run())
        worker = DispatchWorker(
            database,
            instance.site,
            Gateways(default=await _gateway(stack, instance)),
            policy=RetryPolicy(attempts=settings.dispatch.attempts),
            now=clock.now,
            on_dispatched=intake.dispatched,
        )
        intake.on_submitted = worker.wake
        tasks.start("dispatch", worker.run())
        newsroom = Newsroom()
        desks = DeskServer(
            Door(accounts),
            office,
            newsroom,
            Counters(office, newsroom),
            secret=instance.secrets.desk,
            site=instance.site.info.short_name,
            zone=instance.site.info.timezone,
            clock=clock,
        )
        port = await _listen(stack, desks, settings)
        running = tasks.start("switchboard", switchboard.run())
        try:
            yield Hotline(instance, database, switchboard, intake, telephony, pipeline, keeper, port)
        finally:
            switchboard.stop()
            await asyncio.wait([running])
            await recordings.settled()


def _agents(instance: Instance) -> list[Agent]:
    return [
        Agent(
            id=person.id,
            name=person.name,
            extension=person.extension,
            endpoint=f"PJSIP/{person.extension}",
            skills=frozenset(person.skills),
        )
        for person in instance.people
        if person.extension is not None
    ]


def _seeds(instance: Instance) -> list[Seed]:
    return [
        Seed(
            account=AccountRecord(
                id=person.id,
                name=person.name,
                extension=person.extension,
                role=Role(person.role),
                skills=tuple(person.skills),
                agency_id=AgencyId(person.agency) if person.agency else None,
            ),
            first_password=instance.passwords[person.id],
        )
        for person in instance.people
        if person.id in instance.passwords
    ]


async def _start_asterisk(
    asterisk: Asterisk, settings: Settings, tasks: Tasks, progress: Callable[[str], None]
) -> None:
    if not settings.asterisk.managed:
        return
    progress("starting Asterisk")
    port = settings.asterisk.sip_port
    tasks.start("asterisk supervisor", supervise(asterisk, port, await ensure_running(asterisk, port)))


async def _media(stack: AsyncExitStack, settings: Settings) -> MediaServer:
    host, port = settings.speech.media_host, settings.speech.media_port
    try:
        return await stack.enter_async_context(MediaServer(host, port))
    except OSError as error:
        raise SettingsError(f"[speech] media_port {port} of {host}: {error.strerror}; choose another") from error


def _pipeline(
    engine: VoskEngine, media: MediaServer, ear: PipelineEar, instance: Instance, settings: Settings
) -> Pipeline:
    names = [name for place in instance.site.places.values() for name in (place.name, *place.aliases)]
    return Pipeline(
        engine,
        media,
        ear.report,
        write=Written(names),
        workers=settings.speech.workers or None,
        max_streams=settings.speech.streams,
    )


def _hearing(intake: Intake) -> Callable[[CallId, Hypothesis | Segment], None]:
    def heard(call: CallId, what: Hypothesis | Segment) -> None:
        if isinstance(what, Segment):
            intake.said(call, what)
        else:
            intake.heard(call, what)

    return heard


def _telephony(rendered: Rendered) -> AriTelephony:
    wanted = rendered.settings
    account = AriAccount(
        url=f"http://{wanted.control_host}:{wanted.http_port}/ari",
        user=wanted.ari_user,
        password=rendered.secrets.ari,
        app=wanted.app,
    )
    ports = wanted.rtp_last - wanted.rtp_first + 1
    return AriTelephony(account, Sounds(rendered.layout.rendered), wanted.hotline_number, rtp_ports=ports)


async def _today(database: Database, instance: Instance, settings: Settings) -> Today:
    midnight = datetime.now(instance.zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    async with UnitOfWork(database, reads=True) as unit:
        log: list[Recorded] = [
            recorded_of(record) for record in await unit.call_events.of_arrivals(midnight, midnight + timedelta(days=1))
        ]
    return Today(instance.zone, SystemClock().now, round(settings.queue.answer_within_s * 1000), log)


async def _gateway(stack: AsyncExitStack, instance: Instance) -> Gateway:
    settings = instance.settings
    if not settings.dispatch.webhook:
        return DirectoryGateway(settings.dispatch_directory)
    try:
        gateway = WebhookGateway(settings.dispatch.webhook, instance.secrets.webhook)
    except ValueError as error:
        raise SettingsError(f"[dispatch] webhook: {error}") from error
    return await stack.enter_async_context(gateway)


def _see_that_desks_can_come(settings: Settings) -> None:
    """Find a taken port before anything is started: what cannot be served shall not run half."""
    host, port = settings.desk.host, settings.desk.port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise _desk_port_taken(host, port, error) from error


def _desk_port_taken(host: str, port: int, error: OSError) -> SettingsError:
    return SettingsError(f"[desk] port {port} of {host}: {error.strerror}; end what listens there or choose another")


async def _listen(stack: AsyncExitStack, desks: DeskServer, settings: Settings) -> int:
    host, port = settings.desk.host, settings.desk.port
    try:
        server = await stack.enter_async_context(desks.listening(host, port))
    except OSError as error:
        raise SettingsError(
            f"[desk] port {port} of {host} is taken or not ours: {error.strerror}; choose another"
        ) from error
    return int(next(iter(server.sockets)).getsockname()[1])


async def _flush(keeper: Keeper) -> None:
    if not await keeper.flush(FLUSH_S):
        _log.error("%d things were not kept before the stop", keeper.backlog)
