"""Where Asterisk's REST interface is, who we are there, and how long we wait for it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class AriAccount:
    """An ARI user and application. `url` ends in `/ari` (`http://127.0.0.1:8088/ari`)."""

    url: str
    user: str
    password: str = field(repr=False)
    app: str = "hotline"

    def __post_init__(self) -> None:
        if self.url.endswith("/"):
            raise ValueError(f"ARI url {self.url!r}: leave the last slash away")

    @property
    def events_url(self) -> str:
        """The events websocket's address, without the credentials (they go in a header)."""
        scheme, _, rest = self.url.partition("://")
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest}/events"


@dataclass(frozen=True, kw_only=True)
class LinkTimes:
    """Deadlines and pauses of the link, in milliseconds.

    A half-open connection is found within `ping_every_ms` + `pong_within_ms` + `close_ms`, under 10 s by default. The
    pong may be late because Asterisk serves requests on that socket one after the other, so it is given longer than any
    request. `settled_ms` is how long a connection must have lived for the pauses to begin again at `retry_from_ms`.
    `refused_ms` is how long "no such page" is borne: a booting Asterisk answers 404 until ARI is loaded.
    """

    request_ms: int = 2000
    slow_request_ms: int = 4000
    connect_ms: int = 3000
    ping_every_ms: int = 3000
    pong_within_ms: int = 6000
    close_ms: int = 500
    retry_from_ms: int = 100
    retry_to_ms: int = 5000
    settled_ms: int = 10000
    refused_ms: int = 5000
