"""The own account: settings, other browsers, password, language and theme."""

import pytest
from django.test import Client

from config.kernel.models import JournalEntry
from staff.models import Account
from tests.factories.staff import PASSWORD, AccountFactory

pytestmark = pytest.mark.django_db

NEW = "a-new-long-phrase-7"


@pytest.fixture
def mei() -> Account:
    return AccountFactory.create(username="mei", roles=["officer"])


def browser(agent: str = "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0") -> Client:
    client = Client(headers={"user-agent": agent})
    client.post("/accounts/login/", {"username": "mei", "password": PASSWORD})
    return client


def test_own_browsers_are_listed_and_ended_one_by_one(mei):
    here, there = browser(), browser("Mozilla/5.0 (iPhone) Safari/604.1")
    page = here.get("/accounts/").content.decode()
    assert "Firefox · Windows" in page
    assert "Safari · iPhone" in page
    assert there.cookies["huiyin_session"].value not in page
    handle = page.split("/accounts/sessions/")[1].split("/")[0]
    assert here.post(f"/accounts/sessions/{handle}/end/").url == "/accounts/"
    assert there.get("/accounts/").status_code == 302
    assert here.get("/accounts/").status_code == 200


def test_nobody_ends_the_session_of_somebody_else(mei):
    here = browser()
    browser()
    page = here.get("/accounts/").content.decode()
    handle = page.split("/accounts/sessions/")[1].split("/")[0]
    stranger = Client()
    stranger.force_login(AccountFactory.create())
    assert stranger.post(f"/accounts/sessions/{handle}/end/").status_code == 404


def test_all_others_are_ended_at_once(mei):
    here, there = browser(), browser()
    here.post("/accounts/sessions/end-others/")
    assert there.get("/accounts/").status_code == 302
    assert here.get("/accounts/").status_code == 200


def change(client: Client, current: str, new: str = NEW, again: str = ""):
    return client.post(
        "/accounts/password/", {"current": current, "new": new, "again": again or new}
    )


def test_a_new_password_needs_the_current_one_and_ends_other_sessions(mei):
    here, there = browser(), browser()
    before = here.cookies["huiyin_session"].value
    for current in ("", "wrong"):
        assert change(here, current).status_code == 200
    assert change(here, PASSWORD).url == "/accounts/"
    assert here.cookies["huiyin_session"].value != before
    assert here.get("/accounts/").status_code == 200
    assert there.get("/accounts/").status_code == 302
    mei.refresh_from_db()
    assert mei.check_password(NEW)
    assert JournalEntry.objects.filter(action="access.password_changed").count() == 1


@pytest.mark.parametrize(
    ("new", "again", "told"),
    [
        ("short", "", "at least 10 characters"),
        ("password123", "", "too common"),
        (NEW, NEW + "x", "differ"),
    ],
)
def test_weak_or_mistyped_passwords_are_refused_in_words(mei, new, again, told):
    here = browser()
    assert told in change(here, PASSWORD, new, again).content.decode()


def test_guessing_the_current_password_locks(mei):
    here = browser()
    for _ in range(4):
        change(here, "wrong")
    assert change(here, "wrong").status_code == 429
    assert change(here, PASSWORD).status_code == 429


def test_a_temporary_password_must_be_changed_first(mei):
    Account.objects.update(must_change_password=True)
    here = browser()
    assert here.get("/accounts/").url == "/accounts/password/"
    piece = here.get("/accounts/", headers={"HX-Request": "true"})
    assert piece.headers["HX-Redirect"] == "/accounts/password/"
    change(here, PASSWORD)
    assert here.get("/accounts/").status_code == 200


def test_language_before_and_after_sign_in(mei):
    client = Client(headers={"accept-language": "en"})
    answer = client.post("/accounts/language/", {"language": "zh-hans", "next": "/accounts/login/"})
    assert answer.url == "/accounts/login/"
    page = client.get("/accounts/login/")
    assert page.headers["Content-Language"] == "zh-hans"
    client.force_login(mei)
    client.post("/accounts/language/", {"language": "en"})
    mei.refresh_from_db()
    assert mei.language == "en"
    client.cookies["huiyin_language"] = "zh-hans"
    assert client.get("/accounts/").headers["Content-Language"] == "en"  # the account wins


@pytest.mark.parametrize("path", ["language", "theme"])
def test_odd_choices_are_ignored_and_the_way_back_stays_here(client, path):
    answer = client.post(f"/accounts/{path}/", {path: "klingon", "next": "https://evil.example/"})
    assert answer.url == "/"
    assert not answer.cookies


def test_settings_are_saved(mei):
    here = browser()
    here.post("/accounts/", {"language": "zh-hans", "theme": "dark"})
    mei.refresh_from_db()
    assert (mei.language, mei.theme, mei.single_keys) == ("zh-hans", "dark", False)
    here.post("/accounts/theme/", {"theme": "light"})
    mei.refresh_from_db()
    assert mei.theme == "light"


def test_who_asks_costs_four_queries(mei, django_assert_num_queries):
    here = browser()
    with django_assert_num_queries(4):
        here.get("/accounts/sessions/end-others/")  # 405 after all middleware
