"""Search over the knowledge base, as an agent types. The engine is tantivy with text cut beforehand.

tantivy has no Chinese tokenizer that Python may register, so articles are indexed by letters, pairs of letters, pairs
of syllables and pairs of initials, and ranked by BM25 (Robertson, Zaragoza 2009). Nothing is stored in the engine but
ids: articles live in the database and in memory here, so SQLite and PostgreSQL give the same answers.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from difflib import SequenceMatcher
from pathlib import Path

import tantivy
from tantivy import Document, Index, Occur, Query, SchemaBuilder

from ticketing.knowledge.snippets import snippet
from ticketing.knowledge.spelling import (
    Lexicon,
    Typed,
    initial_tokens,
    initials,
    pairs_of,
    sound_tokens,
    take_apart,
    tokens,
    weighed,
)
from ticketing.pack import Article
from ticketing.views import ArticleHit
from ticketing.vocabulary import ArticleId

_TEXTS = ("head", "body", "sound", "body_sound", "initials", "topic")
_SEASONAL = "季节性"
_ALWAYS = 99991231
_TOPIC = 0.3
_FOREIGN = 0.8
"""Weight of what people say of a category where no article of the site says it."""
_SOUND, _SLIP = 0.3, 1.1
"""Weight of the sound of a pair of letters, and where no article has the letters: then they were a slip."""

_HEAP = 50_000_000


def _day(day: date | None) -> int:
    return day.year * 10_000 + day.month * 100 + day.day if day else _ALWAYS


class KnowledgeIndex:
    """All articles, searchable. In memory, or in `directory` where the engine's files are kept between starts.

    `topics` is what people say of each category, by its code: it finds an article by words it does not hold itself.
    """

    def __init__(
        self,
        articles: Iterable[Article] = (),
        directory: Path | None = None,
        *,
        topics: Mapping[str, str] | None = None,
    ) -> None:
        self._topics = {code: " ".join(dict.fromkeys(tokens(text))) for code, text in (topics or {}).items()}
        builder = SchemaBuilder()
        for name in ("id", "category", "agency"):
            builder.add_text_field(name, stored=name == "id", tokenizer_name="raw", index_option="basic")
        for name in _TEXTS:
            builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
        builder.add_integer_field("until", indexed=True, fast=True)
        self._schema = builder.build()
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
        self._index = Index(self._schema, path=str(directory) if directory is not None else None)
        self._articles: dict[ArticleId, Article] = {}
        self._rows: dict[ArticleId, tuple[str, ...]] = {}
        self._known: set[str] = set()
        self._lexicon = Lexicon(())
        self.rebuild(articles)

    def __len__(self) -> int:
        return len(self._articles)

    def article(self, article_id: ArticleId) -> Article | None:
        """The article as it was indexed."""
        return self._articles.get(article_id)

    def rebuild(self, articles: Iterable[Article]) -> None:
        """Replace everything; what was there stays searchable until the new articles are."""
        self._articles = {article.id: article for article in articles}
        self._rows = {}
        writer = self._index.writer(_HEAP, 1)
        writer.delete_all_documents()
        for article in self._articles.values():
            writer.add_document(self._document(article))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._lexicon = Lexicon(t for a in self._articles.values() for t in (a.title, *a.questions))

    def put(self, article: Article) -> None:
        """Add an article, or replace the one with its id."""
        self.put_all([article])

    def put_all(self, articles: Iterable[Article]) -> None:
        """Add articles, or replace those with their ids; searches see all of them or none."""
        changed = {article.id: article for article in articles}
        writer = self._index.writer(_HEAP, 1)
        for article in changed.values():
            writer.delete_documents_by_term("id", article.id)
            writer.add_document(self._document(article))
        writer.commit()
        self._index.reload()
        self._articles = self._articles | changed

    def remove(self, article_id: ArticleId) -> None:
        """Take an article out; one that is not there is no fault."""
        writer = self._index.writer(_HEAP, 1)
        writer.delete_documents_by_term("id", article_id)
        writer.commit()
        self._index.reload()
        self._articles.pop(article_id, None)
        self._rows.pop(article_id, None)

    def search(
        self,
        query: str,
        limit: int = 10,
        category: str | None = None,
        agency: str | None = None,
        on: date | None = None,
    ) -> list[ArticleHit]:
        """The best `limit` articles for what was typed, on the site's day `on` (None: nothing is expired).

        Expired articles come after all others and are marked; articles of a season come first in it. `category` is a
        code or the beginning of one; `agency` an id. An empty query, or one of signs only, finds nothing.
        """
        typed = take_apart(query)
        wanted = self._wanted(typed)
        if wanted is None or limit < 1:
            return []
        filters = [(Occur.Must, wanted)]
        if category:
            pattern = Query.regex_query(self._schema, "category", category + "[0-9]*")
            filters.append((Occur.Must, Query.const_score_query(pattern, 0.0)))
        if agency:
            filters.append((Occur.Must, Query.const_score_query(self._term("agency", agency), 0.0)))
        searcher = self._index.searcher()
        hits = self._run(searcher, filters, on, limit, typed)
        return [
            ArticleHit(
                id=article.id,
                title=article.title,
                score=round(score, 3),
                snippet=snippet(article, typed),
                expired=on is not None and article.expired(on),
            )
            for article, score in hits[:limit]
        ]

    def _run(
        self,
        searcher: tantivy.Searcher,
        filters: list[tuple[Occur, Query]],
        on: date | None,
        limit: int,
        typed: Typed,
    ) -> list[tuple[Article, float]]:
        wide = max(3 * limit, 30)
        if on is None:
            return self._ranked(searcher, Query.boolean_query(filters), wide, on, typed)
        today = _day(on)
        integer = tantivy.FieldType.Integer
        live = Query.range_query(self._schema, "until", integer, lower_bound=today)
        found = self._ranked(
            searcher, Query.boolean_query([*filters, (Occur.Must, Query.const_score_query(live, 0.0))]), wide, on, typed
        )
        if len(found) < limit:
            past = Query.range_query(self._schema, "until", integer, upper_bound=today, include_upper=False)
            expired = Query.boolean_query([*filters, (Occur.Must, Query.const_score_query(past, 0.0))])
            found += self._ranked(searcher, expired, limit, on, typed)
        return found

    def _ranked(
        self, searcher: tantivy.Searcher, query: Query, wide: int, on: date | None, typed: Typed
    ) -> list[tuple[Article, float]]:
        result = searcher.search(query, wide, count=False)
        meant = self._lexicon.meant(typed)
        found: list[tuple[Article, float]] = []
        for score, address in result.hits:
            [article_id] = searcher.doc(address)["id"]
            article = self._articles.get(ArticleId(article_id))
            if article is not None:
                found.append((article, float(score) * self._lift(article, on, typed, meant)))
        return sorted(found, key=lambda f: -f[1])

    def _lift(self, article: Article, on: date | None, typed: Typed, meant: Sequence[Sequence[str]]) -> float:
        """What the engine cannot see: how many of the words meant are there, the season, and how well initials fit."""
        lift = 1.0
        if meant:
            text = article.title + "".join(article.questions) + article.answer
            held = sum(any(word in text for word in group) for group in meant)
            lift *= 0.7 + 0.3 * held / len(meant)
        if on is not None and _SEASONAL in article.tags:
            lift = 1.2 if article.valid_from is None or (article.valid_from <= on and not article.expired(on)) else 0.8
        for row in typed.initials:
            best = max((_fit(row, known) for known in self._rows.get(article.id, ())), default=0.0)
            lift *= 0.3 + best
        return lift

    def _wanted(self, typed: Typed) -> Query | None:
        """One query over all fields; None where nothing that can be looked for was typed."""
        parts: list[tuple[Occur, Query]] = []

        def want(field: str, text: str, weight: float) -> None:
            parts.append((Occur.Should, Query.boost_query(self._term(field, text), weight)))

        for letters in typed.letters:
            for token, weight in weighed(letters):
                want("head", token, weight)
                if len(token) > 1 or len(letters) == 1:
                    want("body", token, 0.35 * weight)
                    if self._topics:
                        want("topic", token, (_TOPIC if token in self._known else _FOREIGN) * weight)
        for key, hanzi in typed.sounds:
            for code, pair in pairs_of(key, hanzi):
                slip = pair not in self._known
                want("sound", code, _SLIP if slip else _SOUND)
                if slip:
                    want("body_sound", code, 0.35 * _SLIP)
            if not hanzi:
                for word, weight in self._lexicon.of_sound(key):
                    for token in (word[i : i + 2] for i in range(len(word) - 1)):
                        want("head", token, weight)
                        want("body", token, 0.5 * weight)
        for row in typed.initials:
            for size in (2, 3):
                for start in range(len(row) - size + 1):
                    want("initials", row[start : start + size], 0.3)
            for word, weight in self._lexicon.of_initials(row):
                for token in (word[i : i + 2] for i in range(len(word) - 1)):
                    want("head", token, 0.8 * weight)
                    want("body", token, 0.15 * weight)
        return Query.boolean_query(parts) if parts else None

    def _term(self, field: str, text: str) -> Query:
        return Query.term_query(self._schema, field, text, "freq" if field in _TEXTS else "basic")

    def _document(self, article: Article) -> Document:
        head = " ".join((article.title, article.title, *article.questions, *article.tags))
        self._rows[article.id] = tuple(initials(text) for text in (article.title, *article.questions))
        document = Document()
        document.add_text("id", article.id)
        document.add_text("category", article.category_code)
        document.add_text("agency", article.agency_id)
        cut = tokens(head)
        self._known.update(cut)
        document.add_text("head", " ".join(cut))
        document.add_text("body", " ".join(tokens(article.answer)))
        document.add_text("sound", " ".join(sound_tokens(head)))
        document.add_text("body_sound", " ".join(sound_tokens(article.answer)))
        document.add_text("initials", " ".join(initial_tokens(" ".join((article.title, *article.questions)))))
        document.add_text("topic", self._topics.get(article.category_code, ""))
        document.add_integer("until", _day(article.valid_to))
        return document


def _fit(row: str, known: str) -> float:
    """How much of a row of initials stands in order in a text's initials, in few pieces (0..1)."""
    blocks = [b.size for b in SequenceMatcher(None, row, known, autojunk=False).get_matching_blocks() if b.size]
    return max(0.0, sum(blocks) / len(row) - 0.06 * max(0, len(blocks) - 1)) if blocks else 0.0
