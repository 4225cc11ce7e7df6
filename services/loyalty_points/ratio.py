"""A payable ratio as decimal text: "0.85" is pay 85%, 八五折. Pure and exact; amounts are minor units."""

from typing import Annotated

from pydantic import Field

Ratio = Annotated[str, Field(pattern=r"^(0(\.[0-9]{1,4})?|1(\.0{1,4})?)$", examples=["0.85"])]

_SCALE = 10_000


def payable(amount_minor: int, ratio: str) -> int:
    """Return what is paid of an amount, half a minor unit up."""
    return (2 * amount_minor * _parts(ratio) + _SCALE) // (2 * _SCALE)


def taken_off(ratio: str) -> str:
    """Return the other side of the ratio: of "0.85" it is "0.15"."""
    whole, rest = divmod(_SCALE - _parts(ratio), _SCALE)
    return f"{whole}.{rest:04d}".rstrip("0").removesuffix(".")


def _parts(ratio: str) -> int:
    whole, _, decimals = ratio.partition(".")
    return int(whole) * _SCALE + int(decimals.ljust(4, "0") or "0")
