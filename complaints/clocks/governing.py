"""What the room registers about the rules of its clocks: their kind, jobs, nightly check, words."""

from datetime import timedelta
from typing import Final

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from complaints import naming
from complaints.clocks import applying, checking, drifting, forecasting
from complaints.clocks.rules import KIND
from complaints.clocks.versions import APPLIED, DROPPED
from complaints.clocks.wording import clock_labels
from config.kernel.actions import Action
from config.kernel.models import Notice, RuleSet
from config.kernel.models.rules import RuleState
from config.kernel.notices import NoticeKind
from config.kernel.rule_kinds import RuleKind
from config.shared.registry import Contribution, DueWork
from config.shared.words import listed

NIGHTLY: Final = timedelta(hours=24)


def contributions() -> list[Contribution]:
    """Return the rule kind `clock_policies` with its jobs, actions, notice and nightly check."""
    clocks = {"clocks": clock_labels}
    return [
        RuleKind(KIND, _("Time limits and escalation"), checking.check, _link),
        applying.job_handler(),
        forecasting.job_handler(),
        drifting.job_handler(),
        DueWork("clock_drift", drifting.report, NIGHTLY, queue="bulk"),
        Action("rules.applied", _("Version %(number)s is applied to open cases"), "clock-edit"),
        Action(
            APPLIED,
            _("Version %(version)s of the time limits applied, rule “%(policy)s”: %(clocks)s"),
            "clock-edit",
            {**clocks, "policy": naming.policy},
        ),
        Action(
            DROPPED,
            _("Clocks cancelled, version %(version)s of the rules does not set them: %(clocks)s"),
            "clock-off",
            clocks,
        ),
        NoticeKind(
            "clock.drift",
            _("%(count)s due times differ from the record, first in %(numbers)s"),
            "alert-triangle",
            _to_record,
            show={"numbers": listed},
        ),
    ]


def _link(rule_set: RuleSet) -> str:
    """Return the page of the time limits at this version; a draft has a page of its own."""
    try:
        if rule_set.state == RuleState.DRAFT:
            return reverse("policies_draft")
        return f"{reverse('policies')}?v={rule_set.number}"
    except NoReverseMatch:
        return ""


def _to_record(_notice: Notice) -> str:
    """Return the page of the record, which administrators read."""
    try:
        return reverse("audit")
    except NoReverseMatch:
        return ""
