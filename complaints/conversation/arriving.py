"""Letters other than the results arrived: what the arrival does to clocks, promises and notices."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from complaints import clocks
from complaints.choices import ClockName, NoticePurpose, NoticeResult
from complaints.conversation import promises
from complaints.conversation.speaking import answered
from complaints.holding import hold_cases
from complaints.models import Case, CustomerNotice
from config.kernel import journal
from config.shared.actors import Actor

OWED: Final = (NoticeResult.PENDING, NoticeResult.NOT_DELIVERED)
"""A message given up and sent again counts when it arrives after all."""


def acknowledge(keys: Mapping[str, datetime], *, at: datetime, actor: Actor) -> int:
    """Take in that letters other than the result arrived; returns how many.

    A receipt stops its clock (K08), a progress notice starts the next round of its own, and what
    a person wrote with substance is the first response (K03; automatic letters are none) and
    answers what was promised before it.
    """
    owed = CustomerNotice.objects.filter(outbox_key__in=list(keys), result__in=OWED)
    owed = owed.exclude(purpose=NoticePurpose.RESULT)
    cases = set(owed.values_list("case_id", flat=True))
    with hold_cases(Case.objects.filter(pk__in=cases)) as held:
        rows = list(owed.order_by("pk"))
        for row in rows:
            row.result, row.delivered_at = NoticeResult.DELIVERED, keys[row.outbox_key]
        CustomerNotice.objects.bulk_update(rows, ["result", "delivered_at"])
        by_pk = {case.pk: case for case in held.rows}
        for moment in sorted({keys[row.outbox_key] for row in rows}):
            then = [row for row in rows if keys[row.outbox_key] == moment]
            _take_in(by_pk, then, moment, at=at, actor=actor)
    return len(rows)


def _take_in(
    by_pk: Mapping[int, Case],
    rows: list[CustomerNotice],
    moment: datetime,
    *,
    at: datetime,
    actor: Actor,
) -> None:
    """Write what letters that arrived at `moment` change on their held cases."""
    facts, fields = [], {"updated_at"}
    for case in (cases := _of(by_pk, rows, NoticePurpose.ACKNOWLEDGEMENT)):
        if case.acknowledged_at is None:
            case.acknowledged_at, case.updated_at = moment, at
            facts.append(journal.Fact(case, "case.acknowledged", {"at": moment}))
            fields.add("acknowledged_at")
    fresh = [case for case in cases if case.acknowledged_at == moment]
    heard = list({row.case_id: by_pk[row.case_id] for row in rows if row.substance}.values())
    change, saved = answered(heard, moment)
    told = [case for case in _of(by_pk, rows, NoticePurpose.PROGRESS) if case.is_open]
    for done in (
        clocks.stop(fresh, [ClockName.ACKNOWLEDGE], at=moment),
        clocks.progressed(told, at=moment),
    ):
        facts += done.facts
        fields |= set(done.fields)
    facts += change.facts
    journal.append(facts, actor=actor, at=at, save=sorted(fields | set(saved)))
    for row in rows:
        if row.substance:
            promises.answered([by_pk[row.case_id]], moment, actor=actor, at=at, before=row.seq)


def _of(by_pk: Mapping[int, Case], rows: list[CustomerNotice], purpose: str) -> list[Case]:
    """Return the cases of letters of one purpose, each once."""
    pks = dict.fromkeys(row.case_id for row in rows if row.purpose == purpose)
    return [by_pk[pk] for pk in pks]


__all__ = ["OWED", "acknowledge"]
