"""The forms of one policy and of the ladder as wholes: from the draft, from a post, to data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import Http404, QueryDict
from django.utils.translation import gettext as _

from complaints.choices import REVIEW_CLOCKS, ClockName
from complaints.clocks.events import CASE_CLOCKS
from complaints.clocks.policy_fields import MOMENTS, REPEATING, PolicyData, StepData
from complaints.clocks.rules import REVIEW
from complaints.models import ClockPolicy, LadderStep
from config.kernel.models import RuleSet, Term
from config.portal import policy_forms, rules_words
from config.portal.policy_forms import LimitForm, PolicyForm, StepForm
from config.portal.rules_words import LimitLine
from config.portal.templatetags.portal import error_summary
from config.shared.forms import VersionedForm
from config.shared.worded import WordedError

NEW: Final = "new"
MOST: Final = 40
AFTER: Final = "working_days_after"
FIRST: Final = {"amount": 3, "unit": "working_days", "calendar": "bank", "stands": "usual"}
FIRST_STEP: Final = {"moment": AFTER, "min_severity": 1, "audience": ["handler"]}


@dataclass
class PolicyEditor:
    """One policy as forms: its head and a form per clock. `code` is NEW for one to be added."""

    code: str
    head: PolicyForm
    limits: list[LimitForm]
    anchor: str = "pol-c"
    gone: list[LimitLine] = field(default_factory=list)

    @classmethod
    def stored(cls, draft: RuleSet, code: str, *, focus: str = "") -> "PolicyEditor":
        """Return the forms of a policy as it stands in the draft.

        `focus` is the anchor of a clock whose limit the writer is to type next.
        """
        names, calendars = _terms(), _calendars()
        row = None if code == NEW else row_of(draft, code)
        if row is None:
            head = PolicyForm(terms=names, row_version=draft.version)
            first = _limit(None, ClockName.RESOLVE, calendars, initial=FIRST)
            return cls(NEW, head, [first])
        kept = ("name_en", "name_zh", "origin", "overlay", "types", "severities", "tiers")
        given = {name: getattr(row, name) for name in (*kept, "channels")}
        head = PolicyForm(terms=names, row_version=draft.version, initial=given)
        order = list(ClockName.values)
        rows = sorted(row.limits.all(), key=lambda limit: order.index(limit.clock))
        limits = [
            _limit(None, limit.clock, calendars, initial=policy_forms.initial_limit(limit))
            for limit in rows
        ]
        for form in limits:
            if focus == f"row-{form.clock}":
                form.fields["amount"].widget.attrs["autofocus"] = True
        return cls(row.code, head, limits)

    @classmethod
    def posted(cls, draft: RuleSet, post: QueryDict) -> "PolicyEditor":
        """Return the forms of a post, with the clock added or taken out that `act` names."""
        data, act = post.copy(), post.get("act", "")
        clocks = [name for name in dict.fromkeys(post.getlist("clocks")) if name in ClockName]
        code = post.get("policy", NEW)
        editor = cls(code, PolicyForm(data, terms=_terms()), [])
        if act.startswith("drop:"):
            clocks = [name for name in clocks if name != act.removeprefix("drop:")]
        elif act == "add" and (name := post.get("add", "")) in ClockName and name not in clocks:
            clocks.append(name)
            begins = FIRST | ({"repeats": "on"} if name in REPEATING else {})
            for key, value in begins.items():
                data.setdefault(f"{name}-{key}", str(value))
            editor.anchor = f"row-{name}"
        calendars = _calendars()
        editor.limits = [_limit(data, name, calendars) for name in clocks]
        if code != NEW:
            row_of(draft, code)
        return editor

    @property
    def new(self) -> bool:
        """Tell whether the policy is yet to be added."""
        return self.code == NEW

    @property
    def status(self) -> int:
        """Return the HTTP status of the answer that shows these forms."""
        bad = any(form.is_bound and form.errors for form in self.limits)
        return self.head.status if self.head.status != 200 or not bad else 422

    @property
    def by_itself(self) -> bool:
        """Tell whether htmx may save on change: not a new policy, nor one overtaken."""
        return not self.new and not self.head.stale

    @property
    def summary(self) -> dict[str, Any]:
        """Return the errors of all forms, for the list on top."""
        return error_summary(self.head, *self.limits)

    def mark(self, now: Sequence[LimitLine], was: Mapping[str, LimitLine]) -> "PolicyEditor":
        """Tell each clock what is in force instead; `now` are the clocks as saved in the draft."""
        saved = {line.clock: line for line in now}
        for form in self.limits:
            form.compare(saved.get(form.clock), was.get(form.clock))
        shown = {form.clock for form in self.limits}
        self.gone = [line for name, line in was.items() if name not in shown]
        return self

    @property
    def free(self) -> list[tuple[str, str]]:
        """Return the clocks that may be added."""
        taken = {form.clock for form in self.limits}
        fits = REVIEW_CLOCKS if REVIEW in (self.head["types"].value() or ()) else CASE_CLOCKS
        lead = self.head["overlay"].value()
        return [
            (name, str(ClockName(name).label))
            for name in fits
            if name not in taken and (lead or name != ClockName.EXTERNAL)
        ]

    def is_valid(self) -> bool:
        """Tell whether every field can be read; what it may hold the draft says."""
        return all([self.head.is_valid(), *(form.is_valid() for form in self.limits)])

    def data(self) -> PolicyData:
        """Return the policy as typed."""
        given = self.head.cleaned_data
        return PolicyData(
            code=given["code"] if self.new else "",
            severities=[int(n) for n in given["severities"]],
            limits=[form.limit() for form in self.limits],
            **{
                name: given[name]
                for name in ("name_en", "name_zh", "origin", "overlay", "types", "tiers")
            },
            channels=given["channels"],
        )

    def refuse(self, refused: WordedError) -> None:
        """Put each problem beside its field."""
        clocks = {form.clock: form for form in self.limits}
        for place, words in getattr(refused, "problems", [("", str(refused))]):
            clock, _dot, name = place.rpartition(".")
            form: Any = clocks.get(clock, self.head)
            form.add_error(name if name in form.fields else None, words)


@dataclass
class LadderEditor:
    """The ladder as forms, one per step, in its order."""

    head: VersionedForm
    steps: list[StepForm]
    anchor: str = ""

    @classmethod
    def stored(cls, draft: RuleSet) -> "LadderEditor":
        """Return the forms of the ladder as it stands in the draft."""
        names = _policies(draft)
        rows = LadderStep.objects.filter(rule_set=draft).order_by("order", "level", "pk")
        steps = [
            StepForm(place=str(n), policies=names, initial=policy_forms.initial_step(row))
            for n, row in enumerate(rows)
        ]
        for form, row in zip(steps, rows, strict=True):
            form.tell(row)
        return cls(VersionedForm(row_version=draft.version), steps)

    @classmethod
    def posted(cls, draft: RuleSet, post: QueryDict) -> "LadderEditor":
        """Return the forms of a post, with what its `act` adds, takes out or moves."""
        data = post.copy()
        places = [place for place in dict.fromkeys(post.getlist("steps")) if _is_place(place)]
        places, shown = _rearranged(places[:MOST], post.get("act", ""), data)
        names = _policies(draft)
        steps = [StepForm(data, place=place, policies=names) for place in places]
        anchor = f"#step-{places.index(shown)}" if shown in places else ""
        return cls(VersionedForm(data), steps, anchor)

    @property
    def summary(self) -> dict[str, Any]:
        """Return the errors of all forms, for the list on top."""
        return error_summary(self.head, *self.steps)

    @property
    def status(self) -> int:
        """Return the HTTP status of the answer that shows these forms."""
        bad = any(form.is_bound and form.errors for form in self.steps)
        return self.head.status if self.head.status != 200 or not bad else 422

    def is_valid(self) -> bool:
        """Tell whether every field can be read; what it may hold the draft says."""
        return all([self.head.is_valid(), *(form.is_valid() for form in self.steps)])

    def data(self) -> list[StepData]:
        """Return the steps as typed."""
        return [form.step() for form in self.steps]

    def refuse(self, refused: WordedError) -> None:
        """Put each problem beside the field of its step."""
        for where, words in getattr(refused, "problems", [("", str(refused))]):
            place, _dot, name = where.partition(".")
            known = place.isdigit() and 0 < int(place) <= len(self.steps)
            form: Any = self.steps[int(place) - 1] if known else self.head
            named = "n" if name in MOMENTS else name
            form.add_error(named if named in form.fields else None, words)


def row_of(draft: RuleSet, code: str) -> ClockPolicy:
    """Return a policy of the draft, or 404."""
    found = None
    if "\x00" not in code:
        rows = ClockPolicy.objects.filter(rule_set=draft, code=code)
        found = rows.prefetch_related("limits").first()
    if found is None:
        raise Http404
    return found


def last_code(draft: RuleSet) -> str:
    """Return the code of the policy added last."""
    rows = ClockPolicy.objects.filter(rule_set=draft).order_by("-order", "-pk")
    return str(rows.values_list("code", flat=True)[0])


def place_after(draft: RuleSet, code: str, to: str) -> int | None:
    """Return the place (from 1) of a policy moved up or down among its like; None = stays.

    Policies added on top form a list of their own, so that a move is always a visible one.
    """
    row = row_of(draft, code)
    every = list(ClockPolicy.objects.filter(rule_set=draft).order_by("order", "pk"))
    like = [each for each in every if each.overlay == row.overlay]
    aim = like.index(row) + {"up": -1, "down": 1}.get(to, 0)
    if to not in {"up", "down"} or not 0 <= aim < len(like):
        return None
    return every.index(like[aim]) + 1


def bare(post: QueryDict) -> VersionedForm:
    """Return the form that only carries the version its writer saw."""
    return VersionedForm(post)


def _rearranged(places: list[str], act: str, data: QueryDict) -> tuple[list[str], str]:
    """Return the places after an act, and the one it concerned."""
    verb, _colon, place = act.partition(":")
    if verb == "add" and len(places) < MOST:
        place = str(max((int(each) for each in places), default=-1) + 1)
        begins = FIRST_STEP | {"n": _days_after(places, data) + 1}
        for name, value in begins.items():
            data.setlist(f"s{place}-{name}", value if isinstance(value, list) else [str(value)])
        return [*places, place], place
    if place not in places:
        return places, ""
    at = places.index(place)
    if verb == "drop":
        return [each for each in places if each != place], ""
    aim = at + {"up": -1, "down": 1}.get(verb, 0)
    if 0 <= aim < len(places):
        places[at], places[aim] = places[aim], places[at]
    return places, place


def _days_after(places: list[str], data: QueryDict) -> int:
    """Return the latest step in working days, so that a new one comes after it."""
    late = [data.get(f"s{each}-n", "") for each in places if data.get(f"s{each}-moment") == AFTER]
    return max((int(n) for n in late if _is_place(n)), default=0)


def _is_place(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < len(str(MOST)) + 2


def _limit(
    data: QueryDict | None, clock: str, calendars: Iterable[tuple[str, str]], **options: Any
) -> LimitForm:
    return LimitForm(data, clock=clock, calendars=calendars, **options)


def _terms() -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return the choices of types and channels; one query."""
    found: dict[str, list[tuple[str, str]]] = {"feedback_type": [], "intake_channel": []}
    for term in Term.objects.filter(taxonomy__in=list(found)).order_by("order", "code"):
        found[term.taxonomy].append((term.code, term.label))
    found["feedback_type"].append((REVIEW, _("Review of an objection")))
    return found


def _calendars() -> list[tuple[str, str]]:
    return list(rules_words.calendar_names().items())


def _policies(draft: RuleSet) -> list[tuple[str, str]]:
    """Return the policies that a step may name."""
    rows = ClockPolicy.objects.filter(rule_set=draft).order_by("order", "pk")
    return [(row.code, rules_words.named(row)) for row in rows]
