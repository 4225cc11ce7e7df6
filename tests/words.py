"""The words of a page: whether its languages say the same, and its templates ask for what there is. Pure."""

import re
import string
import tomllib
from pathlib import Path

from shared.wording import LANGUAGES


def catalogs(page: Path) -> list[dict[str, str]]:
    """Return a page's catalog in each language."""
    return [tomllib.loads((page / "words" / f"{language}.toml").read_text("utf-8")) for language in LANGUAGES]


def unequal(catalogs: list[dict[str, str]]) -> list[str]:
    """Return the keys that some catalog lacks, or fills with other blanks."""
    keys = sorted({key for catalog in catalogs for key in catalog})
    return [key for key in keys if len({frozenset(_blanks(c[key])) if key in c else None for c in catalogs}) > 1]


def unknown(page: Path) -> list[str]:
    """Return the words that the templates ask for and that are not there."""
    return sorted(set(re.findall(r"""\bw\(["'](\w+)["'](?! ~)""", _text(page))) - set(catalogs(page)[0]))


def idle(page: Path) -> list[str]:
    """Return the words that no template asks for."""
    text = _text(page)
    asked = set(re.findall(r"""["'](\w+)["']""", text))
    stems = tuple(re.findall(r"""w\(["'](\w+_)["'] ~""", text))
    return [key for key in catalogs(page)[0] if key not in asked and not key.startswith(stems)]


def _text(page: Path) -> str:
    return "".join(path.read_text("utf-8") for path in sorted((page / "templates").iterdir()))


def _blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
