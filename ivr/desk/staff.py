"""Who is at a desk, as the server knows them: the person behind every request. Pure."""

import msgspec

from ivr.calls.vocabulary import AgentId
from ticketing.vocabulary import AgencyId, Role


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """Who has signed in. Without `extension` they have no seat at the phones; `agency_id` is a handler's 承办单位."""

    id: AgentId
    name: str
    role: Role
    extension: str | None = None
    agency_id: AgencyId | None = None
