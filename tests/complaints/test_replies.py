"""Templates in the composer: filled, marked, blocked, offered, previewed; jargon."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from complaints import unsent
from complaints.models import CustomerNotice, ReplyTemplate
from complaints.replies import defaults, details, filling, jargon, offering
from complaints.replies.variables import CATALOGUE, Ground, fill_from, fill_sample
from config.kernel import rulesets
from config.kernel.models import OutboxMessage, Term
from config.shared.actors import SYSTEM
from tests.factories.complaints import AT, Bank, in_state, open_case, rows
from tests.portal.desks import as_role, signed_in


@pytest.fixture
def house(shared_house: Bank) -> Bank:
    """The bank with the starting templates in force."""
    defaults.load(SYSTEM, AT)
    return shared_house


@pytest.fixture
def officer(house: Bank):
    return signed_in(house.accounts["officer"])


def ground(case: Any, language: str = "en") -> Ground:
    _rules, bank = details.in_force(AT)
    return Ground(case, bank, language, AT)


def listed(client: Any, case: Any, **query: Any) -> str:
    return client.get(f"/cases/{case.number}/replies/", {"tab": "email", **query}).content.decode()


@given(st.text(max_size=200))
def test_filling_a_text_never_fails_and_leaves_no_known_name(text):
    filled = filling.fill(text, lambda name: "{b} [[c]]" if name == "a" else "", str)
    assert filling.names(filled.text) in ([], ["b"])
    assert set(filled.missing) == set(filling.names(text)) - {"a"}


def test_a_value_is_not_looked_through_again_and_brings_no_mark():
    said = {"words": "I wrote {case_number} and [[x]]"}
    filled = filling.fill("You said: {words}", lambda name: said.get(name, ""), str)
    assert filled.text == "You said: I wrote {case_number} and [ [x]]"
    assert (filled.missing, filling.unfilled(filled.text)) == ((), [])


def test_what_is_missing_is_marked_once_and_blocks():
    filled = filling.fill("{a}, {b} and {a}", lambda _name: "", {"a": "First", "b": "Second"}.get)
    assert filled.text == "[[First]], [[Second]] and [[First]]"
    assert filling.unfilled(filled.text) == ["First", "Second"]
    with pytest.raises(filling.NotFilled, match="First, Second"):
        filling.demand_filled("fine", filled.text)
    filling.demand_filled("nothing [to] fill [[]]")


@pytest.mark.django_db
def test_every_variable_reads_in_both_languages_and_has_an_example(house):
    case = in_state(house, "resolved", language="en")
    for language in ("en", "zh-hans"):
        for name in CATALOGUE:
            text = fill_from(f"{{{name}}}", ground(case, language)).text
            assert text, name
            assert fill_sample(f"{{{name}}}", language).missing == (), name
    assert fill_from("{case_number} {hotline}", ground(case)).text.startswith(case.number)
    with translation.override("zh-hans"):
        missing = fill_from("{promised_at}", ground(case, "en"))
    assert missing.missing == ("promised_at",)
    assert fill_from("{nobody}", ground(case)).missing == ("nobody",)


@pytest.mark.django_db
def test_jargon_is_found_whole_in_any_case_and_longest_first(house):
    known = jargon.words()
    plain = {hit.word: hit.plain for hit in jargon.find(["A CHARGEBACK, an SLA."], known)}
    assert plain["SLA"] == "time limit"
    assert "Chargeback" in plain
    assert jargon.find(["Slavic islands and patches"], known) == []
    assert [hit.word for hit in jargon.find(["您的授信额度已调整"], known)] == ["授信额度"]
    Term.objects.filter(taxonomy="jargon", name_zh="冲正").update(active=False)
    assert jargon.find(["已冲正"], jargon.words()) == []


@pytest.mark.django_db
def test_templates_are_offered_by_type_way_and_words(house, officer):
    complaint = in_state(house, "in_progress")
    inquiry = open_case(house, type="INQ")
    page = listed(officer, complaint)
    assert "Apology" in page
    assert "Answer to an inquiry" not in page
    assert "Result, text message" not in page
    assert "Apology" not in listed(officer, complaint, find="refund money")
    assert "Fee refund explained" in listed(officer, complaint, find="REFUND money")
    assert "Please send documents, text message" in listed(officer, complaint, tab="sms")
    assert "Answer to an inquiry" in listed(officer, inquiry)
    by_phone = listed(officer, complaint, tab="progress", method="sms")
    assert "How it is going, text message" in by_phone
    assert officer.get(f"/cases/{complaint.number}/replies/", {"tab": "note"}).status_code == 404


@pytest.mark.django_db
def test_a_template_comes_filled_with_its_gaps_named(house, officer):
    case = in_state(house, "in_progress", language="en")
    url = f"/cases/{case.number}/replies/progress/"
    page = officer.get(url, {"tab": "progress"})
    assert f"your case {case.number} is being handled" in page.content.decode()
    assert page.context["to_write"] == ["what was done", "what comes next"]
    assert page.context["missing"] == []
    chinese = officer.get(url, {"tab": "progress", "language": "zh-hans"}).context["text"]
    assert f"您反映的事项（编号{case.number}）" in chinese
    promised = f"/cases/{case.number}/replies/promised-call/"
    page = officer.get(promised, {"tab": "sms"})
    assert page.context["missing"] == ["Promised reply"]
    assert "[[Promised reply]]" in page.context["text"]
    assert "/facts/" in page.content.decode()
    rows(case).update(promised_reply_at=AT + timedelta(hours=3))
    assert officer.get(promised, {"tab": "sms"}).context["missing"] == []
    assert officer.get(f"/cases/{case.number}/replies/nothing/", {"tab": "sms"}).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["sms", "email", "letter", "progress"])
def test_nothing_is_sent_while_something_is_to_be_filled_in(house, officer, kind):
    case = in_state(house, "in_progress")
    before = CustomerNotice.objects.count(), OutboxMessage.objects.count()
    words = {"text": "Please bring [[list of documents]].", "method": "email", "sure": "on"}
    answer = officer.post(f"/cases/{case.number}/write/{kind}/", words)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Fill in what is missing before it is sent: list of documents." in page
    assert "Please bring [[list of documents]]." in page
    assert (CustomerNotice.objects.count(), OutboxMessage.objects.count()) == before
    sound = {**words, "text": "Please bring your card."}
    assert officer.post(f"/cases/{case.number}/write/{kind}/", sound).status_code == 302


@pytest.mark.django_db
def test_the_preview_is_the_letter_the_customer_gets(house, officer):
    case = in_state(house, "in_progress", language="en")
    url = f"/cases/{case.number}/replies/preview/"
    typed = {"tab": "email", "text": "The chargeback of [[sum]] failed."}
    page = officer.post(url, typed)
    told = page.content.decode()
    for words in ("Dear 王丽", f"About your case {case.number}", "This cannot be sent", "sum",
                  "asking the card network"):  # fmt: skip
        assert words in told, words
    sms = officer.post(url, {"tab": "sms", "text": "字" * 71})
    assert (sms.context["parts"], sms.context["is_sms"]) == (2, True)
    assert officer.post(url, {"tab": "sms", "text": "字" * 70}).context["parts"] == 1
    assert "Nothing is written yet" in officer.post(url, {"tab": "sms"}).content.decode()
    assert not CustomerNotice.objects.filter(purpose="message").exists()


@pytest.mark.django_db
def test_jargon_in_free_words_is_a_hint_and_never_blocks(house, officer):
    case = in_state(house, "in_progress")
    url = f"/cases/{case.number}/replies/words/"
    assert "撤销该笔记账" in officer.post(url, {"text": "已冲正"}).content.decode()
    assert officer.post(url, {"text": "好的"}).content.decode().strip() == ""
    sent = {"text": "已冲正", "sure": "on"}
    assert officer.post(f"/cases/{case.number}/write/sms/", sent).status_code == 302


@pytest.mark.django_db
def test_who_may_use_templates(house):
    case = in_state(house, "in_progress")
    urls = (f"/cases/{case.number}/replies/?tab=email",
            f"/cases/{case.number}/replies/apology/?tab=email")  # fmt: skip
    for url in urls:
        assert signed_in(house.accounts["supervisor"]).get(url).status_code == 200
        assert signed_in(house.accounts["handler"]).get(url).status_code == 200
        assert signed_in(house.accounts["loan_handler"]).get(url).status_code == 404
        assert as_role("auditor").get(url).status_code in {403, 404}


@pytest.mark.django_db
def test_only_the_version_in_force_is_offered(house, officer):
    case = in_state(house, "in_progress")
    draft = rulesets.new_version(
        "replies", based_on=rulesets.published("replies", AT), actor=SYSTEM, at=AT
    )
    ReplyTemplate.objects.filter(rule_set=draft, code="apology").update(name_en="Brand new words")
    assert "Brand new words" not in listed(officer, case)
    rulesets.publish(draft, valid_from=AT, reason="New", actor=SYSTEM, at=AT)
    assert "Brand new words" in listed(officer, case)
    assert offering.template(AT - timedelta(days=1), "apology").name_en == "Apology"


def filled(client: Any, case: Any, code: str, **query: Any) -> Any:
    return client.get(f"/cases/{case.number}/replies/{code}/", {"tab": "email", **query})


@pytest.mark.django_db
def test_a_template_brings_its_subject_in_the_language_chosen(house, officer):
    case = in_state(house, "in_progress", language="en")
    page = officer.get(f"/cases/{case.number}/").content.decode()
    assert f'placeholder="About your case {case.number}"' in page
    assert 'id="email-subject"' in page
    assert 'id="sms-subject"' not in page
    english = filled(officer, case, "fee-refund").content.decode()
    assert 'data-subject-into="#email-subject"' in english
    assert f'data-subject="Your refund, case {case.number}"' in english
    chinese = filled(officer, case, "fee-refund", language="zh-hans").context["subject"]
    assert case.number in chinese
    assert "refund" not in chinese
    assert filled(officer, case, "fee-refund", tab="letter").context["subject"] == ""


@pytest.mark.django_db
def test_what_a_subject_lacks_is_named_and_blocks(house, officer):
    draft = rulesets.new_version(
        "replies", based_on=rulesets.published("replies", AT), actor=SYSTEM, at=AT
    )
    rows_ = ReplyTemplate.objects.filter(rule_set=draft, code="fee-explained")
    rows_.update(subject_en="About {transferred_to} [[which fee]]", subject_zh="关于费用")
    rulesets.publish(draft, valid_from=AT, reason="", actor=SYSTEM, at=AT)
    case = in_state(house, "in_progress", language="en")
    page = filled(officer, case, "fee-explained")
    assert page.context["subject"] == "About [[Receiver]] [[which fee]]"
    assert "Receiver" in page.context["missing"]
    assert "which fee" in page.context["to_write"]
    url = f"/cases/{case.number}/write/email/"
    sent = {"subject": page.context["subject"], "text": "The fee is right.", "sure": "on"}
    answer = officer.post(url, sent)
    assert answer.status_code == 422
    assert "which fee" in answer.content.decode()
    shown = officer.post(f"/cases/{case.number}/replies/preview/", {"tab": "email", **sent})
    assert shown.context["gaps"] == ["Receiver", "which fee"]
    assert not CustomerNotice.objects.filter(case=case, purpose="message").exists()


@pytest.mark.django_db
def test_the_subject_typed_is_the_one_that_leaves_and_stands_in_the_record(house, officer):
    case = in_state(house, "in_progress", language="en")
    url = f"/cases/{case.number}/write/email/"
    sent = {"subject": " Your  refund ", "text": "It is on its way.", "substance": "on"}
    first = officer.post(url, sent)  # a doubtful address: asked once more, nothing is lost
    assert first.status_code == 422
    kept = unsent.load(case, "write-email", person_id=house.pk("officer"))
    assert kept["subject"] == [" Your  refund "]
    assert 'value=" Your  refund "' in first.content.decode()
    again = officer.get(f"/cases/{case.number}/").content.decode()
    assert 'value=" Your  refund "' in again
    assert officer.post(url, {**sent, "sure": "on"}).status_code == 302
    assert unsent.load(case, "write-email", person_id=house.pk("officer")) is None
    letter = OutboxMessage.objects.get(kind="case.message")
    assert letter.subject == "Your refund"
    assert "Your refund" not in letter.text
    assert "Your refund" in officer.get(f"/cases/{case.number}/timeline/").content.decode()
    officer.post(url, {"text": "And more.", "sure": "on"})
    usual = OutboxMessage.objects.filter(kind="case.message").latest("pk")
    assert usual.subject == f"About your case {case.number}"
    long = officer.post(url, {"subject": "x" * 201, "text": "Hello.", "sure": "on"})
    assert long.status_code == 422


@pytest.mark.django_db
def test_a_recalled_email_gives_its_subject_back(house, officer, settings):
    settings.MESSAGE_RECALL_SECONDS = 60
    case = in_state(house, "in_progress", language="en")
    url = f"/cases/{case.number}/write/email/"
    officer.post(url, {"subject": "Your refund", "text": "It is on its way.", "sure": "on"})
    notice = CustomerNotice.objects.get(case=case, purpose="message")
    page = officer.post(f"/cases/{case.number}/messages/{notice.pk}/recall/").content.decode()
    assert 'value="Your refund"' in page
    kept = unsent.load(case, "write-email", person_id=house.pk("officer"))
    assert kept == {"text": ["It is on its way."], "subject": ["Your refund"]}
