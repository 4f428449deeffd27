"""The stretch of an article that answers a query, with the hit marked by U+0002 and U+0003. Pure."""

import re

from ticketing.knowledge.spelling import Typed, tokens
from ticketing.pack import Article
from ticketing.sound import slack_key

START, END = "\u0002", "\u0003"
LENGTH = 48
"""Characters of a snippet, marks not counted."""

_SENTENCE = re.compile(r"[^。；！？]+[。；！？]?")


def snippet(article: Article, typed: Typed) -> str:
    """The sentence of the answer with most of the query in it, cut to `LENGTH`, hits marked."""
    pairs = {token for letters in typed.letters for token in tokens(letters) if len(token) > 1} or {
        letters for letters in typed.letters if letters
    }
    sounds = {key[i : i + 2] for key, _ in typed.sounds for i in range(len(key) - 1)}
    sentences = [found[0] for found in _SENTENCE.finditer(article.answer)] or [article.title]
    best = max(sentences, key=lambda s: sum(_marks(s, pairs, sounds)))
    marks = _marks(best, pairs, sounds)
    start = max(0, next((i for i, mark in enumerate(marks) if mark), 0) - 12)
    return _marked(best[start : start + LENGTH], marks[start : start + LENGTH])


def _marks(text: str, pairs: set[str], sounds: set[str]) -> list[bool]:
    """For each character whether it belongs to something that was looked for."""
    lower, key = text.lower(), slack_key(text)
    marks = [False] * len(text)
    for pair in pairs:
        at = lower.find(pair)
        while at >= 0:
            marks[at : at + len(pair)] = [True] * len(pair)
            at = lower.find(pair, at + 1)
    if not any(marks):
        for i in range(len(key) - 1):
            if key[i : i + 2] in sounds:
                marks[i : i + 2] = [True, True]
    return marks


def _marked(text: str, marks: list[bool]) -> str:
    out: list[str] = []
    inside = False
    for char, mark in zip(text, marks, strict=True):
        if mark != inside:
            out.append(START if mark else END)
            inside = mark
        out.append(char)
    return "".join(out) + (END if inside else "")
