"""The tree keeps the rules of the house, and each rule sees what breaks it."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from tests.house import rules
from tests.house.rules import Rule

ROOT = Path(__file__).parents[2]
NOT_OURS = frozenset({"__pycache__", "node_modules"})
HIDDEN_AND_OURS = frozenset({".ci", ".gitignore", ".dockerignore", ".gitattributes"})
MOST_BYTES = 1_000_000

PLANTED: dict[Rule, tuple[tuple[str, str], ...]] = {
    rules.a_file_is_short: (("shared/long.py", "x = 1\n" * 251), ("services/pos/views.sql", "-- x\n" * 251)),
    rules.a_function_is_short: (("shared/one.py", "async def one() -> None:\n" + "    x = 1\n" * 40),),
    rules.a_name_says_what_it_is: (
        ("services/pos/domain.py", "class SaleData: ..."),
        ("shared/kafka.py", "class ConsumerManager: ..."),
        ("shared/utils.py", ""),
        ("shared/base_store.py", ""),
    ),
    rules.a_module_says_what_it_is_for: (("tests/test_it.py", "import os\n"),),
    rules.sql_is_never_formatted: (
        ("shared/store.py", 'def f(t: str) -> str:\n    return f"SELECT 1 FROM {t}"\n'),
        ("shared/migrations.py", 'def f(t: str) -> str:\n    return f"DROP SCHEMA {t}"\n'),
        ("shared/store.py", 'SQL = "DELETE FROM {}".format("sale")\n'),
        ("shared/timers.py", 'SQL = "UPDATE sale SET a = %s" % 1\n'),
        ("shared/store.py", 'def f(t: str) -> str:\n    return "SELECT 1 FROM sale WHERE " + t\n'),
        ("services/pos/guards.py", 'def f(t: str) -> str:\n    return f"""\nINSERT INTO {t}\nVALUES (1)"""\n'),
    ),
    rules.no_place_of_one_machine: (
        ("Makefile", "demo:\n\tcd " + "/".join(("", "root", "x\n"))),
        ("README.md", "see " + "/".join(("", "work", "main"))),
    ),
    rules.no_registry_by_address: (
        ("deploy/Dockerfile", "RUN pip install -i https://" + ".".join(("pypi", "org/simple x"))),
        ("services/projection/package.json", ".".join(("https://registry", "npmjs", "org/x.tgz"))),
    ),
    rules.a_lock_has_no_address: (
        ("requirements.lock", "--index-url https://example.org/simple\n"),
        ("services/projection/package-lock.json", '{"resolved": "x.tgz"}'),
        ("services/projection/package-lock.json", '{"funding": "https://example.org/give"}'),
    ),
    rules.the_kernel_sends_batches_built_by_hand: (
        ("shared/relay.py", "import aiokafka\nasync def f(p):\n    await p.send_and_wait('t', b'')\n"),
        ("shared/relay.py", "import faststream\nasync def f(b):\n    await b.publish_batch(b'', topic='t')\n"),
    ),
}


def tree() -> Iterator[tuple[PurePosixPath, str]]:
    """Yield each text file that is ours, or would be: what is generated, fetched or hidden is not."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and _is_ours(name)]
        for file in (Path(folder, name) for name in files if _is_ours(name)):
            if file.stat().st_size <= MOST_BYTES and b"\0" not in (body := file.read_bytes()):
                yield PurePosixPath(file.relative_to(ROOT).as_posix()), body.decode()


def _is_ours(name: str) -> bool:
    return (not name.startswith(".") or name in HIDDEN_AND_OURS) and not name.endswith(".egg-info")


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps(rule: Rule) -> None:
    found = [f"{place}: {why}" for place, text in tree() for why in rule(place, text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("rule", "place", "text"), [(rule, *planted) for rule, many in PLANTED.items() for planted in many]
)
def test_a_planted_breach_is_seen(rule: Rule, place: str, text: str) -> None:
    assert list(rule(PurePosixPath(place), text))


def test_every_rule_has_a_planted_breach() -> None:
    assert PLANTED.keys() == set(rules.RULES)


def test_ids_of_two_kinds_are_made_in_two_spaces() -> None:
    assert not rules.ids_made_in_one_space(tree())
    offers = 'OFFERS = UUID("5b3a7f0e-7c35-5d0a-8f43-0f6f2b7f9a03")\n'
    planted = [(PurePosixPath("services/pos/sale.py"), offers), (PurePosixPath("shared/one.py"), f"\n{offers}")]
    assert rules.ids_made_in_one_space(planted) == ["5b3a7f0e-7c35-5d0a-8f43-0f6f2b7f9a03"]
