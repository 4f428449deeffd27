"""`hotline kb …`: the knowledge base, searched, read, edited, reviewed, published, judged."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import msgspec
import typer

from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, run_async, say, say_json, settings_of, told, vault_of
from ivr.instance import pack_of
from ticketing.article_records import ArticleVersion, Verdict
from ticketing.articles import Edit, KnowledgeBase
from ticketing.database import open_database
from ticketing.drafting.categoriser import topics
from ticketing.knowledge.index import KnowledgeIndex
from ticketing.schema import upgrade
from ticketing.site import Site, load_site

app = typer.Typer(help="The knowledge base.", no_args_is_help=True)

ArticleId = Annotated[str, typer.Argument(metavar="ID", help="An article's id.")]
By = Annotated[str, typer.Option("--by", help="Who does it; kept with the version.")]
_R = TypeVar("_R")


@app.command()
@told
def search(
    query: Annotated[str, typer.Argument(help="Words, pinyin or initials.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(help="Most articles to print.")] = 10,
) -> None:
    """Search the articles as the desk does; those edited in the instance's database are found as they are now."""
    site = _site(home)
    today = datetime.now(site.zone).date()
    index = KnowledgeIndex(site.articles.values(), topics=topics(site))
    if _has_database(home):
        _with_base(home, KnowledgeBase.refresh, index=index)
    hits = index.search(query, limit=limit, on=today)
    if as_json:
        say_json([{"id": h.id, "title": h.title, "score": h.score, "snippet": h.snippet} for h in hits])
        return
    for hit in hits:
        say(f"{hit.id}  {hit.title}{'（已失效）' if hit.expired else ''}")


@app.command("list")
@told
def list_articles(
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
    waiting: Annotated[bool, typer.Option("--open", help="Only versions that wait for review or publishing.")] = False,
    category: Annotated[str, typer.Option(help="Only codes that begin with this.")] = "",
) -> None:
    """List the articles as they hold now, or the versions that wait."""
    if waiting:
        versions = _with_base(home, KnowledgeBase.open_versions)
        if as_json:
            say_json(versions)
            return
        for version in versions:
            say(_line(version))
        return
    articles = [a for a in _with_base(home, KnowledgeBase.current) if a.category_code.startswith(category)]
    if as_json:
        say_json(articles)
        return
    for article in articles:
        say(f"{article.id}  {article.category_code}  {article.title}")


@app.command()
@told
def show(article: ArticleId, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show an article: the text that holds, its versions, and what agents thought of it."""
    versions = _with_base(home, lambda base: base.history(article))
    tally, verdicts = _with_base(home, lambda base: base.verdicts(article))
    if as_json:
        say_json({"versions": versions, "useful": tally.useful, "wrong": tally.wrong, "verdicts": verdicts})
        return
    for version in versions:
        say(_line(version))
    text = next((v for v in versions if v.state == "published"), versions[-1]).article
    say(f"\n{text.title}\n{text.answer}\n\n有用 {tally.useful}  有误 {tally.wrong}")
    for verdict in verdicts:
        say(f"第{verdict.version}版 {verdict.verdict} {verdict.agent} {verdict.remark}")


@app.command()
@told
def edit(
    by: By,
    article: Annotated[str, typer.Argument(metavar="[ID]", help="An article's id; none begins a new article.")] = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
    title: Annotated[str | None, typer.Option(help="What it is about.")] = None,
    answer: Annotated[str | None, typer.Option(help="The text to read out; @FILE reads it from a file.")] = None,
    question: Annotated[list[str] | None, typer.Option(help="How people ask; may be given again.")] = None,
    category: Annotated[str | None, typer.Option(help="A category's code.")] = None,
    agency: Annotated[str | None, typer.Option(help="The id of the agency that answers for it.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day it holds, YYYY-MM-DD.")] = None,
) -> None:
    """Write a new version; it waits until another person reviews it."""
    wanted = Edit(
        title=title,
        answer=_text(answer),
        questions=tuple(question) if question else None,
        category_code=category,
        agency_id=agency,
        valid_to=_day(until) if until else None,
    )
    if wanted == Edit():
        fail("nothing to change; give --title, --answer, --question, --category, --agency or --until")
    _told_version(_with_base(home, lambda base: base.edit(article, wanted, by)), as_json=as_json)


@app.command()
@told
def review(
    article: ArticleId,
    by: By,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
    reject: Annotated[str, typer.Option(help="Send it back, with this reason.")] = "",
) -> None:
    """Approve the version that waits, or send it back. Not by its author."""
    done = _with_base(home, lambda base: base.review(article, by, approve=not reject, remark=reject))
    _told_version(done, as_json=as_json)


@app.command()
@told
def publish(article: ArticleId, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Publish the approved version; servers find it within some seconds."""
    _told_version(_with_base(home, lambda base: base.publish(article)), as_json=as_json)


@app.command()
@told
def expire(
    article: ArticleId,
    by: By,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
    last_day: Annotated[str, typer.Option("--last-day", help="Last day it holds, YYYY-MM-DD.")] = "",
) -> None:
    """Let an article hold until a day and no longer; at once, without review."""
    if not last_day:
        fail("--last-day is missing; the last day the article holds, YYYY-MM-DD")
    day = _day(last_day)
    _told_version(_with_base(home, lambda base: base.expire(article, day, by)), as_json=as_json)


@app.command()
@told
def feedback(
    article: ArticleId,
    verdict: Annotated[Verdict, typer.Argument(help="useful or wrong.")],
    by: By,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
    remark: Annotated[str, typer.Option(help="What is wrong.")] = "",
) -> None:
    """Say whether an article was useful or is wrong."""
    tally = _with_base(home, lambda base: base.judge(article, verdict, by, remark))
    if as_json:
        say_json(tally)
    else:
        say(f"有用 {tally.useful}  有误 {tally.wrong}")


@app.command()
@told
def propose(
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(help="Most proposals.")] = 10,
    take: Annotated[str, typer.Option(help="Write the proposal from this ticket as a version that waits.")] = "",
    by: Annotated[str, typer.Option("--by", help="Who takes it.")] = "",
) -> None:
    """Propose articles from closed tickets that several citizens' questions and a public reply speak for."""
    found = _with_base(home, lambda base: base.proposals(limit))
    if take:
        chosen = next((one for one in found if one.source == take), None)
        if chosen is None or not by:
            fail(f"no proposal from ticket {take[:20]!r}" if by else "--by is missing; say who takes it")
        site = _site(home)
        agency = site.category(chosen.category_code).lead_agency_rule
        wanted = Edit(
            title=chosen.title,
            answer=chosen.answer,
            category_code=chosen.category_code,
            agency_id=agency if agency in site.agencies else site.info.hotline_agency_id,
        )
        done = _with_base(home, lambda base: base.edit("", wanted, by, source=chosen.source))
        _told_version(done, as_json=as_json)
        return
    if as_json:
        say_json(found)
        return
    for one in found:
        say(f"{one.source}  {one.category_code}  {one.title}（{one.tickets}件）")


def _site(home: Path) -> Site:
    return load_site(pack_of(settings_of(home)))


def _has_database(home: Path) -> bool:
    """Whether there is an instance: a search alone must not make one."""
    url = settings_of(home).database_url
    return not url.startswith("sqlite") or Path(url.partition(":///")[2]).exists()


def _with_base(home: Path, work: Callable[[KnowledgeBase], Awaitable[_R]], index: KnowledgeIndex | None = None) -> _R:
    async def run() -> _R:
        settings = settings_of(home)
        vault = vault_of(settings)
        await upgrade(settings.database_url, vault=vault)
        async with open_database(settings.database_url, vault) as database:
            site = _site(home)
            return await work(KnowledgeBase(site, database, index or KnowledgeIndex(), lambda: datetime.now(UTC)))

    return run_async(run())


def _line(version: ArticleVersion) -> str:
    who = f"{version.author}{f' / {version.reviewer}' if version.reviewer else ''}" or "-"
    remark = f"  {version.remark}" if version.remark else ""
    return f"{version.article.id}  第{version.version}版  {version.state}  {who}  {version.article.title}{remark}"


def _told_version(version: ArticleVersion, *, as_json: bool) -> None:
    if as_json:
        say_json(msgspec.to_builtins(version))
    else:
        say(_line(version))


def _text(answer: str | None) -> str | None:
    if answer is None or not answer.startswith("@"):
        return answer
    try:
        return Path(answer[1:]).read_text(encoding="utf-8").strip()
    except OSError as error:
        _unreadable(answer[1:], error)


def _unreadable(name: str, error: OSError) -> NoReturn:
    fail(f"{name}: {error.strerror}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{text[:20]!r} is no day; write YYYY-MM-DD")
