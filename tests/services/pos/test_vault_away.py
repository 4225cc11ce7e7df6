"""Without the vault a till keeps what it has; what names nobody new goes on."""

from contracts.pos import SaleRecorded
from services.membership.app import app as membership
from services.pos.app import app as pos
from shared.settings import Settings
from tests.services.pos.conftest import at_work, open_shop
from tests.services.pos.shop import ACCEPTED, DUPLICATE, parked, sale

ANNA = {"card": "A"}


async def test_without_the_vault_nothing_is_taken_and_the_same_request_succeeds_later(settings: Settings) -> None:
    async with at_work(pos, settings, "http") as running, open_shop(running) as shop:
        batch = [sale(1, "1"), sale(2, "2", customer=ANNA), sale(3, "3", -1)]
        async with at_work(membership, settings, "http"):
            assert await shop.send(sale(5, "5", customer=ANNA)) == [ACCEPTED]
        for items in (batch, batch[1:2], batch[2:]):
            answer = await shop.post({"items": items})
            assert (answer.status_code, answer.json()["code"]) == (503, "vault-unavailable")
            assert answer.headers["retry-after"]
        assert await shop.send(sale(5, "5", customer=ANNA)) == [DUPLICATE]
        assert await shop.send(sale(4, "4")) == [ACCEPTED]
        assert {e.number for e in await shop.told(SaleRecorded)} == {"4", "5"}
        async with at_work(membership, settings, "http"):
            assert await shop.send(*batch) == [ACCEPTED, ACCEPTED, parked("receipt-negative")]
        assert await shop.send(*batch) == [DUPLICATE, DUPLICATE, parked("receipt-negative")]
