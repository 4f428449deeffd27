"""Whether a call is one the hotline does not take, and for which of the site's reasons (不予受理). Pure.

A reason counts only where the agent turns the caller away: cues of the citizen alone are hints for the agent.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ticketing.drafting.cues import CueList
from ticketing.pack import NotAccepted
from ticketing.views import Utterance
from ticketing.vocabulary import Speaker

_TURNED_AWAY = re.compile(
    r"(不能(受理|改变|替|向|提供|查|干预|评判|裁决|处理|登记|为)|没办法(替|给|受理|查|处理|干预)|没有办法(替|查|处理|受理)|无法(受理|提供|处理|查询|干预)|不属于|不在(我们|本市|运城|热线)|"
    r"热线不|做不到|不受理|不予受理|由(法院|检察院|纪委|当地)|请您?文明|结束(本次)?通话|受理范围|不归|管不了|您可以(拨打|打|向|联系|找)|请(拨打|联系|向)|可以向.{0,10}(反映|举报|申诉|申请))"
)
_TAKEN = re.compile(r"(给您转|为您转|转给|转到|马上转|登记(好|一下|转)|派|通知.{0,8}(到|去|处理)|记下来转|转.{1,8}(部门|处理|核实|查处|执法))")


class Turned(NamedTuple):
    """A reason for not accepting and the utterances that say so."""

    reason_id: str
    evidence: tuple[str, ...]
    sure: float


class RefusalWatch:
    """Listens for reasons of one site."""

    def __init__(self, rules: NotAccepted) -> None:
        self._reasons = [(reason.id, CueList(reason.cues), CueList(reason.not_cues)) for reason in rules.reasons]

    def listen(self, utterances: Sequence[Utterance]) -> Turned | None:
        """The reason the call is not taken, None where it is taken or nothing was decided."""
        agent = [u for u in utterances if u.speaker is Speaker.AGENT]
        turned = [u.id for u in agent if _TURNED_AWAY.search(u.text)]
        if not turned or any(_TAKEN.search(u.text) for u in agent):
            return None
        best: Turned | None = None
        for reason, cues, nots in self._reasons:
            heard = [u.id for u in utterances if cues.any(u.text) and not nots.any(u.text)]
            if heard and (best is None or len(heard) > len(best.evidence)):
                best = Turned(reason, (*heard, *turned), min(0.9, 0.5 + 0.1 * len(heard)))
        return best
