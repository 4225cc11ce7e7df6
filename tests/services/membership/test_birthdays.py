"""A birthday is told: the vault has the day, under her key, and whoever listens hears the month alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest

from contracts.membership import BirthdayMonthTold, ByPhone
from services.membership import domain
from services.membership.birthday import MOMENT, TellBirthdayMonth
from services.membership.vault import BIRTHDAY, Vault
from shared.message import Cause
from shared.running import Running
from shared.server import http
from shared.settings import Settings
from shared.tokens import Tokens
from tests.scenario import Scenario
from tests.services.membership.test_vault import spread

CAUSE = Cause("a test", "a test")
AT = datetime(2026, 3, 1, 15, tzinfo=UTC)
WHO = UUID("00000000-0000-5000-8000-0000000000aa")
MARCH = BirthdayMonthTold(at=AT, customer_id=WHO, month=3)
SKEW = timedelta(minutes=1)  # between this clock and that of Postgres
LEAP_DAY = {"month": 2, "day": 29}
_SEALED = "SELECT birthday, wrapped FROM person JOIN data_key ON subject = customer_id WHERE subject = $1"
_ALL = "SELECT (SELECT json_agg(e)::text FROM event e), (SELECT json_agg(p)::text FROM person p)"


def telling(month: int, after: timedelta = timedelta(hours=1), **its: bool) -> TellBirthdayMonth:
    return TellBirthdayMonth(at=AT + after, customer_id=WHO, month=month, **its)


def told(month: int, after: timedelta = timedelta(hours=1)) -> BirthdayMonthTold:
    return BirthdayMonthTold(at=AT + after, customer_id=WHO, month=month)


def test_the_month_is_said_once_and_a_slip_is_put_right_as_if_it_had_been_told_so_at_once() -> None:
    said = Scenario(domain).given(MARCH)
    said.when(telling(3)).then()
    said.when(telling(4)).then(told(4, MOMENT))
    april = said.given(MARCH, told(4, MOMENT))
    april.when(telling(4)).then()
    april.when(telling(3)).then(told(3, 2 * MOMENT))


@pytest.mark.parametrize("put_right", [MOMENT, timedelta(days=100)])
def test_a_month_stands_for_a_year_so_that_nobody_has_a_birthday_every_month(put_right: timedelta) -> None:
    said = Scenario(domain).given(MARCH, told(4, put_right))
    for after in (timedelta(days=101), timedelta(days=130), timedelta(days=364)):
        said.when(telling(5, after)).rejected("birthday-stands")
        said.when(telling(5, after, is_put_right=True)).then(told(5, after))
    said.when(telling(5, timedelta(days=365))).then(told(5, timedelta(days=365)))


@dataclass
class Reception:
    """Staff at a branch; Mei and Li are known by their phones."""

    running: Running
    mei: UUID
    li: UUID

    async def put(self, who: object, body: Any, role: str = "staff") -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {Tokens(self.running.settings).sign(role, branch='TOR1')}"}
        address = self.running.settings.address("membership")
        async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
            answer = await client.put(f"/v1/customers/{who}/birthday", json=body, headers=headers)
        return answer.status_code, answer.json()

    async def kept(self, who: UUID) -> str | None:
        """Return the birthday as her key opens it."""
        row = await self.running.pool.fetchrow(_SEALED, who)
        assert row
        sealed = row["birthday"]
        return Vault(self.running).cipher.opened(who, row["wrapped"]).unseal(BIRTHDAY, sealed) if sealed else None

    async def said(self, who: UUID) -> list[BirthdayMonthTold]:
        async with self.running.pool.acquire() as tx:
            told = [one.event for one in await self.running.handler.history(tx, "customer", who)]
        return [event for event in told if isinstance(event, BirthdayMonthTold)]

    async def everything(self) -> "asyncpg.Record | None":
        return await self.running.pool.fetchrow(_ALL)


@pytest.fixture
async def reception(membership: Running) -> AsyncIterator[Reception]:
    serving = asyncio.create_task(http(membership))
    keys = (ByPhone(phone="+14165550101"), ByPhone(phone="+14165550102"))
    mei, li = [one.customer_id for one in await Vault(membership).resolve(keys, CAUSE)]
    assert mei
    assert li
    yield Reception(membership, mei, li)
    membership.stop.set()
    await serving


async def test_the_day_is_kept_under_her_key_and_the_month_alone_is_said(reception: Reception) -> None:
    before = datetime.now(UTC)
    status, answer = await reception.put(reception.mei, {"month": 3, "day": 17})
    assert (status, answer) == (200, {"customer_id": str(reception.mei)})
    assert (await reception.kept(reception.mei), await reception.kept(reception.li)) == ("03-17", None)
    (said,) = await reception.said(reception.mei)
    assert json.loads(said.model_dump_json()).keys() == {"at", "customer_id", "month"}
    assert said.month == 3
    assert before - SKEW < said.at < datetime.now(UTC) + SKEW
    assert await reception.said(reception.li) == []


async def test_the_same_again_says_nothing_another_day_neither_and_another_month_once(reception: Reception) -> None:
    for month, day in ((3, 17), (3, 17), (3, 18), (4, 1), (4, 1), (2, 29)):
        assert (await reception.put(reception.mei, {"month": month, "day": day}, "headquarters"))[0] == 200
        assert await reception.kept(reception.mei) == f"{month:02}-{day:02}"
    said = await reception.said(reception.mei)
    assert [one.month for one in said] == [3, 4, 2]
    assert sorted(one.at for one in said) == [one.at for one in said]


async def test_told_by_many_at_once_the_last_that_was_kept_is_the_last_that_is_said(reception: Reception) -> None:
    told = await asyncio.gather(*(reception.put(reception.mei, {"month": month, "day": 5}) for month in range(1, 13)))
    assert [status for status, _ in told] == [200] * 12
    said = await reception.said(reception.mei)
    assert len(said) == 12
    assert sorted(one.at for one in said) == [one.at for one in said]
    assert await reception.kept(reception.mei) == f"{said[-1].month:02}-05"


async def test_a_birthday_told_of_who_was_given_up_is_the_others(reception: Reception) -> None:
    headers = {"authorization": f"Bearer {Tokens(reception.running.settings).sign('headquarters')}"}
    address = reception.running.settings.address("membership")
    async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
        body = {"into": str(reception.li), "reason": "same-phone"}
        merged = await client.post(f"/v1/customers/{reception.mei}/merge", json=body, headers=headers)
    assert merged.status_code == 200
    assert (await reception.put(reception.mei, LEAP_DAY))[0] == 200
    assert (await reception.kept(reception.mei), await reception.kept(reception.li)) == (None, "02-29")
    assert [one.month for one in await reception.said(reception.li)] == [2]
    assert await reception.said(reception.mei) == []


async def test_what_is_wrong_has_its_code_and_changes_nothing(reception: Reception) -> None:
    assert (await reception.put(reception.mei, {"month": 3, "day": 17}))[0] == 200
    before = await reception.everything()
    mei = reception.mei
    for who, body, role, status, code in (
        (mei, {"month": 2, "day": 31}, "staff", 422, "malformed"),
        (mei, {"month": 2, "day": 30}, "staff", 422, "malformed"),
        (mei, {"month": 4, "day": 31}, "staff", 422, "malformed"),
        (mei, {"month": 13, "day": 1}, "staff", 422, "malformed"),
        (mei, {"month": 0, "day": 1}, "staff", 422, "malformed"),
        (mei, {"month": 3, "day": 0}, "staff", 422, "malformed"),
        (mei, {"month": -3, "day": 1}, "staff", 422, "malformed"),
        (mei, {"month": 2**63, "day": 1}, "staff", 422, "malformed"),
        (mei, {"month": "3", "day": 17}, "staff", 422, "malformed"),
        (mei, {"month": 3.5, "day": 17}, "staff", 422, "malformed"),
        (mei, {"month": True, "day": 17}, "staff", 422, "malformed"),
        (mei, {"month": 3}, "staff", 422, "malformed"),
        (mei, LEAP_DAY | {"year": 1988}, "staff", 422, "malformed"),
        (mei, [3, 17], "staff", 422, "malformed"),
        (mei, None, "staff", 422, "malformed"),
        ("mei", LEAP_DAY, "staff", 422, "malformed"),
        (uuid4(), LEAP_DAY, "staff", 404, "customer-unknown"),
        (mei, LEAP_DAY, "till", 403, "role-not-allowed"),
        (mei, LEAP_DAY, "service", 403, "role-not-allowed"),
    ):
        answer = await reception.put(who, body, role)
        assert (answer[0], answer[1]["code"]) == (status, code), (body, role)
        assert await reception.everything() == before, (body, role)


async def test_an_answer_to_what_is_wrong_does_not_repeat_it(reception: Reception) -> None:
    _, answer = await reception.put(reception.mei, {"month": 4, "day": 31})
    assert answer["errors"] == [
        {"at": ["body"], "type": "value_error", "message": "Value error, the month has no such day"}
    ]


async def test_of_who_has_been_erased_none_is_kept(reception: Reception) -> None:
    assert (await reception.put(reception.mei, {"month": 3, "day": 17}))[0] == 200
    async with reception.running.pool.acquire() as tx, tx.transaction():
        await tx.execute("DELETE FROM data_key WHERE subject = $1", reception.mei)
        await tx.execute("UPDATE person SET birthday = NULL, erased_at = now() WHERE customer_id = $1", reception.mei)
    before = await reception.everything()
    status, answer = await reception.put(reception.mei, LEAP_DAY)
    assert (status, answer["code"]) == (409, "customer-erased")
    assert await reception.everything() == before


async def test_no_table_has_the_day_in_plain(reception: Reception, settings: Settings) -> None:
    assert (await reception.put(reception.mei, {"month": 3, "day": 17}))[0] == 200
    assert (await reception.put(reception.mei, {"month": 3, "day": 99}))[0] == 422
    plain = ('"day"', b"03-17".hex())
    assert await spread(settings, plain) == []
    wrong = json.dumps({"month": 3, "day": 17})
    await reception.running.pool.execute(
        "INSERT INTO refused (cause, command, code, facts) VALUES ('x', $1, 'x', '{}')", wrong
    )
    assert await spread(settings, plain) == ["refused"]
