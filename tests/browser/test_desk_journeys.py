"""Each role walks over its desk in both languages: what it has opens, what it has not is refused.

Console errors and CSP violations fail in `open_page`; the pages have journeys of their own.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from complaints.choices import Status
from complaints.models import Case, CaseRemedy
from staff.models import Account
from tests.factories.complaints import bank, in_state, open_case

DESKS = {
    "officer": (
        ["/", "/cases/", "/cases/spot/", "/tasks/", "/remedies/", "/shifts/", "/clusters/"],
        ["/board/", "/robots/"],
    ),
    "handler": (["/", "/cases/", "/tasks/", "/remedies/"], ["/shifts/", "/tags/", "/clusters/"]),
    "supervisor": (
        ["/board/", "/shifts/", "/tags/", "/approvals/", "/service-notices/", "/cases/bulk/acts/"],
        ["/robots/"],
    ),
    "agent": (["/", "/cases/spot/", "/shifts/", "/search/"], ["/remedies/", "/replies/"]),
    "analyst": (["/board/", "/tags/", "/clusters/"], ["/cases/spot/", "/replies/"]),
}


@pytest.fixture
def house(transactional_db: None) -> Any:
    """A bank with an open and a closed case."""
    made = bank()
    at = timezone.now() - timedelta(hours=2)
    open_case(made, at=at)
    in_state(made, Status.CLOSED, at=at)
    return made


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("role", DESKS)
def test_a_role_walks_over_its_desk(house, open_page, sign_in, role, language):
    page = open_page()
    account = house.accounts[role]
    Account.objects.filter(pk=account.pk).update(language=language)
    sign_in(page, account)
    open_to_it, closed_to_it = DESKS[role]
    lang = "en" if language == "en" else "zh-Hans"
    for address in open_to_it:
        answer = page.goto(address)
        assert answer.status == 200, (role, address)
        expect(page.locator("html")).to_have_attribute("lang", lang)
        expect(page.locator("h1").first).to_be_visible()
        if language != "en":
            heading = page.locator("h1").first.inner_text()
            assert not heading.isascii(), (role, address, heading)
    for address in closed_to_it:
        assert page.goto(address).status == 403, (role, address)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_officer_promises_a_remedy_and_finishes_it(house, open_page, sign_in, language):
    page = open_page()
    account = house.accounts["officer"]
    Account.objects.filter(pk=account.pk).update(language=language)
    sign_in(page, account)
    case = Case.objects.exclude(status=Status.CLOSED).get()
    page.goto(f"/cases/{case.number}/")
    page.locator("#remedies > summary").click()
    page.locator(f"a[href$='/cases/{case.number}/remedies/new/']").click()
    form = page.locator("dialog[open] form")
    form.locator("[name=term]").select_option("COR")
    form.locator("[name=owner]").select_option(str(house.pk("officer")))
    form.locator("[name=words]").fill("Correct the name")
    with page.expect_navigation():
        form.locator("button[type=submit]").click()
    remedy = CaseRemedy.objects.get()
    page.locator("#remedies > summary").click()
    page.locator(f"a[href$='/remedies/{remedy.pk}/done/']").click()
    form = page.locator("dialog[open] form")
    with page.expect_response(f"**/remedies/{remedy.pk}/done/"):
        form.locator("button[type=submit]").click()
    expect(page.locator("dialog[open] [role=alert]").first).to_be_visible()
    page.locator("dialog[open] form [name=words]").fill("Corrected and checked")
    with page.expect_navigation():
        page.locator("dialog[open] form button[type=submit]").click()
    remedy.refresh_from_db()
    assert remedy.state == "done"
