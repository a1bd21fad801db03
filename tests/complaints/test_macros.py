"""Macros: words, facts and a move in one click, all of it or nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from complaints.choices import Status
from complaints.conversation import doubting
from complaints.models import Case, CustomerNotice, Macro, ReplyTemplate
from complaints.replies import defaults
from config.kernel import journal, rulesets
from config.kernel.models import Approval, OutboxMessage
from config.shared.actors import SYSTEM
from customers.models import ContactPoint
from tests.factories.complaints import AT, Bank, do, in_state, open_case
from tests.factories.customers import CustomerFactory
from tests.portal.desks import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(shared_house: Bank) -> Bank:
    defaults.load(SYSTEM, AT)
    return shared_house


@pytest.fixture
def officer(house: Bank):
    return signed_in(house.accounts["officer"])


def macro(**given: Any) -> str:
    """Publish a version with one more macro; returns its code."""
    draft = rulesets.new_version(
        "replies", based_on=rulesets.published("replies", AT), actor=SYSTEM, at=AT
    )
    fields = {"code": "mine", "name_en": "Mine", "name_zh": "我的"} | given
    Macro.objects.create(rule_set=draft, order=900, **fields)
    ReplyTemplate.objects.filter(rule_set=draft, code="fee-explained").update(
        body_en="We explain {case_number}.", body_zh="就{case_number}说明如下。"
    )
    rulesets.publish(draft, valid_from=AT, reason="", actor=SYSTEM, at=AT)
    return str(fields["code"])


def url(case: Case, code: str = "mine") -> str:
    return f"/cases/{case.number}/macros/{code}/"


def sent(case: Case) -> int:
    return CustomerNotice.objects.filter(case=case, purpose="message").count()


def typed(page: Any, **given: Any) -> dict[str, Any]:
    """Return what the dialog would post as it stands."""
    form = page.context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {k: v for k, v in values.items() if v not in (None, False)} | given


def test_the_dialog_says_what_will_happen_and_one_click_does_it(house):
    macro(template="fee-explained", method="email", fields={"nature": "SVC", "cause": "F1"},
          verb="wait_customer", given={"reason": "Papers", "days": 7})  # fmt: skip
    case = in_state(house, "in_progress")
    boss = signed_in(house.accounts["supervisor"])
    page = boss.get(url(case))
    told = page.content.decode()
    for words in ("All of this happens together", "E-mail", f"就{case.number}说明如下。",
                  "Fees &amp; pricing", "Papers", "Service flaw"):  # fmt: skip
        assert words in told, words
    assert not page.context["form"].doubted
    answer = boss.post(url(case), typed(page, sure="on"))
    assert answer.status_code == 302, answer.context["form"].errors
    case = Case.objects.get(pk=case.pk)
    assert (case.status, case.nature.code, case.cause.code) == ("waiting_customer", "SVC", "F1")
    assert sent(case) == 1
    assert OutboxMessage.objects.get(kind="case.message").text.count("说明如下") == 1
    said = [entry.action for entry in journal.entries(case.stream)]
    for action in ("case.macro", "case.message", "case.edit_facts", "case.wait_customer"):
        assert action in said, (action, said)
    [pause] = case.pauses.all()
    assert timedelta(days=6) < pause.expected_end_at - pause.started_at < timedelta(days=8)


def test_the_subject_of_its_template_goes_with_an_email_as_it_was_left(house, officer):
    macro(template="fee-explained", method="email")
    case = in_state(house, "in_progress", language="en")
    page = officer.get(url(case))
    assert page.context["form"]["subject"].value() == "The fee you asked about"
    sent_as = typed(page, subject="The fee of March", sure="on")
    assert officer.post(url(case), sent_as).status_code == 302
    assert OutboxMessage.objects.get(kind="case.message").subject == "The fee of March"
    gap = typed(officer.get(url(case)), subject="The [[fee]]", sure="on")
    assert officer.post(url(case), gap).status_code == 422


def test_a_move_that_must_be_asked_for_is_asked_for(house, officer):
    case = in_state(house, "in_progress")
    page = officer.get(url(case, "ask-documents"))
    assert "somebody else decides" in page.content.decode()
    words = page.context["form"]["text"].value()
    for gap in ("材料清单", "日期"):
        words = words.replace(f"[[{gap}]]", "身份证")
    done = officer.post(url(case, "ask-documents"), typed(page, text=words, sure="on"))
    assert done.status_code == 302, done.context["form"].errors
    request = Approval.objects.get(about=case.about)
    assert request.state == "pending"
    assert (sent(case), Case.objects.get(pk=case.pk).status) == (1, Status.IN_PROGRESS)


def test_a_refused_part_undoes_all_of_them(house, officer):
    macro(template="fee-explained", method="email", fields={"nature": "SVC"}, verb="resolve")
    case = in_state(house, "in_progress")
    before = Case.objects.get(pk=case.pk)
    page = officer.get(url(case))
    answer = officer.post(url(case), typed(page, text="Our words.", objection_ways="Court."))
    assert answer.status_code == 422
    assert "We explain" not in answer.content.decode()
    assert "Our words." in answer.content.decode()
    now = Case.objects.get(pk=case.pk)
    assert (now.version, now.event_seq, now.nature) == (before.version, before.event_seq, None)
    assert sent(case) == 0


def test_the_last_part_takes_back_what_the_first_ones_wrote(house, officer, monkeypatch):
    """Message and facts are written before the move refuses in the same transaction."""
    from complaints import workflow

    macro(template="fee-explained", method="sms", fields={"nature": "SVC"}, verb="start")
    case = in_state(house, "reopened")
    seen: list[int] = []
    start = workflow.VERBS["start"]

    def refuse(rows: Any, what: Any, **more: Any) -> Any:
        seen.append(sent(case))
        outcome = start[0](rows, what, **more)[0]
        outcome.refused, outcome.why = workflow.Refusal.GUARD, "Not today."
        return [outcome]

    monkeypatch.setitem(workflow.VERBS, "start", (refuse, start[1]))  # type: ignore[arg-type]
    answer = officer.post(url(case), typed(officer.get(url(case)), sure="on"))
    assert answer.status_code == 422
    assert "Not today." in answer.content.decode()
    assert seen == [1]
    now = Case.objects.get(pk=case.pk)
    assert (sent(case), now.nature_id, now.status) == (0, case.nature_id, "reopened")
    assert not OutboxMessage.objects.filter(kind="case.message").exists()


def test_words_that_go_with_the_move_are_its_answer(house, officer):
    case = open_case(house, type="INQ", language="en")
    do(house, case, "accept")
    do(house, case, "assess")
    case = do(house, case, "start")
    page = officer.get(url(case, "answer-inquiry"))
    text = page.context["form"]["text"].value()
    assert text.startswith(f"you asked us: {case.core_issue}")
    blocked = officer.post(url(case, "answer-inquiry"), typed(page))
    assert "Fill in what is missing before it is sent: answer." in blocked.content.decode()
    fine = typed(page, text=text.replace("[[answer]]", "at nine"))
    assert officer.post(url(case, "answer-inquiry"), fine).status_code == 302
    case = Case.objects.get(pk=case.pk)
    assert case.status == Status.RESOLVED
    assert "The answer: at nine." in case.answer
    assert sent(case) == 0


def test_somebody_was_faster(house, officer):
    macro(fields={"nature": "SVC"})
    case = in_state(house, "in_progress")
    form = typed(officer.get(url(case)))
    do(house, case, "edit_facts", by="supervisor")
    answer = officer.post(url(case), form)
    assert answer.status_code == 409
    assert Case.objects.get(pk=case.pk).nature is None
    again = {**form, "version": answer.context["form"]["version"].value()}
    assert officer.post(url(case), again).status_code == 302
    assert Case.objects.get(pk=case.pk).nature.code == "SVC"


def test_a_doubtful_address_is_asked_about_and_nothing_happens_meanwhile(house, officer):
    macro(template="fee-explained", method="email", verb="wait_customer",
          given={"reason": "Papers", "days": 7})  # fmt: skip
    case = in_state(house, "in_progress")
    form = typed(officer.get(url(case)))
    answer = officer.post(url(case), form)
    assert answer.status_code == 422
    assert answer.context["form"].doubted
    assert (sent(case), Case.objects.get(pk=case.pk).status) == (0, Status.IN_PROGRESS)
    assert officer.post(url(case), {**form, "sure": "on"}).status_code == 302


@pytest.mark.parametrize("doubt", ["unverified", "changed", "unknown", ""])
@pytest.mark.parametrize("moves", [True, False])
def test_a_doubtful_number_is_asked_about_twice_and_recorded(house, officer, doubt, moves):
    """As its move tells the customer, and as its own message does."""
    phone, long_ago = "13812345678", timezone.now() - timedelta(days=90)
    customer = CustomerFactory.create(phone=phone)
    fresh = timezone.now() - timedelta(days=6) if doubt == "changed" else long_ago
    ContactPoint.objects.filter(customer=customer).update(
        verified_at=None if doubt == "unverified" else long_ago, changed_at=fresh
    )
    if doubt == "unknown":
        ContactPoint.objects.filter(customer=customer).delete()
    more = {"verb": "notify"} if moves else {"template": "fee-explained", "fields": {"cause": "F1"}}
    macro(method="sms", **more)
    state = "resolved" if moves else "in_progress"
    case = in_state(house, state, customer=customer, contact_phone=phone)
    before = CustomerNotice.objects.filter(case=case).count()

    def told() -> int:
        return CustomerNotice.objects.filter(case=case).count() - before

    form = typed(officer.get(url(case)), text="Our words.")
    if doubt:
        first = officer.post(url(case), form)
        assert first.status_code == 422
        assert 'name="sure"' in first.content.decode()
        assert "Our words." in first.content.decode()
        assert str(doubting.WORDS[doubt]) in first.content.decode()
        assert told() == 0
        form["sure"] = "on"
    assert officer.post(url(case), form).status_code == 302
    assert told() == 1
    said = [
        journal.facts_of(entry)
        for entry in journal.entries(case.stream).filter(action="case.sent_in_doubt")
    ]
    assert said == ([{"method": "sms", "doubt": doubt}] if doubt else [])


def test_only_who_may_do_every_part_is_offered_it(house, officer):
    macro(template="fee-explained", method="email", verb="resolve", types=["CMP"])
    case = in_state(house, "in_progress")
    closed = in_state(house, "closed")
    handler = signed_in(house.accounts["handler"])
    query = f"/cases/{case.number}/replies/?tab=email"
    assert "Mine" in officer.get(query).content.decode()
    assert "Mine" not in handler.get(query).content.decode()
    assert handler.get(url(case)).status_code == 403
    assert handler.post(url(case), {"version": case.version}).status_code == 403
    assert officer.get(url(closed)).status_code == 403
    assert officer.get(url(case, "nothing")).status_code == 404
    stranger = signed_in(house.accounts["loan_handler"])
    assert stranger.get(url(case)).status_code == 404
    inquiry = open_case(house, type="INQ")
    assert officer.get(url(inquiry)).status_code == 403
