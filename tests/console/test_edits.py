"""What was typed is never lost and never overwritten: the edits against a server that answers in any order it may."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent_console.edits import Edit, Edits, EditState
from ivr.desk.envelope import Refused
from ticketing.views import DraftField, DraftView
from ticketing.vocabulary import FieldName

FIELD = FieldName.TITLE
NO = Refused(request=1, code="refused.bad_value")


def draft(value: str, *, mine: bool) -> DraftView:
    return DraftView(id="d1", call="c1", revision=1, fields={FIELD: DraftField(value=value, mine=mine)})


class TypingStory(RuleBasedStateMachine):
    """One field, one agent, one server that folds edits and machine ideas and may be cut off at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.edits = Edits()
        self.typed: str | None = None  # the last text the agent saw themself type
        self.shown = draft("", mine=False)  # as the desk knows it
        self.server = draft("", mine=False)
        self.flying: Edit | None = None

    @property
    def text(self) -> str:
        edit = self.edits.of("d1", FIELD)
        return self.shown.fields[FIELD].value if edit is None else edit.label

    @rule(text=st.text(alphabet="ab", max_size=3))
    def type(self, text: str) -> None:
        if text != self.text:
            self.edits.type("d1", FIELD, text, text)
            self.typed = text

    @precondition(lambda self: self.flying is None)
    @rule()
    def send(self) -> None:
        for edit in self.edits.unsent():
            self.edits.sent(edit, self.shown)
            self.flying = edit

    @precondition(lambda self: self.flying is not None)
    @rule(first=st.booleans())
    def answer(self, first: bool) -> None:
        """The server takes it; its draft comes before or after its answer."""
        assert self.flying is not None
        self.server = draft(self.flying.value, mine=True)
        if first:
            self.draft_arrives()
        self.edits.taken(self.flying, self.shown)
        self.flying = None
        if not first:
            self.draft_arrives()

    @precondition(lambda self: self.flying is not None)
    @rule(heard=st.booleans())
    def cut_off(self, heard: bool) -> None:
        """The connection breaks; the server may have taken it, the answer is lost. The view is fetched anew."""
        assert self.flying is not None
        if heard:
            self.server = draft(self.flying.value, mine=True)
        self.edits.unanswered(self.flying)
        self.flying = None
        self.draft_arrives()

    @rule(idea=st.sampled_from(["m1", "m2"]))
    def machine(self, idea: str) -> None:
        """The machine writes only where the field is not the agent's."""
        if not self.server.fields[FIELD].mine:
            self.server = draft(idea, mine=False)
            self.draft_arrives()

    def draft_arrives(self) -> None:
        self.shown = self.server
        self.edits.settle(self.shown)

    @invariant()
    def what_was_typed_stands(self) -> None:
        if self.typed is not None:
            assert self.text == self.typed

    @invariant()
    def one_edit_a_field_at_most(self) -> None:
        assert len(self.edits) <= 1

    def teardown(self) -> None:
        """Once the line stays up, the server has what was typed."""
        if self.flying is not None:
            self.answer(first=True)
        self.send()
        if self.flying is not None:
            self.answer(first=True)
        if self.typed is not None:
            assert self.server.fields[FIELD] == DraftField(value=self.typed, mine=True)
            assert len(self.edits) == 0


TypingStory.TestCase.settings = settings(max_examples=150, stateful_step_count=30)
TestTyping = TypingStory.TestCase


def test_what_the_server_makes_of_a_text_is_shown_once_it_shows_it() -> None:
    edits = Edits()
    edits.type("d1", FIELD, "138-1234", "138-1234")
    (edit,) = edits.unsent()
    edits.sent(edit, draft("", mine=False))
    edits.taken(edit, draft("", mine=False))
    assert edits.of("d1", FIELD) is not None
    edits.settle(draft("1381234", mine=True))
    assert edits.of("d1", FIELD) is None

    edits.type("d1", FIELD, "139-1234", "139-1234")
    (edit,) = edits.unsent()
    edits.sent(edit, draft("1381234", mine=True))
    edits.taken(edit, draft("1391234", mine=True))
    assert edits.of("d1", FIELD) is None


def test_a_refused_text_stays_until_it_is_changed() -> None:
    edits = Edits()
    edits.type("d1", FIELD, "x", "x")
    (edit,) = edits.unsent()
    edits.refuse(edit, NO)
    edits.settle(draft("y", mine=True))
    kept = edits.of("d1", FIELD)
    assert kept is not None
    assert (kept.value, kept.state, kept.refused, edits.unsent()) == ("x", EditState.REFUSED, NO, [])
    edits.type("d1", FIELD, "xy", "xy")
    assert [edit.value for edit in edits.unsent()] == ["xy"]
    assert edits.refused("d1") == []


def test_the_same_value_in_other_words_is_not_sent_again() -> None:
    edits = Edits()
    edits.type("d1", FieldName.DUE_AT, "2026-11-22T01:05:00+00:00", "11-22 9:05")
    (edit,) = edits.unsent()
    edits.sent(edit, None)
    edits.type("d1", FieldName.DUE_AT, "2026-11-22T01:05:00+00:00", "11-22 09:05")
    kept = edits.of("d1", FieldName.DUE_AT)
    assert kept is not None
    assert (kept.label, kept.state) == ("11-22 09:05", EditState.SENT)


def test_unsent_edits_of_an_earlier_draft_are_kept_and_settled_ones_are_not() -> None:
    edits = Edits()
    edits.type("d1", FieldName.TITLE, "a", "a")
    edits.type("d1", FieldName.CONTENT, "b", "b")
    edits.refuse(edits.unsent()[1], NO)
    edits.leave_others("d2")
    assert [(edit.draft, edit.value) for edit in edits.unsent()] == [("d1", "a")]
    assert len(edits) == 1
    edits.forget()
    assert len(edits) == 0
