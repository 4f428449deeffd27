"""The decoding graph in two halves, put together by Vosk while it decodes: sounds to words, and words to sentences.

`HCLr.fst` is the lexicon as a tree of transition ids whose words stand where the tree has no more choice; `Gr.fst` is
the language model. Because the lexicon is built as a tree that shares its tails, it needs no determinisation, and a
site's names are in it within seconds. OpenFst's look-ahead type renumbers the words; words.txt carries the new numbers,
which also lets Vosk make grammars at run time.
"""

import math
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from asr.model.recipe import units
from asr.model.recipe.language import Acceptor
from asr.model.recipe.openfst import Tools
from asr.model.recipe.pronounce import readings
from asr.model.recipe.syllables import NotPinyin, split

_SILENCE_P = 0.12
_SECOND_READING_COST = 1.2


@dataclass(slots=True)
class _Node:
    children: dict[int, "_Node"] = field(default_factory=dict)
    words: list[tuple[int, float]] = field(default_factory=list)
    only: tuple[int, float] | None = None
    count: int = 0


def pronunciations(word: str) -> list[tuple[tuple[int, ...], float]]:
    """Phones of every reading with its cost; empty for a word nobody can read."""
    out: dict[tuple[int, ...], float] = {}
    for rank, reading in enumerate(readings(word)):
        try:
            phones = units.word_phones([split(s) for s in reading])
        except NotPinyin:
            continue
        out.setdefault(phones, _SECOND_READING_COST if rank else 0.0)
    return list(out.items())


class _Lexicon:
    """Writes the sound half as text for fstcompile."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._states = 0
        self._tails: dict[tuple[int, ...], int] = {}
        self._root = _Node()
        self._end, self._loop, silence = self._state(), self._state(), self._state()
        stay, enter = units.TRANSITIONS[units.SILENCE, 0]
        self._arc(self._end, self._loop, 0, 0, -math.log(1 - _SILENCE_P))
        self._arc(self._end, silence, enter, 0, -math.log(_SILENCE_P))
        self._arc(silence, silence, stay)
        self._arc(silence, self._loop)

    def add(self, phones: tuple[int, ...], word: int, cost: float) -> None:
        node = self._root
        for phone in phones:
            node = node.children.setdefault(phone, _Node())
            node.count += 1
            node.only = (word, cost)
        node.words.append((word, cost))

    def finish(self) -> None:
        self._grow(self._root, self._loop)
        self.lines.append(f"{self._loop}")

    def _state(self) -> int:
        self._states += 1
        return self._states - 1

    def _arc(self, source: int, target: int, sound: int = 0, word: int = 0, cost: float = 0.0) -> None:
        self.lines.append(f"{source}\t{target}\t{sound}\t{word}\t{cost:.5g}")

    def _grow(self, node: _Node, state: int) -> None:
        for phone, child in child_order(node):
            word, cost = (child.only or (0, 0.0)) if child.count == 1 else (0, 0.0)
            if child.count == 1:
                self._enter(state, phone, self._tail((phone, *_chain(child))), word, cost)
                continue
            first = self._state()
            self._enter(state, phone, first, 0, 0.0)
            last = self._states_of(phone, first)
            for homophone, its_cost in child.words:
                self._arc(last, self._end, 0, homophone, its_cost)
            self._grow(child, last)

    def _enter(self, source: int, phone: int, target: int, word: int, cost: float) -> None:
        self._arc(source, target, units.TRANSITIONS[phone, 0][1], word, cost)

    def _states_of(self, phone: int, first: int) -> int:
        """Self-loops and inner states of a phone entered at `first`; the last state."""
        self._arc(first, first, units.TRANSITIONS[phone, 0][0])
        last = first
        for inner in range(1, units.PHONE_STATES[phone]):
            stay, enter = units.TRANSITIONS[phone, inner]
            following = self._state()
            self._arc(last, following, enter)
            self._arc(following, following, stay)
            last = following
        return last

    def _tail(self, phones: tuple[int, ...]) -> int:
        """The state in which phones[0] has just been entered and the rest must follow; shared by all words."""
        state = self._tails.get(phones)
        if state is None:
            state = self._tails[phones] = self._state()
            last = self._states_of(phones[0], state)
            if len(phones) == 1:
                self._arc(last, self._end)
            else:
                self._enter(last, phones[1], self._tail(phones[1:]), 0, 0.0)
        return state


def child_order(node: _Node) -> list[tuple[int, _Node]]:
    """Children by phone, so that the same words make the same file."""
    return sorted(node.children.items())


def _chain(node: _Node) -> tuple[int, ...]:
    out = []
    while node.children:
        ((phone, node),) = node.children.items()
        out.append(phone)
    return tuple(out)


def build(folder: Path, acceptor: Acceptor, words: Iterable[str], tools: Tools) -> list[str]:
    """Write folder/graph: HCLr.fst, Gr.fst, words.txt, disambig_tid.int, phones/word_boundary.int.

    Returns the words that could not be read and were left out. Raises ToolsMissing.
    """
    (folder / "graph/phones").mkdir(parents=True, exist_ok=True)
    lexicon, numbers, unread = _Lexicon(), dict[str, int](), list[str]()
    for word in sorted(set(words)):
        known = pronunciations(word)
        if not known:
            unread.append(word)
            continue
        numbers[word] = len(numbers) + 1
        for phones, cost in known:
            lexicon.add(phones, numbers[word], cost)
    lexicon.finish()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / "hcl.txt").write_text("\n".join(lexicon.lines) + "\n")
        _compile(tools, scratch / "hcl.txt", scratch / "hcl.fst", "olabel")
        tools.run(
            "fstconvert", "--fst_type=olabel_lookahead", f"--save_relabel_opairs={scratch / 'pairs'}",
            str(scratch / "hcl.fst"), str(folder / "graph/HCLr.fst"),
        )  # fmt: skip
        pairs = (line.split() for line in (scratch / "pairs").read_text().splitlines())
        renumbered = {int(old): int(new) for old, new in pairs}
        final = {word: renumbered[number] for word, number in numbers.items()}
        (scratch / "g.txt").write_text(_language_lines(acceptor, final))
        _compile(tools, scratch / "g.txt", scratch / "g.fst", "ilabel")
        tools.run("fstconvert", "--fst_type=const", str(scratch / "g.fst"), str(folder / "graph/Gr.fst"))
    listing = ["<eps> 0", *(f"{word} {number}" for word, number in sorted(final.items(), key=lambda item: item[1]))]
    (folder / "graph/words.txt").write_text("\n".join(listing) + "\n", "utf-8")
    # the tree needs no disambiguation symbols, but Vosk wants to read their numbers: one that no arc carries
    (folder / "graph/disambig_tid.int").write_text(f"{units.TRANSITION_COUNT + 1}\n")
    (folder / "graph/phones/word_boundary.int").write_text("\n".join(units.word_boundary_lines()) + "\n")
    return unread


def _compile(tools: Tools, text: Path, binary: Path, order: str) -> None:
    unsorted = binary.with_suffix(".unsorted")
    tools.run("fstcompile", str(text), str(unsorted))
    tools.run("fstarcsort", f"--sort_type={order}", str(unsorted), str(binary))


def _language_lines(acceptor: Acceptor, numbers: dict[str, int]) -> str:
    states = {acceptor.start: 0}
    lines = []

    def number(history: tuple[str, ...]) -> int:
        return states.setdefault(history, len(states))

    # fstcompile takes the first line's source as the start
    for arc in sorted(acceptor.arcs, key=lambda a: a.source != acceptor.start):
        label = numbers.get(arc.word, 0)
        if arc.word and not label:
            continue
        lines.append(f"{number(arc.source)}\t{number(arc.target)}\t{label}\t{label}\t{arc.cost:.5g}")
    lines += [f"{number(history)}\t{cost:.5g}" for history, cost in acceptor.finals.items()]
    return "\n".join(lines) + "\n"
