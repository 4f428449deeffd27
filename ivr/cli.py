"""`hotline`: the one command of the product."""

import typer

from ivr.commands import (
    asterisk,
    callback,
    deadline,
    demo,
    instance,
    knowledge,
    measures,
    privacy,
    serve,
    sheets,
    site,
    speech,
    ticket,
    words,
)

app = typer.Typer(
    name="hotline",
    help="Huying (呼应), the 12345 citizen hotline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(instance.setup)
app.command()(serve.serve)
app.command()(serve.desk)
app.command()(serve.web)
app.command()(demo.demo)
app.command()(instance.doctor)
app.command()(deadline.deadline)
app.command()(measures.measures)
app.add_typer(asterisk.app, name="asterisk")
app.add_typer(speech.app, name="asr")
app.add_typer(knowledge.app, name="kb")
app.add_typer(words.drafting, name="draft")
app.add_typer(words.places, name="place")
app.add_typer(site.app, name="site")
app.add_typer(ticket.app, name="ticket")
app.add_typer(callback.app, name="callback")
app.add_typer(privacy.app, name="privacy")
app.add_typer(sheets.importing, name="import")
app.add_typer(sheets.exporting, name="export")


def main() -> None:
    """Entry point of the `hotline` script."""
    app()
