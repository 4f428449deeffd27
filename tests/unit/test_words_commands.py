"""The commands of words - `hotline draft`, `kb`, `place` - as an operator types them."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ivr.cli import app

DIALOGUES = Path(__file__).parents[1] / "data" / "dialogues-dev" / "dialogues.jsonl"


@pytest.fixture
def home(tmp_path: Path, pytestconfig: pytest.Config) -> Path:
    """An instance's home whose trained model is the tests' own."""
    assert pytestconfig.cache is not None
    home = tmp_path / "home"
    home.mkdir()
    (home / "cache").symlink_to(pytestconfig.cache.mkdir("drafting"))
    return home


def run(home: Path, *words: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert result.exit_code == status, result.output
    return result.output


def printed(home: Path, *words: str) -> Any:
    return json.loads(run(home, *words, "--json").splitlines()[-1])


def test_a_dialogue_becomes_a_draft_with_the_keys_of_the_format(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text(DIALOGUES.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    answer = printed(home, "draft", str(file))
    assert set(answer) == {"id", "draft"}
    assert answer["draft"].keys() >= {
        "request_type",
        "category_code",
        "category_candidates",
        "lead_agency_id",
        "co_agency_ids",
        "place",
        "urgency",
        "emergency",
        "not_accepted",
        "citizen",
        "occurred_on",
        "title",
        "content",
        "amounts",
        "is_repeat",
        "handled_directly",
    }
    assert answer["draft"]["place"].keys() == {"place_id", "county_id", "subdistrict_id", "text"}
    assert answer["draft"]["citizen"].keys() == {"name", "phone", "confidential"}
    assert printed(home, "draft", "dialogues", str(file)) == answer
    live = run(home, "draft", str(file), "--json", "--live").splitlines()
    assert len(live) == len(json.loads(file.read_text(encoding="utf-8"))["segments"])


def test_what_is_no_dialogue_is_named_by_file_and_line(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_text("{}\n", encoding="utf-8")
    run(home, "draft", str(file), status=2)
    run(home, "draft", str(tmp_path / "none.jsonl"), status=2)


def test_without_corrections_nothing_is_learned(home: Path) -> None:
    assert printed(home, "draft", "learn") == {
        "taken": False,
        "corrections": 0,
        "held_out": 0,
        "before": 0.0,
        "after": 0.0,
    }


def test_an_article_goes_from_hand_to_hand_until_it_is_found(home: Path) -> None:
    run(home, "kb", "edit", "--by", "甲", status=2)
    written = printed(
        home, "kb", "edit", "--by", "甲", "--title", "量子门锁登记", "--answer", "到社区", "--category", "030101",
        "--agency", "h-12345",
    )  # fmt: skip
    article = written["article"]["id"]
    assert [one["article"]["id"] for one in printed(home, "kb", "list", "--open")] == [article]
    run(home, "kb", "review", article, "--by", "甲", status=2)
    run(home, "kb", "review", article, "--by", "乙")
    run(home, "kb", "publish", article)
    [best, *_] = printed(home, "kb", "search", "量子门锁")
    assert best.keys() == {"id", "title", "score", "snippet"}
    assert best["id"] == article
    assert printed(home, "kb", "feedback", article, "useful", "--by", "1001") == {"useful": 1, "wrong": 0}
    run(home, "kb", "expire", article, "--by", "值班长", "--last-day", "2020-01-01")
    assert "量子门锁登记（已失效）" in run(home, "kb", "search", "量子门锁", "--limit", "400")
    assert len(printed(home, "kb", "show", article)["versions"]) == 2
    assert printed(home, "kb", "propose") == []


def test_a_place_is_found_as_it_was_said(home: Path) -> None:
    [best, *_] = printed(home, "place", "search", "我在汽贸城对面")
    assert best["place_id"] == "p140802-456"
