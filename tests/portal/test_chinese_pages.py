"""The pages in Chinese: no sentence of the catalogue is left in English, nothing is glued."""

import re
from datetime import timedelta
from html import unescape

import polib
import pytest
from django.utils import timezone
from django.utils.translation import override

from complaints import records
from complaints.choices import Status
from complaints.clocks.telling import step_words
from config.kernel.actions import describe
from config.kernel.models import JournalEntry
from config.shared import memo
from config.shared.words import actor_words, labelled, listed, noted, sentences
from staff.models import Department
from tests.factories.complaints import bank, in_state, rows
from tests.portal.desks import AT, as_role, asked, signed_in
from tests.project.test_translations import CATALOGUE

pytestmark = pytest.mark.django_db
HIDDEN = re.compile(r"<script.*?</script>|<style.*?</style>|data-[a-z-]+=\"[^\"]*\"", re.DOTALL)
PAGES = {
    "officer": ["/", "/cases/", "/cases/new/", "/inbox/", "/exports/", "/accounts/", "/customers/"],
    "supervisor": ["/", "/approvals/", "/imports/", "/outbox/", "/cases/?state=all"],
    "auditor": ["/", "/audit/", "/policies/", "/routing/", "/calendars/", "/cases/"],
}


@pytest.fixture
def house():
    return bank()


def english() -> list[str]:
    """Return the sentences that must not show: several words, no places to fill in."""
    book = polib.pofile(str(CATALOGUE))
    return [
        entry.msgid
        for entry in book
        if " " in entry.msgid.strip() and "%" not in entry.msgid and "{" not in entry.msgid
        if entry.msgid not in "".join([entry.msgstr, *entry.msgstr_plural.values()])
    ]


def left_in_english(client, address: str) -> list[str]:
    client.cookies["huiyin_language"] = "zh-hans"
    response = client.get(address, follow=True)
    assert response.status_code == 200, address
    text = unescape(HIDDEN.sub("", response.content.decode()))
    assert 'lang="zh-hans"' in text.lower()
    whole = re.compile("|".join(rf"\b{re.escape(words)}\b" for words in english()))
    return [f"{address}: {found}" for found in whole.findall(text)]


@pytest.mark.parametrize("role", PAGES)
def test_no_sentence_of_the_pages_stays_english(house, role):
    in_state(house, Status.RECEIVED, at=timezone.now() - timedelta(hours=1))
    asked(house, in_state(house, Status.IN_PROGRESS))
    client = as_role("AU") if role == "auditor" else signed_in(house.accounts[role])
    assert [found for page in PAGES[role] for found in left_in_english(client, page)] == []


@pytest.mark.parametrize("status", [Status.RECEIVED, Status.IN_PROGRESS, Status.CLOSED])
def test_a_case_is_told_in_chinese(house, status):
    case = in_state(house, status, at=timezone.now() - timedelta(days=1))
    actor = house.actor("officer")
    records.add_note(rows(case), "两笔年费均已入账。", actor=actor, at=timezone.now())
    client = signed_in(house.accounts["supervisor"])
    assert left_in_english(client, f"/cases/{case.number}/") == []


def test_the_record_names_departments_and_types_instead_of_codes(house):
    Department.objects.filter(code="CARD").update(name_en="Cards", name_zh="信用卡中心")
    case = in_state(house, Status.IN_PROGRESS)
    memo.forget_all()
    for language, name in (("en", "Cards"), ("zh-hans", "信用卡中心")):
        with override(language):
            told = [describe(e) for e in JournalEntry.objects.filter(stream=case.stream)]
        assert any(name in sentence for sentence in told)
        assert not [sentence for sentence in told if re.search(r"\bCARD\b|\bCMP\b", sentence)]


def test_parts_are_put_together_as_the_language_has_it():
    with override("en"):
        assert listed(["phone", 2]) == "phone, 2"
        assert sentences(["One.", "", "Two."]) == "One. Two."
        assert (noted("Resolve", "met"), labelled("Rule", "3 days")) == (
            "Resolve (met)",
            "Rule: 3 days",
        )
        assert [step_words(code) for code in ("80%", "-1d", "-0d", "+1wd", "odd")] == [
            "80% of the time used",
            "1 day before it is due",
            "on the day it is due",
            "1 working day after it was due",
            "odd",
        ]
        assert actor_words("Wei Lin 林薇") == "Wei Lin"
    with override("zh-hans"):
        assert listed(["电话", "挂号信"]) == "电话、挂号信"
        assert sentences(["一。", "二。"]) == "一。二。"
        assert (noted("受理", "按时完成"), labelled("规则", "3 天")) == (
            "受理（按时完成）",
            "规则：3 天",
        )
        assert step_words("-3d") == "距到期 3 天"
        assert [actor_words(name) for name in ("Wei Lin 林薇", "Huiyin", "api 7")] == [
            "林薇",
            "回音",
            "api 7",
        ]
    assert sentences([]) == ""


def test_a_request_names_who_asked_once(house):
    request = asked(house, in_state(house, Status.IN_PROGRESS, at=AT))
    client = signed_in(house.accounts["supervisor"])
    client.cookies["huiyin_language"] = "zh-hans"
    text = client.get(f"/approvals/{request.pk}/").content.decode()
    with override("zh-hans"):
        assert actor_words(request.asked_by_label) in text
    assert request.asked_by_label not in text


def test_entries_about_staff_and_rules_show_labels():
    entry = JournalEntry(
        action="person.roles", body='{"facts": {"before": [], "after": ["CO", "old"]}}'
    )
    changed = JournalEntry(action="person.changed", body='{"facts": {"fields": "email, gone"}}')
    gone = JournalEntry(action="person.left", body='{"facts": {"left_on": "2026-03-04"}}')
    with override("zh-hans"):
        assert describe(entry) == "角色由–变更为投诉专员、old"
        assert describe(changed) == "人员信息已变更：电子邮件、gone"
        assert describe(gone) == "已于 2026年3月4日 周三 离职"
        taken = JournalEntry(action="reference.exported", body='{"facts": {"list": "department"}}')
        assert describe(taken) == "已导出基础数据：部门"
