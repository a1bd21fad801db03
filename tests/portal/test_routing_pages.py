"""The routing rule editor: sentence, order, remarks, dry run, versions; who may do what."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from complaints.models import RoutingRule
from complaints.routing import drafting
from config.kernel import job_runs, journal, rule_kinds, rulesets
from config.kernel.models import Job, RuleSet
from config.shared.actors import SYSTEM
from tests.complaints import clock_house
from tests.factories.complaints import bank, open_case
from tests.factories.staff import PersonFactory
from tests.portal.desks import as_role, queries

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
HTMX = {"HX-Request": "true"}
DRAFT = "/routing/draft/"


@pytest.fixture
def house():
    return bank()


@pytest.fixture
def editor(house):
    client = as_role("admin")
    assert client.post(DRAFT).status_code == 302
    return client


def draft() -> RuleSet:
    found = rulesets.draft("routing")
    assert found is not None
    return found


def rule(code: str) -> RoutingRule:
    return RoutingRule.objects.get(rule_set=draft(), code=code)


def codes() -> list[str]:
    rows = RoutingRule.objects.filter(rule_set=draft()).order_by("order")
    return list(rows.values_list("code", flat=True))


def fields(**given: Any) -> dict[str, Any]:
    """A sound form of one rule: complaints go to the card department."""
    now = draft()
    sound = {
        "version": now.version, "number": now.number, "name_en": "Card fees", "name_zh": "卡费",
        "active": "on", "goes_on": "", "department": "CARD", "strategy": "least_loaded",
        "has": ["types"], "c_types": ["CMP"], "do": "save",
    }  # fmt: skip
    return sound | given


def run_jobs() -> None:
    job_runs.work(timezone.now() + timedelta(seconds=1))


def save(client, code: str = "MEDIA", *, htmx: bool = False, **given: Any):
    headers = HTMX if htmx else {}
    return client.post(f"{DRAFT}rules/{code}/", fields(**given), headers=headers)


# --- who ------------------------------------------------------------------------------------


def test_who_reads_proposes_and_publishes(editor):
    for role, page, write in (("supervisor", 200, 200), ("admin", 200, 200),
                              ("auditor", 200, 403), ("officer", 403, 403)):  # fmt: skip
        client = as_role(role)
        assert client.get("/routing/").status_code == page
        assert client.get(DRAFT).status_code == page
        assert client.get("/routing/versions/").status_code == page
        assert client.get("/routing/compare/?a=1&b=2").status_code == page
        assert client.get(f"{DRAFT}new/").status_code == write
        assert client.get(f"{DRAFT}publish/").status_code == write
        assert client.get(f"{DRAFT}discard/").status_code == write
        assert client.get(f"{DRAFT}rules/TIP/remove/").status_code == write
        if write == 403:
            for url in ("", "new/", "replay/", "rules/TIP/", "rules/TIP/move/", "publish/"):
                assert client.post(DRAFT + url, fields()).status_code == 403, url
    assert rule("TIP").name_en == "Reports against a person go to legal and compliance"


def test_an_auditor_reads_the_draft_without_any_control(editor):
    page = as_role("auditor").get(DRAFT).content.decode().split('id="main"')[1]
    assert "rule-form" not in page
    assert "Move up" not in page
    assert "Reports against a person" in page


def test_a_supervisor_asks_and_an_admin_publishes(editor):
    save(editor)
    supervisor = as_role("supervisor")
    now = draft()
    sent = {"version": now.version, "number": now.number, "reason": "Fees go to cards"}
    assert b"Ask to publish" in supervisor.get(f"{DRAFT}publish/").content
    assert supervisor.post(f"{DRAFT}publish/", sent).status_code == 302
    assert rulesets.published("routing", timezone.now()).number != now.number
    assert editor.post(f"{DRAFT}publish/", sent).status_code == 302
    assert rulesets.published("routing", timezone.now()).number == now.number
    assert b"Card fees" in editor.get("/routing/").content


# --- the sentence ---------------------------------------------------------------------------


def test_a_rule_is_saved_as_typed(editor):
    person = PersonFactory.create(staff_no="S-7001")
    answer = save(
        editor,
        has=["types", "tiers", "severities", "amount", "keywords_any", "vulnerable", "branches",
             "causes", "regions", "products", "referred"],
        c_types=["CMP", "INQ"], c_tiers=["core"], c_severities=["3", "4"],
        c_amount_from="1000", c_amount_to="5000.50", c_keywords_any="退费， refund,, refund",
        c_vulnerable="yes", c_causes=["A1"], c_referred="no", c_products="Gold",
        strategy="person", person=f"{person.staff_no} {person.name_en}",
        watchers=["@rm", "CSC"], staff="S-7001", severity_floor="3", tags=["MEDIA"],
        requires="IND",
    )  # fmt: skip
    assert answer.status_code == 302
    assert answer["Location"] == "/routing/draft/?r=MEDIA"
    saved = rule("MEDIA")
    assert saved.conditions == {
        "types": ["CMP", "INQ"], "tiers": ["core"], "severities": [3, 4], "amount_from": 1000,
        "amount_to": 5000.5, "keywords_any": ["退费", "refund"], "vulnerable": [True],
        "causes": ["A1"], "referred": [False], "products": ["Gold"],
    }  # fmt: skip
    assert (saved.department, saved.strategy, saved.person) == ("CARD", "person", person)
    assert saved.watchers == ["@rm", "CSC", "staff:S-7001"]
    assert (saved.severity_floor, saved.tags, saved.requires) == (3, ["MEDIA"], "IND")
    page = editor.get(answer["Location"]).content.decode()
    for words in ("Induction", "退费, refund", "5000.5", "S-7001", "Core"):
        assert words in page, words


def test_what_the_page_shows_is_what_it_saves_back(editor):
    """Opening every rule and saving its form unchanged changes nothing."""
    clock_house.unit("BRAND")
    before = draft().version
    for row in RoutingRule.objects.filter(rule_set=draft()):
        form = editor.get(f"{DRAFT}?r={row.code}").context["form"]
        sent: dict[str, Any] = {"has": [condition.key for condition in form.rows], "do": "save"}
        for bound in form:
            value = bound.value()
            if value not in (None, "", False):
                sent[bound.html_name] = "on" if value is True else value
        assert editor.post(f"{DRAFT}rules/{row.code}/", sent).status_code == 302
    assert draft().version == before


def test_a_rule_may_mark_the_case_and_go_on(editor):
    save(editor, goes_on="1", department="CARD", severity_floor="4", tags=["MEDIA"])
    saved = rule("MEDIA")
    assert (saved.goes_on, saved.department, saved.strategy) == (True, "", "nobody")
    assert "marks the case and goes on" in editor.get(DRAFT).content.decode()


def test_conditions_are_added_and_removed_without_javascript(editor):
    page = save(editor, add="causes").content.decode()
    assert 'name="c_causes"' in page
    assert 'name="c_types" value="CMP"' in page
    assert rule("MEDIA").conditions == {"types": ["CMP"]}
    page = save(editor, drop="types").content.decode()
    assert 'name="c_types"' not in page
    assert rule("MEDIA").conditions == {}


def test_a_new_rule_stands_above_the_first_that_takes_everything(editor):
    page = editor.get(f"{DRAFT}new/")
    assert page.context["place"] == codes().index("LINE") + 1
    with_row = editor.post(f"{DRAFT}new/", fields(add="tiers", name_en="Half typed"))
    assert b'name="c_tiers"' in with_row.content
    assert b"Half typed" in with_row.content
    before = codes()
    answer = editor.post(f"{DRAFT}new/", fields(name_en="Fees"))
    made = answer["Location"].rpartition("=")[2]
    assert set(codes()) == {*before, made}
    assert codes().index(made) == codes().index("LINE") - 1
    assert rule(made).name_en == "Fees"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name_en": ""}, "Write something here."),
        ({"department": ""}, "Choose where the case goes."),
        ({"department": "NOWHERE"}, "Select a valid choice"),
        ({"strategy": "person"}, "Name the person by staff number."),
        ({"strategy": "person", "person": "S-0"}, "Nobody active has this staff number."),
        ({"staff": "x y z"}, "Nobody active has the staff number"),
        ({"c_types": ["<script>"]}, "Select a valid choice"),
        ({"has": ["amount"], "c_amount_from": "9", "c_amount_to": "8"}, "below the lower one"),
        ({"has": ["amount"], "c_amount_from": "1e400"}, "digits"),
        ({"has": ["amount"], "c_amount_from": "9" * 40}, "digits"),
        ({"has": ["keywords_any"], "c_keywords_any": "x" * 41}, "at most 40 characters"),
        ({"has": ["keywords_any"], "c_keywords_any": ",".join(map(str, range(60)))}, "at most 50"),
        ({"has": ["keywords_any"], "c_keywords_any": "a\x00b"}, "Null characters"),
    ],
)
def test_what_cannot_be_kept_is_refused_beside_the_field(editor, given, words):
    before = rule("MEDIA").conditions
    answer = save(editor, **given)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert rule("MEDIA").conditions == before


@pytest.mark.parametrize("odd", ["", "x", "-1", "9" * 30, "1.5"])
def test_odd_numbers_are_answered_in_words(editor, odd):
    assert save(editor, version=odd).status_code in (409, 422)
    assert save(editor, number=odd).status_code in (409, 422)
    moved = editor.post(f"{DRAFT}rules/TIP/move/", {"to": odd, "version": odd})
    assert moved.status_code == 409
    assert editor.post(f"{DRAFT}replay/", {"days": odd}).status_code == 409
    for url in (f"/routing/compare/?a={odd}&b=1", f"/routing/?v={odd}", f"{DRAFT}?r={odd}",
                f"{DRAFT}replay/?r={odd}"):  # fmt: skip
        assert editor.get(url).status_code in (200, 302, 404), url
    assert editor.get(f"{DRAFT}?r=%00").status_code == 200


def test_a_draft_that_moved_on_is_a_conflict_and_nothing_typed_is_lost(editor):
    seen = draft().version
    save(editor, name_en="First")
    late = save(editor, name_en="Second", version=seen)
    assert late.status_code == 409
    page = late.content.decode()
    assert 'value="Second"' in page
    assert "Look at it again." in page
    assert rule("MEDIA").name_en == "First"
    again = save(editor, name_en="Second", version=late.context["form"]["version"].value())
    assert again.status_code == 302
    assert editor.post(f"{DRAFT}rules/TIP/move/", {"to": "3", "version": seen}).status_code == 409
    assert editor.post(f"{DRAFT}rules/TIP/remove/", {"version": seen}).status_code == 409
    assert codes()[0] == "TIP"


def test_a_draft_that_is_gone_is_a_conflict(editor):
    gone = draft()
    sent = fields()
    rule_kinds.discard(gone, reason="No", actor=SYSTEM, at=timezone.now())
    for url in ("rules/TIP/", "rules/TIP/move/", "rules/TIP/remove/", "new/", "replay/"):
        assert editor.post(DRAFT + url, sent).status_code == 409, url
    editor.post(DRAFT)
    answer = editor.post(f"{DRAFT}rules/TIP/", sent)
    assert answer.status_code == 409
    assert "this is another one" in answer.content.decode()


# --- htmx -----------------------------------------------------------------------------------


def test_a_changed_field_is_saved_and_only_what_depends_on_it_is_sent_back(editor):
    sent = fields(name_en="Quick")
    del sent["do"]
    answer = editor.post(f"{DRAFT}rules/MEDIA/", sent, headers=HTMX)
    page = answer.content.decode()
    assert answer["HX-Reswap"] == "none"
    assert "<html" not in page
    assert 'id="rule-form"' not in page
    for part in ("rule-state", "rule-sentence", "rule-version", "rule-list", "draft-bar",
                 "dryrun-stale"):  # fmt: skip
        assert f'id="{part}"' in page, part
    assert page.count("hx-swap-oob") == 6
    assert f'value="{draft().version}"' in page
    assert rule("MEDIA").name_en == "Quick"


def test_while_one_types_an_incomplete_rule_only_says_why_it_is_not_saved(editor):
    sent = fields(strategy="person")
    del sent["do"]
    answer = editor.post(f"{DRAFT}rules/MEDIA/", sent, headers=HTMX)
    assert answer["HX-Reswap"] == "none"
    assert "Not saved yet: Name the person by staff number." in answer.content.decode()
    assert save(editor, htmx=True, strategy="person").status_code == 422


def test_adding_a_condition_by_htmx_shows_the_editor_again(editor):
    sent = fields(add="tiers")
    del sent["do"]
    answer = editor.post(f"{DRAFT}rules/MEDIA/", sent, headers=HTMX)
    assert "HX-Reswap" not in answer
    assert 'name="c_tiers"' in answer.content.decode()


# --- order ----------------------------------------------------------------------------------


def test_rules_are_moved_by_button_and_by_dragging(editor):
    second = codes()[1]
    moved = editor.post(f"{DRAFT}rules/TIP/move/", {"to": "2", "version": draft().version})
    assert moved.status_code == 302
    assert codes()[:2] == [second, "TIP"]
    last = len(codes())
    sent = {"to": "", "place": str(last), "version": draft().version, "r": "MEDIA"}
    answer = editor.post(f"{DRAFT}rules/TIP/move/", sent, headers=HTMX)
    assert codes()[-1] == "TIP"
    page = answer.content.decode()
    assert 'id="rule-list"' in page
    assert f"Now at place {last}." in answer["HX-Trigger"]
    kept = json.loads(journal.entries(draft().stream).last().body)["facts"]
    assert (kept["row"], kept["changes"]) == ("TIP", {"place": [2, last]})


def test_a_rule_is_removed_after_a_question(editor):
    assert b"Remove the rule" in editor.get(f"{DRAFT}rules/TIP/remove/").content
    sent = {"version": draft().version}
    assert editor.post(f"{DRAFT}rules/TIP/remove/", sent).status_code == 302
    assert "TIP" not in codes()


def test_remarks_stand_beside_their_rule_in_words(editor):
    data = drafting.RuleData("Everything", "全部", department="CMPT")
    drafting.put_rule(draft(), data, code="TIP", actor=SYSTEM, at=AT, expected=None)
    answer = editor.get(DRAFT)
    items = {item.line.code: item for item in answer.context["items"]}
    assert items["MEDIA"].remarks
    assert str(items["MEDIA"].remarks[0].words) in answer.content.decode().replace("&quot;", '"')


def test_rules_in_force_that_nothing_reaches_say_so_too(editor):
    data = drafting.RuleData("Inquiries", "咨询", conditions={"types": ["INQ"]}, department="LAW")
    drafting.put_rule(draft(), data, code=None, actor=SYSTEM, at=AT, expected=None)
    rulesets.publish(draft(), reason="", actor=SYSTEM, at=timezone.now() - timedelta(seconds=1))
    page = as_role("auditor").get("/routing/").content.decode()
    assert "Inquiries” is never reached" in page


def test_the_fallback_is_named_and_inactive_rules_are_marked(editor):
    assert "Everything else goes to CMPT." in editor.get("/routing/").content.decode()
    save(editor, code="PETITION", active="")
    page = editor.get(DRAFT).content.decode()
    assert "Not in use: skipped" in page
    assert "Takes everything that is left" in page


# --- dry run, explanation -------------------------------------------------------------------


def test_a_dry_run_is_started_polled_shown_and_stale_after_an_edit(house, editor):
    case = open_case(house, at=timezone.now() - timedelta(days=1), media_risk=True)
    save(editor, code="MEDIA", has=["media_risk"], c_media_risk="yes", department="CARD")
    started = editor.post(f"{DRAFT}replay/", {"days": "30", "r": "MEDIA"}, headers=HTMX)
    assert 'hx-trigger="every 1s"' in started.content.decode()
    assert Job.objects.filter(kind="routing.replay").count() == 1
    run_jobs()
    boss = as_role("supervisor")
    page = boss.get(f"{DRAFT}replay/?r=MEDIA", headers=HTMX).content.decode()
    assert "every 1s" not in page
    assert "change department" in page
    assert case.number in page
    assert "Load before and after" in page
    assert case.number not in editor.get(DRAFT).content.decode()  # an admin sees no case
    assert "not yours to see" in editor.get(DRAFT).content.decode()
    assert "changed after this dry run" not in page
    save(editor, name_en="Later")
    assert "changed after this dry run" in boss.get(DRAFT).content.decode()


def test_why_one_case_goes_where_it_goes(house):
    case = open_case(house)
    boss = as_role("supervisor")
    answer = boss.get("/routing/explain/", {"number": case.number})
    steps = answer.context["steps"]
    hit = [step for step in steps if step["tried"] and step["tried"].matched]
    assert [step["line"].code for step in hit] == [case.routing_reason["rule"]]
    page = answer.content.decode()
    assert steps[0]["why"] in page
    assert "Not asked: an earlier rule has matched" in page
    part = boss.get("/routing/explain/", {"number": case.number[-4:]}, headers=HTMX)
    assert "<html" not in part.content.decode()
    for text in ("C-2026-9999999", "x\x00", "%", "9" * 60):
        assert boss.get("/routing/explain/", {"number": text}).status_code == 404
    assert boss.get("/routing/explain/?v=77").status_code == 404
    assert as_role("admin").get("/routing/explain/", {"number": case.number}).status_code == 403
    assert as_role("officer").get("/routing/explain/").status_code == 403


def test_a_case_out_of_reach_is_not_explained(house):
    tip = open_case(house, type="TIP")
    page = as_role("supervisor").get("/routing/explain/", {"number": tip.number})
    assert page.status_code == 404
    assert page.context["case"] is None
    assert "steps" not in page.context or not page.context["steps"]


# --- versions -------------------------------------------------------------------------------


def test_two_versions_are_compared_in_words(editor):
    first = rulesets.published("routing", timezone.now())
    save(editor, code="MEDIA", name_en="Press", has=["media_risk"], c_media_risk="yes")
    now = draft()
    drafting.drop_rule(now, "PETITION", actor=SYSTEM, at=AT, expected=None)
    drafting.move_rule(now, "TIP", 5, actor=SYSTEM, at=AT, expected=None)
    drafting.put_rule(now, drafting.RuleData("New", "新", department="LAW"), code=None,
                      actor=SYSTEM, at=AT, expected=None)  # fmt: skip
    made = codes()[-1]
    answer = editor.get(f"/routing/compare/?a={first.number}&b={now.number}")
    found = {each.code: each for each in answer.context["differences"]}
    assert {code: each.kind for code, each in found.items()} == {
        "MEDIA": "changed", "PETITION": "removed", "TIP": "moved", made: "added",
    }  # fmt: skip
    parts = {part.label: (part.before, part.after) for part in found["MEDIA"].parts}
    assert parts["Name"] == ("Media risk stays with the complaint team", "Press")
    assert parts["Then"] == ("CMPT", "CARD")
    same = editor.get(f"/routing/compare/?a={now.number}&b={now.number}")
    assert b"Nothing differs" in same.content


def test_an_older_version_comes_back_as_a_draft(editor):
    first = rulesets.published("routing", timezone.now())
    save(editor, name_en="Worse")
    now = draft()
    sent = {"version": now.version, "number": now.number, "reason": "Try"}
    editor.post(f"{DRAFT}publish/", sent)
    page = editor.get("/routing/versions/").content.decode()
    assert "Draft from this version" in page
    assert editor.post(DRAFT, {"from": first.number}).status_code == 302
    assert rule("MEDIA").name_en != "Worse"
    assert editor.post(DRAFT, {"from": first.number}).status_code == 409  # one is open
    assert "Draft from this version" not in editor.get("/routing/versions/").content.decode()


# --- cost, language -------------------------------------------------------------------------


def test_pages_cost_the_same_for_nine_and_for_sixty_rules(editor):
    urls = (f"{DRAFT}?r=MEDIA", "/routing/", "/routing/versions/", "/routing/compare/?a=1&b=2")

    def cost() -> list[int]:
        return [queries(editor, url) for url in urls]

    cost()
    few = cost()

    assert max(few) <= 22
    for n in range(50):
        data = drafting.RuleData(f"Rule {n}", f"规则{n}", conditions={"types": ["INQ"]},
                                 department="LAW", watchers=["CSC"], tags=["MEDIA"])  # fmt: skip
        drafting.put_rule(draft(), data, code=None, actor=SYSTEM, at=AT, expected=None)
    assert cost() == few
    sent = {"version": draft().version, "number": draft().number, "reason": "Many rules"}
    editor.post(f"{DRAFT}publish/", sent)
    assert queries(editor, "/routing/") == few[1] + 1  # who published it


def test_in_chinese(editor):
    editor.cookies["huiyin_language"] = "zh-hans"
    for url in ("/routing/", DRAFT, f"{DRAFT}new/", "/routing/versions/"):
        answer = editor.get(url)
        assert answer["Content-Language"] == "zh-hans"
    assert "投诉" in editor.get(f"{DRAFT}new/").content.decode()


def test_without_published_rules_the_page_says_how_to_load_them():
    admin = as_role("admin")
    assert b"manage.py load_defaults" in admin.get("/routing/").content
    assert admin.get(DRAFT).status_code == 302
