"""The PyPI package `bytewax` under the load of `rows/consumer.py`: a topic's records to totals in a table.

Runs in an environment of its own; answers one line of JSON as `program.py` asks it. Times are seconds.
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import bytewax.operators as op
import psycopg
from bytewax._bytewax import run_main
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition

ADD = """
INSERT INTO totals (id, total) SELECT * FROM unnest(%s::uuid[], %s::int[]) ORDER BY 1
ON CONFLICT (id) DO UPDATE SET total = totals.total + excluded.total
"""
TOGETHER = 1_000


class Clock:
    """When the first record came."""

    began = 0.0


class Totals(StatelessSinkPartition):  # type: ignore[misc]
    """Adds what comes to the table, a thousand at a time."""

    def __init__(self, address: str) -> None:
        self._connection = psycopg.connect(address, autocommit=True)
        self._waiting: list[tuple[str, int]] = []

    def write_batch(self, items: list[tuple[str, int]]) -> None:
        """Add them, once they are many."""
        self._waiting += items
        if len(self._waiting) >= TOGETHER:
            self._write()

    def close(self) -> None:
        """Add what is left."""
        self._write()
        self._connection.close()

    def _write(self) -> None:
        added: dict[str, int] = defaultdict(int)
        for counter, amount in self._waiting:
            added[counter] += amount
        self._waiting.clear()
        if added:
            self._connection.execute(ADD, (list(added), list(added.values())))


class Table(DynamicSink):  # type: ignore[misc]
    """The table of totals."""

    def __init__(self, address: str) -> None:
        self._address = address

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> Totals:
        """Return the one worker's part."""
        return Totals(self._address)


def main() -> None:
    """Answer one request."""
    _say({"hello": True})
    asked = json.loads(sys.stdin.readline())
    flow = Dataflow("totals")
    source = KafkaSource([asked["kafka"]], [asked["topic"]], tail=False, batch_size=TOGETHER)
    read = op.input("records", flow, source)
    told = op.flat_map_batch("read", read, _amounts)
    op.output("totals", told, Table(asked["address"]))
    run_main(flow)
    _say({"seconds": time.perf_counter() - Clock.began})


def _amounts(records: list[Any]) -> Iterator[tuple[str, int]]:
    Clock.began = Clock.began or time.perf_counter()
    for record in records:
        if record.key:
            told = json.loads(record.value)
            yield told["counter_id"], told["amount"]


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
