"""Acts on many cases in Chromium: bar, question, toast with Undo, page of results."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from complaints.choices import Status
from complaints.models import BulkAct, Case, CaseTag
from tests.factories.complaints import bank, in_state


@pytest.fixture
def house(transactional_db):
    return bank()


def tick(page, *cases):
    for case in cases:
        page.locator(f"input[name=case][value='{case.number}']").check()


def test_assign_three_and_take_it_back_from_the_toast(page, sign_in, axe, screenshot, house):
    at = timezone.now() - timedelta(hours=2)
    cases = [in_state(house, Status.IN_PROGRESS, at=at) for _ in range(3)]
    other = house.accounts["handler2"].person
    sign_in(page, house.accounts["supervisor"])
    page.goto("/cases/?state=open")
    tick(page, *cases)
    page.locator(".bulkbar button[hx-post$='/assign_handler/']").click()
    dialog = page.locator("#dialog[open]")
    expect(dialog).to_contain_text("3 cases:")
    axe(page)
    screenshot(page, "bulk-question")
    dialog.locator("select[name=handler]").select_option(other.staff_no)
    dialog.get_by_role("button", name="Assign a handler: 3 cases").click()
    toast = page.locator("#toasts [data-toast]")
    expect(toast).to_contain_text("3 cases done")
    assert set(Case.objects.values_list("handler", flat=True)) == {other.pk}
    with page.expect_response("**/undo/"):
        toast.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("3 cases are as they were")
    assert set(Case.objects.values_list("handler", flat=True)) == {cases[0].handler_id}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_what_was_left_is_listed_and_kept_on_the_page_of_the_act(
    page, sign_in, axe, screenshot, house, language
):
    at = timezone.now() - timedelta(hours=2)
    fits, not_yet = (in_state(house, s, at=at) for s in (Status.ASSESSING, Status.RECEIVED))
    account = house.accounts["supervisor"]
    type(account).objects.filter(pk=account.pk).update(language=language)
    sign_in(page, account)
    page.goto("/cases/?state=open")
    tick(page, fits, not_yet)
    page.locator(".bulkbar button[hx-post$='/assign/']").click()
    dialog = page.locator("#dialog[open]")
    dialog.locator("select[name=department]").select_option("LOAN")
    dialog.locator("footer button[type=submit]").click()
    expect(dialog.locator(".refused")).to_contain_text(not_yet.number)
    page.goto(f"/cases/bulk/acts/{BulkAct.objects.get().pk}/")
    expect(page.locator("tbody tr")).to_have_count(2)
    axe(page)
    screenshot(page, f"bulk-act-{language}")
    page.goto("/cases/bulk/acts/")
    axe(page)
    page.goto("/tags/")
    axe(page)


def test_a_tag_is_chosen_by_typing_and_taken_away_on_the_case(page, sign_in, axe, house):
    case = in_state(house, Status.IN_PROGRESS, at=timezone.now() - timedelta(hours=2))
    sign_in(page, house.accounts["supervisor"])
    page.goto(f"/cases/{case.number}/")
    page.locator("a.tagchip").click()
    field = page.locator("#dialog #tag-find")
    field.press_sequentially("fee", delay=30)
    expect(page.locator("#tag-options [role=option]")).to_have_count(1)
    axe(page)
    field.press("ArrowDown")
    field.press("Enter")
    chip = page.locator(".case__head .tagchip", has_text="Fees")
    expect(chip).to_be_visible()
    assert CaseTag.objects.filter(case=case).count() == 1
    chip.locator("button").click()
    expect(chip).to_have_count(0)
    assert not CaseTag.objects.filter(case=case).exists()
