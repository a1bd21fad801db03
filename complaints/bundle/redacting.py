"""Third persons made unrecognisable: colleagues by role, given names and numbers blacked out."""

import re
from collections.abc import Iterable
from typing import Final

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints import mentions
from complaints.models import Case
from config.kernel import journal
from config.shared.masking import mask_name, scrub
from staff.models import Person, RoleGrant
from staff.models.accounts import Role

_OTHERS: Final = gettext_lazy("Member of staff")
_MARKS: Final = re.compile(r"@\[(\d{1,9})\]")


class Redactor:
    """Blacks out what points to anybody but the customer; six queries for a case."""

    def __init__(self, case: Case, texts: Iterable[str], names: Iterable[str] = ()) -> None:
        """Read who has to do with `case`; `texts` are those in which people are mentioned."""
        mentioned = {pk for text in texts for pk in mentions.named(text)}
        people = Person.objects.filter(_concerned(case) | Q(pk__in=mentioned)).select_related(
            "department"
        )
        self._roles = _roles(case, list(people))
        self._by_name: dict[str, str] = {}
        for person in people:
            role = self._roles[person.pk]
            for name in (f"{person.name_en} {person.name_zh}", person.name_en, person.name_zh):
                self._by_name.setdefault(name.casefold(), role)
        for name in (*names, *_agents(case)):
            self._by_name[name.casefold()] = mask_name(name)
        self._names = _pattern(self._by_name)

    def who(self, actor_id: int | None, actor_kind: str, said: str) -> str:
        """Return who did something: staff by role, others as the page names them."""
        if actor_kind == "person":
            return self._roles.get(actor_id or 0, str(_OTHERS))
        return self(said)

    def __call__(self, text: str) -> str:
        """Return a text without names of third persons and without numbers and addresses."""
        text = _MARKS.sub(lambda found: f"@{self._roles.get(int(found[1]), _OTHERS)}", text)
        if self._names is not None:
            text = self._names.sub(lambda found: self._by_name[found[0].casefold()], text)
        return scrub(text)


def _concerned(case: Case) -> Q:
    """Return who acted on, holds, held, watches or stays out of the case."""
    acted = journal.entries(case.stream).filter(actor_kind="person").values("actor_id")
    held = {case.handler_id, case.officer_id, case.registrar_id, case.rm_id} - {None}
    wanted = Q(pk__in=acted.order_by().distinct()) | Q(pk__in=held)
    wanted |= Q(pk__in=case.exclusions.values("person")) | Q(pk__in=case.grants.values("person"))
    wanted |= Q(pk__in=case.hand_overs.filter(handler__isnull=False).values("handler"))
    return wanted | Q(pk=case.department.head_id or 0)


def _roles(case: Case, people: list[Person]) -> dict[int, str]:
    """Return the role of each person in this case, with the unit."""
    granted: dict[int, str] = {}
    rows = RoleGrant.objects.filter(account__person__in=[person.pk for person in people])
    for pk, role in rows.order_by("pk").values_list("account__person_id", "role"):
        granted.setdefault(pk, str(Role(role).label) if role in Role.values else str(_OTHERS))
    named: dict[int | None, str | Promise] = {
        case.registrar_id: _("Registrar"),
        case.rm_id: _("Relationship manager"),
        case.handler_id: _("Handler"),
        case.officer_id: _("Complaint officer"),
    }
    return {
        person.pk: f"{named.get(person.pk) or granted.get(person.pk) or _OTHERS}"
        f" ({person.department.label})"
        for person in people
    }


def _agents(case: Case) -> list[str]:
    """Return the names of agents and proxies: third persons as well."""
    return [name for agent in case.agents.all() if (name := getattr(agent, "name", ""))]


def _pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds any of the names, longer ones first; Latin names as whole words."""
    known = sorted((name for name in names if name.strip()), key=len, reverse=True)
    if not known:
        return None
    each = [rf"(?<!\w){re.escape(x)}(?!\w)" if x.isascii() else re.escape(x) for x in known]
    return re.compile("|".join(each), re.IGNORECASE)


__all__ = ["Redactor"]
