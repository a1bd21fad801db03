"""A dry run of a version of the rules over the cases of the last days, as a job with progress.

Nothing is changed. Only cases that rules sent somewhere are asked about: what a person placed by
hand, and history, would be placed the same again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from complaints.models import Case, CaseExclusion, RoutingRule
from complaints.routing import checking, recalling
from complaints.routing.deadlines import Deadlines, Moved
from complaints.routing.engine import rules_of
from complaints.routing.rerunning import FIELDS, Ran, Rerun, Row
from complaints.routing.then import Then
from config.kernel import jobs
from config.kernel.job_runs import JobRun
from config.kernel.models import Job, RuleSet
from config.shared.actors import Actor

JOB: Final = "routing.replay"
ROWS: Final = 200
DAYS: Final = 366
_CHUNK: Final = 2000


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One case that would fare differently: codes of departments, due times, the deciding rule.

    `late`: it kept its deadline and would have missed the other one.
    """

    number: str
    department_before: str
    department_after: str
    due_before: datetime | None
    due_after: datetime | None
    late: bool
    rule: str


@dataclass(frozen=True, slots=True)
class Replay:
    """The result of a dry run. Loads are (code or pk, before, after); pk 0 = nobody.

    `moved` counts cases with another department, `repersoned` those with another person in the
    same one, `raised` those with another severity. `by_hand` cases were not asked about.
    """

    cases: int = 0
    matched: Mapping[str, int] = field(default_factory=dict)
    moved: int = 0
    shorter: int = 0
    longer: int = 0
    newly_late: int = 0
    by_department: Sequence[tuple[str, int, int]] = ()
    by_person: Sequence[tuple[int, int, int]] = ()
    rows: Sequence[ReplayRow] = ()
    unreachable: Sequence[str] = ()
    repersoned: int = 0
    raised: int = 0
    by_hand: int = 0


def start(rule_set: RuleSet, *, days: int, actor: Actor, at: datetime) -> Job:
    """Ask for a dry run of a version over the cases received in the `days` (1-366) before `at`."""
    span = max(1, min(days, DAYS))
    return jobs.start(
        JOB,
        owner_id=actor.id,
        params={
            "rule_set": rule_set.pk,
            "version": rule_set.version,
            "days": span,
            "until": at.isoformat(),
        },
        title=_("Dry run of version %(number)s") % {"number": rule_set.number},
        actor=actor,
        at=at,
    )


def latest(rule_set: RuleSet) -> Job | None:
    """Return the newest dry run of a version, or None."""
    found = Job.objects.filter(kind=JOB, params__rule_set=rule_set.pk)
    return found.order_by("-asked_at", "-pk").first()


def read(job: Job) -> Replay | None:
    """Return the result of a finished dry run; None while there is none."""
    kept = job.checkpoint.get("result")
    if kept is None:
        return None
    rows = [
        ReplayRow(**{**row, "due_before": _moment(row["due_before"]),
                     "due_after": _moment(row["due_after"])})
        for row in kept["rows"]
    ]  # fmt: skip
    loads = {name: [tuple(row) for row in kept[name]] for name in ("by_department", "by_person")}
    return Replay(**{**kept, **loads, "rows": rows})


def run(job_run: JobRun) -> None:
    """Run the job in chunks; goes on where an earlier run stopped while the draft is the same."""
    job = job_run.job
    rule_set = RuleSet.objects.get(pk=job.params["rule_set"])
    until = datetime.fromisoformat(job.params["until"])
    work = Work(rules_of(rule_set), until - timedelta(days=job.params["days"]), until)
    kept = job.checkpoint if job.checkpoint.get("version") == rule_set.version else {}
    if kept.get("state"):
        work.restore(kept["state"])
    total = work.cases().count()
    while rows := work.next_rows():
        work.take(rows)
        job_run.progress(done=work.done, total=total)
        if job_run.cancelled():
            left = {"version": rule_set.version, "state": work.state()}
            job_run.progress(done=work.done, checkpoint=left)
            return
    result = work.result()
    counts = {"moved": result.moved, "newly_late": result.newly_late}
    job_run.progress(
        done=work.done, total=total, checkpoint={"result": _plain(result)}, counts=counts
    )


class Work:
    """The dry run itself: chunk after chunk of plain values, figures in memory."""

    def __init__(self, rules: Sequence[RoutingRule], since: datetime, until: datetime) -> None:
        """Read what stays the same for all cases."""
        used = [rule for rule in rules if rule.active]
        self._since, self._until, self._rules = since, until, used
        then = Then(since, until, {rule.requires for rule in used if rule.requires})
        self._rerun = Rerun(used, then)
        self._recall = recalling.Recall(self._rerun.book, then)
        self._deadlines = Deadlines(then.units, until)
        self.done = 0
        self._last: tuple[datetime, int] | None = None
        self._counts: Counter[str] = Counter()
        self._units: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
        self._people: dict[str, Counter[int]] = {"before": Counter(), "after": Counter()}
        self._late: list[ReplayRow] = []
        self._other: list[ReplayRow] = []

    def cases(self) -> QuerySet[Case]:
        """Return the cases received in the span that came in here, not as history."""
        span = Q(received_at__gte=self._since, received_at__lt=self._until)
        return Case.objects.filter(span, is_history=False)

    def next_rows(self) -> list[Row]:
        """Return the next chunk, oldest receipt first."""
        rows = self.cases()
        if self._last is not None:
            at, pk = self._last
            rows = rows.filter(Q(received_at__gt=at) | Q(received_at=at, pk__gt=pk))
            rows = rows.filter(received_at__gte=at)
        values = rows.order_by("received_at", "pk").values_list(*FIELDS)
        return [Row(*row) for row in values[:_CHUNK]]

    def take(self, rows: Sequence[Row]) -> None:
        """Ask the rules about a chunk and add it to the figures."""
        routed = [row for row in rows if row.reason.get("rule")]
        facts = self._recall.facts(routed)
        out, named = _recusals(routed)
        ran = [
            self._rerun.ask(row, facts[row.pk], out.get(row.pk, ()), named.get(row.pk, ()))
            for row in routed
            if row.pk in facts
        ]
        moved = self._deadlines.moved([one for one in ran if self._deadlines.concerns(one)])
        for one in ran:
            self._count(one, moved.get(one.row.pk))
        self._counts["by_hand"] += len(rows) - len(ran)
        self._counts["cases"] += len(ran)
        self.done += len(rows)
        self._last = (rows[-1].received_at, rows[-1].pk)

    def _count(self, ran: Ran, due: Moved | None) -> None:
        counts = self._counts
        before, after = ran.department_before, ran.department_after
        self._units["before"][before] += 1
        self._units["after"][after] += 1
        self._people["before"][ran.person_before or 0] += 1
        self._people["after"][ran.person_after or 0] += 1
        counts["moved"] += before != after
        counts["repersoned"] += before == after and ran.person_before != ran.person_after
        counts["raised"] += ran.severity_before != ran.severity_after
        late = due is not None and due.late_after and not due.late_before
        if due is not None:
            counts["shorter" if due.after < due.before else "longer"] += 1
            counts["newly_late"] += late
        shelf = self._late if late else self._other
        if (before != after or due is not None) and len(shelf) < ROWS:
            dues = (due.before, due.after) if due else (ran.row.due_at, ran.row.due_at)
            shelf.append(ReplayRow(ran.row.number, before, after, *dues, late, ran.rule))

    def result(self) -> Replay:
        """Return the figures; which rules nothing can reach is worked out here."""
        return Replay(
            **self._counts,
            matched=dict(self._rerun.matched),
            by_department=_loads(self._units["before"], self._units["after"]),
            by_person=_loads(self._people["before"], self._people["after"]),
            rows=[*self._late, *self._other][:ROWS],
            unreachable=checking.unreachable_codes(self._rules),
        )

    def state(self) -> dict[str, Any]:
        """Return where the run stands as plain values."""
        return {
            "done": self.done,
            "last": [self._last[0].isoformat(), self._last[1]] if self._last else None,
            "counts": dict(self._counts),
            "units": {name: dict(counter) for name, counter in self._units.items()},
            "people": {name: list(counter.items()) for name, counter in self._people.items()},
            "late": [_plain_row(row) for row in self._late],
            "other": [_plain_row(row) for row in self._other],
            "rerun": self._rerun.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self.done = state["done"]
        if state["last"]:
            self._last = (datetime.fromisoformat(state["last"][0]), state["last"][1])
        self._counts = Counter(state["counts"])
        self._units = {name: Counter(known) for name, known in state["units"].items()}
        self._people = {name: Counter(dict(rows)) for name, rows in state["people"].items()}
        self._late = [_row(row) for row in state["late"]]
        self._other = [_row(row) for row in state["other"]]
        self._rerun.restore(state["rerun"])


def _recusals(rows: Sequence[Row]) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """Return who was out of each case when it was registered, and who of them was named."""
    registered = {row.pk: row.registered_at for row in rows}
    out: dict[int, set[int]] = {}
    named: dict[int, set[int]] = {}
    stored = CaseExclusion.objects.filter(case__in=list(registered))
    for case_id, person_id, reason, at in stored.values_list(
        "case_id", "person_id", "reason", "at"
    ):
        if at <= registered[case_id]:
            out.setdefault(case_id, set()).add(person_id)
            if reason == "named":
                named.setdefault(case_id, set()).add(person_id)
    return out, named


def _loads(before: Counter[Any], after: Counter[Any]) -> list[tuple[Any, int, int]]:
    keys = sorted(before.keys() | after.keys(), key=str)
    return [(key, before[key], after[key]) for key in keys]


def _plain(result: Replay) -> dict[str, Any]:
    """Return a result as JSON values."""
    kept = asdict(result)
    kept["rows"] = [_plain_row(row) for row in result.rows]
    return kept


def _plain_row(row: ReplayRow) -> dict[str, Any]:
    kept = asdict(row)
    for name in ("due_before", "due_after"):
        kept[name] = kept[name].isoformat() if kept[name] else None
    return kept


def _row(kept: Mapping[str, Any]) -> ReplayRow:
    dues = {name: _moment(kept[name]) for name in ("due_before", "due_after")}
    return ReplayRow(**{**kept, **dues})


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
