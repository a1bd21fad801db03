"""Erasing a customer: a canary planted everywhere is gone from every table, index, file and letter.

What remains are facts: states, times, figures, and a record that still verifies.
"""

import json
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.http import QueryDict
from django.utils import timezone
from PIL import Image

from complaints import bulk, identity, records, recusal, shifts, tagging, unsent, workflow
from complaints.bulk import results
from complaints.bundle import asking as bundles
from complaints.bundle.asking import Wish
from complaints.case_page import rows_for_page
from complaints.choices import Status
from complaints.conversation import promises, recalling, writing
from complaints.defaults import rules as default_rules
from complaints.holding import hold_cases
from complaints.models import Case, CaseRemedy, CaseStep, CaseTag, CaseTask
from complaints.relations import agents, chasing, linking, sources
from complaints.remedies import ledger
from complaints.replies import defaults as default_replies
from complaints.replies import macros, offering
from complaints.teamwork import asking, steps, task_force, tasks
from complaints.teamwork.asking import Asking
from complaints.workflow import payloads
from config.kernel import journal, outbox, saved, search, terms, thumbnails, verifying
from config.kernel.models import (
    Approval,
    Draft,
    EventWords,
    Job,
    JournalEntry,
    OutboxMessage,
    StoredFile,
    Term,
)
from config.shared.actors import SYSTEM
from customers import registering
from customers.erasing import ErasureRefused, erase_customers
from customers.models import ContactPoint, Customer
from staff.models import Person
from tests.factories.complaints import (
    bank,
    decide,
    default,
    do,
    in_state,
    open_case,
    rows,
)

pytestmark = pytest.mark.django_db
CANARY = "Kanarigelb"
PHONE, EMAIL, IDENTITY = "13877776666", "kanarigelb@example.com", "110101199003078515"
SONGS = ("kanarigelb", PHONE, IDENTITY)


@pytest.fixture
def house(settings, tmp_path):
    """The bank, with a media folder of its own: files of other tests may hold the same numbers."""
    settings.MEDIA_ROOT = tmp_path
    return bank()


def now():
    return timezone.now() - timedelta(minutes=20)


def customer_of(house, name=CANARY, phone=PHONE, email=EMAIL, identity=IDENTITY):
    """Register a customer whose every text is the canary."""
    contacts = [
        registering.ContactDraft("mobile", phone, preferred=True),
        registering.ContactDraft("email", email),
        registering.ContactDraft("wechat", f"wx-{name}"),
        registering.ContactDraft("address", f"{name} Street 1"),
    ]
    drafted = registering.CustomerDraft(
        name, id_kind="id_card", id_number=identity, contacts=contacts, vulnerable=["elderly"],
        external_ref=f"X-{name}",
    )  # fmt: skip
    [row] = registering.register([drafted], actor=house.actor("supervisor"), at=now())
    registering.change_tiers(
        Customer.objects.filter(pk=row.pk),
        tiers={row.pk: "key"},
        reason=f"{name} asked for it",
        on=timezone.localdate(),
        actor=house.actor("supervisor"),
        at=now(),
    )
    return Customer.objects.get(pk=row.pk)


def case_of(house, customer, **given):
    """Open a case with the canary in every text of the customer; institutions are facts."""
    told = {
        "customer": customer, "contact_name": CANARY, "contact_phone": PHONE,
        "contact_email": EMAIL, "core_issue": f"{CANARY} was charged", "content": f"{CANARY}!",
        "demand": f"{CANARY} wants it back", "expected_resolution": f"call {CANARY}",
        "product": f"{CANARY} card", "external_ref": f"E-{CANARY}", "referral_number": CANARY,
        "source_facts": {"note": CANARY},
    }  # fmt: skip
    return open_case(house, at=now(), **{**told, **given})


def live_through(house, client, customer):
    """Have everything happen to the customer's cases that leaves words behind."""
    case = answered(house, customer)
    others = asked_and_moved(house, customer)
    others += [helped(house, customer), spoken_of(house, customer), worked_on(house, customer)]
    saved.save_draft(
        house.pk("officer"), "case:new", {"customer": customer.number, "content": CANARY}, at=now()
    )
    saved.save_draft(house.pk("officer2"), "case:new", {"contact_name": CANARY}, at=now())
    saved.save_view("cases", CANARY, f"q={CANARY}", person_id=house.pk("officer"))
    load_a_file(house, client)
    return [case, *others]


def answered(house, customer):
    """A case that went its whole way, with everything somebody may add to it."""
    officer = house.actor("officer")
    case = case_of(house, customer)
    records.add_note(rows(case), f"{CANARY} sounded upset", actor=officer, at=now())
    call = records.Call("out", "reached", f"{CANARY} wants a letter", substance=True)
    records.log_call(rows(case), call, actor=officer, at=now())
    picture = SimpleUploadedFile(f"{CANARY}.png", drawn_picture() + CANARY.encode(), "image/png")
    records.attach(rows(case), picture, actor=officer, at=now())
    records.chase(rows(case), f"{CANARY} waits", actor=house.actor("supervisor"), at=now())
    do(house, case, "accept", at=now())
    do(house, case, "assess", at=now())
    do(house, case, "assign", at=now())
    do(house, case, "sign", by="depthead", at=now())
    said = {"answer": CANARY, "findings": CANARY, "basis": CANARY, "objection_ways": CANARY}
    answer = payloads.Answer(
        outcome="UPH", nature="SVC", cause="A1", responsibility="responsible", **said
    )
    records.tell_progress(rows(case), f"Dear {CANARY}", method="email", actor=officer, at=now())
    function = workflow.VERBS["propose"][0]
    assert function(rows(case), answer, actor=house.actor("handler"), at=now())[0].asked
    decide(house, case, "approved", by="depthead", note=f"fair to {CANARY}", at=now())
    do(house, case, "notify", payloads.Told("email", f"Dear {CANARY}"), at=now())
    outbox.deliver(now())
    OutboxMessage.objects.filter(about=case.about).update(last_error=f"550 <{EMAIL}> refused")
    return case


def asked_and_moved(house, customer):
    """Cases with words in requests, letters and the record."""
    other = case_of(house, customer, severity=3)
    refusing = payloads.Refusing("NDB", f"Dear {CANARY}, not ours.")
    asked = workflow.ask("refuse", rows(other), refusing, actor=house.actor("officer"), at=now())[0]
    assert asked.asked, asked
    away = case_of(house, customer, severity=4)
    do(house, away, "transfer", payloads.Transferring("Another Bank", CANARY), at=now())
    moved = case_of(house, customer, severity=1)
    do(house, moved, "edit_facts", payloads.FactsEdit({"product": f"{CANARY} two"}), at=now())
    withdrawn = in_state(house, Status.WITHDRAWN, at=now(), customer=customer)
    return [other, away, moved, withdrawn]


def drawn_picture():
    """Return a picture that can be drawn small."""
    target = BytesIO()
    Image.new("RGB", (8, 8), "navy").save(target, "PNG")
    return target.getvalue()


def picture_of():
    """Return a picture with the canary in its name and its content."""
    return SimpleUploadedFile(f"{CANARY}.png", drawn_picture() + CANARY.encode(), "image/png")


def helped(house, customer):
    """A case in which others help and money is paid."""
    officer, boss = house.actor("officer"), house.actor("supervisor")
    case = case_of(house, customer)
    who = {"name": CANARY, "phone": PHONE, "relation": CANARY}
    agent = agents.add(rows(case), who, upload=picture_of(), actor=officer, at=now())
    said = agents.Said("confirmed", f"{CANARY} says so")
    agents.check(rows(case), agent.pk, said, actor=officer, at=now())
    source = {"channel": terms.get("intake_channel", "TEL"), "number": CANARY, "body": "Regulator"}
    [source] = sources.add(rows(case), source, actor=officer, at=now())
    sources.answer(rows(case), source.pk, f"Dear {CANARY}", actor=officer, at=now())
    what = Asking(f"What did {CANARY} buy?", departments=[house.units["LOAN"].pk])
    [task] = asking.ask(rows(case), what, actor=boss, at=now())
    theirs = CaseTask.objects.filter(pk=task.pk)
    helper = house.actor("loan_handler")
    tasks.answer(theirs, f"{CANARY}: a card", uploads=[picture_of()], actor=helper, at=now())
    due = timezone.now() + timedelta(days=2)
    remedy = ledger.Promise("REF", house.pk("officer"), due, f"for {CANARY}", Decimal(10))
    ledger.promise(rows(case), remedy, actor=officer, at=now())
    paid = CaseRemedy.objects.filter(case=case)
    ledger.complete(paid, f"{CANARY} got it", proof=picture_of(), actor=officer, at=now())
    more = ledger.Promise("REF", house.pk("officer"), due, f"for {CANARY}", Decimal(5000))
    ledger.promise(rows(case), more, actor=officer, at=now())
    with hold_cases(rows(case)) as held:
        identity.override(held.rows[0], f"{CANARY} waits", actor=officer, at=now())
    return case


def spoken_of(house, customer):
    """A case people write about: to the customer, to each other, in lists and bundles."""
    officer = house.actor("officer")
    case = case_of(house, customer, severity=4, department=house.units["CMPT"])
    chasing.customer_chased(rows(case), f"{CANARY} waits", actor=officer, at=now())
    due = timezone.now() + timedelta(days=2)
    told = promises.Promise(due, method="phone", note=f"{CANARY} will hear")
    promises.change(rows(case), told, actor=officer, at=now())
    message = writing.Message("email", f"Dear {CANARY}", sure=True)
    [notice] = writing.write(rows(case), message, actor=officer, at=now())
    recalling.recall(rows(case), notice.pk, actor=officer, at=now())
    writing.receive(rows(case), f"{CANARY} wrote", method="email", actor=officer, at=now())
    post = {"media_risk": True, "media_platform": "Weibo", "media_link": f"https://x.cn/{CANARY}"}
    done = workflow.edit_facts(
        rows(case), payloads.FactsEdit({}, post, f"{CANARY} posts"), actor=officer, at=now()
    )
    assert done[0].done, done[0].why
    sent = QueryDict(f"text={CANARY}")
    unsent.keep(case, "write-note", sent, person_id=house.pk("officer"), at=now())
    linking.link(
        rows(case), case_of(house, customer).pk, "related", CANARY, actor=officer, at=now()
    )
    fresh = Case.objects.get(pk=case.pk)
    row = bulk.choosing.Chosen(
        fresh.pk, fresh.number, fresh.version, fresh.status, fresh.department_id
    )
    words = {"reason": f"{CANARY} again"}
    order = bulk.Order(
        bulk.ACTS["classify"],
        results.What({"trigger": "", "release": "R1"}, words),
        bulk.Picked([row], query=f"q={CANARY}"),
    )
    act, _new = bulk.begin(order, actor=officer, at=now())
    bulk.carry_out(act, house.scope("officer"), actor=officer, at=now())
    unit = Person.objects.get(pk=house.pk("officer")).department
    note = shifts.Words(f"Mind {CANARY}", {case.number: f"{CANARY} is upset"})
    shifts.sign_out(unit, note, actor=officer, at=now(), expected=0)
    wish = Wish(("record",), (), CANARY, f"{CANARY} sues", (CANARY,))
    bundles.ask(rows(case), wish, actor=house.actor("supervisor"), at=now())
    return case


def worked_on(house, customer):
    """A case with steps, tasks given back, a task force, tags, a macro and half-written forms."""
    officer, boss = house.actor("officer"), house.actor("supervisor")
    default_rules.load_playbooks(SYSTEM, now())
    default_replies.load(SYSTEM, now())
    case = case_of(house, customer, severity=4)
    do(house, case, "accept", at=now())
    opened = CaseStep.objects.filter(case=case)
    assert opened.count() >= 2
    first, second = opened.order_by("pk").values_list("pk", flat=True)[:2]
    steps.leave_out(opened.filter(pk=first), f"{CANARY} has it", actor=boss, at=now())
    steps.done(opened.filter(pk=second), words=f"{CANARY} called", actor=boss, at=now())
    for end in (tasks.refuse, tasks.cancel):
        what = Asking(f"Ask {CANARY}", departments=[house.units["LOAN"].pk])
        [task] = asking.ask(rows(case), what, actor=boss, at=now())
        end(CaseTask.objects.filter(pk=task.pk), f"{CANARY} is not ours", actor=boss, at=now())
    helper = house.pk("loan_handler")
    task_force.add(rows(case), [helper], f"knows {CANARY}", actor=boss, at=now())
    task_force.remove(rows(case), [helper], f"{CANARY} objects", actor=boss, at=now())
    recusal.name(rows(case), [house.pk("handler2")], f"aunt of {CANARY}", actor=boss, at=now())
    Term.objects.create(taxonomy="tag", code="vip-fee", name_en="VIP fee", name_zh="费")
    [tagged] = tagging.add(rows(case), ["vip-fee"], actor=boss, at=now())
    assert not tagged.why
    due = timezone.now() + timedelta(days=2)
    promise = ledger.Promise("REF", house.pk("officer"), due, f"for {CANARY}", Decimal(5))
    ledger.promise(rows(case), promise, actor=officer, at=now())
    ledger.cancel(CaseRemedy.objects.filter(case=case), f"{CANARY} waives", actor=boss, at=now())
    filled(house, case)
    sent = QueryDict(f"text={CANARY}&reason={CANARY}&answer={CANARY}")
    for form in ("write-email", "do-resolve", "macro-progress-note"):
        unsent.keep(case, form, sent, person_id=house.pk("officer"), at=now())
    return case


def filled(house, case):
    """Send a reply template filled from the case, and carry out a macro that writes."""
    fresh = rows_for_page().get(pk=case.pk)
    at, writer = timezone.now(), house.accounts["supervisor"].person
    macro = next(m for m in offering.macros_for(fresh, house.scope("supervisor"), at)
                 if offering.sends(m))  # fmt: skip
    plan = macros.plan(macro, fresh, writer, at)
    what = macros.Doing(plan, text=f"Dear {CANARY}", subject=f"To {CANARY}", sure=True)
    outcome = macros.perform(
        rows(fresh), what, actor=house.actor("supervisor"), at=at,
        expected={fresh.pk: Case.objects.get(pk=case.pk).version},
    )  # fmt: skip
    assert outcome is None or outcome.done, outcome


def look_at_pictures():
    """Have the small picture of every stored picture drawn; returns where they lie."""
    for stored in StoredFile.objects.all():
        thumbnails.read(stored)
    small = StoredFile.objects.exclude(thumbnail__in=["", thumbnails.UNDRAWABLE])
    return [Path(settings.MEDIA_ROOT) / stored.thumbnail for stored in small]


def load_a_file(house, client):
    """Load a file with the canary in a good and in a faulty row; write a file with it."""
    client.force_login(house.accounts["supervisor"], backend="staff.accounts.AccountBackend")
    heads = "Name,Contact,Time,Content,Status,Case number,Type"
    lines = [f"{CANARY},{PHONE},2026-02-30 10:00,{CANARY},{CANARY},X-1,{CANARY}"]
    content = "\n".join([heads, *lines]).encode()
    upload = SimpleUploadedFile(f"{CANARY}.csv", content, "text/csv")
    client.post("/imports/", {"file": upload, "profile": "", "key": ""})
    client.post("/exports/", {"state": "all", "format": "csv"})
    call_command("run_due")
    Job.objects.filter(state="checked").update(state="done", finished_at=now())


def dump():
    """Return (place, text) of every column of every table as the database holds it."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names of our own tables
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    raw = bytes(value) if isinstance(value, bytes | memoryview) else None
                    text = raw.decode("utf-8", "ignore") if raw is not None else str(value)
                    yield f"{table}.{name}", text


def read():
    """Return (place, text) of every field as the application reads it: decrypted."""
    for model in apps.get_models():
        for row in model._default_manager.all():
            for field in model._meta.concrete_fields:
                value = getattr(row, field.attname)
                text = json.dumps(value, default=str, ensure_ascii=False)
                yield f"{model._meta.label}.{field.name}", text


def media():
    """Return (place, text) of every stored file: its name and its content."""
    for path in Path(settings.MEDIA_ROOT).rglob("*"):
        if path.is_file():
            yield path.name, path.name
            yield path.name, path.read_bytes().decode("utf-8", "ignore")


def heard():
    """Return the places where the canary still sings."""
    found = [*dump(), *read(), *media()]
    return sorted({place for place, text in found if any(s in text.lower() for s in SONGS)})


def erase(house, customer):
    return erase_customers(
        Customer.objects.filter(pk=customer.pk), actor=house.actor("supervisor"), at=timezone.now()
    )


def test_the_canary_sings_before_and_is_silent_after(
    house, client, django_capture_on_commit_callbacks
):
    customer = customer_of(house)
    with django_capture_on_commit_callbacks(execute=True):
        cases = live_through(house, client, customer)
    small = look_at_pictures()
    assert len(small) >= 3
    assert all(path.is_file() for path in small)
    before = heard()
    for place in (
        "kernel.EventWords.text", "kernel.OutboxMessage.text", "kernel.Approval.words",
        "complaints.Case.answer", "kernel.Draft.body", "customers.Customer.name",
        "complaints.CaseAgent.name", "complaints.SourceRef.number", "complaints.Case.media_link",
        "complaints.ShiftHandOver.note", "complaints.ShiftHandOver.remarks",
        "kernel.SearchDoc.terms", "kernel.JobRow.value", "kernel.StoredFile.name",
    ):  # fmt: skip
        assert place in before, (place, before)
    states = {case.pk: Case.objects.get(pk=case.pk).status for case in cases}
    entries = JournalEntry.objects.count()

    with django_capture_on_commit_callbacks(execute=True):
        erase(house, customer)

    assert "\n".join(heard()) == ""
    assert not any(path.exists() for path in small)
    assert not Draft.objects.filter(key__startswith="case:").exists()
    assert CaseTag.objects.filter(case__in=cases, term__code="vip-fee").exists(), "a tag is a fact"
    assert list(verifying.faults()) == []
    call_command("verify_record")
    for case in cases:
        after = Case.objects.get(pk=case.pk)
        assert (after.status, after.customer_id) == (states[case.pk], customer.pk)
        assert after.received_at == case.received_at
        assert journal.first_fault(after) is None
    assert JournalEntry.objects.count() >= entries
    assert not EventWords.objects.filter(erased_at=None, entry__stream=cases[0].stream).exists()
    assert search.find("case", CANARY) == []
    assert search.find("customer", CANARY) == []
    assert not ContactPoint.objects.filter(customer=customer).exists()


def test_the_case_of_an_erased_customer_still_opens_and_says_so(house, client):
    customer = customer_of(house)
    case = case_of(house, customer)
    erase(house, customer)
    client.force_login(house.accounts["supervisor"], backend="staff.accounts.AccountBackend")
    for rest in ("", "side/", "timeline/", "parts/related/"):
        text = client.get(f"/cases/{case.number}/{rest}").content.decode()
        assert CANARY not in text
    assert "The words were erased." in client.get(f"/cases/{case.number}/").content.decode()
    assert client.get("/cases/?state=open").status_code == 200
    assert client.get("/").status_code == 200


def test_nobody_else_is_touched(house):
    first = customer_of(house)
    second = customer_of(
        house, "Rotkehlchen", "13811112222", "robin@example.com", "110101199003077037"
    )
    kept = open_case(
        house, at=now(), customer=second, contact_name="Rotkehlchen", core_issue="Kept",
        content="Rotkehlchen says so",
    )  # fmt: skip
    saved.save_draft(house.pk("officer"), "case:new", {"contact_name": "Rotkehlchen"}, at=now())
    erase(house, first)
    after = Case.objects.get(pk=kept.pk)
    assert (after.core_issue, after.contact_name) == ("Kept", "Rotkehlchen")
    assert Customer.objects.get(pk=second.pk).name == "Rotkehlchen"
    assert Draft.objects.count() == 1
    assert search.find("case", "Rotkehlchen") == [kept.pk]
    assert all(letter.to for letter in OutboxMessage.objects.filter(about=kept.about))


def test_erasing_twice_changes_nothing_more(house):
    customer = customer_of(house)
    case_of(house, customer)
    erase(house, customer)
    erase(house, customer)
    assert "\n".join(heard()) == ""
    assert list(verifying.faults()) == []


def test_a_legal_hold_keeps_the_words(house):
    customer = customer_of(house)
    case = case_of(house, customer)
    Customer.objects.filter(pk=customer.pk).update(legal_hold=True)
    with pytest.raises(ErasureRefused):
        erase(house, customer)
    assert Case.objects.get(pk=case.pk).content == f"{CANARY}!"


def test_letters_that_had_not_left_do_not_leave_any_more(house):
    customer = customer_of(house)
    case = case_of(house, customer)
    letters = OutboxMessage.objects.filter(about=case.about)
    assert letters.filter(ready_at__isnull=False).exists()
    erase(house, customer)
    assert outbox.deliver(timezone.now()) == 0
    assert not letters.filter(ready_at__isnull=False).exists()
    assert Approval.objects.count() == 0


def test_the_helper_of_this_test_hears_what_is_there(house):
    assert default(house, "claim", None) is None
    customer = customer_of(house)
    assert "customers.Customer.name" in heard()
    assert "customers_customer.name" not in heard(), "names are encrypted in the table"
    assert customer.name == CANARY
