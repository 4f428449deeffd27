"""What is answered to a request that is not carried out."""

from ivr.desk.envelope import Refused
from ivr.ports import HotlineError


class Refusal(HotlineError):
    """A request is not carried out; `code` is a key of the message catalogue."""

    def __init__(self, code: str, **params: str) -> None:
        self.code = code
        self.params = params
        super().__init__(code)

    def to(self, request: int) -> Refused:
        """As the answer to a request."""
        return Refused(request=request, code=self.code, params=self.params)
