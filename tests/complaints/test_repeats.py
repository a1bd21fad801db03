"""Repeats and words alike: the measure against an oracle, hints at intake, noting later."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from complaints import intake
from complaints.choices import Severity
from complaints.models import CaseExclusion
from complaints.relations import alike, looks, repeating
from complaints.relations.frame import RelationRefused
from config.kernel import terms
from tests.complaints.relations_help import HTMX, actions, enter, fresh, now, url
from tests.factories.complaints import AT, DAY, HOUR, draft, open_case, rows
from tests.factories.customers import CustomerFactory

TEXTS = st.text(alphabet="信用卡年费多扣了 ab1,。", max_size=30)


def oracle(one: str, other: str) -> float:
    """Count by hand: the pairs both have, of all pairs either has."""

    def pairs(text):
        bare = [c for c in text.lower() if c.isalnum()]
        return {a + b for a, b in pairwise(bare)}

    mine, theirs = pairs(one), pairs(other)
    both, either = mine & theirs, mine | theirs
    return len(both) / len(either) if either else 0.0


@given(one=TEXTS, other=TEXTS)
def test_the_measure_is_the_oracle(one, other):
    got = alike.overlap(alike.bigrams(one), alike.bigrams(other))
    assert got == oracle(one, other)
    assert got == alike.overlap(alike.bigrams(other), alike.bigrams(one))


@given(text=TEXTS)
def test_a_text_is_all_alike_to_itself_and_spelling_does_not_count(text):
    pairs = alike.bigrams(text)
    assert alike.overlap(pairs, pairs) == (1.0 if pairs else 0.0)
    assert alike.bigrams(f" {text.upper()}！ ") == pairs


def test_numbers_of_people_are_no_words():
    assert alike.bigrams("call 13812345678 now") == alike.bigrams("call 13987654321 now")


def test_marks_find_near_equals_and_seldom_others():
    rng = random.Random(7)
    letters = [chr(0x4E00 + n) for n in range(600)]
    near = far = 0
    for _n in range(60):
        text = [rng.choice(letters) for _c in range(120)]
        twin = list(text)
        for at in rng.sample(range(120), 3):
            twin[at] = rng.choice(letters)
        half = text[:60] + [rng.choice(letters) for _c in range(60)]
        mine = set(alike.marks("".join(text)))
        near += bool(mine & set(alike.marks("".join(twin))))
        far += bool(mine & set(alike.marks("".join(half))))
    assert near >= 54
    assert far <= 12


def test_marks_are_keyed_and_a_short_text_has_none(settings):
    text = "The annual fee of my card was charged twice and nobody answers"
    before = alike.marks(text)
    assert len(before) == alike.BANDS
    assert alike.marks(text.upper()) == before
    assert alike.marks("too short") == []
    settings.INDEX_KEY = "another key of the index, long enough"
    assert not set(alike.marks(text)) & set(before)


@pytest.fixture
def house(shared_house):
    return shared_house


@pytest.mark.django_db
def test_the_hint_says_every_reason(house):
    customer = CustomerFactory.create()
    case = open_case(house, customer=customer, core_issue="信用卡年费被重复扣款")
    again = draft(
        customer=customer, contact_phone="", core_issue="信用卡年费被重复扣了", business_line="B-CC"
    )
    [hint] = intake.similar(again, scope=house.scope("officer"), at=AT + DAY)
    assert (hint.case.pk, hint.reasons) == (case.pk, ("customer", "line", "words"))
    other = draft(customer=customer, core_issue="贷款利率太高", business_line="B-LN")
    [hint] = intake.similar(other, scope=house.scope("officer"), at=AT + DAY)
    assert hint.reasons == ("customer",)


@pytest.mark.django_db
def test_others_who_report_the_like_are_shown_within_scope_only(house):
    case = open_case(house, core_issue="手机银行转账失败钱没到账", content="Transfer.")
    tip = open_case(house, type="TIP", core_issue="手机银行转账失败钱没到账")
    mine = draft(core_issue="手机银行转账失败钱没有到账", contact_phone="")
    found = intake.others(mine, scope=house.scope("officer"), at=AT + DAY)
    assert [one.case.pk for one in found] == [case.pk]
    assert tip.pk not in [one.case.pk for one in found]
    assert intake.others(mine, scope=house.scope("loan_handler"), at=AT + DAY) == []
    CaseExclusion.objects.create(case=case, person_id=house.pk("officer"), reason="named", at=AT)
    assert intake.others(mine, scope=house.scope("officer"), at=AT + DAY) == []


@pytest.mark.django_db
def test_who_may_not_read_a_case_is_told_of_it_to_record_a_chase(client, house):
    customer = CustomerFactory.create()
    case = open_case(house, at=now(), customer=customer, core_issue="Secret matter 991")
    enter(client, house, "agent")
    sent = {"type": "CMP", "customer": customer.number, "intake_channel": "TEL"}
    text = client.post("/cases/new/hints/", sent, headers=HTMX).content.decode()
    assert url(case, "chased/") in text
    assert "Secret" not in text


@pytest.mark.django_db
def test_line_and_cause_and_ninety_days_make_a_repeat(house):
    customer = CustomerFactory.create()

    def at_day(day, **given):
        return open_case(house, at=AT + day * DAY, customer=customer, **given)

    old = at_day(0)
    near = at_day(30)
    loan = at_day(31, business_line="B-LN")
    late = at_day(91)
    scope = house.scope("supervisor")
    visible = type(late).objects.visible_to(scope)
    found = looks.earlier(fresh(late), visible, AT + 91 * DAY)
    assert [row.pk for row in found] == [near.pk]
    assert old.pk not in [row.pk for row in found]
    assert loan.pk not in [row.pk for row in found]
    rows(near).update(cause=terms.get("cause", "A1"))
    rows(late).update(cause=terms.get("cause", "B1"))
    joined = type(late).objects.select_related("cause", "business_line", "type")
    again = looks.earlier(joined.get(pk=late.pk), visible, AT + 91 * DAY)
    assert again == []


@pytest.mark.django_db
def test_noting_a_repeat_later_counts_it_and_the_third_is_grave(house):
    one, two, three = (
        open_case(house, at=AT + n * HOUR, contact_phone="13912345678", business_line=line,
                  severity=1)
        for n, line in enumerate(("B-CC-02", "B-LN", "B-CC-02"))
    )  # fmt: skip
    rows(one).update(repeat_count=1)
    assert fresh(three).severity < Severity.HIGH
    actor = house.actor("officer")
    repeating.note_repeat(rows(three), one.pk, actor=actor, at=AT + DAY)
    case = fresh(three)
    assert (case.repeat_of_id, case.repeat_count, case.severity) == (one.pk, 2, Severity.HIGH)
    assert "case.repeat_noted" in actions(case)
    for first, second in ((one, three), (two, two)):
        with pytest.raises(RelationRefused):
            repeating.note_repeat(rows(first), second.pk, actor=actor, at=AT + DAY)
    stranger = open_case(house, at=AT)
    with pytest.raises(RelationRefused):
        repeating.note_repeat(rows(three), stranger.pk, actor=actor, at=AT + DAY)


@pytest.mark.django_db
def test_the_panel_offers_to_note_a_repeat(client, house):
    customer = CustomerFactory.create()
    first = open_case(house, at=now(hours=3), customer=customer)
    case = open_case(house, at=now(), customer=customer)
    rows(case).update(repeat_of=None, repeat_count=0)
    enter(client, house, "officer")
    note = url(case, f"repeats/{first.number}/")
    assert note in client.get(url(case, "parts/related/")).content.decode()
    assert client.post(note).status_code == 302
    assert fresh(case).repeat_of_id == first.pk
    tip = open_case(house, at=now(), type="TIP", customer=customer)
    assert client.post(url(case, f"repeats/{tip.number}/")).status_code == 404
