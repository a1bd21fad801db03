"""Hand-over of a shift 交接班: what the next shift must know, signed by both.

The list is made from the cases while nobody has signed, and frozen when the outgoing person signs:
critical ones, replies promised within twelve hours, customers who wait. Another person of the
incoming shift reads and signs, or sends it back with a reason. Restricted cases never stand in it;
who is recused does not see the line, who may not open the case sees number and due time.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import (
    DateTimeField,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce, Greatest
from django.db.models.lookups import GreaterThan
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints.choices import OPEN, Severity, Status
from complaints.lists import CaseRow, rows_of, shown_rows
from complaints.models import (
    CallRecord,
    Case,
    CaseExclusion,
    CustomerNotice,
    InboundMessage,
    ShiftHandOver,
)
from config.kernel import journal, notices
from config.kernel.journal import Fact
from config.kernel.notices import Telling
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.scope import Reach, Scope
from config.shared.worded import WordedError
from staff.models import Department, Person
from staff.models.accounts import Role

AREA: Final = "shifts"
AHEAD: Final = timedelta(hours=12)
MOST: Final = 100
_LONG_AGO: Final = datetime(1, 1, 2, tzinfo=UTC)
ROLES: Final = (Role.HOTLINE, Role.OFFICER, Role.SUPERVISOR, Role.DUTY_LEADER)
WAITING: Final = "shift.waiting"
REFUSED: Final = "shift.refused"
WHY: Final[Mapping[str, str | Promise]] = {
    "critical": _("Critical"),
    "promised": _("Reply promised"),
    "wrote": _("The customer wrote or chased last"),
    "waiting": _("Waiting for the customer"),
}
"""Why a case stands in the list, the most pressing first."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is written for the next shift: in all, and by case number."""

    note: str = ""
    remarks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """One line: why the case is in the list, until when something is due; `row` where in reach."""

    number: str
    why: str
    due: datetime | None
    remark: str = ""
    row: CaseRow | None = None

    @property
    def why_words(self) -> str | Promise:
        """The reason in words."""
        return WHY.get(self.why, self.why)


class ShiftRefused(WordedError):  # noqa: N818 - reads as words
    """A hand-over that cannot be written or signed; the code says why."""


# --- Reads ---------------------------------------------------------------------------------


def visible(scope: Scope, act: str = "view") -> QuerySet[ShiftHandOver]:
    """Return the hand-overs on which this person may do `act`: of the own units, or all."""
    rows = ShiftHandOver.objects.select_related("department", "out_signed_by", "in_signed_by")
    reach = scope.to(AREA, act)
    if Reach.ALL in reach:
        return rows
    return rows.filter(department__in=scope.departments) if reach else rows.none()


def units(scope: Scope, act: str = "view") -> QuerySet[Department]:
    """Return the units this person may do `act` for."""
    rows = Department.objects.filter(active=True).order_by("path")
    reach = scope.to(AREA, act)
    if Reach.ALL in reach:
        return rows
    return rows.filter(pk__in=scope.departments) if reach else rows.none()


def current(unit: Department) -> ShiftHandOver | None:
    """Return the hand-over of a unit that waits for a signature, or None."""
    rows = ShiftHandOver.objects.filter(department=unit, in_signed_at__isnull=True)
    return rows.select_related("department", "out_signed_by", "in_signed_by").first()


def words_of(shift: ShiftHandOver | None) -> Words:
    """Return what was written into a hand-over."""
    if shift is None:
        return Words()
    return Words(shift.note, dict(json.loads(shift.remarks)) if shift.remarks else {})


def items(unit: Department, shift: ShiftHandOver | None, scope: Scope, at: datetime) -> list[Item]:
    """Return the lines a reader may see: as they are now, or as signed; six queries at most."""
    signed = shift is not None and shift.out_signed_at is not None
    listed = shift.items if signed and shift is not None else _listed(unit, at)
    numbers = [str(entry["case"]) for entry in listed]
    out = CaseExclusion.objects.filter(person_id=scope.member or 0, case__number__in=numbers)
    hidden = set(out.values_list("case__number", flat=True))
    seen = list(shown_rows(scope).filter(number__in=numbers))
    rows = {row.case.number: row for row in rows_of(seen, scope, at)}
    remarks = words_of(shift).remarks
    return [
        Item(
            number,
            str(entry["why"]),
            parse_datetime(entry["due"]) if entry["due"] else None,
            remarks.get(number, ""),
            rows.get(number),
        )
        for number, entry in zip(numbers, listed, strict=True)
        if number not in hidden
    ]


def _listed(unit: Department, at: datetime) -> list[dict[str, Any]]:
    """Return the frozen form of the list at `at`: number, why and due time; two queries."""
    found = []
    for number, severity, promised, next_due, wrote in _pressing(unit, at):
        soon = promised is not None and promised <= at + AHEAD
        if severity == Severity.CRITICAL:
            why = "critical"
        elif soon:
            why = "promised"
        else:
            why = "wrote" if wrote else "waiting"
        moment = promised if soon else None if next_due.year > 9000 else next_due
        found.append({"case": number, "why": why, "due": moment.isoformat() if moment else ""})
    order = list(WHY)
    return sorted(found, key=lambda entry: (order.index(entry["why"]), entry["due"] or "9"))


def _pressing(unit: Department, at: datetime) -> Iterable[tuple[Any, ...]]:
    """Return what the list says of its cases, the gravest first, at most 100.

    The order is one that no index has, on purpose: the index by severity would be walked past the
    cases of every other unit, while a unit's own open cases have an index of their own.
    """
    people = list(Person.objects.filter(department=unit).values_list("pk", flat=True))
    rows = Case.objects.filter(
        Q(department=unit) | Q(officer__in=people), status__in=OPEN, restricted=False
    )
    critical = Q(severity=Severity.CRITICAL)
    promised = Q(promised_reply_at__lte=at + AHEAD)
    waiting = Q(status=Status.WAITING_CUSTOMER)
    rows = rows.annotate(wrote=_wrote()).filter(critical | promised | waiting | Q(wrote=True))
    told = ("number", "severity", "promised_reply_at", "next_due_at", "wrote")
    return rows.order_by(F("severity") * -1, "next_due_at", "id").values_list(*told)[:MOST]


def _wrote() -> GreaterThan:
    """Return whether the customer wrote about a case or chased after we last spoke.

    The newest of each kind are compared, which an index finds for each case alone.
    """
    ours = CallRecord.objects.filter(direction=CallRecord.Direction.OUT)
    theirs = Greatest(_newest(InboundMessage.objects.all()), _or_never(F("chased_at")))
    return GreaterThan(theirs, Greatest(_newest(CustomerNotice.objects.all()), _newest(ours)))


def _newest(rows: QuerySet[Any]) -> Coalesce:
    """Return when the newest of these rows about a case was, long ago where there is none."""
    newest = rows.filter(case=OuterRef("pk")).order_by("-at", "-id").values("at")[:1]
    return _or_never(Subquery(newest))


def _or_never(moment: F | Subquery) -> Coalesce:
    return Coalesce(moment, Value(_LONG_AGO), output_field=DateTimeField())


# --- Verbs ---------------------------------------------------------------------------------


def write(
    unit: Department, what: Words, *, actor: Actor, at: datetime, expected: int
) -> ShiftHandOver:
    """Keep the words for the next shift; begins the hand-over where none is open.

    `expected` is the version that was seen, 0 = none was open. ShiftRefused: stale, signed.
    """
    with _held(unit, actor, at, expected) as (shift, begun):
        _refuse_signed(shift)
        put_words(shift, what)
        facts = [Fact(shift, "shift.begun", {"department": unit.code})] if begun else []
        facts.append(Fact(shift, "shift.noted", {"remarks": sorted(what.remarks)}))
        journal.append(facts, actor=actor, at=at, save=("note", "remarks"))
    return shift


def sign_out(
    unit: Department, what: Words, *, actor: Actor, at: datetime, expected: int
) -> ShiftHandOver:
    """Sign for the outgoing shift: the list is frozen, the others of the unit are told."""
    with _held(unit, actor, at, expected) as (shift, begun):
        _refuse_signed(shift)
        shift.items = _listed(unit, at)
        what = _on_lines(what, shift.items)
        put_words(shift, what)
        shift.out_signed_at, shift.out_signed_by_id = at, _person(actor)
        facts = [Fact(shift, "shift.begun", {"department": unit.code})] if begun else []
        told = {"items": shift.items, "count": len(shift.items)}
        facts.append(Fact(shift, "shift.signed_out", told, _recorded(what)))
        saved = ("note", "remarks", "items", "out_signed_at", "out_signed_by")
        journal.append(facts, actor=actor, at=at, save=saved)
        _tell(shift, at)
    return shift


def sign_in(
    shifts: QuerySet[ShiftHandOver], *, actor: Actor, at: datetime, expected: Mapping[int, int]
) -> list[ShiftHandOver]:
    """Sign for the incoming shift; somebody else than who signed out. One of two clicks wins."""
    with hold(_bare(shifts), expected) as held:
        for shift in held.rows:
            _refuse_unsignable(shift, actor, stale=bool(held.stale))
            shift.in_signed_at, shift.in_signed_by_id = at, _person(actor)
        facts = [Fact(shift, "shift.signed_in", {"count": len(shift.items)}) for shift in held.rows]
        journal.append(facts, actor=actor, at=at, save=("in_signed_at", "in_signed_by"))
        notices.done(about=[_about(shift) for shift in held.rows], at=at, kinds=[WAITING])
    return held.rows


def send_back(
    shifts: QuerySet[ShiftHandOver],
    reason: str,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int],
) -> list[ShiftHandOver]:
    """Refuse to take over, with a reason: the outgoing person writes and signs again."""
    if not reason.strip():
        raise ShiftRefused("reason", _("Say what is missing."))
    with hold(_bare(shifts), expected) as held:
        tellings = []
        for shift in held.rows:
            _refuse_unsignable(shift, actor, stale=bool(held.stale))
            if shift.out_signed_by_id is not None:
                tellings.append(_telling(shift, shift.out_signed_by_id, REFUSED))
            shift.out_signed_at, shift.out_signed_by, shift.items = None, None, []
        facts = [Fact(shift, REFUSED, {}, {"reason": reason.strip()}) for shift in held.rows]
        journal.append(facts, actor=actor, at=at, save=("out_signed_at", "out_signed_by", "items"))
        notices.done(about=[_about(shift) for shift in held.rows], at=at, kinds=[WAITING])
        notices.tell(tellings, at=at)
    return held.rows


def _bare(shifts: QuerySet[ShiftHandOver]) -> QuerySet[ShiftHandOver]:
    """Return the rows without joins, as they are locked."""
    return ShiftHandOver.objects.filter(pk__in=shifts.order_by().values("pk"))


@contextmanager
def _held(
    unit: Department, actor: Actor, at: datetime, expected: int
) -> Iterator[tuple[ShiftHandOver, bool]]:
    """Lock the open hand-over of a unit, or begin one; tells whether it was begun."""
    person = _person(actor)
    with transaction.atomic():
        rows = ShiftHandOver.objects.filter(department=unit, in_signed_at__isnull=True)
        with hold(rows) as held:
            if held.rows:
                shift = held.rows[0]
                if shift.version != expected:
                    raise _stale()
                yield shift, False
                return
            if expected:
                raise _stale()
        yield _begun(unit, person, at), True


def _begun(unit: Department, person: int, at: datetime) -> ShiftHandOver:
    """Write a new hand-over; ShiftRefused(stale) when somebody was faster."""
    try:
        with transaction.atomic():
            return ShiftHandOver.objects.create(department=unit, begun_at=at, begun_by_id=person)
    except IntegrityError:
        raise _stale() from None


def _stale() -> ShiftRefused:
    return ShiftRefused("stale", _("Somebody changed this hand-over meanwhile."))


def _refuse_signed(shift: ShiftHandOver) -> None:
    if shift.out_signed_at is not None:
        raise ShiftRefused("signed", _("The outgoing shift has signed already."))


def _refuse_unsignable(shift: ShiftHandOver, actor: Actor, *, stale: bool) -> None:
    if stale or shift.out_signed_at is None or shift.in_signed_at is not None:
        raise _stale()
    if shift.out_signed_by_id == _person(actor):
        raise ShiftRefused("same", _("Somebody else must take over what you handed over."))


def _person(actor: Actor) -> int:
    if actor.kind != "person" or actor.id is None:
        raise ShiftRefused("person", _("Only a person hands over a shift."))
    return actor.id


def put_words(shift: ShiftHandOver, what: Words) -> None:
    """Put the words into the row; lines without words are not kept."""
    shift.note = what.note
    kept = {number: text for number, text in what.remarks.items() if text}
    shift.remarks = json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else ""


def _on_lines(what: Words, lines: Sequence[Mapping[str, Any]]) -> Words:
    """Return the words without remarks on cases that have left the list: nobody would read them."""
    numbers = {str(line["case"]) for line in lines}
    kept = {number: text for number, text in what.remarks.items() if number in numbers}
    return Words(what.note, kept)


def _recorded(what: Words) -> dict[str, str]:
    """Return the words as the record keeps them: encrypted, erasable."""
    texts = [f"{number}: {text}" for number, text in sorted(what.remarks.items()) if text]
    return {"note": what.note, "remarks": "\n".join(texts)}


def _about(shift: ShiftHandOver) -> str:
    return f"shift:{shift.pk}"


def _tell(shift: ShiftHandOver, at: datetime) -> None:
    """Tell the others of the unit that the hand-over waits for a signature."""
    team = Person.objects.active().holding(ROLES).filter(department=shift.department_id)
    others = team.exclude(pk=shift.out_signed_by_id or 0).values_list("pk", flat=True)
    notices.tell([_telling(shift, pk, WAITING) for pk in others], at=at)


def _telling(shift: ShiftHandOver, person: int, kind: str) -> Telling:
    return Telling(
        key=f"{kind}:{shift.pk}:{shift.event_seq}:{person}",
        person_id=person,
        kind=kind,
        about=_about(shift),
        facts={"unit": shift.department.code},
        needs_action=True,
    )
