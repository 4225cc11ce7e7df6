"""Any record that a JSON Schema of ours allows, for hypothesis. A keyword it does not know is an error, not a guess."""

from typing import Any

from hypothesis import strategies as st

from branchline.contracts.told import Schema

SEEN = frozenset(
    {"type", "format", "pattern", "default", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"}
)
SEEN |= {"items", "properties", "required", "enum", "const", "anyOf", "$defs", "$ref"}
SEEN |= {"$schema", "$id", "title", "description", "examples"}

Records = st.SearchStrategy[Any]


def records(schema: Schema, known: Schema | None = None) -> Records:
    """Return every record of the schema; fields that may be left out sometimes are."""
    known = schema.get("$defs", {}) if known is None else known
    assert schema.keys() <= SEEN, f"cannot make records for {schema.keys() - SEEN}"
    if "$ref" in schema:
        return records(known[schema["$ref"].removeprefix("#/$defs/")], known)
    if "anyOf" in schema:
        return st.one_of([records(form, known) for form in schema["anyOf"]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    return _typed(schema, known)


def _typed(schema: Schema, known: Schema) -> Records:
    match schema["type"]:
        case "object":
            fields = {name: records(field, known) for name, field in schema.get("properties", {}).items()}
            required = set(schema.get("required", ()))
            return st.fixed_dictionaries(
                {name: field for name, field in fields.items() if name in required},
                optional={name: field for name, field in fields.items() if name not in required},
            )
        case "array":
            most = schema.get("maxItems", 3)
            return st.lists(records(schema["items"], known), min_size=schema.get("minItems", 0), max_size=most)
        case "string":
            return _text(schema)
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    raise AssertionError(f"cannot make records for {schema}")


def _text(schema: Schema) -> Records:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    match schema.get("format"):
        case None:
            return st.text(min_size=schema.get("minLength", 0), max_size=schema.get("maxLength", 20))
        case "uuid":
            return st.uuids().map(str)
        case "date":
            return st.dates().map(str)
        case "date-time":
            return st.datetimes().map(lambda at: at.isoformat() + "Z")
        case other:
            raise AssertionError(f"cannot make texts of format {other}")
