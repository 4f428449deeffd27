from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus, InvalidURI
from websockets.http11 import Response

from ivr.ari.account import AriAccount, LinkTimes
from ivr.ari.backoff import Backoff
from ivr.ari.verdicts import PhoneUnreachable, fatal, refusal
from ivr.ports import AsteriskUnavailable, LegGone, RequestRefused

ACCOUNT = AriAccount(url="http://127.0.0.1:8088/ari", user="hotline", password="secret", app="hotline")
TIMES = LinkTimes()


def refused(status: int) -> InvalidStatus:
    return InvalidStatus(Response(status, HTTPStatus(status).phrase, Headers()))


@pytest.mark.parametrize(
    ("failure", "refused_for_ms", "mend"),
    [
        (refused(401), 0, "user and password"),
        (refused(403), 0, "user and password"),
        (refused(400), 0, "app"),
        (refused(404), TIMES.refused_ms, "url"),
        (refused(404), TIMES.refused_ms - 1, None),
        (refused(503), 1e9, None),
        (refused(500), 1e9, None),
        (InvalidURI("x", "not one"), 0, "url"),
        (ConnectionRefusedError(), 1e9, None),
        (TimeoutError(), 1e9, None),
    ],
)
def test_what_is_fatal_names_its_mend(failure: Exception, refused_for_ms: float, mend: str | None) -> None:
    verdict = fatal(failure, ACCOUNT, refused_for_ms, TIMES)
    if mend is None:
        assert verdict is None
    else:
        assert verdict is not None
        assert f"mend {mend}" in verdict
        assert "secret" not in verdict


@pytest.mark.parametrize(
    ("status", "reason", "gone", "error"),  # `gone`: statuses that mean LegGone in reply to this request
    [
        (200, "OK", {404}, None),
        (204, "No Content", set(), None),
        (404, "Channel not found", {404, 409}, LegGone),
        (409, "Channel not in Stasis application", {404, 409}, LegGone),
        (404, "Not Found", set(), RequestRefused),
        (409, "exists", set(), RequestRefused),
        (412, "Channel in invalid state", {404, 409}, RequestRefused),
        (422, "Channel not in Stasis application", {400, 404, 409, 422}, LegGone),
        (401, "Authentication required", set(), RequestRefused),
        (500, "Internal Server Error", set(), AsteriskUnavailable),
        (503, "Asterisk not booted", {404}, AsteriskUnavailable),
        (500, "Allocation failed", set(), PhoneUnreachable),
    ],
)
def test_statuses_become_errors(status: int, reason: str, gone: set[int], error: type[Exception] | None) -> None:
    raised = refusal(status, reason, "answer", dict.fromkeys(gone, LegGone))
    assert type(raised) is (error or type(None))
    if raised is not None:
        assert str(raised).startswith(f"answer: {status} {reason}")


@given(st.integers(1, 60_000), st.integers(1, 60_000), st.integers(1, 60), st.floats(0, 1))
def test_pauses_double_up_to_their_bound(from_ms: int, to_ms: int, attempts: int, draw: float) -> None:
    pauses = Backoff(from_ms, to_ms, lambda low, high: low + draw * (high - low))
    for attempt in range(attempts):
        whole = min(to_ms, from_ms * 2**attempt)
        assert whole / 2 <= pauses.next_ms() <= whole
    pauses.settle()
    assert pauses.next_ms() <= min(to_ms, from_ms)
