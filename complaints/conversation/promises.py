"""The reply a customer was promised (S3-35, K37): set, reminded of, missed, kept.

A promise is a row beside the clocks, which know nothing of it: nobody is owed a promise by a
policy, and the customer counts real time. It ends with the next contact of ours that reached the
customer; `Case.promised_reply_at` names the nearest open one for lists and chips.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints import clocks
from complaints.appending import RecordRefused, held, needed
from complaints.choices import OPEN, NoticeMethod
from complaints.clocks.telling import case_link
from complaints.holding import hold_cases
from complaints.models import Case, CaseExclusion, PromisedReply
from config.kernel import journal, notices
from config.kernel.actions import Action
from config.kernel.notices import NoticeKind
from config.shared.actors import SYSTEM, Actor
from config.shared.chips import ClockChip
from config.shared.words import moment_words

AHEAD: Final = timedelta(hours=2)
FARTHEST: Final = timedelta(days=60)
REMIND: Final = "case.promise_soon"
BREACH: Final = "case.promise_overdue"
_CHUNK: Final = 200
_FIELDS: Final = ("promised_reply_at", "updated_at")


@dataclass(frozen=True, slots=True)
class Promise:
    """When a reply was promised; how the customer was told (NoticeMethod), and in what words.

    `seq` is the entry of the message that tells it; None = the entry written with the promise.
    """

    reply_by: datetime
    seq: int | None = None
    method: str = ""
    note: str = ""


def promise(
    cases: Sequence[Case], what: Promise, *, actor: Actor, at: datetime
) -> list[PromisedReply]:
    """Note on held cases that the customer was told when to expect a reply.

    A promise that a message tells stands beside the earlier ones until it arrives; else it
    replaces them. Raises RecordRefused for a moment that is past or too far, or when nothing is
    owed any more.
    """
    reply_by, seq = what.reply_by, what.seq
    if reply_by <= at or reply_by > at + FARTHEST:
        raise RecordRefused("promise", gettext_lazy("Promise a time within the next 60 days."))
    if any(not case.is_open for case in cases):
        why = gettext_lazy("The customer was told the result: there is nothing left to promise.")
        raise RecordRefused("promise", why)
    if seq is None:
        _replace(cases, at)
    facts = {"reply_by": reply_by, **({"method": what.method} if what.method else {})}
    soon = at if reply_by - at <= AHEAD else None
    rows = [
        PromisedReply(
            case=case, due_at=reply_by, at=at, by_id=actor.id, reminded_at=soon,
            seq=case.event_seq + 1 if seq is None else seq,
        )
        for case in cases
    ]  # fmt: skip
    made = PromisedReply.objects.bulk_create(rows)
    refresh(cases)
    words = {"note": what.note}
    said = [journal.Fact(case, "case.promised", facts, words) for case in cases]
    journal.append(said, actor=actor, at=at, save=_FIELDS)
    notices.done(about=[case.about for case in cases], kinds=[REMIND, BREACH], at=at)
    return made


def change(
    cases: QuerySet[Case], what: Promise, *, actor: Actor, at: datetime
) -> list[PromisedReply]:
    """Set or move the promised reply; who was told how and in what words is needed.

    One that was overdue when it was moved stays broken in the figures.
    """
    needed(what.note)
    if what.method not in NoticeMethod.values:
        raise RecordRefused("method", gettext_lazy("Choose how the customer was told."))
    with held(cases, actor, at, states=OPEN) as rows:
        return promise(rows, what, actor=actor, at=at)


def answered(
    cases: Sequence[Case],
    moment: datetime,
    *,
    actor: Actor,
    at: datetime,
    before: int | None = None,
) -> int:
    """Note on held cases that a contact of ours reached the customer at `moment`; K37.

    Promises made before that contact end, kept or late; `before` cuts off those that the
    contact itself (its entry) made. Returns how many ended.
    """
    rows = PromisedReply.objects.filter(case__in=cases, ended_at__isnull=True, at__lte=moment)
    if before is not None:
        rows = rows.filter(seq__lt=before)
    return _end(cases, list(rows.order_by("pk")), moment, actor=actor, at=at)


def withdraw(cases: Sequence[Case], seqs: Collection[int], *, at: datetime) -> None:
    """Take promises back whose message was recalled before it left: nobody heard of them.

    The case fields `promised_reply_at` and `updated_at` are set; the caller saves them.
    """
    rows = PromisedReply.objects.filter(case__in=cases, seq__in=seqs, ended_at__isnull=True)
    rows.update(ended_at=at, kept=None)
    refresh(cases)


def take_over(cases: Sequence[Case], into: Case, seq: int) -> None:
    """Move what was promised to the senders of merged cases to the surviving one, all held.

    Its answer reaches every sender. `seq` is the entry of `into` that tells of the merge; the
    caller saves `promised_reply_at` of `into`.
    """
    _adopt_held([*cases, into])
    open_rows = PromisedReply.objects.filter(case__in=cases, ended_at__isnull=True)
    open_rows.update(case=into, seq=seq)
    refresh([into])


def refresh(cases: Iterable[Case]) -> None:
    """Set `promised_reply_at` of cases to their nearest open promise; not saved. One query."""
    wanted = list(cases)
    rows = PromisedReply.objects.filter(case__in=wanted, ended_at__isnull=True)
    nearest = dict(rows.order_by("-due_at").values_list("case_id", "due_at"))
    for case in wanted:
        case.promised_reply_at = nearest.get(case.pk)


def sweep(at: datetime) -> int:
    """Remind of promises two hours ahead and tell of broken ones, each once; due work `promises`.

    Promises noted elsewhere (intake, import, corrected facts) are taken over first; those of cases
    that ended are settled by when the customer was told. Returns how many rows changed.
    """
    return _adopt(at) + _settle_ended(at) + _tell_due(at)


def chip(case: Case, at: datetime) -> ClockChip | None:
    """Return the chip of the promised reply; None when nothing is promised. No query."""
    due = case.promised_reply_at
    if due is None or not case.is_open:
        return None
    left = due - at
    over, risk = left <= timedelta(0), left <= AHEAD
    whole = max(due - (case.registered_at or at), timedelta(seconds=1))
    return ClockChip(
        state="over" if over else "risk" if risk else "ok",
        name=_("Promised reply"),
        due_at=due,
        percent=min(100, max(0, round(100 * (1 - left / whole)))),
        seconds=int(abs(left).total_seconds()),
        counted_until=clocks.NEVER if over else due,
    )


def is_nearest(case: Case) -> bool:
    """Tell whether the promise is due before every clock of the case."""
    due = case.promised_reply_at
    return due is not None and case.is_open and due < case.next_due_at


def _replace(cases: Sequence[Case], at: datetime) -> None:
    """End what was promised before: without a verdict in time, broken when it was overdue."""
    rows = PromisedReply.objects.filter(case__in=cases, ended_at__isnull=True)
    rows.filter(due_at__lt=at).update(ended_at=at, kept=False)
    rows.update(ended_at=at, kept=None)


def _end(
    cases: Sequence[Case],
    rows: list[PromisedReply],
    moment: datetime,
    *,
    actor: Actor,
    at: datetime,
) -> int:
    """Write the verdict on these promises of held cases, and record it."""
    if not rows:
        return 0
    by_pk = {case.pk: case for case in cases}
    for row in rows:
        row.ended_at, row.kept = moment, moment <= row.due_at
    PromisedReply.objects.bulk_update(rows, ["ended_at", "kept"])
    ended = [by_pk[pk] for pk in sorted({row.case_id for row in rows})]
    refresh(ended)
    facts = [
        journal.Fact(
            by_pk[row.case_id],
            "case.promise_kept" if row.kept else "case.promise_late",
            {"reply_by": row.due_at, "reached_at": moment},
        )
        for row in rows
    ]
    journal.append(facts, actor=actor, at=at, save=_FIELDS)
    notices.done(about=[case.about for case in ended], kinds=[REMIND, BREACH], at=at)
    return len(rows)


def _adopt(at: datetime) -> int:
    """Give every promised time of an open case its row."""
    known = PromisedReply.objects.filter(
        case=OuterRef("pk"), due_at=OuterRef("promised_reply_at"), ended_at__isnull=True
    )
    loose = Case.objects.open().filter(~Exists(known), promised_reply_at__isnull=False)
    pks = list(loose.order_by("pk").values_list("pk", flat=True)[:_CHUNK])
    if not pks:
        return 0
    with hold_cases(loose.filter(pk__in=pks)) as locked:
        _replace(locked.rows, at)
        _write(locked.rows)
    return len(locked.rows)


def _adopt_held(cases: Sequence[Case]) -> None:
    """Give the promised times of these held cases their rows, where they have none."""
    rows = PromisedReply.objects.filter(case__in=cases, ended_at__isnull=True)
    known = set(rows.values_list("case_id", "due_at"))
    _write([case for case in cases if (case.pk, case.promised_reply_at) not in known])


def _write(cases: Iterable[Case]) -> None:
    """Write the rows of promised times that stand on the cases alone."""
    PromisedReply.objects.bulk_create(
        PromisedReply(
            case=case,
            due_at=case.promised_reply_at,
            at=min(case.registered_at, case.promised_reply_at),
            by_id=case.registrar_id,
            seq=case.event_seq,
        )
        for case in cases
        if case.promised_reply_at is not None
    )


def _settle_ended(at: datetime) -> int:
    """End the promises of cases that ended: by when the customer was told, else without verdict."""
    rows = PromisedReply.objects.filter(ended_at__isnull=True).filter(
        ~Q(case__status__in=OPEN) | Q(case__promised_reply_at__isnull=True)
    )
    pks = sorted(set(rows.order_by("due_at").values_list("case_id", flat=True)[:_CHUNK]))
    if not pks:
        return 0
    done = 0
    with hold_cases(Case.objects.filter(pk__in=pks)) as locked:
        for case in locked.rows:
            own = list(rows.filter(case=case).order_by("pk"))
            if case.notified_at is not None:
                done += _end([case], own, case.notified_at, actor=SYSTEM, at=at)
                continue
            rows.filter(pk__in=[row.pk for row in own]).update(ended_at=at, kept=None)
            done += len(own)
        refresh(locked.rows)
        Case.objects.bulk_update(locked.rows, ["promised_reply_at"])
    return done


def _tell_due(at: datetime) -> int:
    """Tell of what comes due within two hours and of what is overdue; each row once each."""
    soon = Q(reminded_at__isnull=True, due_at__lte=at + AHEAD)
    late = Q(missed_at__isnull=True, due_at__lte=at)
    due = PromisedReply.objects.filter(soon | late, ended_at__isnull=True)
    pks = sorted(set(due.order_by("due_at").values_list("case_id", flat=True)[:_CHUNK]))
    if not pks:
        return 0
    with hold_cases(Case.objects.filter(pk__in=pks, status__in=OPEN)) as locked:
        by_pk = {case.pk: case for case in locked.rows}
        rows = list(due.filter(case__in=locked.rows).order_by("pk"))
        out = _excluded(locked.rows)
        tellings, facts = [], []
        for row in rows:
            over, case = row.due_at <= at, by_pk[row.case_id]
            tellings += _tellings(case, row, out, over=over)
            row.reminded_at = row.reminded_at or at
            if over:
                row.missed_at = at
                facts.append(journal.Fact(case, "case.promise_missed", {"reply_by": row.due_at}))
        PromisedReply.objects.bulk_update(rows, ["reminded_at", "missed_at"])
        journal.append(facts, actor=SYSTEM, at=at)
        notices.tell(tellings, at=at)
    return len(rows)


def _excluded(cases: Sequence[Case]) -> set[tuple[int, int]]:
    rows = CaseExclusion.objects.filter(case__in=cases)
    return set(rows.values_list("case_id", "person_id"))


def _tellings(
    case: Case, row: PromisedReply, out: set[tuple[int, int]], *, over: bool
) -> list[notices.Telling]:
    """Return the notices about one promise: to whoever holds the case, broken ones also above."""
    nearest = case.handler_id or case.officer_id or case.department.head_id
    people = [nearest, case.officer_id, case.department.head_id] if over else [nearest]
    kind = BREACH if over else REMIND
    return [
        notices.Telling(
            key=f"{kind}:{row.pk}:{person}",
            person_id=person,
            kind=kind,
            about=case.about,
            facts={"number": case.number, "due": row.due_at.isoformat()},
            needs_action=True,
            channels=("email",) if over else (),
        )
        for person in dict.fromkeys(people)
        if person is not None and (case.pk, person) not in out
    ]


def _moment(text: Any) -> object:
    return moment_words(datetime.fromisoformat(str(text)))


def _how(code: Any) -> object:
    return NoticeMethod(code).label if code in NoticeMethod.values else code


def contributions() -> tuple[Action | NoticeKind, ...]:
    """Return the lines for the registry."""
    shown = {"reply_by": _moment, "reached_at": _moment, "method": _how}
    due = {"due": _moment}
    return (
        Action("case.promised", gettext_lazy("A reply was promised by %(reply_by)s"),
               "calendar-time", shown),
        Action("case.promise_kept", gettext_lazy("The reply promised by %(reply_by)s was given"),
               "check", shown),
        Action("case.promise_late",
               gettext_lazy("The reply promised by %(reply_by)s came late"), "x", shown),
        Action("case.promise_missed",
               gettext_lazy("The reply promised by %(reply_by)s is overdue"), "alert-triangle",
               shown),
        NoticeKind(REMIND, gettext_lazy("Case %(number)s: a reply is promised by %(due)s"),
                   "calendar-time", case_link, gettext_lazy("Reach the customer"), due),
        NoticeKind(BREACH, gettext_lazy("Case %(number)s: the promised reply is overdue"),
                   "alert-triangle", case_link, gettext_lazy("Reach the customer"), due),
    )  # fmt: skip


__all__ = [
    "AHEAD",
    "Promise",
    "answered",
    "change",
    "chip",
    "contributions",
    "is_nearest",
    "promise",
    "refresh",
    "sweep",
    "withdraw",
]
