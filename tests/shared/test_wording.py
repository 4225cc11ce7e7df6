"""A page's languages: which one a reader is met in, and how it writes money, days and times."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from shared.wording import LANGUAGES, choose, words


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of words, in which there are none."""
    for language in LANGUAGES:
        (tmp_path / f"{language}.toml").touch()
    return tmp_path


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


def test_money_has_the_digits_of_its_currency(folder: Path) -> None:
    assert words(folder, "en", "CAD").money(1_234_567) == "CA$12,345.67"
    assert words(folder, "zh_CN", "CNY").money(1_234_567) == "¥12,345.67"
    assert words(folder, "en", "JPY").money(1_234) == "¥1,234"
    assert words(folder, "en").money(1_234) == "1,234"  # before the chain has been described


def test_a_time_is_told_on_the_branchs_clock(folder: Path) -> None:
    at = datetime(2026, 11, 20, 23, 5, tzinfo=UTC)
    english = words(folder, "en")
    assert english.clock(at, "Asia/Shanghai") == "07:05"
    assert english.zone(at, "America/St_Johns") == "UTC−3:30"
    assert english.zone(at, "Asia/Shanghai") == "UTC+8"
    assert english.clock(at, "Nowhere/Else") == "23:05"
    assert words(folder, "zh_CN").day(date(2026, 11, 22)) == "2026年11月22日星期日"
