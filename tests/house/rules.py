"""The rules of the house that no linter holds: each takes a file's place and text and yields what is wrong. Pure."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

Rule = Callable[[PurePosixPath, str], Iterator[str]]

LONGEST_FILE = 250
LONGEST_FUNCTION = 40
HOUSE = ("branchline", "contracts", "deploy", "services", "shared")
FORBIDDEN = re.compile(r"(?:Abstract|Base|Helper|Impl|Manager|Util)s?(?![a-z])|(?:Data|Info)$")
SQL = re.compile(
    r"\bSELECT\b.*\bFROM\b|\bINSERT\s+INTO\b|\bUPDATE\s+\S+\s+SET\b|\bDELETE\s+FROM\b"
    r"|\b(CREATE|ALTER|DROP)\s+(ROLE|SCHEMA|TABLE)\b",
    re.DOTALL,
)
# Put together, so that this file does not name what it looks for.
PLACES = re.compile(r"(?<![\w.])/(?:" + "|".join(("work", "root", "home", "tmp/" + "plan")) + r")(?:/|\b(?!\w))")
REGISTRIES = re.compile(r"\b(?:pypi|[\w.]*pythonhosted|[\w.]*npmjs|[\w.]*npmmirror|repo1?[.]maven)[.][\w.]*")
SPACE = re.compile(r"UUID\(\"([0-9a-f-]{36})\"\)")
LOOSE_SENDS = frozenset({"publish_batch", "send", "send_and_wait"})


def a_file_is_short(place: PurePosixPath, text: str) -> Iterator[str]:
    if place.parts[0] in HOUSE and place.suffix in {".py", ".sql"} and (lines := text.count("\n")) > LONGEST_FILE:
        yield f"{lines} lines"


def a_function_is_short(place: PurePosixPath, text: str) -> Iterator[str]:
    if place.parts[0] not in HOUSE:
        return
    for node in _nodes(place, text):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"line {node.lineno}: {node.name} has {lines} lines"


def a_name_says_what_it_is(place: PurePosixPath, text: str) -> Iterator[str]:
    if place.parts[0] not in HOUSE or place.suffix != ".py":
        return
    named = [(1, part.removesuffix(".py").title().replace("_", "")) for part in place.parts]
    named += [(node.lineno, node.name) for node in _nodes(place, text) if isinstance(node, ast.ClassDef)]
    for line, name in named:
        if found := FORBIDDEN.search(name):
            yield f"line {line}: {name} says {found.group()}"


def a_module_says_what_it_is_for(place: PurePosixPath, text: str) -> Iterator[str]:
    if place.suffix == ".py" and not ast.get_docstring(ast.parse(text)):
        yield "no docstring"


def sql_is_never_formatted(place: PurePosixPath, text: str) -> Iterator[str]:
    if place.parts[0] not in HOUSE:  # tests look into tables by name
        return
    for node in _nodes(place, text):
        if SQL.search(_formatted(node)):
            yield f"line {getattr(node, 'lineno', 0)}: SQL with values formatted into it"


def no_place_of_one_machine(_place: PurePosixPath, text: str) -> Iterator[str]:
    yield from (f"names {found.group()}" for found in PLACES.finditer(text))


def no_registry_by_address(_place: PurePosixPath, text: str) -> Iterator[str]:
    yield from (f"names {found.group()}" for found in REGISTRIES.finditer(text))


def a_lock_has_no_address(place: PurePosixPath, text: str) -> Iterator[str]:
    """Versions and hashes only: npm writes `funding` into its locks too, which it does not need and goes."""
    address = {".json": r'"resolved"|\w+://', ".lock": r"\w+://|--[\w-]*(?:index|links)[\w-]*"}.get(place.suffix)
    if address and "lock" in place.name:
        yield from (f"has {found}" for found in sorted(set(re.findall(address, text))))


def the_kernel_sends_batches_built_by_hand(place: PurePosixPath, text: str) -> Iterator[str]:
    """A producer's own batching loses order after an error, and FastStream's ignores keys (see the relay)."""
    if place.parts[0] != "shared" or not re.search("aiokafka|faststream", text):
        return
    for node in _nodes(place, text):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOOSE_SENDS:
            yield f"line {node.lineno}: calls {node.func.attr}"


def ids_made_in_one_space(files: Iterable[tuple[PurePosixPath, str]]) -> list[str]:
    """Return the spaces of name-made ids that stand in two places: the same name there is the same id."""
    own = (text for place, text in files if place.parts[0] in HOUSE and place.suffix == ".py")
    return [space for space, times in Counter(one for text in own for one in SPACE.findall(text)).items() if times > 1]


RULES: tuple[Rule, ...] = (
    a_file_is_short,
    a_function_is_short,
    a_name_says_what_it_is,
    a_module_says_what_it_is_for,
    sql_is_never_formatted,
    no_place_of_one_machine,
    no_registry_by_address,
    a_lock_has_no_address,
    the_kernel_sends_batches_built_by_hand,
)


def _nodes(place: PurePosixPath, text: str) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(text)) if place.suffix == ".py" else iter(())


def _is_constant(node: ast.AST) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name):
            return name.isupper()
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _is_constant(left) and _is_constant(right)
    return False


def _formatted(node: ast.AST) -> str:
    """Return the text that values are put into here, or nothing where none are; constants may be put together."""
    match node:
        case ast.JoinedStr(values=parts) if any(isinstance(part, ast.FormattedValue) for part in parts):
            return " x ".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return text
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            return text
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Add(), right=other) if not _is_constant(other):
            return text
        case ast.BinOp(left=other, op=ast.Add(), right=ast.Constant(value=str(text))) if not _is_constant(other):
            return text
    return ""
