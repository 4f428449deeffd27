"""`python -m agent_console.web`: the desks and the wallboard for browsers. Loopback unless told otherwise.

Exit codes: 0 ended by a signal, 2 wrong arguments or an address that cannot be had.
"""

import argparse
import asyncio
import logging
import signal
import ssl
import sys
from pathlib import Path
from typing import Final

from aiohttp import web

from agent_console.tones import THEMES
from agent_console.web.site import site
from agent_console.web.terminals import Terminals, desk_command
from agent_console.web.viewers import Viewers
from ivr.desk.catalogue import Language, load

USAGE: Final = 2


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m agent_console.web", description="Desks in the browser.")
    parser.add_argument("--server", default="ws://127.0.0.1:8712", help="the hotline server's address for desks")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", default=8713, type=int, help="port to listen at; 0 takes any free one")
    parser.add_argument("--certificate", type=Path, help="PEM file of the certificate chain; with it, HTTPS")
    parser.add_argument("--key", type=Path, help="PEM file of its private key")
    parser.add_argument("--lang", default=Language.CHINESE.value, choices=[*Language])
    parser.add_argument("--theme", default="dark", choices=[*THEMES])
    given = parser.parse_args(arguments)
    if (given.certificate is None) != (given.key is None):
        parser.error("--certificate and --key belong together")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    try:
        asyncio.run(_serve(given))
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or type(error).__name__
        print(f"{given.host}:{given.port}: {reason}; choose another address or certificate", file=sys.stderr)  # noqa: T201 the command line speaks to the person who called it
        return USAGE
    return 0


async def _serve(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for end in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(end, stop.set)
    tls = None
    if given.certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(given.certificate, given.key)
    terminals = Terminals(desk_command(given.server, given.lang, given.theme))
    runner = web.AppRunner(site(terminals, Viewers(given.server), load(Language(given.lang))), shutdown_timeout=2.0)
    await runner.setup()
    try:
        listener = web.TCPSite(runner, given.host, given.port, ssl_context=tls)
        await listener.start()
        port = runner.addresses[0][1]
        scheme = "https" if tls else "http"
        print(f"ready: {scheme}://{given.host}:{port}/ (desks), {scheme}://{given.host}:{port}/wall", flush=True)  # noqa: T201 as above
        keeping = asyncio.create_task(terminals.run(), name="terminals")
        await stop.wait()
        keeping.cancel()
        await asyncio.wait([keeping])
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())
