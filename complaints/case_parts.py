"""What the case page loads when it is opened, and acts of its menu that are not moves.

Each subject contributes a `CasePart` (a folded part of the side panel) or a `CaseAct` (an entry of
the menu of acts); the page loops over them and knows no subject.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise

from complaints.models import Case
from config.shared.registry import contributed
from config.shared.scope import Scope
from staff.http import StaffRequest

LATE: Final = 40  # parts above this order stand below the facts and the files


def _always(_case: Case, _scope: Scope) -> bool:
    return True


def _nothing(_case: Case) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class CasePart:
    """A folded part of the side panel, read when it is opened.

    `read(request, case)` gives the context of `template`; `shows(case, scope)` asks no database;
    Parts of an order above `LATE` stand below the facts and the files.
    `count(case)` is the figure beside the title, from the loaded case; `opens(case)` unfolds it.
    """

    key: str
    title: str | Promise
    icon: str
    template: str
    read: Callable[[StaffRequest, Case], Mapping[str, Any]]
    order: int = 50
    shows: Callable[[Case, Scope], bool] = _always
    count: Callable[[Case], int] = _nothing
    opens: Callable[[Case], bool] | None = None


@dataclass(frozen=True, slots=True)
class CaseAct:
    """An entry of the menu of acts: `url_name` is reversed with the case number, as a dialog.

    `shows(case, scope)` asks no database. `main` puts it beside the menu as a button of its own.
    """

    key: str
    title: str | Promise
    icon: str
    url_name: str
    shows: Callable[[Case, Scope], bool]
    order: int = 50
    main: bool = False


def parts(case: Case, scope: Scope) -> list[dict[str, Any]]:
    """Return the parts this reader may open on this case, in their order."""
    found = [part for part in contributed(CasePart).values() if part.shows(case, scope)]
    return [
        {
            "key": part.key,
            "title": part.title,
            "icon": part.icon,
            "count": part.count(case),
            "open": part.opens(case) if part.opens else False,
            "late": part.order > LATE,
        }
        for part in sorted(found, key=lambda part: (part.order, part.key))
    ]


def acts(case: Case, scope: Scope) -> list[CaseAct]:
    """Return the acts beside the moves that this person may do on this case, in their order."""
    found = [act for act in contributed(CaseAct).values() if act.shows(case, scope)]
    return sorted(found, key=lambda act: (act.order, act.key))


__all__ = ["CaseAct", "CasePart", "acts", "parts"]
