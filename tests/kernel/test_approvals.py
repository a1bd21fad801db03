from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connections
from django.utils.translation import gettext_lazy as _

from config.kernel import approvals, journal
from config.kernel.approvals import Refusal
from config.kernel.models import Approval, Notice
from config.kernel.models.approval import ApprovalState
from config.shared.actors import Actor
from config.shared.scope import Reach, Scope
from config.shared.worded import WordedError

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
MEI = Actor("person", 7, "Mei Lin 林梅")
BOSS = Actor("person", 8, "Bo Han 韩博")
VIEW = {("approvals", "view"): Reach.ALL}
SCOPE = Scope(member=8, reach=VIEW)
DH = Scope(member=8, departments=frozenset({5}), reach={("approvals", "view"): Reach.DEPARTMENT})


@pytest.fixture
def carried(monkeypatch):
    """What the room was told to carry out; a note of `moved on` is refused by the room."""
    told = []

    def carry_out(approval, decision, note, actor, _at):
        if note == "moved on":
            raise WordedError("moved", _("The case was closed meanwhile."))
        told.append((approval.about, decision, approvals.words_of(approval), actor.id))

    handler = approvals.ApprovalHandler(
        key="compensation",
        title="Compensation",
        may_decide=lambda approval, scope: approval.amount <= 1000 or "AP" in scope.roles,
        apply=carry_out,
        sentence=lambda approval: f"Pay {approval.amount}",
        audience=lambda rows: {row.pk: [7, 8, 9] for row in rows},
        link=lambda _approval: "/cases/C-1/",
    )
    monkeypatch.setattr(approvals, "contributed", lambda _kind: {"compensation": handler})
    return told


def request(about="case:C-1", **changes):
    content = {
        "kind": "compensation",
        "about": about,
        "about_id": 1,
        "reason": "We were wrong.",
        "words": {"text": "Dear Mr Wang"},
        "amount": Decimal(800),
        "department_id": 5,
    } | changes
    return approvals.Request(**content)


def asked(**changes):
    (row,) = approvals.ask([request(**changes)], actor=MEI, at=AT)
    return row


def decide(approval, decision="approved", **changes):
    how = {"note": "", "expected_version": 1, "actor": BOSS, "scope": SCOPE, "at": LATER} | changes
    return approvals.decide(approval.pk, decision, **how)


@pytest.mark.django_db
def test_a_request_is_recorded_and_those_who_decide_are_told(carried):
    row = asked()
    (entry,) = journal.entries(row.stream)
    assert (entry.action, entry.actor_id) == ("approval.asked", 7)
    assert "Wang" not in entry.body
    assert "We were wrong" not in entry.body
    assert set(Notice.objects.values_list("person_id", flat=True)) == {8, 9}


@pytest.mark.django_db
def test_an_approved_request_is_carried_out_with_its_words(carried):
    row = asked()
    outcome = decide(row)
    assert outcome.refused is None
    assert carried == [("case:C-1", "approved", {"text": "Dear Mr Wang"}, 8)]
    row.refresh_from_db()
    assert (row.state, row.decided_by_id, row.decided_at) == ("approved", 8, LATER)
    assert [e.action for e in journal.entries(row.stream)] == [
        "approval.asked",
        "approval.approved",
    ]
    assert not Notice.objects.waiting().exists()
    assert Notice.objects.get(person_id=7).kind == "approval.approved"


@pytest.mark.django_db
def test_nobody_decides_an_own_request(carried):
    outcome = decide(asked(), actor=MEI, scope=Scope(member=7, reach=VIEW))
    assert outcome.refused is Refusal.OWN
    assert "yourself" in outcome.why
    assert carried == []
    assert Approval.objects.get().state == ApprovalState.PENDING


@pytest.mark.django_db
def test_the_authority_of_the_room_decides_who_may(carried):
    row = asked(amount=Decimal(1001))
    assert decide(row).refused is Refusal.NOT_ALLOWED
    senior = Scope(member=8, reach=VIEW, roles=frozenset({"AP"}))
    assert decide(row, scope=senior).refused is None


@pytest.mark.django_db
@pytest.mark.parametrize("decision", ["returned", "refused"])
def test_a_no_needs_a_reason(carried, decision):
    row = asked()
    assert decide(row, decision, note=" ").refused is Refusal.NOTE
    assert decide(row, decision, note="The receipt is missing.").refused is None
    assert carried[0][1] == decision


@pytest.mark.django_db
def test_the_second_decision_is_told_who_was_first(carried):
    row = asked()
    decide(row)
    outcome = decide(row, "refused", note="No", actor=Actor("person", 9, "An Yu"))
    assert outcome.refused is Refusal.DECIDED
    assert "Bo Han" in outcome.why
    assert len(carried) == 1


@pytest.mark.django_db
def test_a_stale_page_decides_nothing(carried):
    row = asked()
    assert decide(row, expected_version=2).refused is Refusal.STALE
    assert carried == []


@pytest.mark.django_db
def test_a_matter_that_moved_on_leaves_the_request_as_it_was(carried):
    row = asked()
    outcome = decide(row, note="moved on")
    assert outcome.refused is Refusal.IMPOSSIBLE
    assert outcome.why == "The case was closed meanwhile."
    row.refresh_from_db()
    assert row.state == ApprovalState.PENDING
    assert journal.entries(row.stream).count() == 1
    assert Notice.objects.waiting().count() == 2


@pytest.mark.django_db
def test_a_request_out_of_sight_does_not_exist(carried):
    row = asked(department_id=6)
    with pytest.raises(Approval.DoesNotExist):
        decide(row, scope=DH)
    assert decide(asked(about="case:C-2"), scope=DH).refused is None


@pytest.mark.django_db
def test_whoever_asked_sees_the_request(carried):
    asked(department_id=6)
    own = Scope(member=7, reach={("approvals", "view"): Reach.OWN})
    assert Approval.objects.visible_to(own).count() == 1
    assert Approval.objects.visible_to(own, "decide").count() == 0
    assert Approval.objects.visible_to(Scope(member=7)).count() == 0


@pytest.mark.django_db
def test_one_question_waits_once_and_may_be_asked_again_after_the_answer(carried):
    row = asked()
    with pytest.raises(approvals.AskRefused, match="already waiting"):
        asked()
    with pytest.raises(approvals.AskRefused):
        approvals.ask([request("case:C-9"), request()], actor=MEI, at=AT)
    assert Approval.objects.count() == 1
    decide(row, "returned", note="More facts")
    assert asked().pk != row.pk


@pytest.mark.django_db
def test_the_database_itself_refuses_a_second_pending_request(carried):
    with pytest.raises(approvals.AskRefused):
        approvals.ask([request(), request()], actor=MEI, at=AT)
    assert not Approval.objects.exists()


@pytest.mark.django_db
def test_a_withdrawn_request_is_not_decided(carried):
    row = asked()
    assert approvals.cancel("case:C-1", ["other"], actor=MEI, at=AT) == []
    assert approvals.cancel("case:C-1", ["compensation"], actor=MEI, at=AT) == [row]
    assert decide(row, expected_version=None).refused is Refusal.DECIDED
    assert not Notice.objects.waiting().exists()


@pytest.mark.django_db
def test_an_unknown_kind_or_decision_is_a_programming_error(carried):
    with pytest.raises(LookupError):
        asked(kind="nothing")
    with pytest.raises(ValueError, match="not a decision"):
        decide(asked(), "maybe")


@pytest.mark.django_db(transaction=True)
def test_of_many_deciders_at_once_one_decides(carried):
    row = asked()

    def click(n):
        try:
            return decide(row, actor=Actor("person", 20 + n, f"P{n}")).refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(click, range(8)))
    assert answers.count(None) == 1
    assert answers.count(Refusal.DECIDED) == 7
    assert len(carried) == 1
    assert Notice.objects.filter(kind="approval.approved").count() == 1
