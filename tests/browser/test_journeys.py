"""A complaint from the telephone to its end, in Chromium, in both languages; axe once per page.

Every act goes through what a person sees: the sign-in page, buttons, dialogs. Console errors and
CSP violations fail in `open_page`.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from complaints.choices import Status
from complaints.models import Case, CustomerNotice
from config.kernel.models import Approval
from customers import registering
from customers.models import Customer
from staff.models import Account
from tests.browser.conftest import PHONE
from tests.factories.complaints import Bank, bank, in_state, open_case
from tests.factories.staff import PASSWORD

NAME = "周海明"


@pytest.fixture
def house(transactional_db: None) -> Bank:
    """The bank with one customer who can be looked up."""
    made = bank()
    phone = registering.ContactDraft("mobile", "13900001111", preferred=True)
    drafted = registering.CustomerDraft(NAME, contacts=[phone])
    at = timezone.now() - timedelta(days=1)
    registering.register([drafted], actor=made.actor("officer"), at=at)
    return made


def enter(page: Any, house: Bank, name: str, language: str) -> None:
    """Sign in by the page, as a person does."""
    account = house.accounts[name]
    Account.objects.filter(pk=account.pk).update(language=language)
    page.goto("/accounts/login/")
    page.fill("input[name=username]", account.username)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit].btn-primary")
    page.wait_for_url("**/")
    expect(page.locator("html")).to_have_attribute("lang", {"en": "en"}.get(language, "zh-Hans"))


def dialog(page: Any, case: Case, verb: str, fill: Callable[[Any], None] | None = None) -> None:
    """Open the dialog of a move from the case page, fill it in and send it."""
    page.goto(f"/cases/{case.number}/")
    link = f"a[href$='/cases/{case.number}/do/{verb}/']"
    if not page.locator(f"{link}:visible").count():
        page.locator(".case__head details[data-menu] > summary:visible").first.click()
    page.locator(f"{link}:visible").first.click()
    form = page.locator(f"dialog[open] form[action$='/do/{verb}/']")
    form.wait_for()
    if fill:
        fill(form)
    before = Case.objects.get(pk=case.pk).event_seq
    with page.expect_navigation():
        form.locator("button[type=submit]").click()
    assert Case.objects.get(pk=case.pk).event_seq > before, verb


def register(page: Any, house: Bank) -> Case:
    """Register a case with the customer looked up by the last digits of the telephone."""
    page.goto("/cases/new/")
    page.locator("#find").press_sequentially("1111", delay=20)
    page.locator("#hits [role=option][data-value^=K]").first.click()
    page.locator("label:has(input[name=type][value=CMP])").click()
    page.fill("[name=core_issue]", "Card fee charged twice")
    page.fill("[name=content]", "I was charged twice and nobody answers.")
    page.fill("[name=demand]", "Give the fee back.")
    page.select_option("[name=intake_channel]", "EML")
    page.locator("details:has([name=business_channel]) > summary").click()
    page.select_option("[name=business_channel]", "MOB")
    with page.expect_response("**/cases/new/hints/"):
        page.select_option("[name=business_line]", "B-CC-02")
    page.wait_for_function("document.querySelectorAll('#hints dd.num').length > 1")
    with page.expect_navigation(url="**/cases/C-*/"):
        page.click("button[form=nf][type=submit].btn-primary")
    case = Case.objects.get()
    assert page.url.endswith(f"/cases/{case.number}/")
    return case


def answer(form: Any) -> None:
    """Fill in a whole answer."""
    chosen = {"outcome": "UPH", "nature": "SVC", "cause": "A1", "responsibility": "responsible"}
    for name, value in chosen.items():
        form.locator(f"[name={name}]").select_option(value)
    for name in ("answer", "findings", "basis", "objection_ways"):
        form.locator(f"[name={name}]").fill(f"Words about the {name}.")


def work(page: Any, house: Bank, case: Case) -> None:
    """Sign for the case and propose its answer, as the department's handler."""

    def sign(form: Any) -> None:
        form.locator("[name=handler_id]").select_option(str(house.pk("handler")))
        form.locator("[name=no_interest]").check()

    dialog(page, case, "sign", sign)
    dialog(page, case, "propose", answer)
    assert Case.objects.get(pk=case.pk).status == Status.PENDING_APPROVAL


def approve(page: Any, case: Case) -> None:
    """Approve the proposed answer, as the head of the department."""
    asked = Approval.objects.get(state="pending")
    page.goto(f"/approvals/{asked.pk}/")
    page.locator("textarea[name=note]").fill("Seen and agreed.")
    with page.expect_navigation():
        page.locator("button[name=decision][value=approved]").click()
    assert Case.objects.get(pk=case.pk).status == Status.RESOLVED


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_complaint_from_the_telephone_to_its_end(
    open_page: Callable[..., Any], house: Bank, language: str
) -> None:
    officer, handler, head = open_page(), open_page(), open_page()
    enter(officer, house, "officer", language)
    case = register(officer, house)
    assert case.customer == Customer.objects.get()

    def take(form: Any) -> None:
        form.locator("[name=no_interest]").check()

    dialog(officer, case, "accept", take)
    dialog(officer, case, "assess")
    unit = str(house.units["CARD"].pk)
    dialog(officer, case, "assign", lambda f: f.locator("[name=department_id]").select_option(unit))

    enter(handler, house, "handler", language)
    work(handler, house, case)
    enter(head, house, "depthead", language)
    approve(head, case)

    def tell(form: Any) -> None:
        form.locator("[name=method]").select_option("phone")
        form.locator("[name=words]").fill("Told him on the phone.")

    dialog(officer, case, "notify", tell)
    assert CustomerNotice.objects.filter(case=case, purpose="result", result="told").exists()
    dialog(officer, case, "confirm")
    assert Case.objects.get(pk=case.pk).status == Status.CLOSED
    expect(officer.locator(".stepper li.done")).to_have_count(6)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_of_the_journey_are_accessible(
    open_page: Callable[..., Any],
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    house: Bank,
    theme: str,
) -> None:
    at = timezone.now() - timedelta(hours=2)
    customer = Customer.objects.get()
    case = in_state(house, Status.IN_PROGRESS, at=at, customer=customer)
    for _n in range(4):
        open_case(house, at=at, customer=customer)
    in_state(house, Status.PENDING_APPROVAL, at=at)
    page = open_page(color_scheme=theme)
    page.goto("/accounts/login/")
    axe(page)
    sign_in(page, house.accounts["supervisor"])
    for path in ("/", "/cases/?state=open", f"/cases/{case.number}/", "/cases/new/", "/approvals/"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        axe(page)
    page.goto(f"/cases/{case.number}/")
    page.locator(f"a[href$='/cases/{case.number}/do/resolve/']:visible").first.click()
    page.locator("dialog[open] form").wait_for()
    axe(page)


def test_on_a_telephone_nothing_runs_out_of_the_screen(
    open_page: Callable[..., Any], sign_in: Callable[..., None], house: Bank
) -> None:
    case = in_state(house, Status.IN_PROGRESS, at=timezone.now() - timedelta(hours=2))
    page = open_page(viewport=PHONE, has_touch=True)
    sign_in(page, house.accounts["supervisor"])
    for path in ("/", "/cases/?state=open", f"/cases/{case.number}/", "/cases/new/"):
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, path


def test_what_was_typed_survives_a_faster_colleague(
    open_page: Callable[..., Any], sign_in: Callable[..., None], house: Bank
) -> None:
    case = open_case(house, at=timezone.now() - timedelta(hours=1))
    page = open_page()
    sign_in(page, house.accounts["supervisor"])
    page.goto(f"/cases/{case.number}/")
    page.locator(f"a[href$='/cases/{case.number}/do/accept/']:visible").first.click()
    form = page.locator("dialog[open] form[action$='/do/accept/']")
    form.wait_for()
    form.locator("[name=no_interest]").check()
    Case.objects.filter(pk=case.pk).update(version=case.version + 1)
    form.locator("button[type=submit]").click()
    page.locator("dialog[open] [role=alert]").wait_for()
    expect(page.locator("dialog[open] [name=no_interest]")).to_be_checked()
    expect(page.locator("dialog[open] [name=version]")).to_have_value(str(case.version + 1))
