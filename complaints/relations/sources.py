"""Sources of a case: who sent the matter, by when they want an answer, and the answer to each.

The surviving case of a merge answers every source. Its referral deadline (`external_due_at`) is
the nearest deadline of a source that has no answer yet; a merge never makes it later.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints import clocks
from complaints.choices import OPEN
from complaints.models import Case, SourceRef
from complaints.relations.frame import RelationRefused, held, needed
from config.kernel import journal
from config.shared.actors import Actor

ANSWERED: Final = "case.source_answered"
ADDED: Final = "case.source_added"
DEEPEST: Final = 20
"""So many steps of merging are followed."""


def survivors(cases: Collection[Case]) -> dict[int, int]:
    """Return by pk of these cases, and of all merged into them, the pk of the surviving one.

    One query per step of merging, pks only.
    """
    root = {case.pk: case.pk for case in cases}
    wave = list(root)
    for _step in range(DEEPEST):
        rows = Case.objects.filter(merged_into__in=wave).order_by("pk")
        pairs = rows.values_list("pk", "merged_into_id")
        met = {pk: root[into] for pk, into in pairs if into is not None and pk not in root}
        root |= met
        wave = list(met)
        if not wave:
            break
    return root


def referral(case: Case) -> SourceRef | None:
    """Return the unsaved first source of a case, from its referral fields; None without any."""
    if not (case.referral_number or case.referral_body or case.external_due_at):
        return None
    return SourceRef(
        case=case,
        came_with=case,
        channel_id=case.intake_channel_id,
        number=case.referral_number,
        body=case.referral_body,
        on=case.referral_on,
        due_at=case.external_due_at,
    )


def write_first(cases: Iterable[Case]) -> None:
    """Write the first source of each case that came by referral; at most one insert."""
    rows = [row for case in cases if (row := referral(case)) is not None]
    if rows:
        SourceRef.objects.bulk_create(rows)


def ensure(cases: Sequence[Case]) -> None:
    """Write the first source of held cases registered before sources were kept."""
    known = set(
        SourceRef.objects.filter(came_with__in=cases).values_list("came_with_id", flat=True)
    )
    write_first(case for case in cases if case.pk not in known)


def nearest(case: Case) -> datetime | None:
    """Return the nearest deadline of a source without an answer; one query."""
    rows = SourceRef.objects.filter(case=case, replied_at__isnull=True, due_at__isnull=False)
    return rows.order_by("due_at").values_list("due_at", flat=True).first()


def of(case: Case) -> list[SourceRef]:
    """Return the sources of a case, the unanswered by deadline first; two queries.

    Those answered in cases that were merged into it later are among them.
    """
    found = SourceRef.objects.filter(case__in=survivors([case]))
    rows = list(found.select_related("channel", "came_with"))
    return sorted(rows, key=lambda row: (bool(row.replied_at), row.due_at is None, row.due_at or 0))


def add(
    cases: QuerySet[Case], given: dict[str, Any], *, actor: Actor, at: datetime
) -> list[SourceRef]:
    """Note that a further body sent the matter: channel, number, body, on, due_at.

    The referral deadline comes nearer where the new one is earlier. RelationRefused without a
    number and a body, and for a case that is not open: nobody would answer there.
    """
    if not (given.get("number") or given.get("body")):
        raise RelationRefused("source", _("Name the referring body or its number."))
    with held(cases, actor=actor, at=at, states=OPEN) as rows:
        ensure(rows)
        made = SourceRef.objects.bulk_create(
            [SourceRef(case=case, came_with=case, **given) for case in rows]
        )
        facts = [
            journal.Fact(row.case, ADDED, {"source": row.pk, "due": row.due_at}) for row in made
        ]
        _write(rows, facts, actor, at)
    return made


def answer(cases: QuerySet[Case], source_pk: int, text: str, *, actor: Actor, at: datetime) -> None:
    """Record the answer to one source of the case; the deadline of the next one counts then.

    RelationRefused without words, for a source of another case, or one that has its answer.
    """
    words = needed(text)
    with held(cases, actor=actor, at=at) as rows:
        source = SourceRef.objects.filter(pk=source_pk, case__in=rows).first()
        if source is None:
            raise RelationRefused("source", _("This case has no such source."))
        if source.replied_at is not None:
            raise RelationRefused("answered", _("This source has its answer already."))
        case = next(row for row in rows if row.pk == source.case_id)
        source.replied_at, source.reply_seq = at, case.event_seq + 1
        source.save(update_fields=["replied_at", "reply_seq"])
        late = bool(source.due_at and source.due_at < at)
        told = {"source": source.pk, "due": source.due_at, "late": late}
        _write([case], [journal.Fact(case, ANSWERED, told, {"text": words})], actor, at)


def _write(cases: Sequence[Case], facts: list[journal.Fact], actor: Actor, at: datetime) -> None:
    """Put the nearest deadline on open cases, match their clocks again, record it."""
    moved = [case for case in cases if case.is_open and refer(case)]
    change = clocks.rematch(moved, at=at)
    saved = sorted({"external_due_at", *change.fields}) if moved else ()
    journal.append([*facts, *change.facts], actor=actor, at=at, save=saved)


def refer(case: Case) -> bool:
    """Set the referral deadline of a held case to its nearest source; False = it stays."""
    due = nearest(case)
    if due is None or due == case.external_due_at:
        return False
    case.external_due_at = due
    return True
