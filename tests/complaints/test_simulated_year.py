"""A year in the life of a small bank: whatever happens, stored clocks equal those of the record."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from complaints import clocks, workflow
from complaints.choices import OPEN, ClockState, PauseKind, Status
from complaints.clocks import applying, drafting
from complaints.clocks.drafting import StepData
from complaints.models import Case, CaseClock, ClockPolicy, LadderStep
from complaints.workflow import payloads
from config.kernel import job_runs, journal, rule_kinds
from config.kernel.models import JournalEntry
from config.shared.actors import SYSTEM
from staff import calendar_drafts
from staff.calendar_drafts import DayData
from tests.complaints.test_forecast import MEDIUM, limits
from tests.factories.complaints import DAY, HOUR, default, open_case, rows

BEGIN = datetime(2025, 1, 6, 1, 0, tzinfo=UTC)
MONTH = timedelta(days=30)
CASES, EVENTS = 5, 26  # a month
NEXT = {
    Status.RECEIVED: ["accept", "accept", "accept", "withdraw", "retype"],
    Status.ACCEPTED: ["assess", "assess", "lower_severity", "assign"],
    Status.ASSESSING: ["assign", "assign", "raise_severity"],
    Status.ASSIGNED: ["sign", "sign", "sign", "return", "raise_severity"],
    Status.RETURNED: ["assign"],
    Status.IN_PROGRESS: [
        "resolve", "wait_customer", "wait_third_party", "suspend", "extend", "external_appraisal",
        "restart_new_facts", "lower_severity", "raise_severity", "retype", "merge", "assign",
    ],
    Status.WAITING_CUSTOMER: ["resume", "resume", "raise_severity", "withdraw"],
    Status.WAITING_THIRD_PARTY: ["resume", "resume", "lower_severity"],
    Status.SUSPENDED: ["resume", "resume", "retype"],
    Status.RESOLVED: ["notify", "notify", "raise_severity"],
    Status.NOTIFIED: ["reopen", "confirm"],
    Status.CLOSED: ["reopen", "ask_review"],
    Status.REOPENED: ["assign", "resolve"],
}  # fmt: skip


class Year:
    """The bank, its dice, and what was done so far."""

    def __init__(self, house, seed: int) -> None:
        self.house, self.dice = house, Random(seed)
        self.done: Counter[str] = Counter()
        self.number = 0

    def act(self, at: datetime) -> None:
        """Do one thing that may happen to a case; a refused act is no act."""
        live = Case.objects.filter(status__in=list(NEXT)).order_by("pk")
        pks = list(live.values_list("pk", "status"))
        if not pks:
            return
        open_ones = [pk for pk, status in pks if status in OPEN]
        pk = self.dice.choice(open_ones or [pk for pk, _status in pks])
        if self.dice.random() < 0.15:
            pk = self.dice.choice(pks)[0]
        case = Case.objects.get(pk=pk)
        verb = self.dice.choice(NEXT[case.status])
        if self.dice.random() < 0.05:
            verb = "end_appraisal"
        function, kind = workflow.VERBS[verb]
        what = self.payload(verb, kind, case, at)
        outcome = function(rows(case), what, actor=self.house.actor("supervisor"), at=at)[0]
        self.done[verb] += bool(outcome.done)

    def payload(self, verb, kind, case, at):
        """Return a payload with which the verb may succeed on this case now."""
        into = Case.objects.open().exclude(pk=case.pk).order_by("pk").first()
        unit = self.house.units[self.dice.choice(["CARD", "LOAN"])]
        severity, other = self.dice.choice([1, 2, 3, 4]), self.dice.choice(["REQ", "INQ", "SUG"])
        grade = payloads.Grading(severity, "Seen again.")
        made = {
            "merge": payloads.Merging(into.pk if into else 0, "Same matter."),
            "raise_severity": grade,
            "lower_severity": grade,
            "retype": payloads.Retyping("CMP" if case.type.code != "CMP" else other, "As it is."),
            "external_appraisal": payloads.Appraising("Institute", "Test.", at + 9 * DAY, 1),
            "restart_new_facts": payloads.Restarting("She found the slip.", at, 1),
            "assign": payloads.Sending(unit.pk, note="Theirs."),
        }
        return made.get(verb) or default(self.house, verb, kind, at)

    def open_one(self, at: datetime) -> None:
        given = {"severity": self.dice.choice([1, 2, 2, 3, 4]), "type": "CMP"}
        if self.dice.random() < 0.3:
            given["type"] = self.dice.choice(["REQ", "INQ", "SUG", "PET"])
        if self.dice.random() < 0.2:
            given |= {"intake_channel": "GOV", "external_due_at": at + 8 * DAY}
        open_case(self.house, at=at, **given)
        self.done["open"] += 1

    def stretch(self, at: datetime) -> None:
        """What no verb of the desk asks for here: pauses and extensions of single clocks."""
        case = self.dice.choice(list(Case.objects.open().order_by("pk")))
        kind = self.dice.choice([PauseKind.APPRAISAL, PauseKind.INTERNAL])
        for verb in (
            lambda: clocks.pause([case], at, kind),
            lambda: clocks.resume([case], at + HOUR, kind),
            lambda: clocks.extend([case], self.dice.choice(["resolve", "regulatory"]), at + HOUR),
        ):
            change = verb()
            journal.append(change.facts, actor=SYSTEM, at=at, save=sorted(change.fields))

    def edit_rules(self, at: datetime) -> None:
        """Publish other limits, and in some months another ladder or one clock less."""
        by = {"actor": self.house.actor("supervisor"), "at": at, "expected": None}
        draft = rule_kinds.begin("clock_policies", actor=by["actor"], at=at)
        days = self.dice.choice([1, 2, 4, 6])
        less = {"progress": None} if self.dice.random() < 0.4 else {}
        data = replace(MEDIUM, limits=limits(resolve=days, loop=days + 1, **less))
        drafting.put_policy(draft, data, code="CMP-2", **by)
        if self.dice.random() < 0.5:
            steps = [_data(step) for step in LadderStep.objects.filter(rule_set=draft)]
            early = StepData(
                ["handler"], minutes_before=self.dice.choice([30, 300]), clocks=["loop"]
            )
            drafting.put_ladder(draft, [*steps, early], **by)
        version = rule_kinds.publish(draft, reason="Decided", valid_from=None, **by)
        if self.dice.random() < 0.7:
            applying.start(version, reason="Promised", actor=by["actor"], at=at)
            self.done["apply"] += 1
        self.done["rules"] += 1

    def edit_calendar(self, at: datetime, month: int) -> None:
        """Close an ordinary day ahead, or work on a Saturday; running clocks follow by a job."""
        by = {"actor": self.house.actor("supervisor"), "at": at, "expected": None}
        draft = rule_kinds.begin("calendar:bank", actor=by["actor"], at=at)
        ahead = (at + timedelta(days=3)).date()
        while ahead.weekday() != 2:
            ahead += timedelta(days=1)
        off = DayData(ahead, "off", name_en="Power cut", name_zh="停电")
        saturday = DayData(ahead + timedelta(days=3), "open", name_en="Make-up", name_zh="补班")
        calendar_drafts.put_day(draft, off if month % 8 else saturday, **by)
        rule_kinds.publish(draft, reason="Power cut", valid_from=None, **by)
        self.done["calendar"] += 1

    def run(self, at: datetime) -> None:
        """Let everything run that runs by itself."""
        workflow.resume_over(at)
        workflow.close_silent(at)
        clocks.sweep(at)
        job_runs.work(at)


def _data(step: LadderStep) -> StepData:
    names = StepData.__dataclass_fields__
    return StepData(**{name: getattr(step, name) for name in names})


def drifts(at: datetime) -> list[clocks.Drift]:
    return list(clocks.recompute(check=True, actor=SYSTEM, at=at))


@pytest.mark.parametrize("seed", [1])
def test_drift_is_zero_at_the_end_of_every_month_of_a_year(shared_house, seed):
    year, start = Year(shared_house, seed), BEGIN
    for month in range(12):
        minutes = int(MONTH.total_seconds() // 60)
        moments = sorted(year.dice.sample(range(minutes - 120), CASES + EVENTS))
        opening = set(year.dice.sample(moments, CASES))
        for place, minute in enumerate(moments):
            at = start + timedelta(minutes=minute)
            year.open_one(at) if minute in opening else year.act(at)
            if place % 8 == 7:
                year.run(at + timedelta(seconds=30))
            if place == 10 and month % 3 == 1:
                year.edit_rules(at + timedelta(minutes=1))
            if place == 16 and month % 4 == 0:
                year.edit_calendar(at + timedelta(minutes=1), month)
        end = start + MONTH - HOUR
        if Case.objects.open().exists():
            year.stretch(end - HOUR)
        year.run(end)
        assert drifts(end) == [], f"month {month + 1}"
        start += MONTH
    _was_a_real_year(year)


def _was_a_real_year(year: Year) -> None:
    """The year is only worth something when all of this happened in it."""
    assert year.done["open"] == 12 * CASES
    assert year.done["rules"] == 4
    assert year.done["calendar"] == 3
    for verb in ("accept", "sign", "resolve", "notify", "reopen", "merge", "resume"):
        assert year.done[verb], verb
    seen = Counter(JournalEntry.objects.values_list("action", flat=True))
    for action in ("started", "stopped", "cancelled", "paused", "resumed", "extended", "rematched",
                   "applied", "recalendared"):  # fmt: skip
        assert seen[f"clock.{action}"], action
    assert seen["clock.repaired"] == 0
    assert ClockPolicy.objects.filter(code="CMP-2").count() == 5
    assert CaseClock.objects.filter(breached_at__isnull=False).exists()
    assert CaseClock.objects.filter(state=ClockState.CANCELLED).exists()
    assert date(2025, 12, 1) < Case.objects.latest("received_at").received_at.date()
