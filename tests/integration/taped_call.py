"""One call with everything in it, on tape. Run as a program it records the tape that the unit tests replay:

python -m tests.integration.taped_call
"""

import asyncio
import tempfile
from pathlib import Path

import msgspec

from ivr.ari.tape import Tape, read_tape
from ivr.calls import events as ev
from ivr.calls.events import LineEvent
from ivr.calls.vocabulary import HangupCause, LegId, Party, PlaybackId
from ivr.demo.sip.received import Answer, Decline
from tests.exchanges import HOTLINE, Exchange, new_exchange
from tests.listening import listening

DATA = Path(__file__).parent.parent / "data"
TAPE, EVENTS = DATA / "ari_tape.jsonl", DATA / "ari_tape_events.json"


async def taped_call(exchange: Exchange, path: Path) -> list[LineEvent]:
    """Greeting, key, queue, a phone that is busy, one that answers, conversation with taps, hang-up; what was heard."""
    async with (
        exchange.telephony(tape=Tape(path)) as telephony,
        listening(telephony) as heard,
        exchange.agent("1001", Decline(486, after_ms=50)),
        exchange.agent("1002", Answer(50)),
        exchange.citizen("13800000001") as caller,
    ):
        citizen = await caller.dial(HOTLINE)
        call, leg = await heard.arrival()
        await telephony.pick_up(call, leg)
        await heard.event(ev.PickedUp)
        await telephony.play(call, leg, PlaybackId(f"{call}-play-1"), ("welcome",))
        await citizen.press("1")
        await heard.event(ev.DigitPressed)
        await telephony.stop_playing(PlaybackId(f"{call}-play-1"))
        await telephony.place_in_queue(call, leg)
        busy, agent = LegId(f"{call}-agent-1"), LegId(f"{call}-agent-2")
        await telephony.ring(call, busy, "PJSIP/1001", "13800000001", 5000)
        await heard.event(ev.LegHungUp)
        await telephony.ring(call, agent, "PJSIP/1002", "13800000001", 5000)
        await heard.event(ev.LegAnswered)
        await telephony.connect(call, leg, agent)
        await heard.event(ev.LegsJoined)
        await telephony.fork_media(call, leg, Party.CITIZEN, ("127.0.0.1", 9))
        since = len(heard.heard)
        await citizen.hang_up()
        await heard.event(ev.LegHungUp, since=since)
        since = len(heard.heard)
        await telephony.hang_up(call, agent, HangupCause.NORMAL)
        await heard.event(ev.LegHungUp, since=since)
        await telephony.clear(call)
        return [one for one in heard.heard if isinstance(one, LineEvent)]


async def record() -> None:
    async with new_exchange() as exchange:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tape"
            events = await taped_call(exchange, path)
            lines = list(read_tape(path))
        home = str(exchange.rendered.layout.home)
    began = lines[0].ms
    neutral = [
        msgspec.structs.replace(line, ms=line.ms - began, text=line.text.replace(home, "/srv/asterisk"))
        for line in lines
    ]
    await asyncio.to_thread(TAPE.write_bytes, msgspec.json.Encoder().encode_lines(neutral))
    await asyncio.to_thread(EVENTS.write_bytes, msgspec.json.format(msgspec.json.encode(events), indent=1) + b"\n")


if __name__ == "__main__":
    asyncio.run(record())
