"""Group robots: which notices leave for which group chat, as case number and due time only.

The due work `robots` reads the notices written since its last run, asks the room of the matter
(`RobotMatters`) for number, due time and the units that may see it, and queues one outbox row per
robot with a line per matter. What was read is kept under a row lock in the same transaction, so
two workers repeat nothing. Without an active robot it costs one query.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from config.kernel import journal, outbox, robot_gateway
from config.kernel.actions import Action
from config.kernel.models import GroupRobot, Heartbeat, Notice
from config.kernel.models.outbox import Channel
from config.kernel.models.robots import RobotKind
from config.kernel.notices import NoticeKind
from config.kernel.outbox import Letter
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.registry import DueWork, contributed
from config.shared.worded import WordedError

WORK: Final = "robots"
LINES: Final = "robot.lines"
TEST: Final = "robot.test"
MARK: Final = "robots"
MOST_LINES: Final = 20
_WINDOW: Final = timedelta(minutes=10)
"""Longer than any transaction that writes notices: what it covers is looked through again."""
_TOO_OLD: Final = timedelta(hours=2)
_PAGE: Final = 1000
_PREFIXES: Final = ("case.", "clock.")


@dataclass(frozen=True, slots=True)
class Matter:
    """What may leave of a matter: its number, the next due time; `units` are pks that may see it.

    `units` are the unit that holds it and all units above; only their robots hear of it, and the
    robots of the whole bank.
    """

    number: str
    due_at: datetime | None
    units: frozenset[int]


@dataclass(frozen=True, slots=True)
class RobotMatters:
    """A room that knows matters: `read(abouts)` leaves out what no group chat may hear of."""

    key: str
    read: Callable[[Collection[str]], Mapping[str, Matter]]


@dataclass(frozen=True, slots=True)
class RobotData:
    """A robot as it should be; an empty `webhook` or `secret` keeps what is stored."""

    kind: str
    name: str
    department_id: int | None
    kinds: Sequence[str]
    language: str
    webhook: str = ""
    secret: str = ""


class RobotRefused(WordedError):  # noqa: N818 - reads as words
    """A robot that cannot be; `code` is the field, or `stale`."""


# --- Keeping them --------------------------------------------------------------------------


def offered() -> list[NoticeKind]:
    """Return the kinds of notices a robot may get: those about cases and their clocks."""
    kinds = contributed(NoticeKind).values()
    return [kind for kind in kinds if kind.key.startswith(_PREFIXES)]


def add_robots(rows: Iterable[RobotData], *, actor: Actor, at: datetime) -> list[GroupRobot]:
    """Write new robots; RobotRefused for an address, secret or name that cannot be."""
    with transaction.atomic():
        made = [_filled(GroupRobot(), data) for data in rows]
        for robot in made:
            robot.save(force_insert=True)
        _note("robot.added", made, actor, at)
    return made


def change_robots(
    robots: QuerySet[GroupRobot],
    data: RobotData,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int],
) -> list[GroupRobot]:
    """Set what is given; RobotRefused(`stale`) when a row is not at the version seen."""
    with hold(robots, expected) as held:
        _refuse_stale(held.stale)
        for robot in held.rows:
            _filled(robot, data)
            robot.version += 1
            robot.save()
        _note("robot.changed", held.rows, actor, at)
    return held.rows


def switch_robots(
    robots: QuerySet[GroupRobot],
    *,
    active: bool,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int],
) -> list[GroupRobot]:
    """Switch robots on or off; what waits for one that is off is given up."""
    with hold(robots, expected) as held:
        _refuse_stale(held.stale)
        for robot in held.rows:
            robot.active, robot.version = active, robot.version + 1
            robot.save(update_fields=["active", "version"])
        _note("robot.switched_on" if active else "robot.switched_off", held.rows, actor, at)
    return held.rows


def try_robots(robots: QuerySet[GroupRobot], *, actor: Actor, at: datetime) -> int:
    """Queue a message without any matter to each active robot; returns how many. Journalled."""
    with transaction.atomic():
        rows = list(robots.filter(active=True).order_by("pk"))
        letters = []
        for robot in rows:
            with translation.override(robot.language):
                text = _("Test message of the complaint portal. No case is concerned.")
            key = f"robot-test:{robot.pk}:{at:%Y%m%dT%H%M%S%f}"
            letters.append(_letter(robot, key, TEST, text))
        outbox.queue(letters, at=at)
        _note("robot.tried", rows, actor, at)
    return len(rows)


def _refuse_stale(stale: Collection[int]) -> None:
    if stale:
        raise RobotRefused("stale", gettext_lazy("Somebody changed this robot meanwhile."))


def _filled(robot: GroupRobot, data: RobotData) -> GroupRobot:
    """Put the data into the row, or refuse it."""
    if data.kind not in RobotKind.values or data.language not in dict(settings.LANGUAGES):
        raise RobotRefused("kind", gettext_lazy("Choose one of the list."))
    moved = bool(robot.pk) and robot.kind != data.kind
    robot.webhook = data.webhook or ("" if moved else robot.webhook)
    robot.secret = data.secret or ("" if moved or data.webhook else robot.secret)
    why = robot_gateway.wrong_address(data.kind, robot.webhook)
    if why:
        raise RobotRefused("webhook", _WRONG[why])
    if robot_gateway.needs_secret(data.kind) and not robot.secret:
        raise RobotRefused("secret", gettext_lazy("Robots of this kind sign: give the secret."))
    others = GroupRobot.objects.filter(name=data.name).exclude(pk=robot.pk)
    if others.exists():
        raise RobotRefused("name", gettext_lazy("Another robot has this name."))
    known = {kind.key for kind in offered()}
    robot.kind, robot.name, robot.language = data.kind, data.name, data.language
    robot.department_id, robot.kinds = data.department_id, sorted(known & set(data.kinds))
    return robot


_WRONG: Final = {
    "https": gettext_lazy("Give the whole address, beginning with https://."),
    "host": gettext_lazy("This host is not on the list of allowed hosts."),
    "path": gettext_lazy("This is not the address of a robot of this kind."),
}


def _note(action: str, rows: Sequence[GroupRobot], actor: Actor, at: datetime) -> None:
    """Record who did what with which robots: no address, no secret."""
    if rows:
        facts = {
            "robots": [row.pk for row in rows],
            "names": ", ".join(row.name for row in rows),
            "kinds": [row.kinds for row in rows],
        }
        journal.note("robots", action, facts, actor=actor, at=at)


# --- What leaves ---------------------------------------------------------------------------


def send_lines(at: datetime) -> int:
    """Queue a message per robot about the notices written since the last run; returns how many."""
    robots = list(GroupRobot.objects.filter(active=True).order_by("pk"))
    if not robots:
        return 0
    Heartbeat.objects.get_or_create(name=MARK, defaults={"at": at})
    with transaction.atomic():
        mark = Heartbeat.objects.select_for_update().get(name=MARK)
        newest = Notice.objects.aggregate(last=Max("pk"))["last"] or 0
        if "marks" not in mark.facts or at - mark.at > _TOO_OLD:
            mark.facts = {"marks": [[at.isoformat(), newest]], "seen": []}
            mark.at = at
            mark.save()
            return 0
        found = _fresh(mark.facts, {kind for robot in robots for kind in robot.kinds}, at)
        letters = _letters(robots, found)
        outbox.queue(letters, at=at)
        _remember(mark, found, newest, at)
    return len(letters)


def _fresh(facts: Mapping[str, Any], kinds: Collection[str], at: datetime) -> list[Notice]:
    """Return the notices of these kinds that no run has looked at, oldest first."""
    since = int(facts["marks"][0][1])
    rows = Notice.objects.filter(pk__gt=since, kind__in=sorted(kinds), at__gte=at - _TOO_OLD)
    seen = set(facts["seen"])
    return [row for row in rows.order_by("pk")[: _PAGE + len(seen)] if row.pk not in seen]


def _remember(mark: Heartbeat, found: Sequence[Notice], newest: int, at: datetime) -> None:
    """Keep what was read; marks older than the window end, but for the last of them.

    After a full page the mark stays behind, so that the next run reads on.
    """
    reached = newest if len(found) < _PAGE else found[-1].pk
    marks = [*mark.facts["marks"], [at.isoformat(), reached]]
    old = [m for m in marks if (parse_datetime(m[0]) or at) <= at - _WINDOW]
    marks = [*old[-1:], *[m for m in marks if m not in old]]
    seen = [pk for pk in [*mark.facts["seen"], *[row.pk for row in found]] if pk > marks[0][1]]
    mark.facts, mark.at = {"marks": marks, "seen": seen}, at
    mark.save()


def _letters(robots: Sequence[GroupRobot], found: Sequence[Notice]) -> list[Letter]:
    """Return the messages: per robot at most 20 lines each, one line per matter."""
    if not found:
        return []
    matters: dict[str, Matter] = {}
    for room in contributed(RobotMatters).values():
        matters |= room.read(sorted({row.about for row in found if row.about}))
    letters = []
    for robot in robots:
        mine = {
            row.about: row.pk
            for row in reversed(found)
            if row.kind in robot.kinds and _may_hear(robot, matters.get(row.about))
        }
        abouts = sorted(mine, key=lambda about: mine[about])
        for start in range(0, len(abouts), MOST_LINES):
            part = abouts[start : start + MOST_LINES]
            text = _lines([matters[about] for about in part], robot.language)
            letters.append(_letter(robot, f"robot:{robot.pk}:{mine[part[0]]}", LINES, text))
    return letters


def _may_hear(robot: GroupRobot, matter: Matter | None) -> bool:
    """Tell whether this group chat may hear of a matter."""
    return matter is not None and (
        robot.department_id is None or robot.department_id in matter.units
    )


def _lines(matters: Sequence[Matter], language: str) -> str:
    """Return number and due time of each matter, and nothing else."""
    with translation.override(language):
        return "\n".join(_line(matter) for matter in matters)


def _line(matter: Matter) -> str:
    if matter.due_at is None:
        return matter.number
    told = {"number": matter.number, "due": f"{timezone.localtime(matter.due_at):%Y-%m-%d %H:%M}"}
    return pgettext("line to a group chat", "%(number)s, due %(due)s") % told


def _letter(robot: GroupRobot, key: str, kind: str, text: str) -> Letter:
    return Letter(
        key=key,
        kind=kind,
        channel=Channel.ROBOT,
        to=f"robot:{robot.pk}",
        subject="",
        text=text,
        department_id=robot.department_id,
    )


def contributions() -> list[Action | DueWork]:
    """Return what this module registers."""
    return [
        Action("robot.added", gettext_lazy("Group robot added: %(names)s"), "plus"),
        Action("robot.changed", gettext_lazy("Group robot changed: %(names)s"), "pencil"),
        Action("robot.switched_on", gettext_lazy("Group robot switched on: %(names)s"), "check"),
        Action("robot.switched_off", gettext_lazy("Group robot switched off: %(names)s"), "ban"),
        Action("robot.tried", gettext_lazy("Test message to group robot %(names)s"), "send"),
        DueWork(WORK, send_lines, timedelta(seconds=30)),
    ]
