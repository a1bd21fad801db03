"""Forms that met a newer case: who changed what, typed text kept, mine on top or discarded."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from complaints import records, workflow
from complaints.choices import Status
from complaints.models import Case
from complaints.workflow import payloads
from complaints.workflow.outcomes import Refusal
from config.kernel import journal
from tests.factories.complaints import do, in_state, open_case, rows

HTMX = {"HX-Request": "true"}


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    return client


def now():
    return timezone.now() - timedelta(minutes=30)


def fresh(house, **given):
    told = {"product": "Blue card", "demand": "Give it back.", "severity": 2}
    return open_case(house, at=now(), **{**told, **given})


def facts_of(client, case):
    """Return what the opened form of facts would send, hidden fields included."""
    response = client.get(f"/cases/{case.number}/facts/", headers=HTMX)
    form = response.context["form"]
    values = {name: form[name].value() for name in form.fields if name != "screenshot"}
    return {name: value for name, value in values.items() if value not in (None, False)}


def send(client, case, data, rest="facts/"):
    return client.post(f"/cases/{case.number}/{rest}", data, headers=HTMX)


def change(house, case, by="officer", **values):
    texts = {k: v for k, v in values.items() if k in {"product", "demand", "core_issue"}}
    rest = {k: v for k, v in values.items() if k not in texts}
    what = payloads.FactsEdit(texts, rest, reason="It was wrong.")
    return do(house, case, "edit_facts", what, by=by, at=timezone.now())


@pytest.mark.django_db
def test_peers_38_no_lock_keeps_anybody_out_and_nothing_is_overwritten(client, house):
    """Zammad #246, osTicket #2504, #1881: presence is soft, a save compares what it saw."""
    case = fresh(house)
    enter(client, house, "supervisor")
    mine = facts_of(client, case)
    change(house, case, product="Gold card")
    response = send(client, case, mine | {"demand": "Give it back with interest."})
    text = response.content.decode()
    assert response.status_code == 409
    assert "Officer Test" in text
    assert "Product" in text
    assert "Blue card" in text  # from
    assert "Gold card" in text  # to
    assert "Give it back with interest." in text  # what was typed
    assert "Apply mine on top" in text
    assert "Discard mine" in text
    stored = Case.objects.get(pk=case.pk)
    assert (stored.product, stored.demand) == ("Gold card", "Give it back.")


@pytest.mark.django_db
def test_sent_again_mine_goes_on_top_and_what_i_left_alone_stays_theirs(client, house):
    case = fresh(house)
    enter(client, house, "supervisor")
    mine = facts_of(client, case)
    change(house, case, product="Gold card", amount=Decimal("99.50"))
    form = send(client, case, mine | {"demand": "With interest."}).context["form"]
    again = {name: form[name].value() for name in form.fields if name != "screenshot"}
    again = {name: value for name, value in again.items() if value not in (None, False)}
    assert again["product"] == "Gold card"
    done = send(client, case, again)
    assert done.status_code in {200, 204, 302}
    stored = Case.objects.get(pk=case.pk)
    assert (stored.product, stored.demand) == ("Gold card", "With interest.")
    assert str(stored.amount) == "99.50"
    last = journal.entries(case.stream).filter(action="case.edit_facts").last()
    assert journal.facts_of(last)["fields"] == ["demand"]


@pytest.mark.django_db
def test_a_field_both_changed_keeps_mine_and_says_so(client, house):
    case = fresh(house)
    enter(client, house, "supervisor")
    mine = facts_of(client, case)
    change(house, case, product="Gold card")
    response = send(client, case, mine | {"product": "Black card"})
    assert "you changed it too" in response.content.decode()
    assert response.context["form"]["product"].value() == "Black card"
    assert Case.objects.get(pk=case.pk).product == "Gold card"


@pytest.mark.django_db
def test_codes_times_and_marks_are_told_in_words_and_merged(client, house):
    case = fresh(house, amount=Decimal("300.00"))
    enter(client, house, "supervisor")
    mine = facts_of(client, case)
    soon = (timezone.now() + timedelta(days=1)).replace(second=0, microsecond=0)
    change(
        house, case, nature="SVC", vulnerable=True, promised_reply_at=soon,
        amount=Decimal("300.10"),
    )  # fmt: skip
    response = send(client, case, mine | {"demand": "More."})
    form, text = response.context["form"], response.content.decode()
    lines = {line.name: line for c in form.stale_changes for line in c.lines}
    assert lines["vulnerable"].after == "Yes"
    assert lines["nature"].after != "SVC"
    assert lines["nature"].before == "–"
    assert re.search(r"\d\d:\d\d", lines["promised_reply_at"].after)
    assert not any(line.both for line in lines.values())
    assert form["nature"].value() == "SVC"
    assert form["vulnerable"].value() in {True, "on"}
    local = timezone.localtime(soon).strftime("%Y-%m-%dT%H:%M")
    assert form["promised_reply_at"].value() == local
    assert form["amount"].value() in {"300.10", "300.1"}
    assert "2 changes" not in text


@pytest.mark.django_db
def test_the_dialog_of_a_move_says_it_too_and_keeps_the_words(client, house):
    case = in_state(house, Status.IN_PROGRESS, at=now())
    enter(client, house, "supervisor")
    url = f"/cases/{case.number}/do/wait_third_party/"
    form = client.get(url, headers=HTMX).context["form"]
    data = {name: form[name].value() or "" for name in form.fields}
    do(house, case, "raise_severity", by="officer", at=timezone.now())
    until = timezone.localtime(timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    data |= {"reason": "The court has the papers.", "expected_end_at": until}
    response = client.post(url, data, headers=HTMX)
    text = response.content.decode()
    assert response.status_code == 409, text
    assert "The court has the papers." in text
    assert "Severity" in text
    assert "Apply mine on top" in text
    assert "case-changed" in response["HX-Trigger"]
    form = response.context["form"]
    again = {name: form[name].value() or "" for name in form.fields}
    assert client.post(url, again, headers=HTMX).status_code < 400
    assert Case.objects.get(pk=case.pk).status == Status.WAITING_THIRD_PARTY


@pytest.mark.django_db
def test_notes_and_looks_of_others_are_no_changes(client, house):
    case = fresh(house)
    enter(client, house, "supervisor")
    mine = facts_of(client, case)
    records.add_note(rows(case), "hello", actor=house.actor("officer"), at=timezone.now())
    change(house, case, product="Gold card")
    records.add_note(rows(case), "bye", actor=house.actor("officer"), at=timezone.now())
    form = send(client, case, mine | {"demand": "More."}).context["form"]
    assert [change.what for change in form.stale_changes] == ["Facts were edited: Product"]


@pytest.mark.django_db
def test_a_form_without_the_number_of_an_entry_learns_of_the_last_acts(client, house):
    case = fresh(house)
    enter(client, house, "supervisor")
    change(house, case, product="Red card")
    mine = facts_of(client, Case.objects.get(pk=case.pk))
    del mine["seen"]
    change(house, case, product="Gold card")
    form = send(client, case, mine | {"demand": "More."}).context["form"]
    [told] = form.stale_changes
    assert (told.lines[0].before, told.lines[0].after) == ("Red card", "Gold card")


@pytest.mark.django_db
def test_a_reader_without_names_sees_the_change_masked(house):
    from complaints import stale
    from config.shared.forms import VersionedForm

    case = fresh(house, contact_name="欧阳小满", product="")
    change(house, case, core_issue="欧阳小满 13812345678: fee")
    form = VersionedForm({"version": "1"}, row_version=1)
    stale.mark(form, case)
    assert form.is_valid()
    stored = Case.objects.select_related("customer").get(pk=case.pk)
    outcome = workflow.Outcome(stored, stored.status, Refusal.STALE, "Somebody was faster.")
    told = str(stale.refuse(form, outcome, house.scope("analyst")))
    assert "欧阳小满" not in told
    assert "13812345678" not in told
    assert "欧•••" in told


@pytest.mark.django_db
def test_without_javascript_the_page_says_the_same(client, house):
    case = fresh(house)
    enter(client, house, "supervisor")
    mine = facts_of(client, case)
    change(house, case, product="Gold card")
    response = client.post(f"/cases/{case.number}/facts/", mine | {"demand": "More."})
    assert response.status_code == 409
    assert "<html" in response.content.decode()
    assert "Gold card" in response.content.decode()
