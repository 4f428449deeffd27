"""What is heard live is what its tape gives again."""

from pathlib import Path

import pytest

from ivr.ari.tape import read_tape
from tests.exchanges import Exchange
from tests.fakes.tape_replay import replay
from tests.integration.taped_call import taped_call

pytestmark = pytest.mark.e2e


async def test_a_live_call_and_its_tape_say_the_same(exchange: Exchange, tmp_path: Path) -> None:
    path = tmp_path / "ari.jsonl"
    heard = await taped_call(exchange, path)
    assert replay(read_tape(path)) == heard
