"""What the verbs look up once per call: terms by code, people, departments, money authority."""

from collections.abc import Mapping
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from config.kernel import terms
from config.kernel.models import Term
from config.shared.actors import Actor
from config.shared.scope import Scope
from config.shared.worded import WordedError
from staff.models import Department, Person, RoleGrant
from staff.roles import UNLIMITED, compensation_authority


def term(taxonomy: str, code: str) -> Term | None:
    """Return the entry, None for an empty code; raises WordedError for an unknown one."""
    if not code:
        return None
    try:
        return terms.get(taxonomy, code)
    except Term.DoesNotExist:
        message = _("“%(code)s” is not in the list.")
        raise WordedError("term.unknown", message, {"code": code}) from None


def given_terms(codes: Mapping[str, tuple[str, str]]) -> dict[str, Term]:
    """Return the terms of `{field: (taxonomy, code)}`, empty codes left out; one query.

    Raises WordedError for an unknown code.
    """
    wanted = {name: pair for name, pair in codes.items() if pair[1]}
    if not wanted:
        return {}
    rows = Term.objects.select_related("parent").filter(
        taxonomy__in={taxonomy for taxonomy, _code in wanted.values()},
        code__in={code for _taxonomy, code in wanted.values()},
    )
    by_pair = {(row.taxonomy, row.code): row for row in rows}
    found = {}
    for name, pair in wanted.items():
        if pair not in by_pair:
            message = _("“%(code)s” is not in the list.")
            raise WordedError("term.unknown", message, {"code": pair[1]})
        found[name] = by_pair[pair]
    return found


def department(pk: int) -> Department:
    """Return an active department with its head; raises WordedError."""
    row = Department.objects.select_related("head").filter(pk=pk, active=True).first()
    if row is None:
        raise WordedError("department.unknown", _("This department is not active."))
    return row


def person(pk: int | None) -> Person | None:
    """Return an active person, None for no pk; raises WordedError."""
    if pk is None:
        return None
    row = Person.objects.filter(pk=pk, active=True).first()
    if row is None:
        raise WordedError("person.unknown", _("This person does not work here any more."))
    return row


def roles_of(actor: Actor) -> frozenset[str]:
    """Return the role codes of the acting person; empty for customers; one query."""
    if actor.kind != "person" or actor.id is None:
        return frozenset()
    grants = RoleGrant.objects.filter(account__person_id=actor.id, account__is_active=True)
    return frozenset(grants.values_list("role", flat=True))


def authority_of(actor: Actor) -> Decimal:
    """Return the sum in CNY this actor may grant alone (DOMAIN.md §4.8)."""
    if actor.kind == "system":
        return UNLIMITED
    return compensation_authority(Scope(member=actor.id, roles=roles_of(actor)))
