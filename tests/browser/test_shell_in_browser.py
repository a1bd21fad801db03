"""The frame in a real browser: looks, keys, dialogs, toasts, phone, accessibility."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect

from config.portal import context
from config.shared.registry import NavItem
from config.shared.scope import Reach, Scope
from staff.models import Account
from tests.browser.conftest import PHONE
from tests.factories.staff import AccountFactory
from tests.portal import shell_urls

pytestmark = pytest.mark.urls("tests.portal.shell_urls")


@pytest.fixture
def account(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Account:
    items = [
        NavItem(
            "home",
            "My work",
            "components",
            "home-2",
            "work",
            "cases",
            order=1,
            count=lambda *_: (11, False),
        ),
        NavItem(
            "calls",
            "Callbacks",
            "dialog",
            "phone-call",
            "work",
            "cases",
            order=2,
            count=lambda *_: (9, True),
        ),
        NavItem("me", "Customers", "account", "users", "work", "cases", order=3),
        NavItem("board", "Scoreboard", "password", "target-arrow", "insight", "cases"),
    ]
    monkeypatch.setattr(context, "contributed", lambda kind: {item.key: item for item in items})
    monkeypatch.setattr(Scope, "to", lambda *_: Reach.ALL)
    return AccountFactory(roles=["officer"])


@pytest.mark.parametrize("look", ["light en", "dark en", "light zh-hans", "dark zh-hans"])
def test_components_are_accessible_and_quiet(
    open_page: Callable[..., Any],
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
    account: Account,
    look: str,
) -> None:
    theme, language = look.split()
    Account.objects.filter(pk=account.pk).update(language=language)
    for name, options in (("desktop", {}), ("phone", {"viewport": PHONE, "has_touch": True})):
        page = open_page(color_scheme=theme, **options)
        sign_in(page, account)
        page.goto("/components/")
        assert page.evaluate("document.documentElement.dataset.bsTheme") == theme
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0
        screenshot(page, f"shell-{language}-{theme}-{name}")
        axe(page)


def test_figures_arrive_after_the_page(
    page: Any, sign_in: Callable[..., None], account: Account
) -> None:
    sign_in(page, account)
    page.goto("/components/")
    page.wait_for_selector("#nav-count-calls.hot")
    expect(page.locator("#nav-count-home")).to_have_text("11")


def test_keys_move_select_and_find(
    page: Any, sign_in: Callable[..., None], account: Account
) -> None:
    sign_in(page, account)
    page.goto("/components/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tr.is-cursor a")).to_have_text("Case 2")
    page.keyboard.press("x")
    expect(page.locator("[data-bulkbar]")).to_be_visible()
    expect(page.locator("[data-selcount]")).to_have_text("1")
    page.keyboard.press("Control+k")
    expect(page.locator("#dlg-find")).to_be_visible()
    page.keyboard.type("j?")
    expect(page.locator("#frame-find")).to_have_value("j?")
    page.keyboard.press("Escape")
    expect(page.locator("#dlg-find")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.locator("#dlg-keys")).to_be_visible()


def test_keys_rest_while_somebody_types_or_switched_them_off(
    page: Any, sign_in: Callable[..., None], account: Account
) -> None:
    sign_in(page, account)
    page.goto("/components/")
    page.locator("#id_words").focus()
    page.keyboard.type("jx?")
    assert page.locator("tr.is-cursor").count() == 0
    expect(page.locator("#id_words")).to_have_value("jx?")
    Account.objects.filter(pk=account.pk).update(single_keys=False)
    page.goto("/components/")
    page.keyboard.press("j")
    assert page.locator("tr.is-cursor").count() == 0


def test_a_dialog_opens_refuses_and_closes(
    page: Any,
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
    account: Account,
) -> None:
    sign_in(page, account)
    page.goto("/components/")
    page.locator("#opener").click()
    dialog = page.locator("#dialog")
    dialog.locator("h2").wait_for()
    dialog.get_by_role("button", name="Save note").click()
    dialog.locator("[role=alert]").wait_for()
    expect(dialog.locator("#dialog_words")).to_have_attribute("aria-invalid", "true")
    expect(dialog.locator("[role=alert]")).to_be_focused()
    screenshot(page, "shell-dialog")
    dialog.get_by_role("link", name="How: This field is required.").click()
    expect(dialog.locator("#dialog_how_0")).to_be_focused()
    axe(page)
    dialog.locator("#dialog_words").fill("stale")
    dialog.get_by_label("By phone").check()
    dialog.get_by_label("I agree").check()
    dialog.get_by_role("button", name="Save note").click()
    dialog.get_by_text("Song Lu resolved this 1 minute ago.").wait_for()
    expect(dialog.locator("#dialog_words")).to_have_value("stale")
    expect(dialog.locator("#dialog_version")).to_have_value("8")
    dialog.locator("#dialog_words").fill("stay")
    dialog.get_by_role("button", name="Save note").click()
    page.get_by_text("Note saved").wait_for()
    expect(dialog).to_be_hidden()
    expect(page.locator("#opener")).to_be_focused()
    expect(page.locator("#toasts").get_by_role("button", name="Undo")).to_be_visible()


def test_a_dialog_link_works_without_scripts(
    open_page: Callable[..., Any], sign_in: Callable[..., None], account: Account
) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, account)
    page.goto("/components/")
    page.locator("#opener").click()
    page.wait_for_url("**/dialog/")
    page.locator("#id_words").fill("fine")
    page.get_by_label("By phone").check()
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Save note").click()
    page.wait_for_url("**/components/")
    expect(page.get_by_text("Note kept")).to_be_visible()


def test_failures_of_a_piece_are_said_in_a_toast(
    page: Any, sign_in: Callable[..., None], account: Account
) -> None:
    sign_in(page, account)
    page.goto("/components/")
    page.evaluate("htmx.ajax('GET', '/refuse/403/', {target: '#main'})")
    page.locator("#toasts").get_by_text("Only Card Services").wait_for()
    expect(page.locator("h1")).to_have_text("Components")


def test_clocks_count_on_the_way_the_server_said(
    page: Any, sign_in: Callable[..., None], account: Account
) -> None:
    sign_in(page, account)
    page.clock.install()
    page.goto("/components/")
    expect(page.locator(".clock--ok .clock__t")).to_have_text("1d 4h left")
    page.clock.run_for("02:00:00")
    expect(page.locator(".clock--ok .clock__t")).to_have_text("1d 2h left")
    page.clock.run_for("00:30")
    expect(page.locator(".clock--over .clock__t")).to_have_text("2h 50m overdue")
    page.wait_for_function("!document.querySelector('.clock--risk')")
    expect(page.locator("text=Paused, 9h left")).to_have_count(1)


def test_the_theme_button_flips_and_is_remembered(
    page: Any, sign_in: Callable[..., None], account: Account
) -> None:
    sign_in(page, account)
    page.goto("/components/")
    root, button = page.locator("html"), page.locator(".side [data-theme-form] button")
    for theme in ("dark", "light", "dark"):
        button.click()
        expect(root).to_have_attribute("data-bs-theme", theme)
    page.goto("/components/")
    expect(root).to_have_attribute("data-bs-theme", "dark")


def test_the_phone_has_tabs_and_everything_else_under_more(
    open_page: Callable[..., Any],
    sign_in: Callable[..., None],
    screenshot: Callable[..., Any],
    account: Account,
) -> None:
    page = open_page(viewport=PHONE)
    sign_in(page, account)
    page.goto("/components/")
    expect(page.locator(".side")).to_be_hidden()
    page.locator(".mobnav summary").click()
    expect(page.locator(".more__sheet").get_by_text("Sign out")).to_be_visible()
    screenshot(page, "shell-more")


def test_a_warning_comes_two_minutes_before_the_session_ends(
    page: Any, sign_in: Callable[..., None], account: Account
) -> None:
    sign_in(page, account)
    page.clock.install()
    page.goto("/components/")
    page.wait_for_selector("#nav-count-calls.hot")
    with page.expect_request("**/fragments/frame/") as refreshed:
        page.clock.run_for("01:00")
    assert refreshed.value.headers["x-background"] == "1"
    page.clock.run_for((settings.SESSION_IDLE_MINUTES - 4) * 60_000)
    expect(page.locator("#dlg-session")).to_be_hidden()
    page.clock.run_for("01:30")
    expect(page.locator("#dlg-session")).to_be_visible()
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator("#dlg-session")).to_be_hidden()


def test_the_rail_and_the_error_pages_keep_their_shape(
    open_page: Callable[..., Any],
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
    account: Account,
) -> None:
    page = open_page()
    sign_in(page, account)
    for kind in ("403", "409"):
        page.goto(f"/refuse/{kind}/")
        screenshot(page, f"shell-{kind}")
        axe(page)
    page.goto("/rail/")
    page.locator(".me > summary").click()
    expect(page.locator(".me__menu").get_by_text("Sign out")).to_be_visible()
    screenshot(page, "shell-rail")
    axe(page)
    visitor = open_page()
    visitor.goto("/no/such/page/")
    screenshot(visitor, "shell-404-visitor")
    axe(visitor)


def errors_of(page: Any) -> list[str]:
    """Hear what the page writes to the console as an error, from now on."""
    heard: list[str] = []
    page.on("console", lambda one: heard.append(one.text) if one.type == "error" else None)
    return heard


def asked(word: str) -> Callable[[Any], bool]:
    """Tell the request of the palette for this word."""
    return lambda request: f"q={word}" in (request.post_data or "").split("&")


def test_a_page_left_while_it_asks_for_a_part_says_nothing(
    page: Any, sign_in: Callable[..., None], account: Account
) -> None:
    heard = errors_of(page)
    sign_in(page, account)
    page.goto("/components/")
    page.wait_for_selector("#nav-count-calls.hot")
    page.route("**/fragments/frame/", lambda _route: None)  # asked for and never answered
    with page.expect_request("**/fragments/frame/"):
        page.evaluate("window.htmx.trigger('#frame-counts', 'refresh')")
    with page.expect_event("requestfailed") as ended:
        page.goto("/scripts/")
    assert ended.value.failure == "net::ERR_ABORTED"
    assert heard == []


def test_a_search_overtaken_by_the_next_letter_says_nothing(
    page: Any, sign_in: Callable[..., None], account: Account
) -> None:
    heard = errors_of(page)
    sign_in(page, account)
    page.goto("/scripts/")
    page.keyboard.press("Control+k")
    field = page.locator("#frame-find")
    held: list[Any] = []
    hits = reverse("search_hits")

    def hold(route: Any) -> None:
        """Leave the first word without an answer for ever."""
        if asked("fee")(route.request):
            held.append(route)
        else:
            route.continue_()

    page.route(f"**{hits}", hold)
    with page.expect_request(asked("fee")):
        field.fill("fee")
    with page.expect_event("requestfailed") as ended, page.expect_request_finished(asked("fees")):
        field.fill("fees")
    assert ended.value.failure == "net::ERR_ABORTED"
    assert len(held) == 1
    assert heard == []


def test_a_failed_request_is_still_an_error_of_the_page(
    page: Any, sign_in: Callable[..., None], account: Account
) -> None:
    sign_in(page, account)
    page.goto("/scripts/")
    page.wait_for_selector("#nav-count-calls.hot")
    page.route("**/fragments/frame/", lambda route: route.fulfill(status=404))
    with page.expect_event(
        "console", lambda message: "Response Status Error Code 404" in message.text
    ):
        page.evaluate("window.htmx.trigger('#frame-counts', 'refresh')")
    expect(page.locator("#toasts")).to_contain_text("did not")


def test_the_combobox_is_driven_by_keys(
    page: Any, sign_in: Callable[..., None], axe: Callable[[Any], None], account: Account
) -> None:
    sign_in(page, account)
    page.goto("/scripts/")
    field = page.locator("#who")
    field.press_sequentially("zh")
    page.wait_for_selector("#hits:not([hidden]) [role=option]")
    expect(field).to_have_attribute("aria-expanded", "true")
    axe(page)
    field.press("Enter")
    chosen = page.locator("#chosen")
    expect(field).to_have_value("Zhou 1")
    expect(chosen).to_have_value("1")
    expect(page.locator("#hits")).to_be_hidden()
    field.press("ArrowDown")
    field.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "hit-2")
    field.press("Enter")
    expect(chosen).to_have_value("2")
    field.press("Backspace")
    expect(chosen).to_have_value("")
    page.wait_for_selector("#hits:not([hidden]) [role=option]")
    page.locator("#hit-1").click()
    expect(chosen).to_have_value("1")


def test_a_draft_is_sent_while_it_changes_and_without_secrets(
    page: Any, sign_in: Callable[..., None], account: Account
) -> None:
    shell_urls.DRAFTS.clear()
    sign_in(page, account)
    page.clock.install()
    page.goto("/scripts/")
    page.clock.run_for("00:11")
    assert shell_urls.DRAFTS == []
    page.locator("#note").fill("half a sentence")
    page.locator("#pin").fill("1234")
    page.clock.run_for("00:05")
    page.get_by_text("Draft saved").wait_for()
    page.clock.run_for("00:11")
    assert shell_urls.DRAFTS == [{"note": "half a sentence"}]


def test_chosen_files_are_listed_with_a_word_about_their_size(
    page: Any, sign_in: Callable[..., None], account: Account
) -> None:
    sign_in(page, account)
    page.goto("/scripts/")
    file = {"name": "letter.txt", "mimeType": "text/plain", "buffer": b"x" * 1500}
    page.locator("#file").set_input_files(file)
    expect(page.locator("[data-files] li.bad")).to_have_text("letter.txt · 2 KB · too large")
