"""`python -m tests.benchmarks.peers [NAME...]` fetches the peers that are named, or all."""

import sys

from tests.benchmarks.peers.fetch import PEERS, all_peers

if __name__ == "__main__":
    told = all_peers(tuple(sys.argv[1:]) or PEERS)
    sys.exit("\n".join(told) if told else 0)
