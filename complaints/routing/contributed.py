"""What routing brings to the registries: rule kinds, the replay job, record and notices."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from complaints import naming
from complaints.clocks.telling import case_link
from complaints.routing import checking, duties, effects, engine, replaying
from config.kernel.actions import Action
from config.kernel.jobs import JobHandler
from config.kernel.models import Job, RuleSet
from config.kernel.notices import NoticeKind
from config.kernel.rule_kinds import RuleKind

_SHOW: Final[Mapping[str, Callable[[Any], object]]] = {
    "rule": naming.routing_rule,
    "severity": naming.severity,
    "severity_before": naming.severity,
    "one": naming.department,
    "other": naming.department,
}


def contributions() -> Iterator[RuleKind | JobHandler | Action | NoticeKind]:
    """Yield everything routing contributes besides its defaults."""
    yield RuleKind(engine.KIND, _("Routing rules"), checking.check, _page("routing"))
    yield RuleKind(duties.KIND, _("Duty table"), duties.check, _page("duties"))
    yield JobHandler(
        replaying.JOB, replaying.run, title=_("Dry run of routing rules"), link=_job_page
    )
    yield Action(
        effects.RAISED,
        _("Severity raised from %(severity_before)s to %(severity)s by rule %(rule)s"),
        "arrow-up",
        _SHOW,
    )
    yield Action(effects.ADDED, _("Rule %(rule)s added watchers or tags"), "route", _SHOW)
    yield Action(
        "case.third_move",
        _("Moved for the third time between %(one)s and %(other)s; the supervisors were told"),
        "alert-triangle",
        _SHOW,
    )
    yield NoticeKind(
        effects.WATCH,
        _("You watch case %(number)s, as rule %(rule)s says"),
        "eye",
        case_link,
        show=_SHOW,
    )
    yield NoticeKind(
        "case.third_move",
        _("Case %(number)s was moved for the third time between %(one)s and %(other)s"),
        "alert-triangle",
        case_link,
        _("Decide who handles it"),
        show=_SHOW,
    )


def _page(name: str) -> Callable[[RuleSet], str]:
    """Return the link of a kind: its page, for an older version with its number."""

    def link(rule_set: RuleSet) -> str:
        known = _reverse(f"{name}_draft") if rule_set.state == "draft" else ""
        if known:
            return known
        return f"{_reverse(name) or _reverse('routing')}?v={rule_set.number}"

    return link


def _job_page(_job: Job) -> str:
    return _reverse("routing_draft") or _reverse("routing")


def _reverse(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
