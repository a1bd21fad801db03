"""Signing in and out through the pages: limits, rotation, timeouts, record."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from config.kernel.models import EventWords, JournalEntry
from staff.models import Account, AccountSession
from tests.factories.staff import PASSWORD, AccountFactory

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"


@pytest.fixture
def mei() -> Account:
    return AccountFactory.create(username="mei", roles=["officer"])


def sign_in(client: Client, username: str, password: str = PASSWORD, **extra):
    return client.post(LOGIN, {"username": username, "password": password, **extra})


def actions() -> list[str]:
    entries = JournalEntry.objects.filter(stream="ledger:access").order_by("seq")
    return list(entries.values_list("action", flat=True))


def test_a_page_asks_a_stranger_to_sign_in_and_brings_them_back(client, mei):
    answer = client.get("/accounts/?a=1")
    assert (answer.status_code, answer.url) == (302, f"{LOGIN}?next=/accounts/%3Fa%3D1")
    page = client.get(answer.url).content.decode()
    assert 'name="next" value="/accounts/?a=1"' in page
    assert sign_in(client, "mei", next="/accounts/?a=1").url == "/accounts/?a=1"
    assert client.get("/accounts/").status_code == 200
    assert actions() == ["access.signed_in"]


def test_an_htmx_piece_sends_the_whole_page_to_the_sign_in(client):
    answer = client.get(
        "/accounts/",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/cases/?q=1"},
    )
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == f"{LOGIN}?next=/cases/%3Fq%3D1"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "abc",
        "-1",
    ],
)
def test_the_way_back_stays_in_the_portal(client, mei, target):
    assert sign_in(client, "mei", next=target).url == "/"


def test_unknown_name_and_wrong_password_answer_alike(client, mei):
    wrong = sign_in(client, "mei", "wrong password").content.decode()
    unknown = sign_in(client, "nobody", "wrong password").content.decode()
    assert "do not match. 4 tries left" in wrong
    assert "do not match. 4 tries left" in unknown
    entries = JournalEntry.objects.filter(action="access.sign_in_failed").order_by("seq")
    assert f'"account":{mei.pk}' in entries[0].body
    assert "nobody" not in "".join(e.body for e in entries)
    assert "nobody" not in "".join(w.text for w in EventWords.objects.all())


@pytest.mark.parametrize("name", ["mei", "nobody"])
def test_five_wrong_passwords_lock_the_name_before_hashing(client, mei, monkeypatch, name):
    for spelling in (name, name.upper(), f" {name}", name, name):
        answer = sign_in(client, spelling, "wrong password")
    assert answer.status_code == 429
    monkeypatch.setattr("staff.accounts.make_password", None)  # hashing would raise
    monkeypatch.setattr(Account, "check_password", None)
    answer = sign_in(Client(), name)
    assert answer.status_code == 429
    assert "Wait 15 minutes" in answer.content.decode()
    assert actions() == ["access.sign_in_failed"] * 4 + ["access.locked_out"]


def test_a_lock_ends_and_success_forgets_the_tries(client, mei, time_machine):
    start = timezone.now()
    time_machine.move_to(start, tick=False)
    for _ in range(5):
        sign_in(client, "mei", "wrong password")
    time_machine.move_to(start + timedelta(minutes=14), tick=False)
    assert sign_in(client, "mei").status_code == 429
    time_machine.move_to(start + timedelta(minutes=16), tick=False)
    assert sign_in(client, "mei").status_code == 302
    client.post("/accounts/logout/")
    assert "4 tries left" in sign_in(client, "mei", "wrong password").content.decode()


def test_an_address_is_limited_whatever_it_says_about_itself(mei, settings):
    settings.SIGN_IN_ADDRESS_LIMIT = 6
    for n in range(6):
        headers = {"X-Forwarded-For": f"10.0.0.{n}"}
        Client().post(LOGIN, {"username": f"guess{n}", "password": "x"}, headers=headers)
    assert sign_in(Client(), "mei").status_code == 429
    elsewhere = Client(REMOTE_ADDR="203.0.113.7")
    assert sign_in(elsewhere, "mei").status_code == 302


def test_a_huge_password_is_refused_before_hashing(client, mei, monkeypatch):
    monkeypatch.setattr(Account, "check_password", None)
    assert sign_in(client, "mei", "x" * 900_000).status_code == 200
    assert actions() == []


def test_the_session_key_changes_at_sign_in(client, mei):
    client.post("/accounts/language/", {"language": "en"})
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["huiyin_session"] = planted = session.session_key
    sign_in(client, "mei")
    assert client.cookies["huiyin_session"].value != planted
    assert not AccountSession.objects.filter(session_key=planted).exists()


def test_signing_out_ends_the_session_on_the_server(client, mei):
    sign_in(client, "mei")
    key = client.cookies["huiyin_session"].value
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/").url == LOGIN
    client.cookies["huiyin_session"] = key
    assert client.get("/accounts/").status_code == 302
    assert actions() == ["access.signed_in", "access.signed_out"]


def test_a_quiet_session_ends_and_a_used_one_lives_until_the_absolute_end(
    client, mei, time_machine, settings
):
    start = timezone.now()
    time_machine.move_to(start, tick=False)
    sign_in(client, "mei")
    for minutes in range(50, 12 * 60, 50):
        time_machine.move_to(start + timedelta(minutes=minutes), tick=False)
        assert client.get("/accounts/").status_code == 200, minutes
    time_machine.move_to(start + timedelta(hours=12, seconds=1), tick=False)
    assert client.get("/accounts/").status_code == 302
    sign_in(client, "mei")
    time_machine.shift(timedelta(minutes=settings.SESSION_IDLE_MINUTES, seconds=5))
    assert client.get("/accounts/").status_code == 302


@pytest.mark.parametrize("change", [{"is_active": False}, {"person__active": False}])
def test_a_disabled_account_is_out_at_the_next_request(client, mei, change):
    sign_in(client, "mei")
    for name, value in change.items():
        row = mei.person if name.startswith("person") else mei
        setattr(row, name.split("__")[-1], value)
        row.save()
    assert client.get("/accounts/").status_code == 302
    assert sign_in(client, "mei").status_code == 200  # the form again


def test_demo_accounts_do_not_exist_in_production(client, mei, settings):
    Account.objects.update(is_demo=True)
    sign_in(client, "mei")
    settings.PORTAL_MODE = "production"
    assert client.get("/accounts/").status_code == 302
    assert "do not match" in sign_in(client, "mei").content.decode()


def test_password_never_enters_the_session(client, mei):
    sign_in(client, "mei")
    assert PASSWORD not in str(dict(client.session))
