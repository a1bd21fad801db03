"""The duty table: which line fits, who stands behind it, drafts and checks."""

import pytest

from complaints.defaults import rules as defaults
from complaints.models import Case, DutyLine
from complaints.routing import duties
from complaints.routing.rule_fields import FieldRefused
from config.kernel import rule_kinds, rulesets
from config.kernel.models import JournalEntry, Term
from config.kernel.rulesets import RulesRefused
from config.shared.actors import SYSTEM
from staff.models import Department
from tests.complaints.clock_house import unit
from tests.complaints.routing_house import AT, worker
from tests.factories.complaints import open_case

pytestmark = pytest.mark.django_db


@pytest.fixture
def table(shared_house):
    for code in ("BRAND", "MKT", "HR", "IT", "AUDIT"):
        unit(code)
    head = worker("BRAND")
    Department.objects.filter(code="BRAND").update(head=head)
    defaults.load_duties(SYSTEM, AT)
    return rulesets.published("duties", AT)


def the_case(house, **given):
    opened = open_case(house, **given)
    return Case.objects.select_related("type", "business_line__parent").get(pk=opened.pk)


def test_the_owners_split_is_the_default_and_agrees_with_routing(table):
    assert duties.check(table) == []
    lines = {duties.code_of(line): line for line in DutyLine.objects.filter(rule_set=table)}
    for top in Term.objects.filter(taxonomy="business_line", parent__isnull=True):
        owner = "@branch" if top.flags["owner"] == "BRANCH" else top.flags["owner"]
        assert lines[f"*/{top.code}"].responsible == owner
    assert lines["PRS/*"].told == ["HR"]  # incentives
    assert "MKT" in lines["SUG/*"].consulted  # research
    assert "IT" in lines["*/B-EB"].consulted  # technology


@pytest.mark.parametrize(
    ("kind", "line", "code"),
    [
        ("CMP", "B-CC-02", "*/B-CC"),
        ("CMP", None, "*/*"),
        ("PET", "B-CC-02", "PET/*"),
        ("SUG", "B-EB-01", "SUG/*"),
    ],
)
def test_the_most_specific_line_counts(shared_house, table, kind, line, code):
    found = duties.line_for(the_case(shared_house, type=kind, business_line=line), AT)
    assert duties.code_of(found) == code


def test_a_line_below_beats_the_line_above_and_the_type_beats_both():
    rows = [
        DutyLine(type="", business_line="", responsible="A"),
        DutyLine(type="", business_line="B-CC", responsible="B"),
        DutyLine(type="", business_line="B-CC-02", responsible="C"),
        DutyLine(type="CMP", business_line="", responsible="D"),
        DutyLine(type="CMP", business_line="B-CC", responsible="E"),
    ]

    def best(kind, *chain):
        found = duties.best(rows, kind, chain)
        return found.responsible if found else None

    assert best("INQ", "B-CC-02", "B-CC") == "C"
    assert best("INQ", "B-CC-01", "B-CC") == "B"
    assert best("INQ", "B-LN") == "A"
    assert best("CMP", "B-LN") == "D"
    assert best("CMP", "B-CC-02", "B-CC") == "E"
    assert duties.best([], "CMP", ()) is None


def test_roles_are_departments(shared_house, table):
    branch = unit("SZ", kind="branch")
    found = duties.roles(the_case(shared_house, business_line="B-BR-01", branch=branch), AT)
    assert (found.responsible, found.approves.code) == (branch, "CMPT")
    assert [one.code for one in found.told] == ["CSC"]
    found = duties.roles(the_case(shared_house, type="SUG", business_line="B-EB-01"), AT)
    assert found.responsible.code == "EBANK"
    assert duties.roles(the_case(shared_house), AT.replace(year=2001)).line is None


def edit(verb, draft, *args, code=..., expected=None):
    more = {} if code is ... else {"code": code}
    return verb(draft, *args, actor=SYSTEM, at=AT, expected=expected, **more)


def test_lines_are_added_changed_and_dropped(table):
    draft = rule_kinds.begin("duties", actor=SYSTEM, at=AT)
    line = duties.LineData("CMP", "B-CC", "CARD", "CMPT", ["RISK"], ["CSC"], "us")
    edit(duties.put_line, draft, line, code=None)
    changed = duties.LineData("CMP", "B-CC", "LOAN", "CMPT")
    edit(duties.put_line, draft, changed, code="CMP/B-CC")
    row = DutyLine.objects.get(rule_set=draft, type="CMP", business_line="B-CC")
    assert (row.responsible, row.consulted) == ("LOAN", [])
    assert [f.row for f in duties.check(draft) if f.code == "contradicts_duties"] == ["CMP/B-CC"]
    edit(duties.drop_line, draft, "CMP/B-CC")
    assert not DutyLine.objects.filter(pk=row.pk).exists()
    entries = JournalEntry.objects.filter(stream=f"rules:{draft.pk}", action="rules.edited")
    assert entries.count() == 3


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("type", {"type": "NO-SUCH", "responsible": "CARD"}),
        ("business_line", {"business_line": "NO-SUCH", "responsible": "CARD"}),
        ("business_line", {"business_line": "B-CC", "responsible": "CARD"}),  # there already
        ("responsible", {"type": "CMP"}),
        ("responsible", {"type": "CMP", "responsible": "NO-SUCH"}),
        ("approves", {"type": "CMP", "responsible": "@line", "approves": "@nobody"}),
        ("consulted", {"type": "CMP", "responsible": "@branch", "consulted": ["NO-SUCH"]}),
        ("origin", {"type": "CMP", "responsible": "CARD", "origin": "x" * 61}),
    ],
)
def test_a_field_that_cannot_be_kept_is_named(table, field, given):
    draft = rule_kinds.begin("duties", actor=SYSTEM, at=AT)
    with pytest.raises(FieldRefused) as refused:
        edit(duties.put_line, draft, duties.LineData(**given), code=None)
    assert refused.value.field == field
    assert str(refused.value)


def test_a_line_that_is_gone_is_refused(table):
    draft = rule_kinds.begin("duties", actor=SYSTEM, at=AT)
    with pytest.raises(RulesRefused):
        edit(duties.drop_line, draft, "CMP/B-LN")


def test_the_check_finds_what_does_not_exist_and_a_missing_rest(table):
    draft = rule_kinds.begin("duties", actor=SYSTEM, at=AT)
    unit("SHUT", active=False)
    lines = DutyLine.objects.filter(rule_set=draft)
    lines.filter(type="", business_line="").delete()
    lines.filter(type="", business_line="B-CC").update(responsible="SHUT", told=["SHUT"])
    lines.filter(type="PET").update(type="GONE")
    found = {(f.level, f.code, f.row) for f in duties.check(draft)}
    assert found >= {
        ("error", "no_catch_all", ""), ("error", "department", "*/B-CC"),
        ("warning", "department", "*/B-CC"), ("error", "unknown", "GONE/*"),
    }  # fmt: skip
