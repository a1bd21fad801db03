"""The pages of the playbooks: read, changed as a draft, moved, published, asked for, taken back."""

from typing import Any

import pytest

from complaints.defaults import rules
from complaints.models import PlaybookStep
from config.kernel import rule_kinds, rulesets
from config.kernel.models import RuleSet
from config.shared.actors import SYSTEM
from tests.complaints.clock_house import LONG_AGO
from tests.factories.complaints import AT, bank
from tests.portal.desks import as_role, queries

pytestmark = pytest.mark.django_db
TABLE, DRAFT = "/playbooks/", "/playbooks/draft/"


@pytest.fixture
def house():
    made = bank()
    rules.load_playbooks(SYSTEM, LONG_AGO)
    return made


@pytest.fixture
def editor(house):
    client = as_role("admin")
    assert client.post(DRAFT).status_code == 302
    return client


def draft() -> RuleSet:
    found = rulesets.draft("playbooks")
    assert found is not None
    return found


def step(code: str = "CMP-CALL") -> PlaybookStep:
    return PlaybookStep.objects.get(rule_set=draft(), code=code)


def fields(**given: Any) -> dict[str, Any]:
    now = draft()
    return {
        "version": now.version, "number": now.number, "name_en": "Ask again", "name_zh": "再次询问",
        "types": ["CMP"], "amount": 2, "unit": "hours", "emotion": "",
    } | given  # fmt: skip


def test_who_reads_proposes_and_publishes(editor):
    one = f"{DRAFT}steps/{step().pk}/"
    for role, page, write in (("supervisor", 200, 200), ("admin", 200, 200),
                              ("auditor", 200, 403), ("officer", 403, 403)):  # fmt: skip
        client = as_role(role)
        assert client.get(TABLE).status_code == page, role
        assert client.get(DRAFT).status_code == page, role
        for url in (one, f"{one}remove/", f"{DRAFT}steps/new/", f"{DRAFT}publish/",
                    f"{DRAFT}settings/"):  # fmt: skip
            assert client.get(url).status_code == write, (role, url)
        if write == 403:
            for url in (DRAFT, one, f"{one}up/", f"{one}remove/", f"{DRAFT}discard/"):
                assert client.post(url, fields()).status_code == 403, (role, url)


def test_the_page_reads_in_words(house):
    page = as_role("auditor").get(TABLE).content.decode()
    for words in ("Playbooks, version 1", "emergency plan", "emotion 4 and more", "Lost/stolen",
                  "media risk", "within 4h", "do not hold it up"):  # fmt: skip
        assert words in page, words
    assert "/draft/steps/" not in page.split('id="main"')[1]


def test_a_step_is_changed_added_and_published(editor):
    pk = step().pk
    form = editor.get(f"{DRAFT}steps/{pk}/").context["form"]
    assert (form.initial["amount"], form.initial["unit"]) == (1, "days")
    assert editor.post(f"{DRAFT}steps/{pk}/", fields(mandatory="on")).status_code == 302
    kept = step()
    assert (kept.name_en, kept.minutes, kept.mandatory) == ("Ask again", 120, True)
    new = fields(
        name_en="Ring twice", severities=["3", "4"], lines=["B-CC"], care="on", emotion="4"
    )
    assert editor.post(f"{DRAFT}steps/new/", new).status_code == 302
    added = step("STEP-41")
    assert (added.severities, added.lines, added.emotion) == ([3, 4], ["B-CC"], 4)
    editor.post(f"{DRAFT}steps/{added.pk}/", fields(media_risk="on"))
    assert (step("STEP-41").media, kept.media) == (True, False)
    editor.post(f"{DRAFT}steps/{added.pk}/", fields(name_en="Ring twice"))
    assert "Ring twice" not in editor.get(TABLE).content.decode()
    now = draft()
    sent = {"version": now.version, "number": now.number, "reason": "Call twice"}
    assert editor.post(f"{DRAFT}publish/", sent).status_code == 302
    assert "Ring twice" in editor.get(TABLE).content.decode()


def test_a_supervisor_asks_and_the_admin_publishes(editor):
    boss = as_role("supervisor")
    boss.post(f"{DRAFT}steps/new/", fields(name_en="Asked for"))
    now = draft()
    sent = {"version": now.version, "number": now.number, "reason": "Please"}
    assert boss.post(f"{DRAFT}publish/", sent).status_code == 302
    assert rule_kinds.pending(now) is not None
    assert rulesets.published("playbooks", AT).number == 1


def test_an_older_version_is_taken_back(editor):
    editor.post(f"{DRAFT}steps/{step().pk}/remove/", {"version": draft().version})
    now = draft()
    sent = {"version": now.version, "number": now.number, "reason": "Fewer"}
    editor.post(f"{DRAFT}publish/", sent)
    assert "Draft from this version" in editor.get(f"{TABLE}?v=1").content.decode()
    assert editor.post(DRAFT, {"from": "1"}).status_code == 302
    assert step().name_en.startswith("Call the customer")


def test_steps_are_moved(editor):
    first, second = PlaybookStep.objects.filter(rule_set=draft()).order_by("order")[:2]
    sent = {"version": draft().version}
    assert editor.post(f"{DRAFT}steps/{second.pk}/up/", sent).status_code == 302
    now = list(PlaybookStep.objects.filter(rule_set=draft()).order_by("order")[:2])
    assert now == [second, first]
    assert editor.post(f"{DRAFT}steps/{second.pk}/down/", sent).status_code == 409
    assert editor.post(f"{DRAFT}steps/{second.pk}/down/", {"version": "x"}).status_code == 409
    assert editor.get(f"{DRAFT}steps/{second.pk}/up/").status_code == 405


def test_the_settings(editor):
    url = f"{DRAFT}settings/"
    now = draft()
    sent = {"version": now.version, "number": now.number, "report_minutes": 90, "steps_block": "on"}
    assert editor.post(url, sent | {"report_minutes": 0}).status_code == 422
    assert editor.post(url, sent).status_code == 302
    assert draft().settings == {"steps_block": True, "report_minutes": 90}
    assert "cannot be decided" in editor.get(DRAFT).content.decode()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name_en": ""}, "Write something here."),
        ({"types": ["NOPE"]}, "Select a valid choice"),
        ({"amount": 10**7}, "less than or equal"),
        ({"amount": 500_000, "unit": "days"}, "Between one minute and a year."),
        ({"emotion": "9"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_kept_is_refused_beside_the_field(editor, given, words):
    answer = editor.post(f"{DRAFT}steps/{step().pk}/", fields(**given))
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_a_draft_that_moved_on_is_a_conflict_and_nothing_typed_is_lost(editor):
    pk, late = step().pk, fields(name_en="My own words")
    editor.post(f"{DRAFT}steps/{pk}/", fields(name_en="Faster"))
    answer = editor.post(f"{DRAFT}steps/{pk}/", late)
    assert answer.status_code == 409
    assert "My own words" in answer.content.decode()
    rule_kinds.discard(draft(), reason="No", actor=SYSTEM, at=AT)
    for url in (f"{pk}/", f"{pk}/remove/", f"{pk}/up/", "new/"):
        assert editor.post(f"{DRAFT}steps/{url}", late).status_code == 409


@pytest.mark.parametrize("odd", [0, 10**30, 2**63])
def test_a_step_that_is_not_there(editor, odd):
    for url in (f"{odd}/", f"{odd}/remove/"):
        assert editor.get(f"{DRAFT}steps/{url}").status_code == 404
    published = PlaybookStep.objects.exclude(rule_set=draft()).first()
    assert editor.get(f"{DRAFT}steps/{published.pk}/").status_code == 404
    assert editor.post(f"{DRAFT}steps/{odd}/up/", {"version": 1}).status_code == 404


def test_findings_stand_beside_their_step(editor):
    PlaybookStep.objects.filter(rule_set=draft(), code="EM-HARM").update(severities=[1])
    page = editor.get(DRAFT).content.decode()
    assert "never opens" in page
    assert "Blocks publishing." in page


def test_without_any_version_and_the_cost_of_the_page(house):
    client = as_role("auditor")
    client.get(TABLE)
    n = queries(client, TABLE)
    RuleSet.objects.filter(kind="playbooks").update(state="retired")
    assert "No playbooks are published" in client.get(TABLE).content.decode()
    assert n <= 20
