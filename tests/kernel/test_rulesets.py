from datetime import UTC, datetime, timedelta

import pytest

from complaints.models import ClockLimit, ClockPolicy
from config.kernel import journal, rulesets
from config.kernel.frozen import RulesFrozen
from config.kernel.models import RuleSet
from config.kernel.models.rules import RuleState
from config.kernel.rulesets import RulesRefused
from config.shared.actors import SYSTEM, Actor
from staff.models import CalendarSpan

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ADA = Actor("person", 7, "Ada 安")

pytestmark = pytest.mark.django_db


def drafted(kind="calendar:bank", **how):
    how = {"titles": ("Bank calendar", "银行日历"), "actor": ADA, "at": AT} | how
    return rulesets.new_version(kind, **how)


def put_in_force(rules, *, valid_from=AT, actor=ADA, **how):
    how = {"reason": "Board decision 12", "at": AT} | how
    return rulesets.publish(rules, valid_from=valid_from, actor=actor, **how)


def span(rules, weekday=0):
    return CalendarSpan(rule_set=rules, weekday=weekday, start_minute=540, end_minute=1020)


@pytest.fixture
def published():
    rules = drafted()
    CalendarSpan.objects.bulk_create([span(rules, weekday) for weekday in range(5)])
    return put_in_force(rules)


def test_the_version_in_force_is_the_published_one_that_began_last(published):
    later = put_in_force(drafted(), valid_from=AT + DAY)
    drafted()
    assert rulesets.published("calendar:bank", AT - timedelta(seconds=1)) is None
    assert rulesets.published("calendar:bank", AT) == published
    assert rulesets.published("calendar:bank", AT + DAY) == later
    assert rulesets.published("calendar:other", AT) is None


def test_of_two_that_begin_together_the_higher_number_counts(published):
    second = put_in_force(drafted())
    assert (published.number, second.number) == (1, 2)
    assert rulesets.published("calendar:bank", AT) == second


def test_publishing_and_retiring_are_recorded_with_reason(published):
    put_in_force(drafted())
    rulesets.retire(published, reason="Wrong hours", actor=ADA, at=AT)
    entries = list(journal.entries(published.stream))
    actions = ["rules.drafted", "rules.published", "rules.retired"]
    assert [entry.action for entry in entries] == actions
    assert journal.words_of(entries)[entries[2].pk] == {"reason": "Wrong hours"}


def test_the_only_version_in_force_cannot_be_retired(published):
    put_in_force(drafted(), valid_from=AT + DAY)  # begins only tomorrow
    with pytest.raises(RulesRefused, match="only version in force"):
        rulesets.retire(published, reason="", actor=ADA, at=AT)


def test_a_retired_version_gives_way_to_the_older_one(published):
    newer = put_in_force(drafted())
    rulesets.retire(newer, reason="Back to the old one", actor=ADA, at=AT)
    assert rulesets.published("calendar:bank", AT) == published


def test_people_do_not_date_back_but_defaults_do():
    with pytest.raises(RulesRefused, match="in the past"):
        put_in_force(drafted(), valid_from=AT - DAY)
    assert put_in_force(drafted(), valid_from=AT - DAY, actor=SYSTEM).state == "published"


def test_a_version_is_published_once(published):
    with pytest.raises(RulesRefused, match="already"):
        put_in_force(published)


def test_a_draft_that_changed_meanwhile_is_not_published():
    rules = drafted()
    with pytest.raises(RulesRefused, match="changed this version"):
        put_in_force(rules, expected=rules.version + 1)
    assert RuleSet.objects.get().state == RuleState.DRAFT


def test_a_new_version_starts_as_a_copy_with_all_rows(published):
    fresh = rulesets.new_version("calendar:bank", based_on=published, actor=ADA, at=AT)
    assert (fresh.number, fresh.state, fresh.title_zh) == (2, "draft", "银行日历")
    assert CalendarSpan.objects.filter(rule_set=fresh).count() == 5
    CalendarSpan.objects.filter(rule_set=fresh, weekday=4).delete()
    assert CalendarSpan.objects.filter(rule_set=published).count() == 5


def test_parts_of_rows_are_copied_with_them():
    rules = drafted("clock_policies")
    policies = [
        ClockPolicy.objects.create(rule_set=rules, order=n, code=f"P{n}", name_en="p", name_zh="策")
        for n in range(2)
    ]
    for policy in policies:
        ClockLimit.objects.create(
            policy=policy, clock="resolve", amount=policy.order + 1, unit="working_days"
        )
    put_in_force(rules)
    fresh = rulesets.new_version("clock_policies", based_on=rules, actor=ADA, at=AT)
    copied = ClockLimit.objects.filter(policy__rule_set=fresh).order_by("policy__order")
    assert [(x.policy.code, x.amount) for x in copied] == [("P0", 1), ("P1", 2)]
    assert ClockLimit.objects.count() == 4


WRITES = {
    "save": lambda row: row.save(),
    "delete": lambda row: row.delete(),
    "update": lambda row: type(row).objects.filter(pk=row.pk).update(order=9),
    "queryset delete": lambda row: type(row).objects.filter(pk=row.pk).delete(),
    "bulk_update": lambda row: type(row).objects.bulk_update([row], ["order"]),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_rows_of_a_published_version_never_change(published, write):
    row = CalendarSpan.objects.first()
    with pytest.raises(RulesFrozen):
        write(row)
    assert CalendarSpan.objects.get(pk=row.pk).order == 0


def test_a_published_version_gets_no_further_rows(published):
    for write in (
        lambda: span(published, 6).save(),
        lambda: CalendarSpan.objects.bulk_create([span(published, 6)]),
        lambda: CalendarSpan.objects.create(
            rule_set=published, weekday=6, start_minute=0, end_minute=9
        ),
    ):
        with pytest.raises(RulesFrozen):
            write()
    assert CalendarSpan.objects.count() == 5


def test_a_row_cannot_move_out_of_a_published_version(published):
    row = CalendarSpan.objects.first()
    row.rule_set = drafted()
    with pytest.raises(RulesFrozen):
        row.save()


def test_parts_are_frozen_too():
    rules = drafted("clock_policies")
    policy = ClockPolicy.objects.create(rule_set=rules, code="P", name_en="p", name_zh="策")
    limit = ClockLimit.objects.create(policy=policy, clock="accept", amount=1, unit="working_days")
    limit.amount = 2
    limit.save()
    put_in_force(rules)
    with pytest.raises(RulesFrozen):
        limit.save()
    with pytest.raises(RulesFrozen):
        ClockLimit.objects.update(amount=3)
    assert ClockLimit.objects.get().amount == 2
