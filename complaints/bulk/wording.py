"""What the record says of acts on many cases, and what such an act did in words."""

from collections.abc import Iterator
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints import naming, tagging
from complaints.bulk.acts import ACTS, CLASSIFIED
from complaints.models import BulkAct, Case
from config.kernel.actions import Action
from config.kernel.models import Term
from config.shared.scope import Scope
from config.shared.words import listed
from staff.models import Department, Person

_LISTS: Final = {
    "business_line": "business_line",
    "nature": "nature",
    "cause": "cause",
    "trigger": "trigger_point",
}


def title(code: Any) -> str:
    """Return the name of an act, the code itself where there is none."""
    return str(ACTS[code].title) if code in ACTS else str(code)


def actions() -> Iterator[Action]:
    """Yield what may be recorded of acts on many cases."""
    show = {"verb": title}
    yield Action("bulk.began", gettext_lazy("%(verb)s: asked for %(total)s cases"), "stack-2", show)
    yield Action(
        "bulk.finished",
        gettext_lazy("%(verb)s: %(done)s cases done, %(refused)s left as they were"),
        "checks",
        show,
    )


def told(act: BulkAct, scope: Scope) -> str:
    """Return what the act was given, in words: the handler, the department, the tags.

    A case is named where this person may read it.
    """
    what = act.what
    if "handler" in what:
        return _label(Person.objects.filter(pk=what["handler"]).first())
    if "department" in what:
        return _label(Department.objects.filter(pk=what["department"]).first())
    if "tags" in what:
        return tagging.names(what["tags"])
    if "severity" in what:
        return str(naming.severity(what["severity"]))
    if "into" in what:
        into = Case.objects.visible_to(scope).filter(pk=what["into"]).first()
        return _("into %(number)s") % {"number": into.number} if into else ""
    return _classified(what)


def _classified(what: dict[str, Any]) -> str:
    codes = {name: what[name] for name in CLASSIFIED if what.get(name)}
    terms = Term.objects.filter(taxonomy__in=_LISTS.values(), code__in=codes.values())
    labels = {(term.taxonomy, term.code): term.label for term in terms} if codes else {}
    return listed(
        labels.get((_LISTS.get(name, ""), code), code) for name, code in sorted(codes.items())
    )


def _label(row: Person | Department | None) -> str:
    return row.label if row else ""


__all__ = ["actions", "title", "told"]
