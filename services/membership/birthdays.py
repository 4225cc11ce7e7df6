"""People tell when a customer has her birthday: the day goes to the vault, the month to whoever listens."""

from typing import Any
from uuid import UUID

from services.membership.birthday import Birthday, TellBirthdayMonth
from services.membership.merges import survivor
from services.membership.vault import Vault
from shared.http import Here, Route, Who, Why
from shared.message import Issued
from shared.performing import in_transaction
from shared.postgres import Tx


async def tell(customer_id: UUID, birthday: Birthday, at: Here, caller: Who, cause: Why) -> dict[str, Any]:
    """Keep a birthday, and say its month if it is a new one; of one who was given up it is the other's."""
    is_put_right = caller.role == "headquarters"

    async def act(tx: Tx) -> None:
        who, _ = await survivor(at, tx, customer_id)
        told_at = await Vault(at).keep_birthday(tx, who, birthday)
        telling = TellBirthdayMonth(at=told_at, customer_id=who, month=birthday.month, is_put_right=is_put_right)
        (outcome,) = await at.handler.handle(tx, [Issued(telling, cause)])
        if outcome.refusal:
            raise outcome.refusal

    await in_transaction(at, act)
    return {"customer_id": customer_id}


ROUTES = (Route("PUT", "/v1/customers/{customer_id}/birthday", tell, frozenset({"staff", "headquarters"})),)
