"""The search palette in Chromium: keys, focus, what a screen reader is told, acts, phone."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from complaints.choices import Status
from complaints.models import Case
from tests.browser.conftest import PHONE
from tests.factories.complaints import bank, in_state


@pytest.fixture
def house(transactional_db):
    return bank()


def case_of(house, **given):
    return in_state(house, Status.IN_PROGRESS, at=timezone.now() - timedelta(hours=2), **given)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_ctrl_k_finds_while_typing_and_enter_opens(
    open_page, sign_in, axe, screenshot, house, look
):
    case = case_of(house, core_issue="柜台排队太久", content="柜台没有人。")
    case_of(house, core_issue="柜台态度", content="柜台。")
    page = open_page(color_scheme=look)
    sign_in(page, house.accounts["supervisor"])
    page.goto("/inbox/")
    page.keyboard.press("Control+k")
    field = page.locator("#frame-find")
    expect(field).to_be_focused()
    expect(page.locator("#find-box a[href='/cases/new/']")).to_be_visible()
    field.press_sequentially("柜台", delay=30)
    expect(page.locator("#find-box a[href^='/cases/C-']")).to_have_count(2)
    expect(field).to_have_attribute("aria-expanded", "true")
    first = field.get_attribute("aria-activedescendant")
    assert first
    axe(page)
    screenshot(page, f"search-{look}")
    page.keyboard.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") != first
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{case.number}/")
    assert "柜台" not in page.url


def test_the_customer_chased_from_a_hit_by_keyboard(page, sign_in, house):
    case = case_of(house, contact_phone="13877770428")
    sign_in(page, house.accounts["supervisor"])
    page.goto("/inbox/")
    page.keyboard.press("Control+k")
    page.locator("#frame-find").press_sequentially("0428", delay=30)
    page.locator("[data-find-act]").first.wait_for()
    page.keyboard.press("ArrowRight")
    with page.expect_response(f"**/cases/{case.number}/chased/"):
        page.keyboard.press("Enter")
    expect(page.locator("#dlg-find")).to_be_hidden()
    expect(page.locator("#toasts [data-toast]").first).to_be_visible()
    assert Case.objects.get(pk=case.pk).chase_count == 1


def test_escape_forgets_what_was_typed_and_gives_the_focus_back(page, sign_in, house):
    sign_in(page, house.accounts["supervisor"])
    page.goto("/inbox/")
    opener = page.locator(".side__find")
    opener.click()
    field = page.locator("#frame-find")
    field.fill("nothing of that name")
    expect(page.locator(".findnone")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#dlg-find")).to_be_hidden()
    expect(opener).to_be_focused()
    opener.click()
    expect(field).to_have_value("")


def test_all_results_on_a_page_of_their_own_and_on_the_phone(
    open_page, sign_in, axe, screenshot, house
):
    case = case_of(house, core_issue="Card <b>fee</b>")
    page = open_page(viewport=PHONE, has_touch=True)
    sign_in(page, house.accounts["supervisor"])
    page.goto("/inbox/")
    page.locator(".mtop [data-open='#dlg-find']").click()
    page.locator("#frame-find").fill("fee")
    page.locator("[data-find-all]").click()
    page.wait_for_url("**/search/?s=*")
    assert "fee" not in page.url.split("s=")[0]
    expect(page.locator(f"a.subject[href='/cases/{case.number}/']")).to_have_text("Card <b>fee</b>")
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
    axe(page)
    screenshot(page, "search-page-phone")
