"""Ids that clients choose for what they order: by chance, for those of tills' spendings follow from their receipts."""

from typing import Annotated, TypeAlias
from uuid import UUID

from pydantic import AfterValidator

OF_A_NAME = 5


def _chosen(value: UUID) -> UUID:
    if value.version == OF_A_NAME:
        raise ValueError("an id of version 5 is made of a name; choose one by chance")
    return value


Chosen: TypeAlias = Annotated[UUID, AfterValidator(_chosen)]
