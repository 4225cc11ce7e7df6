"""A chain as a YAML file: its branches, tills and policies. Pure; money is decimal text, never a float."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

import yaml
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from branchline.amount import decimal, minor_per_unit, to_minor
from services.loyalty_points.basket.terms import BasketTerms
from services.loyalty_points.desk_terms import DeskTerms
from services.loyalty_points.earning import Decimal, Earning
from services.loyalty_points.lifetime import MOST_DAYS, Expiry
from services.loyalty_points.terms import Acts, NoticesDays

LARGEST_CHAIN = 5000
MOST_TILLS = 99


class NotAChain(ValueError):
    """The file cannot be taken; the message has a line for each fault, with its place."""


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone of the IANA list (such as America/Toronto)") from None


def _amount(text: str) -> str:
    if decimal(text) < 0:
        raise ValueError("is below zero")
    return text


Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Amount = Annotated[str, AfterValidator(_amount)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class ChainName(_Part):
    """The chain, and the one currency of its cell, which never changes."""

    name: Name
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Branch(_Part):
    """A branch, and how many tills it has."""

    code: Code
    name: Name
    zone: Annotated[str, AfterValidator(_zone)]
    region: Name = "all"
    tills: Annotated[int, Field(ge=0, le=MOST_TILLS)] = 1

    def till_codes(self) -> tuple[str, ...]:
        """Return the codes of the branch's tills."""
        return tuple(f"{self.code}-{number}" for number in range(1, self.tills + 1))


class Tier(_Part):
    """A tier, and the spend in the window that it begins at."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
    from_: Annotated[Amount, Field(alias="from")]


class Policy(_Part, ABC):
    """What every policy has: when it begins. The first, unless that is to come, holds for ever before, too."""

    starts_at: Annotated[AwareDatetime | None, Field(alias="from")] = None

    @abstractmethod
    def terms(self, currency: str) -> dict[str, Any]:
        """Return the terms as the service takes them."""


class Membership(Policy):
    """Who is a member, and of which tier. What is left out has its preset."""

    join_minimum: Amount = "500.00"
    window_days: Annotated[int, Field(ge=1, le=3660)] | None = None
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)] | None = None

    def terms(self, currency: str) -> dict[str, Any]:
        """Return the terms as the service takes them."""
        terms: dict[str, Any] = {"join_minimum_minor": to_minor(self.join_minimum, currency)}
        if self.window_days is not None:
            terms["window_days"] = self.window_days
        if self.tiers is not None:
            terms["tiers"] = [{"name": t.name, "from_minor": to_minor(t.from_, currency)} for t in self.tiers]
        return terms


class Points(Policy):
    """What a purchase earns and costs, and how long points live. What is left out has its preset."""

    per_currency_unit: Decimal = "1"
    pending_days: Annotated[int, Field(ge=0, le=MOST_DAYS)] | None = None
    expiry: Expiry | None = None
    notices_days: NoticesDays | None = None
    earning: Earning | None = None
    acts: Acts | None = None
    point_minor: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    basket: BasketTerms | None = None
    desk: DeskTerms | None = None

    def terms(self, currency: str) -> dict[str, Any]:
        """Return the terms as the service takes them."""
        terms = {"points_per_unit": self.per_currency_unit, "minor_per_unit": minor_per_unit(currency)}
        said = {"pending_days", "expiry", "notices_days", "earning", "acts", "point_minor", "basket", "desk"}
        return terms | self.model_dump(mode="json", include=said, exclude_unset=True, exclude_none=True)


class Notification(Policy):
    """How long after joining a welcome still makes sense."""

    welcome_within_hours: Annotated[int, Field(ge=0, le=8760)] = 72

    def terms(self, currency: str) -> dict[str, Any]:
        """Return the terms as the service takes them."""
        return {"welcome_within_hours": self.welcome_within_hours}


class PolicySet(_Part):
    """The policies; None where the file does not mention one."""

    membership: Membership | None = None
    points: Points | None = None
    notification: Notification | None = None


class ChainFile(_Part):
    """The whole file."""

    chain: ChainName
    branches: Annotated[tuple[Branch, ...], Field(max_length=LARGEST_CHAIN)]
    policies: PolicySet = PolicySet()

    @model_validator(mode="after")
    def _every_code_once(self) -> Self:
        if not self.branches:
            raise ValueError("there is no branch")
        twice = sorted(code for code, times in Counter(branch.code for branch in self.branches).items() if times > 1)
        if twice:
            raise ValueError(f"branches are named twice: {', '.join(twice)}")
        return self


def read_chain(text: str, name: str = "chain") -> ChainFile:
    """Return the chain that the YAML text describes; scalars are taken as they are written, so 100.00 stays 100.00."""
    try:
        loader = yaml.BaseLoader(text)
        root = loader.get_single_node()
        written = loader.construct_document(root) if root else None
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark
        raise NotAChain(f"{name}:{mark.line + 1 if mark else 1}: {broken.problem}") from broken
    twice = [f"{name}:{line}: {key}: is written twice" for line, key in _doubled(root)]
    if twice:
        raise NotAChain("\n".join(twice))
    try:
        return ChainFile.model_validate(written)
    except ValidationError as wrong:
        faults = [f"{name}:{_line(root, e['loc'])}: {_path(e['loc'])}{e['msg']}" for e in wrong.errors()]
        raise NotAChain("\n".join(faults)) from wrong


def _path(place: Sequence[int | str]) -> str:
    return f"{'.'.join(str(part) for part in place)}: " if place else ""


def _line(root: yaml.Node | None, place: Sequence[int | str]) -> int:
    """Return the line of the deepest part of `place` that is in the file."""
    node = root
    line = 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if not found:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _doubled(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.start_mark.line + 1, key.value
            seen.add(key.value)
            yield from _doubled(value)
    elif isinstance(node, yaml.SequenceNode):
        for part in node.value:
            yield from _doubled(part)
