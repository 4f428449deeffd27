"""The fallback process of an instance: started where it does not run, started again when it dies, never stopped here.

It is nobody's child, so that it outlives the server; its lock file says whether it runs, as which process, where.
"""

import asyncio
import fcntl
import logging
import os
import signal
import subprocess
import sys

from asterisk_conf.layout import Layout
from ivr.settings import Settings, SettingsError

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
RETRY_AFTER_S = 5.0
STARTS_WITHIN_S = 20.0
STOPS_WITHIN_S = 5.0


def running(settings: Settings) -> tuple[int, int] | None:
    """Process id and port of this instance's fallback; None where there is none."""
    path = Layout(settings.asterisk_home).run / "fallback.pid"
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        words = os.pread(descriptor, 64, 0).split()
        return (int(words[0]), int(words[1])) if len(words) == 2 else None
    finally:
        os.close(descriptor)
    return None


async def ensure(settings: Settings) -> None:
    """Let the fallback run on the settings' port. Raises `SettingsError` where that port is another's."""
    port = settings.asterisk.fallback_port
    if (found := running(settings)) is not None:
        if found[1] == port:
            return
        await stop(settings)
    await asyncio.to_thread(_start, settings, port)
    async with asyncio.timeout(STARTS_WITHIN_S):
        while running(settings) is None:  # noqa: ASYNC110 - another's process, as below
            await asyncio.sleep(0.02)


async def supervise(settings: Settings) -> None:
    """Keep it running; returns only by cancellation."""
    while True:
        try:
            await ensure(settings)
        except (SettingsError, TimeoutError) as why:
            _log.error("no fallback: %s; next try in %g s", why, RETRY_AFTER_S)
            await asyncio.sleep(RETRY_AFTER_S)
        while running(settings) is not None:  # noqa: ASYNC110 - another's process has no event to wait for
            await asyncio.sleep(LOOK_EVERY_S)
        _log.error("the fallback died; starting it again")


async def stop(settings: Settings) -> None:
    """End it; quiet where it does not run."""
    if (found := running(settings)) is None:
        return
    os.kill(found[0], signal.SIGTERM)
    async with asyncio.timeout(STOPS_WITHIN_S):
        while running(settings) is not None:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)


def _start(settings: Settings, port: int) -> None:
    log = Layout(settings.asterisk_home).log
    log.mkdir(parents=True, exist_ok=True, mode=0o700)
    words = ["-m", "ivr.fallback", "--home", str(settings.home), "--port", str(port), "--detach"]
    with (log / "fallback.log").open("ab") as file:
        started = subprocess.run(
            [sys.executable, *words], stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False,
            timeout=STARTS_WITHIN_S,
        )  # fmt: skip
    if started.returncode:
        last = (log / "fallback.log").read_text(errors="replace").strip().splitlines()[-1:]
        raise SettingsError(f"the fallback does not start: {' '.join(last)}")
