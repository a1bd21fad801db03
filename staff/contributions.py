"""What the staff room brings to the portal."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from config.kernel.defaults import Default
from config.kernel.journal import Action
from config.kernel.notices import NoticeKind
from config.kernel.rule_kinds import RuleKind
from config.kernel.rule_kinds import handler as publish_handler
from config.shared.registry import DueWork, contribute
from staff import (
    accounts,
    address_book,
    calendar,
    calendar_drafts,
    calendar_watch,
    duty_lines,
    finding,
    loading,
    naming,
    sessions,
)
from staff.models import Account, Department, Person
from staff.rule_editors import rule_editors

contribute(
    Action("access.signed_in", _("Signed in"), "login"),
    Action("access.sign_in_failed", _("Sign-in failed"), "login"),
    Action("access.locked_out", _("Locked after too many wrong passwords"), "lock"),
    Action("access.signed_out", _("Signed out"), "logout"),
    Action("access.password_changed", _("Password changed"), "key"),
    Action("access.sessions_ended", _("Ended %(count)s sessions on other browsers"), "logout"),
    Action(
        "reference.exported",
        _("Reference data taken out: %(list)s"),
        "file-export",
        {"list": naming.model_list},
    ),
    Action("department.created", _("Unit opened"), "building"),
    Action(
        "department.changed",
        _("Unit changed: %(fields)s"),
        "building",
        {"fields": naming.fields_of(Department)},
    ),
    Action("department.moved", _("Unit placed elsewhere"), "hierarchy-2"),
    Action("person.joined", _("Joined the bank"), "user-plus"),
    Action("person.moved", _("Moved to another unit"), "switch-horizontal"),
    Action(
        "person.changed",
        _("Details changed: %(fields)s"),
        "user-cog",
        {"fields": naming.fields_of(Person)},
    ),
    Action("person.left", _("Left the bank on %(left_on)s"), "user-minus", {"left_on": naming.day}),
    Action("person.absent", _("Absence noted"), "calendar-off"),
    Action(
        "person.roles",
        _("Roles changed from %(before)s to %(after)s"),
        "shield",
        {"before": naming.roles, "after": naming.roles},
    ),
    Action(
        "person.account",
        _("Account %(username)s changed: %(fields)s"),
        "user-cog",
        {"fields": naming.fields_of(Account)},
    ),
    finding.source(),
    Default("departments", loading.load_departments, 20),
    Default("calendar", loading.load_calendar, 20),
    NoticeKind(
        "calendar.missing",
        _("The official working days of %(year)s are not loaded yet"),
        "calendar-off",
        calendar_watch.link,
    ),
    publish_handler(rule_editors),
    address_book.book(),
    RuleKind(
        calendar.PREFIX,
        _("Working calendars"),
        calendar.check,
        calendar.link,
        calendar_drafts.announce,
    ),
    DueWork("calendar_watch", calendar_watch.warn, timedelta(hours=12)),
    *duty_lines.lines(),
    DueWork("sessions", sessions.sweep, timedelta(hours=1)),
    DueWork("sign_in_attempts", accounts.sweep_attempts, timedelta(hours=1)),
)
