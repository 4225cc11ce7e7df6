"""The page speaks two languages, whole: the same keys with the same blanks, and every word a template asks for."""

import re
import string
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from services.projection.page import wording
from services.projection.page.wording import LANGUAGES, choose, words

PAGE = Path(wording.__file__).parent
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def _catalog(language: str) -> dict[str, str]:
    return tomllib.loads((PAGE / "words" / f"{language}.toml").read_text("utf-8"))


def _blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def unequal(catalogs: list[dict[str, str]]) -> list[str]:
    """Return the keys that some catalog lacks, or fills with other blanks."""
    keys = sorted({key for catalog in catalogs for key in catalog})
    return [key for key in keys if len({frozenset(_blanks(c[key])) if key in c else None for c in catalogs}) > 1]


def test_every_language_has_the_same_words_with_the_same_blanks() -> None:
    catalogs = [_catalog(language) for language in LANGUAGES]
    assert unequal(catalogs) == []
    assert unequal([{"a": "{count} more", "b": "x"}, {"a": "more"}]) == ["a", "b"]


def test_the_templates_ask_for_no_word_that_is_not_there_and_no_word_is_idle() -> None:
    text = "".join(path.read_text("utf-8") for path in sorted((PAGE / "templates").iterdir()))
    asked = set(re.findall(r"""["'](\w+)["']""", text))
    stems = set(re.findall(r"""w\(["'](\w+_)["'] ~""", text))
    catalog = _catalog("en")
    named = set(re.findall(r"""\bw\(["'](\w+)["'](?! ~)""", text))
    assert named <= set(catalog)
    idle = [key for key in catalog if key not in asked and not any(key.startswith(stem) for stem in stems)]
    assert [key for key in idle if not key.endswith("_ago")] == []


@pytest.mark.parametrize(
    ("asked", "kept", "accepted", "spoken"),
    [
        (None, None, "", "zh_CN"),
        (None, None, "de-DE,de;q=0.9", "zh_CN"),
        (None, None, "zh-CN,zh;q=0.9,en;q=0.8", "zh_CN"),
        (None, None, "en-US,en;q=0.9", "en"),
        (None, None, "en;q=0.2, zh-CN;q=0.7", "zh_CN"),
        (None, None, "en;q=x,,;q=1", "zh_CN"),
        (None, "en", "zh-CN", "en"),
        ("zh_CN", "en", "en", "zh_CN"),
        ("../en", None, "", "zh_CN"),
    ],
)
def test_the_reader_is_met_in_the_language_asked_for(
    asked: str | None, kept: str | None, accepted: str, spoken: str
) -> None:
    assert choose(asked, kept, accepted) == spoken


def test_money_has_the_digits_of_its_currency() -> None:
    assert words("en", "CAD").money(1_234_567) == "CA$12,345.67"
    assert words("zh_CN", "CNY").money(1_234_567) == "¥12,345.67"
    assert words("en", "JPY").money(1_234) == "¥1,234"
    assert words("en").money(1_234) == "1,234"  # before the chain has been described


def test_a_time_is_told_on_the_branchs_clock() -> None:
    at = datetime(2026, 11, 20, 23, 5, tzinfo=UTC)
    english = words("en")
    assert english.clock(at, "Asia/Shanghai") == "07:05"
    assert english.zone(at, "America/St_Johns") == "UTC−3:30"
    assert english.zone(at, "Asia/Shanghai") == "UTC+8"
    assert english.clock(at, "Nowhere/Else") == "23:05"
    assert words("zh_CN").day(date(2026, 11, 22)) == "2026年11月22日星期日"


@pytest.mark.parametrize(
    ("age", "told"),
    [(-5, "0 s ago"), (89, "89 s ago"), (600, "10 min ago"), (7_200, "2 h ago"), (260_000, "3 d ago")],
)
def test_an_age_is_told_in_a_unit_that_fits(age: int, told: str) -> None:
    assert words("en").ago(NOW - timedelta(seconds=age), NOW) == told
