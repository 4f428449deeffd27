"""The hotline's state for Prometheus: read from the running parts when asked, so a scrape shows one moment.

Served on loopback at `/metrics` by the exposition format of prometheus-client. No citizen's data and no agent's name is
in it. Asterisk's own figures stand beside it (`res_prometheus`, at `/metrics` of its HTTP server).
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from asr.pipeline import PipelineStats
from ivr.calls.events import Recorded
from ivr.calls.figures import CallFigures, ClockStart, Tally
from ivr.calls.measures import Formula, Measures
from ivr.calls.roster import Seat
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.vocabulary import AgentState, CallState
from ivr.keeper import Keeper
from ivr.settings import MetricsSettings, SettingsError
from ivr.switchboard import Switchboard

PATH = "/metrics"
WAITS_S = (1, 3, 5, 10, 15, 20, 30, 60, 120, 300, 600)
TALKS_S = (15, 30, 60, 120, 180, 300, 600, 1200)


class CallCounter:
    """Counts calls since the server began. A watcher of the switchboard."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.outcomes: Counter[str] = Counter()
        self.link = False
        self._tally = Tally(self._changed)
        self._wait = Histogram(
            "hotline_answer_wait_seconds", "Wait in the queue of answered calls.", buckets=WAITS_S, registry=registry
        )
        self._talk = Histogram("hotline_talk_seconds", "Conversations that ended.", buckets=TALKS_S, registry=registry)

    def recorded(self, record: Recorded) -> None:
        """See `watchers.Watcher`."""
        self._tally.add(record)

    def call_changed(self, call: CallSeen) -> None:
        """See `watchers.Watcher`. What has ended need not be remembered."""
        if call.over:
            self._tally.forget(call.call)

    def link_changed(self, *, up: bool) -> None:
        """See `watchers.Watcher`."""
        self.link = up

    def agent_changed(self, seat: Seat) -> None:
        """See `watchers.Watcher`; read when asked."""

    def queue_changed(self, queue: QueueSeen) -> None:
        """See `watchers.Watcher`; read when asked."""

    def _changed(self, before: CallFigures | None, after: CallFigures) -> None:
        if before is None:
            self.outcomes["offered"] += 1
            return
        if after.decided and not before.decided:
            answered = after.answered_ms is not None
            self.outcomes["answered" if answered else "given_back" if after.given_back else "abandoned"] += 1
            wait_ms = after.wait_ms(ClockStart.QUEUE_ENTRY)
            if answered and wait_ms is not None:
                self._wait.observe(wait_ms / 1000)
        if after.handled and not before.handled:
            self._talk.observe(after.talk_ms / 1000)
        self.outcomes["missed_offers"] += after.missed_offers - before.missed_offers


class HotlineCollector(Collector):
    """Reads the running parts. Everything here is of the loop's thread, as is whoever asks."""

    def __init__(
        self,
        switchboard: Switchboard,
        counter: CallCounter,
        keeper: Keeper,
        today: Callable[[], Measures],
        ears: Callable[[], PipelineStats],
    ) -> None:
        self._switchboard = switchboard
        self._counter = counter
        self._keeper = keeper
        self._today = today
        self._ears = ears

    def collect(self) -> Iterator[Metric]:
        """Every figure now."""
        yield from self._calls()
        yield from self._agents()
        yield from self._rates()
        yield from self._kept()
        yield from self._recognition()

    def _calls(self) -> Iterator[Metric]:
        floor, seen = self._switchboard.floor, Counter(call.state for call in self._switchboard.calls())
        calls = GaugeMetricFamily("hotline_calls", "Calls that stand, by state.", labels=["state"])
        for state in CallState:
            calls.add_metric([state.value], seen[state])
        yield calls
        waiting = GaugeMetricFamily("hotline_waiting", "Citizens who wait for a person, by skill.", labels=["skill"])
        for skill, count in sorted(floor.waiting().items()):
            waiting.add_metric([skill], count)
        yield waiting
        yield _gauge(
            "hotline_longest_wait_seconds", "Wait of the longest waiting citizen.", floor.longest_wait_ms() / 1000
        )
        ended = CounterMetricFamily("hotline_calls_counted", "Calls since the server began.", labels=["outcome"])
        for outcome in ("offered", "answered", "abandoned", "given_back", "missed_offers"):
            ended.add_metric([outcome], self._counter.outcomes[outcome])
        yield ended
        yield _gauge("hotline_asterisk_link_up", "Asterisk can be heard and told.", self._counter.link)

    def _agents(self) -> Iterator[Metric]:
        seats = Counter((seat.state, seat.pause_reason) for seat in self._switchboard.floor.seats())
        agents = GaugeMetricFamily(
            "hotline_agents", "Agents by state and reason of a pause.", labels=["state", "reason"]
        )
        for state in AgentState:
            seats.setdefault((state, None), 0)
        for (state, reason), count in sorted(seats.items(), key=str):
            agents.add_metric([state.value, "" if reason is None else reason.value], count)
        yield agents

    def _rates(self) -> Iterator[Metric]:
        measures = self._today()
        today = GaugeMetricFamily("hotline_today", "Calls that arrived today, the site's day.", labels=["outcome"])
        for outcome in ("offered", "answered", "abandoned", "given_back", "undecided", "answered_within"):
            today.add_metric([outcome], getattr(measures, outcome))
        yield today
        rates = {
            "answer_rate": measures.answer_rate.value,
            "abandonment": measures.abandon_rate.value,
            **{f"service_level_{one.name.lower()}": measures.service_level(one).value for one in Formula},
        }
        found = GaugeMetricFamily("hotline_today_rate", "Today's rates; absent without calls.", labels=["rate"])
        for name, value in rates.items():
            if value is not None:
                found.add_metric([name], value)
        yield found
        if (mean_ms := measures.speed_of_answer.value_ms) is not None:
            yield _gauge("hotline_today_speed_of_answer_seconds", "Mean wait of today's answered.", mean_ms / 1000)

    def _kept(self) -> Iterator[Metric]:
        journal = self._switchboard.journal
        yield _gauge("hotline_event_log_backlog", "Events not kept yet.", len(journal))
        yield _counter("hotline_event_log_lost", "Events that could not be kept.", journal.lost)
        yield _gauge("hotline_keeper_backlog", "Words, drafts and the like not kept yet.", self._keeper.backlog)
        yield _gauge("hotline_database_away", "The database does not answer.", self._keeper.away)

    def _recognition(self) -> Iterator[Metric]:
        ears = self._ears()
        yield _gauge("hotline_ear_streams", "Legs that are listened to.", len(ears.streams))
        yield _gauge(
            "hotline_ear_backlog_seconds", "Sound that waits, of the stream furthest behind.", ears.backlog_ms / 1000
        )
        yield _counter("hotline_ear_lost_seconds", "Sound that was not recognised.", ears.tally.lost_ms / 1000)
        yield _counter(
            "hotline_ear_dropped_hypotheses", "Hypotheses not shown for want of time.", ears.tally.dropped_hypotheses
        )
        yield _counter("hotline_ear_restarts", "Recognisers that failed and were made anew.", ears.tally.restarts)
        yield _counter("hotline_ear_packets", "Packets of speech that came.", ears.tally.packets)
        yield _counter("hotline_ear_packets_lost", "Packets of speech that did not come.", ears.tally.packets_lost)


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, value=float(value))


def _counter(name: str, says: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, says, value=value)


@asynccontextmanager
async def metrics_served(registry: CollectorRegistry, host: str, port: int) -> AsyncIterator[Server]:
    """Answer `GET /metrics` for as long as the block runs. Raises OSError where the port cannot be had."""

    def answer(connection: ServerConnection, request: Request) -> Response:
        if request.path.partition("?")[0] != PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, f"figures are at {PATH}\n")
        headers = Headers({"Content-Type": CONTENT_TYPE_LATEST, "Connection": "close"})
        body = generate_latest(registry)
        headers["Content-Length"] = str(len(body))
        return Response(HTTPStatus.OK, HTTPStatus.OK.phrase, headers, body)

    async def never(connection: ServerConnection) -> None:
        raise AssertionError("every request is answered before a connection is made")

    async with serve(never, host, port, process_request=answer) as server:
        yield server


async def serve_metrics(
    stack: AsyncExitStack,
    settings: MetricsSettings,
    switchboard: Switchboard,
    keeper: Keeper,
    today: Callable[[], Measures],
    ears: Callable[[], PipelineStats],
) -> None:
    """Serve the figures of these parts until `stack` closes. Raises `SettingsError` where the port cannot be had."""
    if not settings.enabled:
        return
    registry = CollectorRegistry()
    counter = CallCounter(registry)
    switchboard.watchers.add(counter)
    registry.register(HotlineCollector(switchboard, counter, keeper, today, ears))
    try:
        await stack.enter_async_context(metrics_served(registry, settings.host, settings.port))
    except OSError as error:
        port, host = settings.port, settings.host
        raise SettingsError(f"[metrics] port {port} of {host}: {error.strerror}; choose another") from error
