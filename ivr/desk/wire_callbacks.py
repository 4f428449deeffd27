"""The console protocol's callback queue: who has to be called, who calls them, how it went. Pure.

A person takes a citizen with a lease that is theirs alone, dials, and says how it went. The lease is the person's, not
the desk's: after a lost connection it is still there. It ends by itself at `until` unless it is renewed; while a call
that `DialCallback` made stands, the server renews it.
"""

from datetime import datetime
from typing import TypeAlias

import msgspec

from ivr.desk.envelope import FromDesk, FromServer, News
from ticketing.vocabulary import CallbackKind, CallbackState, CallOutcome


class CallbackCard(msgspec.Struct, frozen=True, kw_only=True):
    """A citizen to be called: since when they wait, from when and until when they should be called (UTC).

    The number is masked. A visit has its ticket's `reference` and `title`. `taken_by` is who calls them just now, until
    `until`; `by_name` what people call them.
    """

    id: int
    kind: CallbackKind
    state: CallbackState
    masked_number: str
    reference: str | None
    title: str
    entered_at: datetime
    not_before: datetime
    due_at: datetime
    attempts: int
    outcome: str
    taken_by: str | None = None
    by_name: str = ""
    until: datetime | None = None
    closed_at: datetime | None = None


# ---- from the desk


class ListCallbacks(FromDesk, frozen=True, kw_only=True):
    """A page of the queue; answered by `CallbackList`. Empty `kinds` are all of them.

    Those who wait in the order they will be called, the others newest first. `after` is the last card's id of the page
    before; at most `limit` cards (1 to 100).
    """

    kinds: tuple[CallbackKind, ...] = ()
    state: CallbackState = CallbackState.WAITING
    after: int | None = None
    limit: int = 50


class TakeCallback(FromDesk, frozen=True, kw_only=True):
    """Take a citizen, or (None) whoever is next of `kinds`; answered by `CallbackTaken`.

    `refused.callback_none` when nobody is due, `refused.callback_taken` (`by`) when somebody else has them,
    `refused.callback_gone` when nobody has to call them any more, `refused.quiet_hours` for a visit now.
    """

    callback: int | None = None
    kinds: tuple[CallbackKind, ...] = ()


class DialCallback(FromDesk, frozen=True, kw_only=True):
    """Ring my phone and then the citizen I have taken; answered by `Dialling`. Whole numbers never reach the desk."""

    callback: int


class RenewCallback(FromDesk, frozen=True, kw_only=True):
    """I am still at it; answered by `CallbackTaken` with the new end."""

    callback: int


class SettleCallback(FromDesk, frozen=True, kw_only=True):
    """How it went; answered by `CallbackSettled`.

    For a visit that reached the citizen `solved` and `satisfied` are two questions; each may stay unasked (None). What
    follows for the ticket (closed, done anew, supervised) is decided by the rules, in the same piece of work.
    """

    callback: int
    outcome: CallOutcome
    solved: bool | None = None
    satisfied: bool | None = None
    note: str = ""


class HandBackCallback(FromDesk, frozen=True, kw_only=True):
    """I do not call them after all: free for others, and no attempt."""

    callback: int


class ReassignCallback(FromDesk, frozen=True, kw_only=True):
    """Give a citizen to this person, whoever has them now; answered by `CallbackTaken`. Supervisors only."""

    callback: int
    to: str


CallbackRequest: TypeAlias = (
    ListCallbacks | TakeCallback | DialCallback | RenewCallback | SettleCallback | HandBackCallback | ReassignCallback
)


# ---- from the server


class CallbackList(FromServer, frozen=True, kw_only=True):
    """Answer to `ListCallbacks`; `more` if the page is not the last."""

    request: int
    cards: tuple[CallbackCard, ...]
    more: bool


class CallbackTaken(FromServer, frozen=True, kw_only=True):
    """Answer to `TakeCallback`, `RenewCallback` and `ReassignCallback`."""

    request: int
    card: CallbackCard


class Dialling(FromServer, frozen=True, kw_only=True):
    """Answer to `DialCallback`: the call that is being made; it comes to the desk's view as any other call does."""

    request: int
    callback: int
    call: str


class CallbackSettled(FromServer, frozen=True, kw_only=True):
    """Answer to `SettleCallback`: done, or waiting for the next attempt from `card.not_before`."""

    request: int
    card: CallbackCard


class CallbacksNews(News, frozen=True, kw_only=True):
    """回拨队列: who waits (the first 100, in the order they will be called), how many do, how many are late."""

    cards: tuple[CallbackCard, ...]
    waiting: int
    overdue: int


CallbackAnswer: TypeAlias = CallbackList | CallbackTaken | Dialling | CallbackSettled
