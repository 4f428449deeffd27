"""How the work-order room may fail.

TicketingError
├── SitePackBroken      a site pack has faults; carries each with file, line and mend
├── SheetUnreadable     a file to be brought in is no table we can read
├── UnknownId           an agency, category, place, article, draft or ticket that does not exist was named
├── DraftIncomplete     a draft cannot be submitted; carries the fields that are missing
├── AlreadySubmitted    the draft became a ticket before; carries its reference
├── DueTimeRefused      a due time set by hand gives more time than the rule, or none at all
├── StepRefused         a ticket's step is not open now, or not to this person; says why and what is open
├── AccessRefused       this person may not see this, or must say why
├── ChangedMeanwhile    somebody else changed the thing first; carries what they changed
├── KeysUnusable        the key file is missing, broken, or another one than citizens' identities were sealed with
├── Conflict            the database refused a row that breaks one of its named constraints
├── CalendarUnknown     the working-day calendar does not cover a year
├── DatabaseUnready     the database is absent or its schema is not this release's
├── DatabaseUnavailable the database did not answer, or is locked for too long (retryable)
├── SignInRefused       number and password do not open an account, or the account is locked
└── GatewayFailed       an agency's gateway did not take a dispatch (retryable, or final)
"""

from datetime import datetime

from ticketing.vocabulary import FieldName


class TicketingError(Exception):
    """Root of this package's errors."""


class SitePackBroken(TicketingError):
    """The pack cannot be used; `faults` are lines `file:line: what is wrong; mend`."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("site pack has faults:\n" + "\n".join(faults))


class SheetUnreadable(TicketingError):
    """A CSV or Excel file cannot be read as a table; the text names it and the mend."""


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


class DueTimeRefused(TicketingError):
    """The due time a person set cannot stand; `reason` is for them (Chinese)."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"due time refused: {reason}")


class StepRefused(TicketingError):
    """The step was not taken. `reason` is for the person (Chinese); `open_steps` are kinds they may take instead."""

    def __init__(self, reason: str, open_steps: tuple[str, ...] = ()) -> None:
        self.reason = reason
        self.open_steps = open_steps
        super().__init__(f"step refused: {reason}; open: {', '.join(open_steps) or 'none'}")


class AccessRefused(TicketingError):
    """Not shown to this person; `reason` is for them (Chinese)."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"access refused: {reason}")


class CalendarUnknown(TicketingError):
    """The published calendar ends before the year asked for; update `chinesecalendar` or the override table."""


class KeysUnusable(TicketingError):
    """Who citizens are cannot be read or written without the instance's own key file."""


class DatabaseUnready(TicketingError):
    """Run `hotline setup`, or check the database address in the settings."""


class DatabaseUnavailable(TicketingError):
    """Nothing of the unit of work happened; it may be tried again."""


class ChangedMeanwhile(TicketingError):
    """The thing is not as it was when it was read; nothing was written. Read it again and decide again."""

    def __init__(self, what: str, changed: tuple[str, ...] = ()) -> None:
        self.changed = changed
        super().__init__(f"{what} was changed meanwhile" + (f": {', '.join(changed)}" if changed else ""))


class Conflict(TicketingError):
    """A row would break a constraint; nothing of the unit of work was kept. Never carries the row's values."""

    def __init__(self, constraint: str) -> None:
        self.constraint = constraint
        super().__init__(f"the database refused a row: {constraint}")


class SignInRefused(TicketingError):
    """No account opens with these words; the text never says which of them was wrong.

    `locked_until` (UTC) is set while too many failures keep the account shut, whatever the password.
    """

    def __init__(self, locked_until: datetime | None = None) -> None:
        self.locked_until = locked_until
        super().__init__("sign-in refused" if locked_until is None else "sign-in refused: too many failures")


class GatewayFailed(TicketingError):
    """A dispatch was not taken.

    `final`: trying again cannot help, a person must look. `may_have_arrived`: the agency may hold it all the same (no
    reply in time), so its clock may be running.
    """

    def __init__(self, why: str, *, final: bool = False, may_have_arrived: bool = False) -> None:
        self.final = final
        self.may_have_arrived = may_have_arrived
        super().__init__(why)
