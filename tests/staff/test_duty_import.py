"""The duty roster from a sheet and back."""

import io
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from config.shared.actors import SYSTEM
from config.shared.sheet_writing import write_xlsx
from staff import duty_import, duty_roster
from staff.duty_import import ImportRefused
from staff.duty_roster import DutyRefused
from staff.models import DutyShift
from tests.factories.staff import PersonFactory
from tests.portal.desks import as_role
from tests.staff.test_duty import MONDAY, NOW, data, local, put

pytestmark = pytest.mark.django_db


def sheet(*rows: str, head="date,shift,from,to,first,second,note") -> io.BytesIO:
    return io.BytesIO("\n".join([head, *rows]).encode())


def read(*rows, **options):
    return duty_import.read(sheet(*rows, **options), name="roster.csv", at=NOW)


def test_a_sheet_is_read_previewed_and_loaded():
    first, second = PersonFactory.create(), PersonFactory.create(name_zh="王小明")
    lines = read(
        f"2026-11-23,day,08:00,20:00,{first.staff_no},王小明,keys",
        f"2026/11/23,night,20:00,08:00,{first.name_en.upper()},,",
    )
    assert [(line.state, line.errors) for line in lines] == [("new", []), ("new", [])]
    assert not DutyShift.objects.exists()
    assert duty_import.load(duty_import.pack(lines), actor=SYSTEM, at=NOW) == 2
    day, night = DutyShift.objects.order_by("starts_at")
    assert (day.on, day.shift, day.first, day.second, day.note) == (
        MONDAY, "day", first, second, "keys",
    )  # fmt: skip
    assert (night.starts_at, night.ends_at) == (local(20), local(8) + timedelta(days=1))


def test_chinese_heads_and_shifts_and_hours_of_the_house():
    person = PersonFactory.create()
    lines = read(
        f"2026年11月23日,白班,,,{person.staff_no},,",
        f"20261124,夜班,22点,6:30,{person.staff_no},,",
        head="日期,班次,开始时间,结束时间,第一值班人,第二值班人,备注",
    )
    assert [line.errors for line in lines] == [[], []]
    assert [(x.data.shift, x.data.starts_at) for x in lines] == [
        ("day", local(8)),
        ("night", local(22) + timedelta(days=1)),
    ]
    assert lines[1].data.ends_at == local(6, 30) + timedelta(days=2)


def test_each_row_says_what_is_wrong_with_it():
    PersonFactory.create_batch(2, name_zh="李雷")
    ok = PersonFactory.create()
    lines = read(
        "yesterday,day,,,,,",
        f"2026-11-23,late,,,{ok.staff_no},,",
        "2026-11-23,day,25:00,,,,",
        "2026-11-23,day,,,李雷,Nobody Known,",
        "2026-11-18,day,,,,,",
        f"2026-11-23,night,,,{ok.staff_no},{ok.staff_no},",
        f"2026-11-24,night,,,{ok.staff_no},,",
        f"2026-11-24,night,,,{ok.staff_no},,",
        f"2026-11-25,early,07:00,09:00,{ok.staff_no},,",
    )
    said = [" ".join(line.errors) for line in lines]
    wanted = ["not a date", "from when to when", "not a time", "several people", "is over",
              "two people", "", "twice", "overlaps"]  # fmt: skip
    for words, text in zip(wanted, said, strict=True):
        assert words in text
        assert bool(words) == bool(text)
    assert "Nobody here has the staff number or name “Nobody Known”" in said[3]
    assert duty_import.load(duty_import.pack(lines), actor=SYSTEM, at=NOW) == 1


def test_loading_again_changes_nothing_and_changes_are_upserts():
    one, two = PersonFactory.create(), PersonFactory.create()
    put(data(first=one))
    same = read(f"2026-11-23,night,20:00,08:00,{one.staff_no},,")
    assert [line.state for line in same] == ["same"]
    changed = read(f"2026-11-23,night,20:00,08:00,{two.staff_no},,")
    assert [line.state for line in changed] == ["changed"]
    duty_import.load(duty_import.pack(changed), actor=SYSTEM, at=NOW)
    assert DutyShift.objects.get().first == two


def test_an_export_is_read_back_without_a_change():
    people = PersonFactory.create_batch(2)
    put(data(first=people[0], second=people[1], note="x"), data(shift="day", first=people[1]))
    target = io.BytesIO()
    shifts = DutyShift.objects.select_related("first", "second")
    rows = duty_import.export_rows(shifts)
    zone = timezone.get_default_timezone()
    write_xlsx(target, duty_import.COLUMNS, rows, zone=zone)
    target.seek(0)
    lines = duty_import.read(target, name="roster.xlsx", at=NOW)
    assert [(line.state, line.errors) for line in lines] == [("same", [])] * 2


def test_the_template_is_read_with_nobody_named():
    target = io.BytesIO()
    zone = timezone.get_default_timezone()
    write_xlsx(target, duty_import.COLUMNS, duty_import.template_rows(MONDAY), zone=zone)
    target.seek(0)
    lines = duty_import.read(target, name="template.xlsx", at=NOW)
    assert len(lines) == 14
    assert {line.state for line in lines} == {"new"}
    assert lines[1].data.ends_at == local(8) + timedelta(days=1)


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [(time(8, 30), time(8, 30)), (datetime(1900, 1, 1, 20, tzinfo=UTC), time(20)), (0.75, time(18)),
     (timedelta(hours=24), time(0)), ("24:00", time(0)), ("9:05", time(9, 5)), (None, None)],
)  # fmt: skip
def test_times_of_day_in_every_spelling(cell, wanted):
    assert duty_import._clock(cell) == wanted


def test_a_file_without_its_columns_is_refused():
    with pytest.raises(ImportRefused, match="Shift"):
        read("2026-11-23,x", head="date,first")


def test_a_preview_of_others_or_of_yesterday_is_refused(monkeypatch):
    person = PersonFactory.create()
    packed = duty_import.pack(read(f"2026-11-23,night,,,{person.staff_no},,"))
    with pytest.raises(ImportRefused):
        duty_import.load(packed[:-3] + "abc", actor=SYSTEM, at=NOW)
    monkeypatch.setattr(duty_import, "_KEPT", -1)
    with pytest.raises(ImportRefused):
        duty_import.load(packed, actor=SYSTEM, at=NOW)


def test_a_row_that_became_impossible_is_refused_when_loaded():
    person = PersonFactory.create()
    packed = duty_import.pack(read(f"2026-11-23,night,,,{person.staff_no},,"))
    put(data(shift="late", first=person, hours=(time(19), time(21))))
    with pytest.raises(DutyRefused, match="overlaps"):
        duty_import.load(packed, actor=SYSTEM, at=NOW)
    assert DutyShift.objects.count() == 1


def upload(client, *rows):
    file = SimpleUploadedFile("roster.csv", sheet(*rows).getvalue())
    return client.post("/duty/import/", {"file": file})


def test_the_page_shows_the_preview_and_loads_it():
    client, person = as_role("supervisor"), PersonFactory.create()
    on = timezone.localtime().date() + timedelta(days=2)
    answer = upload(client, f"{on},night,,,{person.staff_no},,", f"{on},day,x,,,,")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "1 to save" in text
    assert "not a time of day" in text
    packed = answer.context["packed"]
    done = client.post("/duty/import/", {"packed": packed}, follow=True)
    assert "Shifts saved: 1" in done.content.decode()
    assert DutyShift.objects.get().first == person


@pytest.mark.parametrize("content", [b"", b"\x00\x01", b"%PDF-1.4", b"a,b\n1,2\n", b"PK\x03\x04"])
def test_a_file_that_is_no_roster_is_refused_in_words(content):
    client = as_role("admin")
    file = SimpleUploadedFile("x.xlsx", content)
    assert client.post("/duty/import/", {"file": file}).status_code == 422
    assert client.post("/duty/import/", {"packed": "no"}).status_code == 422
    assert client.post("/duty/import/", {}).status_code == 422


def test_faults_of_no_rows_are_none():
    assert duty_roster.faults([], at=NOW) == {}
    assert date(2026, 11, 23) == MONDAY
