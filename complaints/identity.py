"""Identifying the customer before contact data is shown (S4-6, S3-47); never the biometric.

A passed check opens the contact data of its case for 24 hours, whoever of the team shows it: the
contact with the customer goes on when the case changes hands. Without one the data is shown only
against a reason; that opens it for this one look, stands in the record and is told to the
supervisors once a day. The third failed check of a contact is a warning to whoever has the case.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints.choices import IdentityMethod, IdentityResult
from complaints.clocks.telling import case_link
from complaints.holding import hold_cases
from complaints.models import Case, CaseExclusion, IdentityCheck
from config.kernel import journal, notices
from config.kernel.actions import Action
from config.kernel.models import JournalEntry, Notice
from config.kernel.notices import NoticeKind
from config.shared.actors import Actor
from config.shared.registry import Contribution, DueWork
from config.shared.scope import Scope
from config.shared.worded import WordedError
from customers import contacting
from customers.models import ContactPoint
from staff import people as people_room
from staff.models.accounts import Role

_BY_NUMBER: Final = frozenset({IdentityMethod.CODE, IdentityMethod.CALLBACK})
"""Ways that prove at the same time that the number of the contact is the customer's."""
VALID: Final = timedelta(hours=24)
WARN_AT: Final = 3
IDENTIFIED, OVERRIDDEN, CARRIED = (
    "case.identified", "case.identity_overridden", "case.identity_carried",
)  # fmt: skip
FAILED_OFTEN, DIGEST = "case.identity_failed", "identity.overridden"
_DIGEST_FROM: Final = time(8, 30)


class IdentityRefused(WordedError):  # noqa: N818 - reads as words
    """A check that cannot be noted, or data that is not shown; the words say why."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the customer of a case is identified now.

    `passed` the check that holds, `until` when it ends; `failed` the failed checks since the last
    passed one, within 24 hours.
    """

    passed: IdentityCheck | None
    until: datetime | None
    failed: int

    @property
    def warns(self) -> bool:
        """Whether so many checks failed that somebody may be pretending."""
        return self.passed is None and self.failed >= WARN_AT


def standing(case: Case, at: datetime) -> Standing:
    """Return how the customer is identified at `at`; one query."""
    rows = IdentityCheck.objects.filter(case=case, at__gt=at - VALID, at__lte=at)
    return _judged(list(rows.select_related("by").order_by("-at", "-id")[:50]))


def now(at: datetime) -> dict[str, Subquery]:
    """Return the annotation `identity_now` for cases: the result of the check that counts at `at`.

    The newest passed or failed check of the last 24 hours, as in `standing`; None without one.
    """
    checks = IdentityCheck.objects.filter(
        case=OuterRef("pk"), at__gt=at - VALID, at__lte=at, result__in=_NOTED
    )
    return {"identity_now": Subquery(checks.order_by("-at", "-id").values("result")[:1])}


def _judged(newest_first: Sequence[IdentityCheck]) -> Standing:
    failed = 0
    for check in newest_first:
        if check.result == IdentityResult.PASSED:
            holds = failed == 0
            return Standing(check if holds else None, check.at + VALID if holds else None, failed)
        failed += check.result == IdentityResult.FAILED
    return Standing(None, None, failed)


def check(
    cases: QuerySet[Case], method: str, result: str, *, actor: Actor, at: datetime
) -> list[IdentityCheck]:
    """Note that the customer of these cases was identified, or was not, and how.

    A failed check takes the force of an earlier passed one. IdentityRefused for a method or a
    result that does not exist, and for an actor who stays out of the case.
    """
    if method not in IdentityMethod.values or result not in _NOTED:
        raise IdentityRefused("check", _("Choose how the customer was identified and the result."))
    with hold_cases(cases) as held:
        _refuse_recused(held.rows, actor)
        facts = [
            journal.Fact(case, IDENTIFIED, {"method": method, "result": result})
            for case in held.rows
        ]
        entries = journal.append(facts, actor=actor, at=at)
        rows = IdentityCheck.objects.bulk_create(
            IdentityCheck(
                case=case, method=method, result=result, at=at, by_id=actor.id, seq=entry.seq
            )
            for case, entry in zip(held.rows, entries, strict=True)
        )
        if result == IdentityResult.FAILED:
            _warn(held.rows, actor, at)
        elif method in _BY_NUMBER:
            _verify_numbers(held.rows, actor, at)
    return rows


def _verify_numbers(cases: Sequence[Case], actor: Actor, at: datetime) -> None:
    """Mark the numbers of known customers by which they were identified as verified."""
    known = {case.contact_phone_hash: case.customer_id for case in cases if case.contact_phone_hash}
    points = ContactPoint.objects.filter(
        customer__in=[case.customer_id for case in cases if case.customer_id],
        value_hash__in=known,
    )
    theirs = [point for point in points if known.get(point.value_hash) == point.customer_id]
    contacting.verify(theirs, actor=actor, at=at)


def override(case: Case, reason: str, *, actor: Actor, at: datetime) -> IdentityCheck:
    """Note that data of one held case is shown without identification; opens this look only."""
    if not reason.strip():
        raise IdentityRefused("reason", _("Say why the data is needed before identification."))
    fact = journal.Fact(case, OVERRIDDEN, {}, {"reason": reason.strip()})
    [entry] = journal.append([fact], actor=actor, at=at)
    return IdentityCheck.objects.create(
        case=case, result=IdentityResult.OVERRIDDEN, at=at, by_id=actor.id, seq=entry.seq
    )


def carry_over(
    old: Case, new_cases: Iterable[Case], *, actor: Actor, at: datetime
) -> list[IdentityCheck]:
    """Let the check that holds for `old` hold for further cases of the same contact.

    `new_cases` are held by the caller. Nothing is carried when the customer of `old` is not
    identified now, or when a case is of another customer. The end of validity stays.
    """
    holds = standing(old, at).passed
    if holds is None:
        return []
    source = holds.taken_from or holds
    theirs = [
        case
        for case in new_cases
        if case.pk != old.pk
        and case.customer_id == old.customer_id
        and case.contact_phone_hash == old.contact_phone_hash
    ]
    told = {"number": old.number, "method": holds.method}
    facts = [journal.Fact(case, CARRIED, told) for case in theirs]
    entries = journal.append(facts, actor=actor, at=at)
    return IdentityCheck.objects.bulk_create(
        IdentityCheck(
            case=case, method=holds.method, result=IdentityResult.PASSED, taken_from=source,
            at=holds.at, by_id=actor.id, seq=entry.seq,
        )
        for case, entry in zip(theirs, entries, strict=True)
    )  # fmt: skip


def overrides(scope: Scope, *, since: datetime) -> QuerySet[IdentityCheck]:
    """Return the looks without identification on cases this person oversees, newest first."""
    seen = Case.objects.visible_to(scope).filter(
        pk__in=Case.objects.visible_to(scope, "overrides").values("pk")
    )
    rows = IdentityCheck.objects.filter(
        result=IdentityResult.OVERRIDDEN, at__gte=since, case__in=seen.values("pk")
    )
    return rows.select_related("case__customer", "by").order_by("-at", "-id")


def reasons(checks: Sequence[IdentityCheck]) -> dict[int, str | None]:
    """Return why each of these looks was taken, by pk; None = erased. Two queries.

    `checks` is what `overrides` gave somebody, with the cases loaded; the words are not masked.
    """
    streams = {row.case.stream for row in checks}
    entries = list(JournalEntry.objects.filter(stream__in=streams, action=OVERRIDDEN))
    words = journal.words_of(entries)
    said = {(entry.stream, entry.seq): words[entry.pk].get("reason") for entry in entries}
    return {row.pk: said.get((row.case.stream, row.seq)) for row in checks}


def tell_overrides(at: datetime) -> int:
    """Due work `identity_digest`: once a day tell supervisors of yesterday's overrides.

    From half past eight local time; the notice of a day is written once. Returns how many.
    """
    local = timezone.localtime(at)
    if local.time() < _DIGEST_FROM:
        return 0
    begins = local.replace(hour=0, minute=0, second=0, microsecond=0)
    day = begins - timedelta(days=1)
    rows = IdentityCheck.objects.filter(
        result=IdentityResult.OVERRIDDEN, at__gte=day, at__lt=begins
    )
    cases = list(rows.values_list("case", flat=True))
    if not cases or Notice.objects.filter(key__startswith=f"{DIGEST}:{day:%Y%m%d}:").exists():
        return 0
    out = set(CaseExclusion.objects.filter(case__in=cases[:500]).values_list("person", "case"))
    tellings = []
    for person in people_room.audience([Role.SUPERVISOR]):
        count = sum(1 for case in cases if (person.pk, case) not in out)
        if count:
            tellings.append(
                notices.Telling(
                    key=f"{DIGEST}:{day:%Y%m%d}:{person.pk}",
                    person_id=person.pk,
                    kind=DIGEST,
                    facts={"count": count},
                    channels=("email",),
                )
            )
    return notices.tell(tellings, at=at)


_NOTED: Final = (IdentityResult.PASSED, IdentityResult.FAILED)


def _refuse_recused(cases: Sequence[Case], actor: Actor) -> None:
    named = CaseExclusion.objects.filter(case__in=cases, person_id=actor.id or 0)
    if actor.kind == "person" and named.exists():
        raise IdentityRefused("recused", _("You are named in this case and stay out of it."))


def _warn(cases: Sequence[Case], actor: Actor, at: datetime) -> None:
    """Tell handler and officer at the third failed check of a contact, once."""
    tellings = []
    for case in cases:
        if standing(case, at).failed != WARN_AT:
            continue
        out = set(CaseExclusion.objects.filter(case=case).values_list("person", flat=True))
        tellings += [
            notices.Telling(
                key=f"{FAILED_OFTEN}:{case.number}:{case.event_seq}:{pk}",
                person_id=pk,
                kind=FAILED_OFTEN,
                about=case.about,
                facts={"number": case.number, "count": WARN_AT},
            )
            for pk in {case.handler_id, case.officer_id}
            if pk is not None and pk not in out and pk != actor.id
        ]
    notices.tell(tellings, at=at)


def _overrides_link(_notice: Notice) -> str:
    return reverse("identity_overrides")


def _method(code: object) -> object:
    return IdentityMethod(code).label if code in IdentityMethod.values else code


def _result(code: object) -> object:
    return IdentityResult(code).label if code in IdentityResult.values else code


def contributions() -> tuple[Contribution, ...]:
    """Return the lines for the registry."""
    show = {"method": _method, "result": _result}
    return (
        Action(IDENTIFIED, _("Identity check by %(method)s: %(result)s"), "fingerprint", show),
        Action(OVERRIDDEN, _("Data was shown without identification"), "lock-open"),
        Action(
            CARRIED, _("Identified in the same contact as case %(number)s"), "fingerprint", show
        ),
        NoticeKind(
            FAILED_OFTEN,
            _("Case %(number)s: identification failed %(count)s times, somebody may be pretending"),
            "alert-triangle",
            case_link,
        ),
        NoticeKind(
            DIGEST,
            _("Data shown without identification yesterday: %(count)s"),
            "lock-open",
            _overrides_link,
        ),
        DueWork("identity_digest", tell_overrides, timedelta(minutes=30)),
    )


__all__ = [
    "VALID",
    "IdentityRefused",
    "Standing",
    "carry_over",
    "check",
    "contributions",
    "now",
    "override",
    "overrides",
    "reasons",
    "standing",
    "tell_overrides",
]
