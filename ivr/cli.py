"""`hotline`: the one command of the product."""

import typer

from ivr.commands import asterisk, site

app = typer.Typer(
    name="hotline",
    help="Huying (呼应), the 12345 citizen hotline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(asterisk.app, name="asterisk")
app.add_typer(site.app, name="site")


def main() -> None:
    """Entry point of the `hotline` script."""
    app()
