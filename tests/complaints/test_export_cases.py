"""What was exported can be loaded again; typed, formula-safe, masked, counted."""

import csv
import io
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from python_calamine import CalamineWorkbook

from complaints import exporting, intake
from complaints.choices import Status
from complaints.drafts import CaseDraft, HistoryFacts
from complaints.importing.own_layout import BY_KEY, COLUMNS
from complaints.models import Case, CaseClock, HandOver
from config.kernel import journal
from config.kernel.models import JournalEntry
from config.shared.actors import SYSTEM
from config.shared.scope import WHOLE_BANK
from config.shared.sheet_headers import heading_key
from config.shared.sheets import read_sheet
from staff.models import Department
from staff.roles import scope_of
from tests.complaints.importing_help import AT, lists_and_units
from tests.factories.staff import AccountFactory, PersonFactory

pytestmark = pytest.mark.django_db
WORDS = ["=1+1", "+86 138", "-5 是", "@sum", "'quoted", "a\nb\n\nc", 'say "hi", ok', "𠀀 emoji 🙂",
         "普通内容", "x;y\tz", "=cmd|' /C calc'!A0", "0012", "2024-01-05"]  # fmt: skip
NOT_KEPT = {"number", "registered_at", "is_history"}


@pytest.fixture(autouse=True)
def _bank():
    lists_and_units()


def opened(count: int, seed: int = 7) -> list[Case]:
    """Register cases of all kinds as history, with everything filled in at random."""
    dice = random.Random(seed)
    units = list(Department.objects.all())
    people = [PersonFactory.create() for _ in range(3)]
    drafts = [_draft(dice, n, units, people) for n in range(count)]
    results = intake.open_cases(drafts, actor=SYSTEM, at=AT)
    assert all(result.case for result in results), [r.refused for r in results if r.refused]
    return [result.case for result in results if result.case]


def _draft(dice, n, units, people) -> CaseDraft:
    some = lambda *values: dice.choice([None, *values])  # noqa: E731
    word = lambda: dice.choice([*WORDS, ""])  # noqa: E731
    received = AT - timedelta(days=dice.randrange(40, 900), minutes=dice.randrange(1440))
    closed = received + timedelta(hours=dice.randrange(1, 300))
    status = dice.choice([Status.CLOSED, Status.IN_PROGRESS, Status.NOTIFIED, Status.WITHDRAWN])
    return CaseDraft(
        type=dice.choice(["CMP", "SUG", "PRS", "INQ"]),
        intake_channel=dice.choice(["TEL", "WEB", "GOV", "OTH"]),
        business_line=some("B-CC", "B-LN-01", "B-DCOL-03"),
        business_channel=some("PRM", "MOB"),
        core_issue=f"{dice.choice(WORDS).splitlines()[0]} {n}",
        content=dice.choice(WORDS),
        demand=word(),
        expected_resolution=word(),
        product=dice.choice(["", "=Card", "白金卡"]),
        department=dice.choice(units),
        branch=some(*units),
        contact_name=dice.choice(["王小明", "O'Neil", "-"]),
        contact_phone=dice.choice(["", "13812342107", "+8613812342107"]),
        contact_email=dice.choice(["", "wang@example.com"]),
        severity=dice.randrange(1, 5),
        amount=some(Decimal("12.50"), Decimal("2000.00"), Decimal("99999999.99")),
        loss_amount=some(Decimal("0.00"), Decimal("1.01")),
        currency=dice.choice(["CNY", "USD"]),
        language=dice.choice(["en", "zh-hans"]),
        tier_at_receipt=dice.choice(["", "core", "ordinary"]),
        emotion=some(0, 3, 5),
        media_risk=dice.random() < 0.5,
        vulnerable=dice.random() < 0.5,
        group_size=dice.choice([1, 20]),
        received_at=received.replace(microsecond=0),
        received_precision=dice.choice(["minute", "day"]),
        occurred_on=some(received.date()),
        referral_number=dice.choice(["", "000123456789012345678"]),
        referral_body=dice.choice(["", "12345"]),
        referral_on=some(received.date()),
        external_due_at=some(closed.replace(microsecond=0)),
        promised_reply_at=some(closed.replace(microsecond=0)),
        external_ref=dice.choice(["", "00042", f"R{n}"]),
        imported_timely=some(True, False),
        history=HistoryFacts(
            status=status,
            outcome=dice.choice(["", "UPH", "NUP"]),
            cause=dice.choice(["", "A1", "C"]),
            answer=word(),
            findings=word(),
            basis=word(),
            objection_ways=word(),
            resolved_at=some(closed.replace(microsecond=0)),
            closed_at=closed.replace(microsecond=0) if status == Status.CLOSED else None,
            withdrawn_at=some(closed.replace(microsecond=0)),
            compensation=some(Decimal("10.00")),
            handler=some(*people),
        ),
    )


def values() -> list[list[object]]:
    """Return everything an export says about every case, without what a new register gives."""
    keep = [place for place, column in enumerate(COLUMNS) if column.key not in NOT_KEPT]
    rows = exporting.lines(Case.objects.order_by("pk").select_related(), WHOLE_BANK)
    found = [[line[place] for place in keep] for line in rows]
    return sorted(found, key=repr)


def empty_the_register() -> None:
    CaseClock.objects.all().delete()
    HandOver.objects.all().delete()
    Case.objects.update(repeat_of=None)
    Case.objects.all().delete()


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_exported_and_loaded_again_gives_equal_cases(tmp_path, ending, language, capsys):
    opened(60)
    before = values()
    file = tmp_path / f"cases.{ending}"
    with translation.override(language):
        call_command("export_cases", "--out", str(file))
        empty_the_register()
        call_command("import_cases", str(file))
    assert capsys.readouterr().err == ""
    assert values() == before
    call_command("import_cases", str(file))
    assert "0 created, 60 already there" in capsys.readouterr().out


def test_loading_an_export_into_its_own_register_changes_nothing(tmp_path, capsys):
    opened(10)
    file = tmp_path / "cases.csv"
    call_command("export_cases", "--out", str(file))
    entries = JournalEntry.objects.count()
    call_command("import_cases", str(file))
    assert "0 created, 10 already there" in capsys.readouterr().out
    assert (Case.objects.count(), JournalEntry.objects.count()) == (10, entries)


def test_the_first_columns_and_safe_text(tmp_path):
    opened(40)
    file = tmp_path / "cases.csv"
    call_command("export_cases", "--out", str(file))
    raw = file.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert rows[0][:5] == ["Name", "Contact", "Time (Asia/Shanghai)", "Content", "Status"]
    assert len(rows) == 41
    text_cells = [
        c for row in rows[1:] for c, col in zip(row, COLUMNS, strict=True) if col.kind == "text"
    ]
    assert not [c for c in text_cells if c[:1] in set("=+-@\t")]


def test_a_workbook_is_typed_and_says_how_many_rows(tmp_path):
    case = opened(3)[0]
    file = tmp_path / "cases.xlsx"
    call_command("export_cases", "--out", str(file), "--status", case.status)
    headings = [str(column.title) for column in COLUMNS]
    sheet = read_sheet(file, name=file.name, headers=headings, limit_rows=100)
    rows = list(sheet.rows)
    assert len(rows) == Case.objects.filter(status=case.status).count()
    assert all(isinstance(row.cells["Time"], datetime) for row in rows)
    assert {type(row.cells["Amount in dispute"]) for row in rows} <= {int, float, type(None)}
    about = CalamineWorkbook.from_path(str(file)).get_sheet_by_name("About this file").to_python()
    assert f"Rows: {len(rows)}" in {str(line[0]) for line in about}


def test_filters_of_the_command(tmp_path, capsys):
    opened(30)
    file = tmp_path / "x.csv"
    unit = Case.objects.order_by("pk")[0].department
    call_command("export_cases", "--out", str(file), "--department", unit.code)
    assert f"{Case.objects.filter(department=unit).count()} cases" in capsys.readouterr().out
    call_command("export_cases", "--out", str(file), "--from", "2025-01-01", "--to", "2025-06-30")
    start, end = datetime(2024, 12, 31, 16, tzinfo=UTC), datetime(2025, 6, 30, 16, tzinfo=UTC)
    wanted = Case.objects.filter(received_at__gte=start, received_at__lt=end).count()
    assert f"{wanted} cases" in capsys.readouterr().out
    call_command("export_cases", "--out", str(file), "--query", "status=closed&severity=4")
    wanted = Case.objects.filter(status="closed", severity=4).count()
    assert f"{wanted} cases" in capsys.readouterr().out


def test_an_export_is_recorded(tmp_path):
    opened(2)
    call_command("export_cases", "--out", str(tmp_path / "x.csv"))
    entry = journal.entries("ledger:exports").last()
    facts = journal.facts_of(entry)
    assert (entry.action, facts["count"], facts["query"]) == ("export.made", 2, "state=all")
    assert len(facts["sha256"]) == 64
    assert "2 rows" in journal.describe(entry)


@pytest.mark.parametrize(
    ("name", "words"), [("x.doc", "xlsx or .csv"), ("no/such/x.csv", "cannot be written")]
)
def test_a_file_that_cannot_be_written(tmp_path, name, words):
    with pytest.raises(CommandError, match=words):
        call_command("export_cases", "--out", str(tmp_path / Path(name)))


def test_masked_where_the_reader_may_not_see():
    case = opened(20)[0]
    account = AccountFactory.create(roles=["HD"], person__department=case.department)
    scope = scope_of(account, at=AT)
    export = exporting.Export(query="state=all", scope=scope, at=AT)
    rows = list(exporting.lines(export.cases(), scope))
    assert len(rows) == Case.objects.filter(department=case.department).count()
    place = {column.key: n for n, column in enumerate(COLUMNS)}
    phones = {row[place["contact"]] for row in rows}
    assert phones <= {"", "138 •••• 2107", "w••••@example.com"}
    assert {row[place["content"]] for row in rows} <= set(WORDS)
    analyst = scope_of(AccountFactory.create(roles=["QA"]), at=AT)
    rows = list(exporting.lines(exporting.Export("state=all", analyst, AT).cases(), analyst))
    assert len(rows) == 20
    assert {row[place["content"]] for row in rows} == {"[hidden]"}
    assert {row[place["name"]] for row in rows} <= {"王••", "O••••", "-"}


def test_an_officer_exports_at_most_5000_rows(monkeypatch):
    monkeypatch.setattr(exporting, "OFFICER_ROWS", 3)
    officer = AccountFactory.create(roles=["CO"])
    opened(5)
    Case.objects.update(officer=officer.person)
    scope = scope_of(officer, at=AT)
    export = exporting.Export("state=all", scope, AT, limit=exporting.row_limit(scope))
    with pytest.raises(exporting.ExportRefused, match="5 cases match"):
        export.count()


def test_no_two_columns_share_a_heading():
    keys = [heading_key(h) for column in COLUMNS for h in column.headings]
    assert len(keys) == len(set(keys))
    assert list(BY_KEY)[:5] == ["name", "contact", "time", "content", "status"]


def test_queries_do_not_grow_with_the_rows():
    opened(60)

    def cost(since: datetime) -> int:
        export = exporting.Export("state=all", WHOLE_BANK, AT, since=since)
        with CaptureQueriesContext(connection) as queries:
            assert list(exporting.lines(export.cases(), WHOLE_BANK))
        return len(queries)

    assert cost(AT - timedelta(days=150)) == cost(AT - timedelta(days=1000))
