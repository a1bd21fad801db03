"""Builders of workbooks that no office program writes, and of a plain legacy .xls."""

import io
import struct
import zipfile
from collections.abc import Sequence

import xlsxwriter

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
    'content-types"><Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
    'relationships+xml"/></Types>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
    'relationships"><Relationship Id="rId1" Type="{office}/{kind}" Target="{target}"/>'
    "</Relationships>"
)


def workbook_of_xml(sheet_xml: bytes) -> bytes:
    """Return a minimal .xlsx around the XML of one sheet."""
    book = (
        f'<?xml version="1.0"?><workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr(
            "_rels/.rels",
            _RELATIONS.format(office=_OFFICE, kind="officeDocument", target="xl/workbook.xml"),
        )
        archive.writestr("xl/workbook.xml", book)
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            _RELATIONS.format(office=_OFFICE, kind="worksheet", target="worksheets/sheet1.xml"),
        )
        archive.writestr("xl/worksheets/sheet1.xml", sheet_xml)
    return target.getvalue()


def sheet_xml(rows: bytes) -> bytes:
    """Return sheet XML around rows."""
    return b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (MAIN.encode(), rows)


def workbook_of_rows(*sheets: Sequence[Sequence[object]], hidden: Sequence[int] = ()) -> bytes:
    """Return an .xlsx with one sheet per table; datetimes are styled as such."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"default_date_format": "yyyy-mm-dd hh:mm:ss"})
    for number, rows in enumerate(sheets):
        sheet = book.add_worksheet(f"Sheet {number + 1}")
        if number in hidden:
            sheet.hide()
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)
    book.worksheets()[-1].activate()
    book.close()
    return target.getvalue()


def lie_about_size(workbook: bytes, entry: str, claimed: int) -> bytes:
    """Return the archive with a false unpacked size in its directory."""
    at = workbook.rindex(entry.encode()) - 46
    return workbook[: at + 24] + struct.pack("<I", claimed) + workbook[at + 28 :]


def legacy_xls(rows: Sequence[Sequence[str | float]]) -> bytes:
    """Return a BIFF8 workbook in its container, with one sheet."""
    start = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 1997, 0, 0))
    bound = 4 + 8 + 1
    end = _record(0x000A, b"")
    offset = len(start) + 4 + bound - 4 + len(end)
    name = struct.pack("<IBBBB", offset, 0, 0, 1, 0) + b"S"
    sheet = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 1997, 0, 0))
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            sheet += _xls_cell(number, place, value)
    head = start + _record(0x0085, name) + end
    assert len(head) == offset
    return _container(head + sheet + end)


def _xls_cell(row: int, place: int, value: str | float) -> bytes:
    where = struct.pack("<HHH", row, place, 0)
    if isinstance(value, str):
        text = struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")
        return _record(0x0204, where + text)
    return _record(0x0203, where + struct.pack("<d", value))


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _container(stream: bytes) -> bytes:
    """Wrap a stream into an OLE container: FAT in sector 0, directory in 1, stream from 2."""
    stream = stream.ljust(4096, b"\0")
    sectors = -(-len(stream) // 512)
    chain = [*range(3, 2 + sectors), 0xFFFFFFFE]
    fat = [0xFFFFFFFD, 0xFFFFFFFE, *chain]
    fat += [0xFFFFFFFF] * (128 - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    directory = _entry("Root Entry", 5, 1, 0xFFFFFFFE, 0)
    directory += _entry("Workbook", 2, 0xFFFFFFFF, 2, len(stream)) + bytes(256)
    body = struct.pack("<128I", *fat) + directory + stream.ljust(sectors * 512, b"\0")
    return header + body


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    entry = text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1)
    entry += struct.pack("<III", 0xFFFFFFFF, 0xFFFFFFFF, child) + bytes(36)
    return entry + struct.pack("<IQ", start, size)
