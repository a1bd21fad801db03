"""Text tables: encodings, delimiters, junk above the header, and every way to be broken."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.shared.sheets import SheetError, SheetLimits, read_sheet

HEADERS = ["客户编号", "姓名", "投诉内容"]
BODY = (
    "客户编号,姓名,投诉内容\r\n"
    "K0001,王小明,信用卡被重复扣款，请尽快处理\r\n"
    "K0002,李丽,手机银行无法登录\r\n"
)
TRADITIONAL_HEADERS = ["客戶編號", "姓名", "投訴內容"]
TRADITIONAL = "客戶編號,姓名,投訴內容\r\nK0001,王小明,信用卡被重複扣款，請儘快處理\r\n"


def read(data, headers=HEADERS, name="a.csv", limit_rows=1000, **more):
    source = io.BytesIO(data if isinstance(data, bytes) else data.encode())
    return read_sheet(source, name=name, headers=headers, limit_rows=limit_rows, **more)


def refused(data, *args, **more):
    with pytest.raises(SheetError) as caught:
        read(data, *args, **more)
    assert "%(" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (BODY.encode(), "utf-8"),
        (BODY.encode("utf-8-sig"), "utf-8-sig"),
        (BODY.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + BODY.encode("utf-16-be"), "utf-16"),
        (BODY.encode("gbk"), "gb18030"),
        (BODY.replace("李", "㐂𠮷").encode("gb18030"), "gb18030"),
    ],
)
def test_chinese_encodings_are_told_apart(encoded, expected):
    sheet = read(encoded)
    assert sheet.encoding == expected
    assert sheet.headers == tuple(HEADERS)
    assert next(sheet.rows).cells["姓名"] == "王小明"


@pytest.mark.parametrize("headers", [TRADITIONAL_HEADERS, ["number", "name", "words"]])
def test_big5_is_known_by_its_headings_or_by_its_everyday_letters(headers):
    text = TRADITIONAL if headers == TRADITIONAL_HEADERS else TRADITIONAL + "number,name,words\r\n"
    sheet = read(text.encode("big5"), headers)
    assert sheet.encoding == "cp950"


def test_gbk_without_known_headings_is_not_taken_for_big5():
    assert read(BODY.encode("gbk"), []).encoding == "gb18030"


def test_a_western_code_page_is_refused_in_words():
    error = refused("number,réclamation\r\n1,dévouée éternité à la carte\r\n".encode("cp1252"), [])
    assert error.code == "encoding"
    assert "UTF-8" in str(error)


def test_a_damaged_utf16_file_is_refused():
    assert refused(b"\xff\xfea\x00b").code == "encoding"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_by_the_header(delimiter):
    text = "a,b;c|d\n" + delimiter.join(HEADERS) + "\n" + delimiter.join(["1", "2", "3"]) + "\n"
    sheet = read(text)
    assert (sheet.delimiter, sheet.header_row) == (delimiter, 2)
    assert next(sheet.rows).cells == dict(zip(HEADERS, "123", strict=True))


def test_the_separator_line_of_excel_is_obeyed():
    sheet = read("sep=;\nName;Words\na;b,c\n", [])
    assert sheet.headers == ("Name", "Words")
    assert [row.cells for row in sheet.rows] == [{"Name": "a", "Words": "b,c"}]


def test_lines_above_the_header_are_skipped_and_rows_keep_their_line_numbers():
    text = (
        'Bank "report" 2024\n\nprinted,2024-01-05\n' + 'Number, NAME ,Words:\n1,Li,"a\nb"\n\n2,Wu,c'
    )
    sheet = read(text, ["number", "name", "words"])
    assert sheet.headers == ("number", "name", "words")
    assert [(row.number, row.cells["words"]) for row in sheet.rows] == [(5, "a\nb"), (8, "c")]


def test_our_own_zone_in_a_heading_does_not_count():
    sheet = read("Number,Received at (Asia/Shanghai)\n1,2024-01-05 09:00:00\n", ["Received at"])
    assert sheet.headers == ("Number", "Received at")


def test_blank_cells_are_none_and_short_rows_are_filled():
    sheet = read("a,b,c\n1, ,\n2\n", ["a", "b", "c"])
    assert [row.cells for row in sheet.rows] == [
        {"a": "1", "b": None, "c": None},
        {"a": "2", "b": None, "c": None},
    ]


def test_a_row_with_too_many_cells_has_a_fault_and_the_others_have_none():
    rows = list(read("a,b\n1,2\n3,4,5\n6,7,,\n", ["a", "b"]).rows)
    assert [bool(row.fault) for row in rows] == [False, True, False]
    assert "C" in rows[1].fault


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a,b,c\n1,2,3\n4,"5,6\n7,8,9\n', 3),
        ('a,b,c\n"1,2,3\n4,"5",6\n', 2),
        ('junk\na,b,c\n1,"x" y,3\n', 3),
    ],
)
def test_an_open_quote_is_refused_with_its_line(text, line):
    error = refused(text, ["a", "b", "c"])
    assert (error.code, error.params["line"]) == ("open_quote", line)
    assert str(line) in str(error)


def test_rows_swallowed_by_two_stray_quotes_are_a_fault():
    rows = list(read('a,b,c\n1,"x,y\n2,p,q\n3,r",z\n4,5,6\n', ["a", "b", "c"]).rows)
    assert [(row.number, bool(row.fault)) for row in rows] == [(2, True), (5, False)]


def test_a_cell_without_end_is_refused():
    error = refused('a,b\n1,"' + "x" * 140_000 + '"\n', ["a", "b"])
    assert (error.code, error.params["line"]) == ("cell_too_long", 2)


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b" \r\n\r\n"])
def test_an_empty_file_is_refused(data):
    assert refused(data).code == "empty"


def test_nul_is_refused_with_its_line():
    error = refused(b"a,b\n1,2\n3,\x004\n", ["a", "b"])
    assert (error.code, error.params["line"]) == ("nul", 3)


@pytest.mark.parametrize("data", [b"%PDF-1.7 xx", b"\x89PNG\r\n", b"\x1f\x8b\x08zz"])
def test_other_kinds_of_file_are_refused(data):
    assert refused(data).code == "not_a_sheet"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x,y\n1,2\n", "no_header"),
        ("a,b,A\n1,2,3\n", "doubled_heading"),
        ("a,b," + ",".join(f"c{i}" for i in range(300)) + "\n1,2\n", "too_many_columns"),
    ],
)
def test_header_faults_are_refused(text, code):
    assert refused(text, ["a", "b"]).code == code


def test_row_and_size_limits_hold_exactly():
    text = "a,b\n" + "1,2\n" * 5
    assert len(list(read(text, ["a"], limit_rows=5).rows)) == 5
    assert refused(text, ["a"], limit_rows=4).code == "too_many_rows"
    limits = SheetLimits(file_size=len(text) - 1)
    assert refused(text, ["a"], limits=limits).code == "file_too_large"


def test_a_missing_file_is_refused_and_a_path_is_read(tmp_path):
    with pytest.raises(SheetError) as caught:
        read_sheet(tmp_path / "no.csv", name="no.csv", headers=[], limit_rows=1)
    assert caught.value.code == "unreadable"
    (tmp_path / "a.csv").write_text(BODY, encoding="utf-8")
    sheet = read_sheet(tmp_path / "a.csv", name="a.csv", headers=HEADERS, limit_rows=9)
    assert len(list(sheet.rows)) == 2


def test_a_stream_that_cannot_go_back_is_read():
    class Stream(io.BytesIO):
        def seek(self, *_args):
            raise io.UnsupportedOperation

    sheet = read_sheet(Stream(BODY.encode()), name="a.csv", headers=HEADERS, limit_rows=9)
    assert len(list(sheet.rows)) == 2


@given(st.binary(max_size=400), st.sampled_from([b"", b"a,b,c\n", b"PK\x03\x04", b"\xff\xfe"]))
def test_any_bytes_are_read_or_refused_in_words(data, start):
    assert words_of(start + data)


def words_of(data):
    """Return the words of the refusal, `read` without one."""
    try:
        list(read(data, ["a", "b", "c"]).rows)
    except SheetError as error:
        return str(error)
    return "read"
