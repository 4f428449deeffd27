"""The root of what the server's own parts raise, and what the agents' roster refuses."""

from ivr.calls.vocabulary import AgentId, AgentState


class HotlineError(Exception):
    """Root of what the server's own parts raise."""


class AgentUnknown(HotlineError):
    """Nobody of that number is in the roster."""


class MoveRefused(HotlineError):
    """An agent may not do that now. `state` is what they are doing; the roster is as before."""

    def __init__(self, agent: AgentId, state: AgentState, move: str) -> None:
        super().__init__(f"agent {agent} is {state.value}: {move} is not possible now")
        self.agent = agent
        self.state = state
        self.move = move


class PhoneUnknown(HotlineError):
    """No phone of the hotline has that extension."""


class PhoneTaken(HotlineError):
    """Somebody who is signed in sits at that phone."""
