"""Asking for what somebody else must decide: the verb and its payload wait in an Approval."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from complaints.models import Case
from complaints.workflow.ending import unproved
from complaints.workflow.moves import MOVES
from complaints.workflow.outcomes import Outcome, Refusal
from complaints.workflow.payloads import Appraising, Grading, Pausing, Restarting, Withdrawing, pack
from complaints.workflow.regulatory import extension_stages, obstacles
from complaints.workflow.waiting import unclear
from complaints.workflow.work import Work
from config.kernel import approvals
from config.kernel.models import Approval
from config.shared.actors import Actor

_REGULATORY = (Appraising, Restarting)


def ask(
    verb: str,
    cases: QuerySet[Case],
    what: Any,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Ask that `verb` be done with the payload `what`; the state of the cases stays.

    For verbs whose move names an `approval` (refuse, retype, lower_severity, the pauses, extend,
    external_appraisal, restart_new_facts, withdraw, set_major). Outcomes are `approval_asked`,
    or refused where the verb is impossible now or the same is already waiting.
    """
    kind = MOVES[verb].approval
    work = Work(verb, actor=actor, at=at)
    facts, words = pack(what)
    with work.on(cases, expected) as ready:
        waiting = _waiting(ready, kind)
        stages = extension_stages(ready) if kind == "extension" else {}
        hindered = obstacles(ready, what, at) if isinstance(what, _REGULATORY) else {}
        if isinstance(what, Pausing):
            hindered = unclear(ready, what, at, str(work.rules.target))
        for case in ready:
            stage = stages.get(case.pk)
            if why := hindered.get(case.pk) or _hopeless(case, what, kind, waiting, stage):
                work.refuse(case, Refusal.GUARD, why)
                continue
            told = {"verb": verb, **facts, **({"stage": stage} if stage else {})}
            work.record(case, "case.ask", {"kind": kind, **told}, words)
            work.requests.append(
                approvals.Request(
                    kind=kind,
                    about=case.about,
                    about_id=case.pk,
                    reason=words.get("reason") or words.get("words") or "",
                    facts=told,
                    words=words,
                    department_id=case.department_id,
                )
            )
            work.refuse(case, Refusal.APPROVAL_ASKED, _("The request waits for a decision."))
    return work.outcomes


def _waiting(cases: list[Case], kind: str) -> set[str]:
    """Return the abouts of cases for which the same already waits."""
    abouts = [case.about for case in cases]
    rows = Approval.objects.pending().filter(kind=kind, about__in=abouts)
    return set(rows.values_list("about", flat=True))


def _hopeless(case: Case, what: Any, kind: str, waiting: set[str], stage: int | None) -> str:
    """Return why asking makes no sense, or ''."""
    if case.about in waiting:
        return _("This is already waiting for a decision.")
    if kind == "extension" and stage is None:
        return _("The regulatory limit has no further extension.")
    if isinstance(what, Withdrawing):
        return unproved(what)
    if isinstance(what, Grading) and what.severity >= case.severity:
        return _("It would not be lowered.")
    text = getattr(what, "reason", None)
    if text is not None and not text.strip():
        return _("Give the reason.")
    return ""
