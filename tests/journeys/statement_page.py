"""A statement's page as its reader sees it: the sums by name, and the rows of its tables as texts."""

import re
from dataclasses import dataclass
from html import unescape
from typing import TypeAlias

Cells: TypeAlias = tuple[str, ...]

_SUM = re.compile(r'<dd id="(\w+)">([^<]*)</dd>')
_ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<td[^>]*>(.*?)</td>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class StatementPage:
    """`lots` are earned on, branch, good through, points; `lines` day, entry, branch, receipt, points, balance."""

    sums: dict[str, str]
    lots: list[Cells]
    lines: list[Cells]


def read(text: str) -> StatementPage:
    """Return what a page says."""
    return StatementPage(dict(_SUM.findall(text)), _rows(text, "lots"), _rows(text, "lines"))


def _rows(text: str, table: str) -> list[Cells]:
    _, found, rest = text.partition(f'<table id="{table}">')
    if not found:
        return []
    body = rest.partition("<tbody>")[2].partition("</tbody>")[0]
    return [tuple(_plain(cell) for cell in _CELL.findall(row)) for row in _ROW.findall(body)]


def _plain(cell: str) -> str:
    return " ".join(unescape(_TAG.sub(" ", cell)).split())
