"""Notices to staff: rows in an inbox, worded when shown, in the reader's language."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils.functional import Promise

from config.kernel import notice_mail
from config.kernel.models import Notice
from config.kernel.rows import insert
from config.shared.registry import contributed

_CHUNK: Final = 500
_COLUMNS: Final = ("key", "person_id", "kind", "about", "facts", "needs_action", "at")


@dataclass(frozen=True, slots=True)
class Telling:
    """One notice to write. `key` keeps it from being written twice; `facts` are codes and figures.

    `needs_action`: counted until the thing itself is done (`done`), not until it is read.
    `channels` (`email`, `sms`) are ways besides the inbox: with the next message of the person's
    own hours, or `at_once` and alone, whatever the hour.
    """

    key: str
    person_id: int
    kind: str
    about: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    needs_action: bool = False
    channels: tuple[str, ...] = ()
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """How a kind of notice reads: `title` is lazy with `%(name)s` of the facts; `link` its page.

    `verb` names on a button what the reader is to do there ("Decide"); empty = open it. `show`
    turns a fact (usually a code) into words for the reader, by name of the fact.
    """

    key: str
    title: str | Promise
    icon: str
    link: Callable[[Notice], str]
    verb: str | Promise = ""
    show: Mapping[str, Callable[[Any], object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """Figures of the bell in the page head."""

    unread: int
    waiting: int


def tell(tellings: Iterable[Telling], *, at: datetime, are_new: bool = False) -> int:
    """Write the notices whose key is new; returns how many. Belongs to the caller's transaction.

    What is to leave by mail or SMS is queued with them, so that neither is without the other.
    `are_new`: the caller knows that no such key was written before; IntegrityError when wrong.
    """
    wanted = {telling.key: telling for telling in tellings}
    keys = [] if are_new else list(wanted)
    for start in range(0, len(keys), _CHUNK):
        known = Notice.objects.filter(key__in=keys[start : start + _CHUNK])
        for key in known.values_list("key", flat=True):
            del wanted[key]
    rows = [
        (x.key, x.person_id, x.kind, x.about, dict(x.facts), x.needs_action, at)
        for x in wanted.values()
    ]
    insert(Notice, _COLUMNS, rows)
    notice_mail.keep(list(wanted.values()), at=at)
    return len(rows)


def done(*, about: str | Iterable[str], at: datetime, kinds: Iterable[str] = ()) -> int:
    """Close the open notices about one or more things, for everybody; returns how many.

    `kinds` empty = all kinds. Used when the thing itself was done.
    """
    subjects = [about] if isinstance(about, str) else list(about)
    closed = 0
    for start in range(0, len(subjects), _CHUNK):
        rows = Notice.objects.filter(
            about__in=subjects[start : start + _CHUNK], done_at__isnull=True, needs_action=True
        )
        if kinds:
            rows = rows.filter(kind__in=list(kinds))
        closed += rows.update(done_at=at)
    return closed


def read(notices: QuerySet[Notice], *, at: datetime) -> int:
    """Mark notices as read; returns how many were unread. `notices` is cut by scope."""
    with transaction.atomic():
        return notices.filter(read_at__isnull=True).update(read_at=at)


def set_aside(notices: QuerySet[Notice], *, at: datetime) -> int:
    """Close notices by hand, for whoever they are of only; returns how many were open.

    The thing itself stays as it is. `notices` is cut by scope.
    """
    with transaction.atomic():
        notices.filter(read_at__isnull=True).update(read_at=at)
        return notices.filter(needs_action=True, done_at__isnull=True).update(done_at=at)


def counts(person_id: int) -> Counts:
    """Return how many notices this person has not read, and how many wait for an act."""
    found = Notice.objects.filter(person_id=person_id).aggregate(
        unread=Count("pk", filter=Q(read_at__isnull=True)),
        waiting=Count("pk", filter=Q(needs_action=True, done_at__isnull=True)),
    )
    return Counts(unread=found["unread"], waiting=found["waiting"])


def title(notice: Notice) -> str:
    """Return the sentence of a notice in the active language; an unknown kind shows its code."""
    kind = contributed(NoticeKind).get(notice.kind)
    if kind is None:
        return notice.kind
    facts = _Facts(notice.facts)
    for name, words in kind.show.items():
        if facts.get(name) is not None:
            facts[name] = words(facts[name])
    return str(kind.title) % facts


def link(notice: Notice) -> str:
    """Return the address of the page where the notice leads, or ''."""
    kind = contributed(NoticeKind).get(notice.kind)
    return kind.link(notice) if kind else ""


class _Facts(dict[str, object]):
    """Facts of a notice; one that is missing shows as a dash instead of breaking the inbox."""

    def __missing__(self, key: str) -> str:
        return "–"
