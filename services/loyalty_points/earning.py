"""What a receipt earns, as data: rates by line, factors by tier, bonus periods, and lines that do not count. Pure.

A line earns at the first of `rates` that fits it, else at the terms' own rate, times the factor of the customer's tier
at the receipt's time. Bonuses that hold at once do not pile up: a line has the one with the highest factor, a receipt
the one with the most extra points, and of equals the first in the list. All of a receipt is added up exactly and
rounded once. Factors and rates are decimal text, points whole; weekdays, hours and days are local to the branch.
"""

from collections.abc import Sequence
from datetime import date, time
from functools import cache
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.loyalty_points.periods import Period

MICRO = 1_000_000
LONGEST = 200  # of each list
MOST = 100_000_000_000  # points by the rates of one receipt: ten thousands of such receipts can still be added up

Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=64)]
Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
Decimal: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")]
Kind: TypeAlias = Literal["service", "product", "adjustment"]
Weekday: TypeAlias = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Rounding: TypeAlias = Literal["down", "half-up", "up"]
WholePoints: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000)]

WEEK: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@cache
def micro(decimal: str) -> int:
    """Return a decimal text in millionths, exactly."""
    whole, _, decimals = decimal.partition(".")
    return int(whole + decimals.ljust(6, "0"))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lines(_Part):
    """Lines of receipts, by what they sell and where; a list that is empty names all."""

    kinds: Annotated[tuple[Kind, ...], Field(max_length=LONGEST)] = ()
    codes: Annotated[tuple[Text, ...], Field(max_length=LONGEST)] = ()
    branches: Annotated[tuple[Text, ...], Field(max_length=LONGEST)] = ()

    def fit(self, kind: str, code: str, branch: str) -> bool:
        """Return whether a line is one of them."""
        named = ((self.kinds, kind), (self.codes, code), (self.branches, branch))
        return all(not names or one in names for names, one in named)


class Rate(Lines):
    """Points per whole unit of the currency for these lines."""

    points_per_unit: Decimal


class Excluded(_Part):
    """Lines that neither earn nor take off: those of a kind, of a code, or below zero when they were sold."""

    kinds: Annotated[tuple[Kind, ...], Field(max_length=LONGEST)] = ()
    codes: Annotated[tuple[Text, ...], Field(max_length=LONGEST)] = ()
    negative: bool = False

    def has(self, kind: str, code: str, net_minor: int) -> bool:
        """Return whether a line is one of them."""
        return kind in self.kinds or code in self.codes or (self.negative and net_minor < 0)


class Cap(_Part):
    """The most points that a bonus gives a customer within a period; earlier receipts have it first."""

    points: WholePoints
    per: Period


class Bonus(Lines):
    """A time in which lines earn a multiple, or a receipt with such lines some points more.

    One of the `birthday_month` is for who had said by the receipt's time that hers is the month of the branch's day.
    `from_on` and `to_on` are both within, `from_time` is and `to_time` is not. Extra points stay until a refund leaves
    nothing of those lines. A refund makes no room below a cap.
    """

    name: Name
    factor: Decimal | None = None
    extra: WholePoints | None = None
    weekdays: Annotated[tuple[Weekday, ...], Field(max_length=7)] = ()
    from_on: date | None = None
    to_on: date | None = None
    from_time: time | None = None
    to_time: time | None = None
    birthday_month: bool = False
    cap: Cap | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.factor is None) == (self.extra is None):
            raise ValueError("a bonus has a factor or extra points, and not both")
        if self.factor is not None and micro(self.factor) <= MICRO:
            raise ValueError("a bonus has a factor above 1")
        if self.from_on and self.to_on and self.from_on > self.to_on:
            raise ValueError("a bonus ends before it begins")
        if any(at and at.tzinfo for at in (self.from_time, self.to_time)):
            raise ValueError("the hours of a bonus are the branch's own, without a zone")
        if (self.from_time or time.min) >= (self.to_time or time.max):
            raise ValueError("a bonus ends on the day and after the hour it begins; past midnight it is two")
        return self

    def holds(self, on: date, at: time, birthday_month: int | None) -> bool:
        """Return whether it is on at a local day and time, for who has her birthday in a month; None is unknown."""
        return (
            (self.from_on or date.min) <= on <= (self.to_on or date.max)
            and (not self.birthday_month or on.month == birthday_month)
            and (not self.weekdays or WEEK[on.weekday()] in self.weekdays)
            and (self.from_time or time.min) <= at
            and (self.to_time is None or at < self.to_time)
        )


class Earning(_Part):
    """The whole: the presets let every line earn at the terms' own rate, whatever the tier, rounded down."""

    rates: Annotated[tuple[Rate, ...], Field(max_length=LONGEST)] = ()
    by_tier: Annotated[dict[Name, Decimal], Field(max_length=50)] = {}
    bonuses: Annotated[tuple[Bonus, ...], Field(max_length=LONGEST)] = ()
    excluded: Excluded = Excluded()
    rounding: Rounding = "down"

    @model_validator(mode="after")
    def _each_bonus_once(self) -> Self:
        names = [bonus.name for bonus in self.bonuses]
        if len(names) != len(set(names)):
            raise ValueError("two bonuses have one name")
        return self

    @property
    def caps(self) -> Sequence[Bonus]:
        """Return the bonuses that have a cap."""
        return [bonus for bonus in self.bonuses if bonus.cap]

    def rounded(self, points: int, scale: int) -> int:
        """Return `points / scale` as whole points, never below zero and never beyond MOST."""
        more = {"down": 0, "half-up": scale // 2, "up": scale - 1}[self.rounding]
        return min(MOST, (max(0, points) + more) // scale)
