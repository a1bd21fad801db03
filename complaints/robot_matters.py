"""What a group chat may hear of a case: number and due time, never of a restricted one."""

from collections.abc import Collection, Mapping
from typing import Final

from complaints.clocks.desk import NEVER
from complaints.models import Case
from config.kernel.robots import Matter, RobotMatters

_CHUNK: Final = 500


def read(abouts: Collection[str]) -> Mapping[str, Matter]:
    """Return by `case:<number>` what may leave; restricted and unknown cases are left out."""
    numbers = sorted(a.removeprefix("case:") for a in abouts if a.startswith("case:"))
    found: dict[str, Matter] = {}
    for start in range(0, len(numbers), _CHUNK):
        rows = Case.objects.filter(number__in=numbers[start : start + _CHUNK], restricted=False)
        for case in rows.select_related("department").only(
            "number", "next_due_at", "paused", "department__path"
        ):
            due = None if case.paused or case.next_due_at >= NEVER else case.next_due_at
            units = frozenset(int(pk) for pk in case.department.path.split("/") if pk)
            found[case.about] = Matter(case.number, due, units)
    return found


def contributions() -> list[RobotMatters]:
    """Return what this module registers."""
    return [RobotMatters("cases", read)]
