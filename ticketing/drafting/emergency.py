"""Is somebody in danger now, and which emergency line is theirs. Pure.

Cues come from the site pack and are found by sound. One cue is enough to alert the agent within its segment. It does not
count where it is denied, past, feared or supposed: the pack's markers near the cue, its negative phrases at the same
place, or the agent's question whether it is happening now, answered with no. Words of the moment (现在, 正在, 快来) in the
same utterance outweigh a mark of the past.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ticketing.drafting.cues import Cue, CueList
from ticketing.pack import Emergency, EmergencyTransfer
from ticketing.sound import slack_key
from ticketing.views import Utterance
from ticketing.vocabulary import Speaker

_DENIED = re.compile(r"^(没有|没|不是|现在没|这会儿没|倒没|那倒没|没没|目前没|今天没|不在|好了|早)")
_NOW_ASKED = re.compile(r"(现在|这会儿|目前|眼下|正在|还在|当时).*(吗|没有|对吧|是不是|有没有)|有没有人(受伤|被困)|着火了吗")
_HANDLED = re.compile(r"(已经)?(报警了|打过幺?一*九|打了幺|消防来过|救护车来过|警察来过|抓了|判了|送医院了|出院了|灭了|扑灭)")
_HOPE = re.compile(r"(怕|担心|万一|要是|如果|假如|会不会|容易|差点|险些|早晚|迟早|哪天|防止|避免|以防|等着出|非得|难道|出了事|小心)")


class Danger(NamedTuple):
    """An emergency line the call belongs to, the words that say so, and the utterances they were said in."""

    target: str
    words: tuple[str, ...]
    evidence: tuple[str, ...]


class EmergencyWatch:
    """Listens for danger with one site's cues."""

    def __init__(self, rules: Emergency) -> None:
        self._rules = rules
        self._lines: list[tuple[EmergencyTransfer, CueList, CueList]] = [
            (line, CueList(line.positive), CueList(line.negative)) for line in rules.transfers
        ]
        self._past = CueList(rules.match.past_markers)
        self._negative = CueList(rules.match.negative_markers)
        self._present = CueList(rules.match.present_markers)

    def listen(self, utterances: Sequence[Utterance]) -> Danger | None:
        """The danger the citizen speaks of as happening now, None where there is none."""
        heard: dict[str, list[tuple[Cue, Utterance]]] = {}
        for at, said in enumerate(utterances):
            if said.speaker is not Speaker.CITIZEN:
                continue
            for line, positive, negative in self._lines:
                for cue in positive.find(said.text):
                    if self._holds(said.text, cue, negative) and not self._taken_back(utterances, at):
                        heard.setdefault(line.id, []).append((cue, said))
        if not heard:
            return None
        best = max(heard, key=lambda line: (len(heard[line]), -[t.id for t, _, _ in self._lines].index(line)))
        target = next(line for line, _, _ in self._lines if line.id == best)
        number = target.target_number if target.target_number.isdigit() else target.id
        return Danger(
            number, tuple(cue.phrase for cue, _ in heard[best]), tuple(dict.fromkeys(said.id for _, said in heard[best]))
        )

    def _holds(self, text: str, cue: Cue, negative: CueList) -> bool:
        """Whether `cue` speaks of now, by the words around it in its utterance."""
        if any(n.start < cue.end and cue.start < n.end for n in negative.find(text)):
            return False
        window = self._rules.match.negation_window_chars
        around = text[max(0, cue.start - window) : cue.start] + "。" + text[cue.end : cue.end + window]
        before = text[max(0, cue.start - window) : cue.start]
        if _HOPE.search(before) or self._negative.any(before) or _HANDLED.search(text[cue.end :]):
            return False
        present = self._present.any(text)
        return present or not (self._past.any(around) or self._past.any(text[: cue.start]))

    def _taken_back(self, utterances: Sequence[Utterance], at: int) -> bool:
        """Whether the agent asked soon after if it is happening now, and the citizen said no."""
        for asked, answered in zip(utterances[at + 1 : at + 6], utterances[at + 2 : at + 7], strict=False):
            if asked.speaker is Speaker.AGENT and answered.speaker is Speaker.CITIZEN and _NOW_ASKED.search(asked.text):
                return _DENIED.match(answered.text) is not None and slack_key(answered.text)[:2] != slack_key("没救")
        return False
