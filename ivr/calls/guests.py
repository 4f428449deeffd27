"""Somebody called into a conversation, and how the line says that calling somebody ended. Pure."""

from dataclasses import dataclass

from ivr.calls.vocabulary import AgentId, DialOutcome, GuestState, HangupCause, Invitation, LegId, OfferOutcome


@dataclass
class Guest:
    """A guest's leg and how far it has come: `up` answered, `joined` in the conversation.

    `agent` is a person of ours; None stands for somebody outside, called `name`.
    """

    leg: LegId
    name: str
    endpoint: str
    invitation: Invitation
    agent: AgentId | None = None
    up: bool = False
    joined: bool = False

    @property
    def state(self) -> GuestState:
        """As it is shown."""
        if not self.joined:
            return GuestState.RINGING
        return GuestState.TOGETHER if self.invitation is Invitation.THREE_WAY else GuestState.ASIDE


DIAL_OUTCOMES = {
    HangupCause.NORMAL: DialOutcome.REFUSED,  # lifted and put down, or declined without saying so
    HangupCause.REJECTED: DialOutcome.REFUSED,
    HangupCause.BUSY: DialOutcome.BUSY,
    HangupCause.NO_ANSWER: DialOutcome.NO_ANSWER,
    HangupCause.UNREACHABLE: DialOutcome.UNREACHABLE,
    HangupCause.LOST: DialOutcome.WITHDRAWN,  # nobody heard how it ended
    HangupCause.FAILURE: DialOutcome.UNREACHABLE,
    HangupCause.DOWN: DialOutcome.WITHDRAWN,
}
"""What the end of an unanswered leg says of whom we called."""

OFFER_OUTCOMES = {
    HangupCause.NORMAL: OfferOutcome.REFUSED,
    HangupCause.REJECTED: OfferOutcome.REFUSED,
    HangupCause.BUSY: OfferOutcome.REFUSED,
    HangupCause.NO_ANSWER: OfferOutcome.NO_ANSWER,
    HangupCause.UNREACHABLE: OfferOutcome.UNREACHABLE,
    HangupCause.LOST: OfferOutcome.WITHDRAWN,  # nothing to hold against the agent
    HangupCause.FAILURE: OfferOutcome.WITHDRAWN,
    HangupCause.DOWN: OfferOutcome.WITHDRAWN,
}
"""What the end of an unanswered leg says of an agent of ours."""
