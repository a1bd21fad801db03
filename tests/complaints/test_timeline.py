"""One list of everything that happened, for those who may read it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from complaints import records, workflow
from complaints.choices import Status
from complaints.models import Case
from complaints.timeline import timeline
from complaints.workflow import payloads
from config.kernel import journal
from config.shared.actors import SYSTEM
from config.shared.words import actor_words
from tests.factories.complaints import AT, HOUR, bank, in_state, open_case, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return bank()


def test_it_tells_who_did_what_when_and_in_which_words(house):
    case = in_state(house, Status.IN_PROGRESS)
    officer = house.actor("officer")
    records.add_note(rows(case), "Ask the lab.", actor=officer, at=AT + HOUR)
    call = records.Call("out", "reached", "She is calm.", substance=True)
    records.log_call(rows(case), call, actor=officer, at=AT + HOUR)
    records.tell_progress(rows(case), "Soon.", method="phone", actor=officer, at=AT + HOUR)
    case = Case.objects.get(pk=case.pk)
    items = timeline(case, house.scope("officer"))
    assert [i.seq for i in items] == list(range(1, case.event_seq + 1))
    by_kind = {item.kind: item for item in items}
    assert set(by_kind) == {"customer", "sys", "note", "call", "out"}
    assert by_kind["customer"].text == case.content
    assert by_kind["note"].text == "Ask the lab."
    assert by_kind["call"].via == "We called"
    assert by_kind["out"].who == actor_words(officer.label)
    assert all(i.sentence and "%(" not in i.sentence and i.icon for i in items)
    newer = timeline(case, house.scope("officer"), after=by_kind["note"].seq)
    assert newer[0].seq == by_kind["note"].seq + 1


def test_it_reads_in_the_readers_language(house):
    case = open_case(house)
    with translation.override("zh-hans"):
        chinese = timeline(case, house.scope("officer"))[0].sentence
    assert case.number in chinese


def test_the_analyst_reads_no_name_and_no_number(house):
    case = open_case(house, content="我是王丽, call 13812342107", contact_name="王丽")
    words = timeline(case, house.scope("analyst"))[0].text
    assert "王丽" not in words
    assert "13812342107" not in words
    assert "王丽" in timeline(case, house.scope("officer"))[0].text


def test_erased_words_show_as_erased(house):
    case = open_case(house)
    journal.erase_words([case.stream], actor=SYSTEM, at=AT)
    first = timeline(Case.objects.get(pk=case.pk), house.scope("officer"))[0]
    assert first.is_erased
    assert first.text == ""


def test_its_cost_does_not_grow_with_the_history(house):
    case = open_case(house)
    scope = house.scope("officer")

    def cost():
        with CaptureQueriesContext(connection) as caught:
            timeline(case, scope)
        return len(caught)

    before = cost()
    for n in range(20):
        records.add_note(rows(case), f"Note {n}", actor=house.actor("officer"), at=AT)
        call = records.Call("in", "reached", f"Call {n}")
        records.log_call(rows(case), call, actor=house.actor("officer"), at=AT)
    assert cost() <= before <= 5  # names of codes: read once per request


def test_a_stale_refusal_uses_the_same_sentence(house):
    case = open_case(house)
    workflow.accept(
        rows(case), payloads.Taking(no_interest=True), actor=house.actor("officer"), at=AT
    )
    last = timeline(Case.objects.get(pk=case.pk), house.scope("officer"))[-1]
    assert last.seq >= 2
