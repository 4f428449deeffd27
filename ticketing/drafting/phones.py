"""The number to call back, as people read it out: digit by digit, in groups, with hesitation and second thoughts. Pure.

A recogniser writes digits as whatever sounds like them (腰 for 幺, 酒 for 九), so inside a run that is mostly digits a
sound-alike counts as one. Words of hesitation are skipped; 不是, 不对, 错了 and the like throw away what came before.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ticketing.drafting.numerals import DIGIT
from ticketing.sound import slack_key
from ticketing.views import Utterance
from ticketing.vocabulary import Speaker

_STRICT = {**{c: str(n) for c, n in DIGIT.items() if c not in "两俩仨"}, "洞": "0", "拐": "7", "勾": "9", "幺": "1"}
_BY_SOUND = {slack_key(c)[0]: str(n) for c, n in DIGIT.items() if c not in "两俩仨"}
_HESITATION = frozenset("嗯啊呃哎那个这然后后面再是杠的诶哦额你记一下好呢了吧我")
_RETRACTION = re.compile(r"(不是|不对|错了|说错|记错|重来|重新说|应该是)")
_ASKED = re.compile(r"(电话|号码|联系|手机|打哪|怎么找您|回电)")
_THEIRS = re.compile(r"(他的|她的|老板的|商家的|物业的|公司的|他们的|对方的|骗子|店里的)(电话|手机|号)")
MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"0359[2-8]\d{6}|(?<!\d)[2-8]\d{6}(?!\d)")


class SpokenNumber(NamedTuple):
    """A telephone number, the utterances it was read in, and how sure the reading is (0..1)."""

    digits: str
    evidence: tuple[str, ...]
    sure: float


class _Run(NamedTuple):
    digits: str
    strict: int
    evidence: tuple[str, ...]
    speaker: Speaker


def callback(utterances: Sequence[Utterance], caller_number: str | None) -> SpokenNumber | None:
    """The number the citizen wants to be called on, None where it is not another than `caller_number`.

    The citizen's last complete number wins; an agent's reading back confirms or completes it.
    """
    best: SpokenNumber | None = None
    asked = False
    for at, said in enumerate(utterances):
        if said.speaker is Speaker.AGENT and _ASKED.search(said.text):
            asked = True
        if _THEIRS.search(said.text):
            continue
        for run in _runs(utterances, at):
            number = _complete(run.digits)
            if number is None or (best is not None and number != best.digits and number in best.digits):
                continue
            sure = 0.5 + 0.4 * run.strict / len(number) + (0.1 if asked else 0.0)
            if best is not None and best.digits == number:
                best = SpokenNumber(number, (*best.evidence, *run.evidence), min(1.0, max(best.sure, sure) + 0.1))
            elif best is None or run.speaker is Speaker.CITIZEN or _near(best.digits, number):
                best = SpokenNumber(number, run.evidence, min(sure, 1.0))
    if best is None or best.digits == (caller_number or ""):
        return None
    return SpokenNumber(best.digits, tuple(dict.fromkeys(best.evidence)), best.sure)


def _near(one: str, other: str) -> bool:
    """Whether two readings are the same number but for a digit or two (the agent reads back what was misheard)."""
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) <= 2


def _complete(digits: str) -> str | None:
    """The telephone number in a run of digits: the last mobile number, else a landline."""
    mobiles = [digits[i : i + 11] for i in range(len(digits)) if MOBILE.match(digits[i:])]
    if mobiles and len(digits) <= 13:
        return mobiles[-1] if len(digits) == 11 else mobiles[0]
    if mobiles:
        return mobiles[-1]
    found = _LANDLINE.search(digits)
    return found[0] if found else None


def _runs(utterances: Sequence[Utterance], at: int) -> list[_Run]:
    """Runs of digits that begin in utterance `at`; one that breaks off goes on in the same person's next utterance."""
    said = utterances[at]
    runs = []
    for piece in _split(said.text):
        digits, strict = _digits(piece)
        if len(digits) < 3:
            continue
        evidence: tuple[str, ...] = (said.id,)
        if 3 <= len(digits) < 11 and digits[0] == "1" and piece is _split(said.text)[-1]:
            for following in utterances[at + 1 : at + 6]:
                if following.speaker is not said.speaker:
                    continue
                more, sure = _digits(following.text)
                if not more or (len(more) < 2 and len(digits) + len(more) != 11):
                    break
                digits, strict = digits + more, strict + sure
                evidence = (*evidence, following.id)
                if len(digits) >= 11:
                    break
        runs.append(_Run(digits, strict, evidence, said.speaker))
    return runs


def _split(text: str) -> list[str]:
    """A text cut where the speaker takes back what was said."""
    return [piece for piece in _RETRACTION.split(text) if piece and not _RETRACTION.fullmatch(piece)]


def _digits(text: str) -> tuple[str, int]:
    """The longest run of digits in `text` and how many of them were written as digits."""
    best, best_strict = "", 0
    run: list[tuple[str, bool]] = []
    pause = 0
    for char in [*text, "。"]:
        strict = _STRICT.get(char)
        alike = None if strict else _BY_SOUND.get(slack_key(char)[0])
        if strict or (alike and run):
            run.append((strict or alike or "", strict is not None))
            pause = 0
        elif char in _HESITATION and run and pause < 3:
            pause += 1
        else:
            digits, count = _settle(run)
            if len(digits) > len(best):
                best, best_strict = digits, count
            run, pause = [], 0
    return best, best_strict


def _settle(run: list[tuple[str, bool]]) -> tuple[str, int]:
    """A run without sound-alikes that are words after all: trimmed at the end, dropped inside if too long."""
    while run and not run[-1][1]:
        run = run[:-1]
    strict = sum(sure for _, sure in run)
    if strict * 5 < len(run) * 3:
        return "", 0
    if len(run) > 11:
        surplus = len(run) - 11
        kept = []
        for digit, sure in run:
            if surplus and not sure:
                surplus -= 1
            else:
                kept.append((digit, sure))
        run = kept
    return "".join(digit for digit, _ in run), strict
