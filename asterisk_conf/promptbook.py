"""Which sounds say which announcement. Pure: no file is touched here.

A text without places is one sound of its name. A text with places, `您前面还有{position}位来电人在等待。`, is cut at
them into fragments `queue_position.1`, `queue_position.2`, between which the values are said: whole numbers as words,
strings of digits one by one, dates by month and day, other words if they were declared.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from string import Formatter

from asterisk_conf.errors import PromptRefused
from asterisk_conf.numerals import date_sounds, digit_sounds, number_sounds, vocabulary

Value = int | str | date
"""What can stand at a place of a text."""

BUILT_IN: Mapping[str, str] = {
    "leave_message": "请在提示音之后留言，说完请按井号键。",
    "fallback_offer": "稍后我们会给您回电。回拨您现在的号码请按一，换一个号码请按二。",
    "fallback_number": "请输入回拨号码，座机请加区号，输完按井号键。",
    "fallback_check": "您输入的号码是",
    "fallback_right": "正确请按一，重新输入请按二。",
    "fallback_again": "号码有误，请重新输入。",
    "fallback_noted": "已经登记，我们会尽快给您回电，再见。",
    "fallback_no_number": "没有可以回拨的号码，请稍后再拨，再见。",
}
"""Announcements of the dialplan and the fallback process, which a site pack may word otherwise."""

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_MARKS = "，。；、：！？,.;:!? \t\n"


@dataclass(frozen=True)
class _Place:
    """Where a value is said."""

    field: str


class PromptBook:
    """All announcements of a site: `texts` by name, `words` that may be said at places (states, agencies).

    Raises PromptRefused, naming the text and what is wrong with it.
    """

    def __init__(self, texts: Mapping[str, str], words: Iterable[str] = ()) -> None:
        self._rows: dict[str, tuple[str | _Place, ...]] = {}
        self._said: dict[str, str] = dict(vocabulary())
        self._words = {word: _word_sound(word) for word in words}
        self._said |= {sound: word for word, sound in self._words.items()}
        for name, text in {**BUILT_IN, **texts}.items():
            if not _NAME.fullmatch(name):
                raise PromptRefused(f"announcement {name!r}: a name is small letters, digits, _ and dots between parts")
            self._rows[name] = tuple(self._cut(name, text))

    def _cut(self, name: str, text: str) -> Iterator[str | _Place]:
        pieces = _pieces(name, text)
        whole = len(pieces) == 1
        count = 0
        for piece in pieces:
            if isinstance(piece, _Place):
                yield piece
                continue
            count += 1
            sound = name if whole else f"{name}.{count}"
            if sound in self._said:
                raise PromptRefused(f"announcement {name!r}: the sound {sound!r} has two texts, rename one")
            self._said[sound] = piece
            yield sound

    def texts(self) -> Mapping[str, str]:
        """Every sound and what it says, numbers and words included."""
        return dict(self._said)

    def fields(self, name: str) -> tuple[str, ...]:
        """The places of an announcement, in the order they are said."""
        return tuple(part.field for part in self._row(name) if isinstance(part, _Place))

    def sounds_for(self, name: str, **values: Value) -> tuple[str, ...]:
        """The sounds that say the announcement `name` with `values` at its places.

        Raises PromptRefused for an unknown name, a missing or superfluous value, or one that cannot be said; the text
        names the place, never the value.
        """
        row = self._row(name)
        fields = {part.field for part in row if isinstance(part, _Place)}
        if odd := fields ^ values.keys():
            raise PromptRefused(f"announcement {name!r}: values and places differ in {', '.join(sorted(odd))}")
        sounds: list[str] = []
        for part in row:
            sounds += self._say(name, part.field, values[part.field]) if isinstance(part, _Place) else (part,)
        return tuple(sounds)

    def _row(self, name: str) -> tuple[str | _Place, ...]:
        try:
            return self._rows[name]
        except KeyError:
            raise PromptRefused(f"there is no announcement {name!r} in the site pack") from None

    def _say(self, name: str, field: str, value: Value) -> tuple[str, ...]:
        try:
            if isinstance(value, date):
                return date_sounds(value)
            if isinstance(value, int):
                return number_sounds(value)
            if value in self._words:
                return (self._words[value],)
            return digit_sounds(value)
        except ValueError:
            raise PromptRefused(
                f"announcement {name!r}: the value for {field} cannot be said:"
                " give a number from 0 to 999, digits, a date or a declared word"
            ) from None


def _pieces(name: str, text: str) -> list[str | _Place]:
    pieces: list[str | _Place] = []
    try:
        for literal, field, spec, conversion in Formatter().parse(text):
            if literal.strip(_MARKS):
                pieces.append(literal.strip())
            if field is not None:
                if not field.isidentifier() or spec or conversion:
                    raise PromptRefused(f"announcement {name!r}: write a place as {{name}}, not {{{field}}}")
                pieces.append(_Place(field))
    except ValueError as wrong:
        raise PromptRefused(f"announcement {name!r}: {wrong}") from wrong
    if not any(isinstance(piece, str) for piece in pieces):
        raise PromptRefused(f"announcement {name!r} says nothing")
    return pieces


def _word_sound(word: str) -> str:
    return f"word.{hashlib.sha256(word.encode()).hexdigest()[:12]}"
