"""All tickets by their words: pairs of characters, ranked by BM25 (Robertson and Zaragoza 2009).

The index holds no text, only which pairs occur where; it can be rebuilt from the database at any time.
"""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from tantivy import Document, FieldType, Index, IndexWriter, Occur, Query, SchemaBuilder

from ticketing.database import Database
from ticketing.records import TicketRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import Reference

RAREST = 16
"""Pairs asked for: with so many every one of 1,000 reworded repeats was found, with eight 85 %."""

CANDIDATES = 30
_HEAP = 50_000_000
_BATCH = 5_000
_OUTDATED = "outdated"
_GAP = re.compile(r"[\W_]+")


def forget(folder: Path) -> None:
    """Words may have gone from the tickets: whoever opens the index of this folder next makes it anew."""
    if folder.is_dir():
        (folder / _OUTDATED).touch()


class MatterIndex:
    """All tickets by their words. `folder` keeps it between starts; without one it lives in memory.

    Tickets are found as soon as they are added; they are written to disk by `flush`, and a crash in between is made
    good by `catch_up`. Methods that may take longer run in a thread. One process at a time writes a folder; another
    only reads it, and keeps what it adds to itself (`writes` is False).
    """

    def __init__(self, folder: Path | None = None) -> None:
        builder = SchemaBuilder()
        builder.add_unsigned_field("reference", indexed=True, fast=True)
        builder.add_integer_field("day", indexed=True, fast=True)
        builder.add_text_field("pairs", tokenizer_name="whitespace", index_option="freq")
        self._schema = builder.build()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._index = Index(self._schema, path=str(folder) if folder is not None else None)
        try:
            self._writer: IndexWriter | None = self._index.writer(_HEAP, 1)
        except ValueError as error:
            if "LockBusy" not in str(error):
                raise
            self._writer = None
        if self._writer is not None and folder is not None and (folder / _OUTDATED).exists():
            self._writer.delete_all_documents()
            self._writer.commit()
            self._index.reload()
            (folder / _OUTDATED).unlink()
        self._waiting: dict[int, tuple[int, frozenset[str]]] = {}
        self._flushing = asyncio.Lock()
        self._writing = threading.Lock()  # a cancelled flush leaves its thread at work

    @classmethod
    @contextmanager
    def opened(cls, folder: Path | None = None) -> Iterator[Self]:
        """The index for as long as the block runs; then another process may write it."""
        index = cls(folder)
        try:
            yield index
        finally:
            index.close()

    def close(self) -> None:
        """Let another process write it. What was not flushed is caught up with by whoever does."""
        with self._writing:
            if self._writer is not None:
                self._writer.wait_merging_threads()
                self._writer = None

    @property
    def writes(self) -> bool:
        """Whether this process writes the folder."""
        return self._writer is not None

    def __len__(self) -> int:
        searcher = self._index.searcher()
        fresh = sum(not searcher.doc_freq("reference", reference) for reference in self._waiting)
        return searcher.num_docs + fresh

    def add(self, ticket: TicketRecord) -> None:
        """Make a ticket findable; one that is there already is replaced at the next flush."""
        self._waiting[int(ticket.reference)] = (_day(ticket.created_at), pairs(words_of(ticket)))

    async def flush(self) -> None:
        """Write what was added to the index, where this process may."""
        if self._writer is None:
            return
        async with self._flushing:
            writing = dict(self._waiting)
            if not writing:
                return
            await asyncio.to_thread(self._write, writing)
            for reference, row in writing.items():
                if self._waiting.get(reference) is row:
                    del self._waiting[reference]

    async def catch_up(self, database: Database) -> int:
        """Index every ticket of the database the index may not know; returns how many.

        The newest are looked at first; if any are missing then (old tickets were imported), all are.
        """
        added = await self._read_from(database, await asyncio.to_thread(self._known_until))
        async with UnitOfWork(database, reads=True) as unit:
            total = await unit.tickets.count()
        return added if len(self) >= total else await self._read_from(database, None)

    async def _read_from(self, database: Database, after: datetime | None) -> int:
        added, last = 0, Reference("")
        while True:
            async with UnitOfWork(database, reads=True) as unit:
                tickets = await unit.tickets.created_from(after, beyond=last, limit=_BATCH)
            if not tickets:
                return added
            for ticket in tickets:
                self.add(ticket)
            await self.flush()
            added += len(tickets)
            last = tickets[-1].reference

    def candidates(self, text: str, since: datetime, limit: int = CANDIDATES) -> list[Reference]:
        """The tickets since then whose words are nearest. Takes some milliseconds over a million tickets."""
        found = pairs(text)
        near = [*self._fresh(found, _day(since), limit), *self._indexed(found, _day(since), limit)]
        return list(dict.fromkeys(near))

    def _indexed(self, wanted: frozenset[str], since: int, limit: int) -> list[Reference]:
        searcher = self._index.searcher()
        known = ((searcher.doc_freq("pairs", pair), pair) for pair in wanted)
        rarest = sorted(one for one in known if one[0])[:RAREST]
        if not rarest:
            return []
        words = [(Occur.Should, Query.term_query(self._schema, "pairs", pair, "freq")) for _, pair in rarest]
        recent = Query.const_score_query(Query.range_query(self._schema, "day", FieldType.Integer, since), 0.0)
        query = Query.boolean_query([(Occur.Must, Query.boolean_query(words)), (Occur.Must, recent)])
        hits = searcher.search(query, limit, count=False).hits
        references = searcher.fast_field_values("reference", [address for _, address in hits])
        return [Reference(f"{reference:010d}") for reference in references]

    def _fresh(self, wanted: frozenset[str], since: int, limit: int) -> list[Reference]:
        near = [(likeness(wanted, row), reference) for reference, (day, row) in self._waiting.items() if day >= since]
        best = sorted((one for one in near if one[0] > 0), reverse=True)[:limit]
        return [Reference(f"{reference:010d}") for _, reference in best]

    def _write(self, rows: dict[int, tuple[int, frozenset[str]]]) -> None:
        with self._writing:
            if (writer := self._writer) is None:
                return  # closed meanwhile
            searcher = self._index.searcher()
            for reference, (day, found) in rows.items():
                if searcher.doc_freq("reference", reference):
                    writer.delete_documents_by_query(Query.term_query(self._schema, "reference", reference))
                document = Document()
                document.add_unsigned("reference", reference)
                document.add_integer("day", day)
                document.add_text("pairs", " ".join(found))
                writer.add_document(document)
            writer.commit()
            self._index.reload()

    def _known_until(self) -> datetime | None:
        """Before the last tickets indexed, which may have been written in any order; None for an empty index."""
        hits = self._index.searcher().search(Query.all_query(), 1, count=False, order_by_field="day").hits
        if not hits:
            return None
        return datetime.fromordinal(int(hits[0][0])).replace(tzinfo=UTC) - timedelta(days=1)


def words_of(ticket: TicketRecord) -> str:
    """What of a ticket says which matter it is."""
    return f"{ticket.title} {ticket.address} {ticket.content}"


def pairs(text: str) -> frozenset[str]:
    """The pairs of neighbouring characters in a text, without what is no word."""
    found: set[str] = set()
    for part in _GAP.split(text.lower()):
        found.update(map(str.__add__, part, part[1:]))
    return frozenset(found)


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of pairs two texts have in common (Dice), 0..1."""
    together = len(one) + len(other)
    return 2 * len(one & other) / together if together else 0.0


def _day(at: datetime) -> int:
    return at.astimezone(UTC).toordinal()
