from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.drafting.speech import citizen, conversation
from ticketing.drafting.drafter import THRESHOLDS, Drafter
from ticketing.views import Proposal, Utterance
from ticketing.vocabulary import FieldName, Speaker

pytestmark = pytest.mark.timeout(600)  # the first run trains the models

NOW = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)
HEATING = (
    "话务 您好请讲",
    "市民 我家暖气一点都不热孩子写作业都戴手套",
    "话务 请问您家在哪个小区",
    "市民 盐湖区运纺小区三号楼二单元六零一",
    "话务 什么时候开始的",
    "市民 从前天开始就没热过交了一千八百九呢你们可别说是我反映的",
    "话务 您希望怎么处理",
    "市民 赶紧派人来修修",
    "话务 您贵姓电话多少",
    "市民 姓王打幺三八零零幺二三四五六",
    "话务 好的王女士给您转热力公司",
)


def draft(drafter: Drafter, *lines: str, caller: str | None = "13900000000") -> Proposal:
    return drafter.propose(conversation(*lines), started_at=NOW, caller_number=caller)


def test_a_whole_call_fills_every_field(drafter: Drafter) -> None:
    proposal = draft(drafter, *HEATING)
    values = {name: field.value for name, field in proposal.fields.items()}
    assert values[FieldName.CATEGORY] == "040101"
    assert values[FieldName.LEAD_AGENCY] == "e-heat"
    assert values[FieldName.PLACE] == "p140802-104"
    assert values[FieldName.ADDRESS] == "运纺小区三号楼二单元六零一"
    assert values[FieldName.CITIZEN_NAME] == "王女士"
    assert values[FieldName.CALLBACK_PHONE] == "13800123456"
    assert values[FieldName.CONFIDENTIAL] == "yes"
    assert values[FieldName.URGENCY] == "紧急"
    assert proposal.occurred_on is not None
    assert proposal.occurred_on.isoformat() == "2026-11-16"
    assert proposal.amounts == (1890.0,)
    assert "运纺小区" in values[FieldName.TITLE]
    assert 10 <= len(values[FieldName.TITLE]) <= 25
    assert len(values[FieldName.CONTENT]) <= 600
    assert "热力公司" in proposal.promise
    assert proposal.emergency_target is None


def test_every_field_is_there_and_rests_on_what_was_said(drafter: Drafter) -> None:
    said = conversation(*HEATING)
    ids = {u.id for u in said}
    for upto in range(len(said) + 1):
        proposal = drafter.propose(said[:upto], started_at=NOW, caller_number=None)
        assert set(proposal.fields) == set(FieldName)
        for field in proposal.fields.values():
            assert set(field.evidence) <= {u.id for u in said[:upto]}
            assert 0 <= field.confidence <= 1
        assert set(proposal.emergency_evidence) <= ids


def test_evidence_is_in_the_order_it_was_said(drafter: Drafter) -> None:
    proposal = draft(drafter, *HEATING)
    for name in (FieldName.CATEGORY, FieldName.PLACE, FieldName.CONTENT):
        numbers = [int(i[1:]) for i in proposal.fields[name].evidence]
        assert all(a < b for a, b in pairwise(numbers)), name


def test_below_its_threshold_a_field_is_empty_and_asks(drafter: Drafter) -> None:
    proposal = draft(drafter, "话务 您好请讲", "市民 那个那个我想问一下", caller=None)
    for name in (FieldName.CATEGORY, FieldName.PLACE, FieldName.CITIZEN_NAME, FieldName.CALLBACK_PHONE):
        field = proposal.fields[name]
        assert field.value == ""
        assert field.ask
        assert field.confidence < max(THRESHOLDS[name], 0.5)


def test_a_name_in_several_counties_asks_which(drafter: Drafter) -> None:
    proposal = draft(drafter, "话务 请问在哪里", "市民 阳光家园五号楼单元门坏了进不去")
    place = proposal.fields[FieldName.PLACE]
    assert "哪个县" in place.ask
    assert "临猗县" in place.ask
    settled = draft(drafter, "话务 请问在哪里", "市民 临猗的阳光家园五号楼单元门坏了进不去")
    assert settled.fields[FieldName.PLACE].value == "p140821-014"
    assert settled.fields[FieldName.PLACE].ask == ""


def test_two_places_in_one_call(drafter: Drafter) -> None:
    proposal = draft(
        drafter,
        "市民 我家住桂花园昨天在万达广场吃饭让服务员烫了",
        "话务 具体在哪里发生的",
        "市民 就是万达广场三楼那家火锅",
    )
    place = proposal.fields[FieldName.PLACE]
    assert place.value == "p140802-225"
    assert "p140802-540" in {choice.value for choice in place.alternatives}


def test_the_calling_number_is_the_callback_where_no_other_is_given(drafter: Drafter) -> None:
    assert draft(drafter, *HEATING[:5]).fields[FieldName.CALLBACK_PHONE].value == "13900000000"
    assert draft(drafter, *HEATING[:5], caller=None).fields[FieldName.CALLBACK_PHONE].ask


def test_danger_is_proposed_within_the_utterance_that_tells_of_it(drafter: Drafter) -> None:
    proposal = draft(drafter, "话务 您好", "市民 快来人我爸倒在地上叫不醒了")
    assert proposal.emergency_target == "120"
    assert proposal.emergency_evidence == ("u1",)
    assert proposal.fields[FieldName.URGENCY].value == "特急"


def test_a_refused_call_has_a_reason_and_no_agency(drafter: Drafter) -> None:
    proposal = draft(
        drafter,
        "市民 法院判了我输我不服你们给我改过来",
        "话务 法院的判决热线不能改变您可以在十五天内上诉",
        "市民 那我找谁说理去",
    )
    assert proposal.not_accepted_id == "na-litigation"
    assert proposal.fields[FieldName.LEAD_AGENCY].value == ""
    assert proposal.fields[FieldName.DUE_AT].value == ""
    assert proposal.promise == ""


def test_an_enquiry_that_was_answered_is_handled_directly(drafter: Drafter) -> None:
    proposal = draft(
        drafter,
        "市民 我想问一下身份证丢了咋补办",
        "话务 您带上户口本到就近的派出所办证窗口申请补领就可以",
        "市民 当天能拿上吗",
        "话务 一般需要二十个工作日急用可以当场办临时身份证",
        "市民 好知道了",
    )
    assert proposal.handled_directly
    assert proposal.fields[FieldName.REQUEST_TYPE].value == "咨询"
    assert proposal.fields[FieldName.URGENCY].value == "一般"
    assert "临时身份证" in proposal.fields[FieldName.CONTENT].value


def test_written_numbers_and_signs_mean_the_same_as_spoken_ones(drafter: Drafter) -> None:
    spoken = draft(drafter, "市民 盐湖区运纺小区三号楼暖气不热", "话务 电话呢", "市民 一三八零零一二三四五六")
    written = draft(drafter, "市民 盐湖区，运纺小区3号楼暖气不热。", "话务 电话呢？", "市民 138 0012 3456")
    for name in (FieldName.PLACE, FieldName.CALLBACK_PHONE, FieldName.CATEGORY, FieldName.ADDRESS):
        assert spoken.fields[name].value == written.fields[name].value


@given(st.lists(st.tuples(st.sampled_from(Speaker), st.text(max_size=40)), max_size=8))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_said_can_break_it(drafter: Drafter, lines: list[tuple[Speaker, str]]) -> None:
    said = [
        Utterance(id=f"u{i}", speaker=who, start_ms=i, end_ms=i + 1, text=text) for i, (who, text) in enumerate(lines)
    ]
    proposal = drafter.propose(said, started_at=NOW, caller_number=None)
    assert set(proposal.fields) == set(FieldName)
    assert len(proposal.fields[FieldName.TITLE].value) <= 25
    assert len(proposal.fields[FieldName.CONTENT].value) <= 600


def test_the_same_words_give_the_same_draft(drafter: Drafter) -> None:
    assert draft(drafter, *HEATING) == draft(drafter, *HEATING)


def test_silence_is_an_empty_draft(drafter: Drafter) -> None:
    proposal = drafter.propose([], started_at=NOW, caller_number=None)
    assert proposal.fields[FieldName.CATEGORY].value == ""
    assert proposal.fields[FieldName.LEAD_AGENCY].value == ""
    assert proposal.emergency_target is None
    assert citizen() == []
