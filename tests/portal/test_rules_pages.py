"""The published rules to read: order, limits, ladder, routing, the year."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from complaints.models import Case, ClockLimit, ClockPolicy, LadderStep, RoutingRule
from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.shared.actors import SYSTEM
from tests.complaints import clock_house
from tests.portal.desks import as_role, queries

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)


@pytest.fixture
def client():
    clock_house.build()
    return as_role("supervisor")


@pytest.mark.parametrize("url", ["/policies/", "/routing/", "/calendars/", "/calendars/bank/2026/"])
def test_rules_are_for_those_who_answer_for_them(client, url):
    assert as_role("officer").get(url).status_code == 403
    for role in ("supervisor", "auditor", "admin"):
        assert as_role(role).get(url, follow=True).status_code == 200


def test_policies_stand_in_the_order_in_which_they_are_tried(client):
    answer = client.get("/policies/")
    codes = [line.code for line in answer.context["lines"]]
    assert codes[:3] == ["CMP-4", "CMP-3", "CMP-2-CORE"]
    assert [line.code for line in answer.context["overlays"]] == ["REFERRAL", "REFERRAL-GOV"]


def test_one_policy_shows_each_clock_in_words_and_who_is_told(client):
    text = client.get("/policies/?p=CMP-2").content.decode()
    for words in ("3 working days", "15 calendar days", ">Bank<", "24 hours a day",
                  "may be extended to 30, 60 days", "starts anew after each notice",
                  "80%", "5 days before", "S1-8, S2-13, S4-28"):  # fmt: skip
        assert words in text, words
    assert client.get("/policies/?p=NO-SUCH").context["chosen"].code == "CMP-4"


def test_reading_offers_no_act_to_those_who_may_only_read(client):
    auditor = as_role("auditor")
    for url in ("/policies/", "/policies/ladder/", "/policies/settings/", "/policies/versions/"):
        assert client.post(url).status_code == 405
        main = auditor.get(url).content.decode().split('id="main"')[1].split("</main>")[0]
        assert 'method="post"' not in main.split('class="topbar"')[1]
        assert "Change these rules" in client.get(url).content.decode()


def test_each_policy_says_how_many_cases_of_90_days_it_held_for(client):
    now = timezone.now()
    for days, code in ((1, "CMP-2"), (30, "CMP-2"), (30, "CMP-1"), (91, "CMP-2")):
        case = clock_house.case(now - timedelta(days=days))
        reason = {"policy": code, "overlay": "REFERRAL" if days == 1 else None}
        Case.objects.filter(pk=case.pk).update(policy_reason=reason)
    answer = client.get("/policies/")
    counts = {line.code: line.cases for line in answer.context["lines"]}
    assert (counts["CMP-2"], counts["CMP-1"], counts["CMP-4"]) == (2, 1, 0)
    assert answer.context["overlays"][0].cases == 1


def test_the_ladder_and_the_settings_have_pages_of_their_own(client):
    ladders = client.get("/policies/ladder/").context["ladders"]
    assert [rung.when for rung in ladders[0].rungs][:2] == ["50%", "80%"]
    assert any("Regulatory limit" in ladder.title for ladder in ladders)
    text = client.get("/policies/settings/").content.decode()
    for words in ("the last 2 hours or 25% of the limit", "09:00", "working days"):
        assert words in text, words


def test_versions_are_compared_in_words(client):
    first = RuleSet.objects.get(kind="clock_policies")
    second = rulesets.new_version("clock_policies", based_on=first, actor=SYSTEM, at=AT)
    limits = ClockLimit.objects.filter(policy__rule_set=second)
    limits.filter(policy__code="CMP-2", clock="resolve").update(amount=2)
    LadderStep.objects.filter(rule_set=second, percent=80).update(percent=75)
    drop = ClockPolicy.objects.get(rule_set=second, code="PRS")
    drop.limits.all().delete()
    drop.delete()
    second.settings |= {"risk_percent": 30}
    second.save()
    rulesets.publish(second, valid_from=AT, reason="Shorter", actor=SYSTEM, at=AT)
    changes = client.get("/policies/versions/").context["compared"]
    told = {(c.kind, c.code, line.label): (line.before, line.after)
            for c in changes for line in c.lines}  # fmt: skip
    before, after = told["changed", "CMP-2", "Resolve"]
    assert before.startswith("3 working days")
    assert after.startswith("2 working days")
    assert ("removed", "PRS") in {(change.kind, change.code) for change in changes}
    assert any("75%" in after for _before, after in told.values())
    assert any("30%" in after for _before, after in told.values())
    same = client.get(f"/policies/versions/?a={second.number}&b={second.number}")
    assert "say the same" in same.content.decode()


@pytest.mark.parametrize("query", ["a=0", "a=%00", "a=99999999999999999999", "b=-1", "a=1&b=x"])
def test_versions_that_are_not_there_lead_nowhere(client, query):
    assert client.get(f"/policies/versions/?{query}").status_code == 404


def test_routing_rules_read_as_sentences(client):
    lines = client.get("/routing/").context["lines"]
    assert lines[0].code == "TIP"
    assert lines[-1].when == "Every case"
    assert any(line.to == "the owner of the business line" for line in lines)
    text = client.get("/routing/").content.decode()
    assert "Media risk" in text
    assert "Least loaded" in text


def test_an_older_version_can_be_read_and_says_that_it_is_not_in_force(client):
    first = RuleSet.objects.get(kind="routing")
    second = rulesets.new_version("routing", based_on=first, actor=SYSTEM, at=AT)
    RoutingRule.objects.filter(rule_set=second, code="TIP").update(name_en="Reports go to law")
    assert b"Reports go to law" not in client.get(f"/routing/?v={second.number}").content  # a draft
    rulesets.publish(second, valid_from=AT, reason="Shorter name", actor=SYSTEM, at=AT)
    now = client.get("/routing/")
    assert b"Reports go to law" in now.content
    assert b"Shorter name" in now.content
    old = client.get(f"/routing/?v={first.number}")
    assert b"Reports go to law" not in old.content
    assert b"Not in force now" in old.content


def test_without_published_rules_the_pages_say_how_to_load_them():
    admin = as_role("admin")
    for url in ("/policies/", "/routing/", "/calendars/"):
        assert b"manage.py load_defaults" in admin.get(url).content


def test_in_chinese(client):
    client.cookies["huiyin_language"] = "zh-hans"
    for url in ("/policies/", "/routing/", "/calendars/bank/2026/"):
        assert client.get(url)["Content-Language"] == "zh-hans"
    assert "投诉·重大" in client.get("/policies/").content.decode()
    assert "春节" in client.get("/calendars/bank/2026/").content.decode()


@pytest.mark.parametrize(
    ("url", "most"),
    [
        ("/policies/", 18),
        ("/policies/ladder/", 14),
        ("/policies/versions/", 14),
        ("/calendars/bank/2026/", 14),
    ],
)
def test_costs_little(client, url, most):
    client.get(url)
    assert queries(client, url) <= most


def test_costs_the_same_for_many_policies_and_cases(client):
    client.get("/policies/")
    before = queries(client, "/policies/")
    rules = RuleSet.objects.get(kind="clock_policies")
    RuleSet.objects.filter(pk=rules.pk).update(state="draft")
    for n in range(20):
        row = ClockPolicy.objects.create(
            rule_set=rules, code=f"X-{n}", name_en=f"X {n}", name_zh=f"X {n}", order=900 + n
        )
        ClockLimit.objects.create(policy=row, clock="resolve", amount=60, unit="elapsed_minutes")
        clock_house.case(timezone.now() - timedelta(days=n))
    RuleSet.objects.filter(pk=rules.pk).update(state="published")
    assert queries(client, "/policies/") == before
