"""The live board in Chromium: keys, cards that come alone, old figures, the wall, one proposal."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from playwright.sync_api import expect

from complaints.models import Case
from tests.browser.conftest import PHONE
from tests.factories.complaints import Bank, bank, open_case


def uneven() -> Bank:
    """Return a bank in which one handler of the card unit has nine cases and the other none."""
    house = bank()
    for _ in range(9):
        case = open_case(house, at=timezone.now(), department=house.units["CARD"])
        Case.objects.filter(pk=case.pk).update(handler=house.pk("handler"))
    return house


def test_the_board_moves_cases_and_goes_to_the_wall(
    page: Any, sign_in: Callable[..., None], axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
) -> None:  # fmt: skip
    house = uneven()
    sign_in(page, house.accounts["supervisor"])
    page.goto("/board/")
    axe(page)
    screenshot(page, "board")
    page.click("#board-heat .seg a:nth-child(2)")
    expect(page.locator("#board-heat .seg [aria-current]")).to_have_text("First reply")
    page.click("#board-ageing .seg a:nth-child(2)")
    expect(page.locator("#board-ageing th").first).to_have_text("Stage")
    assert page.url.endswith("/board/")  # only the cards came
    page.click("#board-load footer a")
    page.wait_for_selector("dialog[open] input[type=checkbox]")
    axe(page)
    page.locator("dialog[open] input[type=checkbox]").first.uncheck()
    page.click("dialog[open] button[type=submit]")
    expect(page.locator("#toasts")).to_contain_text("3 cases are with Handler2 Test now.")
    assert Case.objects.filter(handler=house.pk("handler2")).count() == 3
    page.locator("body").press("f")
    page.wait_for_url("**wall=1**")
    expect(page.locator("nav.side")).to_be_hidden()
    axe(page)
    page.locator("body").press("f")
    page.wait_for_url(lambda url: "wall" not in url)
    page.locator("#board-load a.strong").first.click()
    expect(page.locator("h1")).to_contain_text("queue")


def test_cards_come_by_themselves_not_under_a_dialog_and_old_figures_say_so(
    open_page: Callable[..., Any], sign_in: Callable[..., None]
) -> None:
    house = uneven()
    page = open_page()
    page.clock.install()
    sign_in(page, house.accounts["supervisor"])
    page.goto("/board/")
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if "/board/cards/" in r.url else None)
    with page.expect_response("**/board/cards/heat/**"):
        page.clock.run_for(61_000)
    assert {url.split("/cards/")[1].split("/")[0] for url in asked} == {
        "counters", "ageing", "load", "heat", "decisions",
    }  # fmt: skip
    page.click("#board-load footer a")
    page.wait_for_selector("dialog[open]")
    asked.clear()
    page.clock.run_for(61_000)
    assert asked == []
    page.click("dialog[open] [data-close]")
    page.route("**/board/cards/**", lambda route: route.fulfill(status=204))
    bar = page.locator("#board-stale")
    expect(bar).to_be_hidden()
    page.clock.run_for(200_000)
    expect(bar).to_be_visible()
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)  # no card asks by itself from here on
    page.unroute("**/board/cards/**")
    page.click("[data-stale-again]")
    expect(bar).to_be_hidden()


def test_the_board_fits_a_phone(
    open_page: Callable[..., Any], sign_in: Callable[..., None], axe: Callable[[Any], None]
) -> None:
    house = uneven()
    page = open_page(viewport=PHONE, color_scheme="dark")
    sign_in(page, house.accounts["supervisor"])
    page.goto("/board/")
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
