"""What the complaints room brings to the portal."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from complaints import (
    approving,
    default_views,
    delays,
    delivering,
    erasing,
    figures,
    finding,
    following,
    page_parts,
    panels,
    priority,
    quality,
    receivers,
    recusal,
    robot_matters,
    service_notices,
    shift_parts,
    side_parts,
    tables,
    tag_list,
    tagging,
    unassigned,
    watching,
    wording,
    workflow,
)
from complaints.bulk import running as bulk_running
from complaints.bulk import wording as bulk_wording
from complaints.clocks import governing
from complaints.clocks import wording as clock_wording
from complaints.conversation import wording as conversation_wording
from complaints.defaults import rules
from complaints.follow_up import FOLLOW_UP
from complaints.lists import CASES
from complaints.relations import contributed as relations
from complaints.remedies import contributed as remedies
from complaints.replies import contributed as replies
from complaints.routing import contributed as routing
from complaints.teamwork import contributed as teamwork
from complaints.teamwork import listing as task_listing
from config.kernel.defaults import Default
from config.shared.registry import DueWork, Eraser, NavItem, contribute

contribute(
    *clock_wording.contributions(),
    *governing.contributions(),
    *delays.actions(),
    *unassigned.contributions(),
    *conversation_wording.contributions(),
    *wording.actions(),
    *wording.notice_kinds(),
    *approving.handlers(),
    *delivering.handlers(),
    *following.job_handlers(),
    *tables.contributions(),
    *panels.panels(),
    *routing.contributions(),
    *recusal.contributions(),
    *robot_matters.contributions(),
    *service_notices.contributions(),
    *shift_parts.contributions(),
    *watching.contributions(),
    *teamwork.contributions(),
    *side_parts.contributions(),
    *page_parts.contributions(),
    *relations.contributions(),
    *remedies.contributions(),
    *quality.contributions(),
    *replies.contributions(),
    *priority.contributions(),
    *bulk_wording.actions(),
    *tagging.actions(),
    bulk_running.handler(),
    finding.source(),
    tag_list.handler(),
    NavItem("tags", _("Tags"), "tags", "tags", "rules", "tags", order=60),
    bulk_running.eraser(),
    DueWork("pauses", workflow.resume_over, timedelta(seconds=30)),
    DueWork("silence", workflow.close_silent, timedelta(minutes=10)),
    DueWork("archive", workflow.archive_old, timedelta(hours=6)),
    Eraser("cases", erasing.erase),
    Default("clock_policies", rules.load_clock_policies, order=30),
    Default("routing", rules.load_routing, order=30),
    Default("duties", rules.load_duties, order=30),
    Default("playbooks", rules.load_playbooks, order=30),
    Default("case_views", default_views.load, order=40),
    *figures.METRICS,
    CASES,
    FOLLOW_UP,
    NavItem(
        "follow_up", _("Follow-up"), "follow_up", "checklist", "work", "cases", "follow", order=25
    ),
    NavItem(
        "tasks",
        _("My tasks"),
        "tasks",
        "clipboard-list",
        "work",
        "cases",
        order=27,
        count=task_listing.count,
    ),
    NavItem(
        "views", _("Saved views"), "cases_views", "filter", "rules", "views", "share", order=90
    ),
    NavItem("cases", _("Case queue"), "cases", "inbox", "work", "cases", order=20),
    NavItem(
        "case_new",
        _("New case"),
        "case_new",
        "square-rounded-plus",
        "work",
        "cases",
        "register",
        order=30,
    ),
)

receivers.connect()
