"""What must be true before a move (DOMAIN.md §4.6), and the same as a checklist for the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.choices import Status
from complaints.models import Case
from complaints.teamwork import open_work
from config.shared.words import listed, sentences

Test = Callable[[Case], bool]
ELSEWHERE: Final = ("tasks", "steps")
"""Conditions that are met in a part of the side panel, not in a field."""


def _any(_case: Case) -> bool:
    return True


def _never(_case: Case) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Guard:
    """One condition: `applies` to this kind of case, `holds` now; `field`: where it is set.

    `says` words what is missing from the case itself. Where it does not `block`, it is a line of
    the checklist alone.
    """

    key: str
    label: str | Promise
    field: str
    applies: Test
    holds: Test
    says: Callable[[Case], str] | None = None
    blocks: Test = _any


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist; `link` is the anchor of the field on the case page."""

    key: str
    label: str
    done: bool
    link: str


def needs_cause(case: Case) -> bool:
    """Whether this type needs nature, cause and responsibility (complaints, petitions)."""
    return bool(case.type.flags.get("needs_cause"))


def needs_confirmation(case: Case) -> bool:
    """Whether the customer confirms before closing, and gets a result letter in full."""
    return bool(case.type.flags.get("confirm_before_close"))


def has_responsibility(case: Case) -> bool:
    """Whether a department was found responsible, partly, or not; one given now counts."""
    return bool(getattr(case, "findings_given", False)) or bool(case.responsibilities.all())


def _has_level_two(case: Case) -> bool:
    return case.cause is not None and case.cause.parent_id is not None


def _outcome_fits(case: Case) -> bool:
    """Tell whether it is a decision; a suspended case ends by reference to court or mediation."""
    if case.outcome is None:
        return False
    decides = bool(case.outcome.flags.get("decision", True))
    return decides and (case.status != Status.SUSPENDED or case.outcome.flags.get("upheld") is None)


_CLASSIFIED = (
    Guard("type", gettext_lazy("Type"), "type", _any, lambda c: c.type_id is not None),
    Guard(
        "business_line",
        gettext_lazy("Business line"),
        "business_line",
        _any,
        lambda c: c.business_line_id is not None,
    ),
    Guard(
        "intake_channel",
        gettext_lazy("Intake channel"),
        "intake_channel",
        _any,
        lambda c: c.intake_channel_id is not None,
    ),
)
_DECIDED = (
    Guard(
        "release", gettext_lazy("Release or change behind the cause"), "release",
        lambda c: c.cause is not None and bool(c.cause.flags.get("needs_release")),
        lambda c: bool(c.release.strip()),
    ),
    Guard(
        "core_issue", gettext_lazy("Core issue"), "core_issue", needs_confirmation,
        lambda c: bool(c.core_issue.strip()),
    ),
    Guard(
        "business_channel", gettext_lazy("Business channel"), "business_channel", needs_cause,
        lambda c: c.business_channel_id is not None,
    ),
    Guard(
        "nature", gettext_lazy("Nature"), "nature", needs_cause,
        lambda c: c.nature_id is not None,
    ),
    Guard(
        "cause", gettext_lazy("Root cause, second level"), "cause", needs_cause, _has_level_two
    ),
    Guard(
        "responsibility", gettext_lazy("Responsibility"), "responsibility", needs_cause,
        has_responsibility,
    ),
    Guard("outcome", gettext_lazy("Outcome"), "outcome", needs_confirmation, _outcome_fits),
    Guard(
        "answer", gettext_lazy("Answer to the customer"), "answer", _any,
        lambda c: bool(c.answer.strip()),
    ),
)  # fmt: skip
_BLOCKS = (
    Guard(
        "demand", gettext_lazy("Matter and demand"), "demand", needs_confirmation,
        lambda c: bool(c.demand.strip() or c.core_issue.strip()),
    ),
    Guard(
        "findings", gettext_lazy("What was verified"), "findings", needs_confirmation,
        lambda c: bool(c.findings.strip()),
    ),
    Guard(
        "basis", gettext_lazy("Basis and reasons"), "basis", needs_confirmation,
        lambda c: bool(c.basis.strip()),
    ),
    Guard(
        "objection_ways", gettext_lazy("Ways to object"), "objection_ways", needs_confirmation,
        lambda c: bool(c.objection_ways.strip()),
    ),
)  # fmt: skip

_OTHERS = (
    Guard(
        "tasks", gettext_lazy("Answers of the departments asked"), "tasks",
        lambda c: bool(open_work.tasks_waiting(c)), _never, open_work.tasks_words,
    ),
    Guard(
        "steps", gettext_lazy("Mandatory steps"), "steps",
        lambda c: bool(open_work.steps_waiting(c)), _never, open_work.steps_words,
        open_work.steps_block,
    ),
)  # fmt: skip

# What a move asks of the case itself; conditions on the payload stand with the verbs.
GUARDS: dict[str, tuple[Guard, ...]] = {
    "accept": _CLASSIFIED,
    "assign": (
        Guard(
            "severity",
            gettext_lazy("Severity"),
            "severity",
            _any,
            lambda c: c.severity is not None,
        ),
    ),
    "settle": _DECIDED + _BLOCKS + _OTHERS,
    "propose": _DECIDED + _BLOCKS + _OTHERS,
    "resolve": _DECIDED + _BLOCKS + _OTHERS,
    "approve": _DECIDED + _BLOCKS + _OTHERS,
    "notify": (_DECIDED[-1], *_BLOCKS),
}

# Which move the checklist of a state looks at: the next one that has guards.
_AHEAD = {
    Status.RECEIVED: "accept",
    Status.RESOLVED: "notify",
}


def missing(case: Case, verb: str) -> list[Guard]:
    """Return the conditions of this move that do not hold yet, in their order."""
    gaps = [g for g in GUARDS.get(verb, ()) if g.applies(case) and not g.holds(case)]
    return [g for g in gaps if g.blocks(case)]


def prepare(verb: str, cases: Sequence[Case]) -> None:
    """Read for held cases what the conditions of a move ask of other tables."""
    if cases and any(guard in _OTHERS for guard in GUARDS.get(verb, ())):
        open_work.prepare(cases)


def refusal(case: Case, verb: str) -> str:
    """Return why the move is not possible yet, in words, or '' when it is."""
    gaps = missing(case, verb)
    fields = [g.label for g in gaps if g.says is None]
    said = [_("%(what)s.") % {"what": g.says(case)} for g in gaps if g.says is not None]
    if fields:
        said.insert(0, _("Still missing: %(fields)s.") % {"fields": listed(fields)})
    return sentences(said)


def checklist(case: Case) -> list[Check]:
    """Return the "before you can resolve" list of this case; empty when nothing lies ahead.

    Needs `type`, `cause`, `outcome` and `responsibilities` loaded to cost no query.
    """
    if not case.is_open:
        return []
    guards = GUARDS[_AHEAD.get(Status(case.status), "resolve")]
    return [
        Check(g.key, g.says(case) if g.says else str(g.label), g.holds(case), _link(g))
        for g in guards
        if g.applies(case)
    ]


def _link(guard: Guard) -> str:
    """Return the anchor of the field, or of the part of the side panel."""
    return f"#{guard.field}" if guard.key in ELSEWHERE else f"#field-{guard.field}"
