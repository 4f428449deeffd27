"""`hotline asterisk …`: install, configure, start and stop the telephone exchange."""

import typer

from asterisk_conf import install as installer
from asterisk_conf import program
from asterisk_conf.process import Asterisk
from ivr.commands.common import DEFAULT_HOME, Home, fail, note, run_async, say, settings_of, told
from ivr.instance import Instance
from ivr.understudy import stop as stop_fallback

app = typer.Typer(help="The telephone exchange: install, configure, start, stop.", no_args_is_help=True)


@app.command()
@told
def install(home: Home = DEFAULT_HOME) -> None:
    """Make sure there is an Asterisk new enough: the machine's own, or one in a folder, without root."""
    settings = settings_of(home)
    found = program.on_system() or installer.ensure(settings.prefix, progress=note)
    say(f"Asterisk {found.version_text}")


@app.command()
@told
def render(home: Home = DEFAULT_HOME) -> None:
    """Write Asterisk's configuration from the settings, the roster and the site pack."""
    _, rendered = Instance.made(settings_of(home)).prepare_asterisk(note)
    say(f"configuration in force: {rendered.layout.conf}")


@app.command()
@told
def start(home: Home = DEFAULT_HOME) -> None:
    """Start Asterisk and leave it running."""

    async def main() -> None:
        asterisk, _ = Instance.made(settings_of(home)).prepare_asterisk(note)
        running = await asterisk.start()
        say(f"Asterisk runs, process {running.pid}")

    run_async(main())


@app.command()
@told
def stop(home: Home = DEFAULT_HOME) -> None:
    """Stop Asterisk at once, and the fallback with it: every call it carries ends."""

    async def main() -> None:
        settings = settings_of(home)
        await stop_fallback(settings)
        found = program.on_system() or program.in_prefix(settings.prefix)
        asterisk = Asterisk(found, settings.asterisk_home)
        if not await asterisk.answers():
            fail(f"no Asterisk of {settings.asterisk_home} is running")
        await asterisk.rx("core stop now")
        say("Asterisk stopped")

    run_async(main())
