"""Records made from a schema, always the same ones: the golden records that are kept for ever. Pure.

They stand at the edges (smallest and largest numbers, fields left out, nulls), for that is where a narrowed rule shows.
"""

from typing import Any

from branchline.contracts.told import Schema

MOMENTS = {
    "uuid": ("00000000-0000-4000-8000-000000000001", "ffffffff-ffff-4fff-bfff-fffffffffffe"),
    "date": ("2018-03-15", "2026-11-22"),
    "date-time": ("2018-03-15T14:00:00Z", "2026-11-22T23:59:59.999999Z"),
}
WORDS = ("a", "Ünïcode 美发")
LARGEST = 2**53 - 1


def golden(schema: Schema) -> list[Any]:
    """Return the records: the least there can be, everything and small, everything and large, each value of an enum."""
    made = [_Maker(schema, full, large).make(schema) for full, large in ((False, False), (True, False), (True, True))]
    values = max([len(part["enum"]) for part in schema.get("$defs", {}).values() if "enum" in part], default=0)
    made += [_Maker(schema, True, True, value).make(schema) for value in range(1, values)]
    return [record for at, record in enumerate(made) if record not in made[:at]]


class _Maker:
    def __init__(self, schema: Schema, full: bool, large: bool, value: int = 0) -> None:
        self._known, self._full, self._edge, self._value = schema.get("$defs", {}), full, int(large), value

    def make(self, schema: Schema) -> Any:
        if "$ref" in schema:
            return self.make(self._known[schema["$ref"].removeprefix("#/$defs/")])
        if "anyOf" in schema:
            return self.make(schema["anyOf"][0 if self._full else -1])
        values = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
        return values[self._value % len(values)] if values else self._typed(schema)

    def _typed(self, schema: Schema) -> Any:
        match schema.get("type"):
            case "object":
                return self._object(schema)
            case "array":
                return self._array(schema)
            case "string":
                return self._string(schema)
            case "integer":
                return schema.get("maximum", LARGEST) if self._edge else schema.get("minimum", -LARGEST)
            case "boolean":
                return bool(self._edge)
            case "null":
                return None
        raise ValueError(f"no golden record can be made for {schema}")

    def _object(self, schema: Schema) -> dict[str, Any]:
        fields = schema.get("properties", {})
        kept = fields if self._full else schema.get("required", ())
        return {name: self.make(fields[name]) for name in kept}

    def _array(self, schema: Schema) -> list[Any]:
        fewest = schema.get("minItems", 0)
        return [self.make(schema["items"]) for _ in range(max(fewest, 1 + self._edge) if self._full else fewest)]

    def _string(self, schema: Schema) -> str:
        if "format" in schema:
            return MOMENTS[schema["format"]][self._edge]
        if "pattern" in schema:
            return str(schema["examples"][0])
        return WORDS[self._edge][: schema.get("maxLength")].ljust(schema.get("minLength", 0), "a")
