"""Dialogues in, drafts out, in the format of the development dialogues: one JSON object a line. Pure."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from ticketing.drafting.drafter import Drafter
from ticketing.views import Proposal, Utterance
from ticketing.vocabulary import FieldName, Speaker


def draft_json(proposal: Proposal, county_id: str = "", subdistrict_id: str = "") -> dict[str, Any]:
    """A proposal with the keys of a dialogue's draft; ids of the county and subdistrict come from the place."""
    field = proposal.fields
    category = field[FieldName.CATEGORY]
    return {
        "request_type": field[FieldName.REQUEST_TYPE].value or None,
        "category_code": category.value or None,
        "category_candidates": [c for c in (category.value, *(a.value for a in category.alternatives)) if c][:3],
        "lead_agency_id": field[FieldName.LEAD_AGENCY].value or None,
        "co_agency_ids": [a for a in field[FieldName.CO_AGENCIES].value.split("|") if a],
        "place": {
            "place_id": field[FieldName.PLACE].value or None,
            "county_id": county_id or None,
            "subdistrict_id": subdistrict_id or None,
            "text": field[FieldName.ADDRESS].value or None,
        },
        "urgency": field[FieldName.URGENCY].value or None,
        "emergency": {"target": proposal.emergency_target} if proposal.emergency_target else None,
        "not_accepted": {"reason_id": proposal.not_accepted_id} if proposal.not_accepted_id else None,
        "citizen": {
            "name": field[FieldName.CITIZEN_NAME].value or None,
            "phone": field[FieldName.CALLBACK_PHONE].value or None,
            "confidential": field[FieldName.CONFIDENTIAL].value == "yes",
        },
        "occurred_on": proposal.occurred_on.isoformat() if proposal.occurred_on else None,
        "amounts": list(proposal.amounts),
        "is_repeat": proposal.is_repeat,
        "handled_directly": proposal.handled_directly,
        "due_at": field[FieldName.DUE_AT].value or None,
        "title": field[FieldName.TITLE].value,
        "content": field[FieldName.CONTENT].value,
    }


def read_dialogue(line: str) -> tuple[str, datetime, str | None, list[Utterance]]:
    """One line of a dialogue file: id, start (aware), calling number or None, utterances. Unknown keys are ignored.

    Raises `ValueError` or `KeyError` for a line that is not a dialogue.
    """
    data = json.loads(line)
    utterances = [
        Utterance(
            id=str(number),
            speaker=Speaker(segment["speaker"]),
            start_ms=int(segment["start_ms"]),
            end_ms=int(segment["end_ms"]),
            text=segment["text"],
        )
        for number, segment in enumerate(data["segments"])
    ]
    return str(data["id"]), datetime.fromisoformat(data["started_at"]), data.get("caller_number"), utterances


def draft_dialogues(drafter: Drafter, lines: Iterable[str], *, live: bool = False) -> Iterator[dict[str, Any]]:
    """`{"id", "draft"}` for every dialogue; with `live` one for every segment of it, with `"segment"` its number."""
    for line in lines:
        if not line.strip():
            continue
        name, started_at, caller, utterances = read_dialogue(line)
        for upto in range(1, len(utterances) + 1) if live else (len(utterances),):
            proposal = drafter.propose(utterances[:upto], started_at=started_at, caller_number=caller)
            draft = draft_json(proposal, *drafter.area(proposal))
            yield {"id": name, "segment": upto - 1, "draft": draft} if live else {"id": name, "draft": draft}
