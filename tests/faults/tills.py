"""The tills of a rig: the simulation's, whose journals are on the disk before anything is sent. Seconds."""

import asyncio
from pathlib import Path

from branchline import chain as chain_command
from branchline.chain_file import ChainFile
from branchline.office import Office
from branchline.simulation.journal import read_answers
from branchline.simulation.session import Plan, locked, play
from branchline.simulation.verdict import versions

DEMO = Path(chain_command.__file__).with_name("chains") / "demo.yaml"
SALES_PER_SECOND = 4.0
CUSTOMERS = 5_000  # so many that new ones come all the time
SENT_WITHIN = 120.0


class Tills:
    """All tills of a chain. What they do follows from the seed and the number of the session alone."""

    def __init__(self, office: Office, journals: Path, seed: str) -> None:
        self.chain: ChainFile = chain_command.load(DEMO)
        self.journals = journals
        self._office = office
        self._seed = seed
        self._stop = asyncio.Event()
        self._selling: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Make the chain and its policies known."""
        await chain_command.apply_chain(self._office, self.chain)
        named = [name for name in chain_command.KEEPERS if getattr(self.chain.policies, name)]
        await chain_command.apply_policies(self._office, self.chain, only=named)

    async def sell(self, sales_per_second: float = SALES_PER_SECOND) -> None:
        """Begin a session, which goes on until `close`."""
        policy = await self._office.ask("membership", "GET", "/v1/policy")
        plan = Plan(
            chain=self.chain,
            journals=self.journals,
            seed=self._seed,
            sales_per_second=sales_per_second,
            seconds=None,
            customers=CUSTOMERS,
            join_minimum=versions(policy)[-1][1]["join_minimum_minor"],
        )
        self._stop = asyncio.Event()
        self._selling = asyncio.create_task(self._session(plan))

    async def close(self) -> None:
        """Sell no more, and return when everything that was written down has been answered."""
        selling, self._selling = self._selling, None
        self._stop.set()
        if selling is not None:
            await asyncio.wait_for(selling, SENT_WITHIN)

    def check(self) -> None:
        """Raise what has ended the session, if anything has: it goes on until it is closed."""
        if self._selling and self._selling.done():
            self._selling.result()
            raise AssertionError("the tills have stopped selling by themselves")

    async def leave(self) -> None:
        """Go at once; what has no answer yet is in the journals."""
        selling, self._selling = self._selling, None
        if selling is not None:
            selling.cancel()
            await asyncio.wait([selling])

    def acknowledged(self) -> int:
        """Return how many answers the journals hold."""
        return sum(sum(1 for _ in read_answers(path)) for path in self.journals.glob("*.answers"))

    async def _session(self, plan: Plan) -> None:
        with locked(self.journals) as session:
            await play(plan, self._office, session, self._stop)
