"""Phones, their states and Kaldi's numbers for them.

A phone is silence, an initial, or a final with its tone, each of the latter two in four places of a word (begin,
inside, end, alone) so that Vosk can find word times. An initial has one state, a final two: the first half is shared
by all tones (a tone is not yet heard there), the second half is the tone's own. States are shared over places.
"""

from dataclasses import dataclass

from asr.model.recipe.syllables import FINALS, INITIALS, TONES, Syllable

SILENCE = 1
PLACES = ("begin", "internal", "end", "singleton")
TONAL_FINALS = tuple(f"{final}{tone}" for final in FINALS for tone in TONES)
BASES = INITIALS + TONAL_FINALS
PHONE_COUNT = 1 + len(PLACES) * len(BASES)

_BASE_INDEX = {base: index for index, base in enumerate(BASES)}
_FIRST_HALF = {final: 1 + len(INITIALS) + index for index, final in enumerate(FINALS)}
_SECOND_HALF = {base: 1 + len(INITIALS) + len(FINALS) + index for index, base in enumerate(TONAL_FINALS)}
STATE_COUNT = 1 + len(INITIALS) + len(FINALS) + len(TONAL_FINALS)
"""How many distinct sounds the network tells apart (Kaldi: pdfs); 0 is silence."""


@dataclass(frozen=True, slots=True, order=True)
class Triple:
    """One line of Kaldi's transition model: a phone's state and the pdf that scores it."""

    phone: int
    state: int
    pdf: int


def pdfs(base: str) -> tuple[int, ...]:
    """The states of an initial or a toned final, in order."""
    if base in _SECOND_HALF:
        return _FIRST_HALF[base[:-1]], _SECOND_HALF[base]
    return (1 + INITIALS.index(base),)


def phone(base: str, place: int) -> int:
    """Kaldi's phone number of an initial or toned final at a place (index in PLACES)."""
    return 2 + len(PLACES) * _BASE_INDEX[base] + place


def bases_of(syllable: Syllable) -> list[str]:
    """The one or two phones of a syllable, without place."""
    final = f"{syllable.final}{syllable.tone}"
    return [final] if syllable.initial is None else [syllable.initial, final]


def word_phones(syllables: list[Syllable]) -> tuple[int, ...]:
    """Phone numbers of a word, each with its place in the word."""
    bases = [base for syllable in syllables for base in bases_of(syllable)]
    if len(bases) == 1:
        return (phone(bases[0], 3),)
    last = len(bases) - 1
    return tuple(phone(base, 0 if i == 0 else 2 if i == last else 1) for i, base in enumerate(bases))


def _triples() -> list[Triple]:
    out = [Triple(SILENCE, 0, 0)]
    for base in BASES:
        for place in range(len(PLACES)):
            out += [Triple(phone(base, place), state, pdf) for state, pdf in enumerate(pdfs(base))]
    return sorted(out)


TRIPLES = _triples()
PHONE_STATES = {t.phone: t.state + 1 for t in TRIPLES}
"""Number of states of each phone."""
TRANSITIONS = {(t.phone, t.state): (1 + 2 * k, 2 + 2 * k) for k, t in enumerate(TRIPLES)}
"""(phone, state) to Kaldi's transition ids (self-loop, forward)."""
TRANSITION_COUNT = 2 * len(TRIPLES)


def word_boundary_lines() -> list[str]:
    """Content of graph/phones/word_boundary.int."""
    return ["1 nonword", *(f"{phone(base, p)} {name}" for base in BASES for p, name in enumerate(PLACES))]
