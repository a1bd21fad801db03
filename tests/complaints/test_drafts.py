"""Unsent words: kept per person, case and form; back after a refusal; gone when done."""

import json

import pytest

from complaints import erasing, unsent
from config.kernel.models import Draft
from staff.models import Person
from tests.factories.complaints import AT, Bank, in_state, open_case, rows
from tests.factories.customers import CustomerFactory
from tests.portal.desks import signed_in

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
BACK = "Your unsent draft is back"


@pytest.fixture
def house(shared_house: Bank) -> Bank:
    return shared_house


def keep(client, case, form, **fields):
    return client.post(f"/cases/{case.number}/drafts/{form}/", fields)


def test_words_come_back_to_their_writer_alone(house):
    case = in_state(house, "in_progress")
    mine, other = (signed_in(house.accounts[name]) for name in ("officer", "supervisor"))
    words = {"text": "Dear Ms Wang, half a letter", "csrfmiddlewaretoken": "x", "sure": "on"}
    assert keep(mine, case, "write-email", **words).status_code == 204
    page = mine.get(f"/cases/{case.number}/")
    assert "Dear Ms Wang, half a letter" in page.content.decode()
    assert BACK in page.content.decode()
    current = [part["key"] for part in page.context["composers"] if part["current"]]
    assert current == ["email"]
    theirs = other.get(f"/cases/{case.number}/").content.decode()
    assert "half a letter" not in theirs
    assert BACK not in theirs
    row = Draft.objects.get()
    assert row.key == f"case:{case.pk}:write-email"
    assert row.body == '{"text": ["Dear Ms Wang, half a letter"]}'


def test_it_goes_when_the_form_is_done_and_stays_when_it_is_refused(house):
    case = in_state(house, "in_progress")
    client = signed_in(house.accounts["officer"])
    url = f"/cases/{case.number}/write/note/"
    assert client.post(f"/cases/{case.number}/write/email/", {"text": "[[gap]]"}).status_code == 422
    assert "[[gap]]" in Draft.objects.get(key__endswith="write-email").body
    keep(client, case, "write-note", text="Half")
    assert client.post(url, {"text": "Whole"}).status_code == 302
    assert not Draft.objects.filter(key__endswith="write-note").exists()
    assert Draft.objects.count() == 1


def test_the_dialog_of_a_move_comes_back_filled(house):
    case = in_state(house, "in_progress")
    client = signed_in(house.accounts["officer"])
    dialog = f"/cases/{case.number}/do/resolve/"
    keep(
        client, case, "do-resolve", answer="We refund", outcome="UPH", remedies=["APO"], version="1"
    )
    page = client.get(dialog)
    form = page.context["form"]
    assert BACK in page.content.decode()
    assert form["answer"].value() == "We refund"
    assert form["outcome"].value() == "UPH"
    assert form["version"].value() == case.version
    refused = client.post(
        dialog, {"version": case.version, "answer": "Longer words", "outcome": "UPH"}
    )
    assert refused.status_code == 422
    assert client.get(dialog).context["form"]["answer"].value() == "Longer words"
    stale = client.post(dialog, {"version": 0, "answer": "Stale words"})
    assert stale.status_code in {409, 422}
    assert client.get(dialog).context["form"]["answer"].value() == "Stale words"
    other = signed_in(house.accounts["supervisor"]).get(dialog)
    assert BACK not in other.content.decode()
    assert other.context["form"]["answer"].value() != "Stale words"


def test_a_move_that_is_done_forgets_its_words(house):
    case = in_state(house, "received")
    client = signed_in(house.accounts["officer"])
    keep(client, case, "do-accept", business_line="B-CC-02")
    sound = {"version": case.version, "no_interest": "on", "business_line": "B-CC-02"}
    assert client.post(f"/cases/{case.number}/do/accept/", sound).status_code == 302
    assert not Draft.objects.exists()


def test_an_empty_form_keeps_nothing_and_discarding_forgets(house):
    case = in_state(house, "in_progress")
    client = signed_in(house.accounts["officer"])
    keep(client, case, "write-call", text="  ", direction="out")
    assert not Draft.objects.exists()
    keep(client, case, "write-call", text="Called", direction="in")
    answer = client.post(
        f"/cases/{case.number}/drafts/write-call/drop/", headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert BACK not in answer.content.decode()
    assert not Draft.objects.exists()
    keep(client, case, "do-resolve", answer="Words")
    away = client.post(
        f"/cases/{case.number}/drafts/do-resolve/drop/", headers={"HX-Request": "true"}
    )
    assert away.status_code == 204
    assert "close-dialog" in away["HX-Trigger"]
    assert not Draft.objects.exists()
    keep(client, case, "do-resolve", answer="Words")
    plain = client.post(f"/cases/{case.number}/drafts/do-resolve/drop/")
    assert plain["Location"] == f"/cases/{case.number}/do/resolve/"


def test_only_forms_of_cases_one_may_open_are_kept(house):
    case = in_state(house, "in_progress")
    client = signed_in(house.accounts["officer"])
    assert keep(client, case, "write-poem", text="x").status_code == 404
    assert keep(client, case, "do-dance", text="x").status_code == 404
    assert keep(client, case, "shadow", text="x").status_code == 404
    assert keep(client, case, "write-note", text="x" * 250_000).status_code == 422
    stranger = signed_in(house.accounts["loan_handler"])
    assert keep(stranger, case, "write-note", text="x").status_code == 404
    assert not Draft.objects.exists()


def test_drafts_are_listed_for_their_writer_as_far_as_the_cases_are_open(house):
    case, other = in_state(house, "in_progress"), in_state(house, "in_progress")
    client = signed_in(house.accounts["officer"])
    keep(client, case, "write-sms", text="Half an SMS")
    keep(client, other, "do-resolve", answer="Half an answer")
    page = client.get("/drafts/").content.decode()
    for words in (
        case.number,
        other.number,
        "SMS",
        "Resolve",
        f"/cases/{other.number}/do/resolve/",
    ):
        assert words in page, words
    assert "Half an" not in page
    assert (
        case.number not in signed_in(house.accounts["supervisor"]).get("/drafts/").content.decode()
    )
    from complaints.models import CaseExclusion

    CaseExclusion.objects.create(case=other, person_id=house.pk("officer"), reason="named", at=AT)
    assert other.number not in client.get("/drafts/").content.decode()
    left = client.post(f"/cases/{case.number}/drafts/write-sms/drop/", {"from_list": "1"})
    assert left["Location"] == "/drafts/"
    assert [row.form for row in unsent.mine(house.scope("officer"))] == []


def test_erasing_a_customer_erases_what_was_written_about_the_case(house):
    customer = CustomerFactory.create(name="Kanari")
    case, other = open_case(house, customer=customer), open_case(house)
    client = signed_in(house.accounts["officer"])
    keep(client, case, "write-note", text="He lives at the lake")
    keep(client, other, "write-note", text="Somebody else")
    erasing.erase([customer.pk], AT)
    assert [row.key for row in Draft.objects.all()] == [f"case:{other.pk}:write-note"]
    assert rows(case).get().core_issue == ""


def test_a_form_whose_name_is_too_long_for_a_draft_is_none(house):
    case = in_state(house, "in_progress")
    client = signed_in(house.accounts["officer"])
    assert keep(client, case, f"macro-{'x' * 90}", text="Hello").status_code == 404
    assert not Draft.objects.exists()


def note_field(client, case, text=None):
    """Return the text area of the note: as it came back, or as it is refused with this text."""
    if text is None:
        page = client.get(case.get_absolute_url())
    else:
        page = client.post(f"/cases/{case.number}/write/note/", {"text": text}, headers=HTMX)
        assert page.status_code == 422
    form = next(tab["form"] for tab in page.context["composers"] if tab["key"] == "note")
    return form["text"].value(), form.fields["text"].widget.attrs.get("data-mentions-known", "")


def test_a_note_comes_back_with_names_and_the_people_behind_them(house):
    case = in_state(house, "in_progress")
    client = signed_in(house.accounts["officer"])
    head, other = (house.accounts[name].person for name in ("depthead", "loan_handler"))
    text = f"Look, @[{head.pk}] and @[{other.pk}]: @[{head.pk}]"
    keep(client, case, "write-note", text=text)
    shown, known = note_field(client, case)
    assert shown == f"Look, @{head.name_en} and @{other.name_en}: @{head.name_en}"
    assert json.loads(known) == {
        f"@{head.name_en}": head.pk
    }  # a handler of loans sees no card case
    assert note_field(client, case, text) == (shown, known)
    client.cookies["huiyin_language"] = "zh-hans"
    assert (
        note_field(client, case)[0]
        == f"Look, @{head.name_zh} and @{other.name_zh}: @{head.name_zh}"
    )


def test_a_note_comes_back_without_people_who_may_no_longer_see_the_case(house):
    case = in_state(house, "in_progress")
    client = signed_in(house.accounts["officer"])
    head = house.accounts["depthead"].person
    keep(client, case, "write-note", text=f"Look, @[{head.pk}] and @[987654]")
    assert json.loads(note_field(client, case)[1]) == {f"@{head.name_en}": head.pk}
    from complaints.models import CaseExclusion

    CaseExclusion.objects.create(case=case, person=head, reason="named", at=AT)
    assert note_field(client, case) == (f"Look, @{head.name_en} and @–", "")


def test_of_two_people_of_one_name_neither_is_mentioned_for_the_other(house):
    case = in_state(house, "in_progress")
    client = signed_in(house.accounts["officer"])
    head, second = (house.accounts[name].person for name in ("depthead", "supervisor"))
    Person.objects.filter(pk=second.pk).update(name_en=head.name_en)
    keep(client, case, "write-note", text=f"@[{head.pk}] @[{second.pk}]")
    assert note_field(client, case) == (f"@{head.name_en} @{head.name_en}", "")
