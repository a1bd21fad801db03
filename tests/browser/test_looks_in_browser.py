"""Dialogs and seldom opened pages in Chromium: nothing is cut off, WCAG AA, both languages."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from complaints.models import Case, CustomerNotice
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_conversation_in_browser import talked_about
from tests.factories.complaints import Bank, bank

LOOKS = {
    "wide": {"viewport": DESKTOP, "color_scheme": "light", "locale": "en-GB"},
    "phone": {"viewport": PHONE, "color_scheme": "dark", "locale": "zh-CN"},
}


@pytest.fixture
def house(transactional_db: None) -> Bank:
    call_command("load_defaults", verbosity=0)
    return bank()


def _page(url: str) -> Callable[[Any, Case], None]:
    def open_it(page: Any, case: Case) -> None:
        page.goto(url.format(case.number))

    return open_it


def _dialog(url: str) -> Callable[[Any, Case], None]:
    def open_it(page: Any, case: Case) -> None:
        sent = CustomerNotice.objects.filter(case=case).order_by("pk").first()
        page.goto(case.get_absolute_url())
        address = url.format(case.number, sent.pk if sent else 0)
        page.evaluate(
            "url => document.dispatchEvent(new CustomEvent('open-dialog', {detail: {url}}))",
            address,
        )
        expect(page.locator("#dialog[open] h2")).to_be_visible()

    return open_it


def _bulk(page: Any, _case: Case) -> None:
    page.goto("/cases/?view=all&state=all")
    page.locator("#rows tr[data-row] input[type=checkbox]").first.check(force=True)
    page.locator("[data-bulkbar] button[formaction]").first.click()
    expect(page.locator("#dialog[open] h2")).to_be_visible()


def _sheet(page: Any, _case: Case) -> None:
    page.goto("/cases/?view=all&state=all")
    if page.locator(".qfilter > summary").is_visible():
        page.locator(".qfilter > summary").click()
        page.locator(".qfilter .facet > summary").nth(1).click()
        expect(page.locator("#n-view-all")).not_to_be_empty()
        expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=1)
        expect(page.locator(".qfilter button[type=submit]")).to_be_in_viewport(ratio=1)


def _palette(page: Any, case: Case) -> None:
    page.goto("/inbox/")
    page.keyboard.press("Control+k")
    page.locator("#frame-find").fill(case.number)
    expect(page.locator("#find-box [role=row]").first).to_be_visible()


PARTS: dict[str, Callable[[Any, Case], None]] = {
    "remedy": _dialog("/cases/{0}/remedies/new/"),
    "bulk": _bulk,
    "sheet": _sheet,
    "palette": _palette,
    "wrong-person": _dialog("/cases/{0}/messages/{1}/wrong-person/"),
    "relink": _dialog("/cases/{0}/relink/"),
    "split": _page("/cases/{0}/split/"),
    "after-end": _page("/cases/after-end/"),
    "misdelivered": _page("/cases/misdelivered/"),
    "playbooks": _page("/playbooks/"),
}


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_is_cut_off_and_everything_can_be_read(
    open_page: Callable[..., Any],
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    screenshot: Callable[[Any, str], Any],
    house: Bank,
    look: str,
) -> None:
    case = talked_about(house)
    page = open_page(**LOOKS[look])
    sign_in(page, house.accounts["supervisor"])
    for name, open_it in PARTS.items():
        open_it(page, case)
        screenshot(page, f"look-{name}-{look}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        axe(page)
