"""The audit log: reach, filters, no words, and the look itself on record."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from config.kernel import journal
from config.kernel.models import EventWords, JournalEntry
from config.shared.actors import SYSTEM, Actor
from tests.complaints.queue_data import case as built
from tests.complaints.queue_data import many
from tests.factories.staff import AccountFactory, DepartmentFactory, PersonFactory
from tests.portal.desks import as_role, queries

pytestmark = pytest.mark.django_db
URL = "/audit/"


@pytest.fixture
def unit():
    return DepartmentFactory.create()


@pytest.fixture
def mei(unit):
    return PersonFactory.create(department=unit, name_en="Mei Lin", name_zh="林梅", staff_no="S-77")


@pytest.fixture
def auditor():
    return as_role("auditor")


def actor(person):
    return Actor("person", person.pk, f"{person.name_en} {person.name_zh}")


def note(owner, by, text="secret words", *, at=None, action="case.note"):
    fact = journal.Fact(owner, action, {"kind": "internal"}, {"text": text})
    return journal.append([fact], actor=by, at=at or timezone.now())[0]


def shown(client, url=URL):
    answer = client.get(url)
    assert answer.status_code == 200
    return [row for day in answer.context["days"] for row in day.rows]


def test_only_those_who_oversee_get_in():
    for role in ("officer", "handler", "analyst"):
        assert as_role(role).get(URL).status_code == 403
    assert as_role("admin").get(URL).status_code == 200


def test_who_did_what_to_which_case_newest_first_without_the_words(auditor, unit, mei):
    case = built(unit)
    old = note(case, actor(mei), at=timezone.now() - timedelta(days=2))
    new = note(case, actor(mei))
    rows = [row for row in shown(auditor) if row.entry.stream == case.stream]
    assert [row.entry.pk for row in rows] == [new.pk, old.pk]
    text = auditor.get(URL).content.decode()
    assert "Mei Lin" in text
    assert "Internal note" in text
    assert f'href="/cases/{case.number}/"' in text
    assert new.hash in text
    assert "secret words" not in text
    assert "1 text, not shown here" in text


def test_the_look_is_recorded_once_with_its_filters(auditor):
    auditor.get(f"{URL}?who=Mei&act=case.note&since=2026-01-01")
    entry = JournalEntry.objects.get(action="audit.viewed")
    facts = json.loads(entry.body)["facts"]
    assert facts == {"act": "case.note", "since": "2026-01-01", "view": "all", "page": "first"}
    assert "Mei" not in entry.body  # a name can be erased, so it stands beside the chain
    assert EventWords.objects.get(entry=entry, name="who").text == "Mei"


def test_filters_by_person_act_case_and_period(auditor, unit, mei):
    case, other = built(unit), built(unit)
    note(case, actor(mei))
    note(other, SYSTEM, action="case.chase")
    note(other, actor(mei), at=datetime(2025, 5, 5, tzinfo=UTC))

    def found(query):
        return {(row.entry.stream, row.entry.action) for row in shown(auditor, f"{URL}?{query}")}

    assert found("who=S-77") == {(case.stream, "case.note"), (other.stream, "case.note")}
    assert found("who=林梅&since=2026-01-01") == {(case.stream, "case.note")}
    assert found("act=case.chase") == {(other.stream, "case.chase")}
    assert found(f"case={case.number}") == {(case.stream, "case.note")}
    assert found("since=2025-05-05&until=2025-05-05") == {(other.stream, "case.note")}
    assert found("who=nobody") == set()
    assert found("case=C-1999-1") == set()


def test_a_day_of_the_filter_is_a_day_of_the_bank(auditor, unit, mei):
    case = built(unit)
    note(case, actor(mei), at=datetime(2026, 3, 4, 16, 30, tzinfo=UTC))  # 5 March in Shanghai
    assert len(shown(auditor, f"{URL}?since=2026-03-05&until=2026-03-05")) == 1
    assert shown(auditor, f"{URL}?until=2026-03-04") == []


def test_wrong_filters_are_said_and_show_nothing(auditor, unit):
    note(built(unit), SYSTEM)
    answer = auditor.get(f"{URL}?since=2026-03-05&until=2026-03-01")
    assert answer.status_code == 422
    assert b"The period ends before it begins." in answer.content
    assert answer.context["days"] == []
    assert auditor.get(f"{URL}?act=no.such").status_code == 422
    assert auditor.get(f"{URL}?cursor=%00x&view=nonsense").status_code == 200


def test_a_supervisor_reads_what_the_own_units_did(unit, mei):
    client = as_role("supervisor", department=unit)
    stranger = AccountFactory.create().person
    case = built(unit)
    note(case, actor(mei))
    note(case, actor(stranger))
    note(case, Actor("customer", mei.pk, ""))  # the same number, another kind of party
    people = {(row.entry.actor_kind, row.entry.actor_id) for row in shown(client)}
    assert ("person", mei.pk) in people
    assert ("person", stranger.pk) not in people
    assert ("customer", mei.pk) not in people


def test_a_case_out_of_reach_is_neither_named_nor_told(auditor, unit, mei):
    hidden = built(unit, restricted=True)
    note(hidden, actor(mei))
    text = auditor.get(URL).content.decode()
    assert "A case out of your reach" in text
    assert hidden.number not in text
    assert shown(auditor, f"{URL}?case={hidden.number}") == []


def test_views_keep_acts_of_a_kind(auditor, unit, mei):
    case = built(unit)
    note(case, actor(mei))
    note(case, actor(mei), action="case.revealed")
    assert {row.entry.action for row in shown(auditor, f"{URL}?view=shown")} == {"case.revealed"}
    assert {row.entry.action for row in shown(auditor, f"{URL}?view=access")} <= {
        "audit.viewed", "access.signed_in",
    }  # fmt: skip


def test_an_entry_of_an_earlier_release_still_shows(auditor, unit, mei):
    entry = note(built(unit), actor(mei))
    body = entry.body
    row = JournalEntry(
        stream="gone:1", seq=1, action="gone.act", actor_kind="system", actor_id=None,
        actor_label="Huiyin", at=timezone.now(), body=body, hash="0" * 64,
    )  # fmt: skip
    JournalEntry.objects.bulk_create([row])
    assert b"gone.act" in auditor.get(URL).content


def test_costs_the_same_for_three_and_fifty(auditor, unit, mei):
    auditor.get(URL)
    cases = many(unit, 60)
    for row in cases[:3]:
        note(row, actor(mei))
    few = queries(auditor, URL)
    for row in cases[3:]:
        note(row, actor(mei))
    assert queries(auditor, URL) == few
    first = auditor.get(URL)
    assert sum(len(day.rows) for day in first.context["days"]) == 50
    then = shown(auditor, URL + first.context["links"].next)
    last = [row.entry.pk for day in first.context["days"] for row in day.rows][-1]
    assert then
    assert all(row.entry.pk < last for row in then)
