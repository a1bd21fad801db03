"""Drafts of rules: one per kind, checked, published or asked for, discarded."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
from django.utils import translation

from config.kernel import approvals, journal, rule_kinds, rulesets
from config.kernel.approvals import AskRefused, Refusal
from config.kernel.models import Approval, Notice, RuleSet
from config.kernel.models.rules import RuleState
from config.kernel.rule_kinds import Finding, RuleKind
from config.kernel.rulesets import RulesRefused
from config.shared import registry
from config.shared.actors import Actor
from staff.models import CalendarSpan
from staff.roles import scope_of
from tests.factories.staff import AccountFactory, PersonFactory
from tests.threads import at_once

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KIND = "tests:one"
pytestmark = pytest.mark.django_db


@pytest.fixture
def kind(monkeypatch):
    """A kind whose check reads `settings["faults"]` and which notes what was published."""
    told = []

    def check(rule_set):
        levels = rule_set.settings.get("faults", [])
        return [Finding(level, "fault", "A", f"Row A has a {level}.") for level in levels]

    def published(new, replaced, actor, at):
        told.append((new.number, replaced and replaced.number, actor.id, at))
        if new.settings.get("breaks"):
            raise RulesRefused("broken", "It cannot be carried out.")

    kind = RuleKind("tests:", "Test rules", check, lambda row: f"/t/{row.number}/", published)
    known = {**registry.contributed(RuleKind), kind.key: kind}
    monkeypatch.setitem(registry._store, RuleKind, known)
    return told


def admin(role="admin"):
    account = AccountFactory.create(person=PersonFactory.create(), roles=[role])
    person = account.person
    return Actor("person", person.pk, f"{person.name_en} {person.name_zh}"), scope_of(
        account, at=AT
    )


ADA = Actor("person", 700_001, "Ada 安")


def begun(at=AT):
    return rule_kinds.begin(KIND, actor=ADA, at=at)


def edit(draft, expected=None, at=AT, **settings):
    with rule_kinds.change(
        draft, actor=ADA, at=at, expected=expected, facts={"row": "A", "changes": {}}
    ) as row:
        row.settings = {**row.settings, **settings}


def publish(draft, **how):
    how = {
        "reason": "Decision 7", "valid_from": None, "actor": ADA, "at": AT, "expected": None
    } | how  # fmt: skip
    return rule_kinds.publish(draft, **how)


def test_a_kind_is_found_by_name_or_by_prefix(kind):
    assert rule_kinds.of(KIND).title == "Test rules"
    assert rule_kinds.of(begun()).key == "tests:"
    with pytest.raises(LookupError):
        rule_kinds.of("nothing")


def test_beginning_twice_gives_the_same_draft(kind):
    assert begun() == begun()
    assert RuleSet.objects.filter(kind=KIND).count() == 1


def test_a_draft_is_a_copy_of_the_version_in_force(kind):
    first = begun()
    with rule_kinds.change(first, actor=ADA, at=AT, expected=1, facts={"row": "week"}) as row:
        row.title_en, row.title_zh = "Rules", "规则"
        CalendarSpan.objects.create(rule_set=row, weekday=0, start_minute=0, end_minute=60)
    publish(first)
    second = begun(AT + HOUR)
    assert (second.number, second.title_zh, second.state) == (2, "规则", "draft")
    assert CalendarSpan.objects.filter(rule_set=second).count() == 1


def test_a_draft_keeps_the_changes_of_a_version_that_begins_later(kind):
    publish(begun())
    edit(coming := begun(AT + HOUR), limit=7)
    publish(coming, valid_from=AT + DAY, at=AT + HOUR)
    assert begun(AT + 2 * HOUR).settings == {"limit": 7}


@pytest.mark.django_db(transaction=True)
def test_of_many_that_begin_at_once_all_get_one_draft(kind):
    publish(begun())

    assert len(set(at_once(lambda _n: begun().pk))) == 1
    assert RuleSet.objects.filter(kind=KIND, state=RuleState.DRAFT).count() == 1


def test_a_change_is_recorded_and_raises_the_version(kind):
    draft = begun()
    edit(draft, expected=1, limit=4)
    stored = RuleSet.objects.get(pk=draft.pk)
    assert (stored.version, draft.version, stored.settings) == (2, 2, {"limit": 4})
    entry = list(journal.entries(draft.stream))[-1]
    assert (entry.action, entry.actor_id) == ("rules.edited", ADA.id)
    assert journal.facts_of(entry)["row"] == "A"


def test_a_change_of_nothing_leaves_no_trace(kind):
    draft = begun()
    with rule_kinds.change(draft, actor=ADA, at=AT, expected=1, facts={}):
        pass
    assert RuleSet.objects.get().version == 1
    assert [entry.action for entry in journal.entries(draft.stream)] == ["rules.drafted"]


def test_a_change_that_fails_leaves_nothing(kind):
    draft = begun()

    def fail():
        with rule_kinds.change(draft, actor=ADA, at=AT, expected=1, facts={"row": "A"}) as row:
            CalendarSpan.objects.create(rule_set=row, weekday=0, start_minute=0, end_minute=60)
            raise RulesRefused("no", "Not like this.")

    with pytest.raises(RulesRefused):
        fail()
    assert not CalendarSpan.objects.exists()
    assert RuleSet.objects.get().version == 1


def test_a_stale_page_and_a_published_version_are_refused_in_words(kind):
    draft = begun()
    edit(draft, expected=1)
    with pytest.raises(RulesRefused, match="has changed this version") as stale:
        edit(draft, expected=1)
    assert stale.value.code == "stale"
    with pytest.raises(RulesRefused, match="changed"):
        publish(draft, expected=1)
    publish(draft, expected=2)
    with pytest.raises(RulesRefused, match="published or discarded"):
        edit(draft)
    with pytest.raises(RulesRefused, match="published or discarded"):
        publish(draft)


def test_publishing_carries_out_what_the_kind_wants_in_the_same_transaction(kind):
    publish(begun())
    second = begun(AT + HOUR)
    new = publish(second, at=AT + HOUR)
    assert kind == [(1, None, ADA.id, AT), (2, 1, ADA.id, AT + HOUR)]
    assert rulesets.published(KIND, AT + HOUR) == new
    third = begun(AT + DAY)
    edit(third, breaks=True)
    with pytest.raises(RulesRefused, match="carried out"):
        publish(third, at=AT + DAY)
    assert RuleSet.objects.get(pk=third.pk).state == RuleState.DRAFT
    assert rulesets.published(KIND, AT + DAY) == new


def test_errors_block_and_warnings_do_not(kind):
    draft = begun()
    edit(draft, faults=["warning", "error"])
    with pytest.raises(RulesRefused, match="Row A has a error") as refused:
        publish(draft)
    assert refused.value.code == "check"
    with pytest.raises(RulesRefused, match="Row A"):
        rule_kinds.ask(draft, reason="Please", valid_from=None, actor=ADA, at=AT)
    edit(draft, faults=["warning"])
    assert publish(draft).state == RuleState.PUBLISHED


@pytest.mark.parametrize("reason", ["", "  "])
def test_publishing_asking_and_discarding_need_a_reason(kind, reason):
    draft = begun()
    for act in (
        lambda: publish(draft, reason=reason),
        lambda: rule_kinds.ask(draft, reason=reason, valid_from=None, actor=ADA, at=AT),
        lambda: rule_kinds.discard(draft, reason=reason, actor=ADA, at=AT),
    ):
        with pytest.raises(RulesRefused, match="Say why"):
            act()


def test_a_discarded_draft_is_laid_aside_and_a_new_one_begins(kind):
    draft = begun()
    asked = rule_kinds.ask(draft, reason="Please", valid_from=None, actor=ADA, at=AT)
    rule_kinds.discard(draft, reason="Wrong way", actor=ADA, at=AT)
    assert [e.action for e in journal.entries(draft.stream)][-1] == "rules.discarded"
    asked.refresh_from_db()
    assert asked.state == "cancelled"
    assert rulesets.published(KIND, AT) is None
    assert begun().number == 2


def test_an_older_version_comes_back_as_a_draft_unless_another_is_open(kind):
    first = begun()
    edit(first, limit=4)
    publish(first)
    edit(second := begun(AT + HOUR), limit=9)
    with pytest.raises(RulesRefused, match="draft already"):
        rule_kinds.begin_from(first, actor=ADA, at=AT + HOUR)
    publish(second, at=AT + HOUR)
    third = rule_kinds.begin_from(RuleSet.objects.get(pk=first.pk), actor=ADA, at=AT + DAY)
    assert (third.number, third.settings) == (3, {"limit": 4})


# --- Asking ---------------------------------------------------------------------------------


def decided(approval, who, decision="approved", at=AT + HOUR, note="seen"):
    actor, scope = who
    return approvals.decide(
        approval.pk, decision, note=note, expected_version=None, actor=actor, scope=scope, at=at
    )


def test_who_may_only_propose_asks_and_an_administrator_publishes(kind):
    boss, other = admin(), admin()
    supervisor, its_scope = admin("supervisor")
    draft = begun()
    row = rule_kinds.ask(draft, reason="Faster", valid_from=None, actor=supervisor, at=AT)
    told = Notice.objects.filter(kind="approval.asked")
    assert set(told.values_list("person_id", flat=True)) == {boss[0].id, other[0].id}
    assert told.first().facts["link"] == "/t/1/"
    assert Approval.objects.visible_to(boss[1]).get() == row
    assert rule_kinds.pending(draft) == row
    assert decided(row, (boss[0], its_scope)).refused is Refusal.NOT_ALLOWED
    assert decided(row, boss).refused is None
    new = rulesets.published(KIND, AT + HOUR)
    assert (new.pk, new.reason, new.published_by_id) == (draft.pk, "Faster", boss[0].id)
    assert [e.action for e in journal.entries(draft.stream)] == [
        "rules.drafted", "rules.asked", "rules.published"
    ]  # fmt: skip
    assert kind == [(1, None, boss[0].id, AT + HOUR)]


def test_the_request_is_decided_on_the_page_of_approvals(kind, client):
    account = AccountFactory.create(person=PersonFactory.create(), roles=["admin"])
    draft = begun()
    row = rule_kinds.ask(draft, reason="Faster", valid_from=None, actor=ADA, at=AT)
    client.force_login(account)
    assert "Test rules, version 1" in client.get("/approvals/").content.decode()
    posted = {"decision": "approved", "note": "", "version": row.version}
    assert client.post(f"/approvals/{row.pk}/", posted).status_code == HTTPStatus.FOUND
    assert RuleSet.objects.get(pk=draft.pk).state == RuleState.PUBLISHED


def test_an_administrator_who_asks_is_not_told_and_does_not_decide(kind):
    boss, other = admin(), admin()
    row = rule_kinds.ask(begun(), reason="Faster", valid_from=None, actor=boss[0], at=AT)
    assert Notice.objects.get(kind="approval.asked").person_id == other[0].id
    assert decided(row, boss).refused is Refusal.OWN


def test_a_draft_that_changed_after_the_question_is_not_published(kind):
    boss, draft = admin(), begun()
    row = rule_kinds.ask(draft, reason="Faster", valid_from=None, actor=ADA, at=AT)
    edit(draft, limit=9)
    outcome = decided(row, boss)
    assert outcome.refused is Refusal.IMPOSSIBLE
    assert "changed this version" in outcome.why
    assert RuleSet.objects.get().state == RuleState.DRAFT
    assert decided(row, boss, "returned").refused is None


def test_a_refusal_leaves_the_draft_as_it_is(kind):
    row = rule_kinds.ask(begun(), reason="Faster", valid_from=None, actor=ADA, at=AT)
    assert decided(row, admin(), "refused").refused is None
    assert RuleSet.objects.get().state == RuleState.DRAFT


@pytest.mark.parametrize(("wish", "begins"), [(DAY, DAY), (timedelta(minutes=5), HOUR)])
def test_it_is_in_force_from_the_day_asked_for_or_from_the_decision(kind, wish, begins):
    draft = begun()
    row = rule_kinds.ask(draft, reason="Faster", valid_from=AT + wish, actor=ADA, at=AT)
    assert decided(row, admin()).refused is None
    assert RuleSet.objects.get(pk=draft.pk).valid_from == AT + begins


def test_nobody_asks_for_the_past(kind):
    with pytest.raises(RulesRefused, match="in the past"):
        rule_kinds.ask(begun(), reason="Faster", valid_from=AT - DAY, actor=ADA, at=AT)


def test_one_request_waits_at_a_time_and_publishing_withdraws_it(kind):
    draft = begun()
    row = rule_kinds.ask(draft, reason="Faster", valid_from=None, actor=ADA, at=AT)
    with pytest.raises(AskRefused):
        rule_kinds.ask(draft, reason="Again", valid_from=None, actor=ADA, at=AT)
    publish(draft)
    row.refresh_from_db()
    assert row.state == "cancelled"


def test_a_request_reads_in_the_language_of_the_reader(kind):
    row = rule_kinds.ask(begun(), reason="Faster", valid_from=AT + DAY, actor=ADA, at=AT)
    handler = approvals.handler_of(rule_kinds.PUBLISH)
    with translation.override("en"):
        said = handler.sentence(row)
    assert "Test rules, version 1" in said
    assert "Sat 21 Nov 2026, 10:00" in said
    assert rule_kinds.about_words("tests:one:3") == "Test rules, version 3"
    assert rule_kinds.about_words("C-2026-0000001") == "C-2026-0000001"


def test_the_rights_of_the_roles():
    for role, acts in {
        "admin": {"view", "propose", "edit"},
        "supervisor": {"view", "propose"},
        "auditor": {"view"},
        "handler": set(),
    }.items():
        _actor, scope = admin(role)
        assert {a for a in ("view", "propose", "edit") if scope.may("rules", a)} == acts
