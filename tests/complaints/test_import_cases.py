"""Tables of cases: good ones are loaded once each, bad ones are refused in words."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from complaints import intake
from complaints.choices import Severity, Status
from complaints.importing.checking import Sorter
from complaints.importing.running import Loader, load_table
from complaints.importing.table import open_table
from complaints.models import Case, CaseClock
from config.shared.actors import SYSTEM
from staff.models import Department
from tests.complaints.importing_help import (
    as_csv,
    cfpb_row,
    lists_and_units,
    load_defaults_for_clocks,
)
from tests.factories.customers import CustomerFactory
from tests.shared.nasty_files import workbook_of_rows

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _bank():
    lists_and_units()


def load(tmp_path: Path, content: bytes, *options: str, name: str = "cases.csv") -> str:
    """Run the command on a file of this content; returns what it printed."""
    file, out = tmp_path / name, io.StringIO()
    file.write_bytes(content)
    call_command("import_cases", str(file), *options, stdout=out, stderr=out)
    return out.getvalue()


def own_row(**changes: str) -> dict[str, str]:
    row = {
        "Name": "王小明",
        "Contact": "13812342107",
        "Time": "2024-03-05 09:30",
        "Content": "手机银行转账失败",
        "Status": "Closed",
        "Closed at": "2024-03-07 17:00",
        "Department": "CARD",
    }
    return row | changes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\x81\x20\xff\xfe\x00 nothing", ""),
        (b"a,b\n1,2\n", "headings"),
        (b"Date received,Product,Issue\n2019-01-01,Mortgage,x\n", "Complaint ID"),
        (b"Time,Name\n2024-01-01,A\n", "Content"),
        (b"Time,Content\n", "no rows"),
        (b'Time,Content\n2024-01-01,"open\n2024-01-02,b\n', "quote"),
        (b"Time,Content,Time\n2024-01-01,a,b\n", "more than one column"),
        (b"Time,Content\n2024-01-01,a\x00b\n", ""),
        (b"%PDF-1.7 not a table", ""),
        (b"PK\x03\x04 broken", ""),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(tmp_path, content, words):
    with pytest.raises(CommandError) as refused:
        load(tmp_path, content)
    assert words in str(refused.value)
    assert len(str(refused.value)) > 15
    assert Case.objects.count() == 0


def test_a_missing_file_is_refused_in_words():
    with pytest.raises(CommandError, match="cannot be opened"):
        call_command("import_cases", "/nowhere/cases.csv")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Time": "2099-01-01"}, "future"),
        ({"Time": "05.06.2024"}, "year first"),
        ({"Time": "2024-02-31"}, "not a date of the calendar"),
        ({"Time": ""}, "cell is empty"),
        ({"Content": ""}, "cell is empty"),
        ({"Content": "x" * 60_001}, "60001 characters"),
        ({"Name": "x" * 121}, "121 characters"),
        ({"Status": "Clsoed"}, "Did you mean Closed?"),
        ({"Type": "Complaimt"}, "Did you mean Complaint?"),
        ({"Department": "CRAD"}, "Did you mean CARD?"),
        ({"Handler": "Feng Nana"}, "not known here"),
        ({"Closed at": ""}, "needs the time of closing"),
        ({"Closed at": "2024-03-01"}, "before the customer's words"),
        ({"Amount in dispute": "2,50"}, "not an amount"),
        ({"Emotion": "9"}, "between 0 and 5"),
        ({"Status": "merged"}, "load the case they led to"),
    ],
)
def test_a_bad_cell_is_told_and_the_other_rows_are_loaded(tmp_path, change, words):
    rows = [own_row(**dict.fromkeys(change, "")) | own_row(), own_row(Content="另一件事")]
    rows[0] |= change
    told = load(tmp_path, as_csv(rows))
    assert words in told
    assert "Row 2" in told
    assert "1 created, 0 already there" in told
    assert Case.objects.get().content == "另一件事"


def test_when_no_row_is_usable_the_command_fails(tmp_path):
    with pytest.raises(CommandError, match="No row"):
        load(tmp_path, as_csv([own_row(Time="soon")]))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_list_typed_by_hand_in_chinese(tmp_path, encoding, delimiter):
    row = {
        "姓名": "王小明", "联系方式": "138 1234 2107", "时间": "2024年3月5日",
        "内容": "转账一直失败", "处理状态": "closed", "办结时间": "2024-03-07",
        "业务类别": "信用卡",
        "受理渠道": "客服热线", "部门": "CARD部", "金额": "¥2,000",
    }  # fmt: skip
    top = "2024年投诉台账\r\n\r\n"
    content = as_csv([row], encoding=encoding, delimiter=delimiter, above=top)
    assert "1 created" in load(tmp_path, content)
    case = Case.objects.select_related("business_line", "intake_channel", "department").get()
    assert (case.contact_name, case.content) == ("王小明", "转账一直失败")
    assert (case.business_line.code, case.intake_channel.code) == ("B-CC", "TEL")
    assert (case.department.code, case.amount, case.status) == ("CARD", 2000, Status.CLOSED)
    assert case.received_precision == "day"
    assert case.is_history
    assert "0 created, 1 already there" in load(tmp_path, content)


def test_totals_repeated_headings_and_repeated_rows_are_no_cases(tmp_path):
    rows = [cfpb_row(1), cfpb_row(2), cfpb_row(1), cfpb_row(2, State="NY")]
    rows.append(dict(zip(rows[0], rows[0], strict=True)))
    rows.append({"Date received": "Total", "Product": "", "Complaint ID": ""})
    told = load(tmp_path, as_csv(rows))
    assert "2 created, 0 already there, 2 repeated, 2 left out, 0 with errors" in told
    assert Case.objects.count() == 2


def test_a_row_that_swallowed_others_is_an_error(tmp_path):
    good = as_csv([cfpb_row(n) for n in range(1, 4)]).decode().splitlines()
    good[2] = good[2].replace("FHA mortgage", '"FHA mortgage')
    good[3] = good[3].replace("FHA mortgage", 'FHA mortgage"')
    with pytest.raises(CommandError):
        load(tmp_path, "\n".join([good[0], good[2], good[1], good[3]]).encode())
    assert Case.objects.count() == 0


@pytest.mark.parametrize(
    ("days", "read"),
    [
        (["07/10/2017", "07/25/2017"], [(7, 10), (7, 25)]),
        (["25/07/2017", "10/07/2017"], [(7, 25), (7, 10)]),
    ],
)
def test_the_order_of_day_and_month_is_told_by_the_column(tmp_path, days, read):
    rows = [cfpb_row(n, **{"Date received": day}) for n, day in enumerate(days)]
    for row in rows:
        row["Date sent to company"] = row["Date received"]
    load(tmp_path, as_csv(rows))
    found = [timezone.localtime(c.received_at) for c in Case.objects.order_by("external_ref")]
    assert [(day.month, day.day) for day in found] == read


def test_other_columns_and_older_products_of_the_cfpb(tmp_path):
    rows = [
        {"complaint_id": "1", "product": "Bank account or service", "date_received": "2015-04-06",
         "submitted_via": "Web Referral", "company_response": "Closed with relief"},
        {"complaint_id": "2", "product": "Prepaid card", "date_received": "2015-04-07",
         "submitted_via": "Carrier pigeon", "company_response": "Closed"},
        {"complaint_id": "3", "product": "Time shares", "date_received": "2015-04-08",
         "submitted_via": "Fax", "company_response": "Untimely response"},
    ]  # fmt: skip
    told = load(tmp_path, as_csv(rows))
    assert "3 created" in told
    found = {
        case.external_ref: case for case in Case.objects.select_related("department", "outcome")
    }
    assert [found[n].department.code for n in "123"] == ["RETAIL", "CARD", "CMPT"]
    assert [found[n].intake_channel.code for n in "123"] == ["GOV", "OTH", "LTR"]
    assert [found[n].outcome and found[n].outcome.code for n in "123"] == ["UPH", "NUP", None]
    assert found["1"].source_facts["words_missing"]
    assert found["1"].content == "Bank account or service"


def test_a_workbook_of_several_sheets(tmp_path):
    rows = [list(cfpb_row(1)), *[list(cfpb_row(n).values()) for n in range(1, 6)]]
    book = workbook_of_rows([["notes"], ["made on Monday"]], rows)
    assert "5 created" in load(tmp_path, book, name="cases.xlsx")


def test_department_rules_of_a_file(tmp_path):
    rules = tmp_path / "map.csv"
    rules.write_text("product_prefix,department\nMort,Law部\nMortgage,LAW\n", encoding="utf-8")
    load(tmp_path, as_csv([cfpb_row(1)]), "--departments", str(rules))
    assert Case.objects.get().department.code == "LAW"
    rules.write_text("product_prefix,department\nMortgage,Nobody\n", encoding="utf-8")
    with pytest.raises(CommandError, match="no department of the bank"):
        load(tmp_path, as_csv([cfpb_row(2)]), "--departments", str(rules))
    assert Department.objects.filter(name_en="Nobody").count() == 0


def test_young_open_rows_begin_to_live_and_old_ones_are_history(tmp_path):
    now = timezone.localtime()
    young = (now - timedelta(days=2)).strftime("%Y-%m-%d %H:%M")
    load_defaults_for_clocks()
    row = {"Status": "", "Closed at": ""}
    rows = [own_row(**row | {"Time": young}), own_row(**row | {"Content": "old"})]
    assert "2 created" in load(tmp_path, as_csv(rows))
    live, old = Case.objects.order_by("-received_at")
    assert not live.is_history
    assert CaseClock.objects.filter(case=live).exists()
    assert old.is_history
    assert old.status == Status.RECEIVED
    assert not CaseClock.objects.filter(case=old).exists()


def test_customers_are_linked_and_unknown_ones_remembered(tmp_path):
    known = CustomerFactory.create()
    rows = [own_row(), own_row(Content="b")]
    for row, number in zip(rows, [known.number, "K12345678"], strict=True):
        row["Customer number"] = number
    load(tmp_path, as_csv(rows))
    linked, loose = Case.objects.order_by("pk")
    assert linked.customer == known
    assert loose.customer is None
    assert loose.source_facts["customer_number"] == "K12345678"


def test_a_dry_run_stores_nothing(tmp_path):
    told = load(tmp_path, as_csv([cfpb_row(1), cfpb_row(2)]), "--dry-run")
    assert "2 would be created" in told
    assert Case.objects.count() == 0


def test_a_limit_loads_the_first_rows(tmp_path):
    assert "2 created" in load(tmp_path, as_csv([cfpb_row(n) for n in range(5)]), "--limit", "2")


def test_tags_and_severity(tmp_path):
    load(tmp_path, as_csv([cfpb_row(1, Tags="Older American, Servicemember")]))
    case = Case.objects.get()
    assert case.vulnerable
    assert case.severity == Severity.MEDIUM


def test_killed_in_the_third_chunk_and_run_again_each_row_comes_once(tmp_path, monkeypatch):
    file = tmp_path / "many.csv"
    file.write_bytes(as_csv([cfpb_row(n) for n in range(1000)]))
    calls, open_cases = [], intake.open_cases

    def dies(*args, **kwargs):
        calls.append(1)
        opened = open_cases(*args, **kwargs)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return opened

    monkeypatch.setattr(intake, "open_cases", dies)
    with pytest.raises(KeyboardInterrupt):
        call_command("import_cases", str(file))
    assert Case.objects.count() == 400
    counts = load_table(open_table(lambda: file, name=file.name), Loader(SYSTEM), now=timezone.now)
    assert (counts["existing"], counts["new"], counts["rows"]) == (400, 600, 1000)
    assert Case.objects.count() == 1000
    numbers = sorted(Case.objects.values_list("number", flat=True))
    assert [int(number[-7:]) for number in numbers] == list(range(1, 1001))


@pytest.mark.parametrize("kind", ["cfpb", "own"])
def test_a_chunk_costs_the_same_number_of_queries_whatever_its_size(tmp_path, kind):
    def cost(first: int, count: int) -> int:
        numbers = range(first, first + count)
        rows = [
            cfpb_row(n) if kind == "cfpb" else own_row(Content=f"t{n}", Name="") for n in numbers
        ]
        file = tmp_path / f"{first}.csv"
        file.write_bytes(as_csv(rows))
        at = timezone.now()
        chunk = list(open_table(lambda: file, name=file.name).rows(at))
        with CaptureQueriesContext(connection) as queries:
            Loader(SYSTEM).load(chunk, Sorter(), at=at)
        assert Case.objects.count() >= count
        assert len(queries) < 60
        return sum(1 for query in queries if query["sql"].startswith("SELECT"))

    cost(0, 3)
    assert cost(100, 3) == cost(200, 60) <= 12  # inserts are cut by the engine's limit of values
