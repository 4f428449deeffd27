"""The composition root: opens every part of the hotline in order, and closes it in reverse."""

import asyncio
import logging
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asr.ear import Writer
from asr.engine import Engine
from asr.media_server import MediaServer
from asr.pipeline import Pipeline
from asr.transcript import Hypothesis, Segment
from asr.vosk_server import VoskServers
from asterisk_conf.process import Asterisk
from asterisk_conf.render import Rendered, bracketed
from ivr.announcements import CallPlans
from ivr.ari.account import AriAccount
from ivr.ari.sounds import Sounds
from ivr.ari.telephony import AriTelephony
from ivr.attendance import AttendanceKeeper
from ivr.back_office import BackOffice, staff_of
from ivr.callers import known_callers
from ivr.calls.events import Recorded
from ivr.calls.roster import Agent, Rest
from ivr.calls.vocabulary import CallId
from ivr.certificates import server_context
from ivr.clock import SystemClock
from ivr.deafness import Deafness
from ivr.desk.counters import Counters
from ivr.desk.door import Door
from ivr.desk.newsroom import Newsroom
from ivr.desk.office import Office
from ivr.desk.rates import Today
from ivr.desk.server import DeskServer
from ivr.desk.topics import Topic
from ivr.desk.wire import FaultsNews
from ivr.directory import load_directory
from ivr.enquiry import Enquiry
from ivr.event_log import DatabaseEventLog, recorded_of
from ivr.exchange import ensure_running, supervise
from ivr.exporter import serve_metrics
from ivr.front_office import FrontOffice
from ivr.gaps import GapReader
from ivr.guard import Guard
from ivr.heard import past_of, unread_of
from ivr.instance import LEAST_FREE_BYTES, Instance
from ivr.intake import Intake
from ivr.keeper import Keeper
from ivr.lease import ServerLease
from ivr.missed import MissedCalls
from ivr.models import open_engine, watch_servers, workers
from ivr.presence import PresenceKeeper, rests
from ivr.queueing import queue_rules
from ivr.recordings import RecordingKeeper
from ivr.salvage import Salvage
from ivr.settings import Settings, SettingsError
from ivr.speech import DeafEar, PipelineEar
from ivr.switchboard import Switchboard
from ivr.tap_watch import TapWatch
from ivr.tasks import Tasks
from ivr.understudy import running as fallback_running
from ivr.understudy import supervise as supervise_fallback
from ivr.watchman import Part, Watchman, code_of
from ivr.wording import open_writer
from ivr.writing import site_writer
from ticketing import schema
from ticketing.accounts import Accounts
from ticketing.articles import KnowledgeBase
from ticketing.database import Database, open_database
from ticketing.dispatch import DispatchWorker, Gateways, RetryPolicy
from ticketing.gateways import DirectoryGateway, Gateway, WebhookGateway
from ticketing.records import LeaseRecord
from ticketing.service import TicketService
from ticketing.unit_of_work import UnitOfWork

_log = logging.getLogger(__name__)

BUSY_MS = 2_000
"""Audio waiting on a live stream from which on no recording is read: the living are heard first."""
PREDECESSOR_S = 15.0
"""How long the server before this one may hold on to the desks' port."""
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
    if (free := instance.free_bytes()) < LEAST_FREE_BYTES:
        progress(f"{settings.recordings}: only {free // 1_000_000} MB free for recordings; make room")
    async with AsyncExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix="intake"))
        await schema.upgrade(settings.database_url, vault=instance.vault)
        database = await stack.enter_async_context(open_database(settings.database_url, instance.vault))
        lease = ServerLease(database, clock)
        before = await lease.take(progress)
        stack.push_async_callback(lease.give_up)
        await _see_that_desks_can_come(settings, PREDECESSOR_S if before is not None else 0.0)
        accounts = Accounts(database)
        await accounts.seed(instance.seeds())
        (drafter, index), (engine, model), (asterisk, rendered) = await asyncio.gather(  # side by side: callers wait
            asyncio.to_thread(instance.prepare_mind, progress),
            asyncio.to_thread(open_engine, settings, instance.site),
            asyncio.to_thread(instance.prepare_asterisk, progress),
        )
        write = await asyncio.to_thread(site_writer, instance.site, settings, model)

        tasks = await stack.enter_async_context(Tasks())
        tasks.start("lease", lease.keep())
        await _start_asterisk(asterisk, settings, tasks, progress)
        keeper = Keeper(database)
        stack.push_async_callback(_flush, keeper)
        tasks.start("keeper", keeper.run())
        back_office = stack.enter_context(
            BackOffice.opened(database, instance.site, staff_of(instance.people), clock, settings.matters)
        )
        intake = Intake(
            database=database,
            keeper=keeper,
            site=instance.site,
            service=TicketService(instance.site, clock.now),
            drafter=drafter,
            index=index,
            clock=clock,
            executor=executor,
            casework=back_office.casework,
            matters=back_office.matters,
            writer=await stack.enter_async_context(open_writer(settings.drafting)),
        )
        tasks.start("drafting", intake.run())
        if settings.drafting.url:
            tasks.start("wording", intake.reword())
        knowledge = KnowledgeBase(instance.site, database, index, clock.now)
        await knowledge.refresh()
        tasks.start("knowledge", knowledge.follow())
        board: Switchboard | None = None
        ears = ThreadPoolExecutor(2, thread_name_prefix="recordings")
        stack.push_async_callback(asyncio.to_thread, ears.shutdown, cancel_futures=True)
        gaps = GapReader(
            engine=engine,
            write=write,
            recordings=settings.recordings,
            said=intake.said,
            filled=intake.filled,
            past=lambda call: past_of(database, call),
            unread=lambda: unread_of(database, clock.now()),
            live=lambda call: board is not None and board.call(call) is not None,
            busy=lambda: pipeline.stats().backlog_ms > BUSY_MS,
            executor=ears,
            tasks=tasks,
        )
        media = await _media(stack, settings)
        ear = PipelineEar(media, _hearing(intake, gaps), gaps, settings.recordings, settings.speech.from_recording)
        pipeline = await stack.enter_async_context(_pipeline(engine, media, ear, write, settings))
        ear.pipeline = pipeline
        if settings.speech.enabled:
            tasks.start("recordings followed", ear.follow(ears))
            tasks.start("gaps of before", gaps.run())
        if isinstance(engine, VoskServers):
            tasks.start("speech servers", watch_servers(engine, ears))
        telephony = await stack.enter_async_context(_telephony(rendered))
        directory = load_directory(settings.directory_file, instance.site, trunk=bool(settings.asterisk.trunk_contact))
        plans = CallPlans(instance.site, instance.book, settings.queue, directory.outside)
        callers = await known_callers(database, settings.queue, clock)
        switchboard = board = Switchboard(
            telephony=telephony,
            ear=ear if settings.speech.enabled else DeafEar(),
            clock=clock,
            log=DatabaseEventLog(database, clock),
            agents=_agents(instance),
            plan_for=lambda arrived: plans.at(clock.now(), callers.of(arrived)),
            rules=queue_rules(instance.site, settings.queue),
            enquiry=Enquiry(database, instance.book, instance.zone, clock.now).sounds,
        )
        switchboard.watchers.add(callers)
        keeper.first = switchboard.logged
        kept = await _rests(database, before, clock)
        switchboard.floor.restore(kept)
        switchboard.watchers.add(PresenceKeeper(keeper, kept))
        switchboard.watchers.add(MissedCalls(keeper, back_office.callbacks, settings.queue.missed_after_s))
        today = await _today(database, instance, settings)
        office = Office(switchboard.floor, intake, today)
        switchboard.watchers.add(office)
        if settings.speech.enabled:
            switchboard.watchers.add(gaps)
            watch = TapWatch(switchboard.calls, ear.silent_for_ms, switchboard.refork)
            tasks.start("taps watched", watch.run())
        recordings = RecordingKeeper(settings.recordings, keeper, tasks)
        switchboard.watchers.add(recordings)
        switchboard.watchers.add(AttendanceKeeper(keeper, switchboard.floor.seats()))
        await serve_metrics(stack, settings.metrics, switchboard, keeper, today.measures, pipeline.stats)
        tasks.start("office", office.run())
        worker = DispatchWorker(
            database,
            instance.site,
            Gateways(default=await open_gateway(stack, instance)),
            policy=RetryPolicy(attempts=settings.dispatch.attempts),
            now=clock.now,
        )
        tasks.start("dispatch", worker.run())
        newsroom = Newsroom()
        counters = back_office.start(tasks, intake, office, newsroom, worker)
        front_office = FrontOffice(
            switchboard=switchboard,
            telephony=telephony,
            database=database,
            keeper=keeper,
            site=instance.site,
            directory=directory,
            office=office,
            newsroom=newsroom,
            callbacks=back_office.callbacks,
            recordings=settings.recordings,
            secret=instance.secrets.desk,
            clock=clock,
            tasks=tasks,
        )
        back_office.callback_desk.dialler = front_office.dialler
        desks = DeskServer(
            Door(accounts),
            office,
            newsroom,
            Counters(office, newsroom, (*counters, *front_office.counters)),
            secret=instance.secrets.desk,
            site=instance.site.info.short_name,
            zone=instance.site.info.timezone,
            clock=clock,
            web=front_office.web.respond,
        )
        port = await _listen(stack, desks, settings)
        watchman = Watchman(_probes(settings, keeper, switchboard, pipeline), clock)
        watchman.told += (
            lambda faults, _: newsroom.tell(Topic.FAULTS, FaultsNews(faults=faults)),
            lambda faults, part: office.part_changed(part, well=all(fault.code != code_of(part) for fault in faults)),
        )
        tasks.start("watchman", watchman.run())
        if settings.security.sip_failures:
            guard = Guard(
                rendered.layout,
                clock,
                failures=settings.security.sip_failures,
                ban_s=settings.security.ban_s,
                never=(*settings.asterisk.trunk_hosts, settings.asterisk.sip_host, "127.0.0.1", "::1"),
                reload=lambda: asterisk.rx("module reload acl"),
            )
            tasks.start("guard", guard.run())
        running = tasks.start("switchboard", switchboard.run())
        dialled = instance.site.info.hotline_number
        salvage = Salvage(
            database,
            back_office.callbacks,
            clock,
            rendered.layout,
            settings.recordings,
            dialled,
            first=switchboard.logged,
        )
        tasks.start("salvage", salvage.run())
        try:
            yield Hotline(instance, database, switchboard, intake, telephony, pipeline, keeper, port)
        finally:
            office.closing()
            switchboard.stop()
            await asyncio.wait([running])
            await recordings.settled()


async def _rests(database: Database, before: LeaseRecord | None, clock: SystemClock) -> list[Rest]:
    """Whom the server before this one had seated."""
    async with UnitOfWork(database, reads=True) as unit:
        kept = await unit.presence.all()
    return rests(kept, before.renewed_at if before is not None else None, clock.now())


def _agents(instance: Instance) -> list[Agent]:
    return [
        Agent(
            id=person.id,
            name=person.name,
            extension=person.extension,
            endpoint=f"PJSIP/{person.extension}",
            skills=frozenset(person.skills),
            expertise=person.levels,
            kept_for=person.kept_for,
            most_per_hour=person.most_per_hour,
        )
        for person in instance.people
        if person.extension is not None
    ]


async def _start_asterisk(
    asterisk: Asterisk, settings: Settings, tasks: Tasks, progress: Callable[[str], None]
) -> None:
    if not settings.asterisk.managed:
        return
    progress("starting Asterisk")
    tasks.start("fallback supervisor", supervise_fallback(settings))
    port = settings.asterisk.sip_port
    tasks.start("asterisk supervisor", supervise(asterisk, port, await ensure_running(asterisk, port)))


async def _media(stack: AsyncExitStack, settings: Settings) -> MediaServer:
    host, port = settings.speech.media_host, settings.speech.media_port
    try:
        return await stack.enter_async_context(MediaServer(host, port))
    except OSError as error:
        raise SettingsError(f"[speech] media_port {port} of {host}: {error.strerror}; choose another") from error


def _pipeline(engine: Engine, media: MediaServer, ear: PipelineEar, write: Writer, settings: Settings) -> Pipeline:
    return Pipeline(
        engine,
        media,
        ear.report,
        write=write,
        workers=workers(settings),
        max_streams=settings.speech.streams,
    )


def _probes(
    settings: Settings, keeper: Keeper, switchboard: Switchboard, pipeline: Pipeline
) -> dict[Part, Callable[[], bool]]:
    """What the watchman looks at."""
    probes: dict[Part, Callable[[], bool]] = {
        Part.DATABASE: lambda: keeper.away or switchboard.log_stalled,
        Part.DISK: lambda: shutil.disk_usage(settings.recordings).free < LEAST_FREE_BYTES,
        Part.RECOGNITION: Deafness(pipeline, switchboard.calls),
        Part.TELEPHONY: lambda: not switchboard.linked,
    }
    if settings.asterisk.managed:
        probes[Part.FALLBACK] = lambda: fallback_running(settings) is None
    return probes


def _hearing(intake: Intake, gaps: GapReader) -> Callable[[CallId, Hypothesis | Segment], None]:
    def heard(call: CallId, what: Hypothesis | Segment) -> None:
        if isinstance(what, Hypothesis):
            intake.heard(call, what)
            return
        intake.said(call, what)
        if what.lost:
            gaps.lost(call, what)

    return heard


def _telephony(rendered: Rendered) -> AriTelephony:
    wanted = rendered.settings
    account = AriAccount(
        url=f"http://{bracketed(wanted.control_host)}:{wanted.http_port}/ari",
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


async def open_gateway(stack: AsyncExitStack, instance: Instance) -> Gateway:
    """The way to the agencies the settings name. Raises `SettingsError`."""
    settings = instance.settings
    if not settings.dispatch.webhook:
        return DirectoryGateway(settings.dispatch_directory)
    try:
        gateway = WebhookGateway(settings.dispatch.webhook, instance.secrets.webhook)
    except ValueError as error:
        raise SettingsError(f"[dispatch] webhook: {error}") from error
    return await stack.enter_async_context(gateway)


async def _see_that_desks_can_come(settings: Settings, within_s: float) -> None:
    """Find a taken port before anything is started: what cannot be served shall not run half.

    A predecessor that has lost its lease may need until `within_s` to let go of the port.
    """
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        try:
            _probe_desk_port(settings)
        except SettingsError:
            if asyncio.get_running_loop().time() >= deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            return


def _probe_desk_port(settings: Settings) -> None:
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
        tls = await asyncio.to_thread(server_context, settings) if settings.security.tls else None
        server = await stack.enter_async_context(desks.listening(host, port, tls))
    except OSError as error:
        raise SettingsError(
            f"[desk] port {port} of {host} is taken or not ours: {error.strerror}; choose another"
        ) from error
    return int(next(iter(server.sockets)).getsockname()[1])


async def _flush(keeper: Keeper) -> None:
    if not await keeper.flush(FLUSH_S):
        _log.error("%d things were not kept before the stop", keeper.backlog)
