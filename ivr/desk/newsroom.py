"""The newsroom: the newest of every topic, and the desks that watch it."""

from ivr.desk.envelope import News
from ivr.desk.seats import Outbox
from ivr.desk.topics import Topic


class Newsroom:
    """Keeps what was told last, so that who begins to watch has it at once. Whoever is slow gets the newest only."""

    def __init__(self) -> None:
        self._newest: dict[Topic, News] = {}
        self._watchers: dict[Topic, set[Outbox]] = {topic: set() for topic in Topic}

    def watched(self, topic: Topic) -> bool:
        """Whether anybody would be told."""
        return bool(self._watchers[topic])

    def tell(self, topic: Topic, news: News) -> None:
        """The whole state of a topic; what changes nothing is not sent."""
        if self._newest.get(topic) == news:
            return
        self._newest[topic] = news
        for outbox in self._watchers[topic]:
            outbox.put_news(topic, news)

    def watch(self, topic: Topic, outbox: Outbox) -> None:
        """From now on `outbox` gets the topic's news, the newest at once."""
        self._watchers[topic].add(outbox)
        if (news := self._newest.get(topic)) is not None:
            outbox.put_news(topic, news)

    def unwatch(self, topic: Topic, outbox: Outbox) -> None:
        """No more of it."""
        self._watchers[topic].discard(outbox)

    def leave(self, outbox: Outbox) -> None:
        """The desk is gone."""
        for watchers in self._watchers.values():
            watchers.discard(outbox)
