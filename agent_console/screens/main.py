"""The screen an agent works in: shows `DeskState`, and turns keys and typing into what `Desk` is asked.

Nothing here moves the cursor or opens anything unless the person pressed a key for it.
"""

from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from agent_console.clock import Clock
from agent_console.desk import Desk
from agent_console.fields import field_shown, stored
from agent_console.formats import group_digits
from agent_console.keys import SHOWN, bindings
from agent_console.screens.help import HelpScreen
from agent_console.state import Action, DeskState, LinkState, Reception, usable
from agent_console.tones import Piece, Tone, content
from agent_console.widgets.bars import AlarmLine, KeyLine, NoticeLine, TopLine
from agent_console.widgets.call import CallPanel
from agent_console.widgets.choice import ChoiceField, row_of
from agent_console.widgets.draft import DraftPanel
from agent_console.widgets.field import FieldRow
from agent_console.widgets.knowledge import KnowledgePanel
from agent_console.widgets.menu import Menu
from agent_console.widgets.numbered import Entry
from ivr.calls.vocabulary import PauseReason
from ivr.desk.catalogue import Catalogue
from ivr.desk.wire import Article, Choices, Disposition, Done, Hits, Notice, Refused, RevealReason
from ticketing.vocabulary import FieldName

TYPING_PAUSE: Final = 0.4
"""Seconds of quiet after which what was typed is sent."""

NOTICE_SECONDS: Final = 12.0
SURE_SECONDS: Final = 3.0
"""How long a key that must be pressed twice waits for the second time."""

LEAST_WIDTH, LEAST_HEIGHT = 80, 24
READY: Final = "ready"
CHOSEN_PAUSES: Final = tuple(r for r in PauseReason if r not in (PauseReason.NO_ANSWER, PauseReason.UNREACHABLE))
"""Pauses a person may choose; the others are the machine's."""


class MainScreen(Screen[None]):
    """One agent, one call at a time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(),
        Binding("tab", "next_field", show=False),
        Binding("shift+tab", "previous_field", show=False),
    ]
    AUTO_FOCUS = ""

    class SignInAgain(Message):
        """The server no longer knows this desk and the person wants to sign in anew."""

    class Leave(Message):
        """The person is signed out and done."""

    def __init__(self, desk: Desk, words: Catalogue, clock: Clock, *, blink: bool) -> None:
        super().__init__()
        self._desk = desk
        self._words = words
        self._clock = clock
        self._state = DeskState(reception=desk.reception())
        self._missing: frozenset[FieldName] = frozenset()
        self._submitting = False
        self._composed = False
        self._notice: Notice | None = None
        self._notice_until: datetime | None = None
        self._typing: Timer | None = None
        self._came_from: Widget | None = None
        self._sure: tuple[Action, datetime] | None = None
        self._top = TopLine(words)
        self._alarm = AlarmLine(words)
        self._call = CallPanel(words)
        self._knowledge = KnowledgePanel(words, blink=blink)
        self._draft = DraftPanel(words, self._write, blink=blink)
        self._panes = Static(id="panes")
        self._notices = NoticeLine(words)
        self._keys = KeyLine(words)
        self._menu = Menu(words)

    def compose(self) -> ComposeResult:
        """Top, alarm, call and knowledge beside the draft, notice, keys."""
        yield self._top
        yield self._alarm
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield self._call
                yield self._panes
                yield self._knowledge
                yield self._menu
            yield self._draft
        yield self._notices
        yield self._keys

    def on_mount(self) -> None:
        """Begin to show, and to tick."""
        self._composed = True
        self.set_interval(1.0, self._tick, name="second")
        self._refresh_state()

    def on_resize(self) -> None:
        """The top line gives way to the width."""
        self._show()

    # ---- showing

    def receive(self, reception: Reception) -> None:
        """Something was received, or the connection changed."""
        before = self._state
        view, old = reception.view, before.view
        if view is not None and old is not None:
            if (view.call.id if view.call else None) != (old.call.id if old.call else None):
                self._missing = frozenset()
                self._knowledge.reset()
            new = view.notices[len(_common(old.notices, view.notices)) :]
            if new:
                self._tell(new[-1])
        self._desk.edits.leave_others(view.draft.id if view is not None and view.draft is not None else None)
        self._state = DeskState(reception=reception)
        self._refresh_state()
        if _alarmed(self._state) and not _alarmed(before):
            self.app.bell()
        if reception.link.state is LinkState.CONNECTED and before.reception.link.state is not LinkState.CONNECTED:
            self._save()

    def _refresh_state(self) -> None:
        reception = self._state.reception
        draft = self._state.draft
        edits = {name: self._desk.edits.of(draft.id, name) for name in FieldName} if draft is not None else {}
        self._state = DeskState(
            reception=reception,
            edits={name: edit for name, edit in edits.items() if edit is not None},
            unsaved=self._desk.edits.unsaved(),
            missing=self._missing,
            notice=self._notice,
            submitting=self._submitting,
        )
        self._show()

    def _show(self) -> None:
        if not self._composed:
            return
        state, now = self._state, self._clock.now()
        focused = self._focused_field()
        lit = frozenset(field_shown(state, self._words, focused, now).evidence) if focused is not None else frozenset()
        if state.draft is not None and focused is None:
            lit = frozenset(state.draft.emergency_evidence)
        self._top.show(state, now, self.size.width)
        self.set_class(self._alarm.show(state), "-alarm")
        self._call.show(state, lit, now)
        self._draft.show(state, focused, now)
        if state.view is not None:
            self._knowledge.suggest(state.view.suggested)
        self._show_panes()
        self._notices.show(state)
        self._keys.show(state)

    def _show_panes(self) -> None:
        """In a narrow terminal the draft and the knowledge share a place; this line says which is up."""
        knowledge_up = self.has_class("-knowledge")
        draft = Piece(
            f" {self._words.say('pane.draft')} ", Tone.FAINT if knowledge_up else Tone.BUSY, bold=not knowledge_up
        )
        name = f" {SHOWN[Action.KNOWLEDGE]} {self._words.say('pane.knowledge')} "
        knowledge = Piece(name, Tone.BUSY if knowledge_up else Tone.FAINT, bold=knowledge_up)
        self._panes.update(content([draft, knowledge]))

    def _tick(self) -> None:
        now = self._clock.now()
        if self._notice_until is not None and now >= self._notice_until:
            self._notice, self._notice_until = None, None
            self._refresh_state()
        else:
            self._show()
        connected = self._state.reception.link.state is LinkState.CONNECTED
        if connected and self._typing is None and self._desk.edits.unsent():
            self._save()

    def _tell(self, notice: Notice) -> None:
        self._notice = notice
        self._notice_until = None if notice.alarm else self._clock.now() + timedelta(seconds=NOTICE_SECONDS)

    def _say(self, code: str, **params: str) -> None:
        self._tell(Notice(code=code, params=params))
        self._refresh_state()

    def _say_refused(self, refused: Refused) -> None:
        self._tell(Notice(code=refused.code, params=refused.params, alarm=False))
        self._refresh_state()

    # ---- the cursor

    def _focused_field(self) -> FieldName | None:
        row = row_of(self.focused)
        return None if row is None else row.field

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The words a field rests on are lit while the cursor is in it."""
        self.set_class(self._knowledge.has_focus_within, "-knowledge")
        self._show()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """And no longer."""
        self._show()

    def _leave_for(self) -> None:
        """Remember where the cursor was, unless it is in something that was itself only opened."""
        focused = self.focused
        if focused is None or not (self._menu.has_focus_within or self._knowledge.has_focus_within):
            self._came_from = focused

    def _go_back(self) -> None:
        back = self._came_from
        if back is None or not back.is_attached:
            self.set_focus(None)
            self.remove_class("-knowledge")
        else:
            self.remove_class("-knowledge")
            back.focus()
        self._show()

    # ---- typing

    def _write(self, field: FieldName, value: str, label: str) -> None:
        draft = self._state.draft
        if draft is None or not self._state.writable:
            return
        edits = self._desk.edits
        here = self._state.shown_at(self._clock.now())
        readable = stored(field, value, self._state.reception.zone, here)
        edits.type(draft.id, field, value if readable is None else readable, label)
        written = edits.of(draft.id, field)
        if readable is None and written is not None:
            edits.refuse(written, Refused(request=0, code="draft.bad_moment"))

    @on(FieldRow.Typed)
    def _typed(self, event: FieldRow.Typed) -> None:
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(TYPING_PAUSE, self._save)
        self._refresh_state()

    @on(FieldRow.Finished)
    def _finished(self, event: FieldRow.Finished) -> None:
        self._save()

    def _save(self) -> None:
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
        self._refresh_state()
        if self._desk.edits.unsent():
            self.run_worker(self._save_now(), name="save what was typed", group="save")

    async def _save_now(self) -> None:
        here = self._state.draft.id if self._state.draft is not None else None
        for edit in await self._desk.save():
            if edit.draft != here and edit.refused is not None:
                reason = self._words.tell(edit.refused.code, edit.refused.params)
                self._say("desk.old_edit", reason=reason)
                self._desk.edits.drop(edit.draft, edit.field)
        self._refresh_state()

    # ---- what keys do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that would do nothing now does nothing."""
        return usable(Action(action), self._state) if action in SHOWN else True

    def action_help(self) -> None:
        """F1."""
        self.app.push_screen(HelpScreen(self._words), self._helped)

    async def _helped(self, pressed: Action | None) -> None:
        """A key of the desk closes the help and then does what it always does."""
        if pressed is not None and usable(pressed, self._state):
            await self.run_action(pressed)

    def action_knowledge(self) -> None:
        """F3."""
        self._leave_for()
        self.add_class("-knowledge")
        self._knowledge.enter()

    def action_state(self) -> None:
        """F2."""
        entries = [Entry(READY, (Piece(self._words.say("menu.ready"), Tone.GOOD),))]
        for reason in CHOSEN_PAUSES:
            said = self._words.say("menu.pause", reason=self._words.say(f"pause.{reason}"))
            entries.append(Entry(reason, (Piece(said),)))
        self._open_menu(Action.STATE, entries)

    def action_finish(self) -> None:
        """F8."""
        self._open_menu(Action.FINISH, [Entry(d, (Piece(self._words.say(f"disposition.{d}")),)) for d in Disposition])

    def action_reveal(self) -> None:
        """Ctrl+R."""
        self._open_menu(Action.REVEAL, [Entry(r, (Piece(self._words.say(f"reveal.{r}")),)) for r in RevealReason])

    def _open_menu(self, action: Action, entries: list[Entry]) -> None:
        self._leave_for()
        self._menu.open(action, entries)

    @on(Menu.Closed)
    def _menu_closed(self, event: Menu.Closed) -> None:
        if event.back:
            self._go_back()

    @on(Menu.Taken)
    def _menu_taken(self, event: Menu.Taken) -> None:
        call = self._state.call
        match event.action:
            case Action.STATE if event.id == READY:
                self._do(self._desk.go_ready())
            case Action.STATE:
                self._do(self._desk.pause(PauseReason(event.id)))
            case Action.FINISH if call is not None:
                self._do(self._desk.finish(call.id, Disposition(event.id)))
            case Action.REVEAL if call is not None:
                self.run_worker(self._reveal(call.id, RevealReason(event.id)), name="reveal", group="ask")
            case _:
                pass

    def _do(self, asked: Awaitable[Done | Refused]) -> None:
        self._notice = None
        self.run_worker(self._told(asked), name="ask", group="ask")

    async def _told(self, asked: Awaitable[Done | Refused]) -> None:
        answer = await asked
        if isinstance(answer, Refused):
            self._say_refused(answer)

    async def _reveal(self, call: str, reason: RevealReason) -> None:
        answer = await self._desk.reveal(call, reason)
        if isinstance(answer, Refused):
            self._say_refused(answer)
        elif self._state.call is not None and self._state.call.id == call:
            self._call.show_number(answer.number, answer.for_ms / 1000)

    def action_submit(self) -> None:
        """F9."""
        draft = self._state.draft
        if draft is not None and not self._submitting:
            self._submitting = True
            self._say("desk.submitting")
            self.run_worker(self._submit(draft.id), name="submit", group="submit")

    async def _submit(self, draft: str) -> None:
        try:
            answer = await self._desk.submit(draft)
        finally:
            self._submitting = False
        self._missing = frozenset()
        if isinstance(answer, Done):
            self._notice = None
            ticket = self._state.view.ticket if self._state.view is not None else None
            if ticket is not None:
                self._tell(Notice(code="desk.made", params={"reference": group_digits(ticket.reference)}))
        else:
            if answer.code == "refused.draft_incomplete":
                named = answer.params.get("fields", "").split("|")
                self._missing = frozenset(name for name in FieldName if name in named)
            self._tell(Notice(code=answer.code, params=answer.params))
        self._refresh_state()

    def action_take(self) -> None:
        """Ctrl+T."""
        draft, focused = self._state.draft, self._focused_field()
        if draft is None or focused is None or not self._state.writable:
            return
        if field_shown(self._state, self._words, focused, self._clock.now()).suggestion is not None:
            self._do(self._desk.take_suggestion(draft.id, focused))

    def action_hang_up(self) -> None:
        """F10, twice."""
        call = self._state.call
        if call is not None and self._twice(Action.HANG_UP, "desk.hang_up_again"):
            self._do(self._desk.hang_up(call.id))

    def action_sign_out(self) -> None:
        """F12. While the server is away, or something could not be saved, only the second press leaves."""
        away = self._state.reception.link.state is not LinkState.CONNECTED
        unsaved = self._desk.edits.unsaved()
        if not away:
            self.run_worker(self._sign_out(), name="sign out", group="ask")
        elif self._twice(Action.SIGN_OUT, "desk.unsent_leave" if unsaved else "desk.offline_leave", count=str(unsaved)):
            self.post_message(self.Leave())

    async def _sign_out(self) -> None:
        answer = await self._desk.sign_out()
        if isinstance(answer, Done):
            self.post_message(self.Leave())
        else:
            self._say_refused(answer)

    def _twice(self, action: Action, code: str, **params: str) -> bool:
        now = self._clock.now()
        if self._sure is not None and self._sure[0] is action and now <= self._sure[1]:
            self._sure = None
            return True
        self._sure = (action, now + timedelta(seconds=SURE_SECONDS))
        self._say(code, key=SHOWN[action], **params)
        return False

    def action_copy_reference(self) -> None:
        """Ctrl+N."""
        ticket = self._state.view.ticket if self._state.view is not None else None
        if ticket is not None:
            self.app.copy_to_clipboard(ticket.reference)
            self._say("desk.copied", reference=group_digits(ticket.reference))

    def action_transcript_up(self) -> None:
        """Ctrl+Up."""
        self._call.transcript.scroll_page_up(animate=False)

    def action_transcript_down(self) -> None:
        """Ctrl+Down."""
        self._call.transcript.scroll_page_down(animate=False)

    def action_sign_in_again(self) -> None:
        """Ctrl+L."""
        self.post_message(self.SignInAgain())

    def action_next_field(self) -> None:
        """Tab."""
        self.focus_next(".editor")

    def action_previous_field(self) -> None:
        """Shift+Tab."""
        self.focus_previous(".editor")

    # ---- searching

    @on(KnowledgePanel.Search)
    def _search(self, event: KnowledgePanel.Search) -> None:
        self.run_worker(self._search_now(event.query), name="search", group="search", exclusive=True)

    async def _search_now(self, query: str) -> None:
        answer = await self._desk.search(query)
        if isinstance(answer, Hits):
            self._knowledge.found(query, answer.hits)
        else:
            self._knowledge.found(query, (), self._words.tell(answer.code, answer.params))

    @on(KnowledgePanel.Read)
    def _read(self, event: KnowledgePanel.Read) -> None:
        self.run_worker(self._read_now(event.article), name="read", group="read", exclusive=True)

    async def _read_now(self, article: str) -> None:
        answer = await self._desk.read(article)
        if isinstance(answer, Article):
            self._knowledge.open(answer.article)
        else:
            self._say_refused(answer)

    @on(KnowledgePanel.Left)
    def _left_knowledge(self, event: KnowledgePanel.Left) -> None:
        self._go_back()

    @on(ChoiceField.Wanted)
    def _choices(self, event: ChoiceField.Wanted) -> None:
        self.run_worker(self._choices_now(event.row, event.query), name="choices", group="choices", exclusive=True)

    async def _choices_now(self, row: ChoiceField, query: str) -> None:
        answer = await self._desk.find_choices(row.field, query)
        if isinstance(answer, Choices):
            row.offer(query, answer.choices)
        else:
            row.offer(query, (), answer.code)


def _alarmed(state: DeskState) -> bool:
    return state.draft is not None and state.draft.emergency_target is not None


def _common(old: tuple[Notice, ...], new: tuple[Notice, ...]) -> tuple[Notice, ...]:
    """The part of `new` that `old` ended with: notices are only added at the end and dropped from the front."""
    for start in range(len(old) + 1):
        if old[start:] == new[: len(old) - start]:
            return old[start:]
    return ()
