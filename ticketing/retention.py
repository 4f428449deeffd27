"""How long what is kept. Pure data."""

from typing import Annotated

import msgspec

Days = Annotated[int, msgspec.Meta(ge=0)]


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days each kind is kept after its end; 0 is for ever.

    Recordings, transcripts: after the call. Drafts: after their last change. Identities: name and number of a ticket,
    after it ended; and numbers nobody called from since. Callbacks: after they closed. Audits: after they were written.
    """

    recordings: Days = 730
    transcripts: Days = 730
    drafts: Days = 90
    identities: Days = 1825
    callbacks: Days = 365
    audits: Days = 0
