"""What a change of a schema breaks. Pure.

Records are read by older and by newer services, and read again for ever, so within a version only optional fields
may be added. A keyword that is not known here must stay as it is: what cannot be judged is refused.
"""

from collections.abc import Iterator
from typing import Any

from branchline.contracts.told import Schema, shape

TOLERANT = "unknown"  # an enum with this value has a place for values that come later


def breaches(old: Schema, new: Schema) -> list[str]:
    """Return why `new` cannot stand for `old`, both ways, one sentence a breach; none when it can."""
    return list(_Comparison(shape(old), shape(new)).of(shape(old), shape(new), "$"))


class _Comparison:
    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = old.get("$defs", {}), new.get("$defs", {})

    def of(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        old, new = _resolved(old, self._old), _resolved(new, self._new)
        for word in sorted((old.keys() | new.keys()) - {"$defs"}):
            was, now = old.get(word), new.get(word)
            match word:
                case "properties":
                    yield from self._properties(was or {}, now or {}, set(new.get("required", ())), where)
                case "required":
                    yield from _required(set(was or ()), set(now or ()), _both(old, new), where)
                case "enum":
                    yield from _enum(was, now, where)
                case "items" | "additionalProperties" if isinstance(was, dict) and isinstance(now, dict):
                    yield from self.of(was, now, f"{where}[]")
                case "anyOf" | "oneOf" | "prefixItems" if was is not None and now is not None:
                    yield from self._each(was, now, f"{where}({word})")
                case _ if was != now:
                    yield f"{where}: {word} was {_told(was)}, is {_told(now)}"

    def _properties(self, old: Schema, new: Schema, required: set[str], where: str) -> Iterator[str]:
        for name, was in old.items():
            if name in new:
                yield from self.of(was, new[name], f"{where}.{name}")
            else:
                yield f"{where}.{name}: removed"
        for name in sorted((new.keys() - old.keys()) & required):
            yield f"{where}.{name}: new and required"

    def _each(self, old: list[Schema], new: list[Schema], where: str) -> Iterator[str]:
        if len(old) != len(new):
            yield f"{where}: {len(old)} forms were told, {len(new)} are"
            return
        for was, now in zip(old, new, strict=True):
            yield from self.of(was, now, where)


def _resolved(schema: Schema, known: Schema) -> Schema:
    beside = {word: value for word, value in schema.items() if word != "$ref"}
    if "$ref" not in schema:
        return beside
    return _resolved(known[schema["$ref"].removeprefix("#/$defs/")], known) | beside


def _both(old: Schema, new: Schema) -> set[str]:
    return set(old.get("properties", {})) & set(new.get("properties", {}))


def _required(old: set[str], new: set[str], both: set[str], where: str) -> Iterator[str]:
    yield from (f"{where}.{name}: was optional, is required" for name in sorted((new - old) & both))
    yield from (f"{where}.{name}: was required, is optional" for name in sorted((old - new) & both))


def _enum(old: list[Any] | None, new: list[Any] | None, where: str) -> Iterator[str]:
    if old is None or new is None:
        yield f"{where}: enum was {_told(old)}, is {_told(new)}"
        return
    yield from (f"{where}: the value {value!r} is gone" for value in old if value not in new)
    if TOLERANT not in old:
        added = [value for value in new if value not in old]
        yield from (f"{where}: the value {value!r} is new, and older readers have no place for it" for value in added)


def _told(value: Any) -> str:
    return "not there" if value is None else repr(value)
