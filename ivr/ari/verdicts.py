"""What a failure means: retry or give up, gone or refused. Pure."""

from collections.abc import Mapping
from http import HTTPStatus

from websockets.exceptions import InvalidStatus, InvalidURI

from ivr.ari.account import AriAccount, LinkTimes
from ivr.ports import AsteriskUnavailable, HotlineError, RequestRefused

_NO_SUCH_PHONE = "Allocation failed"
"""Originate's 500 for an endpoint that is unknown or has no registered phone."""


class PhoneUnreachable(RequestRefused):
    """Nothing can be rung at this endpoint now."""


class BridgeMissing(RequestRefused):
    """There is no such bridge to enter."""


class BridgeStands(RequestRefused):
    """A bridge of this id stands already."""


def fatal(failure: Exception, account: AriAccount, refused_for_ms: float, times: LinkTimes) -> str | None:
    """What must be mended before connecting can ever succeed, or None where trying again is right.

    `refused_for_ms` is how long Asterisk has been answering, and refusing, without a break. Network errors, time-outs
    and 5xx (503 is "not booted yet") are retried for ever; credentials are wrong at once; a missing page is believed
    only after `times.refused_ms`.
    """
    if isinstance(failure, InvalidURI):
        return f"the ARI address {account.url!r} is not one: mend url"
    if isinstance(failure, InvalidStatus):
        status = failure.response.status_code
        where = f"{account.url} (HTTP {status})"
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return f"Asterisk refused ARI user {account.user!r} at {where}: mend user and password to match ari.conf"
        if status == HTTPStatus.BAD_REQUEST:
            return f"Asterisk refused ARI application {account.app!r} at {where}: mend app"
        if status < HTTPStatus.INTERNAL_SERVER_ERROR and refused_for_ms >= times.refused_ms:
            return f"no ARI at {where}: mend url, or enable ari.conf, http.conf and res_ari in Asterisk"
        return None
    return None


def refusal(status: int, reason: str, what: str, meaning: Mapping[int, type[HotlineError]]) -> HotlineError | None:
    """The error a response of `status` stands for, None for success.

    `what` names the request without a citizen's data; `meaning` are the statuses that say something particular in reply
    to that request, mostly that what it acts on is gone.
    """
    if status < HTTPStatus.BAD_REQUEST:
        return None
    text = f"{what}: {status} {reason}"
    if status in meaning:
        return meaning[status](text)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR and reason == _NO_SUCH_PHONE:
        return PhoneUnreachable(text)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AsteriskUnavailable(text)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return RequestRefused(f"{text}; mend the ARI user's password, and read_only=no in ari.conf")
    return RequestRefused(text)
