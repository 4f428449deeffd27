"""The newsroom: the newest of every topic, and the desks that watch it."""

from collections.abc import Callable

from ivr.calls.vocabulary import AgentId
from ivr.desk.envelope import News
from ivr.desk.seats import Outbox
from ivr.desk.staff import Staff
from ivr.desk.topics import Topic


class Newsroom:
    """Keeps what was told last, so that who begins to watch has it at once. Whoever is slow gets the newest only.

    Of a topic everybody is told the same (`tell`), or each person their own (`tell_one`). `on_watch` hears that
    somebody began to watch a topic; it must not wait.
    """

    def __init__(self) -> None:
        self._newest: dict[tuple[Topic, AgentId | None], News] = {}
        self._watchers: dict[Topic, dict[Outbox, Staff | None]] = {topic: {} for topic in Topic}
        self.on_watch: Callable[[Topic], None] = lambda _: None

    def watched(self, topic: Topic) -> bool:
        """Whether anybody would be told."""
        return bool(self._watchers[topic])

    def people(self, topic: Topic) -> tuple[Staff, ...]:
        """Who watches, each once."""
        return tuple({staff.id: staff for staff in self._watchers[topic].values() if staff is not None}.values())

    def tell(self, topic: Topic, news: News) -> None:
        """The whole state of a topic; what changes nothing is not sent."""
        if self._newest.get((topic, None)) == news:
            return
        self._newest[topic, None] = news
        for outbox in self._watchers[topic]:
            outbox.put_news(topic, news)

    def tell_one(self, topic: Topic, person: AgentId, news: News) -> None:
        """The whole state of a topic as it is for one person; what changes nothing is not sent."""
        if self._newest.get((topic, person)) == news:
            return
        self._newest[topic, person] = news
        for outbox, staff in self._watchers[topic].items():
            if staff is not None and staff.id == person:
                outbox.put_news(topic, news)

    def watch(self, topic: Topic, outbox: Outbox, staff: Staff | None = None) -> None:
        """From now on `outbox` gets the topic's news, the newest at once."""
        self._watchers[topic][outbox] = staff
        mine = self._newest.get((topic, staff.id)) if staff is not None else None
        if (news := mine or self._newest.get((topic, None))) is not None:
            outbox.put_news(topic, news)
        self.on_watch(topic)

    def unwatch(self, topic: Topic, outbox: Outbox) -> None:
        """No more of it."""
        self._watchers[topic].pop(outbox, None)

    def leave(self, outbox: Outbox) -> None:
        """The desk is gone."""
        for watchers in self._watchers.values():
            watchers.pop(outbox, None)
