"""The supervised Asterisk: started if it does not run, adopted if it does, started again when it dies.

It outlives the server on purpose: while the server is away, calls in progress go on and new ones hear the fallback.
"""

import asyncio
import logging
import os
from pathlib import Path

from asterisk_conf.errors import BootFailed
from asterisk_conf.process import Asterisk

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
RETRY_AFTER_S = 2.0


async def ensure_running(asterisk: Asterisk, sip_port: int) -> int:
    """Start Asterisk, or adopt the one of this instance that runs; returns its process id.

    Raises `BootFailed`, also for one that runs on another SIP port: that cannot be changed without ending its calls.
    """
    if (pid := _living(asterisk.layout.run / "asterisk.pid")) is None or not await asterisk.answers():
        return (await asterisk.start()).pid
    await asterisk.rx("core reload")
    if f":{sip_port}\n" not in await asterisk.rx("pjsip show transports"):
        raise BootFailed(
            f"an Asterisk of {asterisk.instance} runs on another port than [asterisk] sip_port {sip_port}; "
            "`hotline asterisk stop` ends it and its calls"
        )
    _log.info("asterisk adopted, pid %d", pid)
    return pid


async def supervise(asterisk: Asterisk, sip_port: int, pid: int) -> None:
    """Keep it running; returns only by cancellation. `pid` is the process that runs now."""
    while True:
        while _is_alive(pid):  # noqa: ASYNC110 - a process that is not our child has no event to wait for
            await asyncio.sleep(LOOK_EVERY_S)
        _log.error("asterisk died, pid %d; starting it again", pid)
        try:
            pid = await ensure_running(asterisk, sip_port)
        except BootFailed as why:
            _log.error("asterisk does not start: %s; next try in %g s", why, RETRY_AFTER_S)
            await asyncio.sleep(RETRY_AFTER_S)


def _living(pid_file: Path) -> int | None:
    try:
        pid = int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if _is_alive(pid) else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    except PermissionError:
        return True
    return state != "Z"
