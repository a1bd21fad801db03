"""Why a clock ran out: asked at the breach, given once per due time, kept in the case's record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints import naming
from complaints.choices import ClockName, ClockState
from complaints.clocks.telling import delay_about
from complaints.hiding import hider
from complaints.holding import hold_cases
from complaints.models import Case, CaseClock, CaseExclusion, DelayReason, Escalation
from complaints.reach import reaches
from config.kernel import journal, notices, terms
from config.kernel.actions import Action
from config.kernel.models import Term
from config.shared.actors import Actor
from config.shared.scope import Scope
from config.shared.worded import WordedError
from config.shared.words import actor_words

ACT: Final = "delay"
TAXONOMY: Final = "delay_reason"
_BREACH: Final = "100%"


class DelayRefused(WordedError):  # noqa: N818 - reads as words
    """A reason that cannot be given; the words say why. Code `given`: somebody was faster."""


@dataclass(frozen=True, slots=True)
class Given:
    """One reason as shown: `words` None = erased."""

    reason: str
    words: str | None
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Delays:
    """What the panel of a clock shows: reasons given, and where one can be given ('' = not)."""

    given: Sequence[Given] = field(default_factory=tuple)
    url: str = ""


def give_reason(
    cases: QuerySet[Case], clock_id: int, reason: str, words: str, *, actor: Actor, at: datetime
) -> DelayReason:
    """Record why a clock of the one case in `cases` ran out, for its latest unexplained due time.

    `cases` is cut by `visible_to(scope, "delay")`; `reason` a code of the list `delay_reason`.
    The notices that asked for it are done. Raises DelayRefused.
    """
    said = words.strip()
    if not said:
        raise DelayRefused("words", _("Say in a few words what happened."))
    term = Term.objects.of(TAXONOMY).usable(timezone.localdate(at)).filter(code=reason).first()
    if term is None:
        raise DelayRefused("reason", _("Choose a reason from the list."))
    with hold_cases(cases) as held:
        case = held.rows[0] if held.rows else None
        clock = CaseClock.objects.filter(case=case, pk=clock_id).first() if case else None
        if case is None or clock is None:
            raise DelayRefused("gone", _("This case is no longer within your reach."))
        person = _person(case, actor)
        waiting = unexplained(clock, at)
        if not waiting:
            raise _nothing_to_say(clock)
        facts = {"clock": clock.name, "round": clock.round, "due_rev": waiting[-1],
                 "reason": term.code}  # fmt: skip
        fact = journal.Fact(case, "case.delay_reason", facts, {"reason": said})
        entry = journal.append([fact], actor=actor, at=at)[0]
        made = DelayReason.objects.create(
            clock=clock, due_rev=waiting[-1], reason=term, by_id=person, at=at, seq=entry.seq
        )
        if len(waiting) == 1:
            notices.done(about=delay_about(clock), at=at)
    return made


def unexplained(clock: CaseClock, at: datetime) -> list[int]:
    """Return the revisions of the due time that passed and have no reason yet, oldest first."""
    fired = Escalation.objects.filter(clock=clock, step=_BREACH)
    passed = set(fired.values_list("due_rev", flat=True))
    until = clock.stopped_at or clock.paused_at or at
    if clock.state != ClockState.CANCELLED and clock.due_at <= until:
        passed.add(clock.due_rev)
    known = DelayReason.objects.filter(clock=clock).values_list("due_rev", flat=True)
    return sorted(passed - set(known))


def of_clock(case: Case, clock: CaseClock, scope: Scope, at: datetime) -> Delays:
    """Return the reasons of a clock, oldest first, and the address where one may be given."""
    rows = list(DelayReason.objects.filter(clock=clock).select_related("reason").order_by("pk"))
    may = reaches(case, scope, ACT) and bool(unexplained(clock, at))
    url = reverse("case_delay", args=[case.number, clock.pk]) if may else ""
    return Delays(_given(case, rows, scope), url)


def of_department(since: datetime, until: datetime, scope: Scope) -> QuerySet[Any, Any]:
    """Count the reasons given in [since, until) by department (pk) and reason (pk), most first.

    The department is the one that holds the case now; only cases in `scope` count.
    """
    visible = Case.objects.visible_to(scope)
    rows = DelayReason.objects.filter(at__gte=since, at__lt=until, clock__case__in=visible)
    named = rows.values("reason_id", department_id=F("clock__case__department_id"))
    return named.annotate(n=Count("pk")).order_by("-n", "department_id", "reason_id")


def actions() -> list[Action]:
    """Return what this module records."""
    show = {"clock": _clock, "reason": naming.delay_reason}
    sentence = _("Reason for the delay, %(clock)s: %(reason)s")
    return [Action("case.delay_reason", sentence, "message-question", show)]


def choices(at: datetime) -> list[tuple[str, str]]:
    """Return the reasons that may be chosen, (code, label)."""
    return terms.choices(TAXONOMY, on=timezone.localdate(at))


def _clock(code: Any) -> object:
    return ClockName(code).label if code in ClockName.values else code


def _given(case: Case, rows: Sequence[DelayReason], scope: Scope) -> list[Given]:
    if not rows:
        return []
    entries = list(journal.entries(case.stream).filter(seq__in=[row.seq for row in rows]))
    said = journal.words_of(entries)
    by_seq = {entry.seq: entry for entry in entries}
    hide = hider(case, scope)
    found = []
    for row in rows:
        entry = by_seq[row.seq]
        words = said[entry.pk].get("reason")
        shown = None if words is None else hide(words)
        found.append(Given(row.reason.label, shown, actor_words(entry.actor_label), row.at))
    return found


def _person(case: Case, actor: Actor) -> int:
    """Return the pk of the actor; refuse whoever is no person, or is named in the case."""
    if actor.kind != "person" or actor.id is None:
        raise DelayRefused("person", _("Only a person can give the reason."))
    if CaseExclusion.objects.filter(case=case, person_id=actor.id).exists():
        raise DelayRefused("recused", _("You are named in this case and stay out of it."))
    return actor.id


def _nothing_to_say(clock: CaseClock) -> DelayRefused:
    """Return why there is nothing to explain: somebody has done so, or the clock is not late."""
    newest = (
        DelayReason.objects.filter(clock=clock).select_related("by").order_by("-due_rev").first()
    )
    if newest is None:
        return DelayRefused("on_time", _("This clock has not run out."))
    message = _("%(person)s has given the reason already.")
    return DelayRefused("given", message, {"person": newest.by.label})
