"""A value with some fields changed is what the library makes of it, and the one before stays as it was."""

import dataclasses
from dataclasses import dataclass, field

import pytest

from shared.replacing import replace


@dataclass(frozen=True)
class Held:
    """Something with a rest that nobody gives."""

    points: int
    parts: tuple[int, ...] = ()
    kept: dict[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Narrow:
    """Something without room for what it is not."""

    points: int


def test_it_is_what_the_library_makes_of_it() -> None:
    held = Held(7, (3, 4), {"a": 1})
    for changed in (replace(held, points=8), replace(held, parts=(), kept={}), replace(held)):
        assert type(changed) is Held
        assert changed is not held
    assert replace(held, points=8, parts=(8,)) == dataclasses.replace(held, points=8, parts=(8,))
    assert hash(replace(held, points=8)) == hash(dataclasses.replace(held, points=8))
    assert held == Held(7, (3, 4), {"a": 1})


def test_a_field_that_is_not_there_is_an_error_as_in_the_library() -> None:
    for change in (replace, dataclasses.replace):
        with pytest.raises(TypeError):
            change(Held(7), point=8)


def test_what_it_cannot_copy_it_does_not_pretend_to() -> None:
    with pytest.raises(AttributeError):
        replace(Narrow(1), points=2)
