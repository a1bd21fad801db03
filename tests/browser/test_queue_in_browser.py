"""The case queue in Chromium: keys, ranges, all that match, columns, views, steady rows, Back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from complaints import default_views
from complaints.models import Case
from config.kernel.models import SavedView
from staff.models import Account
from tests.browser.conftest import PHONE
from tests.complaints.queue_data import built
from tests.factories.staff import AccountFactory, DepartmentFactory, PersonFactory

ALL = "/cases/?view=all&state=all"


@pytest.fixture
def officer(transactional_db: None) -> Account:
    """A supervisor's desk of 60 cases, due one after the other."""
    default_views.load(None, None)  # type: ignore[arg-type]
    unit = DepartmentFactory.create(code="CARD")
    now = timezone.now()
    Case.objects.bulk_create(
        built(unit, at=now, due=timedelta(hours=1, minutes=n), core_issue=f"Matter {n:02}")
        for n in range(60)
    )
    return AccountFactory.create(roles=["CS"], person=PersonFactory.create(department=unit))


@pytest.fixture
def queue(page: Any, sign_in: Callable[..., None], officer: Account) -> Any:
    """The whole list, with its figures."""
    sign_in(page, officer)
    page.goto(ALL)
    expect(page.locator("#all-words")).to_have_attribute("data-n", "60")
    return page


def cursor(page: Any) -> Any:
    return page.locator("tr.is-cursor a.subject")


def subjects(page: Any) -> list[str]:
    return list(page.locator("#rows a.subject").all_inner_texts())


def push(page: Any, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)


def test_keys_move_select_ranges_and_offer_all_that_match(queue: Any) -> None:
    push(queue, "j j x j j Shift+X")
    expect(cursor(queue)).to_have_text("Matter 03")
    expect(queue.locator("[data-selcount]")).to_have_text("3")
    expect(queue.locator("[data-allmatch]")).to_be_hidden()
    queue.locator("tr[data-row] input[type=checkbox]").nth(6).click(modifiers=["Shift"])
    expect(queue.locator("[data-selcount]")).to_have_text("6")
    queue.locator("[data-selall]").check()
    expect(queue.locator("[data-selcount]")).to_have_text("50")
    queue.get_by_label("Select all 60 that match").check()
    expect(queue.locator("[data-selcount]")).to_have_text("60")
    sent = queue.evaluate("Object.fromEntries(new FormData(document.getElementById('bulk')))")
    assert (sent["all"], sent["seen"], sent["query"]) == ("1", "60", "view=all&state=all")
    queue.locator("tr[data-row] input[type=checkbox]").first.uncheck()
    expect(queue.locator("[data-selcount]")).to_have_text("49")
    assert "all" not in queue.evaluate(
        "Object.fromEntries(new FormData(document.getElementById('bulk')))"
    )


def test_keys_of_acts_take_the_row_of_the_cursor(queue: Any) -> None:
    push(queue, "j a")
    expect(queue.locator("#dialog")).to_be_visible()
    queue.keyboard.type("jx")
    expect(cursor(queue)).to_have_text("Matter 00")
    queue.keyboard.press("Escape")
    expect(queue.locator("#dialog")).to_be_hidden()
    push(queue, "j e")
    expect(queue.locator("#dialog form")).to_have_attribute(
        "action", f"{cursor(queue).get_attribute('href')}do/accept/"
    )
    queue.keyboard.press("Escape")
    expect(queue.locator("#dialog")).to_be_hidden()
    queue.keyboard.press("/")
    queue.keyboard.type("vxj?")
    expect(queue.locator("#queue-find")).to_have_value("vxj?")
    assert queue.locator("dialog[open], .is-compact").count() == 0


def test_chords_go_and_the_list_of_keys_names_them(
    queue: Any, axe: Callable[[Any], None], screenshot: Callable[..., Any]
) -> None:
    queue.keyboard.press("?")
    expect(queue.locator("#dlg-keys")).to_contain_text("Select from the last one to here")
    listed = queue.locator("#dlg-keys dt:has(kbd:nth-child(2))").all_inner_texts()
    assert {"g h", "g q", "g n"} <= {" ".join(text.split()) for text in listed}
    screenshot(queue, "queue-keys")
    axe(queue)
    queue.keyboard.press("Escape")
    expect(queue.locator("#dlg-keys")).to_be_hidden()
    push(queue, "g h")
    queue.wait_for_url("**/")
    push(queue, "g q")
    queue.wait_for_url("**/cases/")


def test_a_chord_counts_by_when_its_keys_were_struck(queue: Any) -> None:
    queue.clock.install()
    queue.reload()
    went: list[str] = []
    queue.on("request", lambda one: went.append(one.url) if one.is_navigation_request() else None)
    queue.keyboard.press("g")
    queue.clock.fast_forward(2_000)
    push(queue, "h j")
    expect(cursor(queue)).to_have_text("Matter 00")
    assert went == []  # the h came too late
    queue.keyboard.press("g")
    queue.evaluate("Date.now = () => 0")  # a clock that is set anew breaks no chord
    queue.keyboard.press("h")
    queue.wait_for_url(lambda url: not url.endswith(ALL))
    assert [url.rpartition("/")[2] for url in went] == [""]


def test_keys_can_be_switched_off(
    page: Any, sign_in: Callable[..., None], officer: Account
) -> None:
    Account.objects.filter(pk=officer.pk).update(single_keys=False)
    sign_in(page, officer)
    page.goto(ALL)
    push(page, "j x v ? g h")
    assert page.locator("tr.is-cursor, .is-compact, dialog[open]").count() == 0
    assert page.url.endswith(ALL)


def test_columns_are_chosen_moved_and_kept_for_me(
    queue: Any, axe: Callable[[Any], None], screenshot: Callable[..., Any]
) -> None:
    chooser = queue.locator(".colpick")
    chooser.locator("summary").click()
    chooser.get_by_role("checkbox", name="Severity").check()
    expect(queue.locator("#rows th").last).to_contain_text("Severity")
    expect(queue.locator("#view-state")).to_contain_text("Changed: columns")
    chooser.get_by_role("button", name="Move Severity up").click()
    expect(queue.locator("#rows th").last).to_contain_text("Updated")
    expect(chooser.get_by_role("button", name="Move Severity up")).to_be_focused()
    push(queue, "v j")
    expect(queue.locator(".is-compact, tr.is-cursor")).to_have_count(0)
    screenshot(queue, "queue-columns")
    axe(queue)
    queue.keyboard.press("Escape")
    expect(chooser.locator("summary")).to_be_focused()
    chooser.locator("summary").click()
    chooser.get_by_role("button", name="Only me").click()
    queue.wait_for_url(f"**{ALL}")
    expect(queue.locator("#rows th")).to_have_count(8)
    expect(queue.locator("#view-state")).not_to_contain_text("Changed")


def test_one_line_rows_by_a_key_and_back(queue: Any, screenshot: Callable[..., Any]) -> None:
    queue.keyboard.press("v")
    row = queue.locator(".is-compact tr[data-row]").first
    expect(row).to_be_visible()
    assert round(row.bounding_box()["height"]) == 29
    screenshot(queue, "queue-compact")
    queue.reload()
    expect(row).to_be_visible()
    queue.keyboard.press("v")
    expect(queue.locator(".is-compact")).to_have_count(0)
    assert queue.url.endswith(ALL)


def test_a_view_is_saved_changed_and_saved_again(queue: Any) -> None:
    queue.locator("#view-new").click()
    dialog = queue.locator("#dialog")
    dialog.get_by_label("Name", exact=True).fill("Everything")
    dialog.get_by_role("button", name="Save").click()
    expect(queue.locator(".tabs [aria-current]")).to_contain_text("Everything")
    queue.locator("#queue-sort").select_option("severity")
    expect(queue.locator("#view-state")).to_contain_text("Changed: order")
    queue.get_by_role("button", name="Save to view").first.click()
    queue.get_by_text("The view is saved.").wait_for()
    assert SavedView.objects.get(name_en="Everything").query == "state=all&sort=severity"
    expect(queue.locator("#view-state")).not_to_contain_text("Changed")


def refresh(page: Any) -> None:
    with page.expect_response("**/cases/?*"):
        page.evaluate("htmx.trigger('#rows', 'refresh')")


def test_rows_do_not_jump_under_the_pointer(queue: Any) -> None:
    queue.locator("tr[data-row]").nth(2).hover()
    push(queue, "j j x")
    before = subjects(queue)
    first, third = Case.objects.order_by("pk")[0], Case.objects.order_by("pk")[2]
    Case.objects.filter(pk=first.pk).update(next_due_at=timezone.now() + timedelta(days=9))
    Case.objects.filter(pk=third.pk).update(chase_count=2)
    refresh(queue)
    pill = queue.get_by_role("button", name="changes: refresh")
    expect(pill).to_have_text("2 changes: refresh")
    assert subjects(queue) == before
    expect(queue.locator("tr.is-gone a.subject")).to_have_text("Matter 00")
    expect(queue.locator("tr[data-row]").nth(2)).to_contain_text("chased ×2")
    expect(cursor(queue)).to_be_focused()
    pill.click()
    expect(queue.locator("#rows a.subject").first).to_have_text("Matter 01")
    expect(pill).to_be_hidden()
    expect(cursor(queue)).to_have_text("Matter 01")
    expect(queue.locator("[data-selcount]")).to_have_text("1")
    queue.mouse.move(5, 5)
    queue.evaluate("document.activeElement.blur()")
    Case.objects.filter(pk=third.pk).update(next_due_at=timezone.now())
    refresh(queue)
    expect(queue.locator("#rows a.subject").first).to_have_text("Matter 02")
    expect(pill).to_be_hidden()
    assert queue.url.endswith(ALL)


def kept_place(page: Any) -> int:
    """Return how far the page is scrolled once the entry of the history knows it."""
    for _ in range(100):
        kept = page.evaluate(
            "[window.scrollY, history.state && history.state.y, history.state.row]"
        )
        if kept[2] and kept[0] == kept[1]:
            return int(kept[0])
        page.wait_for_timeout(50)
    raise AssertionError(kept)


def test_back_brings_filters_place_and_cursor(queue: Any) -> None:
    queue.set_viewport_size({"width": 1440, "height": 420})
    queue.locator("#f-severity-2").evaluate("box => box.click()")
    queue.wait_for_url("**severity=2*")
    expect(queue.locator("#chips")).to_contain_text("Severity")
    for _ in range(9):
        queue.keyboard.press("j")
    place, url, shown = kept_place(queue), queue.url, cursor(queue).inner_text()
    assert place > 0
    queue.keyboard.press("o")
    queue.wait_for_url("**/cases/C-*/")
    queue.locator("[data-back]").first.click()
    queue.wait_for_url(url)
    expect(cursor(queue)).to_have_text(shown)
    assert abs(queue.evaluate("window.scrollY") - place) < 60
    queue.go_back()
    queue.wait_for_url("**state=all")
    expect(queue.locator("#chips")).not_to_contain_text("Severity")
    expect(queue.locator("#all-words")).to_have_attribute("data-n", "60")
    push(queue, "j a")
    expect(queue.locator("#dialog")).to_be_visible()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_queue_is_accessible_and_fits(
    open_page: Callable[..., Any],
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
    officer: Account,
    look: str,
) -> None:
    Case.objects.filter(core_issue__isnull=False).update(chase_count=1, repeat_count=1)
    for name, options in (("desktop", {}), ("phone", {"viewport": PHONE, "has_touch": True})):
        page = open_page(color_scheme=look, **options)
        sign_in(page, officer)
        page.goto(f"{ALL}&clock=risk&clock=today&clock=later&col=customer&col=priority")
        expect(page.locator("#n-view-all")).to_have_text("60")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        screenshot(page, f"queue-{look}-{name}")
        axe(page)
    page = open_page(color_scheme=look)
    sign_in(page, officer)
    page.goto(f"{ALL}&col=priority")
    page.locator(".score-link").first.click()
    expect(page.locator("#dialog .score .sum")).to_contain_text("Priority score")
    axe(page)
    page.goto("/cases/views/")
    axe(page)
