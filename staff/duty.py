"""Who is on call now, and the calls that go to them: first, second, then the fallback people.

A call is a `DutyCall` row and a notice that needs an act. Whoever was called may acknowledge it,
also after it was passed on; then it is quiet for everybody. `DutyCall.facts` holds `told` (facts
of the notice), `out` (people never called: the recused), `fallback` and `called`, all pks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet

from config.kernel import journal, notice_mail, notices
from config.kernel.journal import Fact
from config.kernel.models import Notice
from config.shared.actors import SYSTEM, Actor
from config.shared.claim import hold
from config.shared.registry import contributed
from staff import people
from staff.models import DutyCall, DutyShift
from staff.models.accounts import Role

WAIT: Final = timedelta(minutes=15)
"""How long somebody on call has to acknowledge."""
LEDGER: Final = "duty"
FALLBACK: Final = 3
_SECOND: Final = 2
_CHANNELS: Final = ("sms", "email")


@dataclass(frozen=True, slots=True)
class DutyTelling:
    """One call to make. `key` keeps it from being made twice; `kind`, `about`, `facts` as a notice.

    `out` are people who must not hear of it (recused), `fallback` those called when nobody on the
    roster acknowledges or nobody is on call.
    """

    key: str
    kind: str
    about: str
    facts: Mapping[str, object] = field(default_factory=dict)
    out: frozenset[int] = frozenset()
    fallback: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DutyMatter:
    """Which calls need nobody any more because their matter is settled; one per room that calls.

    `settled(call)` is asked before a call is passed on; a call of another room is never settled.
    """

    key: str
    settled: Callable[[DutyCall], bool]


# --- Who -----------------------------------------------------------------------------------


def on_duty(at: datetime) -> DutyShift | None:
    """Return the shift that covers this moment (`starts_at` <= at < `ends_at`) and names somebody.

    None when the roster is not kept or says nobody; overlapping shifts are refused when written.
    """
    staffed = DutyShift.objects.filter(Q(first__isnull=False) | Q(second__isnull=False))
    now = staffed.filter(ends_at__gt=at, starts_at__lte=at)
    return now.select_related("first", "second").order_by("-starts_at").first()


def leaders_now(at: datetime) -> set[int]:
    """Return the pk of the first on call, of the second while the first is away, or nothing."""
    shift = on_duty(at)
    return set(_present(shift, at)[:1]) if shift else set()


def is_on_call(person_id: int, at: datetime) -> bool:
    """Tell whether this person acts as duty leader at `at`.

    First and second on call do. Without a roster for that moment, or once nobody on it answered a
    call of this shift, everybody with the role does: a severe case must not wait for a list.
    """
    shift = on_duty(at)
    if shift is None or person_id in (shift.first_id, shift.second_id):
        return True
    return DutyCall.objects.filter(shift=shift, level=FALLBACK, called_at__lte=at).exists()


# --- Calls ---------------------------------------------------------------------------------


def call(calls: Sequence[DutyTelling], *, at: datetime) -> int:
    """Call whoever is on duty about each matter whose key is new; returns how many were called.

    Belongs to the caller's transaction. With nobody on call (or all of them `out` or away) the
    fallback people are called at once, all of them; without those, all duty leaders, then the
    supervisors.
    """
    with transaction.atomic(), hold(_now(at)) as held:
        shift = held.rows[0] if held.rows else None
        wanted = {one.key: one for one in calls}
        known = DutyCall.objects.filter(key__in=list(wanted)).values_list("key", flat=True)
        for key in known:
            del wanted[key]
        rows, told = [], []
        for one in wanted.values():
            step = _first_step(one, shift, at)
            if not step.people:
                continue
            rows.append(_row(one, shift, step, at))
            told.append(step)
        made = DutyCall.objects.bulk_create(rows)
        _announce(list(zip(made, told, strict=True)), "duty.called", shift, at=at)
    return len(made)


def acknowledge(calls: QuerySet[DutyCall], *, actor: Actor, at: datetime) -> int:
    """Note that a person takes these calls; returns how many were still open.

    `calls` is cut by scope. Their notices close for everybody who was called.
    """
    with transaction.atomic():
        found = list(_locked(calls.filter(acknowledged_at__isnull=True)))
        if not found or actor.id is None:
            return 0
        for row in found:
            row.acknowledged_at, row.acknowledged_by_id, row.pass_at = at, actor.id, None
        DutyCall.objects.bulk_update(found, ["acknowledged_at", "acknowledged_by", "pass_at"])
        keys = [_notice_key(row.pk, pk) for row in found for pk in row.facts["called"]]
        open_notices = Notice.objects.filter(key__in=keys, done_at__isnull=True)
        open_notices.update(done_at=at)
        _record_taken(found, actor=actor, at=at)
    return len(found)


def pass_on(at: datetime) -> int:
    """Call the next one about each call that nobody acknowledged in 15 minutes; returns how many.

    A call whose matter was settled meanwhile wakes nobody else.
    One transaction per call, rows locked by another worker are skipped: each step once.
    """
    passed = 0
    while True:
        with transaction.atomic():
            due = DutyCall.objects.filter(pass_at__lte=at).order_by("pass_at", "pk")
            row = due.select_for_update(skip_locked=True).first()
            if row is None:
                return passed
            if _settled(row):
                row.pass_at = None
                row.save(update_fields=["pass_at"])
                continue
            _pass(row, at)
        passed += 1


@dataclass(frozen=True, slots=True)
class _Step:
    """Who is called next and at which level."""

    people: list[int]
    level: int


def _first_step(one: DutyTelling, shift: DutyShift | None, at: datetime) -> _Step:
    ready = [pk for pk in (_present(shift, at) if shift else []) if pk not in one.out]
    if ready and shift:
        return _Step(ready[:1], 1 if ready[0] == shift.first_id else _SECOND)
    return _Step(_fallback(one.fallback, one.out), FALLBACK)


def _settled(row: DutyCall) -> bool:
    return any(matter.settled(row) for matter in contributed(DutyMatter).values())


def _pass(row: DutyCall, at: datetime) -> None:
    """Call the next one on call who was not called yet; then the fallback people, once."""
    out, called = set(row.facts["out"]), list(row.facts["called"])
    with hold(_now(at)) as held:
        shift = held.rows[0] if held.rows else None
        on_it = _present(shift, at) if shift else []
        asked = [(row.about, pk) for pk in {*on_it, *row.facts["fallback"]}]
        out |= {pk for _about, pk in notice_mail.barred(asked)}
        ready = [pk for pk in on_it if pk not in {*out, *called}]
        if ready:
            step = _Step(ready[:1], _SECOND)
        else:
            left = _fallback(row.facts["fallback"], {*out, *called})
            step = _Step(left, FALLBACK)
        if not step.people:
            row.pass_at = None
            row.save(update_fields=["pass_at"])
            return
        row.called_id, row.called_at, row.level = step.people[0], at, step.level
        row.pass_at = at + WAIT if step.level < FALLBACK else None
        row.facts = row.facts | {"called": [*called, *step.people]}
        if shift is not None:
            row.shift = shift
        row.save()
        _announce([(row, step)], "duty.passed", shift, at=at)


def _row(one: DutyTelling, shift: DutyShift | None, step: _Step, at: datetime) -> DutyCall:
    facts: dict[str, Any] = {
        "told": dict(one.facts),
        "out": sorted(one.out),
        "fallback": list(one.fallback),
        "called": step.people,
    }
    return DutyCall(
        key=one.key,
        kind=one.kind,
        about=one.about,
        facts=facts,
        shift=shift,
        called_id=step.people[0],
        called_at=at,
        level=step.level,
        pass_at=at + WAIT if step.level < FALLBACK else None,
    )


def _announce(
    made: Sequence[tuple[DutyCall, _Step]], action: str, shift: DutyShift | None, *, at: datetime
) -> None:
    """Write the notices of a step and record it with the shift, or in the ledger of duty."""
    tellings = [
        notices.Telling(
            key=_notice_key(row.pk, pk),
            person_id=pk,
            kind=row.kind,
            about=row.about,
            facts=row.facts["told"],
            needs_action=True,
            channels=_CHANNELS,
            at_once=True,
        )
        for row, step in made
        for pk in step.people
    ]
    notices.tell(tellings, at=at)
    facts = [
        {"call": row.pk, "about": row.about, "people": step.people, "level": step.level}
        for row, step in made
    ]
    _record(shift, action, facts, actor=SYSTEM, at=at)


def _record(
    shift: DutyShift | None,
    action: str,
    facts: Iterable[Mapping[str, Any]],
    *,
    actor: Actor,
    at: datetime,
) -> None:
    if shift is not None:
        journal.append([Fact(shift, action, one) for one in facts], actor=actor, at=at)
        return
    for one in facts:
        journal.note(LEDGER, action, one, actor=actor, at=at)


def _record_taken(found: Sequence[DutyCall], *, actor: Actor, at: datetime) -> None:
    shifts = DutyShift.objects.filter(pk__in={row.shift_id for row in found})
    with hold(shifts) as held:
        by_pk = {shift.pk: shift for shift in held.rows}
        for row in found:
            told = {"call": row.pk, "about": row.about, "minutes": _minutes(row, at)}
            shift = by_pk.get(row.shift_id or 0)
            _record(shift, "duty.acknowledged", [told], actor=actor, at=at)


def _minutes(row: DutyCall, at: datetime) -> int:
    return int((at - row.called_at).total_seconds() // 60)


def _now(at: datetime) -> QuerySet[DutyShift]:
    """Return the shift of `on_duty`, to be locked; the row stays the same while it is held."""
    shift = on_duty(at)
    return DutyShift.objects.filter(pk__in=[shift.pk] if shift else [])


def _locked(calls: QuerySet[DutyCall]) -> QuerySet[DutyCall]:
    return calls.select_for_update(of=("self",)).order_by("pk")


def _present(shift: DutyShift, at: datetime) -> list[int]:
    """Return first and second on call, without who is away or has left."""
    named = [pk for pk in (shift.first_id, shift.second_id) if pk]
    here = people.present(named, at)
    return [pk for pk in named if pk in here]


def _fallback(named: Iterable[int], out: Iterable[int]) -> list[int]:
    """Return whom to call when the roster answers nobody."""
    without = set(out)
    for group in (
        list(named),
        [person.pk for person in people.audience([Role.DUTY_LEADER])],
        [person.pk for person in people.audience([Role.SUPERVISOR])],
    ):
        left = [pk for pk in group if pk not in without]
        if left:
            return left
    return []


def _notice_key(call_pk: int, person_id: int) -> str:
    return f"duty:{call_pk}:{person_id}"


def call_of_notice(key: str) -> int | None:
    """Return the pk of the call a notice belongs to, None for other notices."""
    kind, _, rest = key.partition(":")
    number = rest.partition(":")[0]
    return int(number) if kind == "duty" and number.isascii() and number.isdigit() else None
