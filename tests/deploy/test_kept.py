"""A program that ends is started again, later each time, and it is said."""

import signal
import sys
from pathlib import Path

from deploy.local.kept import LONGEST, SETTLED, SHORTEST, Kept
from deploy.local.processes import Child

ENDS = "raise SystemExit(3)"
LIVES = "import time; print('up', flush=True); time.sleep(600)"


def kept(folder: Path, code: str) -> Kept:
    return Kept(Child("pos", [sys.executable, "-c", code], {}, folder / "pos.log", folder))


def wait(one: Kept) -> None:
    assert one.child.process is not None
    one.child.process.wait(20)


def test_a_program_that_ends_is_started_again_with_longer_and_longer_waits(tmp_path: Path) -> None:
    pos, now, waits = kept(tmp_path, ENDS), 100.0, []
    pos.start(now)
    for _ in range(9):
        wait(pos)
        said = pos.tend(now)
        assert said is not None
        assert "pos ended with 3" in said
        assert pos.again_at is not None
        waits.append(pos.again_at - now)
        assert pos.tend(pos.again_at - 0.01) is None
        now = pos.again_at
        assert pos.tend(now) == "pos was started again"
    wait(pos)
    assert waits[:3] == [SHORTEST, SHORTEST * 2, SHORTEST * 4]
    assert waits[-1] == LONGEST


def test_a_program_that_was_killed_is_said_to_have_been(tmp_path: Path) -> None:
    pos = kept(tmp_path, LIVES)
    pos.start(0.0)
    assert pos.child.process is not None
    pos.child.process.kill()
    wait(pos)
    assert f"was ended by signal {signal.SIGKILL.value}" in (pos.tend(5.0) or "")


def test_a_program_that_stayed_up_is_forgiven_its_earlier_ends(tmp_path: Path) -> None:
    pos = kept(tmp_path, LIVES)
    pos.delay = LONGEST
    pos.start(0.0)
    assert pos.tend(SETTLED + 1) is None
    pos.child.stop(20)
    pos.tend(SETTLED + 2)
    assert pos.again_at == SETTLED + 2 + SHORTEST


def test_a_log_that_has_grown_is_put_aside(tmp_path: Path) -> None:
    pos = kept(tmp_path, ENDS)
    pos.child.log.write_bytes(b"x" * (20 * 1024 * 1024 + 1))
    pos.start(0.0)
    wait(pos)
    assert pos.child.log.stat().st_size == 0
    assert (tmp_path / "pos.old.log").exists()
