"""The desk's words: complete in both languages, alike in both, and nowhere else."""

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from string import Formatter

import pytest

from agent_console.state import Action
from asr.transcript import Speaker
from ivr.calls.vocabulary import AgentState, PauseReason
from ivr.desk.catalogue import Catalogue, Language, WordMissing, load
from ivr.desk.wire import Disposition, RevealReason
from ticketing.vocabulary import FieldName, TicketState

DESK = Path(__file__).parents[2] / "agent_console"
SERVER = DESK.parent / "ivr"
HANZI = re.compile(r"[\u3400-\u9fff]")
FROM_THE_SERVER = ("notice.", "refused.", "emergency.")
NAMED: dict[str, type[StrEnum]] = {
    "agent_state": AgentState,
    "pause": PauseReason,
    "disposition": Disposition,
    "reveal": RevealReason,
    "ticket_state": TicketState,
    "speaker": Speaker,
    "field": FieldName,
    "key": Action,
    "about": Action,
}


@pytest.fixture(scope="module", params=[*Language], ids=str)
def words(request: pytest.FixtureRequest) -> Catalogue:
    return load(request.param)


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_codes_with_the_same_names_to_fill() -> None:
    chinese, english = load(Language.CHINESE), load(Language.ENGLISH)
    assert {code: names(text) for code, text in chinese.words.items()} == {
        code: names(text) for code, text in english.words.items()
    }


def test_chinese_is_chinese_and_english_is_not() -> None:
    english = load(Language.ENGLISH).words
    assert [code for code, text in english.items() if HANZI.search(text)] == []
    mostly = [code for code, text in load(Language.CHINESE).words.items() if not HANZI.search(text)]
    assert set(mostly) == {"notice.message"}


@pytest.mark.parametrize("section", NAMED)
def test_every_value_has_a_name(words: Catalogue, section: str) -> None:
    assert [value for value in NAMED[section] if f"{section}.{value}" not in words.words] == []


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(DESK.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def texts() -> Iterator[tuple[Path, int, str]]:
    """Every text in the desk's code that is not a docstring; an f-string's holes are `*`."""
    for path, tree in sources():
        joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
        told = {id(part) for node in joined for part in node.values}
        told |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "*" for part in node.values)
                yield path, node.lineno, "".join(str(part) for part in parts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
                yield path, node.lineno, node.value


def test_no_chinese_stands_in_the_desks_code() -> None:
    found = [(str(path), line) for path, line, text in texts() if HANZI.search(text)]
    found += [(str(path), 0) for path in DESK.rglob("*.tcss") if HANZI.search(path.read_text(encoding="utf-8"))]
    assert found == []


PAGES = Path(__file__).parents[2] / "agent_console" / "web" / "pages"


def test_every_code_the_desk_names_is_in_the_catalogue_and_every_code_of_its_own_is_used(words: Catalogue) -> None:
    sections = {code.partition(".")[0] for code in words.words}
    named = {text for _, _, text in texts() if re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z0-9_*]+", text)}
    for page in PAGES.glob("*.js"):
        named |= set(re.findall(r'"((?:web|wall)\.[a-z_]+)"', page.read_text(encoding="utf-8")))
    named = {text for text in named if text.partition(".")[0] in sections}
    known = set(words.words)
    assert [text for text in named if "*" not in text and text not in known] == []
    families = {text.partition(".")[0] for text in named if text.endswith(".*")} | {"emergency", "ticket_state"}
    unused = {
        code
        for code in known - named
        if not code.startswith(FROM_THE_SERVER) and code.partition(".")[0] not in families and code != "wire.unknown"
    }
    assert unused == set()


def test_every_code_the_server_says_is_in_the_catalogue(words: Catalogue) -> None:
    said: set[str] = set()
    for path in SERVER.rglob("*.py"):
        said |= set(re.findall(r'"((?:notice|refused)\.[a-z0-9_]+)"', path.read_text(encoding="utf-8")))
    assert said
    assert said - set(words.words) == set()


def test_say_fills_in_the_names_and_refuses_what_is_missing() -> None:
    words = load(Language.ENGLISH)
    assert words.say("top.queue", waiting=3) == "queue 3"
    with pytest.raises(WordMissing, match=r"top\.queue"):
        words.say("top.queue")
    with pytest.raises(WordMissing, match=r"no\.such"):
        words.say("no.such")


def test_tell_shows_a_code_it_does_not_know_as_it_is() -> None:
    words = load(Language.CHINESE)
    assert words.tell("refused.bad_credentials", {}) == "工号或密码不对"
    assert words.tell("refused.of_tomorrow", {"x": "y"}) == "服务器消息 refused.of_tomorrow"
    assert words.tell("notice.ticket_dispatched", {}) == "服务器消息 notice.ticket_dispatched"
    assert words.tell("notice.message", {"text": "{name}"}) == "{name}"


def test_name_gives_the_value_itself_where_it_has_none() -> None:
    words = load(Language.CHINESE)
    assert words.name("ticket_state", "dispatched") == "待签收"
    assert words.name("ticket_state", "returned") == "returned"
