"""The page of the duty roster: who sees what, dialogs, calls, the way through the inbox."""

from datetime import date, time, timedelta

import pytest
from django.utils import timezone

from config.kernel.models import JournalEntry, Notice
from config.shared.actors import SYSTEM
from staff import duty, duty_page, duty_roster
from staff.models import DutyCall, DutyShift
from tests.factories.staff import AccountFactory, PersonFactory
from tests.portal.desks import as_role, queries, signed_in
from tests.staff.test_duty import data, telling
from tests.threads import at_once

pytestmark = pytest.mark.django_db
ALL = ["HA", "CO", "CS", "DH", "HD", "BH", "RM", "RMM", "DL", "HR", "QA", "ER", "AU", "AD", "SA"]
READERS = {"CS", "HD", "BH", "DL", "HR", "AU", "AD"}


def today() -> date:
    return timezone.localtime().date()


def on_call_now(first, second=None):
    """Put a shift that covers this very moment."""
    at = timezone.now()
    shift = duty_roster.ShiftData(
        today(), "now", at - timedelta(hours=1), at + timedelta(hours=2), first, second
    )
    return duty_roster.put_shift(shift, actor=SYSTEM, at=at)


def tomorrow(first=None, shift="night", **facts):
    row = data(on=today() + timedelta(days=1), shift=shift, first=first, **facts)
    return duty_roster.put_shift(row, actor=SYSTEM, at=timezone.now())


@pytest.mark.parametrize("role", ALL)
def test_who_may_read_and_who_may_change(role):
    client = as_role(role)
    shown = 200 if role in READERS else 403
    assert client.get("/duty/").status_code == shown
    assert client.get("/duty/calls/").status_code == shown
    assert client.get("/duty/export/").status_code == shown
    changed = 200 if role in {"CS", "AD"} else 403
    for url in ("/duty/shift/", "/duty/copy/", "/duty/import/"):
        assert client.get(url).status_code == changed


def test_whoever_stands_in_the_roster_reads_their_own_shifts_only():
    mine, other = AccountFactory.create(roles=["DH"]), PersonFactory.create()
    tomorrow(mine.person)
    tomorrow(other, shift="day")
    text = signed_in(mine).get("/duty/").content.decode()
    assert mine.person.name_en in text
    assert other.name_en not in text
    assert signed_in(mine).get("/duty/export/").status_code == 403
    assert signed_in(mine).get("/duty/shift/").status_code == 403


def test_the_present_shift_stands_on_top_and_gaps_are_named():
    first, second = PersonFactory.create(), PersonFactory.create()
    on_call_now(first, second)
    tomorrow()
    text = as_role("supervisor").get("/duty/").content.decode()
    assert text.index("On call now") < text.index(first.name_en) < text.index("roster-h")
    assert "Nobody on call" in text
    assert "empty shift" in text


@pytest.mark.parametrize(
    "query", ["from=x", "from=9999-12-31", "from=0001-01-01", "span=month&from=2026-02-30",
              "span=%00&from=%00", "span=month"],
)  # fmt: skip
def test_odd_spans_show_something(query):
    client = as_role("admin")
    assert client.get(f"/duty/?{query}").status_code == 200
    assert client.get(f"/duty/export/?{query}").status_code == 200


def test_a_month_runs_from_its_first_to_its_last_day():
    span = duty_page.span_of("month", "2028-02-17", timezone.now())
    assert (span.first, span.last) == (date(2028, 2, 1), date(2028, 2, 29))
    assert span.step == (date(2028, 1, 1), date(2028, 3, 1))


def test_the_page_costs_the_same_for_few_and_many_shifts():
    client = as_role("supervisor")
    tomorrow(PersonFactory.create())
    few = queries(client, "/duty/")
    monday = today() - timedelta(days=today().weekday())
    people = PersonFactory.create_batch(4)
    rows = [
        data(on=monday + timedelta(days=n), shift=shift, first=people[n % 2], second=people[2])
        for n in range(14)
        for shift in ("day", "night")
    ]
    duty_roster.put_shifts(rows, actor=SYSTEM, at=timezone.now() - timedelta(days=30))
    assert queries(client, "/duty/") <= few + 1


def filled(on, **facts):
    shown = {"on": on.isoformat(), "shift": "night", "starts": "20:00", "ends": "08:00",
             "first": "", "second": "", "note": "", "version": "0"}  # fmt: skip
    return shown | facts


def test_a_cell_is_filled_changed_and_emptied_in_its_dialog():
    client, leader = as_role("supervisor"), AccountFactory.create(roles=["DL"]).person
    on = today() + timedelta(days=1)
    url = f"/duty/shift/?on={on}&shift=night"
    assert "20:00" in client.get(url).content.decode()
    assert client.post(url, filled(on, first=leader.pk)).status_code == 302
    row = DutyShift.objects.get()
    assert (row.first, row.on) == (leader, on)
    shown = filled(on, first=leader.pk, note="late", version=row.version)
    assert client.post(url, shown).status_code == 302
    row.refresh_from_db()
    assert row.note == "late"
    assert client.post(url, filled(on, version=row.version)).status_code == 302
    row.refresh_from_db()
    assert row.first is None
    said = JournalEntry.objects.filter(stream=row.stream).order_by("seq")
    assert [entry.action for entry in said] == ["duty.put", "duty.put", "duty.cleared"]


def test_an_overtaken_dialog_answers_409_and_keeps_what_was_typed():
    client, leader = as_role("admin"), AccountFactory.create(roles=["DL"]).person
    row = tomorrow(leader)
    answer = client.post("/duty/shift/", filled(row.on, first=leader.pk, note="typed words"))
    assert answer.status_code == 409
    assert "typed words" in answer.content.decode()
    assert "stands on the roster already" in answer.content.decode()


def test_what_cannot_be_is_refused_in_words_with_422():
    client, leader = as_role("admin"), AccountFactory.create(roles=["DL"]).person
    on = today() + timedelta(days=1)
    answer = client.post("/duty/shift/", filled(on, first=leader.pk, second=leader.pk))
    assert answer.status_code == 422
    assert "two people" in answer.content.decode()
    for odd in ({"on": "0001-01-01"}, {"first": "99999999999999999999"}, {"starts": "25:00"},
                {"shift": "a\x00b"}, {"version": "-1"}):  # fmt: skip
        assert client.post("/duty/shift/", filled(on) | odd).status_code == 422
    assert client.get("/duty/shift/?on=2026-11-11&shift=%00").status_code == 200
    assert not DutyShift.objects.exists()


def test_people_without_the_role_are_pointed_out():
    client, head = as_role("admin"), AccountFactory.create(roles=["HD"]).person
    on = today() + timedelta(days=1)
    answer = client.post("/duty/shift/", filled(on, first=head.pk), follow=True)
    assert "does not hold the role duty leader" in answer.content.decode()


def test_a_week_is_copied_from_its_dialog():
    client, leader = as_role("admin"), AccountFactory.create(roles=["DL"]).person
    row = tomorrow(leader)
    target = row.on + timedelta(days=7)
    answer = client.post("/duty/copy/", {"source": row.on, "target": target}, follow=True)
    assert "Shifts copied: 1" in answer.content.decode()
    assert DutyShift.objects.filter(on=target, first=leader).exists()
    same = client.post("/duty/copy/", {"source": row.on, "target": row.on})
    assert same.status_code == 422


# --- Calls ---------------------------------------------------------------------------------


def test_a_call_is_acknowledged_from_the_inbox():
    leader, second = (AccountFactory.create(roles=["DL"]) for _ in range(2))
    on_call_now(leader.person, second.person)
    duty.call([telling(facts={"count": 1, "shifts": []})], at=timezone.now())
    call = DutyCall.objects.get()
    url = f"/duty/calls/{call.pk}/acknowledge/"
    client = signed_in(leader)
    assert url in client.get("/inbox/").content.decode()
    assert url in client.get("/duty/").content.decode()
    assert signed_in(second).post(url).status_code == 403  # reads the list, was not called
    assert as_role("officer").post(url).status_code == 404
    assert client.get(url).status_code == 405
    answer = client.post(url, {"next": "/inbox/"}, follow=True)
    assert "You have taken the call" in answer.content.decode()
    call.refresh_from_db()
    assert call.acknowledged_by == leader.person
    assert not Notice.objects.waiting().exists()
    again = client.post(url, follow=True)
    assert "taken this call already" in again.content.decode()
    shown = as_role("auditor").get("/duty/calls/").content.decode()
    assert f"taken by {leader.person.name_en}" in shown


def test_who_was_called_without_standing_on_the_roster_sees_their_call():
    handler = AccountFactory.create(roles=["DH"])
    duty.call([telling(fallback=(handler.person_id,))], at=timezone.now())
    shown = signed_in(handler).get("/duty/calls/")
    assert shown.status_code == 200
    assert "not acknowledged" in shown.content.decode()


def test_a_number_that_is_no_call_is_not_found():
    assert (
        as_role("supervisor").post("/duty/calls/99999999999999999999/acknowledge/").status_code
        == 404
    )


# --- The duty leader who rests -------------------------------------------------------------


def test_a_resting_duty_leader_keeps_the_own_pages_and_reads_the_roster():
    resting = AccountFactory.create(roles=["DL"])
    client = signed_in(resting)
    assert client.get("/cases/").status_code == 200
    on_call_now(PersonFactory.create())
    for url in ("/", "/inbox/", "/accounts/", "/duty/", "/duty/calls/", "/duty/export/"):
        assert client.get(url).status_code == 200, url
    for url in ("/cases/", "/cases/new/", "/customers/"):
        assert client.get(url).status_code == 403, url


@pytest.mark.django_db(transaction=True)
def test_two_who_fill_the_same_hours_at_once_do_not_overlap():
    people = PersonFactory.create_batch(2)
    at, on = timezone.now(), today() + timedelta(days=3)

    def fill(place):
        row = data(on=on, shift=f"s{place}", first=people[place], hours=(time(8), time(12)))
        try:
            duty_roster.put_shift(row, actor=SYSTEM, at=at)
        except duty_roster.DutyRefused:
            return "refused"
        return "saved"

    assert sorted(at_once(fill, times=2)) == ["refused", "saved"]
    assert DutyShift.objects.count() == 1
