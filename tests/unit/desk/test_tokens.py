from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.calls.vocabulary import AgentId
from ivr.desk.tokens import LIFETIME, TokenInvalid, issue, read

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)


def test_a_token_names_its_agent() -> None:
    assert read("secret", issue("secret", AgentId("1001"), NOW), NOW + timedelta(hours=1)) == (AgentId("1001"), NOW)


def test_a_token_ends_with_the_shift() -> None:
    with pytest.raises(TokenInvalid):
        read("secret", issue("secret", AgentId("1001"), NOW), NOW + LIFETIME + timedelta(seconds=1))


def test_another_instances_token_is_worth_nothing() -> None:
    with pytest.raises(TokenInvalid):
        read("secret", issue("other", AgentId("1001"), NOW), NOW)


@given(st.text(max_size=80))
def test_no_text_but_a_token_is_read(text: str) -> None:
    with pytest.raises(TokenInvalid):
        read("secret", text, NOW)


@given(st.integers(0, 200), st.characters())
def test_an_altered_token_is_refused(place: int, character: str) -> None:
    token = issue("secret", AgentId("1001"), NOW)
    place %= len(token)
    altered = token[:place] + character + token[place + 1 :]
    if altered != token:
        with pytest.raises(TokenInvalid):
            read("secret", altered, NOW)
