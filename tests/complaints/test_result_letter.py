"""The result letter 处理结果告知书: composed from the case, and never sent with a gap (§4.7)."""

from typing import Any

import pytest

from complaints import letters, workflow
from complaints.models import Case, CustomerNotice, ReplyTemplate
from complaints.replies import defaults, result
from complaints.replies.blocks import objection_words
from complaints.replies.details import Details
from complaints.workflow.payloads import Told
from config.kernel import rulesets
from config.kernel.models import OutboxMessage
from config.shared.actors import SYSTEM
from staff.models import Department
from tests.factories.complaints import AT, Bank, do, in_state, open_case, rows
from tests.portal.desks import as_role, signed_in

pytestmark = pytest.mark.django_db
BLOCKS = ("demand", "findings", "basis", "answer", "objection_ways")


@pytest.fixture
def house(shared_house: Bank) -> Bank:
    defaults.load(SYSTEM, AT)
    return shared_house


def whole(case: Case) -> Case:
    return Case.objects.select_related("type", "customer", "department", "outcome").get(pk=case.pk)


def tell(house: Bank, case: Case, method: str) -> Any:
    told = Told(method, "Told her." if method == "phone" else "")
    return workflow.notify(rows(case), told, actor=house.actor("officer"), at=AT)[0]


def test_the_letter_has_every_block_in_the_language_of_the_customer(house):
    case = in_state(house, "resolved", language="en")
    letter = result.compose(whole(case), AT)
    assert letter.gaps == ()
    assert [block.key for block in letter.blocks] == [
        "matter", "findings", "basis", "decision", "objection",
    ]  # fmt: skip
    for words in ("Dear 王丽", "Give the fee back.", "The fee was booked twice.", "Tariff of 2026",
                  "We refund the fee", "Upheld", "mediation; court", "Huiyin Bank",
                  "Officer Test", "March 4, 2026"):  # fmt: skip
        assert words in letter.text, words
    chinese = result.compose(whole(case), AT, language="zh-hans")
    assert "处理完毕" in chinese.text
    assert "汇银银行" in chinese.text


@pytest.mark.parametrize("gone", BLOCKS)
@pytest.mark.parametrize("method", ["email", "sms", "phone", "letter"])
def test_with_an_empty_block_the_customer_is_told_in_no_way(house, gone, method):
    case = in_state(house, "resolved")
    empty = {gone: ""} | ({"core_issue": ""} if gone == "demand" else {})
    rows(case).update(**empty)
    outcome = tell(house, case, method)
    assert outcome.refused == workflow.Refusal.GUARD
    names = {"demand": "Matter and demand", "findings": "What was verified",
             "basis": "Basis and reasons", "answer": "Answer to the customer",
             "objection_ways": "Ways to object"}  # fmt: skip
    assert names[gone] in outcome.why
    assert Case.objects.get(pk=case.pk).status == "resolved"
    assert not CustomerNotice.objects.filter(case=case, purpose="result").exists()


def test_a_variable_of_the_template_without_a_value_blocks_too(house):
    draft = rulesets.new_version(
        "replies", based_on=rulesets.published("replies", AT), actor=SYSTEM, at=AT
    )
    row = ReplyTemplate.objects.get(rule_set=draft, code="result-letter")
    row.body_zh = "{product}\n\n{blocks}\n\n{contact}\n{today}"
    row.save()
    rulesets.publish(draft, valid_from=AT, reason="", actor=SYSTEM, at=AT)
    case = in_state(house, "resolved")
    outcome = tell(house, case, "email")
    assert outcome.refused == workflow.Refusal.GUARD
    assert "Product" in outcome.why
    assert not OutboxMessage.objects.filter(kind="case.result").exists()
    rows(case).update(product="Gold card")
    assert tell(house, case, "email").done


def test_the_mail_is_the_letter_and_the_sms_refers_to_it(house):
    case = in_state(house, "resolved", language="en")
    assert tell(house, case, "email").done
    mail = OutboxMessage.objects.get(kind="case.result")
    assert mail.subject == f"Result of your case {case.number}"
    assert mail.text == result.compose(whole(case), AT, method="email").text
    other = in_state(house, "resolved", language="en")
    assert tell(house, other, "sms").done
    sms = OutboxMessage.objects.get(kind="case.result", about=other.about)
    assert "result letter" in sms.text
    assert other.tracking_code in sms.text
    assert "booked twice" not in sms.text


def test_without_templates_in_force_the_letter_keeps_its_frame(shared_house):
    case = in_state(shared_house, "resolved", language="en")
    assert result.worded(whole(case), "email", AT) is None
    _subject, text = letters.shown(letters.Order(whole(case), "result", 1), "email", AT)
    assert "What we verified\nThe fee was booked twice." in text
    assert tell(shared_house, case, "email").done


def test_other_types_answer_without_the_blocks_of_a_complaint(house):
    case = open_case(house, type="INQ", language="en")
    letter = result.compose(whole(case), AT)
    assert letter.gaps == ("Answer to the customer",)
    rows(case).update(answer="At nine.")
    letter = result.compose(whole(case), AT)
    assert letter.gaps == ()
    assert {block.key for block in letter.blocks} == {"matter", "decision"}


def test_a_branch_names_its_superior_unit_the_head_office_does_not(house):
    bank = Details(
        address_en="1 Bank Road", hotline="95555", mediation_en="Mediation Centre",
        mediation_address_en="2 Peace Street", mediation_phone="021-1",
    )  # fmt: skip
    head = house.units["CMPT"]
    branch = Department.objects.create(
        code="B1", name_en="West branch", name_zh="西支行", kind="branch", superior=head
    )
    ours = objection_words(Case(department=branch), bank, "en")
    for words in ("within 30 days", head.name_en, "1 Bank Road", "95555", "Mediation Centre",
                  "2 Peace Street", "021-1", "4. Court"):  # fmt: skip
        assert words in ours, words
    theirs = objection_words(Case(department=head), bank, "en")
    assert "30 days" not in theirs
    assert "3. Court: the competent people's court." in theirs


def test_the_page_shows_the_letter_names_gaps_and_links_what_fills_them(house):
    case = in_state(house, "in_progress", language="en")
    url = f"/cases/{case.number}/letter/"
    officer = signed_in(house.accounts["officer"])
    page = officer.get(url).content.decode()
    for words in ("This letter cannot be sent yet.", "What was verified", "Not written yet",
                  f"/cases/{case.number}/facts/"):  # fmt: skip
        assert words in page, words
    assert "/do/notify/" not in page
    done = in_state(house, "resolved", language="en")
    page = officer.get(f"/cases/{done.number}/letter/").content.decode()
    assert "cannot be sent" not in page
    assert f"/cases/{done.number}/do/notify/" in page
    chinese = officer.get(f"/cases/{done.number}/letter/?language=zh-hans").content.decode()
    assert "处理完毕" in chinese
    part = officer.get(f"/cases/{done.number}/parts/letter/").content.decode()
    assert f"/cases/{done.number}/letter/" in part


def test_who_may_read_the_letter(house):
    case = in_state(house, "resolved")
    url = f"/cases/{case.number}/letter/"
    for name, status in (("officer", 200), ("handler", 200), ("depthead", 200),
                         ("analyst", 403), ("loan_handler", 404)):  # fmt: skip
        assert signed_in(house.accounts[name]).get(url).status_code == status, name
    assert as_role("admin").get(url).status_code in {403, 404}
    assert do(house, case, "notify").status == "notified"
