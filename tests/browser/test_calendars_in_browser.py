"""A day is edited, its effect seen, the draft published: in Chromium, by keys and without scripts.

The worker is played by the test; console errors and CSP violations fail in `open_page`.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from config.kernel import job_runs, rulesets
from staff import calendar
from staff.models import Account
from tests.browser.conftest import PHONE
from tests.factories.complaints import Bank, bank
from tests.factories.staff import AccountFactory

PAGES = (
    "/calendars/", "/calendars/bank/2026/?day=2026-10-01", "/calendars/bank/week/",
    "/calendars/bank/import/", "/calendars/bank/versions/", "/calendars/new/",
)  # fmt: skip


@pytest.fixture
def house(transactional_db: None) -> Bank:
    """The bank with its published rules."""
    return bank()


@pytest.fixture
def admin(house: Bank) -> Account:
    """An administrator."""
    return AccountFactory.create(roles=["AD"])


def hours(on: date) -> str:
    found = calendar.calendar("bank", timezone.now())
    return " ".join(map(str, found.spans_on(on.toordinal())))


def a_working_day() -> date:
    """A day in March of this year on which the bank is open."""
    days = (date(timezone.localdate().year, 3, number) for number in range(3, 15))
    return next(day for day in days if hours(day))


def shorten(page: Any, form: Any) -> None:
    """Give the day shorter hours, first without a reason: told, and the hours typed are kept."""
    form.locator("label:has(input[value=open])").click()
    form.locator("[name=opens_day_0]").fill("09:00")
    form.locator("[name=closes_day_0]").fill("12:00")
    form.locator("button[type=submit]").click()
    page.wait_for_selector("#day .field-error")
    expect(form.locator("[name=closes_day_0]")).to_have_value("12:00")
    form.locator("[name=name_en]").fill("Switch-over")
    form.locator("[name=name_zh]").fill("系统切换")
    form.locator("button[type=submit]").click()
    page.wait_for_selector("#draft-bar")


def test_a_day_is_edited_its_effect_seen_and_the_draft_published(
    page: Any, admin: Account, sign_in: Callable[..., None], axe: Callable[[Any], None]
) -> None:
    sign_in(page, admin)
    page.goto("/calendars/")
    page.get_by_role("link", name="Bank", exact=True).click()
    page.wait_for_selector("[data-day]")
    day = a_working_day()
    before = hours(day)
    page.click(f"[data-day='{day}']")
    form = page.locator("#day form")
    form.wait_for()
    page.wait_for_url(f"**/?day={day}")
    shorten(page, form)
    expect(page.locator(f"[data-day='{day}'].is-new.k-short.is-pick")).to_have_count(1)
    assert hours(day) == before  # a draft moves nothing
    axe(page)
    page.locator("#effect button").click()
    page.wait_for_selector("#effect[hx-trigger]")
    job_runs.work(timezone.now() + timedelta(seconds=1))
    page.wait_for_selector("#effect .stats--3")
    page.locator("#draft-bar a", has_text="Publish").click()
    dialog = page.locator("dialog[open] form")
    dialog.locator("[name=reason]").fill("Agreed with IT")
    with page.expect_navigation():
        dialog.locator("button[type=submit]").click()
    assert hours(day) == "09:00-12:00"
    assert rulesets.draft("calendar:bank") is None
    axe(page)


def test_the_keys_go_by_day_week_and_month_and_enter_chooses(
    page: Any, admin: Account, sign_in: Callable[..., None]
) -> None:
    sign_in(page, admin)
    page.goto("/calendars/bank/2026/?day=2026-03-31")
    stops = "[data-day][tabindex='0']"
    expect(page.locator(stops)).to_have_count(1)
    page.locator(stops).focus()
    for key, expected in (
        ("ArrowLeft", "2026-03-30"), ("ArrowRight", "2026-03-31"), ("ArrowDown", "2026-04-07"),
        ("ArrowUp", "2026-03-31"), ("PageUp", "2026-02-28"), ("PageDown", "2026-03-28"),
        ("End", "2026-12-31"), ("ArrowRight", "2026-12-31"), ("Home", "2026-01-01"),
    ):  # fmt: skip
        page.keyboard.press(key)
        expect(page.locator(f"[data-day='{expected}']"), key).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#day-h", has_text="1 Jan 2026").wait_for()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_sound_in_both_languages_and_on_a_telephone(
    open_page: Callable[..., Any],
    admin: Account,
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    language: str,
    scheme: str,
) -> None:
    Account.objects.filter(pk=admin.pk).update(language=language)
    page = open_page(viewport=PHONE, color_scheme=scheme)
    sign_in(page, admin)
    for url in PAGES:
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], url
        axe(page)


def test_without_javascript_a_day_is_still_edited(
    open_page: Callable[..., Any], admin: Account, sign_in: Callable[..., None]
) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, admin)
    day = a_working_day()
    page.goto(f"/calendars/bank/{day.year}/")
    page.click(f"[data-day='{day}']")
    form = page.locator("#day form")
    form.locator("label:has(input[value=off])").click()
    form.locator("[name=name_en]").fill("Flood")
    form.locator("[name=name_zh]").fill("洪水")
    form.locator("button[type=submit]").click()
    page.wait_for_selector("#draft-bar")
    expect(page.locator(f"[data-day='{day}'].k-off.is-new")).to_have_count(1)
