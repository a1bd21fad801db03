"""Service notices: when they show, what may be changed, what a case registered from one bears."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from complaints import service_notices as room
from complaints.models import Case, NoticeOfCase, ServiceNotice
from complaints.service_notices import NoticeData, NoticeRefused
from config.kernel import journal, terms
from config.shared.actors import SYSTEM
from tests.factories.complaints import AT, DAY, HOUR, draft, open_case
from tests.factories.staff import DepartmentFactory

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(shared_house):
    return shared_house


def data(at=AT, **given):
    values = {
        "kind": "maintenance",
        "title_en": "App down tonight",
        "title_zh": "手机银行今晚维护",
        "text_en": "From ten to two.",
        "shown_from": at,
        "starts_at": at + HOUR,
        "ends_at": at + 5 * HOUR,
        "line": terms.get("business_line", "B-CC-02"),
        "cause": terms.get("cause", "A1"),
        "release": "R-2026-11",
    }
    return NoticeData(**{**values, **given})


def add(at=AT, **given):
    return room.add_notices([data(at, **given)], actor=SYSTEM, at=at)[0]


def mine(notice):
    return ServiceNotice.objects.filter(pk=notice.pk)


def test_a_notice_shows_in_its_time_and_vanishes_by_itself(house):
    scope = house.scope("agent")
    notice = add()
    add(shown_from=AT + 2 * HOUR, starts_at=AT + 3 * HOUR, title_en="Later")
    assert room.banner(scope, AT - MINUTE) == []
    assert [n.pk for n in room.banner(scope, AT)] == [notice.pk]
    assert [n.title_en for n in room.banner(scope, AT + 2 * HOUR)] == [notice.title_en, "Later"]
    assert room.banner(scope, AT + 5 * HOUR) == []
    assert room.banner(house.scope("analyst"), AT) == []  # registers nothing


def test_it_is_changed_before_it_starts_and_withdrawn_before_it_ends(house):
    notice = add()
    changed = room.change_notices(
        mine(notice), data(title_en="Moved"), actor=SYSTEM, at=AT, expected={notice.pk: 1}
    )
    assert (changed[0].title_en, changed[0].version) == ("Moved", 2)
    for expected, at, code in (
        ({notice.pk: 1}, AT, "stale"),
        ({notice.pk: 2}, AT + HOUR, "started"),
    ):
        with pytest.raises(NoticeRefused) as refused:
            room.change_notices(mine(notice), data(at), actor=SYSTEM, at=at, expected=expected)
        assert refused.value.code == code
    room.withdraw_notices(mine(notice), actor=SYSTEM, at=AT + 2 * HOUR, expected={notice.pk: 2})
    assert room.banner(house.scope("agent"), AT + 2 * HOUR) == []
    with pytest.raises(NoticeRefused) as refused:
        room.withdraw_notices(mine(notice), actor=SYSTEM, at=AT + 2 * HOUR, expected={notice.pk: 3})
    assert refused.value.code == "ended"
    told = [journal.describe(entry) for entry in journal.entries(notice.stream)]
    assert told == [
        "Service notice written: Planned maintenance",
        "Service notice changed: Planned maintenance",
        "Service notice withdrawn: Planned maintenance",
    ]
    assert journal.first_fault(mine(notice).get()) is None


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"ends_at": AT + MINUTE}, "ends_at"),
        ({"starts_at": AT - 2 * DAY, "shown_from": AT - 2 * DAY, "ends_at": AT - DAY}, "ends_at"),
        ({"shown_from": AT + 2 * HOUR}, "shown_from"),
        ({"kind": "party"}, "kind"),
    ],
)
def test_times_that_do_not_fit_are_refused(house, given, code):
    with pytest.raises(NoticeRefused) as refused:
        add(**given)
    assert refused.value.code == code


def test_a_cause_that_asks_for_the_release_gets_it(house):
    with pytest.raises(NoticeRefused) as refused:
        add(cause=terms.get("cause", "C2"), release="")
    assert refused.value.code == "release"


def test_a_case_registered_from_it_bears_cause_and_release(house):
    notice = add()
    case = open_case(house, at=AT, service_notice=notice)
    assert (case.cause, case.release) == (notice.cause, "R-2026-11")
    assert NoticeOfCase.objects.get(case=case).notice_id == notice.pk
    entry = journal.entries(case.stream).first()
    assert journal.facts_of(entry)["service_notice"] == notice.pk
    other = open_case(house, at=AT)
    assert (other.cause, other.release) == (None, "")
    assert room.counts([notice], house.scope("supervisor")) == {notice.pk: 1}
    assert room.counts([notice], house.scope("loan_handler")) == {}


# --- Pages ---------------------------------------------------------------------------------


def at_work(client, house, name):
    client.force_login(house.accounts[name])
    return client


def posted(**given):
    now = timezone.localtime()
    values = {
        "version": 0,
        "kind": "release",
        "title_en": "New release",
        "title_zh": "新版本",
        "shown_from": now,
        "starts_at": now + HOUR,
        "ends_at": now + 3 * HOUR,
        "line": "B-CC-02",
        "cause": "A1",
        "release": "R-1",
    }
    values |= given
    return {
        key: f"{value:%Y-%m-%dT%H:%M}" if key.endswith(("_at", "_from")) else value
        for key, value in values.items()
    }


def test_the_banner_leads_to_a_form_that_knows_line_and_branch(client, house):
    branch = DepartmentFactory.create(kind="branch")
    notice = add(timezone.now(), branch=branch)
    client = at_work(client, house, "agent")
    assert "App down tonight" in client.get("/").content.decode()
    page = client.get("/cases/new/").content.decode()
    assert f"?notice={notice.pk}" in page
    answer = client.get(f"/service-notices/{notice.pk}/register/")
    assert answer.headers["Location"] == f"/cases/new/?notice={notice.pk}"
    form = client.get(answer.headers["Location"]).context["form"]
    assert form["business_line"].value() == "B-CC-02"
    assert form["branch"].value() == branch.pk
    values = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    typed = draft()
    now = timezone.localtime()
    values |= {
        "core_issue": typed.core_issue,
        "content": typed.content,
        "contact_name": "王丽",
        "contact_phone": typed.contact_phone,
        "received_at": f"{now:%Y-%m-%dT%H:%M}",
    }
    assert client.post("/cases/new/", values).status_code == 302
    case = Case.objects.latest("pk")
    assert (case.release, case.service_notice.notice) == ("R-2026-11", notice)


def test_a_notice_withdrawn_meanwhile_does_not_stop_the_case(client, house):
    notice = add(timezone.now())
    room.withdraw_notices(
        mine(notice), actor=SYSTEM, at=timezone.now(), expected={notice.pk: notice.version}
    )
    client = at_work(client, house, "agent")
    assert (
        client.get(f"/service-notices/{notice.pk}/register/").headers["Location"] == "/cases/new/"
    )
    form = client.get(f"/cases/new/?notice={notice.pk}").context["form"]
    assert not form["service_notice"].value()
    for odd in ("x", "99999999999", "-1"):
        assert client.get("/cases/new/", {"notice": odd}).status_code == 200


def test_the_count_of_cases_is_what_the_queue_shows(client, house):
    notice = add(timezone.now())
    for _ in range(2):
        open_case(house, at=timezone.now(), service_notice=notice)
    open_case(house, at=timezone.now())
    client = at_work(client, house, "supervisor")
    page = client.get("/service-notices/")
    [line] = page.context["lines"]
    assert line["n"] == 2
    assert "2 cases" in page.content.decode()
    queue = client.get(f"/cases/{line['query']}").content.decode()
    assert len(set(re.findall(r'href="/cases/(C-[\d-]+)/"', queue))) == 2
    assert "App down tonight" in queue  # the chip of the filter says which notice


def test_writing_changing_and_withdrawing_on_the_page(client, house):
    client = at_work(client, house, "supervisor")
    bad = client.post("/service-notices/new/", posted(ends_at=timezone.localtime() - DAY))
    assert bad.status_code == 422
    assert 'value="New release"' in bad.content.decode()
    assert client.post("/service-notices/new/", posted()).status_code == 302
    notice = ServiceNotice.objects.get()
    url = f"/service-notices/{notice.pk}/"
    assert client.get(url).context["form"]["release"].value() == "R-1"
    assert client.post(url, posted(version=1, title_en="Better")).status_code == 302
    slower = client.post(url, posted(version=1, title_en="Slower"))
    assert slower.status_code == 409
    assert 'value="Slower"' in slower.content.decode()
    assert client.post(f"{url}withdraw/", {"version": 1}).status_code == 409
    assert client.get(f"{url}withdraw/").status_code == 200
    assert client.post(f"{url}withdraw/", {"version": 2}).status_code == 302
    assert client.get("/service-notices/").context["lines"] == []
    history = client.get("/service-notices/?tab=history").content.decode()
    assert "Better" in history
    assert "Withdrawn" in history


@pytest.mark.parametrize(
    ("name", "look", "edit"), [("agent", 200, 403), ("handler", 200, 403), ("supervisor", 200, 200)]
)
def test_who_may_look_and_write(client, house, name, look, edit):
    client = at_work(client, house, name)
    assert client.get("/service-notices/").status_code == look
    assert client.get("/service-notices/new/").status_code == edit
    assert client.get("/service-notices/999/withdraw/").status_code == (404 if edit == 200 else 403)
