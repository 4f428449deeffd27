"""What every message between a desk and the server is made on: requests and their answers, updates and news. Pure."""

import msgspec


class FromDesk(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Root of what a desk says."""

    request: int


class FromServer(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Root of what the server says."""


class Refused(FromServer, frozen=True, kw_only=True):
    """A request was not carried out: `code` is a key of the message catalogue, `params` fill it."""

    request: int
    code: str
    params: dict[str, str] = {}


class Done(FromServer, frozen=True, kw_only=True):
    """A request was carried out and has no other answer."""

    request: int


class Update(FromServer, frozen=True, kw_only=True):
    """Root of what changes the seat's view; `seq` is without gaps."""

    seq: int


class News(FromServer, frozen=True, kw_only=True):
    """Root of what is told to everybody who watches a topic: always the whole of it, so the newest is enough."""
