"""`hotline recording …`: the sound of past calls."""

from datetime import timedelta
from typing import Annotated

import msgspec
import typer

from ivr.commands.common import DEFAULT_HOME, AsJson, Home, run_async, say, say_json, settings_of, told
from ivr.retention import forget_recordings, matter_open
from ticketing.database import open_database
from ticketing.service import utc_now

app = typer.Typer(help="Recordings of calls.", no_args_is_help=True)


@app.command("forget")
@told
def forget(
    older_than: Annotated[int, typer.Option(min=1, help="Days since the call ended.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Remove recordings past their time; those of open matters are kept, and so are words and events."""

    async def main() -> None:
        settings, now = settings_of(home), utc_now()
        async with open_database(settings.database_url) as database:
            done = await forget_recordings(
                database,
                settings.recordings,
                before=now - timedelta(days=older_than),
                now=now,
                needed=matter_open,
                dry_run=dry_run,
            )
        if as_json:
            say_json(msgspec.to_builtins(done))
        else:
            say(f"通话 {done.calls} 件，文件 {done.files} 个，{done.bytes // 1_000_000} MB；未办结保留 {done.kept} 件")

    run_async(main())
