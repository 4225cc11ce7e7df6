"""Kafka's jars, fetched once from Maven's repository and checked against the hashes in `deploy/kafka/jars.lock`.

`python -m deploy.local.jars` writes the lock anew from the coordinates below.
"""

import hashlib
import logging
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jgo.maven import MavenContext, PythonResolver

from deploy.local.faults import Failed

WANTED = ("org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36")
TRIES = 3
LOCK = Path(__file__).parent.parent / "kafka" / "jars.lock"


def prepare(folder: Path, lock: Path = LOCK) -> None:
    """Fill `folder` with the jars of the lock unless it holds them; it gets its name only when every hash is right."""
    stamp = hashlib.sha256(lock.read_bytes()).hexdigest()
    if (folder / "stamp").exists() and (folder / "stamp").read_text() == stamp:
        return
    new, cache = folder.with_name("jars.new"), folder.with_name("jars.cache")
    for leftover in (new, cache):
        shutil.rmtree(leftover, ignore_errors=True)
    new.mkdir(parents=True)
    logging.getLogger("jgo").setLevel(logging.ERROR)
    maven = MavenContext(repo_cache=cache, resolver=PythonResolver(), timeout=60)
    locked = [line.split() for line in lock.read_text().splitlines()]
    with ThreadPoolExecutor(8) as threads:
        fetching = [threads.submit(_fetch, maven, coordinate, sha256, new) for coordinate, sha256 in locked]
        for fetched in fetching:
            fetched.result()
    (new / "stamp").write_text(stamp)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
    shutil.rmtree(cache)


def _fetch(maven: MavenContext, coordinate: str, sha256: str, folder: Path) -> None:
    """Put one jar into `folder`; a download that was cut short is made again."""
    artifact = maven.create_dependency(coordinate).artifact
    wrong = ""
    for _ in range(TRIES):
        try:
            jar = artifact.resolve()
        except OSError as fault:
            wrong = f"did not come: {fault}"
        else:
            found = hashlib.sha256(jar.read_bytes()).hexdigest()
            if found == sha256:
                jar.rename(folder / jar.name)
                return
            wrong = f"has the hash {found}, where the lock says {sha256}"
        if artifact.cached_path is not None:
            artifact.cached_path.unlink(missing_ok=True)
    raise Failed(f"{coordinate} {wrong}")


def write_lock(wanted: Sequence[str] = WANTED, lock: Path = LOCK) -> None:
    """Write a lock: all jars that the coordinates need, with the hashes they have today."""
    cache = lock.with_suffix(".cache")
    maven = MavenContext(repo_cache=cache, resolver=PythonResolver())
    inputs, needed = maven.resolver.resolve([maven.create_dependency(coordinate) for coordinate in wanted])
    lines = []
    for artifact in (dependency.artifact for dependency in (*inputs, *needed)):
        sha256 = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
        lines.append(f"{artifact.groupId}:{artifact.artifactId}:{artifact.version} {sha256}\n")
    lock.write_text("".join(sorted(lines)))
    shutil.rmtree(cache)


if __name__ == "__main__":
    write_lock()
