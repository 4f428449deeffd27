"""`hotline serve` and `hotline desk`."""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from ivr.bootstrap import open_hotline
from ivr.commands.common import DEFAULT_HOME, Home, note, run_async, say, settings_of, told
from ivr.settings import Settings


@told
def serve(home: Home = DEFAULT_HOME, verbose: Annotated[bool, typer.Option("--verbose", "-v")] = False) -> None:
    """Run the hotline server. Prints `ready` when calls are taken; Ctrl-C or SIGTERM ends it, calls go on."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for chatty in ("websockets", "httpx", "httpcore", "aiosqlite", "asyncio", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    run_async(_serve(settings_of(home)))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for end in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(end, stop.set)
    async with open_hotline(settings, note) as hotline:
        site = hotline.instance.site.info
        sip = f"sip:{site.hotline_number}@{settings.asterisk.sip_host}:{settings.asterisk.sip_port}"
        say(f"ready: {site.name}, {sip}, desks at ws://{settings.desk.host}:{hotline.port}")
        await stop.wait()
        note("letting go; calls go on in Asterisk (`hotline asterisk stop` ends it)")


def desk(
    server: Annotated[str, typer.Option(help="The server's address.")] = "ws://127.0.0.1:8711",
    agent: Annotated[str, typer.Option(help="Agent number.")] = "",
    password_file: Annotated[Path | None, typer.Option(help="File with the password, for unattended starts.")] = None,
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    theme: Annotated[str, typer.Option(help="dark, light or contrast.")] = "dark",
) -> None:
    """Open an agent's desk in this terminal."""
    words = [sys.executable, "-m", "agent_console", "--server", server, "--lang", lang, "--theme", theme]
    if agent:
        words += ["--agent", agent]
    if password_file is not None:
        words += ["--password-file", str(password_file)]
    os.execv(sys.executable, words)  # noqa: S606 - the desk takes this process's place; there is no shell


def web(
    server: Annotated[str, typer.Option(help="The server's address.")] = "ws://127.0.0.1:8711",
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at.")] = 8713,
    certificate: Annotated[Path | None, typer.Option(help="PEM file of the certificate; with it, HTTPS.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file of the certificate's key.")] = None,
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    theme: Annotated[str, typer.Option(help="dark, light or contrast.")] = "dark",
) -> None:
    """Serve the desks and the wallboard to browsers."""
    words = [sys.executable, "-m", "agent_console.web", "--server", server, "--host", host, "--port", str(port)]
    words += ["--lang", lang, "--theme", theme]
    if certificate is not None:
        words += ["--certificate", str(certificate)]
    if key is not None:
        words += ["--key", str(key)]
    os.execv(sys.executable, words)  # noqa: S606 - as for the desk
