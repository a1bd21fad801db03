"""A child process that turns a legacy .xls (stdin) into lines of JSON (stdout).

Run as a script, never imported: the old format cannot be checked for size before it is parsed,
so the parser works under a memory limit of its own (argument 1, bytes). Each sheet is one line
{"sheet", "height", "column", "merged"} followed by a line per row from row 1; dates are {"d": ISO}.
"""

import json
import resource
import sys
from datetime import date, datetime, time, timedelta
from io import BytesIO

from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

PASSWORD_EXIT = 3


def plain(value: object) -> object:
    """Return what JSON holds for a cell."""
    if isinstance(value, datetime | date):
        return {"d": value.isoformat()}
    if isinstance(value, time):
        return {"t": value.isoformat()}
    return value.total_seconds() if isinstance(value, timedelta) else value


def main() -> int:
    """Convert standard input; the exit code says how it went."""
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        workbook = CalamineWorkbook.from_filelike(BytesIO(sys.stdin.buffer.read()))
    except PasswordError:
        return PASSWORD_EXIT
    for number, about in enumerate(workbook.sheets_metadata):
        if (
            about.typ is not SheetTypeEnum.WorkSheet
            or about.visible is not SheetVisibleEnum.Visible
        ):
            continue
        sheet = workbook.get_sheet_by_index(number)
        head = {
            "sheet": about.name,
            "height": sheet.total_height,
            "column": sheet.start[1] if sheet.start else 0,
            "merged": sheet.merged_cell_ranges or [],
        }
        sys.stdout.write(json.dumps(head) + "\n")
        for row in sheet.iter_rows():
            values = [plain(value) for value in row] if any(value != "" for value in row) else []
            sys.stdout.write(json.dumps(values) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
