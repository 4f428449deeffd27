"""What Prometheus is told, of a whole hotline in memory."""

import re
from contextlib import AsyncExitStack

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from asr.pipeline import PipelineStats, StreamStats
from asr.pipeline import Tally as EarTally
from ivr.calls.measures import Measures, measure
from ivr.calls.vocabulary import AgentState, CallState
from ivr.exporter import CallCounter, HotlineCollector, metrics_served, serve_metrics
from ivr.keeper import Keeper
from ivr.settings import MetricsSettings, SettingsError
from tests.hotline import DIRECT, Hotline
from tests.virtual_time import virtual

EARS = PipelineStats(
    streams=(StreamStats(stream_id="c/citizen", backlog_ms=20, idle_ms=0),),
    backlog_ms=20,
    tally=EarTally(lost_ms=1500, packets=7),
    unknown_packets=0,
)


def today() -> Measures:
    return measure([])


def seen(registry: CollectorRegistry) -> dict[str, float]:
    """Every sample by its name and labels, read back as Prometheus reads it."""
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        one.name + "".join(f" {key}={value}" for key, value in one.labels.items() if value): one.value
        for family in families
        for one in family.samples
    }


@virtual
async def test_calls_agents_and_what_became_of_calls() -> None:
    line = Hotline(DIRECT, agents=2)
    async with line.running() as board:
        registry = CollectorRegistry()
        counter = CallCounter(registry)
        board.watchers.add(counter)
        keeper = Keeper(None)  # type: ignore[arg-type] # nothing is kept here
        registry.register(HotlineCollector(board, counter, keeper, today, lambda: EARS))
        line.ready().will_answer(after_ms=2_000)
        first = line.telephony.citizen_arrives()
        await line.reaches(first.call, CallState.CONNECTED)
        second = line.telephony.citizen_arrives()
        await line.passes(10_000)
        now = seen(registry)
        assert (now["hotline_calls state=connected"], now["hotline_calls state=queued"]) == (1, 1)
        assert now["hotline_waiting skill=general"] == 1
        assert now["hotline_longest_wait_seconds"] == pytest.approx(10, abs=0.5)
        assert (now["hotline_agents state=on_call"], now["hotline_agents state=logged_out"]) == (1, 1)
        assert now["hotline_answer_wait_seconds_bucket le=3.0"] == 1
        assert now["hotline_ear_lost_seconds_total"] == 1.5
        second.hang_up()
        first.hang_up()
        await line.agent_is(AgentState.WRAP_UP)
        board.floor.finish_wrap_up(line.agents[0].id)
        await line.reaches(first.call, None)
        then = seen(registry)
        counted = {
            key: then[f"hotline_calls_counted_total outcome={key}"] for key in ("offered", "answered", "abandoned")
        }
        assert counted == {"offered": 2, "answered": 1, "abandoned": 1}
        assert then["hotline_talk_seconds_count"] == 1
        assert then["hotline_calls state=connected"] == 0


async def test_figures_are_served_at_their_path_and_nothing_else_is() -> None:
    registry = CollectorRegistry()
    async with metrics_served(registry, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as http:
            found = await http.get("/metrics?name[]=x")
            assert found.status_code == 200
            assert re.match(r"text/plain; version=[\d.]+", found.headers["content-type"])
            assert (await http.get("/")).status_code == 404
            assert (await http.get("/metrics/..")).status_code == 404


async def test_a_taken_port_is_named() -> None:
    async with metrics_served(CollectorRegistry(), "127.0.0.1", 0) as server, AsyncExitStack() as stack:
        port = next(iter(server.sockets)).getsockname()[1]
        board = Hotline()
        async with board.running() as switchboard:
            with pytest.raises(SettingsError, match=r"\[metrics\] port .* choose another"):
                await serve_metrics(stack, MetricsSettings(port=port), switchboard, Keeper(None), today, lambda: EARS)  # type: ignore[arg-type]
