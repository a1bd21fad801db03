"""A form that met a newer case: who changed which field from what to what, and what to do now.

The journal tells what happened since the reader's form was shown. Fields that the reader left
alone take the new values; where both changed the same field the reader's text stays and both are
shown. Sending again puts the reader's changes on top; nothing was overwritten before that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from complaints import fact_names, naming
from complaints.choices import Status
from complaints.hiding import hider
from complaints.models import Case
from complaints.workflow import Outcome, explain
from config.kernel import journal, terms
from config.kernel.models import JournalEntry
from config.shared.forms import VersionedForm
from config.shared.scope import Scope
from config.shared.words import actor_words, day_words, moment_words

SEEN: Final = "seen"
_LONGEST: Final = 160
_MOST: Final = 12
_BESIDE: Final = frozenset(
    {"case.note", "case.attached", "case.file_opened", "case.revealed", "case.printed",
     "case.bundled", "case.bundle_asked", "case.identified", "case.identity_overridden",
     "case.watch_added", "case.watch_removed", "case.supervise", "case.acknowledged"}
)  # fmt: skip
_TAXONOMIES: Final[Mapping[str, str]] = {
    "business_line": "business_line", "business_channel": "business_channel", "nature": "nature",
    "cause": "cause", "trigger": "trigger_point", "outcome": "outcome", "emotion": "emotion",
    "emotion_now": "emotion", "suggestion_decision": "suggestion_decision",
    "intake_channel": "intake_channel",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One field that changed. `both`: the reader typed something else into it."""

    name: str
    label: str
    before: str
    after: str
    both: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One act of somebody since the form was shown; `at` aware, words as this reader may read."""

    who: str
    at: datetime
    what: str
    lines: list[Line] = field(default_factory=list)


def mark(form: VersionedForm, case: Case) -> None:
    """Have a form carry the number of the newest entry its reader saw; before `is_valid`."""
    form.fields[SEEN] = forms.IntegerField(
        required=False, min_value=0, widget=forms.HiddenInput, initial=case.event_seq
    )


def refuse(form: VersionedForm, outcome: Outcome, scope: Scope) -> list[Change]:
    """Turn a form back as overtaken: 409, the typed text kept, the others' changes beside it.

    `form.stale_changes` holds what is returned; templates show it. The next sending carries the
    version of now.
    """
    case = outcome.case
    seen = form.cleaned_data.get(SEEN)
    version = int(form.cleaned_data.get("version") or 0)
    entries = _entries(case, seen, version)
    told = [_pairs(entry, words) for entry, words in entries]
    form.refuse(explain(outcome), case.version)
    data: Any = form.data  # a copy since `refuse`
    data[form.add_prefix(SEEN)] = str(case.event_seq)
    both = _merge(form, told)
    changes = _changes(form, case, scope, entries, told, both)
    form.stale_changes = changes
    return changes


# --- What happened ---------------------------------------------------------------------------

_Words = Mapping[str, str | None]
_Pairs = dict[str, tuple[Any, Any]]


def _entries(case: Case, seen: int | None, version: int) -> list[tuple[JournalEntry, _Words]]:
    """Return what changed the case since the reader's form, oldest first, with its words.

    Without the number of an entry the last acts are taken, one for each version that passed.
    """
    rows = journal.entries(case.stream).exclude(action__in=_BESIDE)
    rows = rows.exclude(action__startswith="clock.").filter(seq__lte=case.event_seq)
    if seen is not None:
        found = list(rows.filter(seq__gt=seen).order_by("-seq")[:_MOST])[::-1]
    else:
        passed = max(0, case.version - version)
        newest = list(rows.order_by("-seq")[:_MOST])
        acts = [list(act) for _key, act in groupby(newest, lambda e: (e.at, e.actor_id))]
        found = [entry for act in acts[:passed] for entry in act][::-1]
    words = journal.words_of(found)
    return [(entry, words[entry.pk]) for entry in found]


def _pairs(entry: JournalEntry, words: _Words) -> _Pairs:
    """Return the fields an entry changed: name -> (before, after), as the record keeps them."""
    facts = journal.facts_of(entry)
    found: _Pairs = {}
    for kept in (facts, words):
        for name in kept:
            before = f"{name}_before"
            if before in kept and kept[before] != kept[name]:
                found[name] = (kept[before], kept[name])
            elif name.endswith("_before") and name[:-7] not in kept and kept is words:
                found[name[:-7]] = (kept[name], "")  # an empty text is not kept
    for name in facts.get("fields", ()):  # a text that was empty before
        if name in words and name not in found:
            found[name] = ("", words[name])
    moved = facts.get("from"), facts.get("to")
    if all(state in Status.values for state in moved) and moved[0] != moved[1]:
        found["status"] = moved
    return found


# --- The reader's fields -----------------------------------------------------------------------


def _merge(form: VersionedForm, told: Iterable[_Pairs]) -> frozenset[str]:
    """Put the new values into fields the reader left alone; returns the fields both changed."""
    data: Any = form.data
    both: set[str] = set()
    first: dict[str, Any] = {}
    last: dict[str, Any] = {}
    for pairs in told:
        for name, (before, after) in pairs.items():
            first.setdefault(name, before)
            last[name] = after
    for name, after in last.items():
        if name not in form.fields:
            continue
        key = form.add_prefix(name)
        typed = str(data.get(key, ""))
        if _same(form.fields[name], typed, first[name]):
            data[key] = _as_typed(form.fields[name], after)
        elif not _same(form.fields[name], typed, after):
            both.add(name)
    return frozenset(both)


def _same(control: forms.Field, typed: str, kept: Any) -> bool:
    """Tell whether what was typed means what the record keeps."""
    wanted = _as_typed(control, kept)
    if isinstance(control, forms.DecimalField):
        return _number(typed) == _number(wanted)
    if isinstance(control, forms.BooleanField):
        return bool(typed) == bool(wanted)
    return typed.replace("\r\n", "\n").strip() == wanted.strip()


def _as_typed(control: forms.Field, kept: Any) -> str:
    """Return a value of the record as the control of the form has it."""
    if kept is None or kept is False or kept == "None":
        return ""
    if isinstance(control, forms.BooleanField):
        return "on" if kept else ""
    if isinstance(control, forms.DateTimeField):
        moment = datetime.fromisoformat(str(kept))
        return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")
    return str(kept)


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text) if text.strip() else None
    except InvalidOperation:
        return None


# --- In words ----------------------------------------------------------------------------------


def _changes(
    form: VersionedForm,
    case: Case,
    scope: Scope,
    entries: Sequence[tuple[JournalEntry, _Words]],
    told: Sequence[_Pairs],
    both: frozenset[str],
) -> list[Change]:
    """Return the acts in words, masked for this reader."""
    hide = hider(case, scope)
    found = []
    for (entry, _words), pairs in zip(entries, told, strict=True):
        lines = [
            Line(
                name,
                _label(form, name),
                hide(_value(name, old)),
                hide(_value(name, new)),
                name in both,
            )
            for name, (old, new) in pairs.items()
        ]
        what = journal.describe(entry)
        found.append(Change(actor_words(entry.actor_label) or _("Huiyin"), entry.at, what, lines))
    return found


def _label(form: VersionedForm, name: str) -> str:
    if name in form.fields and form.fields[name].label:
        return str(form.fields[name].label)
    return fact_names.fact(name)


def _value(name: str, kept: Any) -> str:
    """Return a value of the record in words; a dash for none."""
    if kept is None or kept in ("", "None"):
        return "–"
    if isinstance(kept, bool):
        return _("Yes") if kept else _("No")
    special = {
        "status": lambda code: Status(code).label,
        "severity": naming.severity,
        "type": naming.feedback_type,
        "department": naming.department,
    }
    if name in special:
        return str(special[name](kept))
    if name in _TAXONOMIES:
        known = terms.by_code(_TAXONOMIES[name]).get(str(kept))
        return terms.path(known) if known else str(kept)
    return _moment(str(kept)) or Truncator(str(kept)).chars(_LONGEST)


def _moment(text: str) -> str:
    """Return an ISO time or day in words; '' when the text is none."""
    try:
        if len(text) == 10:
            return day_words(date.fromisoformat(text))
        moment = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        return ""
    return moment_words(moment) if moment and timezone.is_aware(moment) else ""


__all__ = ["Change", "Line", "mark", "refuse"]
