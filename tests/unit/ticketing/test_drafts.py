"""What a person typed is never overwritten; the machine's later idea waits beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.drafts import absorb, edit, new_draft, take
from ticketing.errors import AlreadySubmitted, UnknownId
from ticketing.views import DraftView, Proposal, Proposed
from ticketing.vocabulary import FieldName


def idea(**values: str) -> Proposal:
    return Proposal(
        fields={FieldName(k): Proposed(value=v, label=v, confidence=0.8, evidence=("c-1",)) for k, v in values.items()}
    )


def test_the_machine_fills_empty_fields_with_its_evidence() -> None:
    draft = absorb(new_draft("d", "c"), idea(category="040101"))
    field = draft.fields[FieldName.CATEGORY]
    assert (field.value, field.evidence, field.mine) == ("040101", ("c-1",), False)
    assert draft.revision == 1


def test_thinking_the_same_again_changes_nothing() -> None:
    draft = absorb(new_draft("d", "c"), idea(category="040101"))
    assert absorb(draft, idea(category="040101")) is draft


def test_a_field_a_person_set_stays_and_the_later_idea_waits_beside_it() -> None:
    draft = edit(absorb(new_draft("d", "c"), idea(title="暖气不热")), FieldName.TITLE, "3号楼不热", "3号楼不热")
    draft = absorb(draft, idea(title="供暖不足"))
    field = draft.fields[FieldName.TITLE]
    assert field.value == "3号楼不热"
    assert field.suggestion is not None
    assert field.suggestion.value == "供暖不足"
    assert take(draft, FieldName.TITLE).fields[FieldName.TITLE].value == "供暖不足"


def test_editing_away_the_machines_value_keeps_it_takeable() -> None:
    draft = edit(absorb(new_draft("d", "c"), idea(category="040101")), FieldName.CATEGORY, "010101", "占道经营")
    suggestion = draft.fields[FieldName.CATEGORY].suggestion
    assert suggestion is not None
    assert suggestion.value == "040101"


def test_nothing_to_take_is_said() -> None:
    with pytest.raises(UnknownId):
        take(new_draft("d", "c"), FieldName.TITLE)


def test_a_submitted_draft_is_closed() -> None:
    draft = DraftView(id="d", call="c", revision=3, fields=new_draft("d", "c").fields, reference="2611210001")
    with pytest.raises(AlreadySubmitted):
        edit(draft, FieldName.TITLE, "x", "x")
    assert absorb(draft, idea(title="x")) is draft


moves = st.lists(
    st.tuples(st.sampled_from(["edit", "absorb"]), st.sampled_from(list(FieldName)), st.text("暖气不热", max_size=3)),
    max_size=30,
)


@given(moves)
def test_the_last_thing_a_person_set_is_what_stands(steps: list[tuple[str, FieldName, str]]) -> None:
    draft, set_by_person = new_draft("d", "c"), dict[FieldName, str]()
    for move, field, value in steps:
        before = draft.revision
        if move == "edit":
            draft = edit(draft, field, value, value)
            set_by_person[field] = value
        else:
            draft = absorb(draft, idea(**{field.value: value}))
        assert draft.revision >= before
    for field, value in set_by_person.items():
        assert draft.fields[field].value == value
        assert draft.fields[field].mine
