"""Ways in to headquarters' addresses."""

from datetime import timedelta

import httpx2

from shared.running import Running
from shared.tokens import Tokens


def token(running: Running, role: str = "headquarters", branch: str | None = None, ttl: timedelta | None = None) -> str:
    """Return a token; a ttl below nothing makes one that is over."""
    tokens = Tokens(running.settings)
    return tokens.sign(role, branch=branch, ttl=ttl) if ttl else tokens.sign(role, branch=branch)


def address(running: Running, path: str = "") -> str:
    """Return the address of a path at headquarters."""
    return running.settings.address("projection") + path


def client(
    running: Running, role: str | None = None, branch: str | None = None, language: str = "zh-CN,zh;q=0.9"
) -> httpx2.AsyncClient:
    """Return a browser of a role, or of nobody."""
    headers = {"accept-language": language}
    if role:
        headers["authorization"] = f"Bearer {token(running, role, branch)}"
    return httpx2.AsyncClient(base_url=address(running), headers=headers, trust_env=False, timeout=10)
