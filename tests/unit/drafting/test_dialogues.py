"""Whole dialogues against their gold: the development set, clean and misheard, and a set of our own.

The floors lie a little under what is measured (docs/drafting-scores.md), so that a change that costs something shows.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ticketing.drafting.cli_format import draft_dialogues
from ticketing.drafting.drafter import Drafter

pytestmark = pytest.mark.timeout(600)  # the first run trains the models

DATA = Path(__file__).parents[2] / "data"
SCORER = DATA / "dialogues-dev" / "score.py"

CLEAN = {
    "request_type": 0.78,
    "category": 0.87,
    "category_top3": 0.95,
    "lead_agency": 0.88,
    "county": 0.95,
    "place_id": 0.88,
    "subdistrict": 0.92,
    "place_text": 0.74,
    "urgency": 0.92,
    "emergency": 0.9,
    "not_accepted": 0.85,
    "citizen_name": 0.93,
    "callback_phone": 0.95,
    "confidential": 0.88,
    "occurred_on": 0.9,
    "amounts": 0.85,
    "key_facts": 0.72,
    "title": 0.9,
}
MISHEARD = {name: floor - 0.09 for name, floor in CLEAN.items()} | {
    "citizen_name": 0.78,
    "emergency": 0.75,
    "key_facts": 0.7,
    "place_text": 0.6,
    "amounts": 0.55,
}

SECOND = {
    "request_type": 0.72,
    "category": 0.86,
    "category_top3": 0.94,
    "lead_agency": 0.88,
    "county": 0.94,
    "place_id": 0.88,
    "citizen_name": 0.9,
    "callback_phone": 0.95,
    "emergency": 0.88,
    "not_accepted": 0.7,
    "confidential": 0.88,
    "key_facts": 0.9,
    "title": 0.9,
}
"""Our second set, written later in other words; days, sums and also-right answers are not marked in it."""

SECOND_MISHEARD = {name: floor - 0.09 for name, floor in SECOND.items()} | {
    "citizen_name": 0.7,
    "place_id": 0.74,
    "county": 0.8,
    "emergency": 0.75,
    "confidential": 0.7,
    "callback_phone": 0.75,
    "key_facts": 0.75,
}


def scored(drafter: Drafter, dialogues: Path, folder: Path) -> dict[str, Any]:
    """What the scorer says of our drafts of a file of dialogues."""
    lines = dialogues.read_text(encoding="utf-8").splitlines()
    predictions = folder / "predictions.jsonl"
    answers = (json.dumps(answer, ensure_ascii=False) for answer in draft_dialogues(drafter, lines))
    predictions.write_text("\n".join(answers), encoding="utf-8")
    command = [sys.executable, str(SCORER), str(dialogues), str(predictions), "--json"]
    result: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


@pytest.mark.parametrize(
    ("dialogues", "floors"),
    [
        ("dialogues-dev/dialogues.jsonl", CLEAN),
        ("dialogues-dev/dialogues-cer10.jsonl", MISHEARD),
        ("dialogues-dev/dialogues-cer20.jsonl", MISHEARD),
        ("dialogues-own/dialogues.jsonl", CLEAN),
        ("dialogues-own/second.jsonl", SECOND),
        ("dialogues-own/second-cer20.jsonl", SECOND_MISHEARD),
    ],
)
def test_drafts_hold_their_floors(drafter: Drafter, tmp_path: Path, dialogues: str, floors: dict[str, float]) -> None:
    result = scored(drafter, DATA / dialogues, tmp_path)
    below = {
        name: round(result["fields"][name]["score"], 3)
        for name, floor in floors.items()
        if result["fields"][name]["score"] < floor
    }
    assert not below
    assert result["missing_predictions"] == 0
    assert result["diagnostics"]["copied_share"] <= 0.3
    assert result["diagnostics"]["emergency_false_alarms_on_traps"] == 0


def test_live_drafts_end_in_the_whole_one(drafter: Drafter) -> None:
    line = (DATA / "dialogues-dev" / "dialogues.jsonl").read_text(encoding="utf-8").splitlines()[0]
    [whole] = draft_dialogues(drafter, [line])
    live = list(draft_dialogues(drafter, [line], live=True))
    assert len(live) == len(json.loads(line)["segments"])
    assert [one["segment"] for one in live] == list(range(len(live)))
    assert live[-1]["draft"] == whole["draft"]


def test_gold_and_unknown_keys_change_nothing(drafter: Drafter) -> None:
    line = (DATA / "dialogues-dev" / "dialogues.jsonl").read_text(encoding="utf-8").splitlines()[1]
    bare = {k: v for k, v in json.loads(line).items() if k != "gold"} | {"unheard_of": 1}
    assert list(draft_dialogues(drafter, [line])) == list(draft_dialogues(drafter, [json.dumps(bare)]))


@pytest.mark.parametrize("line", ["{}", "[]", "no json", '{"id": "x", "started_at": "never", "segments": []}'])
def test_what_is_no_dialogue_is_refused(drafter: Drafter, line: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        list(draft_dialogues(drafter, [line]))
