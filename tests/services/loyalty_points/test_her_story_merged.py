"""The chapter of the merge in the story of one customer: in Ottawa she was taken for another, and is in the end."""

from datetime import date

from services.loyalty_points.domain.known import Known
from services.loyalty_points.explaining import explained
from services.loyalty_points.standing import stood
from services.loyalty_points.statement.period import statement
from services.loyalty_points.statement.rendering import page
from tests.services.loyalty_points.her_story import AS_A_GUEST, LATER, day, november, october, ottawa_is_late_again
from tests.services.loyalty_points.spending import MEI


def test_in_october_her_points_as_a_guest_are_hers_and_what_ottawa_tells_late_of_the_guest_too() -> None:
    assert october().has == {"available": 220, "debt": 0}  # 140 + 100 for the perm - 20 that the guest has spent
    assert ottawa_is_late_again().has == {"available": 140, "debt": 0}  # + 20 for the trim - 100 at the desk


def test_why_she_has_140_points_in_october_and_had_140_before_the_merge() -> None:
    told = ottawa_is_late_again().told
    assert stood(told, day(10, 9))["available"] == 140
    made = explained(told, "available", day(10, 25))
    parts = [
        (p["points"], p["event"]["name"], p["lot"]["receipt"]["number"], p["lot"]["origin"]) for p in made["parts"]
    ]
    assert made["points"] == 140
    assert parts == [
        (125, "PointsEarned", "31", None),
        (100, "PointsEarned", "40", AS_A_GUEST),
        (-20, "PointsRedeemed", "40", AS_A_GUEST),
        (20, "PointsEarned", "41", AS_A_GUEST),
        (-85, "PointsRedeemed", "31", None),
    ]  # of the 100 that she spent the first 15 were of August's receipt
    assert {p["moved_by"]["at"] for p in made["parts"] if p["moved_by"]} == {day(10, 10)}


def test_her_statement_of_october_has_the_merge_in_a_line_and_that_of_november_what_went_back() -> None:
    told = november().told
    october_, november_ = (statement(told, date(2026, m, 1), date(2026, m, 30), LATER) for m in (10, 11))
    assert [(one.kind, one.points, one.after) for one in october_.lines] == [
        ("earned", 20, 160),
        ("merged", 80, 240),
        ("redeemed", -100, 140),
    ]
    assert (october_.opening, october_.closing) == (140, 140)
    assert [(one.kind, one.points, one.after) for one in november_.lines] == [("split", -100, 40)]
    assert sorted((lot.branch, points) for lot, points in november_.lots) == [("OTT1", 40)]
    guests = statement(told_of_the_guest(), date(2026, 9, 1), date(2026, 11, 30), LATER, AS_A_GUEST)
    assert [(one.kind, one.points, one.after) for one in guests.lines] == [
        ("earned", 100, 100),
        ("redeemed", -20, 80),
        ("merged", -80, 0),
        ("split", 100, 100),
    ]
    for language, words in (("en", ("Accounts merged", "Accounts separated")), ("zh_CN", ("账户合并", "账户拆分"))):
        for made, word in zip((october_, november_), words, strict=True):
            assert f"<td>{word}</td>" in page(made, "7", language)


def told_of_the_guest() -> list[Known]:
    return [known if known.of else known._replace(of=MEI) for known in november().told]
