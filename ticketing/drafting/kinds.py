"""What kind of request a call is: 咨询 投诉 求助 建议 举报 表扬. Pure.

Three things decide: the caller's tone (a small model of lines written for each kind), what kinds the category
usually is (the pack lists them in order), and how the call goes - an agent who answers makes it an enquiry, one who
passes it on does not; danger makes it a cry for help; the wish not to be named points to a report.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ticketing.drafting.corpus import read_training, training_dir
from ticketing.drafting.features import bag
from ticketing.drafting.textmodel import TextModel, odds, train
from ticketing.pack import Category
from ticketing.views import Utterance
from ticketing.vocabulary import RequestType, Speaker

_AGENT_WEIGHT = 0.4
_USUAL = (1.0, 0.5, 0.1, 0.0)
_UNUSUAL = {RequestType.SUGGESTION: -1.2, RequestType.PRAISE: -1.5, RequestType.ENQUIRY: -0.8}
_TONE = 0.2
_SHARPNESS = 1.4
_PASSED_ON = re.compile(
    r"(给您转|为您转|转给|转到|转办|转派|马上转|立刻转|立即转|(给您|为您|帮您|我先|先给您)登记|登记(好|"
    r"一下|转|在案|下来)|记下来|记下了转|派人(?!社)|通知.{1,8}(过去|到现场|去处理|来处理|去查)|马上(联系|"
    r"通知|报)|标注|"
    r"转[^身学账入出让接账院正户]{1,10}(部门|局|处理|核实|查处|公司|执法|监察|中心|街道|大队|督促|去|看)|"
    r"请.{1,10}(部门|局|公司|街道|大队).{0,4}(核实|处理|查|联系|尽快)|工单|催办|督办)"
)
_REPLY = 14
"""An agent's utterance of this many characters that is no question is an answer."""


_WISH_ASKED = re.compile(r"(您希望|您的?(诉求|要求)|您想(怎么|让|要)|希望怎么|什么要求|什么诉求)")


_GREETING = re.compile(r"^(喂|您好|你好).{0,12}(热线|专席|一二三四五|请问|请讲)")
_QUESTION = re.compile(r"(吗|呢|对吧|什么|哪里|多少|没有|几号|怎么称呼)$")


class Course(NamedTuple):
    """How a call went, as far as it tells the kind of request."""

    passed_on: bool
    answered: bool
    wish_asked: bool


class Kind(NamedTuple):
    """A kind of request, how sure it is, the others best first, and the utterances that sound most like it."""

    kind: RequestType
    sure: float
    others: tuple[tuple[RequestType, float], ...]
    evidence: tuple[str, ...]


def course_of(utterances: Sequence[Utterance]) -> Course:
    """Whether the agent passed the matter on, or answered it."""
    agent = [u.text for u in utterances if u.speaker is Speaker.AGENT]
    passed_on = any(_PASSED_ON.search(text) for text in agent)
    replies = sum(len(text) >= _REPLY and not _GREETING.match(text) and not _QUESTION.search(text) for text in agent)
    wish_asked = any(_WISH_ASKED.search(text) for text in agent)
    return Course(passed_on, not passed_on and not wish_asked and replies >= 2, wish_asked)


class KindJudge:
    """Judges the kind of request; trained at start from some hundred lines."""

    def __init__(self) -> None:
        lines = read_training(training_dir("kinds"), {str(kind): "" for kind in RequestType})
        self._model: TextModel = train([(line.label, bag([(line.text, 1.0)])) for line in lines])
        self._kinds = [RequestType(label) for label in self._model.labels]

    def judge(
        self,
        utterances: Sequence[Utterance],
        category: Category | None,
        *,
        danger: bool = False,
        secret: bool = False,
        turned: bool = False,
    ) -> Kind:
        """The kind of request a conversation is so far; one turned away asked for more than an answer."""
        heard = bag([(u.text, 1.0 if u.speaker is Speaker.CITIZEN else _AGENT_WEIGHT) for u in utterances])
        scores = _TONE * self._model.scores(heard)
        course = course_of(utterances)
        for at, kind in enumerate(self._kinds):
            scores[at] += self._usual(kind, category)
            if kind is RequestType.HELP and danger:
                scores[at] += 4
            elif kind is RequestType.ENQUIRY:
                scores[at] += 1.5 if course.answered else -1.0 if course.passed_on or course.wish_asked else 0.0
                scores[at] -= 3.0 if turned else 0.0
            elif kind is RequestType.REPORT and secret:
                scores[at] += 1.5
        probable = odds(scores, _SHARPNESS)
        order = [int(i) for i in (-probable).argsort()]
        best = self._kinds[order[0]]
        tone = [
            (self._model.support(bag([(u.text, 1.0)]), best), u.id) for u in utterances if u.speaker is Speaker.CITIZEN
        ]
        evidence = tuple(i for weight, i in sorted(tone, reverse=True)[:2] if weight > 0)
        others = tuple((self._kinds[i], float(probable[i])) for i in order[1:3])
        return Kind(
            best, float(probable[order[0]]), others, tuple(sorted(evidence, key=[u.id for u in utterances].index))
        )

    @staticmethod
    def _usual(kind: RequestType, category: Category | None) -> float:
        if category is None:
            return 0.0
        if kind in category.request_types:
            return _USUAL[min(category.request_types.index(kind), len(_USUAL) - 1)]
        return _UNUSUAL.get(kind, -0.3)
