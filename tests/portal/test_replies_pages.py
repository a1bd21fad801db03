"""Reply templates and macros: read, drafted, checked, previewed, compared, rolled back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from complaints.models import Macro, ReplyTemplate
from complaints.replies import defaults, details, drafting
from config.kernel import journal, rule_kinds, rulesets
from config.kernel.models import RuleSet
from config.shared.actors import SYSTEM
from tests.complaints.conftest import _built, shared_house  # noqa: F401 - the bank of the module
from tests.factories.complaints import Bank, open_case
from tests.portal.desks import as_role, queries, signed_in

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
LIST, DRAFT = "/replies/", "/replies/draft/"


@pytest.fixture
def house(shared_house: Bank) -> Bank:  # noqa: F811
    """The bank with the starting templates in force."""
    assert defaults.load(SYSTEM, AT) > 25
    assert defaults.load(SYSTEM, AT) == 0
    return shared_house


@pytest.fixture
def editor(house: Bank):
    client = as_role("admin")
    assert client.post(DRAFT).status_code == 302
    return client


def draft() -> RuleSet:
    found = rulesets.draft("replies")
    assert found is not None
    return found


def fields(**given: Any) -> dict[str, Any]:
    now = draft()
    return {
        "version": now.version, "number": now.number, "name_en": "Good day", "name_zh": "问候",
        "purpose": "message", "methods": ["email"], "types": ["CMP"], "subject_en": "Hello",
        "subject_zh": "您好", "body_en": "About {case_number}.", "body_zh": "关于{case_number}。",
    } | given  # fmt: skip


def macro(**given: Any) -> dict[str, Any]:
    now = draft()
    return {
        "version": now.version, "number": now.number, "name_en": "Go on", "name_zh": "继续",
        "verb": "start", "give_note": "By macro",
    } | given  # fmt: skip


def test_who_reads_proposes_and_publishes(editor):
    reads = (LIST, DRAFT, f"{LIST}variables/", f"{LIST}versions/", f"{LIST}compare/?a=1&b=2")
    writes = (
        f"{DRAFT}templates/", f"{DRAFT}templates/apology/", f"{DRAFT}macros/",
        f"{DRAFT}macros/progress-note/", f"{DRAFT}bank/", f"{DRAFT}remove/template/apology/",
        f"{DRAFT}publish/", f"{DRAFT}discard/",
    )  # fmt: skip
    for role, read, write in (("supervisor", 200, 200), ("admin", 200, 200),
                              ("auditor", 200, 403), ("officer", 403, 403)):  # fmt: skip
        client = as_role(role)
        assert {url: client.get(url).status_code for url in reads} == dict.fromkeys(reads, read)
        assert {url: client.get(url).status_code for url in writes} == dict.fromkeys(writes, write)
        if write == 403:
            for url in (*writes, DRAFT, f"{DRAFT}preview/"):
                assert client.post(url, fields()).status_code == 403, (role, url)


def test_the_starting_templates_pass_the_check_and_fill_in_both_languages(house):
    rules, bank = details.in_force(AT)
    findings = rule_kinds.of("replies").check(rules)
    assert rule_kinds.errors(findings) == []
    assert {finding.code for finding in findings} <= {"needs", "example", "bank"}
    assert bank.of("name", "zh-hans") == "汇银银行"
    rows = ReplyTemplate.objects.filter(rule_set=rules)
    purposes = set(rows.values_list("purpose", flat=True))
    assert rows.count() >= 20
    assert {"acknowledgement", "acceptance", "progress", "result", "not_accepted", "suspension",
            "extension", "transfer", "review", "message"} == purposes  # fmt: skip
    page = as_role("auditor").get(LIST).content.decode()
    for words in ("Result letter", "Ask for documents and wait", "In force", "sheet"):
        assert words in page, words
    assert "/draft/templates/" not in page.split('id="main"')[1]


def test_a_template_is_written_checked_and_read_back(editor):
    answer = editor.post(f"{DRAFT}templates/", fields())
    assert answer.status_code == 302
    row = ReplyTemplate.objects.get(rule_set=draft(), code="good-day")
    assert (row.methods, row.types, row.body_zh) == (["email"], ["CMP"], "关于{case_number}。")
    assert answer["Location"].endswith("?r=good-day")
    page = editor.get(answer["Location"]).content.decode()
    assert "About C-2026-0000123." in page
    editor.post(f"{DRAFT}templates/", fields())
    assert ReplyTemplate.objects.filter(rule_set=draft(), code="good-day-2").exists()
    entry = next(e for e in journal.entries(draft().stream) if e.action == "rules.edited")
    assert journal.facts_of(entry)["row"] == "good-day"
    assert "About" not in str(journal.facts_of(entry))


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"body_en": "Dear {nickname}"}, "body_en", "{nickname}"),
        ({"body_zh": "您好 {case number}"}, "body_zh", "brace"),
        ({"body_zh": " "}, "body_zh", "Write something"),
        ({"name_en": ""}, "name_en", "Write something"),
        ({"purpose": "joke"}, "purpose", "joke"),
    ],
)
def test_what_can_never_be_right_is_refused_beside_its_field(editor, wrong, field, words):
    answer = editor.post(f"{DRAFT}templates/", fields(**wrong))
    assert answer.status_code == 422
    assert words in str(answer.context["form"].errors[field])
    assert not ReplyTemplate.objects.filter(rule_set=draft(), code="good-day").exists()


def test_jargon_warns_and_names_the_plain_word_but_does_not_block(editor):
    editor.post(f"{DRAFT}templates/", fields(body_en="The chargeback failed.", body_zh="已冲正。"))
    found = [f for f in rule_kinds.of("replies").check(draft()) if f.row == "good-day"]
    assert [f.level for f in found] == ["warning"]
    assert "asking the card network" in str(found[0].words)
    assert "撤销该笔记账" in str(found[0].words)


def test_a_result_letter_without_its_blocks_blocks_publishing(editor):
    editor.post(f"{DRAFT}templates/result-letter/", fields(purpose="result", methods=["letter"]))
    found = rule_kinds.errors(rule_kinds.of("replies").check(draft()))
    assert {f.row for f in found} == {"result-letter"}
    assert "{blocks}" in str(found[0].words)
    answer = editor.post(
        f"{DRAFT}publish/",
        {"version": draft().version, "number": draft().number, "reason": "Try"},
    )
    assert answer.status_code == 422
    assert rulesets.draft("replies") is not None


def test_a_stale_writer_gets_409_with_who_did_what_and_keeps_the_words(editor):
    old = fields(body_en="My long text about {case_number}.")
    other = as_role("supervisor")
    assert other.post(f"{DRAFT}templates/apology/", fields(name_en="Sorry")).status_code == 302
    answer = editor.post(f"{DRAFT}templates/", old)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "My long text about {case_number}." in page
    assert "The draft was changed: apology" in page
    again = {**old, "version": answer.context["form"]["version"].value()}
    assert editor.post(f"{DRAFT}templates/", again).status_code == 302


def test_the_live_preview_shows_both_languages_examples_and_faults(editor):
    typed = fields(
        body_en="Dear {customer}, {nickname} and [[more]]", body_zh="{customer}，请见冲正说明"
    )
    page = editor.post(f"{DRAFT}preview/", typed).content.decode()
    for words in ("Dear Wang Li", "尊敬的王丽", "{nickname}", "[[more]]", "撤销该笔记账"):
        assert words in page, words
    assert not ReplyTemplate.objects.filter(rule_set=draft(), code="good-day").exists()


def test_the_preview_takes_a_case_only_from_who_may_read_names(house):
    case = open_case(house, by="officer", core_issue="The lost parcel")
    supervisor = signed_in(house.accounts["supervisor"])
    supervisor.post(DRAFT)
    typed = fields(body_en="{customer_name} wrote: {subject}", sample=case.number)
    page = supervisor.post(f"{DRAFT}preview/", typed).content.decode()
    assert "王丽 wrote: The lost parcel" in page
    page = as_role("admin").post(f"{DRAFT}preview/", typed).content.decode()
    assert "The lost parcel" not in page
    assert "Wang Li wrote: Annual fee" in page


def test_a_macro_keeps_only_what_its_move_takes(editor):
    answer = editor.post(
        f"{DRAFT}macros/",
        macro(verb="wait_customer", give_reason="Documents", give_days="5", give_outcome="UPH",
              template="documents", method="email", set_nature="SVC"),
    )  # fmt: skip
    assert answer.status_code == 302
    row = Macro.objects.get(rule_set=draft(), code="go-on")
    assert row.given == {"reason": "Documents", "days": 5}
    assert row.fields == {"nature": "SVC"}
    page = editor.get(answer["Location"]).content.decode()
    assert "Waits at most, days: 5" in page
    nothing = editor.post(f"{DRAFT}macros/", macro(verb="", give_note=""))
    assert nothing.status_code == 422


def test_the_check_finds_macros_that_name_what_is_gone(editor):
    drafting.drop(draft(), ReplyTemplate, "documents", actor=SYSTEM, at=AT, expected=None)
    Macro.objects.filter(rule_set=draft(), code="fee-dispute").update(
        verb="archive", fields={"status": "closed"}
    )
    Macro.objects.filter(rule_set=draft(), code="progress-note").update(
        method="", template="apology"
    )
    said = {str(f.words) for f in rule_kinds.errors(rule_kinds.of("replies").check(draft()))}
    assert len(said) == 4, said
    for part in ("“documents”", "“archive”", "“status”", "say how its message is sent"):
        assert any(part in words for words in said), part


def test_rows_are_removed_and_the_bank_is_described(editor):
    url = f"{DRAFT}remove/template/apology/"
    assert editor.post(url, {"version": draft().version}).status_code == 302
    assert not ReplyTemplate.objects.filter(rule_set=draft(), code="apology").exists()
    assert editor.get(url).status_code == 404
    bank = {"version": draft().version, "number": draft().number, "hotline": "95555"}
    assert editor.post(f"{DRAFT}bank/", bank).status_code == 302
    assert details.of_version(draft()).hotline == "95555"
    assert details.of_version(rulesets.published("replies", AT)).hotline == "400 000 0000"


def test_what_the_bank_must_write_itself_is_marked_until_it_did(editor):
    """Bodies and public hotlines come with the portal; places and names of the bank cannot."""
    bank = details.of_version(rulesets.published("replies", AT))
    assert (bank.mediation_phone, bank.court_phone) == ("12378", "12368")
    assert bank.mediation_zh
    assert bank.arbitration_en
    reader = as_role("auditor")
    page = reader.get(LIST).content.decode()
    for words in ("Needs your words", "Competent court, address in Chinese",
                  "still hold the example", "Hotline"):  # fmt: skip
        assert words in page, words
    assert f'href="{DRAFT}bank/"' not in reader.get(LIST).content.decode()
    own = {name: f"Own {name}" for name in details.NAMES}
    url = f'href="{DRAFT}bank/"'
    assert editor.get(DRAFT).content.decode().count(url) == 2  # in the menu and beside the mark
    half = own | {"court_address_zh": " "}
    stamp = {"version": draft().version, "number": draft().number}
    assert editor.post(f"{DRAFT}bank/", half | stamp).status_code == 302
    page = editor.get(DRAFT).content.decode()
    assert "Competent court, address in Chinese" in page
    assert "Competent court, address in English" not in page
    assert "still hold the example" not in page
    stamp = {"version": draft().version, "number": draft().number}
    assert editor.post(f"{DRAFT}bank/", own | stamp).status_code == 302
    assert "Needs your words" not in editor.get(DRAFT).content.decode()
    assert not rule_kinds.of("replies").check(draft())


def test_the_examples_are_those_the_portal_comes_with(house):
    delivered = details.of_version(rulesets.published("replies", AT))
    assert details.as_delivered(delivered) == list(details._EXAMPLES)
    assert set(details.LABELS) == set(details.NAMES)


def test_versions_are_published_compared_and_rolled_back(editor):
    editor.post(f"{DRAFT}templates/apology/", fields(name_en="Sorry", types=["OPN"]))
    editor.post(f"{DRAFT}templates/", fields())
    editor.post(f"{DRAFT}remove/macro/fee-dispute/", {"version": draft().version})
    editor.post(f"{DRAFT}bank/", {"version": draft().version, "number": draft().number,
                                  "hotline": "95555"})  # fmt: skip
    told = {"version": draft().version, "number": draft().number, "reason": "Better words"}
    assert editor.post(f"{DRAFT}publish/", told).status_code == 302
    page = editor.get(f"{LIST}compare/?a=1&b=2").content.decode()
    for words in ("Sorry", "Added", "Removed", "95555", "Fee dispute"):
        assert words in page, words
    assert "Nothing differs" in editor.get(f"{LIST}compare/?a=2&b=2").content.decode()
    assert editor.get(f"{LIST}?v=1&r=apology").status_code == 200
    assert editor.get(f"{LIST}compare/?a=1&b=x").status_code == 404
    assert editor.post(DRAFT, {"from": "1"}).status_code == 302
    assert ReplyTemplate.objects.get(rule_set=draft(), code="apology").name_en == "Apology"


def test_without_a_draft_the_editor_answers_in_words(house):
    client = as_role("admin")
    assert client.get(DRAFT).status_code == 302
    for url in (f"{DRAFT}templates/", f"{DRAFT}macros/", f"{DRAFT}bank/"):
        assert client.get(url).status_code == 409


def test_the_list_costs_the_same_whatever_it_holds(editor):
    few = queries(editor, DRAFT)
    for n in range(12):
        drafting.put_template(
            draft(),
            drafting.TemplateData(name_en=f"More {n}", name_zh="更多", body_en="a", body_zh="一"),
            code=None, actor=SYSTEM, at=AT, expected=None,
        )  # fmt: skip
    assert queries(editor, DRAFT) == few
