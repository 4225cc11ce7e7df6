"""The points ledger's clock, set by a test: Postgres's own is replaced where the service asks for the time."""

from datetime import datetime

import pytest

from services.loyalty_points import expiring
from services.loyalty_points.guards import holds

ASKING = ((holds, "_CLOCK"), (expiring, "_DUE"), (expiring, "_OVER"), (expiring, "_TO_NOTICE"), (expiring, "_NOW"))
ITS_OWN = {place: str(getattr(*place)) for place in ASKING}


def set_clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """Let it be `now` for the ledger and its worker; timers keep to Postgres's clock."""
    for (module, name), text in ITS_OWN.items():
        assert "clock_timestamp()" in text
        monkeypatch.setattr(module, name, text.replace("clock_timestamp()", f"'{now.isoformat()}'::timestamptz"))
