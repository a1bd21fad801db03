"""The time limits as a person changes them, in Chromium: draft, forecast, publishing, applying."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import expect

from complaints.models import Case, ClockLimit
from config.kernel import job_runs, rule_kinds, rulesets
from config.shared.actors import SYSTEM
from staff.models import Account
from tests.browser.conftest import PHONE
from tests.factories.complaints import bank, open_case
from tests.factories.staff import AccountFactory

KIND = "clock_policies"


def work_off() -> None:
    job_runs.work(timezone.now() + timedelta(seconds=1))


def in_draft(clock: str = "resolve") -> ClockLimit:
    draft = rulesets.draft(KIND)
    return ClockLimit.objects.get(policy__rule_set=draft, policy__code="CMP-2", clock=clock)


def narrow(page: Any) -> bool:
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return bool(wide <= 0)


def administrator(**options: Any) -> Account:
    return AccountFactory.create(roles=["admin"], **options)


def test_a_limit_is_changed_counted_published_and_applied(
    open_page: Callable[..., Any],
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
) -> None:
    case = open_case(bank(), at=timezone.now() - timedelta(hours=3))
    page = open_page()
    sign_in(page, administrator())
    page.goto("/policies/")
    axe(page)
    page.click("text=Change these rules")
    page.click("#pol-list a[href*='p=CMP-2#']")
    page.wait_for_selector("#pol-name:text-is('Complaint, medium')")

    change_limits(page)
    axe(page)
    screenshot(page, "policies-draft")
    count(page)
    axe(page)
    screenshot(page, "policies-forecast")
    publish(page, axe)
    apply_it(page)
    axe(page)
    assert Case.objects.get(pk=case.pk).policy_reason["version"] == 2
    page.goto("/policies/versions/")
    page.wait_for_selector("#cmp-h")
    axe(page)
    screenshot(page, "policies-versions")


def change_limits(page: Any) -> None:
    """Change two limits, the order and a clock: saved on change, the focus stays."""
    page.evaluate("window.stays = true")
    page.fill("[name=resolve-amount]", "2")
    page.keyboard.press("Tab")
    page.wait_for_selector("#was-resolve s")
    assert in_draft().amount == 2
    expect(page.locator("[name=resolve-unit]")).to_be_focused()
    page.select_option("[name=resolve-unit]", "hours")
    page.wait_for_selector("#was-resolve:has-text('3 working days')")
    page.wait_for_selector("#pol-say:has-text('Saved')")
    page.fill("[name=respond-amount]", "no")
    page.keyboard.press("Tab")
    page.wait_for_selector("#pol-errors [data-error-summary]")
    page.fill("[name=respond-amount]", "12")
    page.keyboard.press("Tab")
    page.wait_for_selector("#was-respond s")
    expect(page.locator("#pol-errors [data-error-summary]")).to_have_count(0)
    assert page.evaluate("window.stays")
    expect(page.locator("#draft-bar h2 + span")).to_have_text("2 changes")

    page.focus("#up-CMP-1")
    page.keyboard.press("Enter")
    page.wait_for_selector("#draft-bar h2 + span:has-text('3 changes')")
    expect(page.locator("#up-CMP-1")).to_be_focused()

    page.click("button[value='drop:progress']")
    page.wait_for_selector("tr.is-gone:has-text('Progress notice')")
    page.select_option("[name=add]", "progress")
    page.click("button[value=add]")
    page.wait_for_selector("#row-progress")


def count(page: Any) -> None:
    """Count the forecast of the draft."""
    page.click("#forecast footer form button")
    page.wait_for_selector("#forecast[hx-trigger]")
    work_off()
    page.wait_for_selector("#forecast:not([hx-trigger]) .stats")
    page.locator("#forecast").scroll_into_view_if_needed()


def publish(page: Any, axe: Callable[[Any], None]) -> None:
    """Publish the draft with a reason."""
    page.click("#draft-bar a:text-is('Publish')")
    page.fill("#dialog textarea[name=reason]", "Board of May")
    axe(page)
    page.click("#dialog button[type=submit]")
    page.wait_for_selector(".verline:has-text('version 2')")
    assert rulesets.draft(KIND) is None


def apply_it(page: Any) -> None:
    """Apply the version to open cases, after a preview."""
    page.click("#forecast footer form button")
    page.wait_for_selector("#forecast[hx-trigger]")
    work_off()
    page.click("#forecast a:has-text('Apply to open cases')")
    page.fill("#dialog textarea[name=reason]", "As announced")
    page.click("#dialog button[type=submit]")
    page.wait_for_selector("#forecast[hx-trigger]")
    work_off()
    page.wait_for_selector("#forecast:not([hx-trigger]):has-text('applied this version')")


def test_the_ladder_and_the_settings(
    open_page: Callable[..., Any],
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
) -> None:
    bank()
    rule_kinds.begin(KIND, actor=SYSTEM, at=timezone.now())
    page = open_page(color_scheme="dark")
    sign_in(page, administrator())
    page.goto("/policies/draft/ladder/")
    axe(page)
    steps = page.locator("tbody[id^=step-]").count()
    page.click("button[value=add]")
    page.wait_for_selector(f"#step-{steps}")
    page.click(f"#step-{steps} details summary")
    page.check(f"#step-{steps} [name$=-audience][value=watchers]")
    page.click("header button[value=save]")
    page.wait_for_selector(f"#step-{steps}:has-text('Watchers of the case')")
    axe(page)
    screenshot(page, "policies-ladder-dark")
    page.goto("/policies/draft/settings/")
    page.fill("[name=risk_percent]", "30")
    page.click("section.pol-set button[type=submit]")
    page.wait_for_selector(".toastx:has-text('saved in the draft')")
    axe(page)


def test_on_a_phone_in_chinese(
    open_page: Callable[..., Any],
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
) -> None:
    bank()
    rule_kinds.begin(KIND, actor=SYSTEM, at=timezone.now())
    page = open_page(viewport=PHONE, has_touch=True, color_scheme="dark")
    sign_in(page, administrator(language="zh-hans"))
    for name in ("", "ladder/", "settings/", "versions/", "draft/?p=CMP-2", "draft/ladder/"):
        page.goto(f"/policies/{name}")
        expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
        axe(page)
        assert narrow(page), name
    screenshot(page, "policies-phone-zh")


def test_without_scripts_the_same_form_saves(
    open_page: Callable[..., Any], sign_in: Callable[..., None]
) -> None:
    bank()
    rule_kinds.begin(KIND, actor=SYSTEM, at=timezone.now())
    page = open_page(java_script_enabled=False)
    sign_in(page, administrator())
    page.goto("/policies/draft/?p=CMP-2")
    page.fill("[name=resolve-amount]", "2")
    page.keyboard.press("Enter")  # saves: no other button of the form is the first
    page.wait_for_selector("#was-resolve s")
    assert in_draft().amount == 2
    page.click("button[value='drop:progress']")
    page.wait_for_selector("tr.is-gone")
    page.click("#down-CMP-2")
    page.click("#draft-bar a:text-is('Discard')")
    page.fill("textarea[name=reason]", "Not now")
    page.click("main form .btn-danger-quiet")
    page.wait_for_selector(".verline")
    assert rulesets.draft(KIND) is None
