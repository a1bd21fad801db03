import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import translation

from config.kernel import journal, terms
from config.kernel.defaults import terms as default_terms
from config.kernel.management.commands import run_due
from config.kernel.models import JournalEntry, Term
from config.shared.actors import SYSTEM, Actor
from config.shared.registry import DueWork

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
ADA = Actor("person", 7, "Ada 安")

pytestmark = pytest.mark.django_db


@pytest.fixture
def loaded():
    return default_terms.load(SYSTEM, AT)


@pytest.fixture
def file(monkeypatch, tmp_path):
    """Let a changed terms.json be loaded."""
    content = json.loads(default_terms.SOURCE.read_text(encoding="utf-8"))
    target = tmp_path / "terms.json"
    monkeypatch.setattr(default_terms, "SOURCE", target)

    def write():
        target.write_text(json.dumps(content), encoding="utf-8")
        return default_terms.load(SYSTEM, AT)

    write.lists = content["taxonomies"]
    return write


def test_the_lists_of_the_domain_are_there(loaded):
    assert loaded == Term.objects.count() > 200
    counts = {"feedback_type": 8, "intake_channel": 29, "cause": 38, "outcome": 9, "remedy": 14}
    assert {name: len(terms.of(name)) for name in counts} == counts
    assert [term.code for term in terms.of("emotion")] == list("012345")


def test_code_reads_flags(loaded):
    assert terms.get("feedback_type", "TIP").flags["restricted"] is True
    assert {term.code for term in terms.flagged("feedback_type", "regulatory")} == {"CMP", "PET"}
    assert terms.get("business_line", "B-CC-01").flags["owner"] == "CARD"
    assert terms.get("outcome", "WDR").flags["upheld"] is None
    assert {term.code for term in terms.flagged("remedy", "money")} == {"REF", "COM", "GWL", "WAI"}
    assert len(terms.flagged("intake_channel", "referral")) == 6


def test_every_name_is_in_both_languages_and_written_like_a_label(loaded):
    for term in Term.objects.all():
        assert term.name_en[:1] == term.name_en[:1].upper()
        assert "(own" not in term.name_en
        assert any("\u4e00" <= sign <= "\u9fff" for sign in term.name_zh)


def test_children_stand_behind_their_parents(loaded):
    codes = [term.code for term in terms.of("cause")]
    assert codes[:7] == ["A", "A1", "A2", "A3", "A4", "A5", "B"]
    child = terms.get("cause", "B2")
    assert child.parent.code == "B"
    with translation.override("zh-hans"):
        assert terms.path(child) == "沟通不畅 › 诉求表达受阻"


def test_reading_a_list_costs_one_query(loaded, django_assert_num_queries):
    with django_assert_num_queries(1):
        terms.choices("business_line")


def test_a_second_load_changes_nothing(loaded):
    entries = JournalEntry.objects.count()
    assert default_terms.load(SYSTEM, AT) == 0
    assert JournalEntry.objects.count() == entries


def test_a_newer_file_corrects_what_nobody_touched(file):
    file()
    file.lists["reward"][0]["zh"] = "会员积分"
    file.lists["reward"].append({"code": "NEW", "en": "New", "zh": "新", "flags": {}})
    assert file() == 2
    assert terms.get("reward", "PTS").name_zh == "会员积分"
    assert journal.entries(terms.get("reward", "PTS").stream).count() == 2
    assert file() == 0


def test_what_an_admin_changed_stays(file):
    file()
    term = terms.get("reward", "PTS")
    term.name_en = "Loyalty points"
    assert terms.change(term, ["name_en"], actor=ADA, at=AT)
    file.lists["reward"][0]["en"] = "Bonus points"
    assert file() == 0
    assert terms.get("reward", "PTS").name_en == "Loyalty points"


def test_a_switched_off_term_stays_off(file):
    file()
    term = terms.get("reward", "VOU")
    term.active = False
    terms.change(term, ["active"], actor=ADA, at=AT)
    file.lists["reward"][1]["en"] = "Gift voucher"
    file()
    assert terms.get("reward", "VOU").active is False
    assert "VOU" not in [x.code for x in terms.of("reward")]
    assert "VOU" in [x.code for x in terms.of("reward", active_only=False)]


def test_terms_have_their_days(loaded):
    Term.objects.filter(taxonomy="reward", code="GFT").update(valid_to=date(2026, 6, 30))
    assert "GFT" in [x.code for x in terms.of("reward", on=date(2026, 6, 30))]
    assert "GFT" not in [x.code for x in terms.of("reward", on=date(2026, 7, 1))]


def test_a_stale_edit_is_refused_and_names_of_lists_never_change(loaded):
    first, second = terms.get("reward", "PTS"), terms.get("reward", "PTS")
    first.name_en, second.name_en = "One", "Two"
    assert terms.change(first, ["name_en"], actor=ADA, at=AT)
    assert not terms.change(second, ["name_en"], actor=ADA, at=AT)
    assert terms.get("reward", "PTS").name_en == "One"
    with pytest.raises(ValueError, match="never change"):
        terms.change(first, ["code"], actor=ADA, at=AT)


def test_a_code_is_used_once(loaded):
    double = Term(taxonomy="reward", code="PTS", name_en="x", name_zh="某")
    with pytest.raises(IntegrityError), transaction.atomic():
        terms.add(double, actor=ADA, at=AT)


def test_load_defaults_twice_is_the_same_as_once():
    call_command("load_defaults", stdout=StringIO())
    again = StringIO()
    call_command("load_defaults", stdout=again)
    lines = again.getvalue().splitlines()
    assert "terms: 0" in lines
    assert [line for line in lines if not line.endswith(": 0")] == []


@pytest.fixture
def works(monkeypatch):
    found = {}
    monkeypatch.setattr(run_due, "contributed", lambda _kind: found)

    def add(key, verb):
        found[key] = DueWork(key, verb, timedelta(minutes=1))

    return add


def test_one_failing_work_does_not_stop_the_others(works, caplog):
    def broken(_at):
        raise RuntimeError

    seen = []
    works("first", lambda at: seen.append(at) or 2)
    works("broken", broken)
    works("last", lambda at: seen.append(at) or 3)
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="failed: broken"):
        call_command("run_due", at="2026-11-20T10:00:00", stdout=out, stderr=err)
    assert out.getvalue().split("\n")[:2] == ["first: 2", "last: 3"]
    assert "broken: failed (RuntimeError)" in err.getvalue()
    assert seen == [AT, AT]  # no zone = the bank's own


def test_run_due_runs_every_work_once():
    out = StringIO()
    call_command("run_due", at=AT.isoformat(), stdout=out)
    assert "outbox: 0" in out.getvalue()


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-40T00:00"])
def test_an_odd_moment_is_refused_in_words(text):
    with pytest.raises(CommandError, match="ISO 8601"):
        call_command("run_due", at=text)
