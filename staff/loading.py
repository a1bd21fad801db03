"""Starting data of the staff room: units (DOMAIN.md §4.8) and the bank's calendar (§5)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from config.kernel import journal, rulesets
from config.kernel.journal import Fact
from config.kernel.models import RuleSet
from config.shared.actors import Actor
from staff import calendar
from staff.models import CalendarSpan, Department
from staff.people import refresh_paths

FOLDER: Final = Path(__file__).with_name("defaults")
ZONE: Final = "Asia/Shanghai"
WEEKDAYS: Final = range(5)  # Monday to Friday, DOMAIN.md §5.3
OPENS, CLOSES = 9 * 60, 18 * 60  # no lunch break, DOMAIN.md §5.3
CONFIRMED_YEARS: Final = (2024, 2025, 2026)
_BEGIN: Final = datetime(2000, 1, 1, tzinfo=UTC)  # cases of earlier years find their calendar
_SOURCE: Final = "staff/defaults/cn_calendar.csv"


def table(name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of `defaults/<name>` as dictionaries."""
    content = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    for row in content["rows"]:
        yield dict(zip(content["columns"], row, strict=True))


def load_departments(actor: Actor, at: datetime) -> int:
    """Open the units that are missing; returns how many. Units that exist stay as they are."""
    rows = {row["code"]: row for row in table("departments.json")}
    with transaction.atomic():
        known = {unit.code: unit for unit in Department.objects.all()}
        names = ("code", "kind", "name_en", "name_zh", "city_en", "city_zh")
        fresh = [
            Department(**{name: row[name] for name in names})
            for code, row in rows.items()
            if code not in known
        ]
        known |= {unit.code: unit for unit in Department.objects.bulk_create(fresh)}
        for unit in fresh:
            unit.parent = known.get(rows[unit.code]["parent"])
            unit.superior = known.get(rows[unit.code]["superior"])
        facts = [Fact(unit, "department.created", {"code": unit.code}) for unit in fresh]
        journal.append(facts, actor=actor, at=at, save=["parent", "superior"])
        refresh_paths()
    return len(fresh)


def load_calendar(actor: Actor, at: datetime) -> int:
    """Publish the bank's calendar once; later years come from `load_cn_calendar`."""
    kind = calendar.PREFIX + calendar.BANK
    if RuleSet.objects.filter(kind=kind).exists():
        return 0
    official = calendar.read_official_days((FOLDER / "cn_calendar.csv").read_text(encoding="utf-8"))
    ahead = calendar.read_official_days((FOLDER / "cn_provisional.csv").read_text(encoding="utf-8"))
    with transaction.atomic():
        draft = rulesets.new_version(
            kind,
            titles=("Bank working days", "银行工作日历"),
            settings={"zone": ZONE, "confirmed_years": list(CONFIRMED_YEARS)},
            actor=actor,
            at=at,
        )
        CalendarSpan.objects.bulk_create(
            CalendarSpan(rule_set=draft, weekday=day, start_minute=OPENS, end_minute=CLOSES)
            for day in WEEKDAYS
        )
        calendar.add_days(draft, official, source=_SOURCE)
        calendar.add_days(draft, ahead, source="provisional", confirmed=False)
        reason = "Default: Monday to Friday 09:00-18:00, official days 2024-2026"
        rulesets.publish(draft, valid_from=_BEGIN, reason=reason, actor=actor, at=at)
    return 1
