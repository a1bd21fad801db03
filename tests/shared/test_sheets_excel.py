"""Workbooks: what parsers do to cells, choice of the sheet, and bombs."""

# ruff: noqa: DTZ001  cells of a sheet are naive

import io
import zipfile
from datetime import datetime

import pytest
import xlsxwriter

from config.shared.sheets import SheetError, SheetLimits, read_sheet
from tests.shared.nasty_files import (
    legacy_xls,
    lie_about_size,
    sheet_xml,
    workbook_of_rows,
    workbook_of_xml,
)


def read(data, headers=("Number", "Words"), limit_rows=1000, **more):
    return read_sheet(
        io.BytesIO(data), name="a.xlsx", headers=headers, limit_rows=limit_rows, **more
    )


def refused(data, *args, **more):
    with pytest.raises(SheetError) as caught:
        read(data, *args, **more)
    assert "%(" not in str(caught.value)
    return caught.value.code


def test_cells_come_back_as_they_were_meant():
    at, midnight = datetime(2024, 1, 5, 9, 5, 59), datetime(2024, 1, 5)
    data = workbook_of_rows(
        [
            ["Number", "Words", "When", "Day", "Share", "Yes"],
            [3, "x", at, midnight, 0.5, True],
            [],
            [4],
        ]
    )
    rows = list(read(data).rows)
    assert [row.number for row in rows] == [2, 4]
    assert list(rows[0].cells.values()) == [3, "x", at, midnight, 0.5, True]
    assert type(rows[0].cells["Number"]) is int
    assert list(rows[1].cells.values()) == [4, None, None, None, None, None]


def test_the_visible_sheet_with_most_headings_is_read():
    notes, table = [["Number", "of cases"]], [["Bank"], [], ["number ", "Ｗords"], [1, "a"]]
    sheet = read(workbook_of_rows(notes, table, [["Number", "Words"]], hidden=[2]))
    assert (sheet.sheet_name, sheet.header_row, sheet.headers) == (
        "Sheet 2",
        3,
        ("Number", "Words"),
    )
    hidden_first = read(workbook_of_rows(table, table, hidden=[0]))
    assert hidden_first.sheet_name == "Sheet 2"


def test_headings_merged_over_two_rows_and_away_from_the_corner():
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target)
    sheet = book.add_worksheet()
    sheet.merge_range("C3:C4", "Number")
    sheet.merge_range("D3:E3", "Customer")
    sheet.write_row("D4", ["Name", "Phone"])
    sheet.write_row("C5", ["1", "Li", "138"])
    book.close()
    found = read(target.getvalue(), ["Number", "Name", "Phone"])
    assert found.headers == ("Number", "Name", "Phone")
    assert [(row.number, row.cells) for row in found.rows] == [
        (5, {"Number": "1", "Name": "Li", "Phone": "138"})
    ]


def test_a_value_without_heading_is_a_fault():
    rows = list(
        read(workbook_of_rows([["Number", None, "Words"], [1, 2, "a"], [1, None, "b"]])).rows
    )
    assert [bool(row.fault) for row in rows] == [True, False]


def test_one_cell_in_the_last_corner_is_refused():
    corner = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    first = b'<row r="1"><c r="A1"><v>1</v></c></row>'
    assert refused(workbook_of_xml(sheet_xml(first + corner))) == "too_many_columns"
    tall = b'<row r="1048576"><c r="GR1048576" t="n" ><v>1</v></c></row>'
    assert refused(workbook_of_xml(sheet_xml(first + tall))) == "sheet_too_large"


def test_formatted_blank_cells_down_to_the_end_are_no_reason_to_refuse():
    text = b'<c r="%s" t="inlineStr"><is><t>%s</t></is></c>'
    rows = b'<row r="1">%s%s</row>' % (text % (b"A1", b"Number"), text % (b"B1", b"Words"))
    rows += b'<row r="2"><c r="A2"><v>7</v></c></row>'
    rows += b'<row r="1048576"><c r="XFD1048576" s="0"/></row>'
    assert [row.cells["Number"] for row in read(workbook_of_xml(sheet_xml(rows))).rows] == [7]


@pytest.mark.parametrize(
    "rows",
    [
        b"<row><c><v>1</v></c><c><v>2</v></c></row>",
        b'<row><c r="a1"><v>1</v></c><c r="ABCD1"><v>2</v></c></row>',
        b'<row><x:c r="&#65;1"><v>1</v></x:c></row>',
        b'<row><c r="A99999999"><v>1</v></c></row>',
        b'<!DOCTYPE x [<!ENTITY a "b">]><row/>',
        b'<row><c r="A2000000"><v>1</v></c></row>',
    ],
)
def test_cells_whose_place_cannot_be_checked_are_refused(rows):
    assert refused(workbook_of_xml(sheet_xml(rows))) == "unusual"


def test_places_split_over_pieces_and_odd_spellings_are_seen():
    filler = b"<!--" + b"x" * (1 << 20) + b"-->"
    odd = b"<row><x:c\n s='1'\tr = 'xfd5'\n><v>1</v></x:c></row>"
    assert refused(workbook_of_xml(sheet_xml(filler[:-20] + b"-->" + odd))) == "too_many_columns"


def test_a_sheet_in_another_alphabet_is_refused():
    xml = sheet_xml(b'<row r="1"><c r="XFD1"><v>1</v></c></row>').decode().encode("utf-16")
    assert refused(workbook_of_xml(xml)) == "unusual"


def test_a_million_rows_in_a_small_file_are_refused_soon():
    cell = b'<row r="%d"><c r="A%d"><v>1</v></c></row>'
    rows = b"".join(cell % (n, n) for n in range(1, 200_001))
    data = workbook_of_xml(sheet_xml(rows))
    assert refused(data, [], limit_rows=100_000) == "too_many_rows"


def test_rows_are_counted_exactly_at_the_limit():
    data = workbook_of_rows([["Number"], *[[n] for n in range(5)]])
    assert len(list(read(data, limit_rows=5).rows)) == 5
    assert refused(data, limit_rows=4) == "too_many_rows"


def test_unpacked_size_is_measured_and_not_believed():
    data = workbook_of_xml(sheet_xml(b" " * 3_000_000))
    small = SheetLimits(unpacked_size=1_000_000)
    assert refused(data, limits=small) == "unpacks_too_large"
    lying = lie_about_size(data, "xl/worksheets/sheet1.xml", 10)
    assert refused(lying, limits=small) == "unpacks_too_large"
    packed_hard = workbook_of_xml(sheet_xml(b"<row/>" * 2_000_000))
    assert refused(packed_hard) == "unpacks_too_large"


def archive(**entries):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name, body in entries.items():
            made.writestr(name, body)
    return target.getvalue()


def test_archives_that_are_no_workbook_are_refused():
    whole = workbook_of_rows([["Number"]])
    assert refused(archive(readme="x")) == "not_a_sheet"
    assert refused(whole[: len(whole) // 2]) == "damaged"
    assert refused(b"PK\x03\x04" + b"x" * 200) == "damaged"
    assert refused(archive(**{f"e{n}": "" for n in range(2001)})) == "unusual"
    at = whole.index(b"xl/worksheets/sheet1.xml") + 60
    assert refused(whole[:at] + b"\xff" * 40 + whole[at + 40 :]) == "damaged"


def test_a_workbook_without_the_headings_is_refused():
    assert refused(workbook_of_rows([["x", "y"], [1, 2]])) == "no_header"
    assert refused(workbook_of_rows([[]])) == "no_header"


def test_a_legacy_workbook_is_read_in_its_own_process(tmp_path):
    path = tmp_path / "old.xls"
    path.write_bytes(legacy_xls([["清单"], ["Number", "Words"], [1.0, "客户投诉"], [2.5, "b"]]))
    sheet = read_sheet(path, name="old.xls", headers=["Number", "Words"], limit_rows=9)
    assert (sheet.sheet_name, sheet.header_row) == ("S", 2)
    assert [row.cells for row in sheet.rows] == [
        {"Number": 1, "Words": "客户投诉"},
        {"Number": 2.5, "Words": "b"},
    ]


def test_a_damaged_or_greedy_legacy_workbook_is_refused():
    good = legacy_xls([["Number", "Words"], [1.0, "a"]])
    assert refused(good[:700]) == "damaged"
    wide = legacy_xls([["Number"], *[[] for _ in range(65_534)], [""] * 255 + [1.0]])
    assert refused(wide, limits=SheetLimits(memory=400 * 1024**2)) == "damaged"
