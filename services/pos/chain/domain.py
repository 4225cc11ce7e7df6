"""The chain: its name, and the one currency of this cell. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.money import Currency
from contracts.pos import ChainDescribed
from shared.errors import Rejected
from shared.message import Command

SHAPE = 1
CHAIN = UUID("6f4b4a55-29b0-5f0e-9a52-0d4d5c1c7a02")


class DescribeChain(Command):
    """Say what the chain is called, and what it counts in."""

    chain_id: UUID = CHAIN
    chain: str
    currency: Currency


@dataclass(frozen=True)
class Chain:
    """The chain as it was described last; empty before."""

    name: str = ""
    currency: str = ""


initial = Chain()


def decide(command: DescribeChain, chain: Chain) -> Sequence[ChainDescribed]:
    """Say what is new. The currency is for ever: amounts of two cannot be added."""
    if chain.currency and command.currency != chain.currency:
        raise Rejected("currency-fixed", currency=chain.currency)
    if chain == Chain(command.chain, command.currency):
        return []
    return [ChainDescribed(at=command.at, chain=command.chain, currency=command.currency)]


def evolve(_chain: Chain, event: ChainDescribed) -> Chain:
    """Return the chain as described."""
    return Chain(event.chain, event.currency)
