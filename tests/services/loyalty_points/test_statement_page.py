"""The statement as a page: over HTTP, in the machine's browser, on paper, and what is asked wrong."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from playwright.async_api import expect

from shared.running import Running
from shared.tokens import Tokens
from tests.browser import opened
from tests.services.loyalty_points.asking import ask, hear
from tests.services.stories import joining, refund, sale

MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


async def a_customer(running: Running) -> UUID:
    """Return one who earned at two branches, one of which told it later, and had something refunded."""
    who = uuid4()
    first = sale(f"11-{who}", (who, 2_000), at=MONDAY)
    late = sale(
        f"7-{who}", (who, 500), at=MONDAY + timedelta(days=1), branch="LON1", till="LON1-1", zone="Europe/London"
    )
    back = refund(first, (1, 600, 1_400), at=MONDAY + timedelta(days=3))
    await hear(running, first, joining(first, who), back, late)
    return who


async def test_a_statement_is_read_in_the_language_asked_for(answering: Running) -> None:
    who = await a_customer(answering)
    path = f"accounts/{who}/statement"
    for lang, title in (("zh", "积分对账单"), ("en", "Points statement")):
        answer = await ask(answering, path, lang=lang, **MARCH)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert title in answer.text
        assert f"11-{who}" in answer.text
    assert "2026年" in (await ask(answering, path)).text  # nobody said a language, and this year until today


async def test_a_statement_adds_up_in_the_browser_and_fits_on_paper(answering: Running) -> None:
    who = await a_customer(answering)
    token = Tokens(answering.settings).sign("staff")
    address = answering.settings.address("loyalty-points") + f"/v1/accounts/{who}/statement"
    async with (
        opened() as browser,
        await browser.new_context(extra_http_headers={"authorization": f"Bearer {token}"}) as context,
    ):
        page = await context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        await page.goto(f"{address}?from=2026-03-01&to=2026-03-31&lang=zh")
        for name, figure in (("opening", "0"), ("earned", "+25"), ("taken_back", "−6"), ("closing", "19")):
            await expect(page.locator(f"#{name}")).to_have_text(figure)
        rows = page.locator("#lines tbody tr")
        assert await rows.locator("td:nth-child(3)").all_inner_texts() == ["TOR1", "LON1", "TOR1"]
        assert await rows.locator("td:nth-child(6)").all_inner_texts() == ["20", "25", "19"]
        await page.get_by_role("link", name="English").click()
        await expect(page.locator("h1")).to_have_text("Points statement")
        await expect(page.locator("#closing")).to_have_css("font-weight", "600")  # its style is let in
        await page.emulate_media(media="print")
        await expect(page.locator(".languages")).to_be_hidden()
        await page.set_viewport_size({"width": 680, "height": 900})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert said == []


TABLE: dict[str, tuple[str, dict[str, str], int, str]] = {
    "nobody": ("{nobody}", MARCH, 404, "account-unknown"),
    "no customer": ("mei", MARCH, 422, "malformed"),
    "the end before the beginning": (
        "{who}",
        {"from": "2026-03-31", "to": "2026-03-01"},
        422,
        "period-ends-before-it-begins",
    ),
    "to begin after today": ("{who}", {"from": "2199-12-31"}, 422, "period-ends-before-it-begins"),
    "no day": ("{who}", {"from": "2026-02-30"}, 422, "malformed"),
    "an instant for a day": ("{who}", {"to": "2026-03-01T10:00:00Z"}, 422, "malformed"),
    "before all chains": ("{who}", {"from": "1999-12-31"}, 422, "malformed"),
    "after all chains": ("{who}", {"to": "9999-12-31"}, 422, "malformed"),
    "no language": ("{who}", {"lang": "../en"}, 422, "malformed"),
}


async def test_each_wrong_question_has_its_code(answering: Running) -> None:
    named = {"who": str(await a_customer(answering)), "nobody": str(uuid4())}
    for what, (whose, asked, status, code) in TABLE.items():
        answer = await ask(answering, f"accounts/{whose.format(**named)}/statement", **asked)
        assert (answer.status_code, answer.json()["code"]) == (status, code), what


async def test_tills_read_no_statements(answering: Running) -> None:
    assert (await ask(answering, f"accounts/{uuid4()}/statement", "till")).status_code == 403
