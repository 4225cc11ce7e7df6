"""Acts earn: each once for its id, no more often than its limit, in lots like any other."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.loyalty_points import PointsAwarded
from services.loyalty_points import domain
from services.loyalty_points.acts import Act, Limit
from services.loyalty_points.domain import AwardPoints
from services.loyalty_points.domain.lots import lot_id, new_lot
from services.loyalty_points.lifetime import AfterDays
from services.loyalty_points.terms import Terms
from tests.scenario import Scenario
from tests.services.stories import customer

MEI = customer(1)
NOW = datetime(2026, 3, 3, 19, tzinfo=UTC)
SURVEYS = Terms(acts={"survey": Act(points=20, limit=Limit(times=2, per="month"))}, expiry=AfterDays(days=9))
POINTS = Scenario(domain)


def order(act: str = "survey", act_id: str = "s-1", **brought: Any) -> AwardPoints:
    return AwardPoints(
        at=NOW,
        customer_id=MEI,
        act=act,
        act_id=act_id,
        reason="thanks",
        branch="TOR1",
        zone="America/Toronto",
        on=NOW.date(),
        **brought,
    )


def awarded(act: str, act_id: str, points: int, **known: Any) -> PointsAwarded:
    source = f"act/{act}/{act_id}"
    return PointsAwarded(
        at=NOW,
        booked_at=NOW,
        customer_id=MEI,
        act=act,
        act_id=act_id,
        reason="thanks",
        branch="TOR1",
        on=NOW.date(),
        points=points,
        balance=points,
        lot_id=lot_id(MEI, source),
        source=source,
        **known,
    )


def test_who_brings_somebody_has_two_hundred_points_to_the_end_of_the_year() -> None:
    year_end = datetime(2027, 1, 1, 5, tzinfo=UTC)
    POINTS.when(order("referral", "li")).then(awarded("referral", "li", 200, policy_version=0, expires_at=year_end))


def test_an_act_earns_by_the_policy_and_its_lot_lives_by_it() -> None:
    over = datetime(2026, 3, 13, 4, tzinfo=UTC)
    told = awarded("survey", "s-1", 20, policy_version=3, expires_at=over)
    POINTS.when(order(terms=SURVEYS, policy_version=3)).then(told)
    lot = new_lot(told, told.lot_id)
    assert (lot.points, lot.rest, lot.expires_at, lot.earned_at) == (20, 20, over, NOW)


def test_points_of_an_act_wait_as_others_do() -> None:
    terms = SURVEYS.model_copy(update={"pending_days": 2})
    (told,) = domain.decide(order(terms=terms), domain.initial)
    assert isinstance(told, PointsAwarded)
    assert (told.balance, told.pending, told.active_from) == (0, 20, datetime(2026, 3, 5, 5, tzinfo=UTC))


def test_the_same_act_told_twice_earns_once_even_when_its_kind_earns_no_more() -> None:
    POINTS.when(order(terms=SURVEYS, is_known=True)).then()
    POINTS.when(order(terms=Terms(acts={}), is_known=True)).then()


def test_an_act_settles_a_debt_first() -> None:
    account = domain.Account(debt=15)
    (told,) = domain.decide(order(terms=SURVEYS), account)
    assert isinstance(told, PointsAwarded)
    assert (told.repaid, told.debt, told.balance) == (15, 0, 5)
    assert domain.evolve(account, told).earned == 20


def test_no_more_often_than_the_limit() -> None:
    POINTS.when(order(terms=SURVEYS, had=2)).rejected("award-limit-reached")
    POINTS.when(order(terms=SURVEYS, had=3)).rejected("award-limit-reached")
    assert domain.decide(order(terms=SURVEYS, had=1), domain.initial)
    assert domain.decide(order("referral", had=99), domain.initial)


def test_what_no_policy_rewards_is_refused() -> None:
    POINTS.when(order("applause")).rejected("act-unknown")


def test_what_an_act_gave_expires() -> None:
    (told,) = domain.decide(order(terms=SURVEYS), domain.initial)
    account = domain.evolve(domain.initial, told)
    assert (account.available(NOW), account.available(NOW + timedelta(days=10))) == (20, 0)
