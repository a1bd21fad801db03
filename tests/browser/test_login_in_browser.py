"""The sign-in page: the eye beside the password shows and hides it, without an error."""

from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_eye_shows_and_hides_the_password(page: Any) -> None:
    page.goto("/accounts/login/")
    page.fill("#id_password", "secret words")
    eye = page.locator("[data-show-password]")
    eye.click()
    expect(page.locator("#id_password")).to_have_attribute("type", "text")
    expect(eye).to_have_attribute("aria-pressed", "true")
    eye.click()
    expect(page.locator("#id_password")).to_have_attribute("type", "password")
