"""From a filled-in dialog to a verb: which function, which payload, ask or do. No rules here."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from complaints import records, workflow
from complaints.conversation import doubting
from complaints.forms import MoveForm
from complaints.models import Case
from complaints.reach import reaches
from complaints.workflow import Outcome
from complaints.workflow.moves import Kind, Move
from complaints.workflow.payloads import FactsEdit
from config.kernel import files
from config.kernel.models import StoredFile
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.scope import Scope

# Reached by the approvals inbox or a form of their own, never by the generic dialog.
NOT_BY_PAGE: Final = frozenset({"approve", "send_back", "edit_facts", "archive"})


def must_ask(move: Move, case: Case, scope: Scope) -> bool:
    """Whether this person only asks for the move on this case, and somebody else decides."""
    if move.only_approved:
        return True
    return bool(move.ask_act) and not reaches(case, scope, move.act)


def perform(
    move: Move,
    cases: QuerySet[Case],
    form: MoveForm,
    *,
    asks: bool,
    actor: Actor,
    at: datetime,
) -> Outcome | None:
    """Carry out the move of a valid form on the one case in `cases`; None = out of reach now.

    An uploaded file becomes an attachment of the case; it is not kept when the move is refused.
    """
    expected = {form.case.pk: form.cleaned_data["version"]}
    with transaction.atomic():
        proofs = _proofs(form, actor=actor, at=at)
        what = _payload(form, proofs)
        if asks:
            outcomes = workflow.ask(move.verb, cases, what, actor=actor, at=at, expected=expected)
        else:
            verb = workflow.VERBS[move.verb][0]
            outcomes = verb(cases, what, actor=actor, at=at, expected=expected)
        outcome: Outcome | None = outcomes[0] if outcomes else None
        if outcome is None or not (outcome.done or outcome.asked):
            transaction.set_rollback(bool(proofs))
        elif form.doubt and outcome.done:
            method = form.cleaned_data["method"]
            doubting.accepted(form.case.pk, method, form.doubt, actor=actor, at=at)
        if outcome is not None and (outcome.done or outcome.asked) and proofs:
            with hold(Case.objects.filter(pk=form.case.pk)) as held:
                records.keep_files(held.rows, list(proofs.values()), actor=actor, at=at)
    return outcome


def edit_facts(
    cases: QuerySet[Case],
    what: FactsEdit,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int],
    screenshot: Any = None,
) -> Outcome | None:
    """Save corrected facts of the one case in `cases`; None = it is out of reach now.

    A picture of the post (media risk) becomes an attachment, unless the facts are refused.
    """
    with transaction.atomic():
        outcomes = workflow.edit_facts(cases, what, actor=actor, at=at, expected=expected)
        outcome = outcomes[0] if outcomes else None
        if outcome is not None and outcome.done and screenshot is not None:
            records.attach(cases, screenshot, actor=actor, at=at)
    return outcome


def _proofs(form: MoveForm, *, actor: Actor, at: datetime) -> dict[str, StoredFile]:
    """Store what was uploaded with the dialog: at most one file, by the name of its field."""
    upload = form.cleaned_data.get("file")
    names = [field.name for field in form.move.fields if field.kind == Kind.FILE]
    if upload is None or not names:
        return {}
    return {names[0]: files.store(upload, kind="case", uploaded_by_id=actor.id, at=at)}


def _payload(form: MoveForm, proofs: Mapping[str, StoredFile]) -> Any:
    """Return the verb's payload from the form and the files stored for it."""
    values = form.payload() | {name: stored.pk for name, stored in proofs.items()}
    kind = workflow.VERBS[form.move.verb][1]
    return kind(**{part.name: values[part.name] for part in fields(kind) if part.name in values})
