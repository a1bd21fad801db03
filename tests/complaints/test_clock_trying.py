"""One case tried on a draft: what it says is what applying the version does; nothing is written."""

from datetime import timedelta

import pytest

from complaints.clocks import applying, trying
from complaints.clocks.using import used
from complaints.models import Case, CaseClock, ClockLimit, ClockPolicy
from config.kernel import job_runs, rule_kinds, rulesets
from config.kernel.models import JournalEntry, RuleSet
from config.shared.actors import SYSTEM
from tests.factories.complaints import AT, Bank, open_case

KIND = "clock_policies"
LATER = AT + timedelta(hours=3)


def drafted(amount: int, unit: str = "elapsed_minutes", calendar: str = "") -> RuleSet:
    draft = rule_kinds.begin(KIND, actor=SYSTEM, at=LATER)
    rows = ClockLimit.objects.filter(policy__rule_set=draft, clock="resolve")
    rows.update(amount=amount, unit=unit, calendar=calendar)
    return draft


@pytest.mark.parametrize(
    ("amount", "unit", "calendar"),
    [(60, "elapsed_minutes", ""), (9000, "elapsed_minutes", ""), (1, "working_days", "bank")],
)
def test_it_says_what_applying_the_version_does(shared_house: Bank, amount, unit, calendar):
    case = open_case(shared_house)
    draft = drafted(amount, unit, calendar)
    before, entries = case.version, JournalEntry.objects.count()
    trial = trying.try_case(draft, Case.objects.get(pk=case.pk), LATER)
    case.refresh_from_db()
    assert (case.version, JournalEntry.objects.count()) == (before, entries)
    told = {clock.name: (clock.after, clock.late) for clock in trial.clocks}
    rulesets.publish(draft, reason="x", actor=SYSTEM, at=LATER, valid_from=LATER)
    applying.start(draft, reason="x", actor=SYSTEM, at=LATER)
    job_runs.work(LATER)
    done = {row.name: row.due_at for row in CaseClock.objects.filter(case=case)}
    assert {name: after for name, (after, _late) in told.items()} == {
        name: due for name, due in done.items() if name in told
    }
    assert told["resolve"][1] == (done["resolve"] <= LATER)
    moved = {clock.name for clock in trial.clocks if clock.moves}
    assert "resolve" in moved
    why = next(clock.why for clock in trial.clocks if clock.name == "resolve")
    assert why is not None
    assert why.due_at == done["resolve"]


def test_a_case_no_policy_holds_for_is_matched_to_none(shared_house: Bank):
    case = open_case(shared_house)
    draft = drafted(60)
    ClockLimit.objects.filter(policy__rule_set=draft).delete()
    ClockPolicy.objects.filter(rule_set=draft).exclude(code="PRS").delete()
    assert trying.try_case(draft, case, LATER).policy is None
    ClockPolicy.objects.filter(rule_set=draft).delete()
    assert trying.try_case(draft, case, LATER) == trying.Trial(None, None, ())


def test_history_has_a_policy_and_no_clocks(shared_house: Bank):
    case = open_case(shared_house)
    Case.objects.filter(pk=case.pk).update(is_history=True)
    trial = trying.try_case(drafted(60), Case.objects.get(pk=case.pk), LATER)
    assert trial.policy is not None
    assert list(trial.clocks) == []


def test_cases_are_counted_by_policy_and_overlay_within_the_days(shared_house: Bank):
    for reason in ({"policy": "A"}, {"policy": "A", "overlay": "B"}, {"policy": None}, {}):
        Case.objects.filter(pk=open_case(shared_house).pk).update(policy_reason=reason)
    assert used(AT - timedelta(days=1), AT + timedelta(days=1)) == {"A": 2, "B": 1}
    assert used(AT + timedelta(days=1), AT + timedelta(days=2)) == {}
