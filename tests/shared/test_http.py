"""The door of every service: who may come in, what is malformed, what is told of errors, never a 500 for bad input."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from shared.http import Route
from shared.parts import serving
from shared.running import Running
from shared.settings import Settings
from shared.tokens import Tokens
from tests.shared.toy import TOY, bug

COUNTER = "/v1/counters/01890000-0000-7000-8000-000000000001"
ADDITIONS = f"{COUNTER}/additions"


@pytest.fixture
async def door(provisioned: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(TOY, provisioned, parts=("http",)):
        address = f"http://127.0.0.1:{provisioned.port(TOY.name)}"
        async with httpx2.AsyncClient(base_url=address, trust_env=False, timeout=10) as client:
            client.headers["authorization"] = f"Bearer {Tokens(provisioned).sign('staff', branch='B1')}"
            yield client


MALFORMED = {
    "nothing": b"",
    "no JSON": b"{",
    "no object": b"7",
    "not UTF-8": b'{"amount": "\xff"}',
    "nested too deep": b"[" * 900,
    "a text for a number": b'{"amount": "7"}',
    "a float": b'{"amount": 7.0}',
    "not a number": b'{"amount": NaN}',
    "endless": b'{"amount": Infinity}',
    "beyond 2^53": b'{"amount": 9007199254740993}',
    "a number of 900 digits": b'{"amount": ' + b"9" * 900 + b"}",
    "below zero": b'{"amount": -1}',
    "null": b'{"amount": null}',
    "true": b'{"amount": true}',
    "left out": b"{}",
    "a field nobody knows": b'{"amount": 7, "discount": 1}',
}


async def test_a_malformed_body_is_told_so(door: httpx2.AsyncClient) -> None:
    told = {}
    for name, body in MALFORMED.items():
        answer = await door.post(ADDITIONS, content=body, headers={"content-type": "application/json"})
        told[name] = (answer.status_code, answer.json()["code"])
    assert told == dict.fromkeys(MALFORMED, (422, "malformed"))


async def test_a_body_that_says_it_is_no_json_is_malformed(door: httpx2.AsyncClient) -> None:
    plain = await door.post(ADDITIONS, content=b'{"amount": 7}', headers={"content-type": "text/plain"})
    assert_problem(plain, 422, "malformed")


async def test_a_path_that_is_no_id_is_malformed(door: httpx2.AsyncClient) -> None:
    answer = await door.get("/v1/counters/seven")
    assert_problem(answer, 422, "malformed")
    assert answer.json()["errors"][0]["at"] == ["path", "counter_id"]


async def test_a_text_that_postgres_cannot_hold_is_malformed(door: httpx2.AsyncClient) -> None:
    for body in (b'{"text": "a\\u0000b"}', b'{"text": "\\ud800"}'):
        answer = await door.post("/v1/notes", content=body, headers={"content-type": "application/json"})
        assert_problem(answer, 422, "malformed")


async def test_a_body_too_large_is_refused_by_its_own_word(door: httpx2.AsyncClient) -> None:
    assert_problem(await door.post(ADDITIONS, content=b" " * 1001), 413, "body-too-large")


async def test_a_body_too_large_is_refused_while_it_streams_in_without_a_length(door: httpx2.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b" " * 10_000
            await asyncio.sleep(0)

    answer = await door.post(ADDITIONS, content=endless(), headers={"content-type": "application/json"})
    assert_problem(answer, 413, "body-too-large")


async def test_a_stranger_is_turned_away_before_the_body_is_read(door: httpx2.AsyncClient) -> None:
    reader, writer = await asyncio.open_connection(door.base_url.host, door.base_url.port)
    writer.write(f"POST {ADDITIONS} HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n{{".encode())
    async with asyncio.timeout(5):
        assert b" 401 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_who_may_come_in(door: httpx2.AsyncClient, provisioned: Settings) -> None:
    tokens = Tokens(provisioned)
    body = {"amount": 1}
    none = await door.post(ADDITIONS, json=body, headers={"authorization": ""})
    assert_problem(none, 401, "token-missing")
    assert none.headers["www-authenticate"] == "Bearer"
    for token, status, code in (
        ("forged.forged.forged", 401, "token-invalid"),
        (tokens.sign("staff", ttl=timedelta(hours=-1)), 401, "token-expired"),
        (tokens.sign("till", branch="B1"), 403, "role-not-allowed"),
    ):
        answer = await door.post(ADDITIONS, json=body, headers={"authorization": f"Bearer {token}"})
        assert_problem(answer, status, code)


async def test_a_browser_reads_with_its_cookie_and_writes_nothing_with_it(
    door: httpx2.AsyncClient, provisioned: Settings
) -> None:
    del door.headers["authorization"]
    door.cookies["branchline"] = Tokens(provisioned).sign("headquarters")
    assert_problem(await door.get(COUNTER), 404, "counter-unknown")
    assert_problem(await door.post(ADDITIONS, json={"amount": 1}), 401, "token-missing")


async def test_a_refusal_tells_its_code_and_facts(door: httpx2.AsyncClient) -> None:
    answer = await door.post(f"{COUNTER}/takings", json={"amount": 5})
    assert_problem(answer, 409, "not-enough")
    assert answer.json()["total"] == 0


async def test_what_is_not_there_is_said_not_to_be(door: httpx2.AsyncClient) -> None:
    assert_problem(await door.get(f"/v1/counters/{uuid4()}"), 404, "counter-unknown")
    assert_problem(await door.get("/nowhere"), 404, "route-unknown")
    assert_problem(await door.get(f"{COUNTER}/"), 404, "route-unknown")
    assert_problem(await door.delete(COUNTER), 405, "method-not-allowed")


async def test_a_bug_is_a_500_that_tells_nothing(door: httpx2.AsyncClient) -> None:
    answer = await door.get("/v1/bug")
    assert_problem(answer, 500, "internal")
    assert "a bug" not in answer.text


async def test_the_same_idempotency_key_adds_once(door: httpx2.AsyncClient) -> None:
    key = {"idempotency-key": "Tuesday's"}
    answers = [await door.post(ADDITIONS, json={"amount": 7}, headers=key) for _ in range(3)]
    assert [a.json() for a in answers] == [{"version": 1}] * 3
    assert (await door.get(COUNTER)).json() == {"total": 7}


async def test_a_twin_in_flight_waits_for_the_first_and_gets_its_answer(door: httpx2.AsyncClient) -> None:
    key = {"idempotency-key": "twins"}
    answers = await asyncio.gather(*(door.post(ADDITIONS, json={"amount": 7}, headers=key) for _ in range(20)))
    assert {(a.status_code, a.json()["version"]) for a in answers} == {(200, 1)}


async def test_the_same_idempotency_key_with_another_body_or_place_is_refused(door: httpx2.AsyncClient) -> None:
    key = {"idempotency-key": "k"}
    await door.post(ADDITIONS, json={"amount": 7}, headers=key)
    other = f"/v1/counters/{uuid4()}/additions"
    for path, amount in ((ADDITIONS, 8), (other, 7)):
        assert_problem(await door.post(path, json={"amount": amount}, headers=key), 422, "idempotency-key-reused")


async def test_two_callers_may_use_the_same_idempotency_key(door: httpx2.AsyncClient, provisioned: Settings) -> None:
    for branch in ("B1", "B2"):
        bearer = f"Bearer {Tokens(provisioned).sign('staff', branch=branch)}"
        await door.post(ADDITIONS, json={"amount": 1}, headers={"idempotency-key": "k", "authorization": bearer})
    assert (await door.get(COUNTER)).json() == {"total": 2}


async def test_an_idempotency_key_has_one_to_255_characters(door: httpx2.AsyncClient) -> None:
    for key in ("", "k" * 256):
        answer = await door.post(ADDITIONS, json={"amount": 7}, headers={"idempotency-key": key})
        assert_problem(answer, 422, "idempotency-key-length")


async def test_without_postgres_the_answer_is_to_come_again(door: httpx2.AsyncClient, provisioned: Settings) -> None:
    import asyncpg

    admin = await asyncpg.connect(provisioned.database_url)
    role = provisioned.schema(TOY.name)
    await admin.execute(f"ALTER ROLE {role} CONNECTION LIMIT 0")
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", role)
    answers = [await door.get(COUNTER) for _ in range(3)]
    await admin.execute(f"ALTER ROLE {role} CONNECTION LIMIT -1")
    await admin.close()
    for answer in answers:
        assert_problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"] == "1"
    assert_problem(await door.get(COUNTER), 404, "counter-unknown")


def test_a_route_names_its_roles_or_says_that_it_is_open() -> None:
    with pytest.raises(ValueError, match="roles"):
        Route("GET", "/", bug)
    with pytest.raises(ValueError, match="roles"):
        Route("GET", "/", bug, frozenset({"staff"}), is_open=True)


async def test_health_asks_for_no_token(door: httpx2.AsyncClient) -> None:
    del door.headers["authorization"]
    assert (await door.get("/health/live")).status_code == 200
    assert (await door.get("/health/ready")).json() == {"ready": True, "service": TOY.name}


async def test_every_other_route_asks_for_one(door: httpx2.AsyncClient, toy: Running) -> None:
    from shared.server import routes

    del door.headers["authorization"]
    for route in routes(toy.service):
        if not route.path.startswith("/health/"):
            path = route.path.replace("{counter_id}", str(UUID(int=1)))
            assert (await door.request(route.method, path)).status_code == 401, route.path


def assert_problem(answer: httpx2.Response, status: int, code: str) -> None:
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (told["type"], told["status"]) == ("about:blank", status)


async def test_a_request_that_outlasts_its_process_is_told_to_come_again(
    provisioned: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.server.STREAMS_END_WITHIN", 1)
    begun = asyncio.Event()

    async def slow() -> None:
        begun.set()
        await asyncio.Event().wait()

    slowly = replace(TOY, routes=(*TOY.routes, Route("GET", "/v1/slow", slow, frozenset({"staff"}))))
    headers = {"authorization": f"Bearer {Tokens(provisioned).sign('staff', branch='B1')}"}
    address = f"http://127.0.0.1:{provisioned.port(TOY.name)}/v1/slow"
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as client:
        async with serving(slowly, provisioned, parts=("http",)):
            asking = asyncio.create_task(client.get(address, headers=headers))
            await begun.wait()
        answer = await asking
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")
