"""The knowledge base beside the call: what came up by itself, what was searched for, and an article to read from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message

from agent_console.formats import matches
from agent_console.keys import SHOWN
from agent_console.state import Action
from agent_console.tones import Piece, Tone, content
from agent_console.widgets.finder import Finder
from agent_console.widgets.numbered import Entry
from agent_console.widgets.panel import Panel
from agent_console.widgets.prose import Prose
from ivr.desk.catalogue import Catalogue
from ticketing.views import ArticleHit, ArticleView


class ArticlePage(VerticalScroll, can_focus=True):
    """An article, scrolled by the arrow keys; Esc closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", show=False, priority=True)]

    @dataclass
    class Closed(Message):
        """The person has read it."""

    def __init__(self, words: Catalogue) -> None:
        super().__init__(id="article")
        self._words = words
        self._head = Prose(id="article-head")
        self._body = Prose()

    def compose(self) -> ComposeResult:
        """What it is, then what it says."""
        yield self._head
        yield self._body

    def put(self, article: ArticleView) -> None:
        """Show this article from its beginning."""
        words = self._words
        about: list[str] = []
        if article.agency:
            about.append(words.say("knowledge.agency", agency=article.agency))
        if article.valid_from is not None and article.valid_to is not None:
            about.append(words.say("knowledge.valid", from_day=article.valid_from, to_day=article.valid_to))
        elif article.valid_from is not None:
            about.append(words.say("knowledge.valid_from", from_day=article.valid_from))
        elif article.valid_to is not None:
            about.append(words.say("knowledge.valid_to", to_day=article.valid_to))
        pieces = [Piece(f"{words.say('knowledge.expired')} ", Tone.ALARM, bold=True)] if article.expired else []
        pieces.append(Piece(article.title, bold=True))
        if about:
            pieces.append(Piece("\n" + " · ".join(about), Tone.FAINT))
        self._head.put(content(pieces))
        self._body.put(Content(article.answer))
        self.scroll_home(animate=False)

    def action_close(self) -> None:
        """Esc."""
        self.post_message(self.Closed())


class KnowledgePanel(Panel):
    """Search box over results, or an article in their place."""

    @dataclass
    class Search(Message):
        """Articles are wanted for what was typed."""

        query: str

    @dataclass
    class Read(Message):
        """An article is wanted."""

        article: str

    @dataclass
    class Left(Message):
        """The person goes back to where they were."""

    def __init__(self, words: Catalogue, *, blink: bool) -> None:
        super().__init__(id="knowledge")
        self._words = words
        self._finder = Finder(words.say("knowledge.search"), blink=blink)
        self._article = ArticlePage(words)
        self._article.display = False
        self._suggested: tuple[ArticleHit, ...] = ()
        self._waiting: tuple[ArticleHit, ...] | None = None
        self._heading = ""

    def compose(self) -> ComposeResult:
        """Both; one is seen."""
        yield self._finder
        yield self._article

    def on_mount(self) -> None:
        """Begin with nothing suggested."""
        self._offer_suggested(())

    @property
    def reading(self) -> bool:
        """Whether an article is open."""
        return self._article.display

    def enter(self) -> None:
        """Cursor into the box; from there into the results. An open article is closed."""
        self._close_article()
        if self._finder.in_box:
            self._finder.enter_list()
        else:
            self._finder.enter_box()

    def suggest(self, hits: tuple[ArticleHit, ...]) -> None:
        """Articles that came up by themselves. They never change under the fingers: while the person is here and the
        box is empty, new ones wait until they have left.
        """
        if hits == self._suggested:
            self._waiting = None
        elif self.has_focus_within and not self._finder.query_text:
            self._waiting = hits
        else:
            self._offer_suggested(hits)
        self._entitle_anew()

    def reset(self) -> None:
        """Another call: nothing of the last one stays, except what the person is doing right now."""
        if not self.has_focus_within:
            self._finder.clear_box()
            self._close_article()
            self._offer_suggested(self._suggested)

    def found(self, query: str, hits: Sequence[ArticleHit], note: str = "") -> None:
        """What a search brought; `note` says why it brought nothing."""
        if query == self._finder.query_text and query:
            self._heading = self._words.say("knowledge.found", count=len(hits)) if hits else ""
            self._finder.offer(query, [self._entry(hit) for hit in hits], note or self._words.say("knowledge.nothing"))
            self._entitle_anew()

    def open(self, article: ArticleView) -> None:
        """Show an article and put the cursor into it, if the person is still here."""
        self._article.put(article)
        self._finder.display = False
        self._article.display = True
        self.add_class("-reading")
        if self.has_focus_within or self.screen.focused is None:
            self._article.focus()
        self._entitle_anew()

    def _offer_suggested(self, hits: tuple[ArticleHit, ...]) -> None:
        self._suggested, self._waiting = hits, None
        if not self._finder.query_text:
            self._heading = self._words.say("knowledge.suggested") if hits else ""
            self._finder.offer("", [self._entry(hit) for hit in hits], self._words.say("knowledge.empty"))

    def _entry(self, hit: ArticleHit) -> Entry:
        pieces = [Piece(hit.title, Tone.FAINT if hit.expired else Tone.INK)]
        if hit.expired:
            pieces.insert(0, Piece(f"{self._words.say('knowledge.expired')} ", Tone.ALARM))
        if hit.snippet:
            pieces.append(Piece("  "))
            pieces += [Piece(text, Tone.WARN if matched else Tone.FAINT) for text, matched in matches(hit.snippet)]
        return Entry(hit.id, tuple(pieces))

    def _entitle_anew(self) -> None:
        pieces = [Piece(f"{SHOWN[Action.KNOWLEDGE]} {self._words.say('knowledge.title')}", bold=True)]
        if self._heading and not self.reading:
            pieces.append(Piece(f" · {self._heading}", Tone.FAINT))
        if self._waiting is not None:
            pieces.append(Piece(f" · {self._words.say('knowledge.fresh')}", Tone.WARN))
        self.entitle(content(pieces))
        self.foot(content([Piece(self._words.say("knowledge.back") if self.reading else "", Tone.FAINT)]))

    def _close_article(self) -> None:
        self._article.display = False
        self._finder.display = True
        self.remove_class("-reading")
        self._entitle_anew()

    @on(Finder.Asked)
    def _asked(self, event: Finder.Asked) -> None:
        event.stop()
        if event.query:
            self.post_message(self.Search(event.query))
        else:
            self._offer_suggested(self._waiting if self._waiting is not None else self._suggested)
            self._entitle_anew()

    @on(Finder.Picked)
    def _picked(self, event: Finder.Picked) -> None:
        event.stop()
        self.post_message(self.Read(event.id))

    @on(ArticlePage.Closed)
    def _read(self, event: ArticlePage.Closed) -> None:
        event.stop()
        self._close_article()
        self._finder.enter_box()

    @on(Finder.Closed)
    def _finder_closed(self, event: Finder.Closed) -> None:
        event.stop()
        self.post_message(self.Left())

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Once the person has left, the suggestions that waited may come."""
        self.call_after_refresh(self._catch_up)

    def _catch_up(self) -> None:
        if self._waiting is not None and not self.has_focus_within:
            self._offer_suggested(self._waiting)
            self._entitle_anew()
