"""Every word the desk shows, by code, in Chinese (the default) and English; one TOML file a language in `words/`. Pure.

A code is `section.word`. The server names codes of `notice` and `refused` over the wire; all other sections are the
desk's own. Both files have the same codes with the same `{names}` to fill, and a test says so.
"""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from importlib import resources

import msgspec


class Language(StrEnum):
    """A language of the catalogue, by the name of its file."""

    CHINESE = "zh"
    ENGLISH = "en"


class WordMissing(LookupError):
    """The catalogue lacks a code, or what was given does not fill its words."""


class Catalogue(msgspec.Struct, frozen=True):
    """One language's words by code."""

    language: Language
    words: dict[str, str]

    def say(self, code: str, /, **params: object) -> str:
        """The words for one of our own codes. Raises `WordMissing`: to ask for a code that is not there is a bug."""
        try:
            return self.words[code].format(**params)
        except (KeyError, IndexError) as missing:
            raise WordMissing(f"{self.language} words for {code!r}, given {sorted(params)}: no {missing}") from None

    def tell(self, code: str, params: Mapping[str, str]) -> str:
        """The words for a code that came over the wire, from a server perhaps newer than this desk.

        A code this desk does not know is shown as it is, so that the person can name it to whoever helps them.
        """
        try:
            return self.say(code, **params)
        except WordMissing:
            return self.say("wire.unknown", code=code)

    def name(self, section: str, value: str) -> str:
        """What `value` is called, for values that came over the wire (states, reasons); the value itself if unnamed."""
        return self.words.get(f"{section}.{value}", value)


def load(language: Language) -> Catalogue:
    """Read one language's file."""
    file = resources.files("ivr.desk") / "words" / f"{language}.toml"
    sections: dict[str, dict[str, str]] = tomllib.loads(file.read_text(encoding="utf-8"))
    words = {f"{section}.{key}": text for section, entries in sections.items() for key, text in entries.items()}
    return Catalogue(language, words)
