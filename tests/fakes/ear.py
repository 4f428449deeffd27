"""The Ear port in memory."""

import asyncio

from ivr.calls.vocabulary import CallId, Party, Skill
from ivr.ports import RecogniserUnavailable


class FakeEar:
    """Remembers who is listened to. `places` is how many it can hear; `slow_ms` is how long each request takes."""

    def __init__(self, places: int = 1_000) -> None:
        self.places = places
        self.slow_ms = 0
        self.from_recording: set[Skill] = set()
        self.heard: dict[tuple[CallId, Party], tuple[int | None, int]] = {}
        self.finished: list[tuple[CallId, Party]] = []

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", 4000)

    def taps(self, skill: Skill) -> bool:
        return skill not in self.from_recording

    async def open(self, call: CallId, party: Party, source_port: int | None, began_ms: int) -> None:
        await asyncio.sleep(self.slow_ms / 1000)
        if (call, party) not in self.heard and len(self.heard) >= self.places:
            raise RecogniserUnavailable(f"all {self.places} places are taken")
        self.heard[call, party] = (source_port, began_ms)

    async def close(self, call: CallId, party: Party) -> None:
        await asyncio.sleep(self.slow_ms / 1000)
        if self.heard.pop((call, party), None) is not None:
            self.finished.append((call, party))
