"""Where this checkout keeps what it fetched and what its servers hold, and what it does when nothing else is said."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LOCAL = CHECKOUT / ".local"
JARS = LOCAL / "jars"
ASSETS = LOCAL / "assets"

SERVICES = ("pos", "membership", "loyalty-points", "notification", "projection")
