"""The hand at the desk: what the person typed and asked for, and what came of it; with what was received, `DeskState`.

It asks `Desk`, and says through `changed` when there is something new to show. It knows nothing of widgets.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from agent_console.clock import Clock
from agent_console.desk import Desk
from agent_console.edits import Edit
from agent_console.fields import stored
from agent_console.formats import group_digits
from agent_console.keys import SHOWN
from agent_console.state import Action, DeskState, LinkState, Reception
from ivr.desk.catalogue import Catalogue
from ivr.desk.envelope import Done, Refused
from ivr.desk.views import Notice
from ticketing.vocabulary import FieldName

NOTICE_SECONDS: Final = 12.0
"""How long a word to the person stands; an alarm stands until the next one."""

SURE_SECONDS: Final = 3.0
"""How long a key that must be pressed twice waits for the second time."""


class Hand:
    """One person's part of the state. `state` is always complete and current."""

    def __init__(self, desk: Desk, words: Catalogue, clock: Clock, changed: Callable[[], object]) -> None:
        self._desk = desk
        self._words = words
        self._clock = clock
        self._changed = changed
        self._notice_until: datetime | None = None
        self._sure: tuple[Action, datetime] | None = None
        self.state = DeskState(reception=desk.reception)

    @property
    def connected(self) -> bool:
        """Whether the server can be asked."""
        return self.state.reception.link.state is LinkState.CONNECTED

    def receive(self, reception: Reception) -> None:
        """Something was received, or the connection changed."""
        old, view = self.state.view, reception.view
        missing = self.state.missing
        if view is not None and old is not None:
            if (view.call.id if view.call else None) != (old.call.id if old.call else None):
                missing = frozenset()
            new = _added(old.notices, view.notices)
            if new:
                self._tell(new[-1])
        self._desk.edits.leave_others(view.draft.id if view is not None and view.draft is not None else None)
        self.state = replace(self.state, reception=reception, missing=missing)
        self._refresh()

    def tick(self) -> None:
        """A second has passed."""
        if self._notice_until is not None and self._clock.now() >= self._notice_until:
            self._tell(None)
        self._refresh()

    def say(self, code: str, **params: str) -> None:
        """A word to the person."""
        self._tell(Notice(code=code, params=params))
        self._refresh()

    def twice(self, action: Action, code: str, **params: str) -> bool:
        """Whether this is the second press; the first one is answered with `code`."""
        now = self._clock.now()
        if self._sure is not None and self._sure[0] is action and now <= self._sure[1]:
            self._sure = None
            self._tell(None)
            return True
        self._sure = (action, now + timedelta(seconds=SURE_SECONDS))
        self.say(code, key=SHOWN[action], **params)
        return False

    # ---- typing

    def write(self, field: FieldName, text: str, label: str) -> None:
        """Write down at once what a field now holds; `save` sends it."""
        draft = self.state.draft
        if draft is None or not self.state.writable:
            return
        here = self.state.shown_at(self._clock.now())
        value = stored(field, text, self.state.reception.zone, here)
        edits = self._desk.edits
        edits.type(draft.id, field, text if value is None else value, label)
        written = edits.of(draft.id, field)
        if value is None and written is not None:
            edits.refuse(written, Refused(request=0, code="draft.bad_moment"))
        self._collect()

    def unsent(self) -> bool:
        """Whether `save` has something to do."""
        return bool(self._desk.edits.unsent())

    async def save(self) -> None:
        """Send what was typed. What may not stand is marked in its field, or told where its draft is no longer here."""
        refused = await self._desk.save()
        view = self._desk.reception.view  # newer than this state's: answers overtake what is still to be shown
        here = view.draft.id if view is not None and view.draft is not None else None
        for edit in refused:
            if edit.draft != here and edit.refused is not None:
                reason = self._words.tell(edit.refused.code, edit.refused.params)
                self._desk.edits.drop(edit.draft, edit.field)
                self.say("desk.old_edit", reason=reason)
        self._refresh()

    # ---- asking

    async def carry(self, asked: Awaitable[Done | Refused]) -> None:
        """Have it done; only a refusal is told, for what was done is seen."""
        answer = await asked
        if isinstance(answer, Refused):
            self.refused(answer)

    def refused(self, answer: Refused) -> None:
        """Tell why something was not done."""
        self.say(answer.code, **answer.params)

    async def submit(self) -> None:
        """Make the draft a work order, once, however often it is asked for meanwhile."""
        draft = self.state.draft
        if draft is None or self.state.submitting:
            return
        self.state = replace(self.state, submitting=True, missing=frozenset())
        self.say("desk.submitting")
        try:
            answer = await self._desk.submit(draft.id)
        finally:
            self.state = replace(self.state, submitting=False)
        if isinstance(answer, Refused):
            if answer.code == "refused.draft_incomplete":
                named = answer.params.get("fields", "").split("|")
                self.state = replace(self.state, missing=frozenset(name for name in FieldName if name in named))
            self.refused(answer)
            return
        view = self._desk.reception.view
        if view is None or view.ticket is None:
            self._tell(None)
        else:
            self._tell(Notice(code="desk.made", params={"reference": group_digits(view.ticket.reference)}))
        self._refresh()

    async def sign_out(self) -> bool:
        """Leave the roster; whether the desk may be left. Without the server that takes a second press."""
        if self.connected:
            answer = await self._desk.sign_out()
            if isinstance(answer, Refused):
                self.refused(answer)
            return isinstance(answer, Done)
        unsaved = self._desk.edits.unsaved()
        code = "desk.unsent_leave" if unsaved else "desk.offline_leave"
        return self.twice(Action.SIGN_OUT, code, **({"count": str(unsaved)} if unsaved else {}))

    # ---- the state

    def _tell(self, notice: Notice | None) -> None:
        self.state = replace(self.state, notice=notice)
        lasting = notice is None or notice.alarm
        self._notice_until = None if lasting else self._clock.now() + timedelta(seconds=NOTICE_SECONDS)

    def _collect(self) -> None:
        draft, edits = self.state.draft, self._desk.edits
        found: dict[FieldName, Edit] = {}
        for name in FieldName:
            edit = edits.of(draft.id, name) if draft is not None else None
            if edit is not None:
                found[name] = edit
        self.state = replace(self.state, edits=found, unsaved=edits.unsaved())

    def _refresh(self) -> None:
        self._collect()
        self._changed()


def _added(old: tuple[Notice, ...], new: tuple[Notice, ...]) -> tuple[Notice, ...]:
    """What `new` has more than `old`: notices are added at the end and dropped from the front."""
    for start in range(len(old) + 1):
        if old[start:] == new[: len(old) - start]:
            return new[len(old) - start :]
    return new
