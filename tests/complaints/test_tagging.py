"""Managed tags: on a case, and as a list that is renamed, merged and retired (S1-6)."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from complaints import tag_list, tagging
from complaints.choices import Status
from complaints.models import Case, CaseExclusion, CaseTag, RoutingRule
from complaints.routing import effects
from complaints.routing.engine import Routed
from config.kernel import job_runs, rulesets
from config.kernel.journal import describe
from config.kernel.models import Job, JournalEntry, RuleSet, Term
from config.kernel.models.jobs import JobState
from config.shared.actors import SYSTEM
from tests.factories.complaints import in_state, open_case

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def house(shared_house):
    return shared_house


@pytest.fixture
def as_(client, house):
    def sign_in(name):
        client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
        return client

    return sign_in


def now():
    return timezone.now()


def tag(code):
    return Term.objects.get(taxonomy="tag", code=code)


def on(case):
    return sorted(CaseTag.objects.filter(case=case).values_list("term__code", flat=True))


def put(case, *codes):
    return tagging.add(Case.objects.filter(pk=case.pk), codes, actor=SYSTEM, at=now())


def case_of(house, **given):
    return in_state(house, Status.IN_PROGRESS, at=now() - timedelta(hours=2), **given)


def test_a_tag_is_added_found_and_taken_away_on_the_case(as_, house):
    case = case_of(house)
    client = as_("officer")
    assert (
        "Fees"
        in client.get(f"/cases/{case.number}/tags/find/?find=fe", headers=HTMX).content.decode()
    )
    answer = client.post(f"/cases/{case.number}/tags/", {"tag": "FEES"}, headers=HTMX)
    assert "case-changed" in json.loads(answer["HX-Trigger"])
    assert on(case) == ["FEES"]
    page = client.get(f"/cases/{case.number}/").content.decode()
    assert "Take the tag Fees away" in page
    assert "Fees" not in client.get(f"/cases/{case.number}/tags/find/?find=fe").content.decode()
    twice = client.post(f"/cases/{case.number}/tags/", {"tag": "FEES"}, headers=HTMX)
    assert twice.status_code == 409
    client.post(f"/cases/{case.number}/tags/drop/", {"tag": "FEES"})
    assert on(case) == []
    done = JournalEntry.objects.filter(stream=case.stream).values_list("action", flat=True)
    assert [a for a in done if "tag" in a] == ["case.tagged", "case.untagged"]


def test_the_words_of_the_record_name_the_tag_in_both_languages(house):
    case = case_of(house)
    put(case, "FEES")
    entry = JournalEntry.objects.get(stream=case.stream, action="case.tagged")
    assert describe(entry) == "Tagged Fees"
    with translation.override("zh-hans"):
        assert "收费" in describe(entry)


def test_who_may_not_tag_is_refused_and_who_sees_nothing_gets_404(as_, house):
    case = case_of(house)
    for name, status in (("analyst", 403), ("officer2", 403), ("loan_handler", 404)):
        answer = as_(name).post(f"/cases/{case.number}/tags/", {"tag": "FEES"}, headers=HTMX)
        assert answer.status_code == status, name
    assert on(case) == []
    page = as_("analyst").get(f"/cases/{case.number}/").content.decode()
    assert "Add a tag" not in page


@pytest.mark.parametrize("code", ["", "NOPE", "\x00", "<script>", "x" * 500])
def test_an_odd_tag_is_refused_in_words(as_, house, code):
    case = case_of(house)
    answer = as_("supervisor").post(f"/cases/{case.number}/tags/", {"tag": code}, headers=HTMX)
    assert answer.status_code in {409, 422}
    assert "<script>" not in answer.content.decode()  # a toast is shown as text, never as HTML
    assert on(case) == []


def test_named_people_and_sealed_files_take_no_tag(house):
    case = case_of(house)
    person = house.accounts["supervisor"].person
    CaseExclusion.objects.create(case=case, person=person, reason="named", at=now())
    rows = Case.objects.filter(pk=case.pk)
    [answer] = tagging.add(rows, ["FEES"], actor=house.actor("supervisor"), at=now())
    assert "named in this case" in answer.why
    rows.update(status=Status.ARCHIVED)
    [answer] = put(case, "FEES")
    assert "in this state" in answer.why


def test_a_case_has_at_most_twenty(house, monkeypatch):
    monkeypatch.setattr(tagging, "MOST_ON_CASE", 2)
    case = case_of(house)
    put(case, "FEES", "MEDIA")
    [answer] = put(case, "ELDERLY")
    assert "at most 2" in answer.why


def test_the_list_is_kept_by_those_who_may(as_, house):
    assert as_("officer").get("/tags/").status_code == 200
    assert as_("officer").get("/tags/new/").status_code == 403
    assert as_("agent").get("/tags/").status_code == 403
    client = as_("supervisor")
    data = {"name_en": "Branch closure", "name_zh": "网点关闭", "version": "0"}
    assert client.post("/tags/new/", data, headers=HTMX)["HX-Redirect"] == "/tags/"
    made = tag("BRANCH-CLOSURE")
    assert (made.name_zh, made.active) == ("网点关闭", True)
    again = client.post("/tags/new/", {**data, "name_en": "branch  CLOSURE"}, headers=HTMX)
    assert again.status_code == 422
    assert "already" in again.content.decode()
    assert "网点关闭" in client.get("/tags/").content.decode()


def test_a_name_of_signs_only_gets_a_code(house):
    first = tag_list.create("！！", "甲", actor=SYSTEM, at=now())
    second = tag_list.create("？？", "乙", actor=SYSTEM, at=now())
    assert (first.code, second.code) == ("TAG", "TAG-2")


def test_renaming_is_recorded_and_a_stale_form_gets_409(as_, house):
    client, version = as_("supervisor"), tag("FEES").version
    data = {"name_en": "Charges", "name_zh": "收费", "version": str(version)}
    assert client.post("/tags/FEES/", data).status_code == 302
    assert tag("FEES").name_en == "Charges"
    stale = client.post("/tags/FEES/", {**data, "name_en": "Rates"}, headers=HTMX)
    assert stale.status_code == 409
    assert 'value="Rates"' in stale.content.decode()  # nothing typed is lost
    entry = JournalEntry.objects.filter(stream=tag("FEES").stream, action="term.changed").last()
    assert entry is not None


def test_a_retired_tag_stays_shown_and_cannot_be_added(as_, house):
    case, other = case_of(house), case_of(house)
    put(case, "FEES")
    client = as_("supervisor")
    client.post("/tags/FEES/retire/", {"version": str(tag("FEES").version)})
    page = client.get(f"/cases/{case.number}/").content.decode()
    assert "Fees" in page
    assert "retired" in page
    [answer] = put(other, "FEES")
    assert "not used any more" in answer.why
    assert "Fees" not in client.get(f"/cases/{other.number}/tags/", headers=HTMX).content.decode()
    client.post("/tags/FEES/retire/", {"version": str(tag("FEES").version)})
    assert put(other, "FEES")[0].codes == ("FEES",)


def rule_that_sets(code):
    """Publish a routing version whose only rule sets a tag."""
    rules = RuleSet.objects.create(kind="routing", number=901, title_en="x", title_zh="x")
    row = RoutingRule(
        rule_set=rules, code="R1", order=1, name_en="Fee cases", name_zh="收费件", tags=[code]
    )
    RoutingRule.objects.bulk_create([row])
    begun = now() - timedelta(days=1)
    RuleSet.objects.filter(pk=rules.pk).update(state="published", valid_from=begun)
    assert rulesets.published("routing", now()) == rules
    return row


def test_a_tag_that_rules_set_is_not_retired(as_, house):
    rule_that_sets("FEES")
    answer = as_("supervisor").post(
        "/tags/FEES/retire/", {"version": str(tag("FEES").version)}, headers=HTMX
    )
    assert answer.status_code == 422
    assert "Fee cases" in answer.content.decode()
    assert tag("FEES").active


def test_merging_moves_cases_once_and_rules_go_on_with_the_other(as_, house):
    one, both = case_of(house), case_of(house)
    put(one, "FEES")
    put(both, "FEES", "MEDIA")
    client = as_("supervisor")
    data = {"into": "MEDIA", "version": str(tag("FEES").version)}
    assert client.post("/tags/FEES/merge/", data, headers=HTMX)["HX-Redirect"] == "/tags/"
    assert (on(one), on(both)) == (["MEDIA"], ["MEDIA"])
    assert not tag("FEES").active
    assert tag("FEES").flags["merged_into"] == "MEDIA"
    late = open_case(house, at=now())
    route = Routed.__new__(Routed)
    values = {"case": late, "tags": ("FEES", "MEDIA"), "watchers": ()}
    for name, value in values.items():
        object.__setattr__(route, name, value)
    effects.write([route], at=now())
    assert on(late) == ["MEDIA"]
    assert put(case := case_of(house), "FEES")[0].codes == ("MEDIA",)
    assert on(case) == ["MEDIA"]
    entry = JournalEntry.objects.get(stream=one.stream, action="case.tag_merged")
    assert json.loads(entry.body)["facts"] == {"tag": "FEES", "into": "MEDIA"}
    assert "Merged into Media" in client.get("/tags/").content.decode()


def test_a_tag_with_a_merged_rule_tag_is_not_retired_either(house):
    rule_that_sets("FEES")
    tag_list.merge(tag("FEES"), tag("MEDIA"), actor=house.actor("supervisor"), at=now())
    with pytest.raises(tag_list.TagRefused, match="Fee cases"):
        tag_list.retire(tag("MEDIA"), actor=house.actor("supervisor"), at=now())


def test_many_cases_are_moved_by_a_job_that_can_be_killed(as_, house, monkeypatch):
    monkeypatch.setattr(tag_list, "_AT_ONCE", 2)
    monkeypatch.setattr(tag_list, "_CHUNK", 2)
    cases = [case_of(house) for _ in range(5)]
    for case in cases:
        put(case, "FEES")
    actor = house.actor("supervisor")
    job = tag_list.merge(tag("FEES"), tag("MEDIA"), actor=actor, at=now())
    assert job is not None
    assert on(cases[0]) == ["FEES"]
    move, calls = tag_list._move, []

    def killed(*args):
        moved = move(*args)
        calls.append(moved)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return moved

    monkeypatch.setattr(tag_list, "_move", killed)
    with pytest.raises(KeyboardInterrupt):
        job_runs.work(now())
    assert sum(on(case) == ["MEDIA"] for case in cases) == 2
    job_runs.work(now() + timedelta(minutes=6))
    assert {tuple(on(case)) for case in cases} == {("MEDIA",)}
    assert Job.objects.get(pk=job.pk).state == JobState.DONE
    for case in cases:
        merged = JournalEntry.objects.filter(stream=case.stream, action="case.tag_merged")
        assert merged.count() == 1


@pytest.mark.parametrize("into", ["FEES", "NOPE", ""])
def test_a_tag_is_merged_into_another_one_in_use_only(as_, house, into):
    data = {"into": into, "version": str(tag("FEES").version)}
    assert as_("supervisor").post("/tags/FEES/merge/", data, headers=HTMX).status_code == 422
    assert tag("FEES").active


def test_figures_count_visible_cases_up_to_a_cap_in_one_query(as_, house, monkeypatch):
    """PEERS 31: a hidden case is not counted."""
    seen, hidden = case_of(house), case_of(house)
    put(seen, "FEES")
    put(hidden, "FEES")
    Case.objects.filter(pk=hidden.pk).update(restricted=True)
    assert tag_list.counts(house.scope("supervisor"))["FEES"] == 1
    client = as_("supervisor")
    assert (
        '<span id="n-tag-FEES" hx-swap-oob="true">1</span>'
        in client.get("/tags/counts/").content.decode()
    )
    monkeypatch.setattr(tag_list, "MANY", 0)
    assert tag_list.counts(house.scope("supervisor"))["FEES"] == 1  # the cap and one more
    scope = house.scope("supervisor")
    with CaptureQueriesContext(connection) as caught:
        tag_list.counts(scope)
    assert len(caught) == 1
