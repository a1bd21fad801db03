"""What differs between two versions of the time limits, in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from django.utils.translation import gettext as _

from complaints.choices import ClockName
from complaints.models import ClockLimit, ClockPolicy, LadderStep
from config.kernel.models import RuleSet
from config.portal import rules_words
from config.portal.rules_words import Names
from config.shared.words import labelled, listed, noted

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One value that differs; '' before = new, '' after = gone."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One row that differs. `kind` is added, removed or changed; `code` '' = not a policy."""

    kind: str
    code: str
    title: str
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Version:
    """The rows of one version."""

    policies: Mapping[str, ClockPolicy]
    steps: Sequence[LadderStep]
    settings: Words


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names needed to say rules in words."""

    names: Names
    calendars: Words


def vocabulary() -> Vocabulary:
    """Return the names of lists and calendars; two queries."""
    names = rules_words.term_names("feedback_type", "intake_channel")
    return Vocabulary(names, rules_words.calendar_names())


def read(rule_set: RuleSet | None) -> Version:
    """Return the rows of a version; three queries."""
    rows = ClockPolicy.objects.filter(rule_set=rule_set).prefetch_related("limits")
    steps = LadderStep.objects.filter(rule_set=rule_set).order_by("order", "level", "pk")
    settings = dict(rules_words.settings_lines(rule_set.settings)) if rule_set else {}
    return Version({row.code: row for row in rows.order_by("order", "pk")}, list(steps), settings)


def changes(before: Version, after: Version, words: Vocabulary) -> list[Change]:
    """Return what `after` has otherwise, policies in its order, then ladder and settings."""
    found = []
    moved = _moved(list(before.policies), list(after.policies))
    for code, row in after.policies.items():
        old = before.policies.get(code)
        if old is None:
            lines = _lines({}, _whole(row, words))
            found.append(Change("added", code, rules_words.named(row), lines))
            continue
        lines = _lines(_whole(old, words), _whole(row, words))
        if code in moved:
            lines.append(Line(_("Place in the order"), *moved[code]))
        if lines:
            found.append(Change("changed", code, rules_words.named(row), lines))
    for code, row in before.policies.items():
        if code not in after.policies:
            found.append(Change("removed", code, rules_words.named(row)))
    return [*found, *_ladder(before.steps, after.steps), *_settings(before, after)]


def rows_changed(found: Sequence[Change]) -> int:
    """Return how many values differ: what a reader would call the number of changes."""
    return sum(len(change.lines) if change.kind == "changed" else 1 for change in found)


def limit_words(row: ClockLimit, words: Vocabulary, *, overlay: bool) -> str:
    """Return everything that makes a clock what it is, in one line."""
    line = rules_words.limit_line(row, words.calendars, overlay=overlay)
    told = [line.limit, line.counts if line.working else ""]
    if line.risk:
        told.append(labelled(_("at risk"), line.risk))
    if line.pauses:
        told.append(labelled(_("stands still"), line.pauses))
    if row.max_pause_days is not None:
        pause = rules_words.pause_limit_words(row.max_pause_days)
        told.append(labelled(_("pause"), pause))
    return listed(part for part in (*told, line.notes) if part)


def _whole(row: ClockPolicy, words: Vocabulary) -> dict[str, str]:
    """Return a policy as label -> words: its names, its cases and each of its clocks."""
    keys = ("types", "severities", "tiers", "channels")
    conditions = {key: getattr(row, key) for key in keys}
    found = {
        _("Name"): noted(row.name_en, row.name_zh),
        _("For"): rules_words.when_words(conditions, words.names),
        _("Source"): row.origin,
        _("On top"): _("yes") if row.overlay else "",
    }
    order = list(ClockName.values)
    for limit in sorted(row.limits.all(), key=lambda each: order.index(each.clock)):
        label = str(ClockName(limit.clock).label)
        found[label] = limit_words(limit, words, overlay=row.overlay)
    return found


def _lines(before: Words, after: Words) -> list[Line]:
    labels = [*after, *(label for label in before if label not in after)]
    pairs = ((label, before.get(label, ""), after.get(label, "")) for label in labels)
    return [Line(label, old, new) for label, old, new in pairs if old != new]


def _moved(before: list[str], after: list[str]) -> dict[str, tuple[str, str]]:
    """Return the codes that changed their place among those both versions have."""
    old = [code for code in before if code in set(after)]
    new = [code for code in after if code in set(before)]
    kept: set[str] = set()
    for block in SequenceMatcher(a=old, b=new, autojunk=False).get_matching_blocks():
        kept |= set(old[block.a : block.a + block.size])
    return {
        code: (str(before.index(code) + 1), str(after.index(code) + 1))
        for code in new
        if code not in kept
    }


def _ladder(before: Sequence[LadderStep], after: Sequence[LadderStep]) -> Iterator[Change]:
    """Yield one change for the ladder when a step came, went or says something else."""
    old, new = [_step(step) for step in before], [_step(step) for step in after]
    lines = []
    for tag, a, b, c, d in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        gone, come = old[a:b], new[c:d]
        for place in range(max(len(gone), len(come))):
            was = gone[place] if place < len(gone) else ("", "")
            now = come[place] if place < len(come) else ("", "")
            lines.append(Line(now[0] or was[0], was[1], now[1]))
    if lines:
        yield Change("changed", "", _("Who is told"), lines)


def _step(step: LadderStep) -> tuple[str, str]:
    """Return the moment of a step and the rest of it in words."""
    rung = rules_words.rung(step)
    clocks = [str(ClockName(name).label) for name in step.clocks if name in ClockName.values]
    breach = _("the breach itself") if step.breach else ""
    parts = (listed(clocks) or _("internal clocks"), rung.who, rung.only, rung.how, breach)
    return rung.when, listed([rung.when, *(part for part in parts if part)])


def _settings(before: Version, after: Version) -> Iterator[Change]:
    if lines := _lines(before.settings, after.settings):
        yield Change("changed", "", _("Settings"), lines)
