"""Finding terms, departments and people by what somebody wrote: code, name in either language."""

import difflib
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from complaints.choices import Precision, Severity, Status
from config.kernel import terms
from config.kernel.models import Term
from config.shared.cell_values import CellError, folded, shown
from config.shared.words import listed
from customers.models.customer import Tier
from staff.models import Department, Person

T = TypeVar("T")

_CODE_BEHIND: Final = re.compile(r"^.*\(([^()]+)\)$")
_AMBIGUOUS: Final = object()
_SAMPLE: Final = 8


class Names(Generic[T]):
    """Things by all their names. A name that two things share finds neither."""

    def __init__(self, things: Iterable[tuple[T, Iterable[str]]]) -> None:
        self._found: dict[str, Any] = {}
        self._spelled: dict[str, str] = {}
        for thing, names in things:
            for name in filter(None, names):
                key = _key(name)
                known = self._found.setdefault(key, thing)
                if known is not thing:
                    self._found[key] = _AMBIGUOUS
                self._spelled.setdefault(key, name)

    def get(self, text: object) -> T | None:
        """Return the thing of that name, also written as `Name (code)`; None when unknown."""
        key = _key(text)
        found = self._found.get(key)
        if found is None and (behind := _CODE_BEHIND.match(key)):
            found = self._found.get(behind[1].strip())
        return None if found is _AMBIGUOUS else found

    def find(self, text: object) -> T:
        """Return the thing of that name, or raise CellError with the nearest name."""
        found = self.get(text)
        if found is not None:
            return found
        if self._found.get(_key(text)) is _AMBIGUOUS:
            message = _("“%(value)s” is the name of several entries. Write the code instead.")
            raise CellError("ambiguous", message, {"value": shown(text)})
        near = difflib.get_close_matches(_key(text), self._spelled, n=1, cutoff=0.6)
        if near:
            raise CellError(
                "unknown",
                _("“%(value)s” is not known here. Did you mean %(suggestion)s?"),
                {"value": shown(text), "suggestion": self._spelled[near[0]]},
            )
        known = listed(list(self._spelled.values())[:_SAMPLE])
        raise CellError(
            "unknown",
            _("“%(value)s” is not known here. Known are for example: %(known)s."),
            {"value": shown(text), "known": known or "-"},
        )


class Lookups:
    """All lists an import needs, each read once when it is first asked for."""

    def __init__(self) -> None:
        self._terms: dict[str, Names[Term]] = {}

    def terms(self, taxonomy: str) -> Names[Term]:
        """Return the names of one term list, inactive entries too."""
        if taxonomy not in self._terms:
            rows = terms.of(taxonomy, active_only=False)
            self._terms[taxonomy] = Names((term, _names_of_term(term)) for term in rows)
        return self._terms[taxonomy]

    @cached_property
    def departments(self) -> Names[Department]:
        """Departments and branches."""
        rows = Department.objects.order_by("path", "code")
        return Names((row, (row.code, row.name_en, row.name_zh)) for row in rows)

    @cached_property
    def people(self) -> Names[Person]:
        """People, also those who left."""
        rows = Person.objects.order_by("staff_no")
        return Names((row, (row.staff_no, row.name_en, row.name_zh)) for row in rows)

    @cached_property
    def statuses(self) -> Names[Status]:
        """States of a case."""
        return of_choices(Status)

    @cached_property
    def severities(self) -> Names[Severity]:
        """Severities by number or word."""
        return of_choices(Severity)

    @cached_property
    def tiers(self) -> Names[Tier]:
        """Customer tiers."""
        return of_choices(Tier)

    @cached_property
    def precisions(self) -> Names[Precision]:
        """How exactly a time is known."""
        return of_choices(Precision)


def of_choices(choices: Any) -> Names[Any]:
    """Return the names of TextChoices or IntegerChoices: label in both languages, and value."""
    return Names((choice, [*in_both(choice.label), str(choice.value)]) for choice in choices)


def in_both(words: object) -> list[str]:
    """Return a lazy text in English and Chinese."""
    found = []
    for language in ("en", "zh-hans"):
        with translation.override(language):
            found.append(str(words))
    return found


def _names_of_term(term: Term) -> list[str]:
    """Return the code, the names, and the names with the parent's before them."""
    names = [term.code, term.name_en, term.name_zh]
    if term.parent:
        names += [
            f"{term.parent.name_en} › {term.name_en}",
            f"{term.parent.name_zh} › {term.name_zh}",
        ]
    return names


def _key(text: object) -> str:
    """Return the form in which names are compared."""
    return folded(text).casefold()
