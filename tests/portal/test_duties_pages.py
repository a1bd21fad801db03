"""The duty table: read, changed as a draft, remarks, published; its part on the case page."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from complaints.duties_part import duties_part
from complaints.models import DutyLine
from complaints.routing import duties
from config.kernel import rule_kinds, rulesets
from config.kernel.models import RuleSet
from config.shared.actors import SYSTEM
from tests.complaints.clock_house import LONG_AGO
from tests.factories.complaints import bank, open_case
from tests.portal.desks import as_role, queries

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
TABLE, DRAFT = "/duty-table/", "/duty-table/draft/"


@pytest.fixture
def house():
    """A bank with a table of two lines in force."""
    made = bank()
    for row in RuleSet.objects.filter(kind="duties"):
        assert row.state == "published"
    table = rulesets.new_version(
        "duties", titles=("Duty table", "职责分工表"), actor=SYSTEM, at=LONG_AGO
    )
    for order, (kind, line, unit) in enumerate([("CMP", "B-CC", "CARD"), ("", "", "@line")]):
        DutyLine.objects.create(
            rule_set=table, order=order, type=kind, business_line=line, responsible=unit,
            approves="CMPT", consulted=["LAW"], told=["CSC", "@branch"], origin="S0-22",
        )  # fmt: skip
    rulesets.publish(table, valid_from=LONG_AGO, reason="", actor=SYSTEM, at=LONG_AGO)
    return made


@pytest.fixture
def editor(house):
    client = as_role("admin")
    assert client.post(DRAFT).status_code == 302
    return client


def draft() -> RuleSet:
    found = rulesets.draft("duties")
    assert found is not None
    return found


def line(responsible: str = "CARD") -> DutyLine:
    return DutyLine.objects.get(rule_set=draft(), responsible=responsible)


def fields(**given: Any) -> dict[str, Any]:
    now = draft()
    return {
        "version": now.version, "number": now.number, "type": "CMP", "business_line": "B-CC",
        "responsible": "CARD", "approves": "CMPT", "consulted": ["LAW"], "told": ["CSC"],
    } | given  # fmt: skip


def test_who_reads_proposes_and_publishes(editor):
    one = f"{DRAFT}lines/{line().pk}/"
    for role, page, write in (("supervisor", 200, 200), ("admin", 200, 200),
                              ("auditor", 200, 403), ("officer", 403, 403)):  # fmt: skip
        client = as_role(role)
        assert client.get(TABLE).status_code == page
        assert client.get(DRAFT).status_code == page
        for url in (one, f"{one}remove/", f"{DRAFT}lines/new/", f"{DRAFT}publish/"):
            assert client.get(url).status_code == write, (role, url)
        if write == 403:
            for url in (DRAFT, one, f"{one}remove/", f"{DRAFT}lines/new/", f"{DRAFT}discard/"):
                assert client.post(url, fields()).status_code == 403, (role, url)
    assert line().told == ["CSC", "@branch"]


def test_the_table_reads_in_words(editor):
    page = as_role("auditor").get(TABLE).content.decode()
    for words in ("Credit card", "Every business line", "the owner of the business line",
                  "CSC, the branch concerned", "S0-22", "In force"):  # fmt: skip
        assert words in page, words
    main = page.split('id="main"')[1].split("</main>")[0]
    assert "/draft/lines/" not in main


def test_a_line_is_changed_and_added_in_the_draft_and_published(editor):
    pk = line().pk
    assert editor.post(f"{DRAFT}lines/{pk}/", fields(told=["@branch"])).status_code == 302
    assert (line().told, line().origin) == (["@branch"], "S0-22")
    new = fields(type="", business_line="B-LN", responsible="LOAN", approves="", consulted=[])
    assert editor.post(f"{DRAFT}lines/new/", new).status_code == 302
    assert line("LOAN").approves == ""
    assert "LOAN" not in editor.get(TABLE).content.decode().split('id="main"')[1]
    now = draft()
    sent = {"version": now.version, "number": now.number, "reason": "Loans have an owner"}
    assert editor.post(f"{DRAFT}publish/", sent).status_code == 302
    assert "LOAN" in editor.get(TABLE).content.decode().split('id="main"')[1]


def test_a_line_is_removed_after_a_question(editor):
    url = f"{DRAFT}lines/{line().pk}/remove/"
    assert b"Remove the line" in editor.get(url).content
    assert editor.post(url, {"version": draft().version}).status_code == 302
    assert not DutyLine.objects.filter(rule_set=draft(), responsible="CARD").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"responsible": ""}, "This field is required."),
        ({"responsible": "NOWHERE"}, "Select a valid choice"),
        ({"type": "\x00"}, "Select a valid choice"),
        ({"type": "", "business_line": ""}, "There is a line for this type and business line"),
    ],
)
def test_what_cannot_be_kept_is_refused_beside_the_field(editor, given, words):
    answer = editor.post(f"{DRAFT}lines/{line().pk}/", fields(**given))
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_a_draft_that_moved_on_is_a_conflict_and_nothing_typed_is_lost(editor):
    pk, late = line().pk, fields(told=["LAW"])
    editor.post(f"{DRAFT}lines/{pk}/", fields(approves="RISK"))
    answer = editor.post(f"{DRAFT}lines/{pk}/", late)
    assert answer.status_code == 409
    assert answer.context["form"]["told"].value() == ["LAW"]
    seen = late["version"]
    assert editor.post(f"{DRAFT}lines/{pk}/remove/", {"version": seen}).status_code == 409
    rule_kinds.discard(draft(), reason="No", actor=SYSTEM, at=timezone.now())
    for url in (f"{pk}/", f"{pk}/remove/", "new/"):
        assert editor.post(f"{DRAFT}lines/{url}", late).status_code == 409
    editor.post(DRAFT)
    gone = editor.post(f"{DRAFT}lines/{line().pk}/", late)
    assert gone.status_code == 409
    assert "this is another one" in gone.content.decode()


@pytest.mark.parametrize("odd", [0, 10**30, 2**63])
def test_a_line_that_is_not_there(editor, odd):
    assert editor.get(f"{DRAFT}lines/{odd}/").status_code == 404
    assert editor.post(f"{DRAFT}lines/{odd}/remove/", {}).status_code == 404
    published = DutyLine.objects.exclude(rule_set=draft()).first()
    assert editor.get(f"{DRAFT}lines/{published.pk}/").status_code == 404


@pytest.mark.parametrize("odd", ["", "x", "-1", "9" * 30])
def test_odd_versions_are_answered_in_words(editor, odd):
    pk = line().pk
    assert editor.post(f"{DRAFT}lines/{pk}/", fields(version=odd)).status_code in (409, 422)
    assert editor.post(f"{DRAFT}lines/{pk}/", fields(number=odd)).status_code in (409, 422)
    sent = {"version": odd}
    assert editor.post(f"{DRAFT}lines/{pk}/remove/", sent).status_code in (409, 422)
    assert line().pk == pk


def test_lines_that_the_routing_rules_contradict_say_so(editor):
    editor.post(f"{DRAFT}lines/{line().pk}/", fields(responsible="LOAN"))
    answer = editor.get(DRAFT)
    found = [each for each in answer.context["lines"] if each.responsible == "LOAN"]
    assert [remark.code for remark in found[0].remarks] == ["contradicts_duties"]
    assert "the duty table names" in answer.content.decode()


def test_the_case_page_shows_who_does_what(house):
    case = open_case(house, business_line="B-CC-02", type="CMP")
    shown = duties_part(case, AT)
    assert shown["duties"][:3] == [
        ("Responsible", "CARD"), ("Approves", "CMPT"), ("Consulted", "LAW"),
    ]  # fmt: skip
    assert shown["elsewhere"] == ""
    case.department = house.units["LAW"]
    page = render_to_string("complaints/_part_duties.html", duties_part(case, AT))
    assert "The case is with LAW" in page
    RuleSet.objects.filter(kind="duties").update(state="retired")
    assert duties_part(case, AT) == {"duties": [], "elsewhere": ""}


def test_the_page_costs_the_same_for_two_and_for_thirty_lines(editor):
    editor.get(DRAFT)
    few = queries(editor, DRAFT), queries(editor, TABLE)
    now = draft()
    kinds = ("INQ", "SUG", "PRS", "PET", "REQ")
    for kind in kinds:
        for business_line in ("B-DC", "B-LN", "B-CC", "B-BR"):
            data = duties.LineData(kind, business_line, "LAW", "RISK", ["CSC"], ["CMPT"])
            duties.put_line(now, data, code=None, actor=SYSTEM, at=AT, expected=None)
    assert (queries(editor, DRAFT), queries(editor, TABLE)) == few


def test_in_chinese(editor):
    editor.cookies["huiyin_language"] = "zh-hans"
    for url in (TABLE, DRAFT, f"{DRAFT}lines/new/"):
        assert editor.get(url)["Content-Language"] == "zh-hans"
    assert "信用卡" in editor.get(TABLE).content.decode()


def test_without_a_table_the_page_says_how_to_load_it():
    admin = as_role("admin")
    assert b"manage.py load_defaults" in admin.get(TABLE).content
    assert admin.get(DRAFT).status_code == 302
