"""Drafts of rules: begin, roll back, publish, ask for it, throw away; what stands in the way."""

from datetime import timedelta

import pytest
from django.utils import timezone

from complaints.clocks import drafting
from complaints.models import ClockLimit, ClockPolicy
from config.kernel import journal, rule_kinds, rulesets
from config.kernel.models import Approval, RuleSet
from config.kernel.models.rules import RuleState
from config.shared.actors import SYSTEM, Actor
from staff.accounts import actor_of
from tests.complaints import clock_house
from tests.factories.staff import AccountFactory
from tests.portal.desks import as_role, signed_in

pytestmark = pytest.mark.django_db
KIND = "clock_policies"
PUBLISH = "/policies/publish/"


@pytest.fixture
def admin():
    clock_house.build()
    return AccountFactory.create(roles=["admin"])


@pytest.fixture
def client(admin):
    return signed_in(admin)


def begun(client) -> RuleSet:
    assert client.post("/policies/begin/")["Location"] == "/policies/draft/"
    draft = rulesets.draft(KIND)
    assert draft is not None
    return draft


def given(draft: RuleSet, **more: str) -> dict[str, str]:
    known = {"version": str(draft.version), "number": str(draft.number), "reason": "Board of May"}
    return known | more


def break_it(draft: RuleSet) -> None:
    """Take every policy but one out, so that most cases have none."""
    clock_house.term("feedback_type", "CMP")
    clock_house.term("intake_channel", "LTR")
    for row in ClockPolicy.objects.filter(rule_set=draft).exclude(code="CMP-4"):
        drafting.drop_policy(draft, row.code, actor=SYSTEM, at=timezone.now(), expected=None)


def test_two_clicks_begin_one_draft(client):
    first = begun(client)
    assert begun(client) == first
    assert RuleSet.objects.filter(kind=KIND, state=RuleState.DRAFT).count() == 1


def test_publishing_puts_the_draft_in_force(client):
    draft = begun(client)
    asks = client.get("/policies/publish/", headers={"HX-Request": "true"}).content.decode()
    assert "Running cases keep the version they began with" in asks
    answer = client.post("/policies/publish/", given(draft), follow=True)
    assert rulesets.published(KIND, timezone.now()) == draft
    text = answer.content.decode()
    assert "Version 2 is in force." in text
    assert "Board of May" in text


def test_a_version_may_begin_later(client):
    draft = begun(client)
    day = timezone.localtime(timezone.now() + timedelta(days=3))
    client.post("/policies/publish/", given(draft, valid_from=f"{day:%Y-%m-%dT%H:%M}"))
    draft.refresh_from_db()
    assert draft.state == RuleState.PUBLISHED
    assert rulesets.published(KIND, timezone.now()) != draft
    assert rulesets.published(KIND, timezone.now() + timedelta(days=4)) == draft


def test_the_dialog_warns_of_a_version_that_will_take_the_place_of_this_one(client):
    """A version that begins now lasts only until one that was published to begin later."""
    begun(client)
    assert "published already" not in client.get(PUBLISH).text
    coming = rulesets.draft(KIND)
    rulesets.publish(
        coming, valid_from=timezone.now() + timedelta(days=30), reason="x", actor=SYSTEM,
        at=timezone.now(),
    )  # fmt: skip
    begun(client)
    page = client.get(PUBLISH).text
    assert f"Version {coming.number} is published already" in page


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"reason": " "}, "Write something here."),
        ({"valid_from": "2020-01-01T00:00"}, "cannot start in the past"),
        ({"valid_from": "0001-01-01T00:00"}, "Enter a valid date/time."),
        ({"reason": "x" * 501}, "Use at most 500 characters"),
        ({"reason": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_publishing_refuses_in_words_and_keeps_what_was_typed(client, more, words):
    draft = begun(client)
    answer = client.post("/policies/publish/", given(draft, **more))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert (more.get("reason") or "Board of May").strip("\x00 ")[:3] in answer.content.decode()
    draft.refresh_from_db()
    assert draft.state == RuleState.DRAFT


def test_errors_of_the_check_block_publishing_and_are_listed(client):
    draft = begun(client)
    break_it(draft)
    page = client.get("/policies/draft/").content.decode()
    assert "Blocks publishing." in page
    assert 'aria-disabled="true"' in page
    assert "Every case has a policy" not in page
    answer = client.post("/policies/publish/", given(draft))
    assert answer.status_code == 422
    assert "No policy holds for" in answer.content.decode()
    assert rulesets.draft(KIND) is not None


def test_a_draft_changed_meanwhile_is_not_published_and_the_page_says_by_whom(client):
    draft = begun(client)
    other = AccountFactory.create(roles=["admin"], person__name_en="Ming Zhao")
    sent = given(draft)
    drafting.put_settings(
        draft, {"risk_percent": 30}, actor=actor_of(other), at=timezone.now(), expected=None
    )
    answer = client.post("/policies/publish/", sent)
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "Ming Zhao" in text
    assert "Board of May" in text
    assert rulesets.draft(KIND) == draft
    again = client.post("/policies/publish/", given(RuleSet.objects.get(pk=draft.pk)))
    assert again.status_code == 302


@pytest.mark.parametrize("url", ["/policies/publish/", "/policies/discard/"])
def test_a_draft_that_is_gone_is_a_conflict_that_keeps_the_words(client, url):
    draft = begun(client)
    client.post("/policies/publish/", given(draft))
    for number in (draft.number, 7):
        answer = client.post(url, given(draft, number=str(number)))
        assert answer.status_code == 409
        assert "was published" in answer.content.decode()
        assert "Board of May" in answer.content.decode()
    begun(client)
    assert client.post(url, given(draft)).status_code == 409
    assert rulesets.draft(KIND) is not None


def test_discarding_asks_and_leaves_the_rules_in_force(client):
    draft = begun(client)
    assert "All its changes are lost" in client.get("/policies/discard/").content.decode()
    assert client.post("/policies/discard/", given(draft, reason="")).status_code == 422
    client.post("/policies/discard/", given(draft))
    assert rulesets.draft(KIND) is None
    assert rulesets.published(KIND, timezone.now()).number == 1
    history = client.get("/policies/versions/").context["history"]
    assert [row.number for row, _who in history] == [1]  # what was thrown away is no version


def test_who_may_only_propose_asks_and_somebody_else_decides(client, admin):
    supervisor = AccountFactory.create(roles=["CS"])
    hers = signed_in(supervisor)
    draft = begun(hers)
    assert "Ask to publish" in hers.get("/policies/draft/").content.decode()
    answer = hers.post("/policies/publish/", given(draft), follow=True)
    assert "sent to those who may publish" in answer.content.decode()
    assert rulesets.draft(KIND) == draft
    asked = Approval.objects.get(kind="rules.publish")
    assert "asked to publish" in hers.get("/policies/draft/").content.decode()
    url = f"/approvals/{asked.pk}/"
    page = signed_in(admin).get(url).content.decode()
    assert "Board of May" in page
    assert "/policies/draft/" in page
    assert hers.post(url, {"decision": "approved", "version": asked.version}).status_code == 403
    signed_in(admin).post(url, {"decision": "approved", "version": asked.version, "note": ""})
    assert rulesets.published(KIND, timezone.now()) == draft


def test_a_proposal_of_a_draft_changed_meanwhile_is_overtaken(client):
    hers = as_role("CS")
    draft = begun(hers)
    sent = given(draft)
    drafting.put_settings(
        draft, {"risk_percent": 30}, actor=SYSTEM, at=timezone.now(), expected=None
    )
    assert hers.post("/policies/publish/", sent).status_code == 409
    assert not Approval.objects.exists()


def test_rolling_back_copies_an_older_version(client):
    draft = begun(client)
    limits = ClockLimit.objects.filter(policy__rule_set=draft, clock="resolve")
    limits.filter(policy__code="CMP-2").update(amount=9)
    client.post("/policies/publish/", given(draft))
    client.post("/policies/begin/", {"from": "1"})
    back = rulesets.draft(KIND)
    amount = ClockLimit.objects.get(policy__rule_set=back, policy__code="CMP-2", clock="resolve")
    assert (back.number, amount.amount) == (3, 3)
    facts = journal.facts_of(journal.entries(back.stream)[0])
    assert facts["from"] == 1
    again = client.post("/policies/begin/", {"from": "2"})
    assert again.status_code == 409
    assert "There is a draft already" in again.content.decode()


@pytest.mark.parametrize("number", ["9", "x", "-1", "9" * 30, "\x00", "2"])
def test_rolling_back_to_what_is_no_version_leads_nowhere(client, number):
    begun(client)  # version 2 is the draft itself
    assert client.post("/policies/begin/", {"from": number}).status_code == 404


@pytest.mark.parametrize("act", ["begin", "publish", "discard"])
def test_drafts_are_not_for_readers(client, act):
    begun(client)
    for role in ("auditor", "officer", "handler"):
        assert as_role(role).post(f"/policies/{act}/").status_code == 403
    assert client.get("/policies/begin/").status_code == 405


def test_the_bar_counts_the_queries_of_its_check_only_once(client, django_assert_max_num_queries):
    begun(client)
    client.get("/policies/draft/")
    with django_assert_max_num_queries(60):
        client.get("/policies/draft/")


def test_begin_from_a_draft_is_refused(admin):
    actor = Actor("person", admin.person_id, "Admin")
    draft = rule_kinds.begin(KIND, actor=actor, at=timezone.now())
    with pytest.raises(rulesets.RulesRefused):
        rule_kinds.begin_from(draft, actor=actor, at=timezone.now())
