"""What the duty roster contributes: sentences of the record, notices, due work, its page."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from config.kernel.actions import Action
from config.kernel.notices import NoticeKind
from config.shared.registry import Contribution, DueWork, NavItem
from config.shared.words import listed
from staff import duty, duty_watch, naming
from staff.duty_roster import shift_words
from staff.models import Person


def people_words(pks: Iterable[int] | int) -> str:
    """Return names of people by pk; a dash for nobody."""
    wanted = [pks] if isinstance(pks, int) else list(pks)
    found = Person.objects.in_bulk(wanted)
    return listed(found[pk].label for pk in wanted if pk in found) or "–"


def about_words(about: str) -> str:
    """Return the number of the matter of a call."""
    return about.partition(":")[2] or about


def lines() -> tuple[Contribution, ...]:
    """Return the lines for the registry."""
    shown: dict[str, Callable[[Any], object]] = {
        "on": naming.day, "shift": shift_words, "first": people_words, "second": people_words,
    }  # fmt: skip
    called: dict[str, Callable[[Any], object]] = {"people": people_words, "about": about_words}
    return (
        Action(
            "duty.put",
            _("On call %(on)s (%(shift)s): first %(first)s, second %(second)s"),
            "calendar-check",
            shown,
        ),
        Action(
            "duty.cleared",
            _("Nobody on call any more %(on)s (%(shift)s); before: %(first)s, %(second)s"),
            "calendar-off",
            shown,
        ),
        Action("duty.called", _("Called %(people)s about %(about)s"), "phone-outgoing", called),
        Action(
            "duty.passed",
            _("No answer in 15 minutes: called %(people)s about %(about)s"),
            "phone-incoming",
            called,
        ),
        Action(
            "duty.acknowledged",
            _("Took the call about %(about)s (minutes since it came: %(minutes)s)"),
            "phone-check",
            {"about": about_words},
        ),
        Action(
            "person.trained", _("Trainings noted: %(courses)s"), "certificate", {"courses": listed}
        ),
        Action("duty.exported", _("Duty roster taken out: %(rows)s shifts"), "file-export"),
        NoticeKind(
            "duty.gap",
            _("Nobody is first on call (shifts in the next 7 days: %(count)s): %(shifts)s"),
            "calendar-off",
            duty_watch.link,
            _("Fill the roster"),
            {"shifts": duty_watch.named_shifts},
        ),
        DueWork("duty_calls", duty.pass_on, timedelta(minutes=1)),
        DueWork("duty_gaps", duty_watch.watch_gaps, timedelta(hours=1)),
        NavItem(
            "duty", _("Duty roster"), "duty", "calendar-time", "work", "duty", "look", order=60
        ),
    )
