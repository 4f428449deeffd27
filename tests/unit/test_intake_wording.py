"""A configured endpoint words the draft of a call; what a newer utterance brought is not overwritten."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import msgspec

from asr.transcript import Segment
from asr.transcript import Speaker as Voice
from ivr.calls.vocabulary import CallId
from ivr.intake import Intake
from tests.desk_room import RoomClock
from tests.fakes.tickets import MONDAY, SITE
from tests.until import until
from ticketing.knowledge.index import KnowledgeIndex
from ticketing.views import Proposal, Proposed, Utterance
from ticketing.vocabulary import FieldName

CALL = CallId("call-1")
TITLE = FieldName.TITLE


class Scribe:
    """Stands for drafter, writer, keeper and matters; the writer answers when it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.asked = 0
        self.on_found: Any = None

    def propose(self, utterances: tuple[Utterance, ...], **_: Any) -> Proposal:
        fields = {name: Proposed() for name in FieldName}
        return Proposal(fields=fields | {TITLE: Proposed(value=f"初稿{len(utterances)}", confidence=0.7)})

    async def better(self, proposal: Proposal, utterances: tuple[Utterance, ...]) -> Proposal | None:
        self.asked += 1
        await self.let.wait()
        title = msgspec.structs.replace(proposal.fields[TITLE], value=f"改写{len(utterances)}")
        return msgspec.structs.replace(proposal, fields=dict(proposal.fields) | {TITLE: title})

    def keep(self, *_: Any) -> None:
        """Nothing is kept here."""

    def consider(self, *_: Any) -> None:
        """Nothing is looked for here."""


def said(number: int) -> Segment:
    return Segment(
        id=f"s{number}",
        speaker=Voice.CITIZEN,
        start_ms=1000 * number,
        end_ms=1000 * number + 500,
        text="路灯不亮",
        spoken="路灯不亮",
        words=(),
    )


async def test_the_newest_words_are_worded_and_older_ones_left() -> None:
    scribe: Any = Scribe()
    with ThreadPoolExecutor(1) as executor:
        intake = Intake(
            database=cast(Any, None),
            keeper=scribe,
            site=SITE,
            service=cast(Any, None),
            drafter=scribe,
            index=KnowledgeIndex(),
            clock=RoomClock(),
            executor=executor,
            casework=cast(Any, None),
            matters=scribe,
            writer=scribe,
        )
        file = intake.opened(CALL, MONDAY, None)
        tasks = [
            asyncio.create_task(intake.run(), name="drafting"),
            asyncio.create_task(intake.reword(), name="wording"),
        ]
        try:
            intake.said(CALL, said(1))
            await until(lambda: scribe.asked == 1, "the endpoint asked")
            assert file.draft.fields[TITLE].value == "初稿1"
            intake.said(CALL, said(2))
            await until(lambda: file.draft.fields[TITLE].value == "初稿2", "the second rule draft")
            scribe.let.set()
            await until(lambda: file.draft.fields[TITLE].value == "改写2", "the newest words worded")
            assert scribe.asked == 2
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
