"""Chromium for the browser tests: a page that fails on console errors, axe, sign-in, screenshots.

Django counts Playwright's synchronous calls as an async context, so its guard against database
calls there is switched off for these tests only.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from staff.models import Account

PATIENCE = 30_000  # ms for one step of a page: a busy machine is slow, not wrong
expect.set_options(timeout=PATIENCE)
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# What a page may say without being broken: the lines of Chromium and htmx for an answer of 4xx.
EXPECTED = (
    "Failed to load resource: the server responded with a status of 4",
    "Response Status Error Code 4",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder `browser`; skip it in words where Chromium is missing."""
    here = str(Path(__file__).parent)
    missing = pytest.mark.skip(reason=f"No Chromium at {CHROMIUM}; set CHROMIUM to its path.")
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM.exists():
                item.add_marker(missing)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for the whole run."""
    from playwright.sync_api import sync_playwright

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        yield browser
        browser.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)


@pytest.fixture
def open_page(
    transactional_db: None, live_server: Any, chromium: Any
) -> Iterator[Callable[..., Any]]:
    """Open pages: `open_page(viewport=PHONE, color_scheme="dark", locale="zh-CN")`.

    At the end no page may have had a console error, an uncaught exception or a CSP violation.
    """
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_one(**options: Any) -> Any:
        options = {"viewport": DESKTOP, "locale": "en-GB", "timezone_id": "Asia/Shanghai"} | options
        context = chromium.new_context(base_url=live_server.url, bypass_csp=False, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.set_default_navigation_timeout(2 * PATIENCE)  # a first page compiles every template
        page.on("console", lambda message: _hear(message, complaints))
        page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def _hear(message: Any, complaints: list[str]) -> None:
    """Keep errors; CSP violations are console errors in Chromium."""
    if message.type == "error" and not message.text.startswith(EXPECTED):
        complaints.append(f"{message.location.get('url', '')}: {message.text}")


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Any:
    """A page at 1440 x 900, light, English."""
    return open_page()


@pytest.fixture
def sign_in(live_server: Any) -> Callable[[Any, Account], None]:
    """Sign an account in by its session cookie: `sign_in(page, account)`."""

    def put_cookie(page: Any, account: Account) -> None:
        client = Client()
        client.force_login(account, backend="staff.accounts.AccountBackend")
        name = settings.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
        page.context.add_cookies([cookie])

    return put_cookie


@pytest.fixture
def axe(chromium: Any) -> Callable[[Any], None]:
    """Assert that a page has no violation of WCAG 2.2 A and AA: `axe(page)`."""
    from axe_playwright_python.sync_playwright import Axe

    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    options = {
        "runOnly": {"type": "tag", "values": tags},
        "resultTypes": ["violations"],  # what passes needs no selectors and no copies of its HTML
        "elementRef": False,
        "preload": False,  # style sheets of other hosts: there are none
    }

    def check(page: Any) -> None:
        found = Axe().run(page, options=options).response["violations"]
        told = [
            f"{rule['id']}: {node['target']} {node['failureSummary']}"
            for rule in found
            for node in rule["nodes"]
        ]
        assert told == []

    return check


@pytest.fixture
def screenshot(request: pytest.FixtureRequest) -> Callable[[Any, str], Path]:
    """Save a picture under var/screenshots (or SCREENSHOTS): `screenshot(page, "queue-dark")`."""
    folder = Path(os.environ.get("SCREENSHOTS", str(settings.VAR_DIR / "screenshots")))
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Any, name: str) -> Path:
        target = folder / f"{name}.png"
        page.screenshot(path=str(target))
        return target

    return take
