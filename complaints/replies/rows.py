"""Reading the templates and macros of a version."""

from typing import Final

from complaints.models import Macro, ReplyTemplate
from config.kernel.models import RuleSet
from config.kernel.models.rules import RuleState
from config.shared.memo import Lasting

_kept: Final[Lasting[list[ReplyTemplate]]] = Lasting()


def templates_of(rules: RuleSet | None) -> list[ReplyTemplate]:
    """Return the templates of a version in their order; one query, none for a version known."""
    if rules is None:
        return []
    if rules.pk not in _kept:
        rows = list(ReplyTemplate.objects.filter(rule_set=rules).order_by("order", "pk"))
        if rules.state == RuleState.DRAFT:
            return rows
        _kept[rules.pk] = rows
    return list(_kept[rules.pk])


def macros_of(rules: RuleSet | None) -> list[Macro]:
    """Return the macros of a version in their order; one query."""
    if rules is None:
        return []
    return list(Macro.objects.filter(rule_set=rules).order_by("order", "pk"))
