"""Help of others in Chromium: asked, taken, answered; steps ticked; playbooks changed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from complaints.choices import Status, TaskState
from complaints.defaults import rules
from complaints.models import CaseStep, CaseTask
from complaints.teamwork import asking
from complaints.teamwork.asking import Asking
from config.shared.actors import SYSTEM
from tests.browser.conftest import PHONE
from tests.complaints.clock_house import LONG_AGO
from tests.factories.complaints import bank, in_state, rows
from tests.factories.staff import AccountFactory

Open = Callable[..., Any]
SignIn = Callable[..., None]
Axe = Callable[[Any], None]
Picture = Callable[..., Any]


@pytest.fixture
def house(transactional_db: None) -> Any:
    made = bank()
    rules.load_playbooks(SYSTEM, LONG_AGO)
    return made


def grave(house: Any) -> Any:
    at = timezone.now() - timedelta(hours=1)
    return in_state(house, Status.IN_PROGRESS, at=at, severity=4, emotion=4)


def narrow(page: Any) -> bool:
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return bool(wide <= 0)


def test_a_department_is_asked_takes_it_and_answers(
    house: Any, open_page: Open, sign_in: SignIn, axe: Axe, screenshot: Picture
) -> None:
    case, boss = grave(house), open_page()
    sign_in(boss, house.accounts["supervisor"])
    boss.goto(case.get_absolute_url())
    boss.click("#tasks > summary")
    boss.click("#tasks >> text=Ask a department or person")
    boss.wait_for_selector("dialog[open] textarea[name=question]")
    axe(boss)
    screenshot(boss, "task-ask")
    boss.select_option("dialog[open] select[name=departments]", str(house.units["LOAN"].pk))
    boss.fill("dialog[open] textarea[name=question]", "Was the second fee agreed?")
    boss.click("dialog[open] button[type=submit]")
    expect(boss.locator("text=1 department still to answer")).to_be_visible()
    expect(boss.locator("#tasks")).to_contain_text("Was the second fee agreed?")
    screenshot(boss, "task-case")

    theirs = open_page(viewport=PHONE, color_scheme="dark")
    sign_in(theirs, house.accounts["loan_handler"])
    take_and_answer(theirs, axe, screenshot)

    boss.goto(case.get_absolute_url())
    boss.click("#tasks > summary")
    expect(boss.locator("#tasks")).to_contain_text("No, it was booked by mistake.")
    expect(boss.locator("text=still to answer")).to_have_count(0)


def take_and_answer(theirs: Any, axe: Axe, screenshot: Picture) -> None:
    """Take the only task of the unit, then answer it, on the page of tasks."""
    theirs.goto("/tasks/?view=unit")
    axe(theirs)
    assert narrow(theirs)
    screenshot(theirs, "tasks-phone-dark")
    theirs.click("tr a[href$='/accept/']")
    theirs.wait_for_selector("dialog[open] select[name=person]")
    expect(theirs.locator("dialog[open]")).to_contain_text("Was the second fee agreed?")
    axe(theirs)
    theirs.click("dialog[open] button[type=submit]")
    theirs.wait_for_url("**/cases/**")
    assert CaseTask.objects.get().state == TaskState.ACCEPTED
    theirs.goto("/tasks/")
    theirs.click("tr a[href$='/answer/']")
    theirs.fill("dialog[open] textarea[name=words]", "No, it was booked by mistake.")
    theirs.click("dialog[open] button[type=submit]")
    theirs.wait_for_url("**/cases/**")
    assert narrow(theirs)


def test_steps_are_ticked_and_left_out_beside_the_case(
    house: Any, open_page: Open, sign_in: SignIn, axe: Axe, screenshot: Picture
) -> None:
    case, page = grave(house), open_page()
    sign_in(page, house.accounts["handler"])
    page.goto(case.get_absolute_url())
    part = page.locator("#steps")
    expect(part).to_contain_text("A supervisor joins")
    axe(page)
    screenshot(page, "steps")
    page.click("#steps button[aria-label^='Done: Stop the harm']")
    expect(part.locator("button[aria-label^='To be done again: Stop the harm']")).to_be_visible()
    done = CaseStep.objects.get(case=case, step__code="EM-HARM")
    assert done.state == "done"
    page.click("#steps a[aria-label^='Leave out: Agree one wording']")
    page.click("dialog[open] button[type=submit]")
    expect(page.locator("dialog[open]")).to_contain_text("Say why it is left out")
    axe(page)
    page.fill("dialog[open] textarea[name=reason]", "No media involved.")
    page.click("dialog[open] button[type=submit]")
    expect(part).to_contain_text("No media involved.")
    phone = open_page(viewport=PHONE)
    sign_in(phone, house.accounts["handler"])
    phone.goto(case.get_absolute_url())
    assert narrow(phone)
    phone.locator("#steps").scroll_into_view_if_needed()
    screenshot(phone, "steps-phone")


def test_the_list_and_the_playbooks_on_every_screen(
    house: Any, open_page: Open, sign_in: SignIn, axe: Axe, screenshot: Picture
) -> None:
    case = grave(house)
    what = Asking("Was it agreed?", [house.units["LOAN"].pk])
    asking.ask(rows(case), what, actor=house.actor("supervisor"), at=timezone.now())
    admin = AccountFactory.create(roles=["admin"])
    for name, options in {
        "": {}, "-dark": {"color_scheme": "dark"}, "-phone": {"viewport": PHONE},
    }.items():  # fmt: skip
        page = open_page(**options)
        sign_in(page, house.accounts["supervisor"])
        page.goto("/tasks/?view=asked")
        expect(page.locator("table")).to_contain_text(case.number)
        axe(page)
        assert narrow(page)
        screenshot(page, f"tasks{name}")
        sign_in(page, admin)
        page.goto("/playbooks/")
        axe(page)
        assert narrow(page)
        screenshot(page, f"playbooks{name}")


def test_a_step_is_added_moved_and_published(
    house: Any, open_page: Open, sign_in: SignIn, axe: Axe, screenshot: Picture
) -> None:
    page = open_page()
    sign_in(page, AccountFactory.create(roles=["admin"]))
    page.goto("/playbooks/")
    page.click("text=Change the playbooks")
    page.click("text=New step")
    page.wait_for_selector("dialog[open] input[name=name_en]")
    axe(page)
    screenshot(page, "playbooks-step")
    page.fill("dialog[open] input[name=name_en]", "Ring the branch")
    page.fill("dialog[open] input[name=name_zh]", "致电网点")
    page.click("dialog[open] button[type=submit]")
    expect(page.locator("table")).to_contain_text("Ring the branch")
    page.click("button[aria-label='Move up: Ring the branch']")
    expect(page.locator("tbody tr").nth(-2)).to_contain_text("Ring the branch")
    axe(page)
    screenshot(page, "playbooks-draft")
