"""Names of policies, clocks and steps for findings and forecasts, in the reader's language."""

from collections.abc import Callable, Mapping
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from complaints.choices import ClockName
from complaints.models import ClockPolicy, LadderStep
from config.shared.words import in_language

_WHEN: Final[Mapping[str, Callable[[int], str]]] = {
    "days_before": lambda n: ngettext("%(n)s day before", "%(n)s days before", n),
    "working_days_after": lambda n: ngettext(
        "%(n)s working day after", "%(n)s working days after", n
    ),
    "minutes_before": lambda n: ngettext("%(n)s minute before", "%(n)s minutes before", n),
    "minutes_after": lambda n: ngettext("%(n)s minute after", "%(n)s minutes after", n),
}


def names_of(*policies: ClockPolicy) -> list[str]:
    """Return the names of policies."""
    return [in_language(row.name_en, row.name_zh) for row in policies]


def clock_name(code: str) -> str:
    """Return the name of a clock; the code of one nobody knows."""
    return str(ClockName(code).label) if code in ClockName.values else code


def step_when(step: LadderStep) -> str:
    """Return when a step is taken: `80%`, `3 days before`, `60 minutes after`."""
    if step.percent is not None:
        return f"{step.percent}%"
    if step.days_before == 0:
        return _("on the day")
    for name in _WHEN:
        if (n := getattr(step, name)) is not None:
            return _WHEN[name](n) % {"n": n}
    return "—"
