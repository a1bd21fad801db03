"""The case page in Chromium: two people on one case, a stale form, files, mentions, reveal."""

import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import expect

from complaints import identity, presence, records, workflow
from complaints.choices import Status
from complaints.models import Case, CaseAttachment
from complaints.workflow import payloads
from config.kernel.models import EventWords
from tests.browser.conftest import PHONE
from tests.factories.complaints import Bank, bank, in_state, rows
from tests.factories.staff import AccountFactory, PersonFactory

TEL = "13812345678"
DROP = """([name, type, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  for (const kind of ["dragenter", "dragover", "drop"])
    document.querySelector("#timeline").dispatchEvent(
      new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
}"""
PASTE = """([name, type, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  document.body.dispatchEvent(
    new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: data }));
}"""


@pytest.fixture
def house(transactional_db: None) -> Bank:
    """The bank of the factories."""
    return bank()


@pytest.fixture
def case(house: Bank) -> Case:
    """A complaint under way, with a mention in a note."""
    at = timezone.now() - timedelta(hours=2)
    made = in_state(
        house, Status.IN_PROGRESS, at=at, contact_name="周海明", contact_phone=TEL,
        core_issue="Card annual fee charged twice, refund promised and not made",
        product="Blue card",
    )  # fmt: skip
    note = f"Both fees are real postings. @[{house.pk('depthead')}], please reissue the order."
    records.add_note(rows(made), note, actor=house.actor("officer"), at=at)
    return made


def picture(colour: tuple[int, int, int]) -> list[int]:
    target = BytesIO()
    Image.new("RGB", (640, 400), colour).save(target, "PNG")
    return list(target.getvalue())


def opened(page: Any, case: Case) -> None:
    page.goto(f"/cases/{case.number}/")
    expect(page.locator("#timeline")).to_be_visible()


def test_two_people_on_one_case(
    house: Bank, case: Case, open_page: Any, sign_in: Any, axe: Any, screenshot: Any
) -> None:
    """Presence, dropped and pasted files, a mention, contact data, a stale form; then the phone."""
    page = open_page()
    sign_in(page, house.accounts["supervisor"])
    presence.seen(case, house.pk("officer"), typing=True, at=timezone.now())
    presence.seen(case, house.pk("analyst"), typing=False, at=timezone.now())
    opened(page, case)
    expect(page.locator("#viewers .av")).to_have_count(2)
    expect(page.locator("#viewers .is-writing")).to_have_count(1)
    expect(page.locator("#presence[role=status]")).to_contain_text("Officer Test is writing.")
    assert presence.here(case, house.pk("officer"), timezone.now())

    page.evaluate(DROP, ["statement.png", "image/png", picture((40, 90, 200))])
    expect(page.locator("#files a", has_text="statement.png")).to_be_visible()
    page.evaluate(PASTE, ["image.png", "image/png", picture((30, 150, 60))])
    expect(page.locator("#files a", has_text="screenshot-")).to_be_visible()
    expect(page.locator("#files .thumb")).to_have_count(2)
    assert CaseAttachment.objects.filter(case=case).count() == 2
    axe(page)
    screenshot(page, "case-page")

    _mention(page, house, case)
    _reveal(page, house, case)
    _stale(page, house, case, axe, screenshot)

    dark = open_page(viewport=PHONE, color_scheme="dark")
    sign_in(dark, house.accounts["supervisor"])
    opened(dark, case)
    screenshot(dark, "case-page-phone-dark")
    assert dark.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    axe(dark)


def _mention(page: Any, house: Bank, case: Case) -> None:
    """Type @ and letters, choose by keyboard, save: a code is kept, a chip is shown."""
    page.locator("#tab-note").click()
    area = page.locator("#pane-note textarea")
    area.press_sequentially("Please check @Depth", delay=15)
    expect(page.locator("#mentions-list [role=option]")).to_have_count(1)
    area.press("Enter")
    expect(area).to_have_value("Please check @Depthead Test ")
    with page.expect_response("**/drafts/write-note/"):
        area.press_sequentially("today")
    page.reload()
    expect(area).to_have_value("Please check @Depthead Test today")
    page.locator("#pane-note button[type=submit]").click()
    expect(page.locator("#timeline .mention")).to_have_count(2)
    words = EventWords.objects.filter(entry__stream=case.stream, entry__action="case.note")
    assert f"Please check @[{house.pk('depthead')}]" in words.latest("pk").text


def test_two_people_of_one_name_are_told_apart(
    house: Bank, case: Case, page: Any, sign_in: Any
) -> None:
    first = house.accounts["depthead"].person
    names = {"name_en": first.name_en, "name_zh": first.name_zh, "staff_no": "S-9999"}
    twin = PersonFactory.create(department=case.department, **names)
    AccountFactory.create(roles=["DH"], person=twin)
    sign_in(page, house.accounts["supervisor"])
    opened(page, case)
    page.locator("#tab-note").click()
    area = page.locator("#pane-note textarea")
    for place in (0, 1):
        area.press_sequentially("@Depth")
        options = page.locator("#mentions-list [role=option]")
        expect(options).to_have_count(2)
        options.nth(place).click()
    expect(area).to_have_value(re.compile(r"^@Depthead Test @Depthead Test \(\S+\) $"))
    page.locator("#pane-note button[type=submit]").click()
    expect(page.locator("#timeline .mention")).to_have_count(3)
    words = EventWords.objects.filter(entry__stream=case.stream, entry__action="case.note")
    pks = {int(pk) for pk in re.findall(r"@\[(\d+)\]", words.latest("pk").text)}
    assert pks == {first.pk, twin.pk}


def _reveal(page: Any, house: Bank, case: Case) -> None:
    """Identify, give the reason, see the number; it is gone after a minute."""
    page.clock.install()
    page.locator("#case-side a", has_text="Show contact data").click()
    form = page.locator("dialog[open]")
    form.locator("a", has_text="Identify now").click()
    form.locator("select[name=method]").select_option("id_card")
    form.locator("input[name=result][value=passed]").check()
    form.locator("button[type=submit]").click()
    form.locator("textarea[name=reason]").fill("Call her back")
    form.locator("button[type=submit]").click()
    expect(form.locator("[data-secret]")).to_contain_text("5678")
    page.clock.run_for(61_000)
    expect(form.locator("[data-secret]")).to_have_count(0)
    expect(form).to_contain_text("Hidden again after a minute.")
    form.locator("[data-close]").click()
    assert identity.standing(case, timezone.now()).passed is not None
    expect(page.locator("#case-side")).to_contain_text("Identified: Identity card")


def _stale(page: Any, house: Bank, case: Case, axe: Any, screenshot: Any) -> None:
    """Edit facts while somebody else does: see who changed what, put mine on top."""
    page.locator("#classification a", has_text="Edit facts").click()
    form = page.locator("dialog[open] form")
    form.locator("[name=demand]").fill("All of it, with interest.")
    what = payloads.FactsEdit({"product": "Gold card"}, reason="It was gold.")
    officer = house.actor("officer")
    assert workflow.edit_facts(rows(case), what, actor=officer, at=timezone.now())[0].done
    form.locator("button[type=submit]").click()
    expect(form.locator(".stale")).to_contain_text("Blue card")
    expect(form.locator(".stale")).to_contain_text("Gold card")
    expect(form.locator("[name=demand]")).to_have_value("All of it, with interest.")
    expect(form.locator("[name=product]")).to_have_value("Gold card")
    axe(page)
    screenshot(page, "case-page-stale")
    with page.expect_navigation():
        form.locator("button[type=submit]", has_text="Apply mine on top").click()
    stored = Case.objects.get(pk=case.pk)
    assert (stored.product, stored.demand) == ("Gold card", "All of it, with interest.")


def test_gallery_record_and_bundle_pages(
    house: Bank, case: Case, open_page: Any, sign_in: Any, axe: Any, screenshot: Any
) -> None:
    """The pages around the case stand without violations, in Chinese too."""
    page = open_page(locale="zh-CN")
    sign_in(page, house.accounts["supervisor"])
    for rest in ("gallery", "print", "bundle", "reveal", "identity"):
        page.goto(f"/cases/{case.number}/{rest}/")
        axe(page)
        screenshot(page, f"case-{rest}")
    page.goto("/cases/identity/")
    axe(page)
