"""Facts of a case: filled in, corrected with a reason, and what they make of its severity."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints import clocks
from complaints.case_rules import CaseRules, rules_at, severity_of
from complaints.models import Case
from complaints.workflow.lookups import given_terms
from complaints.workflow.outcomes import Outcome, Refusal
from complaints.workflow.payloads import FactsEdit
from complaints.workflow.work import Work
from config.shared.actors import Actor
from config.shared.worded import WordedError
from config.shared.words import listed

TEXTS: Final = (
    "core_issue", "content", "demand", "expected_resolution", "answer", "findings", "basis",
    "objection_ways", "product", "contact_name",
)  # fmt: skip
TERMS: Final = {
    "business_line": "business_line",
    "business_channel": "business_channel",
    "nature": "nature",
    "cause": "cause",
    "trigger": "trigger_point",
    "outcome": "outcome",
    "suggestion_decision": "suggestion_decision",
}
PLAIN: Final = (
    "amount", "loss_amount", "emotion", "emotion_now", "occurred_on", "promised_reply_at",
    "media_risk", "media_platform", "media_link", "release", "vulnerable", "referral_number",
    "referral_body", "referral_on", "group_size",
)  # fmt: skip
EDITABLE: Final = (*TERMS, *PLAIN)
CLASSIFICATION: Final[Mapping[str, str | Promise]] = {
    "business_line": gettext_lazy("Business line"),
    "business_channel": gettext_lazy("Business channel"),
    "nature": gettext_lazy("Nature"),
    "cause": gettext_lazy("Root cause"),
    "trigger": gettext_lazy("Trigger point"),
    "release": gettext_lazy("Release"),
    "outcome": gettext_lazy("Outcome"),
    "suggestion_decision": gettext_lazy("Suggestion decision"),
    "amount": gettext_lazy("Amount in dispute"),
    "loss_amount": gettext_lazy("Loss"),
    "emotion": gettext_lazy("Emotion at the start"),
    "media_risk": gettext_lazy("Media risk"),
    "vulnerable": gettext_lazy("Vulnerable customer"),
    "referral_number": gettext_lazy("Referral number"),
    "referral_body": gettext_lazy("Referring body"),
    "referral_on": gettext_lazy("Referral date"),
}
"""What figures are made of: to correct one that was set needs a reason."""
_WORDED: Final = frozenset({*TEXTS, "media_platform", "media_link", "referral_number"})
"""Free texts: they may name the customer, so the record keeps them as words, which are erasable."""
_WEIGHTY: Final = frozenset({"loss_amount", "media_risk", "emotion", "emotion_now"})


def edit_facts(
    cases: QuerySet[Case],
    what: FactsEdit,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Fill in or correct facts of open cases; codes before and after are facts, texts words.

    A classification that was set before is corrected only with a reason. Media risk needs its
    platform, a cause that asks for the release (C2, C3) needs it. Where loss, media risk or
    emotion demand a higher severity (DOMAIN.md §4.5) it is raised and the clocks matched again.
    Raises WordedError for a field that is not editable or a code that is not in its list.
    """
    _refuse_unknown(what)
    work = Work("edit_facts", actor=actor, at=at)
    codes = {name: (TERMS[name], what.values[name] or "") for name in TERMS if name in what.values}
    found = given_terms(codes)
    rules = rules_at(at)
    graver: list[Case] = []
    with work.on(cases, expected) as ready:
        for case in ready:
            values = {**what.values, **{name: found.get(name) for name in codes}}
            changes = {k: v for k, v in {**values, **what.texts}.items() if getattr(case, k) != v}
            if not changes:
                continue
            if why := _refusal(case, changes, what.reason, actor):
                work.refuse(case, Refusal.GUARD, why)
                continue
            if (floor := _floor(rules, case, changes)) > case.severity:
                changes["severity"] = floor
                graver.append(case)
            _change(work, case, changes, what.reason)
        work.clocks(clocks.rematch(graver, at=at))
    return work.outcomes


def _change(work: Work, case: Case, changes: dict[str, Any], reason: str) -> None:
    """Record the old and the new values and set the new ones."""
    facts = {f"{k}_before": _shown(getattr(case, k)) for k in changes if k not in _WORDED}
    facts |= {k: _shown(v) for k, v in changes.items() if k not in _WORDED}
    words = {k: str(v or "") for k, v in changes.items() if k in _WORDED}
    words |= {f"{k}_before": str(getattr(case, k) or "") for k in words}
    if reason.strip():
        words["reason"] = reason.strip()
    work.move(case, {"fields": sorted(changes), **facts}, words, **changes)
    work.index(case)


def _refusal(case: Case, changes: Mapping[str, Any], reason: str, actor: Actor) -> str:
    """Return why these changes cannot be made, or ''."""

    def then(name: str) -> Any:
        return changes.get(name, getattr(case, name))

    corrected = [k for k in changes if k in CLASSIFICATION and _is_set(getattr(case, k))]
    if corrected and not reason.strip() and actor.kind == "person":
        names = listed(CLASSIFICATION[name] for name in corrected)
        return _("Say why you correct what was set before: %(fields)s.") % {"fields": names}
    if "media_risk" in changes and then("media_risk") and not then("media_platform").strip():
        return _("Name the platform on which the matter appeared or may appear.")
    cause = then("cause")
    if "cause" in changes and cause is not None and cause.flags.get("needs_release"):
        return "" if then("release").strip() else _("Name the release or change for this cause.")
    return ""


def _is_set(value: Any) -> bool:
    """Whether a fact had a value; 0 is one (calm, no loss), an unticked box is none."""
    return value is not None and value is not False and value != ""


def _floor(rules: CaseRules, case: Case, changes: Mapping[str, Any]) -> int:
    """Return the least severity that the changed facts demand; 1 when none of them weighs."""
    if not _WEIGHTY & set(changes):
        return 1
    given = {name: changes.get(name, getattr(case, name)) for name in _WEIGHTY}
    feelings = [given[name] for name in ("emotion", "emotion_now") if given[name] is not None]
    return severity_of(
        rules,
        loss=given["loss_amount"],
        media=bool(given["media_risk"]),
        emotion=max(feelings, default=None),
        repeats=0,
    )


def _refuse_unknown(what: FactsEdit) -> None:
    unknown = (set(what.texts) - set(TEXTS)) | (set(what.values) - set(EDITABLE))
    if unknown:
        message = _("These facts cannot be changed here: %(fields)s.")
        raise WordedError("facts.fixed", message, {"fields": ", ".join(sorted(unknown))})


def _shown(value: Any) -> Any:
    """Return a value as the record keeps it: terms as codes, times and sums as text."""
    if isinstance(value, bool | int | None | datetime | date):
        return value
    return getattr(value, "code", None) or str(value)
