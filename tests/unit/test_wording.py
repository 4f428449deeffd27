"""Wording by an endpoint: masked, bounded, and never worse than the rule draft."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ivr.settings import DraftingSettings
from ivr.wording import Writer, masked, open_writer
from tests.unit.drafting.speech import conversation
from ticketing.views import Proposal, Proposed
from ticketing.vocabulary import FieldName

SAID = conversation(
    "市民 学府佳苑六号楼把草坪圈了", "话务 您贵姓", "市民 姓鲁电话幺三八三五九九二七四六", "话务 鲁先生给您登记"
)
RULE = Proposal(
    fields={name: Proposed() for name in FieldName}
    | {
        FieldName.CITIZEN_NAME: Proposed(value="鲁先生", label="鲁先生", confidence=0.9, evidence=("u2",)),
        FieldName.CALLBACK_PHONE: Proposed(value="13835992746", label="", confidence=0.9, evidence=("u2",)),
        FieldName.TITLE: Proposed(value="学府佳苑违章搭建问题", label="", confidence=0.7),
        FieldName.CONTENT: Proposed(value="来电人鲁先生反映草坪被圈。", label="", confidence=0.7),
    }
)
GOOD = {
    "title": "学府佳苑六号楼住户圈占公共草坪",
    "content": "来电人反映，学府佳苑六号楼有住户圈占公共草坪，希望有关部门核实处理。",
}


def answering(content: str, seen: list[Any] | None = None) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append((request.headers, request.content.decode()))
        return httpx.Response(200, json={"choices": [{"message": {"role": "assistant", "content": content}}]})

    return answer


async def worded(answer: Any, seconds: float = 1.0) -> Proposal | None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        return await Writer(client, "http://127.0.0.1/v1/", "m", "secret", seconds).better(RULE, SAID)


async def test_title_and_content_are_taken_and_nothing_else() -> None:
    seen: list[Any] = []
    better = await worded(answering(f"```json\n{json.dumps(GOOD, ensure_ascii=False)}\n```", seen))
    assert better is not None
    assert better.fields[FieldName.TITLE].value == GOOD["title"]
    assert better.fields[FieldName.CONTENT].value == GOOD["content"]
    rest = set(FieldName) - {FieldName.TITLE, FieldName.CONTENT}
    assert all(better.fields[name] == RULE.fields[name] for name in rest)
    [(headers, _)] = seen
    assert headers["authorization"] == "Bearer secret"


async def test_who_the_citizen_is_never_leaves_the_house() -> None:
    seen: list[Any] = []
    await worded(answering(json.dumps(GOOD), seen))
    [(_, body)] = seen
    shown = json.loads(body)["messages"][1]["content"]
    assert shown == masked(RULE, SAID)
    for secret in ("鲁", "13835992746", "幺三八三五九"):
        assert secret not in shown
    assert "学府佳苑六号楼" in shown


@pytest.mark.parametrize(
    "content",
    [
        "I cannot help with that",
        "{}",
        json.dumps(GOOD | {"title": "短"}),
        json.dumps(GOOD | {"title": "长" * 26}),
        json.dumps(GOOD | {"content": "长" * 601}),
        json.dumps(GOOD | {"content": GOOD["content"] + "将在3日内解决。"}),
    ],
)
async def test_an_answer_that_will_not_do_leaves_the_rule_draft(content: str) -> None:
    assert await worded(answering(content)) is None


async def test_an_endpoint_that_fails_leaves_the_rule_draft() -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    assert await worded(gone) is None
    assert await worded(lambda _: httpx.Response(500)) is None
    assert await worded(lambda _: httpx.Response(200, text="no json")) is None
    assert await worded(lambda _: httpx.Response(200, json={"choices": []})) is None


async def test_an_endpoint_that_is_slow_leaves_the_rule_draft() -> None:
    async def slow(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    assert await worded(slow, seconds=0.05) is None


async def test_without_an_address_there_is_no_writer() -> None:
    async with open_writer(DraftingSettings()) as writer:
        assert writer is None
    async with open_writer(DraftingSettings(url="http://127.0.0.1:1/v1")) as writer:
        assert isinstance(writer, Writer)
