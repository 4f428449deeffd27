"""`hotline`: the one command of the product."""

import typer

from ivr.commands import asterisk, demo, instance, knowledge, serve, site, speech, words

app = typer.Typer(
    name="hotline",
    help="Huying (呼应), the 12345 citizen hotline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(instance.setup)
app.command()(serve.serve)
app.command()(serve.desk)
app.command()(demo.demo)
app.command()(instance.doctor)
app.add_typer(asterisk.app, name="asterisk")
app.add_typer(speech.app, name="asr")
app.add_typer(knowledge.app, name="kb")
app.add_typer(words.drafting, name="draft")
app.add_typer(words.places, name="place")
app.add_typer(site.app, name="site")


def main() -> None:
    """Entry point of the `hotline` script."""
    app()
