"""The services of this checkout, by name."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

import services
from branchline.failure import CommandFailed
from shared.service import Service


def names() -> list[str]:
    """Return the services' names, in their hyphen form."""
    packages = (module.name for module in iter_modules(services.__path__) if module.ispkg)
    return sorted(name.replace("_", "-") for name in packages if find_spec(f"services.{name}.app"))


def service(name: str) -> Service:
    """Return a service; raise CommandFailed when there is none of that name."""
    package = f"services.{name.replace('-', '_')}"
    if not name.replace("-", "").isidentifier() or find_spec(package) is None or find_spec(f"{package}.app") is None:
        raise CommandFailed(f"there is no service {name}, only {', '.join(names())}")
    app = import_module(f"{package}.app").app
    assert isinstance(app, Service)
    return app


def migrations(name: str) -> Path:
    """Return the folder of a service's own migrations, which need not exist."""
    return Path(services.__path__[0]) / name.replace("-", "_") / "migrations"
