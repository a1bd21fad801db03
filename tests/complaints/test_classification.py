"""Facts and classification: corrections with a reason, media, release, emotions, severity."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from complaints import workflow
from complaints.choices import Severity, Status
from complaints.models import Case, CaseClock
from complaints.workflow import Refusal, guards, payloads
from config.kernel import journal
from config.kernel.terms import get
from tests.factories.complaints import ANSWER, AT, PNG, in_state, open_case, rows

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")


def now():
    return timezone.now() - timedelta(minutes=30)


def edit(house, case, values, reason="", person="officer"):
    what = payloads.FactsEdit({}, values, reason)
    return workflow.edit_facts(rows(case), what, actor=house.actor(person), at=AT)[0]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"cause": "A1"}, {"cause": "A3"}),
        ({"nature": "SVC"}, {"nature": "MGT"}),
        ({"trigger": "ATT"}, {"trigger": "PROC"}),
        ({"loss_amount": Decimal(0)}, {"loss_amount": Decimal(10)}),
        ({"emotion": 0}, {"emotion": 2}),
        ({"vulnerable": True}, {"vulnerable": False}),
    ],
)
def test_a_classification_that_was_set_is_corrected_only_with_a_reason(house, first, then):
    case = open_case(house)
    assert edit(house, case, first).done
    refused = edit(house, case, then)
    assert refused.refused is Refusal.GUARD
    assert "Say why" in refused.why
    assert edit(house, case, then, "Heard the recording again").done
    entry = journal.entries(case.stream).filter(action="case.edit_facts").last()
    [name] = then
    assert f"{name}_before" in journal.facts_of(entry)
    assert journal.words_of([entry])[entry.pk]["reason"] == "Heard the recording again"


def test_the_mood_of_now_changes_without_a_reason(house):
    case = open_case(house)
    assert edit(house, case, {"emotion_now": 4}).done
    assert edit(house, case, {"emotion_now": 1}).done


@pytest.mark.parametrize("cause", ["C2", "C3"])
def test_causes_of_a_change_ask_for_the_release(house, cause):
    case = open_case(house)
    refused = edit(house, case, {"cause": cause})
    assert refused.refused is Refusal.GUARD
    assert "release" in refused.why
    assert edit(house, case, {"cause": cause, "release": "App 9.2"}).done
    saved = Case.objects.get(pk=case.pk)
    assert (saved.cause.code, saved.release) == (cause, "App 9.2")


def test_the_decision_waits_for_the_release(house):
    case = open_case(house)
    Case.objects.filter(pk=case.pk).update(cause=get("cause", "C2"))
    case = Case.objects.select_related("type", "cause").get(pk=case.pk)
    assert "release" in {guard.key for guard in guards.missing(case, "resolve")}
    case.release = "Core 4"
    assert "release" not in {guard.key for guard in guards.missing(case, "resolve")}


def test_the_decision_may_bring_the_release_with_it(house):
    case = in_state(house, Status.IN_PROGRESS)
    bare = replace(ANSWER, cause="C2")
    outcome = workflow.resolve(rows(case), bare, actor=house.actor("officer"), at=AT)[0]
    assert outcome.refused is Refusal.GUARD
    whole = replace(bare, release="Core 2026-09")
    assert workflow.resolve(rows(case), whole, actor=house.actor("officer"), at=AT)[0].done
    assert Case.objects.get(pk=case.pk).release == "Core 2026-09"


def test_media_risk_needs_its_platform_and_raises_the_severity(house):
    case = open_case(house)
    assert case.severity < Severity.HIGH
    refused = edit(house, case, {"media_risk": True})
    assert refused.refused is Refusal.GUARD
    assert edit(house, case, {"media_risk": True, "media_platform": "Weibo"}).done
    saved = Case.objects.get(pk=case.pk)
    assert (saved.media_risk, saved.severity) == (True, Severity.HIGH)
    entry = journal.entries(case.stream).filter(action="case.edit_facts").last()
    assert journal.facts_of(entry)["severity_before"] == case.severity
    policies = CaseClock.objects.filter(case=case, name="resolve").order_by("pk")
    assert policies.last().limit.policy.severities == [Severity.HIGH]


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        ({"loss_amount": Decimal(50_000)}, Severity.HIGH),
        ({"loss_amount": Decimal(500_000)}, Severity.CRITICAL),
        ({"emotion_now": 5}, Severity.HIGH),
        ({"emotion": 4}, Severity.MEDIUM),
        ({"amount": Decimal(900_000)}, Severity.MEDIUM),
    ],
)
def test_facts_demand_a_severity_and_never_lower_it(house, values, severity):
    case = open_case(house)
    Case.objects.filter(pk=case.pk).update(severity=Severity.MEDIUM)
    assert edit(house, case, values).done
    assert Case.objects.get(pk=case.pk).severity == severity
    Case.objects.filter(pk=case.pk).update(severity=Severity.CRITICAL)
    assert edit(house, case, {"loss_amount": Decimal(1)}, "Typed wrongly").done
    assert Case.objects.get(pk=case.pk).severity == Severity.CRITICAL


def test_the_dialog_keeps_what_was_typed_and_names_the_missing_reason(client, house):
    case = open_case(house, at=now())
    assert edit(house, case, {"nature": "SVC"}).done
    enter(client, house, "officer")
    form = client.get(f"/cases/{case.number}/facts/").context["form"]
    data = {
        name: form[name].value() if form[name].value() not in (None, False) else ""
        for name in form.fields
    }
    data |= {"nature": "MGT", "product": "Gold card"}
    data.pop("screenshot")
    for name in ("vulnerable", "media_risk"):
        data.pop(name)
    answer = client.post(f"/cases/{case.number}/facts/", data, headers=HTMX)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Say why you correct" in page
    assert "Gold card" in page
    data["reason"] = "The branch explained it"
    assert client.post(f"/cases/{case.number}/facts/", data, headers=HTMX).status_code == 200
    saved = Case.objects.get(pk=case.pk)
    assert (saved.nature.code, saved.product) == ("MGT", "Gold card")


def test_a_picture_of_the_post_becomes_an_attachment(client, house):
    case = open_case(house, at=now())
    enter(client, house, "officer")
    form = client.get(f"/cases/{case.number}/facts/").context["form"]
    data = {name: form[name].value() or "" for name in form.fields if name != "screenshot"}
    for name in ("vulnerable", "media_risk"):
        data.pop(name)
    picture = SimpleUploadedFile("post.png", PNG, content_type="image/png")
    bad = client.post(
        f"/cases/{case.number}/facts/",
        data | {"media_risk": "on", "screenshot": picture},
        headers=HTMX,
    )
    assert bad.status_code == 422
    assert not case.attachments.exists()
    picture.seek(0)
    good = data | {
        "media_risk": "on",
        "media_platform": "Weibo",
        "media_link": "https://example.org/p/1",
        "screenshot": picture,
    }
    assert client.post(f"/cases/{case.number}/facts/", good, headers=HTMX).status_code == 200
    assert case.attachments.count() == 1
    page = client.get(f"/cases/{case.number}/").content.decode()
    assert "Weibo" in page
