"""Tokens with which a desk resumes after a lost connection or a restarted server: signed, dated, not stored. Pure."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from ivr.calls.vocabulary import AgentId

LIFETIME = timedelta(hours=12)
"""Longer than any shift, shorter than two."""


class TokenInvalid(Exception):
    """Forged, altered or too old; the desk must ask for the password."""


def issue(secret: str, agent: AgentId, now: datetime) -> str:
    """A token for `agent`, good until `now` + `LIFETIME`."""
    head = f"{agent}.{int(now.timestamp())}"
    return f"{head}.{_sign(secret, head)}"


def read(secret: str, token: str, now: datetime) -> tuple[AgentId, datetime]:
    """Whose token it is and when it was issued (UTC). Raises `TokenInvalid`."""
    agent, _, rest = token.partition(".")
    issued, _, signature = rest.partition(".")
    if not hmac.compare_digest(signature.encode(), _sign(secret, f"{agent}.{issued}").encode()):
        raise TokenInvalid("the signature does not match")
    at = datetime.fromtimestamp(int(issued), UTC)
    if not at <= now + timedelta(minutes=1) or now - at > LIFETIME:
        raise TokenInvalid("the token is too old")
    return AgentId(agent), at


def _sign(secret: str, head: str) -> str:
    return hmac.new(secret.encode(), head.encode(), hashlib.sha256).hexdigest()
