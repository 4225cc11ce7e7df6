"""The points of six customers of the real export, worked out with pen and paper from its rows.

A point for each whole dollar of what is hers on a receipt, from the first receipt on that is 100.00 or more; cents of a
receipt give nothing, and are not carried over. All of it is good until the year is over. Taxes earn nothing.
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Paper:
    """A receipt: its day of 2018, its number, her rows as they are in the file, their sum, and her points after it."""

    on: str
    number: int
    rows: str
    net: str
    points: int
    balance: int

    @property
    def amounts(self) -> list[Decimal]:
        """Return the rows' amounts."""
        return sorted(Decimal(amount) for amount in self.rows.split())


@dataclass(frozen=True)
class Book:
    """A customer by her code in the export: her papers, and what she had before June, in June and at the year's end."""

    client: str
    papers: tuple[Paper, ...]
    before_june: int
    in_june: int
    at_year_end: int

    @property
    def entries(self) -> list[Paper]:
        """Return the papers that gave points."""
        return [paper for paper in self.papers if paper.points]


BRINGS_BACK = Book(
    "GELK01",
    (
        Paper("Apr 26", 312, "82 50.40", "132.40", 132, 132),  # 100.00 and more: she joins with it
        Paper("May 31", 834, "102", "102.00", 102, 234),
        Paper("Jul 4", 1353, "102 -50.40", "51.60", 51, 285),  # the shampoo of April is back, the cut is paid
    ),
    before_june=234,  # 132 + 102
    in_june=0,
    at_year_end=285,  # 132 + 102 + 51
)
JOINS_LATE = Book(
    "APTM01",
    (
        Paper("Mar 24", 47, "40", "40.00", 0, 0),
        Paper("Apr 22", 284, "30", "30.00", 0, 0),  # 70.00 in two receipts are no 100.00 in one
        Paper("May 25", 740, "30 44.80 44.80", "119.60", 119, 119),  # a cut and two products: he joins
        Paper("Jun 29", 1302, "30 37.80 28.80", "96.60", 96, 215),  # and 0.60 + 0.60 are no point more
        Paper("Jul 29", 1768, "30", "30.00", 30, 245),
    ),
    before_june=119,
    in_june=96,
    at_year_end=245,  # 119 + 96 + 30
)
SHARES_A_RECEIPT = Book(
    "ABL*01",
    (
        Paper("May 17", 607, "30 46", "76.00", 0, 0),
        Paper("Jun 22", 1193, "50 50.40", "100.40", 100, 100),
        Paper("Jul 24", 1665, "30", "30.00", 30, 130),  # somebody else's rows are on the same receipt
    ),
    before_june=0,
    in_june=100,
    at_year_end=130,  # 100 + 30
)
COMES_OFTEN = Book(
    "WOOJ01",
    (
        Paper("Apr 14", 208, "32", "32.00", 0, 0),
        Paper("Apr 28", 350, "50", "50.00", 0, 0),
        Paper("May 15", 574, "90", "90.00", 0, 0),
        Paper("May 22", 677, "50 70", "120.00", 120, 120),
        Paper("May 26", 767, "52 -52", "0.00", 0, 120),  # and taken off again
        Paper("Jun 2", 895, "50", "50.00", 50, 170),
        Paper("Jun 7", 969, "140 52", "192.00", 192, 362),
        Paper("Jun 17", 1120, "50", "50.00", 50, 412),
        Paper("Jun 23", 1216, "70 52", "122.00", 122, 534),
        Paper("Jun 30", 1318, "50", "50.00", 50, 584),
        Paper("Jul 10", 1455, "70 52", "122.00", 122, 706),
        Paper("Jul 25", 1693, "0 0", "0.00", 0, 706),
    ),
    before_june=120,
    in_june=464,  # 50 + 192 + 50 + 122 + 50
    at_year_end=706,  # 120 + 464 + 122
)
HAS_ALL_AT_ONCE = Book(
    "TAMA01",
    # a treatment, a cut, two toners, a balayage, a product, less what she had paid before
    (Paper("Jun 30", 1324, "25 75 90 150 27.45 -50", "317.45", 317, 317),),
    before_june=0,
    in_june=317,
    at_year_end=317,
)
NEVER_JOINS = Book(
    "SLUS01",
    (
        Paper("Apr 4", 90, "40", "40.00", 0, 0),
        Paper("Apr 25", 300, "40 53.20", "93.20", 0, 0),
        Paper("May 23", 684, "60", "60.00", 0, 0),
        Paper("Jun 20", 1151, "60", "60.00", 0, 0),
        Paper("Jul 18", 1572, "60", "60.00", 0, 0),  # 313.20 in all, and never 100.00 at once
    ),
    before_june=0,
    in_june=0,
    at_year_end=0,
)

BOOKS = (BRINGS_BACK, JOINS_LATE, SHARES_A_RECEIPT, COMES_OFTEN, HAS_ALL_AT_ONCE, NEVER_JOINS)

# What each has earned at the year's end if colour gives half as much again from June on.
WITH_COLOUR_SINCE_JUNE = {
    "GELK01": 285,  # no colour
    "APTM01": 245,
    "ABL*01": 130,
    "WOOJ01": 846,  # 706 + 70 for Jun 7 + 35 for Jun 23 + 35 for Jul 10; May's colour is before it
    "TAMA01": 437,  # 317.45 + (90 + 150) / 2 = 437.45
    "SLUS01": 0,
}
