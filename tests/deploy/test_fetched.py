"""What is fetched is whole and what the locks say, or it is fetched again."""

from pathlib import Path

import pytest

from deploy.local import assets, jars
from deploy.local.faults import Failed

SMALL = "org.jspecify:jspecify:1.0.0"


def locked(folder: Path, sha256: str | None = None) -> Path:
    """Write a lock of one small jar, with its own hash or another."""
    line = next(line for line in jars.LOCK.read_text().splitlines() if line.startswith(f"{SMALL} "))
    lock = folder / "one.lock"
    lock.write_text(f"{SMALL} {sha256}\n" if sha256 else f"{line}\n")
    return lock


def test_jars_that_were_fetched_half_are_fetched_again_and_then_kept(tmp_path: Path) -> None:
    folder, lock = tmp_path / "jars", locked(tmp_path)
    for half in (folder, tmp_path / "jars.new", tmp_path / "jars.cache"):
        half.mkdir()
        (half / "half.jar").touch()
    jars.prepare(folder, lock)
    assert sorted(file.name for file in folder.iterdir()) == ["jspecify-1.0.0.jar", "stamp"]
    assert not (tmp_path / "jars.cache").exists()
    fetched_at = (folder / "stamp").stat().st_mtime_ns
    jars.prepare(folder, lock)
    assert (folder / "stamp").stat().st_mtime_ns == fetched_at


def test_a_jar_with_another_hash_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="has the hash"):
        jars.prepare(tmp_path / "jars", locked(tmp_path, "0" * 64))
    assert not (tmp_path / "jars").exists()


def test_page_scripts_that_were_fetched_half_are_fetched_again_and_then_kept(tmp_path: Path) -> None:
    folder = tmp_path / "assets"
    (folder / "node_modules" / "half").mkdir(parents=True)
    (tmp_path / "assets.new" / "half").mkdir(parents=True)
    assets.prepare(folder)
    assert not (folder / "node_modules" / "half").exists()
    assert (folder / "node_modules" / "echarts" / "dist" / "echarts.min.js").stat().st_size > 100_000
    fetched_at = (folder / "stamp").stat().st_mtime_ns
    assets.prepare(folder)
    assert (folder / "stamp").stat().st_mtime_ns == fetched_at
