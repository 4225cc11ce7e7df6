"""What a correction or an award adds to a branch's day."""

from datetime import date
from uuid import uuid4

from contracts.loyalty_points import PointsAwarded
from services.projection.views.points import _Moved, _moved
from tests.services.projection.news import ANNE, FIRST, MORNING, taken_back


def test_a_correction_is_less_earned_and_not_more_taken_back() -> None:
    corrected = taken_back(ANNE, FIRST, 15, 305).model_copy(update={"corrected": 20})
    assert list(_moved(corrected)) == [_Moved(FIRST.branch, FIRST.on, earned=-20, taken_back=-5)]
    assert list(_moved(taken_back(ANNE, FIRST, 15, 305))) == [_Moved(FIRST.branch, FIRST.on, taken_back=15)]


def test_an_award_is_earned_where_it_was_given() -> None:
    awarded = PointsAwarded(
        at=MORNING,
        customer_id=ANNE,
        act="survey",
        act_id="s-1",
        reason="thanks",
        branch="TOR1",
        on=date(2026, 3, 1),
        points=20,
        balance=20,
        policy_version=1,
        lot_id=uuid4(),
        source="act/survey/s-1",
    )
    assert list(_moved(awarded)) == [_Moved("TOR1", date(2026, 3, 1), earned=20)]
