"""Taking a bulk act back: what comes back, what lasts, who may, and until when."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from complaints import bulk, letters, tagging, workflow
from complaints.bulk import engine
from complaints.bulk.results import What
from complaints.choices import RowResult, Status
from complaints.models import BulkAct, BulkRow, Case, CaseTag, CustomerNotice
from complaints.workflow.payloads import Handing
from config.kernel import job_runs
from config.kernel.models import OutboxMessage, Term
from config.shared.actors import SYSTEM
from tests.complaints.queue_data import term
from tests.factories.complaints import in_state

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def house(shared_house):
    return shared_house


@pytest.fixture
def as_(client, house):
    def sign_in(name):
        client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
        return client

    return sign_in


def ago(**span):
    return timezone.now() - timedelta(**(span or {"hours": 2}))


def copies(house, count, status=Status.IN_PROGRESS, **given):
    return [in_state(house, status, at=ago(), **given) for _ in range(count)]


def fresh(case):
    return Case.objects.get(pk=case.pk)


def done(house, verb, cases, *, by="supervisor", at=None, **facts):
    """Carry an act out; returns it."""
    chosen = [
        bulk.choosing.Chosen(c.pk, c.number, c.version, c.status, c.department_id)
        for c in map(fresh, cases)
    ]
    words = {"reason": "Because.", "note": ""}
    order = bulk.Order(bulk.ACTS[verb], What(facts, words), bulk.Picked(chosen))
    actor, at = house.actor(by), at or timezone.now()
    act, _new = bulk.begin(order, actor=actor, at=at)
    return bulk.carry_out(act, house.scope(by), actor=actor, at=at)


def taken_back(house, act, *, by="supervisor", at=None):
    return bulk.undo(act, house.scope(by), actor=house.actor(by), at=at or timezone.now())


def rows_of(act):
    return {row.case_id: row for row in BulkRow.objects.filter(act=act)}


def test_handlers_come_back_each_to_their_own_and_nobody_to_nobody(house):
    one, two = copies(house, 2)
    Case.objects.filter(pk=two.pk).update(handler=None)
    act = done(house, "assign_handler", [one, two], handler=house.pk("handler2"))
    assert act.done == 2
    back = taken_back(house, act)
    assert (back.done, back.refused) == (2, 0)
    assert fresh(one).handler_id == one.handler_id == house.pk("handler")
    assert fresh(two).handler_id is None
    assert {row.result for row in BulkRow.objects.filter(act=act)} == {RowResult.UNDONE}


def test_a_claim_comes_back_also_for_those_who_may_not_hand_over(house):
    [case] = copies(house, 1)
    Case.objects.filter(pk=case.pk).update(handler=None)
    act = done(house, "claim", [case], by="handler2")
    assert fresh(case).handler_id == house.pk("handler2")
    assert taken_back(house, act, by="handler2").done == 1
    assert fresh(case).handler_id is None


def test_classification_comes_back_to_what_it_was(house):
    one, two = copies(house, 2)
    other = term("business_line", "B-CC-01")
    Case.objects.filter(pk=two.pk).update(business_line=None)
    act = done(house, "classify", [one, two], business_line=other.code, nature="SVC")
    assert (fresh(one).business_line, fresh(two).business_line) == (other, other)
    assert taken_back(house, act).done == 2
    assert fresh(one).business_line == one.business_line
    assert fresh(two).business_line is None
    assert fresh(one).nature is None


def test_tags_come_back_but_only_those_the_act_added_or_took(house):
    one, two = copies(house, 2)
    tagging.add(Case.objects.filter(pk=two.pk), ["FEES"], actor=SYSTEM, at=ago())
    act = done(house, "tag", [one, two], tags=["FEES", "MEDIA"])
    taken_back(house, act)
    assert [(t.case_id, t.term.code) for t in CaseTag.objects.all()] == [(two.pk, "FEES")]
    away = done(house, "untag", [one, two], tags=["FEES"])
    assert (away.done, away.refused) == (1, 1)
    taken_back(house, away)
    assert [(t.case_id, t.term.code) for t in CaseTag.objects.all()] == [(two.pk, "FEES")]


def test_a_retired_tag_does_not_come_back(house):
    [case] = copies(house, 1)
    tagging.add(Case.objects.filter(pk=case.pk), ["FEES"], actor=SYSTEM, at=ago())
    act = done(house, "untag", [case], tags=["FEES"])
    Term.objects.filter(taxonomy="tag", code="FEES").update(active=False)
    back = taken_back(house, act)
    assert back.done == 0
    assert "not used any more" in rows_of(back)[case.pk].said


def test_severity_is_lowered_by_those_who_may(house):
    [case] = copies(house, 1)
    act = done(house, "severity", [case], by="officer", severity=4)
    assert fresh(case).severity == 4
    refused = taken_back(house, act, by="officer")
    assert (refused.done, fresh(case).severity) == (0, 4)
    assert rows_of(refused)[case.pk].why == "reach"
    other = copies(house, 1)
    act = done(house, "severity", other, severity=3)
    assert taken_back(house, act).done == 1
    assert fresh(other[0]).severity == other[0].severity


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("assign", "Ask it to refuse"),
        ("duplicate", "split it off"),
        ("export", "stopped in the export centre"),
    ],
)
def test_what_lasts_says_so(as_, house, verb, words):
    status = Status.ASSESSING if verb == "assign" else Status.IN_PROGRESS
    case, into = copies(house, 2, status)
    facts = {
        "assign": {"department": house.units["LOAN"].pk},
        "duplicate": {"into": into.pk},
        "export": {"format": "csv"},
    }[verb]
    act = done(house, verb, [case], **facts)
    assert act.done == 1
    before = fresh(case).version
    answer = as_("supervisor").post(f"/cases/bulk/acts/{act.pk}/undo/", headers=HTMX)
    assert answer.status_code == 409
    assert words in json.loads(answer["HX-Trigger"])["toast"]["text"]
    assert fresh(case).version == before
    assert words in as_("supervisor").get(f"/cases/bulk/acts/{act.pk}/").content.decode()


@pytest.mark.parametrize("verb", list(bulk.ACTS))
def test_no_act_on_many_cases_writes_to_a_customer(house, verb):
    """One that did would have to recall its messages when it is taken back."""
    status = Status.ASSESSING if verb == "assign" else Status.IN_PROGRESS
    case, into = copies(house, 2, status)
    if verb == "claim":
        Case.objects.filter(pk=case.pk).update(handler=None)
    if verb == "untag":
        tagging.add(Case.objects.filter(pk=case.pk), ["FEES"], actor=SYSTEM, at=ago())
    facts = {
        "claim": {}, "assign_handler": {"handler": house.pk("handler2")},
        "assign": {"department": house.units["LOAN"].pk}, "classify": {"nature": "SVC"},
        "severity": {"severity": 4}, "tag": {"tags": ["FEES"]}, "untag": {"tags": ["FEES"]},
        "duplicate": {"into": into.pk}, "export": {"format": "csv"},
    }[verb]  # fmt: skip
    told, queued = CustomerNotice.objects.count(), customers_mail()
    act = done(house, verb, [case], **facts)
    assert act.done == 1
    assert (CustomerNotice.objects.count(), customers_mail()) == (told, queued)


def customers_mail():
    return OutboxMessage.objects.filter(kind__in=letters.KINDS.values()).count()


def test_a_case_somebody_changed_since_is_left_and_the_row_says_who(house):
    mine, theirs = copies(house, 2)
    act = done(house, "assign_handler", [mine, theirs], handler=house.pk("handler2"))
    workflow.assign_handler(
        Case.objects.filter(pk=theirs.pk),
        Handing(house.pk("depthead")),
        actor=house.actor("depthead"),
        at=timezone.now(),
    )
    back = taken_back(house, act)
    assert (back.done, back.refused) == (1, 1)
    assert fresh(theirs).handler_id == house.pk("depthead")
    row = rows_of(back)[theirs.pk]
    assert row.why == "stale"
    assert "Depthead Test" in row.said
    assert rows_of(act)[theirs.pk].result == RowResult.DONE
    assert rows_of(act)[mine.pk].result == RowResult.UNDONE


def test_a_former_handler_who_has_left_is_said(house):
    [case] = copies(house, 1)
    act = done(house, "assign_handler", [case], handler=house.pk("handler2"))
    person = house.accounts["handler"].person
    type(person).objects.filter(pk=person.pk).update(active=False)
    back = taken_back(house, act)
    assert "does not work here any more" in rows_of(back)[case.pk].said


def test_it_is_taken_back_once(as_, house):
    [case] = copies(house, 1)
    act = done(house, "tag", [case], tags=["FEES"])
    client = as_("supervisor")
    first = client.post(f"/cases/bulk/acts/{act.pk}/undo/", headers=HTMX)
    assert "1 case is as it was" in first["HX-Trigger"]
    again = client.post(f"/cases/bulk/acts/{act.pk}/undo/", headers=HTMX)
    assert again.status_code == 409
    assert "took it back on" in again["HX-Trigger"]
    assert BulkAct.objects.filter(undoes=act).count() == 1
    page = client.post(f"/cases/bulk/acts/{act.pk}/undo/")
    assert page.status_code == 409
    assert "took it back on" in page.content.decode()


def test_the_ten_minutes_end(house):
    [case] = copies(house, 1)
    act = done(house, "tag", [case], tags=["FEES"])
    late = act.finished_at + bulk.UNDO_WITHIN + timedelta(seconds=1)
    with pytest.raises(bulk.UndoRefused, match="ten minutes"):
        taken_back(house, act, at=late)
    assert taken_back(house, act, at=late - timedelta(seconds=2)).done == 1


def test_only_the_person_or_a_supervisor_takes_it_back(as_, house):
    mine, theirs = copies(house, 2)
    act = done(house, "tag", [mine], by="officer", tags=["FEES"])
    url = f"/cases/bulk/acts/{act.pk}/undo/"
    for name in ("officer2", "handler", "analyst"):
        assert as_(name).post(url).status_code == 404
    assert as_("supervisor").post(url).status_code == 302
    assert not CaseTag.objects.exists()
    own = done(house, "tag", [theirs], by="officer", tags=["FEES"])
    house.accounts["officer"].grants.all().delete()
    assert as_("officer").post(f"/cases/bulk/acts/{own.pk}/undo/").status_code == 403


def test_an_undo_is_not_undone_and_nothing_done_has_no_undo(house):
    [case] = copies(house, 1)
    act = done(house, "tag", [case], tags=["FEES"])
    back = taken_back(house, act)
    assert "do the act again" in bulk.why_not(back, timezone.now())
    idle = done(house, "untag", [case], tags=["FEES"])
    assert "nothing to take back" in bulk.why_not(idle, timezone.now())


def test_many_are_taken_back_by_a_job(as_, house, monkeypatch):
    cases = copies(house, 4)
    act = done(house, "tag", cases, tags=["FEES"])
    monkeypatch.setattr(engine, "AT_ONCE", 2)
    monkeypatch.setattr(engine, "CHUNK", 3)
    answer = as_("supervisor").post(f"/cases/bulk/acts/{act.pk}/undo/", headers=HTMX)
    back = BulkAct.objects.get(undoes=act)
    assert answer["HX-Redirect"] == f"/cases/bulk/acts/{back.pk}/"
    assert CaseTag.objects.count() == 4
    job_runs.work(timezone.now())
    assert not CaseTag.objects.exists()
    assert set(BulkRow.objects.filter(act=act).values_list("result", flat=True)) == {"undone"}
