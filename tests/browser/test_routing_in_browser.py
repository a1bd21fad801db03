"""Routing rules changed in Chromium: a new rule, its place, a dry run, publishing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from complaints.models import RoutingRule
from config.kernel import job_runs, rulesets
from tests.browser.conftest import DESKTOP, PHONE
from tests.factories.complaints import bank, open_case
from tests.factories.staff import AccountFactory


def work_off() -> None:
    job_runs.work(timezone.now() + timedelta(seconds=1))


def names() -> list[str]:
    rows = RoutingRule.objects.filter(rule_set=rulesets.draft("routing"))
    return list(rows.order_by("order").values_list("name_en", flat=True))


def no_wider(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_a_new_rule_is_ordered_tried_and_published(
    page: Any, sign_in: Callable[..., None], axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
) -> None:  # fmt: skip
    house = bank()
    case = open_case(house, at=timezone.now() - timedelta(hours=2), business_line="B-CC-02")
    sign_in(page, AccountFactory.create(roles=["AD", "CS"]))
    page.goto("/routing/")
    axe(page)
    page.click(".topbar button.btn-primary")
    page.wait_for_selector("#draft-bar")
    page.click("a[href='/routing/draft/new/']")
    page.wait_for_selector("#rule-form h2")
    add_the_rule(page, axe)
    drag_and_move(page)
    change_a_field(page)
    screenshot(page, "routing-draft")
    page.click("#dryrun footer button[type=submit]")
    page.wait_for_selector("#dryrun[hx-trigger]")
    work_off()
    page.wait_for_selector("#dryrun:not([hx-trigger]) .stats")
    expect(page.locator("#dryrun")).to_contain_text(case.number)
    page.click("#dryrun summary")
    axe(page)
    no_wider(page)
    screenshot(page, "routing-dryrun")
    page.fill("#explain-n", case.number)
    page.press("#explain-n", "Enter")
    expect(page.locator(".tries .is-hit")).to_contain_text("Card fees first")
    publish(page)


def add_the_rule(page: Any, axe: Callable[[Any], None]) -> None:
    """Fill in the sentence: business line from the list, narrowed by typing."""
    page.fill("#id_name_en", "Card fees")
    page.fill("#id_name_zh", "卡费")
    page.click("button[name=drop][value=types]")
    page.wait_for_selector("[name=c_types]", state="detached")
    page.wait_for_selector("#rule-add:focus")
    page.select_option("#rule-add", "business_lines")
    page.wait_for_selector("[name=c_business_lines]", state="attached")
    page.wait_for_selector(".cond--r summary:focus")
    expect(page.locator("#id_name_en")).to_have_value("Card fees")
    page.click(".cond--r details.pick summary")
    page.type(".cond--r [data-pick-find]", "credit card")
    shown = page.locator(".cond--r label.check:visible")
    expect(shown.first).to_contain_text("Credit card")
    assert 0 < shown.count() < 10
    shown.first.click()
    expect(page.locator(".cond--r [data-pick-said]")).to_contain_text("Credit card")
    axe(page)
    page.keyboard.press("Escape")
    page.select_option("#id_department", "LAW")
    page.click("#rule-form button[value=save]")
    page.wait_for_url("**/routing/draft/?r=*")
    assert "Card fees" in names()


def drag_and_move(page: Any) -> None:
    """Take the new rule to the top by its grip, one down by the button, and up again."""
    page.set_viewport_size({"width": 1440, "height": 1800})  # no scrolling while it is dragged
    row = page.locator("#rule-list li[aria-current]")
    row.locator("[data-grip]").drag_to(page.locator("#rule-list li").first,
                                       target_position={"x": 60, "y": 2})  # fmt: skip
    page.wait_for_selector(".toastx >> text=Now at place 1.")
    assert names()[0] == "Card fees"
    row.locator("[id^=down-]").click()
    page.wait_for_selector(".toastx >> text=Now at place 2.")
    row.locator("[id^=up-]").press("Enter")
    page.wait_for_selector("#rule-list li:first-child[aria-current]")
    assert names()[0] == "Card fees"
    page.wait_for_selector("[id^=up-]:focus")  # the focus stays
    page.set_viewport_size(DESKTOP)


def change_a_field(page: Any) -> None:
    """What is changed is saved at once; an unfinished rule says why it is not."""
    page.fill("#id_name_en", "Card fees first")
    page.press("#id_name_en", "Tab")
    page.wait_for_selector("#rule-state svg")
    page.wait_for_selector("#rule-list li[aria-current] >> text=Card fees first")
    page.select_option("#id_strategy", "person")
    page.wait_for_selector("#rule-state.risk")
    page.select_option("#id_strategy", "least_loaded")
    page.wait_for_selector("#rule-state.ink-3 svg")
    stored = RoutingRule.objects.get(rule_set=rulesets.draft("routing"), name_en="Card fees first")
    assert stored.strategy == "least_loaded"
    page.fill("#id_name_zh", "卡费优先")
    with page.expect_response(lambda answer: "do=enter" in (answer.request.post_data or "")):
        page.press("#id_name_zh", "Enter")
    stored.refresh_from_db()
    assert (stored.name_zh, list(stored.conditions)) == ("卡费优先", ["business_lines"])


def publish(page: Any) -> None:
    """Publish with a reason; the new version is in force."""
    page.click("#draft-bar .btn-primary")
    page.wait_for_selector("#dialog[open] textarea")
    page.fill("#dialog textarea", "Card fees go to the lawyers")
    page.click("#dialog footer .btn-primary")
    page.wait_for_url("**/routing/")
    page.wait_for_selector(".rules >> text=Card fees first")
    page.goto("/routing/versions/")
    expect(page.locator("main")).to_contain_text("Card fees go to the lawyers")


@pytest.mark.parametrize(
    "options", [{}, {"viewport": PHONE, "has_touch": True, "color_scheme": "dark"}]
)
def test_the_pages_in_chinese(
    open_page: Callable[..., Any], sign_in: Callable[..., None], axe: Callable[[Any], None],
    screenshot: Callable[..., Any], options: dict[str, Any],
) -> None:  # fmt: skip
    bank()
    page = open_page(locale="zh-CN", **options)
    sign_in(page, AccountFactory.create(roles=["CS"], language="zh-hans"))
    page.goto("/routing/")
    no_wider(page)
    page.click(".topbar button.btn-primary")
    page.wait_for_selector("#rule-form")
    for url in ("/routing/draft/", "/routing/draft/new/", "/routing/versions/", "/duty-table/"):
        page.goto(url)
        axe(page)
        no_wider(page)
        screenshot(page, f"zh{url.replace('/', '-')}{options.get('color_scheme', '')}")
