"""The page speaks two languages, whole: the same keys with the same blanks, and every word a template asks for."""

from datetime import UTC, datetime, timedelta

import pytest

from services.projection.page.rendering import HERE, WORDS
from shared.wording import words
from tests.words import catalogs, idle, unequal, unknown

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_every_language_has_the_same_words_with_the_same_blanks() -> None:
    assert unequal(catalogs(HERE)) == []
    assert unequal([{"a": "{count} more", "b": "x"}, {"a": "more"}]) == ["a", "b"]


def test_the_templates_ask_for_no_word_that_is_not_there_and_no_word_is_idle() -> None:
    assert unknown(HERE) == []
    assert [key for key in idle(HERE) if not key.endswith("_ago")] == []


@pytest.mark.parametrize(
    ("age", "told"),
    [(-5, "0 s ago"), (89, "89 s ago"), (600, "10 min ago"), (7_200, "2 h ago"), (260_000, "3 d ago")],
)
def test_an_age_is_told_in_a_unit_that_fits(age: int, told: str) -> None:
    assert words(WORDS, "en").ago(NOW - timedelta(seconds=age), NOW) == told
