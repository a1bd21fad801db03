"""What the portal pages bring to the frame."""

from django.utils.translation import gettext_lazy as _

from complaints import desk
from config.kernel.actions import Action
from config.portal import approvals, playbooks_pages, record, search
from config.shared.registry import NavItem, contribute

contribute(
    search.source(),
    NavItem("home", _("My work"), "home", "home-2", "work", "notices", order=10, count=desk.count),
    NavItem("board", _("Live board"), "board", "layout-dashboard", "work", "board", order=15),
    NavItem(
        "approvals",
        _("Approvals"),
        "approvals",
        "clipboard-check",
        "work",
        "approvals",
        order=30,
        count=approvals.count,
    ),
    NavItem("policies", _("Clock policies"), "policies", "clock-24", "rules", "rules", order=10),
    NavItem("routing", _("Routing rules"), "routing", "route", "rules", "rules", order=20),
    NavItem("duties", _("Duty table"), "duties", "table", "rules", "rules", order=25),
    NavItem("replies", _("Reply templates"), "replies", "template", "rules", "rules", order=28),
    playbooks_pages.NAV,
    NavItem("calendars", _("Calendars"), "calendars", "calendar-cog", "rules", "rules", order=30),
    NavItem("outbox", _("Messages out"), "outbox", "mailbox", "running", "outbox", order=10),
    NavItem("robots", _("Group robots"), "robots", "brand-wechat", "running", "robots", order=20),
    NavItem("audit", _("Audit log"), "audit", "history", "oversight", "audit", order=10),
    Action(
        "audit.viewed",
        _("Looked at the audit log: %(view)s"),
        "history",
        {"view": record.view_words},
    ),
)
