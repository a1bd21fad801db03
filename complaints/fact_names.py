"""Names of what entries of a case hold: its words, and the facts that people edit."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from complaints.models import Case
from complaints.workflow.facts import CLASSIFICATION
from config.shared.words import listed

BEFORE: Final = "_before"
"""What ends the name of a value that was replaced."""
WORDS: Final[Mapping[str, str | Promise]] = {
    "content": _("In the customer's words"),
    "core_issue": _("Core issue"),
    "demand": _("Demand"),
    "expected_resolution": _("Wished-for outcome"),
    "product": _("Product"),
    "contact_name": _("Name of the customer"),
    "media_platform": _("Platform"),
    "media_link": _("Link to the post"),
    "referral_number": _("Referral number"),
    "answer": _("Answer to the customer"),
    "findings": _("What was verified"),
    "basis": _("Basis and reasons"),
    "objection_ways": _("Ways to object"),
    "reason": _("Reason"),
    "note": _("Note"),
    "text": _("Text"),
    "summary": _("What was said"),
    "words": _("Words"),
    "name": pgettext_lazy("attached to a case", "File"),
    "recipient": _("Recipient"),
    "names": _("Names to black out"),
    "receiver": _("Receiving institution"),
    "backdate_reason": _("Why it is registered late"),
}
FACTS: Final[Mapping[str, str | Promise]] = {
    **WORDS,
    **CLASSIFICATION,
    "content": _("Content"),
    "severity": _("Severity"),
    "emotion_now": _("Emotion now"),
    "occurred_on": _("Day of the matter"),
    "promised_reply_at": _("Promised reply"),
    "group_size": _("Customers concerned"),
}
"""Facts of a case by the name of the field."""


def word_label(name: str) -> str:
    """Return the label of one of an entry's words; of a replaced text, that it stood before."""
    if name.endswith(BEFORE):
        return pgettext("a text that was replaced", "%(label)s, before") % {
            "label": word_label(name.removesuffix(BEFORE))
        }
    return str(WORDS.get(name, name))


def fact(name: str) -> str:
    """Return the label of a fact of a case by the name of its field."""
    if name in FACTS:
        return str(FACTS[name])
    try:
        return str(capfirst(getattr(Case._meta.get_field(name), "verbose_name", name)))
    except FieldDoesNotExist:
        return name


def facts(names: Any) -> str:
    """Return the labels of several facts, one after the other."""
    return listed(fact(str(name)) for name in names)


__all__ = ["BEFORE", "FACTS", "WORDS", "fact", "facts", "word_label"]
