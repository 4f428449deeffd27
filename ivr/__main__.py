"""`python -m ivr` is `hotline`."""

from ivr.cli import main

main()
