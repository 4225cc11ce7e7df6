"""What a till was told is accepted is in the store of the tills' service, once; and no answer was a wrong one."""

from collections.abc import Iterator

from branchline.chain_file import ChainFile
from branchline.simulation.journal import ACCEPTED, DUPLICATE, Entry, read_answers, read_entries
from branchline.simulation.verdict import read_journals
from contracts.pos import SaleRecorded, sale_id
from tests.faults.checkers.evidence import Evidence, Findings

_TAKEN = "SELECT till, seq FROM till_item WHERE result <> 'parked'"
_TILLS = "SELECT till, high, parked FROM till"
_GAPS = "SELECT till, first, last FROM till_gap ORDER BY till, first"


async def check(evidence: Evidence) -> Findings:
    """Compare the journals with the store."""
    tills, findings = evidence.rig.tills, Findings()
    journals = read_journals(tills.chain, tills.journals)
    findings.lines += journals.wrong
    answered = list(_answered(evidence, tills.chain))
    sold = {sale_id(b, till, e.item["data"]["receipt"]) for b, till, e in answered if e.item["type"] == "sale"}
    recorded = [event.sale_id for event in await evidence.events("pos", SaleRecorded)]
    findings.compare("an accepted sale", sold, recorded)
    taken = {(row["till"], row["seq"]) for row in await evidence.rows("pos", _TAKEN)}
    findings.compare("an accepted item", {(till, entry.seq) for _, till, entry in answered}, taken)
    for row in await evidence.rows("pos", _TILLS):
        wanted = journals.tills.get(row["till"])
        if wanted and (row["high"], row["parked"]) != (wanted.high, wanted.parked):
            findings.lines.append(f"till {row['till']} stands at {row['high']}, {row['parked']} parked, not {wanted}")
    for row in await evidence.rows("pos", _GAPS):
        findings.lines.append(f"till {row['till']} misses {row['first']} to {row['last']}")
    return findings


def _answered(evidence: Evidence, chain: ChainFile) -> Iterator[tuple[str, str, Entry]]:
    """Give the branch, till and entry of each item that has been answered with an acceptance, each once."""
    for branch in chain.branches:
        for till in branch.till_codes():
            folder = evidence.rig.tills.journals
            entries = [written.entry for written in read_entries(folder / f"{till}.items")]
            answers = read_answers(folder / f"{till}.answers")
            for place in {place for place, outcome in answers if outcome in (ACCEPTED, DUPLICATE)}:
                if entries[place].must in (ACCEPTED, DUPLICATE):
                    yield branch.code, till, entries[place]
