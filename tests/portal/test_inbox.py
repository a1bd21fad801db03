"""The inbox: own notices only, what needs the reader first, read and set aside."""

from datetime import timedelta

import pytest
from django.utils import timezone

from config.kernel import notices
from config.kernel.models import Notice
from tests.factories.staff import AccountFactory
from tests.portal.desks import queries, signed_in, telling

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return AccountFactory.create(roles=["officer"])


@pytest.fixture
def client(account):
    return signed_in(account)


def tell(account, *keys, ago=timedelta(0), **given):
    at = timezone.now() - ago
    notices.tell([telling(account.person_id, key, **given) for key in keys], at=at)


def page(client, url="/inbox/"):
    answer = client.get(url)
    assert answer.status_code == 200
    return answer


def test_what_needs_the_reader_comes_first_and_names_the_act(client, account):
    tell(account, "old", kind="case.resolved", ago=timedelta(days=3), needs_action=True)
    tell(account, "new", kind="case.reopened")
    text = page(client).content.decode()
    assert text.index("is decided: tell the customer") < text.index("was reopened")
    assert ">Tell the customer<" in text
    assert "1 needs you" in text


def test_notices_of_others_are_neither_shown_nor_touched(client):
    other = AccountFactory.create(roles=["officer"])
    tell(other, "theirs", needs_action=True)
    row = Notice.objects.get()
    assert b"is with you" not in page(client).content
    assert client.get(f"/inbox/{row.pk}/").status_code == 404
    assert client.post(f"/inbox/{row.pk}/done/").status_code == 404
    client.post("/inbox/read/")
    row.refresh_from_db()
    assert (row.read_at, row.done_at) == (None, None)


def test_opening_marks_as_read_and_leads_to_the_case(client, account):
    tell(account, "one", needs_action=True)
    row = Notice.objects.get()
    answer = client.get(f"/inbox/{row.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, "/cases/C-2026-0000001/")
    row.refresh_from_db()
    assert row.read_at is not None
    assert row.done_at is None  # reading is not doing


def test_a_notice_that_leads_out_of_the_house_is_not_followed(client, account):
    facts = {"title": "Export", "link": "https://elsewhere.example/"}
    told = notices.Telling("x", account.person_id, "job.done", facts=facts)
    notices.tell([told], at=timezone.now())
    assert client.get(f"/inbox/{Notice.objects.get().pk}/")["Location"] == "/inbox/"


def test_setting_aside_takes_one_out_of_what_needs_the_reader(client, account):
    tell(account, "one", "two", needs_action=True)
    row = Notice.objects.get(key="one")
    answer = client.post(f"/inbox/{row.pk}/done/", {"next": "/inbox/?tab=need"})
    assert answer["Location"] == "/inbox/?tab=need"
    assert notices.counts(account.person_id).waiting == 1
    assert b"is with you" in page(client, "/inbox/?tab=done").content


def test_mark_all_read_leaves_what_needs_an_act(client, account):
    tell(account, "one", needs_action=True)
    tell(account, "two")
    assert client.post("/inbox/read/")["Location"] == "/inbox/"
    assert notices.counts(account.person_id) == notices.Counts(unread=0, waiting=1)


def test_get_changes_nothing_on_the_acts(client, account):
    tell(account, "one", needs_action=True)
    assert client.get("/inbox/read/").status_code == 405
    assert client.get(f"/inbox/{Notice.objects.get().pk}/done/").status_code == 405


def test_words_are_in_the_language_of_the_reader(account):
    tell(account, "one")
    account.language = "zh-hans"
    account.save(update_fields=["language"])
    answer = page(signed_in(account))
    assert answer["Content-Language"] == "zh-hans"
    assert "今天" in answer.content.decode()


def test_pages_by_cursor_and_costs_the_same(client, account):
    tell(account, *(f"a{n}" for n in range(3)))
    few = queries(client, "/inbox/")
    tell(account, *(f"b{n}" for n in range(120)), ago=timedelta(hours=1))
    tell(account, *(f"c{n}" for n in range(20)), needs_action=True)
    assert queries(client, "/inbox/") == few <= 10
    seen, url = 0, "/inbox/"
    for _page in range(3):
        answer = page(client, url)
        seen += sum(len(day.rows) for day in answer.context["days"])
        url = "/inbox/" + answer.context["links"].next
    assert seen == 123
    assert answer.context["links"].next == ""


def test_nothing_to_show_says_so(client):
    assert b"Nothing needs you" in page(client).content
    assert b"Nothing done yet" in page(client, "/inbox/?tab=done").content
