"""The frame: navigation by reach, language and theme, bell; pages for visitors; error pages."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.kernel.models import Notice
from config.portal import context, errors
from config.shared.registry import NavItem, contributed
from config.shared.scope import Reach, Scope
from staff.models import Account, AccountSession
from tests.factories.staff import AccountFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.portal.shell_urls")]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def account() -> Account:
    return AccountFactory(roles=["officer"])


@pytest.fixture
def client(account: Account) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(account, backend="staff.accounts.AccountBackend")
    return client


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [
        NavItem("home", "My work", "components", "home-2", "work", "cases", order=1),
        NavItem("log", "Audit log", "account", "history", "oversight", "secrets"),
        NavItem("lost", "No such page", "no-such-page", "inbox", "work", "cases"),
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
    ]
    monkeypatch.setattr(context, "contributed", lambda kind: {item.key: item for item in items})


def _scope(request_scope: str = "cases") -> Scope:
    return Scope(member=1, reach={(request_scope, "view"): Reach.ALL})


def test_navigation_shows_only_what_the_reader_may_use(rf: RequestFactory, entries: None) -> None:
    request = rf.get("/components/")
    request.scope = _scope()
    known = context.Shell(request)
    assert [entry.key for entry in known.entries] == ["home", "calls"]
    assert [str(group.title) for group in known.groups] == ["Work"]
    assert [entry.current for entry in known.entries] == [True, False]
    request.scope = _scope("secrets")
    assert [entry.key for entry in context.Shell(request).entries] == ["log"]


def test_a_longer_address_wins_as_current(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = {
        "a": NavItem("a", "A", "account", "user", "work", "cases"),
        "b": NavItem("b", "B", "password", "user", "work", "cases"),
    }
    monkeypatch.setattr(context, "contributed", lambda kind: items)
    request = rf.get(reverse("password"))
    request.scope = _scope()
    assert {e.key: e.current for e in context.Shell(request).entries} == {"a": False, "b": True}


def test_every_contributed_entry_leads_to_a_page() -> None:
    lost = [
        item.key for item in contributed(NavItem).values() if not context.address(item.url_name)
    ]
    groups = {item.group for item in contributed(NavItem).values()}
    assert lost == []
    assert groups <= set(context.GROUPS)


def test_the_bell_counts_what_waits_for_this_person_only(client: Client, account: Account) -> None:
    at = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
    rows = [
        (account.person_id, True, None),
        (account.person_id, True, at),
        (account.person_id, False, None),
    ]
    rows += [(account.person_id, True, None), (account.person_id + 1000, True, None)]
    Notice.objects.bulk_create(
        Notice(key=str(n), person_id=person, kind="x", needs_action=act, done_at=done, at=at)
        for n, (person, act, done) in enumerate(rows)
    )
    page = client.get("/components/").content.decode()
    assert page.count('aria-label="Notices, 2 need you"') == 2


def test_figures_come_as_a_piece_and_say_when_something_is_overdue(
    client: Client, entries: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scope, "to", lambda *_: Reach.ALL)
    page = client.get("/components/").content.decode()
    assert 'hx-trigger="load, refresh"' in page
    piece = client.get(reverse("frame_counts"), headers=HTMX).content.decode()
    assert re.search(r'<span class="count hot" id="nav-count-calls" hx-swap-oob="true">9', piece)
    assert 'id="bell"' in piece
    assert "<html" not in piece


def test_theme_and_keys_are_rendered_by_the_server(client: Client, account: Account) -> None:
    first = client.get("/components/").content.decode()
    assert 'data-bs-theme="light"' in first
    assert "js/theme.js" in first
    assert 'data-keys="off"' not in first
    client.cookies["theme"] = "dark"
    Account.objects.filter(pk=account.pk).update(single_keys=False)
    second = client.get("/components/").content.decode()
    assert 'data-bs-theme="dark"' in second
    assert "js/theme.js" not in second
    assert 'data-keys="off"' in second
    client.cookies["theme"] = '"><script>'
    assert "<script>" not in client.get("/components/").content.decode()


def test_the_language_form_offers_the_other_language(client: Client) -> None:
    page = client.get("/components/?a=1&b=2").content.decode()
    assert '<html lang="en"' in page
    assert 'value="zh-hans" lang="zh-Hans"' in page
    assert 'name="next" value="/components/?a=1&amp;b=2"' in page
    client.post(reverse("set_language"), {"language": "zh-hans", "next": "/components/"})
    page = client.get("/components/").content.decode()
    assert '<html lang="zh-Hans"' in page
    assert 'value="en" lang="en"' in page


def test_a_page_hands_htmx_the_token_of_its_session(client: Client) -> None:
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    strict.cookies = client.cookies
    page = strict.get("/components/").content.decode()
    headers = json.loads(re.search(r"hx-headers='([^']+)'", page)[1])
    data = {"words": "stay", "version": 3, "kind": "a", "how": "x", "agree": "on"}
    assert strict.post("/dialog/", data, headers=HTMX | headers).status_code == 204
    refused = strict.post("/dialog/", data, headers=HTMX)
    assert refused.status_code == 403
    assert "open too long" in refused.headers["HX-Trigger"]
    page = strict.post("/dialog/", data)
    assert page.status_code == 403
    assert "too old to be sent" in page.content.decode()


def test_a_visitor_sees_the_sign_in_page_in_the_public_frame() -> None:
    page = Client().get(reverse("login"))
    assert page.status_code == 200
    text = page.content.decode()
    assert "data-session-ends" not in text
    assert 'id="frame-counts"' not in text


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("403", 403, "Only Card Services may accept this case."),
        ("403-bare", 403, "Your role does not include this."),
        ("400", 400, "The date is missing."),
        ("409", 409, "Song Lu closed this."),
        ("500", 500, "Something went wrong on our side."),
    ],
)
def test_failures_are_said_in_words(client: Client, kind: str, status: int, words: str) -> None:
    answer = client.get(f"/refuse/{kind}/")
    text = answer.content.decode()
    assert answer.status_code == status
    assert words in text
    assert "secret detail" not in text
    piece = client.get(f"/refuse/{kind}/", headers=HTMX)
    assert piece.status_code == status
    assert piece.content == b""
    assert piece.headers["HX-Reswap"] == "none"
    toast = json.loads(piece.headers["HX-Trigger"])["toast"]
    assert toast["text"].startswith(words)
    assert toast["tone"] == "bad"


def test_a_refusal_names_the_roles_and_the_department_of_the_reader(
    client: Client, account: Account
) -> None:
    text = client.get("/refuse/403/").content.decode()
    assert "Complaint officer" in text
    assert account.person.department.name_en in text
    assert account.person.name_en in text


def test_a_conflict_keeps_the_typed_words(client: Client) -> None:
    text = client.get("/refuse/409/").content.decode()
    assert "my &lt;words&gt;</textarea>" in text
    assert 'href="/x/"' in text


def test_an_unknown_address_is_told_to_staff_and_visitors(client: Client) -> None:
    for reader, frame in ((client, 'class="side"'), (Client(), 'class="pub"')):
        answer = reader.get("/no/such/page/")
        assert answer.status_code == 404
        assert "nothing at this address" in answer.content.decode()
        assert frame in answer.content.decode()


def test_a_request_with_too_many_fields_is_not_understood(client: Client) -> None:
    with override_settings(DATA_UPLOAD_MAX_NUMBER_FIELDS=2):
        answer = client.post("/components/", {"a": 1, "b": 2, "c": 3, "d": 4})
    assert answer.status_code == 400
    assert "Too many" not in answer.content.decode()
    assert "did not understand" in answer.content.decode()


def test_the_reason_of_the_framework_stays_inside(rf: RequestFactory) -> None:
    answer = errors.bad_request(rf.get("/"), RequestDataTooBig("limit exceeded at X"))
    assert "limit exceeded" not in answer.content.decode()


def test_the_page_of_a_fault_needs_no_database(
    rf: RequestFactory, django_assert_num_queries
) -> None:
    with django_assert_num_queries(0):
        answer = errors.server_error(rf.get("/"))
    assert answer.status_code == 500
    assert "shell" not in render_to_string("500.html", {"text": "x"})


def test_error_pages_speak_chinese_tags(client: Client) -> None:
    answer = client.get("/refuse/403/", headers={"Accept-Language": "zh-CN"})
    assert '<html lang="zh-Hans"' in answer.content.decode()


def test_a_redirect_takes_the_whole_page_along_for_htmx(client: Client) -> None:
    data = {"words": "fine", "version": 3, "kind": "a", "how": "x", "agree": "on"}
    plain = client.post("/dialog/", data)
    assert (plain.status_code, plain.headers["Location"]) == (302, "/components/")
    assert "Note kept" in client.get("/components/").content.decode()
    piece = client.post("/dialog/", data, headers=HTMX)
    assert (piece.status_code, piece.headers["HX-Redirect"]) == (200, "/components/")
    assert "HX-Trigger" not in piece.headers
    assert "Note kept" in client.get("/components/").content.decode()


def test_messages_reach_a_page_that_swaps_only_a_piece(client: Client) -> None:
    piece = client.get("/refuse/message/", headers=HTMX)
    told = json.loads(piece.headers["HX-Trigger"])["toasts"]
    assert told == [{"text": "2 of 14 are closed", "tone": "warning"}]
    assert "2 of 14" not in client.get("/components/").content.decode()


def test_pieces_and_pages_are_cached_apart(client: Client) -> None:
    assert "HX-Request" in client.get("/components/").headers["Vary"]


def test_a_page_that_refreshes_itself_does_not_keep_the_session_alive(
    client: Client, account: Account
) -> None:
    client.get("/components/")
    rows = AccountSession.objects.filter(account_id=account.pk)
    quiet = timezone.now() - timedelta(minutes=5)
    rows.update(seen_at=quiet)
    client.get(reverse("frame_counts"), headers=HTMX | {"X-Background": "1"})
    assert rows.get().seen_at == quiet
    client.get(reverse("frame_counts"), headers=HTMX)
    assert rows.get().seen_at > quiet


def test_the_frame_costs_one_query(client: Client, account: Account) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get("/components/")
    ours = [query["sql"] for query in queries if "kernel_notice" in query["sql"]]
    assert len(ours) == 1
    assert not [query["sql"] for query in queries if "django_content_type" in query["sql"]]
