"""How the work-order room may fail.

TicketingError
├── SitePackBroken      a site pack has faults; carries each with file, line and mend
├── UnknownId           an agency, category, place, article, draft or ticket that does not exist was named
├── DraftIncomplete     a draft cannot be submitted; carries the fields that are missing
├── AlreadySubmitted    the draft became a ticket before; carries its reference
├── CalendarUnknown     the working-day calendar does not cover a year
├── DatabaseUnready     the database is absent or its schema is not this release's
└── GatewayFailed       an agency's gateway did not take a dispatch (retryable)
"""

from ticketing.vocabulary import FieldName


class TicketingError(Exception):
    """Root of this package's errors."""


class SitePackBroken(TicketingError):
    """The pack cannot be used; `faults` are lines `file:line: what is wrong; mend`."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("site pack has faults:\n" + "\n".join(faults))


class UnknownId(TicketingError):
    """Something was named that does not exist."""


class DraftIncomplete(TicketingError):
    """The draft lacks what a ticket needs."""

    def __init__(self, missing: tuple[FieldName, ...]) -> None:
        self.missing = missing
        super().__init__("draft lacks: " + ", ".join(missing))


class AlreadySubmitted(TicketingError):
    """The draft is a ticket already; submitting again changes nothing."""

    def __init__(self, reference: str) -> None:
        self.reference = reference
        super().__init__(f"already submitted as {reference}")


class CalendarUnknown(TicketingError):
    """The published calendar ends before the year asked for; update `chinesecalendar` or the override table."""


class DatabaseUnready(TicketingError):
    """Run `hotline setup`, or check the database address in the settings."""


class GatewayFailed(TicketingError):
    """The dispatch was not taken; it stays in the outbox and is tried again."""
