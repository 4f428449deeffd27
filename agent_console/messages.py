"""What `desk.py` tells the application. Words between widgets are nested in the widget that says them."""

from textual.message import Message


class DeskChanged(Message):
    """Something was received or the connection changed; `Desk.collect` gives the whole of it.

    It carries nothing, so any number of changes are one message in the queue: newer supersedes older.
    """

    def can_replace(self, message: Message) -> bool:
        """A later one says the same."""
        return isinstance(message, DeskChanged)
