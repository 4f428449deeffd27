"""进度查询: a citizen keys in their work order's number and hears how it stands, then may wait for a person."""

from ivr.calls import effects as do
from ivr.calls import events as ev
from ivr.calls.dialling import Dialling
from ivr.calls.work import Timer

DONE = "#"
AGAIN = "*"


class Enquiring(Dialling):
    """Within the menu. `typed` is what was keyed in so far, None where nothing is asked for."""

    typed: str | None = None
    _asked_for: str | None = None
    _failed = 0

    def _enquire(self) -> None:
        assert self.citizen is not None
        self._work.cancel(Timer.PROMPT, Timer.NO_INPUT)
        self._voice.hush()
        self.typed = ""
        self._voice.play(self.citizen, self.plan.enquiry.ask)
        self._work.start(Timer.NO_INPUT, self.plan.enquiry.wait_ms)

    def _keyed(self, digit: str) -> None:
        """A key of the number; `*` begins it anew, `#` ends it early."""
        assert self.typed is not None
        self._voice.hush()
        if digit == AGAIN:
            self.typed = ""
        elif digit.isdecimal():
            self.typed += digit
        if len(self.typed) >= self.plan.enquiry.length or (digit == DONE and self.typed):
            self._asked_for, self.typed = self.typed, None
            self._work.add(do.LookUp(reference=self._asked_for))
        self._work.start(Timer.NO_INPUT, self.plan.enquiry.wait_ms)

    def _looked_up(self, event: ev.LookedUp) -> None:
        if event.reference != self._asked_for or self.citizen is None:
            return
        self._asked_for = None
        self._work.cancel(Timer.NO_INPUT)
        if not event.sounds:
            self._failed += 1
        sounds = event.sounds or self.plan.enquiry.not_found
        if self._voice.play(self.citizen, sounds):
            self._work.start(Timer.PROMPT, self.plan.prompt_ms)
        else:
            self._work.start(Timer.NO_INPUT, self.plan.menu.wait_ms)
