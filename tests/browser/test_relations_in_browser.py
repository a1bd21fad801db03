"""Relations in Chromium: a chase by one click, the related panel, clusters; desktop and phone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import expect

from complaints.choices import LinkKind
from complaints.models import Case
from complaints.relations import agents, linking
from tests.browser.conftest import PHONE
from tests.complaints.relations_help import url
from tests.factories.complaints import Bank, bank, open_case, rows
from tests.factories.customers import CustomerFactory


def no_wider(page: Any, within: str = "main") -> None:
    """Assert that nothing in this part of the page reaches beyond the screen."""
    wide = """(root) => [...document.querySelectorAll(root + " *")]
        .filter((part) => part.getBoundingClientRect().right > window.innerWidth + 1)
        .map((part) => part.outerHTML.slice(0, 120))"""
    assert page.evaluate(wide, within) == []


def three(house: Bank) -> list[Case]:
    """Return cases of three customers with one telephone, two of them linked, with an agent."""
    at = timezone.now() - timedelta(hours=1)
    made = [
        open_case(
            house, at=at, contact_phone="13700001234", customer=CustomerFactory.create(),
            core_issue=f"信用卡年费被重复扣款 {n}", severity=1,
            content=f"{n} {'xyz'[n] * 60}",
        )
        for n in range(3)
    ]  # fmt: skip
    actor = house.actor("supervisor")
    linking.link(rows(made[0]), made[1].pk, LinkKind.RELATED, actor=actor, at=at)
    given = {"name": "赵代理", "phone": "13655550001", "relation": "brother"}
    agents.add(rows(made[0]), given, actor=actor, at=at)
    return made


def unfold(page: Any, case: Case) -> Any:
    page.goto(url(case))
    part = page.locator("#related")
    if not part.evaluate("part => part.open"):
        part.locator("summary").first.click()
    return part


def test_a_chase_by_one_click_and_the_related_panel(
    page: Any, sign_in: Callable[..., None], axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
) -> None:  # fmt: skip
    house = bank()
    case, other, _third = three(house)
    sign_in(page, house.accounts["supervisor"])
    part = unfold(page, case)
    expect(part.get_by_text(other.number).first).to_be_visible()
    expect(part.get_by_text("Says to act for the customer")).to_be_visible()
    page.locator("#case-head").get_by_role("button", name="Customer chased").click()
    expect(page.locator("#case-head").get_by_text("chased 1 time")).to_be_visible()
    assert Case.objects.get(pk=case.pk).chase_count == 1
    axe(page)
    screenshot(page, "related-desktop")


def test_clusters_and_the_panel_fit_a_phone_in_the_dark(
    open_page: Callable[..., Any], sign_in: Callable[..., None], axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
) -> None:  # fmt: skip
    house = bank()
    cases = three(house)
    page = open_page(viewport=PHONE, color_scheme="dark", locale="zh-CN")
    sign_in(page, house.accounts["supervisor"])
    page.goto("/clusters/")
    for case in cases:
        expect(page.get_by_text(case.number)).to_be_visible()
    axe(page)
    no_wider(page)
    screenshot(page, "clusters-phone-dark")
    part = unfold(page, cases[0])
    expect(part.get_by_text(cases[1].number).first).to_be_visible()
    axe(page)
    no_wider(page, "#related")
    no_wider(page, "#case-head")
    page.goto("/cases/chased/?number=" + cases[0].number)
    axe(page)
    no_wider(page)


def test_not_related_takes_the_cluster_away(page: Any, sign_in: Callable[..., None]) -> None:
    house = bank()
    cases = three(house)
    sign_in(page, house.accounts["officer"])
    page.goto("/clusters/")
    page.get_by_role("button", name="Not related").first.click()
    expect(page.get_by_text(cases[0].number)).to_have_count(0)
