"""What relations of cases bring to the registries: record, notices, acts, jobs, navigation."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from complaints.case_parts import CaseAct
from complaints.choices import AgentState, LinkKind, Status
from complaints.clocks.telling import case_link
from complaints.models import Case
from complaints.reach import reaches
from complaints.relations import (
    agents,
    apologies,
    chasing,
    clusters,
    linking,
    matters,
    relinking,
    repeating,
    signatures,
    sources,
    splitting,
)
from config.kernel.actions import Action
from config.kernel.defaults import Default
from config.kernel.jobs import JobHandler
from config.kernel.models import Notice
from config.kernel.notices import NoticeKind
from config.shared.registry import Contribution, NavItem
from config.shared.scope import Scope


def _kind(code: Any) -> object:
    return LinkKind(code).label if code in LinkKind.values else code


def _agent(code: Any) -> object:
    return AgentState(code).label if code in AgentState.values else code


_SHOW: Final[Mapping[str, Callable[[Any], object]]] = {"kind": _kind, "state": _agent}
_NUMBERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "from": lambda number: number or "–",
}
_ACTIONS: Final = (
    (chasing.ACTION, _("The customer chased (time %(count)s)"), "phone-incoming"),
    (linking.LINKED, _("Linked with case %(number)s: %(kind)s"), "link"),
    (linking.UNLINKED, _("No longer linked with case %(number)s: %(kind)s"), "x"),
    (matters.OPENED, _("Another matter of this contact is case %(number)s"), "circle-plus"),
    (matters.BESIDE, _("Came in the same contact as case %(number)s"), "link"),
    (splitting.SPLIT, _("A part was split off as case %(number)s"), "arrows-split"),
    (splitting.SPLIT_CLOSED, _("A part was split off as a case of its own"), "arrows-split"),
    (splitting.CAME, _("Split off from case %(number)s"), "arrows-split"),
    (sources.ADDED, _("A further body sent this matter"), "mail-forward"),
    (sources.ANSWERED, _("A source got its answer"), "mail-opened"),
    (repeating.NOTED, _("Repeats case %(number)s (earlier cases: %(count)s)"), "repeat"),
    (agents.ADDED, _("Somebody acts for the customer"), "user-plus"),
    (agents.LETTER, _("The authority letter of the agent is there"), "file-certificate"),
    (agents.CHECKED, _("Call to the customer about the agent: %(state)s"), "phone-check"),
    (apologies.APOLOGY, _("To be apologised for: %(count)s messages to %(customer)s"), "mail-off"),
    (relinking.LOST, _("Case %(number)s was moved to another customer"), "transfer"),
    (relinking.GAINED, _("Case %(number)s was moved here"), "transfer"),
    (clusters.APART, _("Cases found not related"), "x"),
)


def contributions() -> tuple[Contribution, ...]:
    """Return the lines for the registry."""
    return (
        *(Action(key, sentence, icon, _SHOW) for key, sentence, icon in _ACTIONS),
        Action(
            relinking.MOVED,
            _("Moved from customer %(from)s to customer %(to)s"),
            "transfer",
            _NUMBERS,
        ),
        NoticeKind(
            chasing.ACTION,
            _("Case %(number)s: the customer chased (time %(count)s)"),
            "phone-incoming",
            case_link,
            _("Answer the customer"),
        ),
        NoticeKind(
            apologies.APOLOGY,
            _("Case %(number)s: apologise to %(customer)s for messages sent by mistake"),
            "mail-off",
            _task_link,
            _("Apologise"),
        ),
        JobHandler(signatures.BACKFILL, signatures.backfill, title=_("Marks of older cases")),
        Default("case_signatures", signatures.start_backfill, order=90),
        NavItem(
            "clusters", _("Look-alike cases"), "clusters", "affiliate", "insight", "clusters",
            order=30,
        ),
        *_acts(),
    )  # fmt: skip


def _task_link(notice: Notice) -> str:
    """Return the case at its tasks."""
    try:
        return reverse("case", args=[notice.facts["number"]]) + "#tasks"
    except (NoReverseMatch, KeyError):
        return ""


def _open_and(act: str) -> Callable[[Case, Scope], bool]:
    return lambda case, scope: case.is_open and reaches(case, scope, act)


def _written(act: str) -> Callable[[Case, Scope], bool]:
    return lambda case, scope: case.status != Status.ARCHIVED and reaches(case, scope, act)


def _acts() -> tuple[CaseAct, ...]:
    return (
        CaseAct("chased", _("Customer chased"), "phone-incoming", "case_chased",
                _open_and("chased"), order=10),
        CaseAct("another", _("Add another matter"), "circle-plus", "case_another",
                lambda case, scope: _written("link")(case, scope)
                and scope.may("cases", "register"), order=20),
        CaseAct("link", _("Link with a case"), "link", "case_link", _written("link"), order=30),
        CaseAct("split", _("Split off a part"), "arrows-split", "case_split",
                _open_and("link"), order=40),
        CaseAct("agent", _("Somebody acts for the customer"), "user-plus", "case_agent",
                _written("link"), order=45),
        CaseAct("source", _("Add a source"), "mail-forward", "case_source", _open_and("link"),
                order=46),
        CaseAct("relink", _("Move to another customer"), "transfer", "case_relink",
                _written("relink"), order=60),
    )  # fmt: skip
