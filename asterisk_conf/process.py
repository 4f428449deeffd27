"""One running Asterisk: started, waited for, spoken to, stopped, and never left behind."""

import asyncio
import logging
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from asterisk_conf.errors import AsteriskNotRunning, BootFailed, CommandFailed
from asterisk_conf.layout import Layout
from asterisk_conf.program import Program

_log = logging.getLogger(__name__)
_POLL_S = 0.05


@dataclass(frozen=True)
class Asterisk:
    """A program together with a rendered instance: it can be started, and asked whether it runs."""

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
            *self.program.command,
            "-C",
            str(self.layout.main_conf),
            "-rx",
            command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
        )
        try:
            async with asyncio.timeout(timeout_s):
                output, _ = await process.communicate()
        except TimeoutError as wrong:
            raise CommandFailed(
                f"Asterisk in {self.instance} did not answer {command!r} within {timeout_s:g} s"
            ) from wrong
        finally:
            await _end(process)
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

    async def start(self, *, boot_timeout_s: float = 30.0) -> "RunningAsterisk":
        """Start it and return when it is fully booted. Raises BootFailed; then no process is left.

        The process outlives ours (calls stand while the server restarts) unless `stop` or `kill` is called.
        """
        if await self.answers():
            raise BootFailed(f"an Asterisk of {self.instance} is running already: stop it, or use it")
        with self.layout.console_log.open("ab") as console:
            process = await asyncio.create_subprocess_exec(
                *self.program.command, "-f", "-n", "-C", str(self.layout.main_conf),
                stdin=DEVNULL, stdout=console, stderr=STDOUT, cwd=self.instance, start_new_session=True,
            )  # fmt: skip
        running = RunningAsterisk(self, process)
        try:
            async with asyncio.timeout(boot_timeout_s):
                await self._until_booted(process)
        except TimeoutError as wrong:
            await running.kill()
            raise BootFailed(f"Asterisk was not ready within {boot_timeout_s:g} s: {self._last_words()}") from wrong
        except BaseException:
            await running.kill()
            raise
        _log.info("asterisk started, pid %d", process.pid)
        return running

    async def _until_booted(self, process: Process) -> None:
        while True:
            if process.returncode is not None:
                raise BootFailed(f"Asterisk ended with status {process.returncode}: {self._last_words()}")
            try:
                if "fully booted" in await self.rx("core waitfullybooted"):
                    return
            except AsteriskNotRunning:
                await asyncio.sleep(_POLL_S)

    def _last_words(self) -> str:
        lines: list[str] = []
        for log in (self.layout.log / "messages.log", self.layout.console_log):
            if log.is_file():
                lines += [
                    line for line in log.read_text(errors="replace").splitlines() if "ERROR" in line or "Unable" in line
                ][-3:]
        return f"{' | '.join(lines) or 'it said nothing'} (log: {self.layout.log})"


class RunningAsterisk:
    """A started Asterisk. As an async context it is stopped at the end."""

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
                _log.info("asterisk took no stop command: %s", why)
            await _end(self._process, signals=(None, signal.SIGTERM), patience_s=timeout_s)
        _log.info("asterisk stopped, pid %d, status %s", self.pid, self._process.returncode)

    async def kill(self) -> None:
        """End it at once, as a crash would: no BYE is sent."""
        await _end(self._process)

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        await self.stop()


async def _end(process: Process, signals: tuple[signal.Signals | None, ...] = (), patience_s: float = 0.0) -> None:
    """Reap `process`: after each of `signals` (None: nothing is sent) it has `patience_s` to go, then it is killed."""
    for sent in signals:
        if process.returncode is not None:
            return
        if sent is not None:
            process.send_signal(sent)
        try:
            async with asyncio.timeout(patience_s):
                await process.wait()
        except TimeoutError:
            continue
    if process.returncode is None:
        process.kill()
        await process.wait()
