"""The statement as a page of HTML that needs nothing else: its style is in it, and named to the browser by its hash."""

from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.loyalty_points.statement.period import MOMENT, Statement
from shared.wording import LANGUAGES, words

HERE = Path(__file__).parent
WORDS = HERE / "words"
STYLE = (HERE / "statement.css").read_text("utf-8")
HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@lru_cache(maxsize=1)
def _jinja() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def page(told: Statement, account: str, language: str) -> str:
    """Return the page in one of LANGUAGES."""
    zone, w = ZoneInfo(told.zone), words(WORDS, language)
    about: dict[str, Any] = {
        "told": told,
        "account": account,
        "w": w,
        "languages": LANGUAGES,
        "style": Markup(STYLE),  # noqa: S704 -- a file of ours
        "local": lambda at: at.astimezone(zone).date(),
        "last_day": lambda over_at: (over_at - MOMENT).astimezone(zone).date(),
        "signed": lambda points: ("+" if points > 0 else "−" if points < 0 else "") + w.number(abs(points)),
    }
    return _jinja().get_template("statement.html").render(about)
