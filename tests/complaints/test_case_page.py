"""The case page through its addresses: cost, scope, masks, composer, files, reveal, parts."""

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from complaints import identity, records
from complaints.choices import Status
from complaints.models import (
    CallRecord,
    Case,
    CaseAttachment,
    CaseExclusion,
    CaseResponsibility,
    CaseTag,
    CustomerNotice,
)
from config.kernel import files, journal
from config.kernel.models import JournalEntry, OutboxMessage, Term
from tests.conftest import QUERY_COUNTS
from tests.factories.complaints import PNG, in_state, open_case, rows
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
NAME, PHONE = "欧阳小满", "13812345678"


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    return house.accounts[name]


def now():
    return timezone.now() - timedelta(minutes=30)


def fresh(house, **given):
    """Return a case of today about somebody whose name stands in the words too."""
    told = {
        "contact_name": NAME, "contact_phone": PHONE, "contact_email": "ouyang@example.com",
        "content": f"{NAME} was charged twice, call {PHONE}.", "demand": f"{NAME} wants it back.",
        "expected_resolution": f"Call {NAME}.", "core_issue": f"{NAME}: fee twice",
    }  # fmt: skip
    return open_case(house, at=now(), **{**told, **given})


def url(case, rest=""):
    return f"/cases/{case.number}/{rest}"


def actions(case):
    return list(journal.entries(case.stream).values_list("action", flat=True))


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(
    "state", [Status.RECEIVED, Status.IN_PROGRESS, Status.PENDING_APPROVAL, Status.CLOSED]
)
def test_the_page_stands_in_every_stage_and_language(client, house, language, state):
    case = in_state(house, state, at=now())
    enter(client, house, "supervisor")
    client.cookies["huiyin_language"] = language
    response = client.get(url(case))
    text = response.content.decode()
    assert response.status_code == 200
    assert case.number in text
    assert case.core_issue in text
    assert response["Cache-Control"] == "private, no-store"


def test_the_page_costs_the_same_for_a_short_and_a_long_history(client, house, counted):
    customer = CustomerFactory.create(name=NAME, rm=house.accounts["handler"].person)
    case = in_state(house, Status.IN_PROGRESS, at=now(), customer=customer)
    enter(client, house, "supervisor")
    client.get(url(case))
    for total in (3, 30):
        for n in range(total):
            records.add_note(rows(case), f"note {n}", actor=house.actor("officer2"), at=now())
        with counted("case page"):
            client.get(url(case))
        with counted("case timeline"):
            client.get(url(case, "timeline/"), headers=HTMX)
        with counted("case side"):
            client.get(url(case, "side/"), headers=HTMX)
        with counted("case rail"):
            client.get(url(case, "rail/"), headers=HTMX)


def test_tags_and_findings_are_shown_and_cost_no_further_query(client, house, counted):
    case = in_state(house, Status.IN_PROGRESS, at=now())
    enter(client, house, "supervisor")
    client.get(url(case))
    with counted("case page"):
        client.get(url(case))
    terms = list(Term.objects.filter(taxonomy="tag", active=True).order_by("order", "pk")[:2])
    CaseTag.objects.bulk_create(CaseTag(case=case, term=term, at=now()) for term in reversed(terms))
    units = [house.accounts[name].person.department for name in ("handler", "loan_handler")]
    assert units[0] != units[1]
    CaseResponsibility.objects.bulk_create(
        CaseResponsibility(case=case, department=unit, finding=finding)
        for unit, finding in zip(units, ("partly", "none"), strict=True)
    )
    with counted("case page"):
        text = client.get(url(case)).content.decode()
    assert [text.index(term.label) for term in terms] == sorted(text.index(t.label) for t in terms)
    assert f"{units[0].label}: Partly responsible" in text
    assert f"{units[1].label}: Not responsible" in text


def test_the_page_stays_within_its_budget():
    known = json.loads(QUERY_COUNTS.read_text(encoding="utf-8"))
    assert known["case page"] <= 16  # 4 of them: session, account, grants, units
    assert known["case timeline"] <= 11  # one of them: the names of codes in its sentences


def test_who_is_not_concerned_gets_404_and_learns_nothing(client, house):
    case = fresh(house)
    enter(client, house, "loan_handler")
    for rest in ("", "timeline/", "side/", "rail/", "parts/routing/", "do/accept/", "facts/"):
        response = client.get(url(case, rest))
        assert response.status_code == 404, rest
        assert NAME not in response.content.decode()
    assert client.get("/cases/C-2026-9999999/").status_code == 404
    assert client.post("/fragments/claim/%00/").status_code == 404
    assert client.post(url(case, "write/note/"), {"text": "hello"}).status_code == 404
    assert client.post(url(case, "reveal/"), {"reason": "curious"}).status_code == 404
    assert actions(case) == ["case.opened"] or "case.note" not in actions(case)


def test_a_person_who_is_named_never_sees_the_case(client, house):
    case = fresh(house)
    me = enter(client, house, "supervisor")
    assert client.get(url(case)).status_code == 200
    CaseExclusion.objects.create(case=case, person=me.person, reason="named", at=now())
    for rest in ("", "side/", "timeline/", "do/accept/"):
        assert client.get(url(case, rest)).status_code == 404
    assert client.post(url(case, "write/note/"), {"text": "x"}).status_code == 404


def test_a_tip_is_open_to_compliance_only(client, house):
    case = fresh(house, type="TIP")
    for name, status in {
        "officer": 404,
        "supervisor": 404,
        "analyst": 404,
        "compliance": 200,
    }.items():
        enter(client, house, name)
        assert client.get(url(case)).status_code == status, name


def test_an_analyst_reads_the_case_without_name_and_number(client, house):
    customer = CustomerFactory.create(name=NAME, phone=PHONE)
    case = fresh(house, customer=customer)
    records.add_note(rows(case), f"{NAME} called again", actor=house.actor("officer"), at=now())
    enter(client, house, "analyst")
    for rest in ("", "timeline/", "side/", "parts/related/"):
        text = client.get(url(case, rest)).content.decode()
        assert NAME not in text, rest
        assert PHONE not in text, rest
        assert "ouyang@example.com" not in text, rest
    assert "欧••" in client.get(url(case)).content.decode()
    assert client.get(url(case, "reveal/")).status_code == 403


def test_contact_data_is_shown_for_a_reason_and_stands_in_the_record(client, house):
    case = fresh(house)
    enter(client, house, "officer")
    assert PHONE not in client.get(url(case, "side/")).content.decode()
    refused = client.post(url(case, "reveal/"), {"reason": "  "}, headers=HTMX)
    assert (refused.status_code, PHONE in refused.content.decode()) == (422, False)
    assert "case.revealed" not in actions(case)
    identity.check(rows(case), "questions", "passed", actor=house.actor("officer"), at=now())
    shown = client.post(url(case, "reveal/"), {"reason": "Call her back."}, headers=HTMX)
    assert PHONE in shown.content.decode().replace(" ", "").replace("+86", "")
    entry = journal.entries(case.stream).get(action="case.revealed")
    assert entry.actor_id == house.pk("officer")
    assert journal.words_of([entry])[entry.pk] == {"reason": "Call her back."}
    assert "<html" in client.post(url(case, "reveal/"), {"reason": "Again."}).content.decode()


def test_a_note_is_kept_and_the_customer_never_gets_it(client, house):
    case = fresh(house)
    before = OutboxMessage.objects.count()
    enter(client, house, "officer")
    response = client.post(url(case, "write/note/"), {"text": "Check the tariff."}, headers=HTMX)
    assert response.status_code == 200
    assert "case-changed" in response["HX-Trigger"]
    assert "Check the tariff." in client.get(url(case, "timeline/"), headers=HTMX).content.decode()
    assert OutboxMessage.objects.count() == before
    plain = client.post(url(case, "write/note/"), {"text": "Second."}, follow=True)
    assert plain.redirect_chain[0][0] == url(case)
    assert "Second." in plain.content.decode()


BAD_WORDS = ["", "   ", "\x00", "a\x00b", "字" * 20_001]


@pytest.mark.parametrize("kind", ["note", "call", "progress"])
def test_words_that_cannot_be_kept_come_back_with_a_reason(client, house, kind):
    case = fresh(house)
    enter(client, house, "supervisor")
    seq = Case.objects.get(pk=case.pk).event_seq
    for text in BAD_WORDS:
        data = {"text": text, "direction": "out", "result": "reached", "method": "email"}
        response = client.post(url(case, f"write/{kind}/"), data, headers=HTMX)
        assert response.status_code == 422, text[:9]
        assert 'role="alert"' in response.content.decode()
    assert Case.objects.get(pk=case.pk).event_seq == seq


def test_the_first_call_with_substance_stops_the_response_clock(client, house):
    case = fresh(house)
    enter(client, house, "officer")
    data = {"text": "Told her we look into it.", "direction": "out", "result": "reached",
            "substance": "on", "minutes": "4"}  # fmt: skip
    assert client.post(url(case, "write/call/"), data, headers=HTMX).status_code == 200
    call = CallRecord.objects.get(case=case)
    assert (call.direction, call.seconds) == ("out", 240)
    assert Case.objects.get(pk=case.pk).first_response_at is not None
    odd = client.post(url(case, "write/call/"), data | {"direction": "up"}, headers=HTMX)
    assert (odd.status_code, "Told her we look into it." in odd.content.decode()) == (422, True)
    assert CallRecord.objects.count() == 1


def test_a_progress_notice_leaves_by_letter_or_is_refused_without_an_address(client, house):
    case = fresh(house)
    enter(client, house, "supervisor")
    data = {"text": "We are still looking into it.", "method": "email", "sure": "on"}
    before = OutboxMessage.objects.count()
    assert client.post(url(case, "write/progress/"), data, headers=HTMX).status_code == 200
    assert OutboxMessage.objects.count() == before + 1
    assert CustomerNotice.objects.filter(case=case, purpose="progress").exists()
    mute = fresh(house, contact_email="", contact_phone="")
    refused = client.post(url(mute, "write/progress/"), data, headers=HTMX)
    assert refused.status_code == 422
    assert "no address" in refused.content.decode()
    assert "We are still looking into it." in refused.content.decode()


def test_an_unknown_kind_of_entry_part_or_verb_is_no_page(client, house):
    case = fresh(house)
    enter(client, house, "supervisor")
    assert client.post(url(case, "write/poem/"), {"text": "x"}).status_code == 404
    for rest in ("parts/nonsense/", "do/nonsense/", "do/approve/", "do/archive/", "clocks/999999/"):
        assert client.get(url(case, rest)).status_code == 404, rest
    assert client.get(url(case, "write/note/")).status_code == 405


def upload(name="proof.png", content=PNG, kind="image/png"):
    return {"file": SimpleUploadedFile(name, content, kind)}


def test_an_attached_file_comes_back_as_a_sandboxed_download_and_each_look_is_recorded(
    client, house
):
    case = fresh(house)
    enter(client, house, "officer")
    assert (
        client.post(url(case, "write/attach/"), upload("证据.png"), headers=HTMX).status_code == 200
    )
    stored = CaseAttachment.objects.get(case=case).file
    response = client.get(url(case, f"files/{stored.token}/"))
    assert b"".join(response.streaming_content) == PNG
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert response["Cache-Control"] == "private, no-store"
    assert actions(case)[-1] == "case.file_opened"
    enter(client, house, "loan_handler")
    assert client.get(url(case, f"files/{stored.token}/")).status_code == 404
    assert actions(case).count("case.file_opened") == 1


def test_a_file_is_handed_out_through_its_own_case_only(client, house):
    case, other = fresh(house), fresh(house)
    enter(client, house, "officer")
    client.post(url(case, "write/attach/"), upload(), headers=HTMX)
    stored = CaseAttachment.objects.get().file
    assert client.get(url(other, f"files/{stored.token}/")).status_code == 404
    files.erase(stored, at=now())
    assert client.get(url(case, f"files/{stored.token}/")).status_code == 404


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.exe", b"MZ\x90\x00" + b"\x00" * 64),
        ("page.html", b"<script>alert(1)</script>"),
        ("picture.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("photo.png", b"%PDF-1.7 not a picture"),
        ("empty.png", b""),
        ("macro.docm", b"PK\x03\x04" + b"\x00" * 64),
    ],
)
def test_files_of_other_kinds_are_refused_in_words(client, house, name, content):
    case = fresh(house)
    enter(client, house, "officer")
    response = client.post(url(case, "write/attach/"), upload(name, content), headers=HTMX)
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()
    assert not CaseAttachment.objects.exists()


def test_a_file_beyond_the_limit_is_refused(client, house, settings):
    settings.ATTACHMENT_MAX_BYTES = 1000
    case = fresh(house)
    enter(client, house, "officer")
    response = client.post(
        url(case, "write/attach/"), upload(content=PNG + b"0" * 2000), headers=HTMX
    )
    assert response.status_code == 422
    assert not CaseAttachment.objects.exists()


def test_chasing_reminds_the_handler_and_needs_words_and_an_open_case(client, house):
    case = in_state(house, Status.IN_PROGRESS, at=now())
    enter(client, house, "supervisor")
    assert client.get(url(case, "chase/"), headers=HTMX).status_code == 200
    assert client.post(url(case, "chase/"), {"reason": " "}).status_code == 422
    assert client.post(url(case, "chase/"), {"reason": "Please answer."}).status_code == 302
    assert "case.chase" in actions(case)
    closed = in_state(house, Status.CLOSED, at=now())
    response = client.post(url(closed, "chase/"), {"reason": "Please answer."}, headers=HTMX)
    assert response.status_code == 422
    assert "Nothing can be added" in response.content.decode()
    assert "Please answer." in response.content.decode()


def test_the_timeline_is_cut_by_kind_and_never_by_an_odd_one(client, house):
    case = fresh(house)
    records.add_note(rows(case), "Inner thought", actor=house.actor("officer"), at=now())
    enter(client, house, "officer")
    assert "Inner thought" in client.get(url(case, "?show=notes")).content.decode()
    assert "Inner thought" not in client.get(url(case, "?show=customer")).content.decode()
    assert "Inner thought" in client.get(url(case, "?show=%00")).content.decode()
    assert "<html" in client.get(url(case, "timeline/")).content.decode()
    assert "<html" not in client.get(url(case, "timeline/"), headers=HTMX).content.decode()


def test_each_running_clock_says_why_it_is_due_then(client, house):
    case = fresh(house)
    enter(client, house, "officer")
    running = list(case.clocks.filter(state="running"))
    assert running
    for clock in running:
        for headers, page in ((HTMX, False), ({}, True)):
            response = client.get(url(case, f"clocks/{clock.pk}/"), headers=headers)
            assert response.status_code == 200
            assert ("<html" in response.content.decode()) is page
    foreign = fresh(house)
    other = foreign.clocks.first()
    assert client.get(url(case, f"clocks/{other.pk}/")).status_code == 404


def test_routing_and_related_are_told_without_what_is_hidden(client, house):
    case = fresh(house)
    earlier = fresh(house, core_issue="Earlier matter")
    tip = fresh(house, type="TIP", core_issue="Hidden matter")
    enter(client, house, "officer")
    text = client.get(url(case, "parts/related/"), headers=HTMX).content.decode()
    assert earlier.number in text
    assert tip.number not in text
    routed = client.get(url(case, "parts/routing/"), headers=HTMX).content.decode()
    assert "CARD" in routed
    assert "<html" in client.get(url(case, "parts/routing/")).content.decode()


def test_the_rail_keeps_the_list_the_reader_came_from(client, house):
    case, other = fresh(house), fresh(house)
    enter(client, house, "officer")
    page = client.get(url(case), headers={"Referer": "http://testserver/cases/?state=open&q=fee"})
    assert "rail/?state=open&amp;q=fee" in page.content.decode()
    text = client.get(url(case, "rail/?state=open"), headers=HTMX).content.decode()
    assert other.number in text
    assert 'aria-current="page"' in text
    for query in ("page=%00", "sort=x", "state=%FF&page=AAAA"):
        assert client.get(url(case, f"rail/?{query}"), headers=HTMX).status_code == 200


def test_words_of_others_never_become_markup(client, house):
    case = fresh(house, core_issue="<script>alert(1)</script>", content="<img src=x onerror=1>")
    records.add_note(rows(case), "<b onclick=1>x</b>", actor=house.actor("officer"), at=now())
    enter(client, house, "officer")
    text = client.get(url(case)).content.decode()
    for markup in ("<script>alert", "<img src=x", "<b onclick"):
        assert markup not in text


def test_reading_changes_nothing(client, house):
    case = fresh(house)
    enter(client, house, "supervisor")
    before = JournalEntry.objects.count(), Case.objects.get(pk=case.pk).version
    parts = (
        "timeline", "side", "rail", "parts/routing", "parts/related", "do/accept", "facts", "chase",
        "reveal",
    )  # fmt: skip
    for rest in ("", *(f"{part}/" for part in parts)):
        assert client.get(url(case, rest)).status_code == 200, rest
    assert (JournalEntry.objects.count(), Case.objects.get(pk=case.pk).version) == before
