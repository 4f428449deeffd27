"""What searching articles costs at size: `python -m tests.bench.bench_knowledge [ARTICLES]` (40,000)."""

import json
import random
import sys
import time
from datetime import date
from pathlib import Path

import msgspec
import tantivy

from tests.bench.measure import memory, say, took
from ticketing.knowledge.index import KnowledgeIndex
from ticketing.knowledge.spelling import tokens
from ticketing.pack import Article
from ticketing.site import default_site_dir, load_site
from ticketing.vocabulary import ArticleId

TODAY = date(2026, 11, 21)
QUERIES = Path(__file__).parents[1] / "data" / "dialogues-dev" / "kb-queries.jsonl"


def grown(base: list[Article], size: int, rng: random.Random) -> list[Article]:
    """The site's articles and as many mixed from their sentences as make `size`."""
    articles = list(base)
    while len(articles) < size:
        like, other = rng.choice(base), rng.choice(base)
        sentences = [*like.answer.split("。"), *other.answer.split("。")]
        rng.shuffle(sentences)
        title = like.title[: rng.randint(3, 8)] + other.title[: rng.randint(3, 8)]
        articles.append(
            msgspec.structs.replace(
                like, id=ArticleId(f"x{len(articles)}"), title=title, answer="。".join(sentences[:5])
            )
        )
    return articles


def bare_engine(articles: list[Article]) -> tantivy.Index:
    """The engine with nothing of ours but the cut text: what the engine costs by itself."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
    index = tantivy.Index(builder.build())
    writer = index.writer(50_000_000, 1)
    for article in articles:
        document = tantivy.Document()
        document.add_text("text", " ".join(tokens(article.title + article.answer)))
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


def main() -> int:
    """Measure the development queries, each several times; 1 where the goal is missed."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
    rng = random.Random(3)
    articles = grown(list(load_site(default_site_dir()).articles.values()), size, rng)
    before = memory()
    began = time.perf_counter()
    index = KnowledgeIndex(articles)
    say(f"{size} articles, built in {time.perf_counter() - began:.1f} s, memory {before} -> {memory()}")
    queries = [json.loads(line)["query"] for line in QUERIES.read_text(encoding="utf-8").splitlines()]
    typed = [query[:n] for query in queries for n in range(1, len(query) + 1)]
    kept = [
        took("queries", lambda q: index.search(q, on=TODAY), queries * 10, limit_ms=5, at=0.99),
        took("as typed, every prefix", lambda q: index.search(q, on=TODAY), typed, limit_ms=5, at=0.99),
        took("put one article", index.put, articles[:20], limit_ms=2000, at=0.99),
    ]
    engine = bare_engine(articles)
    searcher = engine.searcher()
    parsed = [engine.parse_query(" ".join(tokens(q)), ["text"]) for q in queries if not q.isascii()]
    took("bare engine, words only", lambda q: searcher.search(q, 10), parsed * 10, limit_ms=5, at=0.99)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
