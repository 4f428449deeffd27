"""One running Asterisk: started, waited for, spoken to, stopped, and never left behind."""

import asyncio
import logging
import re
import resource
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from asterisk_conf.errors import AsteriskNotRunning, BootFailed, CommandFailed
from asterisk_conf.layout import Layout
from asterisk_conf.modules import MODULES
from asterisk_conf.program import Program

_log = logging.getLogger(__name__)
_POLL_S = 0.05
_OPEN_FILES = 65_536
_FATAL = re.compile(r"ERROR\[.*(?:Unable to bind|could not be started|Error loading module|declined to load)")
"""Complaints past which Asterisk goes on without the thing complained of; ours may not."""


@dataclass(frozen=True)
class Asterisk:
    """A program together with a rendered instance: it can be started, spoken to and stopped, by whoever started it."""

    program: Program
    instance: Path

    @property
    def layout(self) -> Layout:
        """Where the instance's parts lie."""
        return Layout(self.instance)

    async def rx(self, command: str, *, timeout_s: float = 10.0) -> str:
        """What the running Asterisk of this instance prints for a command of its command line.

        Raises AsteriskNotRunning when nothing answers on the control socket, CommandFailed past the deadline.
        """
        process = await asyncio.create_subprocess_exec(
            *self.program.command, "-C", str(self.layout.main_conf), "-rx", command,
            stdin=DEVNULL, stdout=PIPE, stderr=STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(timeout_s):
                output, _ = await process.communicate()
        except TimeoutError as wrong:
            raise CommandFailed(
                f"Asterisk in {self.instance} did not answer {command!r} within {timeout_s:g} s"
            ) from wrong
        finally:
            await _reap(process)
        text = output.decode(errors="replace")
        if process.returncode or text.startswith("Unable to connect to remote asterisk"):
            raise AsteriskNotRunning(f"no Asterisk answers in {self.instance}: start it")
        return text

    async def answers(self) -> bool:
        """Whether an Asterisk of this instance is running."""
        try:
            await self.rx("core show version")
        except (AsteriskNotRunning, CommandFailed):
            return False
        return True

    async def modules_not_running(self) -> list[str]:
        """Those of our modules that are not at work in the running Asterisk."""
        shown = await self.rx("module show")
        at_work = set(re.findall(r"^(\w+)\.so\s.*\sRunning\s", shown, re.MULTILINE))
        return [name for name in MODULES if name not in at_work]

    async def start(self, *, boot_timeout_s: float = 30.0) -> "RunningAsterisk":
        """Start it and return when it is fully booted, with every module at work and every port bound.

        Raises BootFailed; then no process is left. What is started outlives this process (calls stand while the server
        restarts) unless it is stopped.
        """
        if not self.layout.main_conf.is_file():
            raise BootFailed(f"no configuration in {self.instance}: render it first")
        if await self.answers():
            raise BootFailed(f"an Asterisk of {self.instance} is running already: use it, or stop it first")
        heard_before = self._complaints_size()
        _allow_open_files()
        with self.layout.console_log.open("ab") as console:
            process = await asyncio.create_subprocess_exec(
                *self.program.command, "-f", "-n", "-C", str(self.layout.main_conf),
                stdin=DEVNULL, stdout=console, stderr=STDOUT, cwd=self.instance, start_new_session=True,
            )  # fmt: skip
        running = RunningAsterisk(self, process)
        try:
            async with asyncio.timeout(boot_timeout_s):
                await self._until_booted(process)
                await self._check_boot(heard_before)
        except TimeoutError as wrong:
            await running.kill()
            raise BootFailed(f"Asterisk was not ready within {boot_timeout_s:g} s (log: {self.layout.log})") from wrong
        except BaseException:
            await running.kill()
            raise
        _log.info("asterisk started, pid %d", process.pid)
        return running

    async def stop(self, *, timeout_s: float = 10.0) -> None:
        """Stop a running Asterisk of this instance, whoever started it; quiet when there is none.

        Calls are hung up. Raises CommandFailed when it still answers after the deadline.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self.rx("core stop now", timeout_s=timeout_s)
                while await self.answers():  # noqa: ASYNC110  another process ends: it can only be polled
                    await asyncio.sleep(_POLL_S)
        except AsteriskNotRunning:
            return
        except TimeoutError as wrong:
            raise CommandFailed(f"Asterisk in {self.instance} did not stop within {timeout_s:g} s") from wrong

    async def _until_booted(self, process: Process) -> None:
        while True:
            if process.returncode is not None:
                complaint = " | ".join(self._console_end()) or "it said nothing"
                raise BootFailed(
                    f"Asterisk ended with status {process.returncode}: {complaint} (log: {self.layout.log})"
                )
            try:
                if "fully booted" in await self.rx("core waitfullybooted"):
                    return
            except AsteriskNotRunning:
                await asyncio.sleep(_POLL_S)

    async def _check_boot(self, heard_before: int) -> None:
        """Asterisk boots without the ports and modules it cannot have, which would be a hotline nobody reaches."""
        if not self._complaints.exists():
            raise BootFailed(f"Asterisk keeps no log in {self.layout.log}: see that it can write there")
        with self._complaints.open("rb") as file:
            file.seek(heard_before)
            said = file.read().decode(errors="replace").splitlines()
        if fatal := [line.split("] ", 1)[-1] for line in said if _FATAL.search(line)]:
            raise BootFailed(f"Asterisk came up maimed: {' | '.join(fatal[:3])} (log: {self._complaints})")
        if idle := await self.modules_not_running():
            raise BootFailed(f"Asterisk came up without {', '.join(idle[:5])} (log: {self._complaints})")

    @property
    def _complaints(self) -> Path:
        return self.layout.log / "messages.log"

    def _complaints_size(self) -> int:
        return self._complaints.stat().st_size if self._complaints.exists() else 0

    def _console_end(self) -> list[str]:
        return self.layout.console_log.read_text(errors="replace").splitlines()[-3:]


class RunningAsterisk:
    """An Asterisk that is our child. As an async context it is stopped at the end."""

    def __init__(self, asterisk: Asterisk, process: Process) -> None:
        self.asterisk = asterisk
        self._process = process

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self._process.returncode

    async def rx(self, command: str, *, timeout_s: float = 10.0) -> str:
        """See `Asterisk.rx`."""
        return await self.asterisk.rx(command, timeout_s=timeout_s)

    async def wait(self) -> int:
        """The exit status, once it ends."""
        return await self._process.wait()

    async def stop(self, *, timeout_s: float = 10.0) -> None:
        """Hang up every call and end the process: by its own command, else by SIGTERM, else by SIGKILL."""
        if self._process.returncode is None:
            try:
                await self.rx("core stop now", timeout_s=timeout_s)
            except (AsteriskNotRunning, CommandFailed) as why:
                _log.warning("asterisk took no stop command: %s", why)
                self._process.terminate()
            await _reap(self._process, patience_s=timeout_s)
        _log.info("asterisk stopped, pid %d, status %s", self.pid, self._process.returncode)

    async def kill(self) -> None:
        """End it at once, as a crash would: phones get no BYE."""
        await _reap(self._process)

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        await self.stop()


async def _reap(process: Process, *, patience_s: float = 0.0) -> None:
    """Wait for the process's end; past the patience it is killed. Afterwards it is gone, even if we are cancelled."""
    try:
        async with asyncio.timeout(patience_s):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()


def _allow_open_files() -> None:
    """Lift the soft limit on open files, which Asterisk inherits: a call holds about thirty, the default is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
