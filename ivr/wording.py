"""Title and content in better words, from an OpenAI-compatible endpoint of the operator's own. Off unless configured.

Only these two fields: what decides where a matter goes is never asked of it. It is shown the rule draft and what was
said, without the utterances a name or number was taken from and with long numbers blotted out. What it answers is taken
only if it keeps the lengths of a work order and brings no number that was not said; else, and whenever it fails or is
slow, the rule draft stands.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec

from ivr.settings import DraftingSettings, SettingsError
from ticketing.views import Proposal, Proposed, Utterance
from ticketing.vocabulary import FieldName, Speaker

_log = logging.getLogger(__name__)

TITLE_CHARS, CONTENT_CHARS = (10, 25), (20, 600)
BLOT = "某"
"""Stands where a name or a long number was said."""

_ORDER = (
    "你是政务热线的书记员。根据对话和初稿，写出工单的标题（十到二十五字）和内容（六百字以内，书面语，依次写时间、地点、"
    '人物、起因、诉求，不照抄原话，不添加对话里没有的事实、数字和承诺）。只输出JSON：{"title": "…", "content": "…"}'
)
_NUMBER = re.compile(r"[0-9零一二三四五六七八九幺]{5,}")
_DIGITS = re.compile(r"\d+")
_WHO = (FieldName.CITIZEN_NAME, FieldName.CALLBACK_PHONE)


class _Message(msgspec.Struct, frozen=True):
    content: str


class _Choice(msgspec.Struct, frozen=True):
    message: _Message


class _Answer(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...]


class _Words(msgspec.Struct, frozen=True):
    title: str
    content: str


class Writer:
    """Asks one endpoint. `seconds` is the most a call's wording may take."""

    def __init__(self, client: httpx.AsyncClient, url: str, model: str, key: str = "", seconds: float = 4.0) -> None:
        self._client = client
        self._url = url.rstrip("/") + "/chat/completions"
        self._model = model
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._seconds = seconds

    async def better(self, proposal: Proposal, utterances: Sequence[Utterance]) -> Proposal | None:
        """The proposal with title and content reworded; None where the rule draft stands."""
        shown = masked(proposal, utterances)
        body = {
            "model": self._model,
            "temperature": 0,
            "messages": [{"role": "system", "content": _ORDER}, {"role": "user", "content": shown}],
        }
        try:
            async with asyncio.timeout(self._seconds):
                reply = await self._client.post(self._url, json=body, headers=self._headers)
                reply.raise_for_status()
            answer = msgspec.json.decode(reply.content, type=_Answer)
            words = msgspec.json.decode(_json_of(answer.choices[0].message.content), type=_Words)
        except (TimeoutError, httpx.HTTPError, msgspec.DecodeError, IndexError) as error:
            _log.warning("wording failed, the rule draft stands: %s", type(error).__name__)
            return None
        if fault := fault_of(words.title, words.content, shown):
            _log.info("wording refused, the rule draft stands: %s", fault)
            return None
        fields = dict(proposal.fields)
        for name, text in ((FieldName.TITLE, words.title), (FieldName.CONTENT, words.content)):
            fields[name] = msgspec.structs.replace(fields.get(name, Proposed()), value=text, label=text)
        return msgspec.structs.replace(proposal, fields=fields)


@asynccontextmanager
async def open_writer(settings: DraftingSettings) -> AsyncIterator[Writer | None]:
    """The configured endpoint, None where there is none. Raises `SettingsError` for a key that cannot be read."""
    if not settings.url:
        yield None
        return
    key = _key(settings)
    async with httpx.AsyncClient(timeout=settings.seconds) as client:
        yield Writer(client, settings.url, settings.model, key, settings.seconds)


def _key(settings: DraftingSettings) -> str:
    if not settings.key_file:
        return ""
    try:
        return Path(settings.key_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"[drafting] key_file: {settings.key_file}: {error.strerror}") from None


def masked(proposal: Proposal, utterances: Sequence[Utterance]) -> str:
    """What the endpoint is shown: the conversation and the rule draft, without who the citizen is."""
    hidden = {one for name in _WHO for one in proposal.fields[name].evidence}
    secrets = [proposal.fields[name].value for name in _WHO]
    secrets += [proposal.fields[FieldName.CITIZEN_NAME].value[:1] + title for title in ("先生", "女士")]
    lines = [
        f"{'市民' if one.speaker is Speaker.CITIZEN else '话务员'}：{one.text}"
        for one in utterances
        if one.id not in hidden and one.text
    ]
    lines += [
        f"初稿标题：{proposal.fields[FieldName.TITLE].value}",
        f"初稿内容：{proposal.fields[FieldName.CONTENT].value}",
    ]
    text = "\n".join(lines)
    for secret in sorted((one for one in secrets if len(one) > 1), key=len, reverse=True):
        text = text.replace(secret, BLOT)
    return _NUMBER.sub(BLOT, text)


def fault_of(title: str, content: str, shown: str) -> str:
    """What is wrong with an answer; empty where it may stand."""
    if not TITLE_CHARS[0] <= len(title) <= TITLE_CHARS[1]:
        return "the title's length"
    if not CONTENT_CHARS[0] <= len(content) <= CONTENT_CHARS[1]:
        return "the content's length"
    if any(number not in shown for number in _DIGITS.findall(title + content)):
        return "a number nobody said"
    return ""


def _json_of(text: str) -> str:
    """The JSON object in an answer that may have put words or a fence around it."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text
