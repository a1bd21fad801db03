"""What templates, macros and the settling on the spot bring to the registries."""

from collections.abc import Iterator

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from complaints import naming
from complaints.case_parts import CasePart
from complaints.replies import defaults, details, parts
from complaints.replies.checking import check
from config.kernel.actions import Action
from config.kernel.defaults import Default
from config.kernel.models import RuleSet
from config.kernel.rule_kinds import RuleKind


def contributions() -> Iterator[RuleKind | Action | Default | CasePart]:
    """Yield the rule kind, its defaults, the letter in the side panel, sentences of the record."""
    yield RuleKind(details.KIND, _("Reply templates"), check, _link)
    yield Default(details.KIND, defaults.load, order=30)
    yield parts.part()
    shown = {"macro": naming.macro}
    yield Action("case.macro", _("Macro “%(macro)s” was carried out"), "bolt", shown)
    yield Action(
        "case.on_the_spot",
        _("Registered to be settled on the spot; the customer agreed"),
        "circle-check",
        {"severity": naming.severity},
    )


def _link(rules: RuleSet) -> str:
    """Return the page of a version: the draft, or the list with its number."""
    try:
        if rules.state == "draft":
            return reverse("replies_draft")
        return f"{reverse('replies')}?v={rules.number}"
    except NoReverseMatch:
        return ""


__all__ = ["contributions"]
