"""A small bank for tests of clocks and routing: published rules, calendar, people, cases."""

from datetime import UTC, datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from complaints.clocks import ClockChange
from complaints.clocks.desk import NEVER
from complaints.defaults import rules
from complaints.models import Case, CaseClock
from config.kernel import journal, rulesets
from config.kernel.models import RuleSet, Term
from config.shared.actors import SYSTEM
from staff import calendar as calendars
from staff.models import CalendarSpan, Department

ZONE = ZoneInfo("Asia/Shanghai")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_numbers = count(900_001)  # far from the numbers that intake gives


def local(text: str) -> datetime:
    """`2026-02-13 15:00` in bank time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def build() -> None:
    """Publish calendar, time limits and routing; make the terms the rules speak of."""
    publish_calendar()
    rules.load_clock_policies(SYSTEM, LONG_AGO)
    rules.load_routing(SYSTEM, LONG_AGO)


def publish_calendar(years: tuple[int, ...] = (2024, 2025, 2026)) -> RuleSet:
    draft = rulesets.new_version(
        "calendar:bank",
        titles=("Bank", "银行"),
        settings={"zone": "Asia/Shanghai", "confirmed_years": list(years)},
        actor=SYSTEM,
        at=LONG_AGO,
    )
    CalendarSpan.objects.bulk_create(
        CalendarSpan(rule_set=draft, weekday=day, start_minute=540, end_minute=1080)
        for day in range(5)
    )
    calendars.add_days(draft, official_days(), source="test")
    return rulesets.publish(draft, valid_from=LONG_AGO, reason="", actor=SYSTEM, at=LONG_AGO)


def official_days() -> list[calendars.OfficialDay]:
    path = calendars.__file__.replace("calendar.py", "defaults/cn_calendar.csv")
    with open(path, encoding="utf-8-sig") as file:  # noqa: PTH123
        return calendars.read_official_days(file.read())


def term(taxonomy: str, code: str, **flags: Any) -> Term:
    return Term.objects.get_or_create(
        taxonomy=taxonomy, code=code, defaults={"name_en": code, "name_zh": code, "flags": flags}
    )[0]


def unit(code: str, **fields: Any) -> Department:
    made, new = Department.objects.get_or_create(
        code=code, defaults={"name_en": code, "name_zh": code, **fields}
    )
    if new:
        made.path = f"/{made.pk}/"
        made.save(update_fields=["path"])
    return made


def case(
    received: datetime,
    *,
    kind: str = "CMP",
    severity: int = 2,
    channel: str = "LTR",
    **fields: Any,
) -> Case:
    """A saved case without clocks."""
    number = next(_numbers)
    fields.setdefault("department", None)
    fields["department"] = fields["department"] or unit("CARD")
    return Case.objects.create(
        number=f"C-2026-{number:07d}",
        tracking_code=f"T{number}",
        type=term("feedback_type", kind),
        type_at_receipt=term("feedback_type", kind),
        intake_channel=term("intake_channel", channel),
        severity=severity,
        received_at=received,
        registered_at=received,
        updated_at=received,
        next_due_at=NEVER,
        **fields,
    )


def keep(change: ClockChange, at: datetime) -> ClockChange:
    """Do what every caller of a clock verb does: record and save."""
    journal.append(change.facts, actor=SYSTEM, at=at, save=sorted(change.fields))
    return change


def clock(of: Case, name: str, round_: int | None = None) -> CaseClock:
    rows = CaseClock.objects.filter(case=of, name=name).order_by("-round")
    return rows.get(round=round_) if round_ else rows[0]
