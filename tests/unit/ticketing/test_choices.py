import pytest

from ticketing.choices import FieldChoices
from ticketing.errors import UnknownId
from ticketing.site import default_site_dir, load_site
from ticketing.vocabulary import FieldName


@pytest.fixture(scope="module")
def choices() -> FieldChoices:
    return FieldChoices(load_site(default_site_dir()))


@pytest.mark.parametrize(
    ("field", "query", "wanted"),
    [
        (FieldName.CATEGORY, "占道经营", "010101"),
        (FieldName.CATEGORY, "摆摊", "010101"),
        (FieldName.CATEGORY, "zdjy", "010101"),
        (FieldName.CATEGORY, "010101", "010101"),
        (FieldName.LEAD_AGENCY, "12345", "h-12345"),
        (FieldName.URGENCY, "特", "特急"),
        (FieldName.CONFIDENTIAL, "保密", "yes"),
    ],
)
def test_what_is_typed_finds_what_is_meant(choices: FieldChoices, field: FieldName, query: str, wanted: str) -> None:
    assert choices.find(field, query)[0].value == wanted


def test_an_empty_query_lists_a_short_list_whole(choices: FieldChoices) -> None:
    assert [c.value for c in choices.find(FieldName.REQUEST_TYPE, " ")] == [
        "咨询",
        "投诉",
        "求助",
        "建议",
        "举报",
        "表扬",
    ]


def test_nonsense_finds_nothing(choices: FieldChoices) -> None:
    assert choices.find(FieldName.PLACE, "龘龘龘") == ()


@pytest.mark.parametrize("field", [FieldName.TITLE, FieldName.CALLBACK_PHONE])
def test_text_fields_have_no_list(choices: FieldChoices, field: FieldName) -> None:
    with pytest.raises(UnknownId):
        choices.find(field, "x")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (FieldName.CATEGORY, "999999"),
        (FieldName.REQUEST_TYPE, "闲聊"),
        (FieldName.CO_AGENCIES, "yc|nobody"),
        (FieldName.CALLBACK_PHONE, "138a"),
        (FieldName.CONTENT, "长" * 601),
        (FieldName.DUE_AT, "2026-11-21"),
    ],
)
def test_what_a_field_cannot_hold_is_refused(choices: FieldChoices, field: FieldName, value: str) -> None:
    with pytest.raises(UnknownId):
        choices.label(field, value)


def test_labels_are_for_people(choices: FieldChoices) -> None:
    assert choices.label(FieldName.CATEGORY, "010101") == "市容秩序 › 占道经营"
    assert choices.label(FieldName.CO_AGENCIES, "yc|h-12345") == "市政府、市受理中心"
    assert choices.label(FieldName.TITLE, "小区停水") == "小区停水"
    assert choices.label(FieldName.CITIZEN_NAME, "") == ""
