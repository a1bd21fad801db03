"""Files we hand out: typed, formula-safe, honest about zone and number of rows."""

# ruff: noqa: DTZ001  cells of a sheet are naive

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.shared import workbook
from config.shared.formula_guard import guard, looks_like_formula, unguard
from config.shared.sheet_writing import Column, write_csv, write_xlsx
from config.shared.sheets import read_sheet

ZONE = ZoneInfo("Asia/Shanghai")
COLUMNS = [
    Column("number", "Number", "text"),
    Column("received_at", "Received at", "datetime", 20),
    Column("due_on", "Due on", "date"),
    Column("amount", "Amount", "decimal"),
    Column("count", "Count", "int"),
    Column("media", "Media", "bool"),
]
ROW = (
    "C-1",
    datetime(2024, 12, 31, 16, 30, 5, 999, tzinfo=UTC),
    date(2025, 1, 2),
    Decimal("-2000.50"),
    -3,
    True,
)
PAYLOADS = [
    "=1+1",
    "==1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    " =1",
    "\u3000＝1",
    "\u200b=1",
    "\ufeff@x",
    "＋1",
    "﹣1",
    "\r=1",
    "\n1",
    "\tplain",
    "\u2066=1",
    '=HYPERLINK("http://x")',
    "=cmd|' /C calc'!A0",
]


def written_xlsx(rows, columns=COLUMNS, **more):
    target = io.BytesIO()
    count = write_xlsx(target, columns, rows, zone=ZONE, **more)
    return count, openpyxl.load_workbook(io.BytesIO(target.getvalue()))


def written_csv(rows, columns=COLUMNS):
    target = io.BytesIO()
    count = write_csv(target, columns, rows, zone=ZONE)
    return count, target.getvalue()


def test_workbook_cells_are_typed_and_times_are_local():
    count, book = written_xlsx([ROW, ("C-2", *(None,) * 5)], title_note="Cases of 2024")
    sheet = book.worksheets[0]
    head, first, second = list(sheet.values)
    assert count == 2
    assert head[1] == "Received at (Asia/Shanghai)"
    assert first == ("C-1", datetime(2025, 1, 1, 0, 30, 5), datetime(2025, 1, 2), -2000.5, -3, True)
    assert second == ("C-2", *(None,) * 5)
    assert sheet.freeze_panes == "A2"
    notes = [row[0] for row in book.worksheets[-1].values]
    assert notes == ["Cases of 2024", "Rows: 2", "Times are local times of Asia/Shanghai."]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_never_becomes_a_formula(payload):
    _count, book = written_xlsx([[payload]], [Column("a", payload)])
    assert {cell.data_type for row in book.worksheets[0] for cell in row} <= {"s", "n"}
    assert all(cell.data_type != "f" for sheet in book for row in sheet for cell in row)
    assert book.worksheets[0]["A2"].quotePrefix
    _count, data = written_csv([[payload]], [Column("a", payload)])
    for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))):
        assert row[0].startswith("'")


def test_numbers_and_harmless_text_are_not_marked_in_csv():
    _count, data = written_csv([ROW, ("plain, 'x'", None, None, 0, 1.5, False)])
    assert data.decode("utf-8-sig").splitlines() == [
        "Number,Received at (Asia/Shanghai),Due on,Amount,Count,Media",
        "C-1,2025-01-01 00:30:05,2025-01-02,-2000.5,-3,TRUE",
        "\"plain, 'x'\",,,0,1.5,FALSE",
    ]
    assert data.startswith(b"\xef\xbb\xbf")


def test_values_a_spreadsheet_cannot_hold_become_text():
    row = ["a", "soon", date(1899, 1, 1), Decimal("1234567890123456.78"), float("nan"), "maybe"]
    _count, book = written_xlsx([row])
    assert list(book.worksheets[0].values)[1] == (
        "a",
        "soon",
        "1899-01-01",
        "1234567890123456.78",
        "nan",
        "maybe",
    )


def test_bad_letters_are_shown_and_long_texts_cut_with_a_mark():
    column = [Column("a", "A")]
    _count, book = written_xlsx(
        [["x\x00\x1b\ud800\uffffy\r\nz"], ["😀" * 20_000], ["b" * 32_767]], column
    )
    cells = [row[0] for row in book.worksheets[0].values][1:]
    assert cells[0] == "x����y\nz"
    assert cells[1].endswith("… [shortened]")
    assert 32_760 <= len(cells[1].encode("utf-16-le")) // 2 <= 32_767
    assert cells[2] == "b" * 32_767
    assert "Texts longer than a cell can hold were shortened: 1" in str(
        [row[0] for row in book.worksheets[-1].values]
    )


def test_the_table_goes_on_in_a_further_sheet(monkeypatch):
    monkeypatch.setattr(workbook.Workbook.__init__, "__kwdefaults__", {"sheet_rows": 4})
    count, book = written_xlsx([[n] for n in range(7)], [Column("n", "N", "int")])
    assert count == 7
    assert book.sheetnames == ["Data", "Data 2", "Data 3", "About this file"]
    tables = [[row[0] for row in sheet.values] for sheet in book.worksheets[:3]]
    assert tables == [["N", 0, 1, 2], ["N", 3, 4, 5], ["N", 6]]


@pytest.mark.parametrize("write", [write_xlsx, write_csv])
def test_a_failing_row_leaves_no_file(tmp_path, write):
    def rows():
        yield ["a"]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write(tmp_path / "out", [Column("a", "A")], rows(), zone=ZONE)
    with pytest.raises(ValueError, match="zip"):
        write(tmp_path / "out", [Column("a", "A")], [["a", "b"]], zone=ZONE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_xlsx, write_csv])
def test_what_we_write_we_read(tmp_path, write):
    columns = [*COLUMNS, Column("words", "Words")]
    rows = [(*ROW, payload) for payload in PAYLOADS if payload.isprintable()]
    assert write(tmp_path / "out", columns, rows, zone=ZONE) == len(rows)
    titles = [str(column.title) for column in columns]
    sheet = read_sheet(tmp_path / "out", name="out", headers=titles, limit_rows=99)
    assert sheet.headers == tuple(titles)
    read = list(sheet.rows)
    assert [row.cells["Words"] for row in read] == [row[-1] for row in rows]
    assert {row.fault for row in read} == {None}


def test_an_empty_export_has_headings_only():
    count, book = written_xlsx([])
    assert (count, book.worksheets[0].max_row) == (0, 1)
    count, data = written_csv([])
    assert (count, data.count(b"\r\n")) == (0, 1)


def test_links_stay_text():
    target = io.BytesIO()
    write_xlsx(target, [Column("a", "A")], [["http://bank.example/a"]], zone=ZONE)
    with zipfile.ZipFile(io.BytesIO(target.getvalue())) as archive:
        assert b"hyperlink" not in archive.read("xl/worksheets/sheet1.xml")


@given(st.text(max_size=8))
@example("'=1")
@example("''@")
@example("'\t")
def test_the_guard_is_safe_and_comes_off_again(text):
    assert not looks_like_formula(guard(text))
    assert unguard(guard(text)) == text
