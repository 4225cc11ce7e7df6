"""Money and points: whole minor units beside a currency. Floats and numbers beyond 2^53 are refused. Pure."""

from typing import Annotated

from pydantic import Field, Strict

LARGEST = 2**53 - 1

Whole = Annotated[int, Strict(), Field(ge=-LARGEST, le=LARGEST)]
Minor = Whole
Points = Annotated[int, Strict(), Field(ge=0, le=LARGEST)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["CAD"])]
