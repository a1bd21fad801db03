"""The conversation in Chromium: write, be asked twice, recall, report a wrong person, promise."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from complaints.choices import NoticeResult, Status
from complaints.conversation import speaking, writing
from complaints.conversation.speaking import Call
from complaints.conversation.writing import Message
from complaints.models import Case, CustomerNotice, PromisedReply
from config.kernel import outbox
from tests.browser.conftest import PHONE
from tests.factories.complaints import Bank, bank, in_state, rows

TEXT = "We found the second booking and give the fee back."


@pytest.fixture(autouse=True)
def a_minute(settings: Any) -> None:
    settings.MESSAGE_RECALL_SECONDS = 60


def talked_about(house: Bank) -> Case:
    """A case with a recorded call, an SMS that left, and one that the gateway refused."""
    at = timezone.now() - timedelta(hours=2)
    case = in_state(house, Status.IN_PROGRESS, at=at)
    actor = house.actor("officer")
    call = Call(
        "in", "reached", "Twice charged, nobody calls back.", seconds=252, recording="R-7", at=at
    )
    speaking.log_call(rows(case), call, actor=actor, at=at)
    words = Message("sms", "Mr Zhou, we look into the second fee today.", sure=True)
    writing.write(rows(case), words, actor=actor, at=at + timedelta(minutes=5))
    lost = Message("email", "Please send us the slip.", sure=True)
    notice = writing.write(rows(case), lost, actor=actor, at=at + timedelta(minutes=9))[0]
    outbox.deliver(timezone.now())
    outbox.OutboxMessage.objects.filter(key=notice.outbox_key).update(
        state="failed", last_error="The mail server refused the address (550)."
    )
    CustomerNotice.objects.filter(pk=notice.pk).update(result=NoticeResult.NOT_DELIVERED)
    return case


def narrow(page: Any) -> bool:
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return bool(wide <= 0)


def test_a_message_is_asked_about_recalled_and_written_again(
    open_page: Callable[..., Any],
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
) -> None:
    house = bank()
    case = talked_about(house)
    page = open_page()
    sign_in(page, house.accounts["officer"])
    page.goto(f"/cases/{case.number}/")
    axe(page)
    screenshot(page, "conversation")
    page.click("#tab-email")
    page.fill("#email-text", TEXT)
    page.click("#pane-email button[type=submit]")
    warning = page.locator("#pane-email .note--risk")
    expect(warning).to_contain_text("not in the file of a known customer")
    expect(page.locator("#email-text")).to_have_value(TEXT)
    axe(page)
    screenshot(page, "conversation-asked-twice")
    page.check("#email-sure")
    page.click("#pane-email button[type=submit]")
    button = page.locator("#timeline form[data-recall] button")
    expect(button).to_be_visible()
    expect(button).to_contain_text("Recall")
    axe(page)
    screenshot(page, "conversation-recall")
    button.click()
    expect(page.locator("#timeline")).to_contain_text("Recalled before it left")
    expect(page.locator("#email-text")).to_have_value(TEXT)
    notice = CustomerNotice.objects.filter(case=case, purpose="message").latest("pk")
    assert notice.result == NoticeResult.RECALLED


def test_a_wrong_recipient_and_a_promise_are_noted_in_dialogs(
    open_page: Callable[..., Any],
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
) -> None:
    house = bank()
    case = talked_about(house)
    page = open_page()
    sign_in(page, house.accounts["officer"])
    page.goto(f"/cases/{case.number}/")
    page.click("#case-side a:has-text('Note a promised reply')")
    due = timezone.localtime() + timedelta(hours=5)
    page.fill("dialog [name=reply_by]", due.strftime("%Y-%m-%dT%H:%M"))
    page.select_option("dialog [name=method]", "phone")
    page.fill("dialog [name=note]", "I call before four.")
    axe(page)
    page.click("dialog button[type=submit]")
    expect(page.locator("#case-side")).to_contain_text("Promised reply")
    assert PromisedReply.objects.filter(case=case).count() == 1
    page.locator("#timeline a:has-text('Wrong person?')").last.click()
    page.fill("dialog [name=reason]", "Somebody else answered.")
    axe(page)
    screenshot(page, "conversation-wrong-person")
    page.click("dialog button[type=submit]")
    expect(page.locator("#timeline")).to_contain_text("Reached the wrong person")
    sign_in(page, house.accounts["supervisor"])
    page.goto("/cases/misdelivered/")
    expect(page.locator("main")).to_contain_text(case.number)
    axe(page)
    screenshot(page, "misdelivered")
    page.goto("/cases/after-end/")
    axe(page)


def test_the_conversation_on_a_phone_in_the_dark_in_chinese(
    open_page: Callable[..., Any],
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
) -> None:
    house = bank()
    case = talked_about(house)
    page = open_page(viewport=PHONE, color_scheme="dark", locale="zh-CN")
    sign_in(page, house.accounts["officer"])
    page.goto(f"/cases/{case.number}/")
    assert narrow(page)
    axe(page)
    screenshot(page, "conversation-phone")
    page.click("#tab-sms")
    page.fill("#sms-text", TEXT)
    assert narrow(page)
    axe(page)
    screenshot(page, "conversation-phone-sms")
