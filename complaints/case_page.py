"""What the case page shows, read in few queries; no rule is decided here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Prefetch
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from complaints import case_parts, classification, clocks, identity
from complaints.choices import ENDED_ASIDE, ClockState, PauseKind, Status
from complaints.hiding import hider
from complaints.models import Case, CaseClock, CasePause, CaseResponsibility
from complaints.querysets import CaseQuerySet
from complaints.reach import reaches
from complaints.teamwork import open_work
from complaints.workflow import guards, moves, review_marks
from config.kernel import terms, thumbnails
from config.kernel.approvals import ApprovalHandler
from config.kernel.models import Approval
from config.shared.chips import ClockChip, duration_words
from config.shared.masking import mask_name, mask_phone
from config.shared.registry import contributed
from config.shared.scope import Scope
from config.shared.words import actor_words, labelled, near_moment_words

JOINED: Final = (
    "type", "intake_channel", "business_line__parent", "business_channel", "nature",
    "cause__parent", "trigger", "outcome", "suggestion_decision", "not_accepted_reason",
    "customer__rm", "customer__branch", "department__superior", "branch", "handler", "officer",
    "registrar", "merged_into", "repeat_of",
)  # fmt: skip
ICONS: Final[Mapping[str, str]] = {
    "accept": "circle-check", "refuse": "ban", "assess": "list-check", "assign": "route",
    "settle": "circle-check", "start": "player-play", "sign": "signature",
    "return": "arrow-back-up",
    "resolve": "circle-check", "propose": "clipboard-check", "resume": "player-play",
    "notify": "message-2-check", "confirm": "checks", "close": "lock", "reopen": "lock-open",
    "claim": "hand-grab", "assign_handler": "user-plus", "raise_severity": "arrow-up",
    "lower_severity": "arrow-down", "wait_customer": "player-pause",
    "wait_third_party": "hourglass", "suspend": "clock-pause", "merge": "git-merge",
    "withdraw": "circle-x", "transfer": "transfer", "extend": "calendar-plus",
    "retype": "category", "contain": "shield-check", "external_appraisal": "clock-pause",
    "end_appraisal": "player-play", "restart_new_facts": "rotate",
    "ask_review": "zoom-question", "acknowledge_review": "mail-opened",
    "progress_review": "message", "decide_review": "gavel", "tell_review": "message-2-check",
}  # fmt: skip
SIDE_VERBS: Final = {"assign_handler": "a", "assign": "d", "claim": "c"}

_STEPS: Final[tuple[tuple[Any, frozenset[str]], ...]] = (
    (pgettext_lazy("step", "Registered"), frozenset({Status.RECEIVED})),
    (pgettext_lazy("step", "Accepted"), frozenset({Status.ACCEPTED})),
    (pgettext_lazy("step", "Initial assessment"), frozenset({Status.ASSESSING})),
    (
        pgettext_lazy("step", "Handling"),
        frozenset(
            {
                Status.ASSIGNED, Status.RETURNED, Status.IN_PROGRESS, Status.WAITING_CUSTOMER,
                Status.WAITING_THIRD_PARTY, Status.SUSPENDED, Status.PENDING_APPROVAL,
                Status.SENT_BACK, Status.RESOLVED, Status.REOPENED,
            }
        ),
    ),
    (pgettext_lazy("step", "Customer told"), frozenset({Status.NOTIFIED})),
    (pgettext_lazy("step", "Closed"), frozenset({Status.CLOSED, Status.ARCHIVED})),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Button:
    """One act on the page: where its dialog is, its words, its key; `group` parts the menu."""

    url: str
    title: str | Promise
    icon: str
    key: str = ""
    danger: bool = False
    group: int = 0


@dataclass(slots=True)
class Buttons:
    """The one main act, those beside it, and the rest in the menu."""

    main: Button | None = None
    side: list[Button] = field(default_factory=list)
    more: list[Button] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ClockRow:
    """One clock of the side panel."""

    label: str
    chip: ClockChip
    due_words: str
    nearest: bool
    provisional: bool
    why_url: str
    why_words: str


def rows_for_page() -> CaseQuerySet:
    """Return all cases with what the page needs joined; scope is the caller's."""
    appraised = CasePause.objects.filter(
        case=OuterRef("pk"), kind=PauseKind.APPRAISAL, ended_at__isnull=True
    )
    rows = Case.objects.select_related(*JOINED).annotate(in_appraisal=Exists(appraised))
    rows = rows.annotate(**review_marks(), **open_work.marks(), **identity.now(timezone.now()))
    findings = CaseResponsibility.objects.select_related("department")
    return rows.prefetch_related(Prefetch("responsibilities", findings))


def buttons(case: Case, scope: Scope) -> Buttons:
    """Return the acts offered on this case to this person, the next step first."""
    found = Buttons()
    nexts = set(moves.NEXT.get(case.status, ()))
    for view in moves.offered(case, scope):
        move = view.move
        if not reaches(case, scope, move.ask_act if view.asks else move.act):
            continue
        if move.verb == "claim" and case.handler_id is not None:
            continue
        button = _button(case, view)
        if move.verb in nexts and found.main is None and not move.danger:
            found.main = button
        elif move.verb in SIDE_VERBS and len(found.side) < 2:
            found.side.append(button)
        else:
            found.more.append(button)
    _extra(case, scope, found)
    found.more.sort(key=lambda button: button.group)
    return found


def _button(case: Case, view: moves.MoveView) -> Button:
    """Return the button of one move; an asking move says so."""
    move = view.move
    title = _("Ask: %(act)s") % {"act": move.title} if view.asks else move.title
    url = reverse("case_move", args=[case.number, move.verb])
    icon, key = ICONS.get(move.verb, "circle"), SIDE_VERBS.get(move.verb, "")
    return Button(url, title, icon, key, move.danger, group=2 if move.danger else 1)


def _extra(case: Case, scope: Scope, found: Buttons) -> None:
    """Add the acts that are not moves."""
    for act in case_parts.acts(case, scope):
        button = Button(reverse(act.url_name, args=[case.number]), act.title, act.icon)
        (found.side if act.main else found.more).append(button)
    if case.is_open and reaches(case, scope, "chase"):
        url = reverse("case_chase", args=[case.number])
        found.more.append(Button(url, _("Chase"), "bell-ringing"))


def steps(case: Case) -> list[dict[str, str]]:
    """Return the stepper in the owner's order (S4-28): done, now, or still to come."""
    aside = case.status in ENDED_ASIDE
    at = next((i for i, (_label, states) in enumerate(_STEPS) if case.status in states), 0)
    ended = case.status in {Status.CLOSED, Status.ARCHIVED}
    drawn = []
    for i, (label, _states) in enumerate(_STEPS):
        css = "done" if i < at or ended else "now" if i == at and not aside else ""
        icon = {"done": "circle-check-filled", "now": "progress"}.get(css, "circle")
        drawn.append({"label": str(label), "css": css, "icon": icon})
    if aside:
        drawn.append({"label": str(Status(case.status).label), "css": "now", "icon": "circle-x"})
    return drawn


def who(case: Case, scope: Scope) -> dict[str, Any]:
    """Return whom it is about; names without the right to them are masked, phones always."""
    customer = case.customer
    name = case.contact_name or (customer.name if customer else "")
    if not name:
        name = _("Unknown customer")
    elif not reaches(case, scope, "identity"):
        name = mask_name(name)
    may_open = customer is not None and scope.may("customers")
    return {
        "name": name,
        "number": customer.number if customer else "",
        "url": reverse("customer", args=[customer.number]) if customer and may_open else "",
        "tier": customer.tier if customer else "",
        "phone": mask_phone(case.contact_phone) if case.contact_phone else "",
        "rm": customer.rm if customer else None,
        "branch": case.branch or (customer.branch if customer else None),
        "reveal_url": reverse("case_reveal", args=[case.number])
        if reaches(case, scope, "reveal") and (case.contact_phone or case.contact_email or customer)
        else "",
    }


def told(case: Case, scope: Scope) -> dict[str, str]:
    """Return the customer's matter, demand and wish, as this reader may read them."""
    hide = hider(case, scope)
    names = ("core_issue", "demand", "expected_resolution")
    return {name: hide(getattr(case, name)) for name in names}


def clock_rows(case: Case, at: datetime) -> list[ClockRow]:
    """Return the clocks of the present round, running ones by due time, then the finished ones."""
    rows = list(
        CaseClock.objects.filter(case=case)
        .exclude(state=ClockState.CANCELLED)
        .select_related("limit__policy", "calendar")
        .order_by("name", "-round")
    )
    latest: dict[str, CaseClock] = {}
    for row in rows:
        latest.setdefault(row.name, row)
    running = (ClockState.RUNNING, ClockState.PAUSED)
    kept = sorted(latest.values(), key=lambda c: (c.state not in running, c.due_at, c.pk))
    return [_clock_row(case, clock, at) for clock in kept]


def _clock_row(case: Case, clock: CaseClock, at: datetime) -> ClockRow:
    """Return one clock in words."""
    running = clock.state in (ClockState.RUNNING, ClockState.PAUSED)
    explained = running or clock.breached_at is not None
    return ClockRow(
        label=clock.get_name_display(),
        chip=clocks.chip(clock, at),
        due_words=near_moment_words(clock.due_at),
        nearest=running and clock.name == case.next_clock,
        provisional=clock.provisional,
        why_url=reverse("case_why", args=[case.number, clock.pk]) if explained else "",
        why_words=_("Why %(time)s?") % {"time": near_moment_words(clock.due_at)},
    )


def facts(case: Case, scope: Scope) -> list[dict[str, Any]]:
    """Return the classification as label and value; empty values are left out."""
    hide = hider(case, scope)
    pairs: Sequence[tuple[str, Any]] = (
        (_("Type"), case.type),
        (_("Business line"), terms.path(case.business_line) if case.business_line else ""),
        (_("Product"), hide(case.product)),
        (_("Intake channel"), case.intake_channel),
        (_("Business channel"), case.business_channel),
        (_("Referral number"), case.referral_number),
        (_("External reference"), case.external_ref),
        (_("Received"), near_moment_words(case.received_at)),
        (_("Amount in dispute"), f"{case.currency} {case.amount:,.2f}" if case.amount else ""),
        (_("Loss"), f"{case.currency} {case.loss_amount:,.2f}" if case.loss_amount else ""),
        (_("Emotion"), classification.emotions(case)),
        (_("Media"), classification.media(case)),
        (_("Nature"), case.nature),
        (_("Root cause"), terms.path(case.cause) if case.cause else ""),
        (_("Release"), case.release),
        (_("Trigger point"), case.trigger),
        (_("Outcome"), case.outcome),
        (_("Department"), case.department),
        (_("Handler"), case.handler),
        (_("Complaint officer"), case.officer),
    )
    found = [{"label": label, "value": str(value)} for label, value in pairs if value]
    for finding in case.responsibilities.all():
        value = labelled(finding.department.label, finding.get_finding_display())
        found.append({"label": _("Responsibility"), "value": value})
    return found


def checks(case: Case, scope: Scope) -> dict[str, Any]:
    """Return what is missing before the next guarded step, with links that fill it in."""
    lines = guards.checklist(case)
    may_edit = reaches(case, scope, "edit")
    rows = [{"label": c.label, "done": c.done, "url": _where(case, c, may_edit)} for c in lines]
    if case.status == Status.RECEIVED:
        title = _("Before you can accept")
    elif case.status == Status.RESOLVED:
        title = _("Before you can tell the customer")
    else:
        title = _("Before you can resolve")
    done = sum(1 for c in lines if c.done)
    return {"checks": rows, "checks_title": title, "checks_done": done}


def _where(case: Case, check: guards.Check, may_edit: bool) -> str:  # noqa: FBT001
    """Return the dialog in which a missing fact is filled in; '' when it is not theirs."""
    if not may_edit or check.key in guards.ELSEWHERE:
        return ""
    return reverse("case_facts", args=[case.number]) + f"?at={check.key}"


def pending(case: Case, scope: Scope) -> list[dict[str, Any]]:
    """Return the approvals this case waits for, as far as the person may see them."""
    rows = Approval.objects.visible_to(scope).filter(about=case.about, state="pending")
    handlers = contributed(ApprovalHandler)
    return [
        {
            "title": str(handlers[row.kind].title) if row.kind in handlers else row.kind,
            "asked_by_label": actor_words(row.asked_by_label),
            "url": reverse("approval", args=[row.pk]),
        }
        for row in rows
    ]


def files(case: Case, scope: Scope) -> list[dict[str, Any]]:
    """Return the attachments of the case that still exist, oldest first."""
    rows = case.attachments.select_related("file").filter(file__erased_at__isnull=True)
    hide = hider(case, scope)
    return [
        {
            "token": row.file.token,
            "name": hide(row.file.name),
            "size": row.file.size,
            "at": row.added_at,
            "url": reverse("case_file", args=[case.number, row.file.token]),
            "thumb_url": reverse("case_thumbnail", args=[case.number, row.file.token])
            if thumbnails.is_picture(row.file)
            else "",
        }
        for row in rows.order_by("pk")
    ]


def held_words(span: timedelta) -> str:
    """Return how long a case was with somebody, in words."""
    return duration_words(int(span.total_seconds()))
