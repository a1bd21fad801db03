"""Unsent words in the forms of a case: kept on the server, for their writer alone.

A draft belongs to a person, a case and a form (`write-email`, `do-resolve`); it is kept while one
types and when a form is refused, and goes when the form is done.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django import forms
from django.http import QueryDict

from complaints.models import Case
from config.kernel import saved
from config.kernel.models import Draft
from config.shared.scope import Scope

WRITE: Final = "write-"
MOVE: Final = "do-"
MACRO: Final = "macro-"
_NEVER: Final = frozenset({"csrfmiddlewaretoken", "version", "sure"})
_MOST: Final = 50

Kept = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Unsent:
    """One draft of a person in a form of a case."""

    case: Case
    form: str
    saved_at: datetime


def keep(case: Case, form: str, data: QueryDict, *, person_id: int | None, at: datetime) -> None:
    """Keep what is typed; a form without words keeps nothing. Raises NotSaved when too long.

    Files, passwords and the tick that sends to a doubtful address are not kept.
    """
    body = {
        name: [text.replace("\x00", "") for text in values]
        for name, values in data.lists()
        if name not in _NEVER and any(text.strip() for text in values)
    }
    if person_id is None:
        return
    if not body or ("text" in data and "text" not in body):
        saved.drop_draft(person_id, _key(case.pk, form))
        return
    saved.save_draft(person_id, _key(case.pk, form), body, at=at)


def keep_refused(
    case: Case, form: str, data: QueryDict, *, person_id: int | None, at: datetime
) -> None:
    """Keep the words of a form that was refused; what is too long stays in the page alone."""
    try:
        keep(case, form, data, person_id=person_id, at=at)
    except saved.NotSaved:
        return


def drop(case: Case, form: str, *, person_id: int | None) -> None:
    """Forget the draft of one form; nothing happens when there is none."""
    if person_id is not None:
        saved.drop_draft(person_id, _key(case.pk, form))


def load(case: Case, form: str, *, person_id: int | None) -> Kept | None:
    """Return what is kept of one form, or None; one query."""
    return saved.load_draft(person_id, _key(case.pk, form)) if person_id is not None else None


def of_case(case: Case, *, person_id: int | None) -> dict[str, Kept]:
    """Return what this person left unsent in the composer of a case, by form; one query."""
    if person_id is None:
        return {}
    rows = Draft.objects.filter(person_id=person_id, key__startswith=_key(case.pk, WRITE))
    return {row.key.split(":", 2)[2]: json.loads(row.body) for row in rows}


def restore(form: forms.Form, kept: Kept | None) -> bool:
    """Fill an unbound form with what was kept; returns whether anything was."""
    if form.is_bound or not kept:
        return False
    found: dict[str, Any] = {}
    for name, field in form.fields.items():
        values = kept.get(name, ())
        if isinstance(field, forms.FileField) or name in _NEVER:
            continue
        if isinstance(field, forms.BooleanField):
            found[name] = bool(values)
        elif isinstance(field, forms.MultipleChoiceField):
            found[name] = list(values)
        elif values:
            found[name] = values[0]
    form.initial = {**(form.initial or {}), **found}
    return any(value not in ("", [], False) for value in found.values())


def mine(scope: Scope) -> list[Unsent]:
    """Return this person's drafts in cases they may still open, latest first; two queries."""
    if scope.member is None:
        return []
    rows = Draft.objects.filter(person_id=scope.member, key__startswith="case:")
    drafts = [(row, found) for row in rows.order_by("-saved_at")[:_MOST] if (found := _read(row))]
    wanted = {pk for _row, (pk, _form) in drafts}
    seen = Case.objects.visible_to(scope).filter(pk__in=wanted).select_related("type", "customer")
    cases = {case.pk: case for case in seen} if wanted else {}
    return [Unsent(cases[pk], form, row.saved_at) for row, (pk, form) in drafts if pk in cases]


def count(scope: Scope) -> int:
    """Return how many drafts `mine` lists: those in cases in sight; two queries at most."""
    if scope.member is None:
        return 0
    rows = Draft.objects.filter(person_id=scope.member, key__startswith="case:")
    keys = rows.order_by("-saved_at").values_list("key", flat=True)[:_MOST]
    found = [parts[0] for key in keys if (parts := _parts(key))]
    if not found:
        return 0
    seen = Case.objects.visible_to(scope).filter(pk__in=set(found))
    visible = set(seen.values_list("pk", flat=True))
    return sum(pk in visible for pk in found)


def forget_cases(pks: Iterable[int]) -> int:
    """Delete everybody's drafts in these cases; for the eraser. Returns how many."""
    wanted = set(pks)
    rows = Draft.objects.filter(key__startswith="case:").values_list("pk", "key")
    found = [pk for pk, key in rows if (parts := _parts(key)) and parts[0] in wanted]
    return Draft.objects.filter(pk__in=found).delete()[0]


def _key(pk: int, form: str) -> str:
    return f"case:{pk}:{form}"


def _read(row: Draft) -> tuple[int, str] | None:
    return _parts(row.key)


def _parts(key: str) -> tuple[int, str] | None:
    """Return pk and form of a key; None for a draft that belongs to no case."""
    _kind, pk, form = (*key.split(":", 2), "", "")[:3]
    return (int(pk), form) if pk.isdigit() and form else None


__all__ = [
    "MACRO", "MOVE", "WRITE", "Kept", "Unsent", "count", "drop", "forget_cases", "keep",
    "keep_refused", "load", "mine", "of_case", "restore",
]  # fmt: skip
