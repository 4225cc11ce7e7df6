"""Where the browser's libraries lie: installed by npm from package-lock.json beside this file, never committed."""

from pathlib import Path

_ROOTS = (
    Path(__file__).resolve().parents[2] / ".local" / "assets" / "node_modules",
    Path("/app/assets/node_modules"),
)
_FILES = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "hx-sse.js": "htmx.org/dist/ext/hx-sse.min.js",
    "echarts.js": "echarts/dist/echarts.common.min.js",
    "inter.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
}


def find(name: str) -> Path | None:
    """Return the file that the page knows by `name`; None when the page has no such file, or it is not installed."""
    if name not in _FILES:
        return None
    return next((path for root in _ROOTS if (path := root / _FILES[name]).is_file()), None)


def missing() -> tuple[str, ...]:
    """Return the names of those that are not installed; the page then shows figures, but no charts and nothing live."""
    return tuple(name for name in _FILES if find(name) is None)
