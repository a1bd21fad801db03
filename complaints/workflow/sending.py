"""Between complaint team and departments: assign, sign, return, start, assign a handler."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from complaints import clocks
from complaints.choices import ClockName, Status
from complaints.models import Case, HandOver
from complaints.workflow.lookups import department, person
from complaints.workflow.outcomes import Outcome, Refusal
from complaints.workflow.payloads import Handing, Note, Reason, Sending, Taking
from complaints.workflow.work import Work
from config.shared.actors import Actor
from staff.models import Department, Person


def assign(
    cases: QuerySet[Case],
    what: Sending,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Send cases to a department, which signs or refuses; handler or head are told.

    A case that a department refused goes on only with a note that says why.
    """
    work = Work("assign", actor=actor, at=at)
    unit, handler = department(what.department_id), person(what.handler_id)
    with work.on(cases, expected) as ready:
        for case in ready:
            if why := _misfit(unit, handler, is_named=work.is_named(case, what.handler_id)):
                work.refuse(case, Refusal.GUARD, why)
            elif case.status == Status.RETURNED and not what.note.strip():
                why = _("It came back once: say in the note why it goes to this department.")
                work.refuse(case, Refusal.GUARD, why)
            elif work.fits(case):
                work.move(
                    case,
                    {"department": unit.code, "handler": what.handler_id},
                    {"note": what.note},
                    department=unit,
                    handler=handler,
                    assigned_at=at,
                    dept_accepted_at=None,
                )
                work.tell(case, "case.assigned", [what.handler_id or unit.head_id])
        work.clocks(clocks.start(work.moved, at=at, names=[ClockName.SIGN]))
        work.hand_over(work.moved)
    return work.outcomes


def sign(
    cases: QuerySet[Case],
    what: Taking,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Sign for cases sent to the department; the signer handles them unless another is named."""
    work = Work("sign", actor=actor, at=at)
    chosen = person(what.handler_id)
    with work.on(cases, expected) as ready:
        for case in ready:
            if not what.no_interest:
                why = _("Declare that you have no interest of your own in this matter.")
                work.refuse(case, Refusal.GUARD, why)
            elif work.is_named(case, what.handler_id):
                work.refuse(case, Refusal.GUARD, _("This person is named in the case."))
            else:
                handler = chosen.pk if chosen else (case.handler_id or actor.id)
                work.move(
                    case,
                    {"handler": handler, "no_interest": True},
                    {},
                    handler_id=handler,
                    dept_accepted_at=at,
                )
        work.clocks(clocks.stop(work.moved, [ClockName.SIGN], at=at))
        running = HandOver.objects.filter(case__in=work.moved, to_at__isnull=True)
        running.filter(signed_at__isnull=True).update(signed_at=at)
        work.done_with("case.assigned", "case.unassigned")
    return work.outcomes


def return_(
    cases: QuerySet[Case],
    what: Reason,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Refuse cases in the department's name; they go back to the named officer, counted (K43)."""
    work = Work("return", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            if not what.reason.strip():
                work.refuse(case, Refusal.GUARD, _("Give the reason."))
                continue
            back_to = case.officer.department_id if case.officer else case.department_id
            refused_by = case.department.code
            work.move(
                case,
                {"department": refused_by},
                {"reason": what.reason},
                department_id=back_to,
                handler_id=case.officer_id,
                return_count=case.return_count + 1,
            )
            work.tell(case, "case.returned", [case.officer_id], department=refused_by)
        work.clocks(clocks.stop(work.moved, [ClockName.SIGN], at=at))
        work.hand_over(work.moved)
        work.done_with("case.assigned")
    return work.outcomes


def start(
    cases: QuerySet[Case],
    what: Note | None = None,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Begin handling: after the assessment, a return, a reopening, a sent-back answer."""
    work = Work("start", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            handler = case.handler_id or (actor.id if actor.kind == "person" else None)
            note = what.note if what else ""
            work.move(case, {"handler": handler}, {"note": note}, handler_id=handler)
        work.done_with("case.sent_back", "case.returned", "case.reopened")
    return work.outcomes


def assign_handler(
    cases: QuerySet[Case],
    what: Handing,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Give cases to another person of the department that holds them."""
    work = Work("assign_handler", actor=actor, at=at)
    handler = person(what.handler_id)
    with work.on(cases, expected) as ready:
        for case in ready:
            is_named = work.is_named(case, what.handler_id)
            if why := _misfit(case.department, handler, is_named=is_named):
                work.refuse(case, Refusal.GUARD, why)
                continue
            facts = {"handler": what.handler_id, "handler_before": case.handler_id}
            work.move(case, facts, {"note": what.note}, handler=handler)
            work.tell(case, "case.assigned", [what.handler_id])
        work.hand_over(work.moved, keep_department=True)
    return work.outcomes


def _misfit(unit: Department, handler: Person | None, *, is_named: bool) -> str:
    """Return why this person cannot handle the case there, or ''."""
    if is_named:
        return _("This person is named in the case.")
    if handler is None or handler.department_id == unit.pk:
        return ""
    told = {"person": handler.label, "department": unit.label}
    return _("%(person)s does not work in %(department)s.") % told
