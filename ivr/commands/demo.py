"""`hotline demo`."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from ivr.commands.common import AsJson, Home, note, run_async, say, told
from ivr.demo.report import Report
from ivr.demo.run import demonstrate

DEMO_HOME = Path(".huying/demo")


@told
def demo(
    home: Home = DEMO_HOME,
    as_json: AsJson = False,
    desk: Annotated[
        bool | None, typer.Option("--desk/--no-desk", help="Show the desk; by default where there is a terminal.")
    ] = None,
) -> None:
    """Run one real call by itself: a citizen phones and speaks, an agent answers, a work order is dispatched."""
    at_terminal = not as_json and (sys.stdin.isatty() and sys.stdout.isatty() if desk is None else desk)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside, it still leaves nothing running
    report = Report(say, as_json=as_json)
    try:
        result = run_async(demonstrate(home, report, at_terminal=at_terminal))
    except TimeoutError as late:
        note(f"hotline: {late}")
        raise typer.Exit(1) from late
    report.whole(result)
