"""Service notices: maintenance, releases, closed branches, known faults, told where cases come in.

A notice shows from `shown_from` until `ends_at` and vanishes by itself: it is read at its time, no
job takes it away. It can be changed until it starts, and withdrawn until it ends. A case that is
registered from it bears its cause and release (`intake.open_cases`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.choices import ServiceNoticeKind
from complaints.models import Case, NoticeOfCase, ServiceNotice
from config.kernel import journal
from config.kernel.actions import Action
from config.kernel.journal import Fact
from config.kernel.models import Term
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.registry import NavItem
from config.shared.scope import Scope
from config.shared.worded import WordedError
from staff.models import Department

_FIELDS: Final = (
    "kind", "title_en", "title_zh", "text_en", "text_zh", "shown_from", "starts_at", "ends_at",
    "branch", "line", "cause", "release", "template",
)  # fmt: skip
SHOWN: Final = 5
"""So many notices stand in the banner at most; the page has all of them."""


@dataclass(frozen=True, slots=True)
class NoticeData:
    """A notice as it should be; moments are aware, `template` the code of a reply template."""

    kind: str
    title_en: str
    title_zh: str
    shown_from: datetime
    starts_at: datetime
    ends_at: datetime
    text_en: str = ""
    text_zh: str = ""
    branch: Department | None = None
    line: Term | None = None
    cause: Term | None = None
    release: str = ""
    template: str = ""


class NoticeRefused(WordedError):  # noqa: N818 - reads as words
    """A notice that cannot be; `code` is the field, or stale, started, ended."""


# --- Verbs ---------------------------------------------------------------------------------


def add_notices(rows: Iterable[NoticeData], *, actor: Actor, at: datetime) -> list[ServiceNotice]:
    """Write new notices; NoticeRefused for times or facts that do not fit."""
    with transaction.atomic():
        made = [_filled(ServiceNotice(), data, at) for data in rows]
        for notice in made:
            notice.save(force_insert=True)
        _record("service_notice.added", made, actor, at)
    return made


def change_notices(
    notices: QuerySet[ServiceNotice],
    data: NoticeData,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int],
) -> list[ServiceNotice]:
    """Change notices that have not started; NoticeRefused when stale or started."""
    with hold(notices, expected) as held:
        _refuse_stale(held.stale)
        for notice in held.rows:
            if notice.withdrawn_at is not None or notice.starts_at <= at:
                raise NoticeRefused(
                    "started", _("It has started; withdraw it and write a new one.")
                )
            _filled(notice, data, at)
        _record("service_notice.changed", held.rows, actor, at, save=_FIELDS)
    return held.rows


def withdraw_notices(
    notices: QuerySet[ServiceNotice], *, actor: Actor, at: datetime, expected: Mapping[int, int]
) -> list[ServiceNotice]:
    """Take notices back before they end; cases registered from them keep what they have."""
    with hold(notices, expected) as held:
        _refuse_stale(held.stale)
        for notice in held.rows:
            if notice.withdrawn_at is not None or notice.ends_at <= at:
                raise NoticeRefused("ended", _("This notice is over already."))
            notice.withdrawn_at = at
        _record("service_notice.withdrawn", held.rows, actor, at, save=["withdrawn_at"])
    return held.rows


def _refuse_stale(stale: Collection[int]) -> None:
    if stale:
        raise NoticeRefused("stale", _("Somebody changed this notice meanwhile."))


def _filled(notice: ServiceNotice, data: NoticeData, at: datetime) -> ServiceNotice:
    """Put the data into the row, or refuse it."""
    if data.kind not in ServiceNoticeKind.values:
        raise NoticeRefused("kind", _("Choose one of the list."))
    if data.ends_at <= data.starts_at:
        raise NoticeRefused("ends_at", _("It ends after it starts."))
    if data.ends_at <= at:
        raise NoticeRefused("ends_at", _("This time has passed already."))
    if data.shown_from > data.starts_at:
        raise NoticeRefused("shown_from", _("It is shown no later than it starts."))
    if data.cause is not None and data.cause.flags.get("needs_release") and not data.release:
        raise NoticeRefused("release", _("This cause asks for the release."))
    for name in _FIELDS:
        setattr(notice, name, getattr(data, name))
    return notice


def _record(
    action: str,
    rows: Sequence[ServiceNotice],
    actor: Actor,
    at: datetime,
    save: Sequence[str] = (),
) -> None:
    facts = [
        Fact(
            notice,
            action,
            {
                "kind": notice.kind,
                "title_en": notice.title_en,
                "title_zh": notice.title_zh,
                "starts_at": notice.starts_at,
                "ends_at": notice.ends_at,
                "release": notice.release,
            },
        )
        for notice in rows
    ]
    journal.append(facts, actor=actor, at=at, save=save)


# --- Reads ---------------------------------------------------------------------------------


def shown(scope: Scope, at: datetime) -> QuerySet[ServiceNotice]:
    """Return what stands in the banner at `at`, the earliest start first."""
    rows = ServiceNotice.objects.visible_to(scope).filter(
        ends_at__gt=at, shown_from__lte=at, withdrawn_at__isnull=True
    )
    return rows.select_related("branch", "line", "cause").order_by("starts_at", "id")


def banner(scope: Scope, at: datetime) -> list[ServiceNotice]:
    """Return the notices for somebody who registers cases; nothing, without a query, for others."""
    if not scope.may("cases", "register"):
        return []
    return list(shown(scope, at)[:SHOWN])


def usable(pk: str, scope: Scope, at: datetime) -> ServiceNotice | None:
    """Return the notice a case is registered from; None where it is none, not yet, or taken back.

    One that has ended is taken: customers call about it afterwards.
    """
    if not (pk.isascii() and pk.isdigit() and len(pk) < 10):
        return None
    rows = ServiceNotice.objects.visible_to(scope).filter(pk=int(pk), shown_from__lte=at)
    rows = rows.filter(withdrawn_at__isnull=True)
    return rows.select_related("branch", "line", "cause").first()


def counts(notices: Collection[ServiceNotice], scope: Scope) -> dict[int, int]:
    """Return how many cases in sight were registered from each notice; one query."""
    seen = Case.objects.visible_to(scope).filter(service_notice__notice__in=list(notices))
    tally = seen.order_by().values_list("service_notice__notice").annotate(n=Count("pk"))
    return {pk: n for pk, n in tally if pk is not None}


def link(pairs: Iterable[tuple[Case, ServiceNotice]]) -> None:
    """Note from which notice cases were registered; part of the transaction of intake."""
    NoticeOfCase.objects.bulk_create([NoticeOfCase(case=c, notice=n) for c, n in pairs])


def _kind_words(code: Any) -> object:
    return ServiceNoticeKind(code).label if code in ServiceNoticeKind.values else code


def contributions() -> list[Action | NavItem]:
    """Return what this module registers."""
    show = {"kind": _kind_words}
    return [
        Action("service_notice.added", _("Service notice written: %(kind)s"), "speakerphone", show),
        Action("service_notice.changed", _("Service notice changed: %(kind)s"), "pencil", show),
        Action("service_notice.withdrawn", _("Service notice withdrawn: %(kind)s"), "ban", show),
        NavItem(
            "service_notices",
            _("Service notices"),
            "service_notices",
            "speakerphone",
            "work",
            "service_notices",
            order=60,
        ),
    ]
