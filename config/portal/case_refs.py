"""Links to cases from other lists: which of the named cases this reader may see. One query."""

from collections.abc import Iterable
from dataclasses import dataclass

from complaints.models import Case
from config.shared.scope import Scope

_PREFIX = "case:"


@dataclass(frozen=True, slots=True)
class CaseRef:
    """A case as named in `about`; `url` is empty and `number` hidden where it is out of reach."""

    number: str = ""
    url: str = ""
    case: Case | None = None


def number_of(about: str) -> str:
    """Return the case number of `case:<number>`, '' for any other matter."""
    return about.removeprefix(_PREFIX) if about.startswith(_PREFIX) else ""


def visible_cases(abouts: Iterable[str], scope: Scope) -> dict[str, Case]:
    """Return the cases of these matters that the reader may see, by `about`."""
    numbers = {number for about in abouts if (number := number_of(about))}
    if not numbers or not scope.may("cases"):
        return {}
    found = Case.objects.visible_to(scope).filter(number__in=numbers)
    return {f"{_PREFIX}{case.number}": case for case in found}


def refer(about: str, seen: dict[str, Case]) -> CaseRef | None:
    """Return what to show of the matter: None where it is no case, a bare mark where hidden."""
    if not number_of(about):
        return None
    case = seen.get(about)
    return CaseRef(case.number, case.get_absolute_url(), case) if case else CaseRef()
