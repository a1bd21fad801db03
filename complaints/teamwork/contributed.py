"""What the team's work on a case brings to the registries."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from complaints import naming
from complaints.choices import TaskKind
from complaints.clocks.telling import case_link
from complaints.models import PlaybookStep
from complaints.teamwork import (
    access,
    asking,
    following,
    lateness,
    listing,
    parts,
    playbook_checks,
    playbooks,
    steps,
    task_force,
    tasks,
)
from complaints.watching import named_people
from config.kernel.actions import Action
from config.kernel.models import Notice, RuleSet
from config.kernel.notice_mail import NoticeGuard
from config.kernel.notices import NoticeKind
from config.kernel.rule_kinds import RuleKind
from config.shared.memo import Memo
from config.shared.registry import Contribution
from config.shared.words import in_language, moment_words


def _moment(text: Any) -> object:
    return moment_words(datetime.fromisoformat(str(text)))


def _kind(code: Any) -> object:
    return TaskKind(code).label if code in TaskKind.values else code


def _person(pk: Any) -> object:
    return named_people([int(pk)])


def _read_names() -> dict[str, tuple[str, str]]:
    rows = PlaybookStep.objects.order_by("rule_set_id", "pk")
    return {code: (en, zh) for code, en, zh in rows.values_list("code", "name_en", "name_zh")}


_names: Final = Memo(_read_names)


def step_name(code: Any) -> str:
    """Return the name of a step, as its newest version has it; the code where nothing has it."""
    english, chinese = _names().get(str(code), ("", ""))
    return in_language(english, chinese) or str(code)


_SHOW: Final[Mapping[str, Callable[[Any], object]]] = {
    "department": naming.department,
    "due": _moment,
    "kind": _kind,
    "person": _person,
    "people": named_people,
    "step": step_name,
}
_ACTIONS: Final = (
    (asking.ASKED, _("Asked %(department)s, answer due %(due)s"), "users-group"),
    (tasks.TAKEN, _("%(department)s took the task: %(person)s"), "user-check"),
    (tasks.REFUSED, _("%(department)s refused the task"), "arrow-back-up"),
    (tasks.ANSWERED, _("%(department)s answered"), "message-2-check"),
    (tasks.CANCELLED, _("The task of %(department)s was called back"), "circle-x"),
    (tasks.LATE, _("The answer of %(department)s is late; it was raised"), "alert-triangle"),
    (tasks.REPORT, _("Report to the regulator opened, due %(due)s"), "building-bank"),
    (task_force.ADDED, _("Joined the task force: %(people)s"), "user-plus"),
    (task_force.REMOVED, _("Left the task force: %(people)s"), "user-minus"),
    (following.OPENED, _("Playbook steps opened: %(count)s"), "list-check"),
    (steps.DONE, _("Step done: %(step)s"), "circle-check"),
    (steps.LEFT_OUT, _("Step left out: %(step)s"), "circle-minus"),
    (steps.AGAIN, _("Step to be done again: %(step)s"), "rotate"),
)
_NOTICES: Final = (
    (asking.ASKED, _("Case %(number)s: your department is asked, answer due %(due)s"),
     "users-group", _("Take or answer")),
    (tasks.TAKEN, _("Case %(number)s: a task was given to you, due %(due)s"),
     "user-check", _("Answer")),
    (tasks.REFUSED, _("Case %(number)s: %(department)s refused the task"), "arrow-back-up", ""),
    (tasks.ANSWERED, _("Case %(number)s: %(department)s answered"), "message-2-check", ""),
    (tasks.CANCELLED, _("Case %(number)s: the task was called back"), "circle-x", ""),
    (tasks.LATE, _("Case %(number)s: the answer of %(department)s is late"),
     "alert-triangle", _("See to it")),
    (tasks.REPORT, _("Case %(number)s: report to the regulator by %(due)s"),
     "building-bank", _("Report")),
)  # fmt: skip


def contributions() -> Iterator[Contribution]:
    """Yield everything but the defaults and the entries of the sidebar."""
    for key, sentence, icon in _ACTIONS:
        yield Action(key, sentence, icon, _SHOW)
    for key, title, icon, verb in _NOTICES:
        yield NoticeKind(key, title, icon, _task_link, verb, _SHOW)
    yield NoticeKind(
        task_force.ADDED, _("You joined the task force of case %(number)s"), "user-plus", case_link
    )
    yield NoticeKind(
        following.OPENED,
        _("Case %(number)s: emergency or care steps to do: %(count)s"),
        "list-check",
        case_link,
    )
    yield NoticeGuard("tasks", access.barred)
    yield from lateness.contributions()
    yield from parts.contributions()
    yield RuleKind(playbooks.KIND, _("Playbooks"), playbook_checks.check, _rules_link)
    yield steps.METRIC
    yield listing.TASKS


def _task_link(notice: Notice) -> str:
    """Return the case at its tasks; the page of tasks decides what the reader may do there."""
    try:
        return reverse("case", args=[notice.facts["number"]]) + "#tasks"
    except (NoReverseMatch, KeyError):
        return ""


def _rules_link(rule_set: RuleSet) -> str:
    """Return the page of a version."""
    try:
        if rule_set.state == "draft":
            return reverse("playbooks_draft")
        return f"{reverse('playbooks')}?v={rule_set.number}"
    except NoReverseMatch:
        return ""
