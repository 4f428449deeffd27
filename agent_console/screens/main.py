"""The screen an agent works in: shows the hand's `DeskState`, and turns keys into what is asked.

Nothing here moves the cursor or opens anything unless the person pressed a key for it.
"""

from collections.abc import Coroutine
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from agent_console.clock import Clock
from agent_console.desk import Desk
from agent_console.fields import field_shown
from agent_console.formats import group_digits
from agent_console.hand import Hand
from agent_console.keys import SHOWN, bindings
from agent_console.screens.help import HelpScreen
from agent_console.state import Action, DeskState, Reception, usable
from agent_console.tones import Piece, Tone, content
from agent_console.widgets.bars import AlarmLine, KeyLine, NoticeLine, TopLine
from agent_console.widgets.call import CallPanel
from agent_console.widgets.choice import ChoiceField, row_of
from agent_console.widgets.draft import DraftPanel
from agent_console.widgets.field import FieldRow
from agent_console.widgets.knowledge import KnowledgePanel
from agent_console.widgets.menu import READY, Menu
from agent_console.widgets.panel import Line
from ivr.calls.vocabulary import PauseReason
from ivr.desk.catalogue import Catalogue
from ivr.desk.envelope import Refused
from ivr.desk.wire import Article, Choices, Disposition, Hits, RevealReason
from ticketing.vocabulary import FieldName

TYPING_PAUSE: Final = 0.4
"""Seconds of quiet after which what was typed is sent."""

LEAST_WIDTH, LEAST_HEIGHT = 80, 24


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
        self._hand = Hand(desk, words, clock, self._show)
        self._laid_out = False
        self._alarmed = False
        self._typing: Timer | None = None
        self._came_from: Widget | None = None
        self._top = TopLine(words)
        self._alarm = AlarmLine(words)
        self._call = CallPanel(words)
        self._panes = Line(id="panes")
        self._knowledge = KnowledgePanel(words, blink=blink)
        self._menu = Menu(words)
        self._draft = DraftPanel(words, self._hand.write, blink=blink)
        self._notices = NoticeLine(words)
        self._keys = KeyLine(words)

    @property
    def _state(self) -> DeskState:
        return self._hand.state

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
        self._laid_out = True
        self.set_interval(1.0, self._tick, name="second")
        self._show()

    def on_resize(self) -> None:
        """The top line gives way to the width; a window made too small is told, and works on as it can."""
        width, height = self.size
        if width < LEAST_WIDTH or height < LEAST_HEIGHT:
            least = {"least_width": str(LEAST_WIDTH), "least_height": str(LEAST_HEIGHT)}
            self._hand.say("program.too_small", width=str(width), height=str(height), **least)
        self._show()

    # ---- showing

    def receive(self, reception: Reception) -> None:
        """Something was received, or the connection changed."""
        call = self._state.call.id if self._state.call is not None else None
        was_connected = self._hand.connected
        self._hand.receive(reception)
        if call != (self._state.call.id if self._state.call is not None else None):
            self._knowledge.reset()
        if self._hand.connected and not was_connected:
            self._save()

    def _show(self) -> None:
        if not self._laid_out:
            return
        state, now = self._state, self._clock.now()
        focused = self._focused_field()
        self._top.show(state, now, self.size.width)
        self._show_alarm(self._alarm.show(state))
        self._call.show(state, self._lit(focused), now)
        self._draft.show(state, focused, now)
        if state.view is not None:
            self._knowledge.suggest(state.view.suggested)
        self._show_panes()
        self._notices.show(state)
        self._keys.show(state)

    def _lit(self, focused: FieldName | None) -> frozenset[str]:
        """The utterances to light: what the field under the cursor rests on, otherwise what raised the alarm."""
        if focused is not None:
            return frozenset(field_shown(self._state, self._words, focused, self._clock.now()).evidence)
        return frozenset() if self._state.draft is None else frozenset(self._state.draft.emergency_evidence)

    def _show_alarm(self, alarmed: bool) -> None:
        """Turn the frames once, with one ring of the bell."""
        if alarmed and not self._alarmed:
            self.app.bell()
        self._alarmed = alarmed
        self.set_class(alarmed, "-alarm")

    def _show_panes(self) -> None:
        """In a narrow terminal the draft and the knowledge share a place; this line says which is up."""
        up, down = (Tone.BUSY, Tone.FAINT)
        knowledge_up = self.has_class("-knowledge")
        name = f" {SHOWN[Action.KNOWLEDGE]} {self._words.say('pane.knowledge')} "
        draft = Piece(f" {self._words.say('pane.draft')} ", down if knowledge_up else up, bold=not knowledge_up)
        self._panes.put(content([draft, Piece(name, up if knowledge_up else down, bold=knowledge_up)]))

    def _tick(self) -> None:
        self._hand.tick()
        if self._hand.connected and self._typing is None:
            self._save()

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
        if not (self._menu.has_focus_within or self._knowledge.has_focus_within):
            self._came_from = self.focused

    def _go_back(self) -> None:
        self.remove_class("-knowledge")
        back = self._came_from
        self.set_focus(back if back is not None and back.is_attached else None)
        self._show()

    def _leave_list(self) -> None:
        """From an open list, the fields are counted from the one it belongs to."""
        row = row_of(self.focused)
        if isinstance(row, ChoiceField):
            self.set_focus(row.box)

    def action_next_field(self) -> None:
        """Tab."""
        self._leave_list()
        self.focus_next(".editor")

    def action_previous_field(self) -> None:
        """Shift+Tab."""
        self._leave_list()
        self.focus_previous(".editor")

    # ---- typing

    @on(FieldRow.Typed)
    def _typed(self, event: FieldRow.Typed) -> None:
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(TYPING_PAUSE, self._save)
        self._show()

    @on(FieldRow.Finished)
    def _finished(self, event: FieldRow.Finished) -> None:
        self._save()
        self._show()

    def _save(self) -> None:
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
        if self._hand.unsent():
            self._do("save", self._hand.save())

    # ---- what keys do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that would do nothing now does nothing."""
        return usable(Action(action), self._state) if action in SHOWN else True

    def _do(self, name: str, errand: Coroutine[None, None, None]) -> None:
        self.run_worker(errand, name=name, group="errands")

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
        self._open_menu(Action.STATE)

    def action_finish(self) -> None:
        """F8."""
        self._open_menu(Action.FINISH)

    def action_reveal(self) -> None:
        """Ctrl+R."""
        self._open_menu(Action.REVEAL)

    def _open_menu(self, action: Action) -> None:
        self._leave_for()
        self._menu.open(action)

    @on(Menu.Closed)
    def _menu_closed(self, event: Menu.Closed) -> None:
        if event.back:
            self._go_back()

    @on(Menu.Taken)
    def _menu_taken(self, event: Menu.Taken) -> None:
        call = self._state.call
        match event.action:
            case Action.STATE if event.id == READY:
                self._do("ready", self._hand.carry(self._desk.go_ready()))
            case Action.STATE:
                self._do("pause", self._hand.carry(self._desk.pause(PauseReason(event.id))))
            case Action.FINISH if call is not None:
                self._do("finish", self._hand.carry(self._desk.finish(call.id, Disposition(event.id))))
            case Action.REVEAL if call is not None:
                self._do("reveal", self._reveal(call.id, RevealReason(event.id)))
            case _:
                pass  # the call ended while the menu was open

    async def _reveal(self, call: str, reason: RevealReason) -> None:
        answer = await self._desk.reveal(call, reason)
        if isinstance(answer, Refused):
            self._hand.refused(answer)
        elif self._state.call is not None and self._state.call.id == call:
            self._call.show_number(answer.number, answer.for_ms / 1000)

    def action_submit(self) -> None:
        """F9."""
        self._do("submit", self._hand.submit())

    def action_take(self) -> None:
        """Ctrl+T."""
        draft, focused = self._state.draft, self._focused_field()
        if draft is None or focused is None or not self._state.writable:
            return
        if field_shown(self._state, self._words, focused, self._clock.now()).suggestion is not None:
            self._do("take", self._hand.carry(self._desk.take_suggestion(draft.id, focused)))

    def action_hang_up(self) -> None:
        """F10, twice."""
        call = self._state.call
        if call is not None and self._hand.twice(Action.HANG_UP, "desk.hang_up_again"):
            self._do("hang up", self._hand.carry(self._desk.hang_up(call.id)))

    def action_sign_out(self) -> None:
        """F12."""
        self._do("sign out", self._sign_out())

    async def _sign_out(self) -> None:
        if await self._hand.sign_out():
            self.post_message(self.Leave())

    def action_copy_reference(self) -> None:
        """Ctrl+N."""
        ticket = self._state.view.ticket if self._state.view is not None else None
        if ticket is not None:
            self.app.copy_to_clipboard(ticket.reference)
            self._hand.say("desk.copied", reference=group_digits(ticket.reference))

    def action_transcript_up(self) -> None:
        """Ctrl+Up."""
        self._call.transcript.scroll_page_up(animate=False)

    def action_transcript_down(self) -> None:
        """Ctrl+Down."""
        self._call.transcript.scroll_page_down(animate=False)

    def action_sign_in_again(self) -> None:
        """Ctrl+L."""
        self.post_message(self.SignInAgain())

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
            self._hand.refused(answer)

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
