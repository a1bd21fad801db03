"""The part "Related cases" of a case: grouped and cut by scope; what is hidden leaves no trace."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from complaints.case_rules import rules_at
from complaints.choices import LinkKind, Status
from complaints.hiding import hider
from complaints.models import Case
from complaints.reach import reaches
from complaints.relations import agents, linking, looks, matters, merging, relinking, sources
from config.shared.masking import mask_name
from config.shared.scope import Scope

_MOST: Final = 20
_TITLES: Final = {
    LinkKind.SAME_CONTACT: _("Same contact"),
    LinkKind.RELATED: _("Related"),
    LinkKind.DUPLICATE: _("Duplicates"),
    LinkKind.SPLIT: _("Split off"),
    LinkKind.FOLLOW_UP: _("Follow-ups"),
}


@dataclass(slots=True)
class Row:
    """One case: what the reader may read of it, and the acts (title, address) beside it."""

    case: Case
    text: str
    note: str = ""
    acts: list[tuple[object, str]] = field(default_factory=list)
    posts: list[tuple[object, str]] = field(default_factory=list)
    line_url: str = ""


@dataclass(slots=True)
class Section:
    """Cases that hang together with this one in one way."""

    key: str
    title: object
    rows: list[Row] = field(default_factory=list)


def read(case: Case, scope: Scope, at: datetime) -> dict[str, Any]:
    """Return what the part shows: sections of cases, agents, sources, acts; ten queries or so."""
    may = reaches(case, scope, "link") and case.status != Status.ARCHIVED
    visible = Case.objects.visible_to(scope).select_related("customer", "type")
    sections = [
        *_linked(case, scope, visible, may),
        _merged(case, scope, visible),
        _repeats(case, scope, visible, at, may),
        _others(case, scope, visible),
        _look_alikes(case, scope, visible, at, may),
    ]
    shown: set[int] = set()
    for section in sections:
        section.rows = [row for row in section.rows if row.case.pk not in shown]
        shown |= {row.case.pk for row in section.rows}
    return {
        "sections": [section for section in sections if section.rows],
        "agents": _agents(case, scope),
        "sources": sources.of(case),
        "may_link": may,
        "may_answer": may and case.is_open,
        "moved": reaches(case, scope, "relink") and relinking.disclosed(case) is not None,
        "together": _together(case, scope),
        "at": at,
    }


def _agents(case: Case, scope: Scope) -> list[dict[str, Any]]:
    """Return the agents; without the act `identity` on the case their names are masked."""
    plain = reaches(case, scope, "identity")
    return [
        {
            "row": agent.row,
            "name": agent.row.name if plain else mask_name(agent.row.name),
            "elsewhere": agent.elsewhere,
        }
        for agent in agents.of(case, scope)
    ]


def _together(case: Case, scope: Scope) -> str:
    """Return the address of the one answer to all, where two or more cases wait for it."""
    if case.status != Status.RESOLVED or not reaches(case, scope, "notify"):
        return ""
    rows = Case.objects.visible_to(scope, "notify")
    ready = len(matters.answerable(case, rows)) > 1
    return reverse("case_answer_together", args=[case.number]) if ready else ""


def _linked(case: Case, scope: Scope, visible: Any, may: bool) -> list[Section]:  # noqa: FBT001
    """Return the links by kind; the other end must be visible."""
    found = linking.of(case)
    others = {row.pk: row for row in visible.filter(pk__in={pk for _link, pk in found})}
    sections = {kind: Section(str(kind), title) for kind, title in _TITLES.items()}
    for link, pk in found:
        other = others.get(pk)
        if other is None or link.kind not in sections:
            continue
        row = _row(other, scope)
        if may and link.kind != LinkKind.SPLIT:
            row.acts.append((_("Unlink"), reverse("case_unlink", args=[case.number, link.pk])))
        if may and link.kind == LinkKind.DUPLICATE and case.is_open and other.is_open:
            row.acts.append((_("Merge"), reverse("case_move", args=[case.number, "merge"])))
        sections[LinkKind(link.kind)].rows.append(row)
    return list(sections.values())


def _merged(case: Case, scope: Scope, visible: Any) -> Section:
    """Return what was merged into this case, with its timeline, or the case that survived it."""
    section = Section("merged", _("Merged"))
    below = {row.pk for row in merging.merged_below([case])[case.pk]}
    wanted = below | ({case.merged_into_id} if case.merged_into_id else set())
    for other in visible.filter(pk__in=wanted).order_by("-received_at", "-pk")[:_MOST]:
        row = _row(other, scope)
        if other.pk in below:
            row.line_url = reverse("case_merged_line", args=[case.number, other.number])
        else:
            row.note = str(_("survives this one"))
        section.rows.append(row)
    return section


def _repeats(case: Case, scope: Scope, visible: Any, at: datetime, may: bool) -> Section:  # noqa: FBT001
    """Return the earlier cases on this matter, and those that repeat this one."""
    section = Section("repeats", _("Repeats"))
    noted = visible.filter(Q(repeat_of=case) | Q(pk=case.repeat_of_id or 0))
    known = {row.pk: row for row in noted.order_by("-received_at", "-pk")[:_MOST]}
    rules = rules_at(at)
    for other in known.values():
        row = _row(other, scope)
        row.note = str(
            _("repeated by this one") if other.pk == case.repeat_of_id else _("repeats it")
        )
        section.rows.append(row)
    for other in looks.earlier(case, visible, at):
        if other.pk in known:
            continue
        row = _row(other, scope)
        row.note = str(_("same line and cause within %(days)s days")) % {"days": rules.repeat_days}
        if may:
            url = reverse("case_repeat", args=[case.number, other.number])
            row.posts.append((_("Note as repeat"), url))
        section.rows.append(row)
    return section


def _others(case: Case, scope: Scope, visible: Any) -> Section:
    """Return the sender's other cases, newest first."""
    section = Section("customer", _("Other cases of this customer"))
    if case.customer_id:
        theirs = visible.filter(customer=case.customer_id)
    elif case.contact_phone_hash:
        theirs = visible.filter(contact_phone_hash=case.contact_phone_hash)
    else:
        return section
    found = theirs.exclude(pk=case.pk).order_by("-received_at", "-pk")[:_MOST]
    section.rows = [_row(other, scope) for other in found]
    return section


def _look_alikes(case: Case, scope: Scope, visible: Any, at: datetime, may: bool) -> Section:  # noqa: FBT001
    """Return cases of others whose core issue reads alike."""
    section = Section("alike", _("Read alike"))
    if case.restricted:
        return section
    since = at - timedelta(days=rules_at(at).repeat_days)
    near = visible.filter(received_at__gte=since)
    for one in looks.alike_words(case.core_issue, near, skip=case.pk):
        row = _row(one.case, scope)
        row.note = str(_("words alike: %(share)s")) % {"share": f"{round(one.share * 100)}%"}
        if may:
            url = reverse("case_link", args=[case.number])
            row.acts.append((_("Link"), f"{url}?to={one.case.number}"))
        section.rows.append(row)
    return section


def _row(other: Case, scope: Scope) -> Row:
    return Row(other, hider(other, scope)(other.core_issue))
