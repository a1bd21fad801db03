"""Dialogs of the moves through their addresses: refused in words, overtaken, asked, done once."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from complaints import records, workflow
from complaints.choices import Status
from complaints.models import Case
from complaints.workflow import MOVES, payloads
from config.kernel import journal
from config.kernel.models import Approval
from tests.factories.complaints import PNG, do, in_state, open_case, rows

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    return house.accounts[name]


def now():
    return timezone.now() - timedelta(minutes=30)


def post(client, case, verb, headers=HTMX, **data):
    data.setdefault("version", str(Case.objects.get(pk=case.pk).version))
    return client.post(f"/cases/{case.number}/do/{verb}/", data, headers=headers)


def state(case):
    return Case.objects.get(pk=case.pk).status


TAKE = {"business_line": "B-CC-02", "no_interest": "on"}
ANSWER = {
    "outcome": "UPH", "answer": "We refund the fee of 300 CNY.", "findings": "Booked twice.",
    "basis": "Tariff of 2026.", "objection_ways": "Review within 30 days.", "nature": "SVC",
    "cause": "A1", "responsibility": "responsible",
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_offered_dialog_opens_as_piece_and_as_page(client, house, language):
    enter(client, house, "supervisor")
    client.cookies["huiyin_language"] = language
    for status in (Status.RECEIVED, Status.ASSESSING, Status.IN_PROGRESS, Status.NOTIFIED):
        case = in_state(house, status, at=now())
        for move in workflow.moves.allowed(status):
            if move.by_system or move.verb in {"approve", "send_back", "edit_facts", "archive"}:
                continue
            url = f"/cases/{case.number}/do/{move.verb}/"
            piece, page = client.get(url, headers=HTMX), client.get(url)
            assert (piece.status_code, page.status_code) == (200, 200), url
            assert "<html" not in piece.content.decode()
            assert "<html" in page.content.decode()
            assert 'name="version"' in piece.content.decode()


def test_a_case_goes_its_whole_way_by_its_pages(client, house):
    case = open_case(house, at=now())
    steps = (
        ("officer", "accept", TAKE),
        ("officer", "assess", {}),
        ("officer", "assign", {"department_id": str(house.units["CARD"].pk)}),
        ("handler", "sign", {"no_interest": "on", "handler_id": str(house.pk("handler"))}),
        ("officer", "resolve", ANSWER),
        ("officer", "notify", {"method": "phone", "words": "Told her."}),
        ("officer", "confirm", {}),
    )
    for who, verb, data in steps:
        enter(client, house, who)
        response = post(client, case, verb, **data)
        assert response.status_code == 200, (verb, response.content.decode()[:3000])
        assert response["HX-Redirect"] == f"/cases/{case.number}/", verb
    assert state(case) == Status.CLOSED


def test_without_scripts_a_move_redirects_with_a_message(client, house):
    case = open_case(house, at=now())
    enter(client, house, "officer")
    response = post(client, case, "accept", headers={}, **TAKE)
    assert (response.status_code, response.url) == (302, f"/cases/{case.number}/")
    assert f"{case.number} is saved" in client.get(response.url).content.decode()


def test_the_slower_of_two_gets_409_with_who_did_what_and_keeps_the_words(client, house):
    case = open_case(house, at=now())
    seen = case.version
    do(house, case, "raise_severity", payloads.Grading(3, "Press called."), by="officer2", at=now())
    enter(client, house, "supervisor")
    words = "This is no matter of ours, sorry."
    data = {"reason_code": "NDB", "words": words, "version": str(seen)}
    response = post(client, case, "refuse", **data)
    text = response.content.decode()
    assert response.status_code == 409
    assert "Officer2 Test" in text
    assert words in text
    current = Case.objects.get(pk=case.pk).version
    assert f'name="version" value="{current}"' in text
    assert state(case) == Status.RECEIVED
    again = post(client, case, "refuse", **data | {"version": str(current)})
    assert (again.status_code, state(case)) == (200, Status.NOT_ACCEPTED)


def test_a_second_click_moves_nothing_twice(client, house):
    case = open_case(house, at=now())
    enter(client, house, "officer")
    version = str(case.version)
    assert post(client, case, "accept", version=version, **TAKE).status_code == 200
    seq = Case.objects.get(pk=case.pk).event_seq
    second = post(client, case, "accept", version=version, **TAKE)
    assert second.status_code == 409
    assert Case.objects.get(pk=case.pk).event_seq == seq


def test_a_move_that_the_state_does_not_allow_is_refused_in_words(client, house):
    case = open_case(house, at=now())
    enter(client, house, "supervisor")
    response = post(client, case, "notify", method="phone", words="x")
    assert response.status_code == 409
    assert 'role="alert"' in response.content.decode()
    assert state(case) == Status.RECEIVED


def test_what_is_missing_is_said_in_words(client, house):
    case = in_state(house, Status.IN_PROGRESS, at=now())
    enter(client, house, "officer")
    response = post(client, case, "resolve", answer="We refund it.")
    text = response.content.decode()
    assert response.status_code == 422
    for label in ("Outcome", "Root cause", "What was verified"):
        assert label in text
    assert "We refund it." in text
    assert state(case) == Status.IN_PROGRESS


BAD = {
    "no version": ("claim", {"version": ""}),
    "odd version": ("claim", {"version": "-1"}),
    "no tick": ("accept", {}),
    "unknown reason": ("refuse", {"reason_code": "NOPE", "words": "x"}),
    "empty words": ("refuse", {"reason_code": "NDB", "words": "  "}),
    "nul": ("refuse", {"reason_code": "NDB", "words": "a\x00b"}),
    "too long": ("refuse", {"reason_code": "NDB", "words": "字" * 20_001}),
    "unknown type": ("retype", {"type": "XXX", "reason": "x"}),
    "unknown severity": ("raise_severity", {"severity": "9", "reason": "x"}),
    "unknown person": ("assign_handler", {"handler_id": "999999"}),
    "no such case": ("merge", {"into_id": "C-2026-9999999", "reason": "x"}),
    "nul case": ("merge", {"into_id": "\x00", "reason": "x"}),
    "nowhere": ("transfer", {"receiver": "", "reason": "x"}),
    "no evidence": ("contain", {"words": "Card blocked."}),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_and_changes_nothing(client, house, name):
    verb, data = BAD[name]
    case = open_case(house, at=now())
    enter(client, house, "supervisor")
    before = Case.objects.get(pk=case.pk)
    response = post(client, case, verb, **data)
    after = Case.objects.get(pk=case.pk)
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()
    assert (after.version, after.event_seq, after.status) == (
        before.version, before.event_seq, before.status,
    )  # fmt: skip


def test_an_empty_post_is_a_refused_form_and_not_a_fresh_one(client, house):
    case = open_case(house, at=now())
    enter(client, house, "supervisor")
    assert client.post(f"/cases/{case.number}/do/refuse/", {}).status_code == 422
    assert client.post(f"/cases/{case.number}/facts/", {}).status_code == 422


def test_a_case_is_merged_only_into_one_the_reader_may_open(client, house):
    case = open_case(house, at=now())
    tip = open_case(house, at=now(), type="TIP")
    other = open_case(house, at=now())
    enter(client, house, "supervisor")
    hidden = post(client, case, "merge", into_id=tip.number, reason="Same.")
    itself = post(client, case, "merge", into_id=case.number, reason="Same.")
    assert (hidden.status_code, itself.status_code) == (422, 422)
    assert (
        post(client, case, "merge", into_id=other.number.lower(), reason="Same.").status_code == 200
    )
    assert Case.objects.get(pk=case.pk).merged_into_id == other.pk


def test_who_may_only_ask_asks_and_the_case_stays(client, house):
    case = open_case(house, at=now())
    enter(client, house, "officer")
    assert "Ask: Refuse" in client.get(f"/cases/{case.number}/do/refuse/").content.decode()
    response = post(client, case, "refuse", reason_code="NDB", words="This is no matter of ours.")
    assert response.status_code == 200
    assert state(case) == Status.RECEIVED
    request = Approval.objects.get(about=case.about)
    assert (request.state, request.asked_by_id) == ("pending", house.pk("officer"))


def test_evidence_is_kept_with_the_move_and_a_bad_file_stops_it(client, house):
    case = in_state(house, Status.IN_PROGRESS, at=now(), severity=4)
    enter(client, house, "supervisor")
    bad = SimpleUploadedFile("run.exe", b"MZ\x90", "image/png")
    response = post(client, case, "contain", words="Card blocked.", file=bad)
    assert response.status_code == 422
    assert "Card blocked." in response.content.decode()
    assert not case.attachments.exists()
    good = SimpleUploadedFile("proof.png", PNG, "image/png")
    assert post(client, case, "contain", words="Card blocked.", file=good).status_code == 200
    assert case.attachments.count() == 1
    assert Case.objects.get(pk=case.pk).contained_at is not None


def test_after_sending_it_away_the_sender_lands_on_a_page_that_opens(client, house):
    case = in_state(house, Status.ASSIGNED, at=now())
    enter(client, house, "depthead")
    response = post(client, case, "return", reason="Not a card matter.")
    assert response.status_code == 200
    assert client.get(response["HX-Redirect"]).status_code == 200


def test_facts_are_corrected_with_their_old_value_kept(client, house):
    case = open_case(house, at=now())
    enter(client, house, "officer")
    page = client.get(f"/cases/{case.number}/facts/", headers=HTMX).content.decode()
    assert case.core_issue in page
    data = {
        "version": str(case.version), "core_issue": "Annual fee charged twice",
        "content": case.content, "demand": case.demand, "business_line": "B-CC-02",
        "business_channel": "WBK", "reason": "Misheard",
    }  # fmt: skip
    assert client.post(f"/cases/{case.number}/facts/", data, headers=HTMX).status_code == 200
    after = Case.objects.get(pk=case.pk)
    assert (after.core_issue, after.business_channel.code) == ("Annual fee charged twice", "WBK")
    entry = journal.entries(case.stream).get(action="case.edit_facts")
    assert journal.words_of([entry])[entry.pk]["core_issue_before"] == case.core_issue
    stale = client.post(
        f"/cases/{case.number}/facts/", data | {"core_issue": "Other"}, headers=HTMX
    )
    assert stale.status_code == 409
    assert "Other" in stale.content.decode()


def test_saving_facts_without_a_change_writes_nothing(client, house):
    case = open_case(house, at=now())
    enter(client, house, "officer")
    page = client.get(f"/cases/{case.number}/facts/").context["form"]
    data = {name: page[name].value() or "" for name in page.fields}
    assert client.post(f"/cases/{case.number}/facts/", data).status_code == 302
    after = Case.objects.get(pk=case.pk)
    assert (after.version, after.event_seq) == (case.version, case.event_seq)


@pytest.mark.parametrize(
    ("who", "verb", "status"),
    [("analyst", "accept", 403), ("approver", "accept", 403), ("loan_handler", "sign", 404),
     ("handler2", "accept", 403), ("handler2", "transfer", 403), ("compliance", "accept", 404),
     ("agent", "assign", 404)],
)  # fmt: skip
def test_who_may_not_is_refused_in_the_order_of_the_house(client, house, who, verb, status):
    case = in_state(house, Status.RECEIVED, at=now())
    enter(client, house, who)
    assert client.get(f"/cases/{case.number}/do/{verb}/").status_code == status
    assert post(client, case, verb).status_code == status
    assert state(case) == Status.RECEIVED


def test_an_officer_may_not_move_the_case_of_another_officer(client, house):
    case = open_case(house, at=now(), by="officer2")
    enter(client, house, "officer")
    assert client.get(f"/cases/{case.number}/").status_code == 200
    assert client.get(f"/cases/{case.number}/do/accept/").status_code == 403
    assert client.get(f"/cases/{case.number}/facts/").status_code == 403


def test_the_dialog_of_people_never_offers_somebody_named_in_the_case(client, house):
    case = in_state(house, Status.ASSIGNED, at=now(), named_ids=(house.pk("handler2"),))
    enter(client, house, "supervisor")
    text = client.get(f"/cases/{case.number}/do/sign/", headers=HTMX).content.decode()
    assert "Handler Test" in text
    assert "Handler2 Test" not in text
    response = post(client, case, "sign", handler_id=str(house.pk("handler2")), no_interest="on")
    assert response.status_code == 422


def test_moves_cost_the_same_however_long_the_history(client, house, counted):
    enter(client, house, "officer")
    for total in (0, 25):
        case = open_case(house, at=now())
        version = str(case.version)
        for n in range(total):
            records.add_note(rows(case), f"n{n}", actor=house.actor("officer"), at=now())
        client.get(f"/cases/{case.number}/do/accept/", headers=HTMX)
        with counted("move dialog"):
            client.get(f"/cases/{case.number}/do/accept/", headers=HTMX)
        with counted("move accept"):
            post(client, case, "accept", version=version, **TAKE)


def test_every_verb_of_the_table_has_an_address_or_a_reason_not_to(client, house):
    case = open_case(house, at=now())
    enter(client, house, "supervisor")
    for verb in MOVES:
        found = client.get(f"/cases/{case.number}/do/{verb}/").status_code
        hidden = verb in {"approve", "send_back", "edit_facts", "archive"}
        assert found == (404 if hidden else 200) or (verb == "set_major" and found == 200), verb
