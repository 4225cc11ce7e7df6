"""What each account must be, worked out from the story alone."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from services.loyalty_points.domain import Account
from shared.message import Event
from tests.services.stories import Story


def check(story: Story, accounts: Mapping[UUID, Account], entries: Mapping[UUID, list[Event]]) -> None:
    """Hold when the accounts are the story's, at a point for each 100 minor units; raise AssertionError."""
    for who in story.customers:
        account, joined = accounts.get(who, Account()), story.joined(who)
        own = [sold for sold in story.own(who) if joined is not None and sold.order >= joined]
        earned = {sold.sale_id: max(0, story.net(sold, who)) // 100 for sold in own}
        kept = {sold.sale_id: max(0, story.left(sold, who)) // 100 for sold in own}
        assert account.joined_order == joined
        assert account.earned == sum(earned.values())
        assert account.taken_back == sum(earned.values()) - sum(kept.values())
        assert _left(account) - account.debt == sum(kept.values())
        _check_entries(account, entries.get(who, []), kept)


def _left(account: Account) -> int:
    return sum(total.points for total in account.active)


def _check_entries(account: Account, events: Iterable[Event], kept: Mapping[UUID, int]) -> None:
    """Every entry's balance is the sum of those up to it, and never below zero without a stated debt."""
    total, by_receipt = 0, dict.fromkeys(kept, 0)
    for event in events:
        if isinstance(event, PointsEarned | PointsTakenBack):
            change = event.points if isinstance(event, PointsEarned) else -event.points
            total += change
            by_receipt[event.sale_id] += change
            assert event.balance - event.debt == total
            assert event.balance >= 0
            assert event.balance == 0 or event.debt == 0
    assert (total, by_receipt) == (_left(account) - account.debt, kept)
