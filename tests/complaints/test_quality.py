"""Quality checks: who may rate, full forms only, once per rater, shown to those who may read."""

from datetime import timedelta

import pytest
from django.utils import timezone

from complaints import quality
from complaints.choices import Status
from complaints.models import CaseExclusion, QualityCheck
from tests.factories.complaints import AT, in_state, open_case, rows

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")


def form(score=2, **changes):
    return {term.code: score for term in quality.items()} | changes


def rate(house, case, scores=None, *, by="analyst", words="Good"):
    found = form() if scores is None else scores
    return quality.rate(rows(case), found, words, actor=house.actor(by), at=AT)


def test_a_check_counts_what_applied_and_stands_in_the_record(house):
    case = in_state(house, Status.CLOSED)
    [made] = rate(house, case, form(2, CALM=0, LOOK=None))
    assert len(made.scores) == 17
    assert quality.percent(made.scores) == round(100 * 30 / 32)
    [shown] = quality.checks(case, house.scope("supervisor"))
    assert shown.weak == ["Calm and polite"]
    assert shown.words == "Good"


@pytest.mark.parametrize(
    ("scores", "code"),
    [({}, "items"), ({"CALM": 2}, "items"), ("three", "score"), ("none", "empty")],
)
def test_half_forms_are_refused(house, scores, code):
    case = in_state(house, Status.CLOSED)
    given = (
        {"three": form(3), "none": form(None)}.get(scores) if isinstance(scores, str) else scores
    )
    with pytest.raises(quality.CheckRefused) as caught:
        rate(house, case, given)
    assert caught.value.code == code
    assert not QualityCheck.objects.exists()


def test_who_worked_on_it_or_is_named_does_not_rate(house):
    case = in_state(house, Status.CLOSED)
    with pytest.raises(quality.CheckRefused) as caught:
        rate(house, case, by="officer")
    assert caught.value.code == "own"
    CaseExclusion.objects.create(case=case, person_id=house.pk("analyst"), reason="named", at=AT)
    with pytest.raises(quality.CheckRefused) as caught:
        rate(house, case)
    assert caught.value.code == "recused"


def test_open_cases_wait_and_nobody_rates_twice(house):
    with pytest.raises(quality.CheckRefused) as caught:
        rate(house, open_case(house))
    assert caught.value.code == "open"
    case = in_state(house, Status.CLOSED)
    rate(house, case)
    with pytest.raises(quality.CheckRefused) as caught:
        rate(house, case)
    assert caught.value.code == "rated"
    rate(house, case, by="supervisor")
    assert QualityCheck.objects.filter(case=case).count() == 2


def test_the_dialog_keeps_the_check_and_others_may_not(client, house):
    case = in_state(house, Status.CLOSED, at=timezone.now() - timedelta(days=1))
    address = f"/cases/{case.number}/quality/"
    enter(client, house, "officer")
    assert client.get(address).status_code == 403
    enter(client, house, "analyst")
    data = {f"item_{code}": "2" for code in form()}
    lacking = client.post(address, {**data, "item_CALM": "", "words": "Kept"}, headers=HTMX)
    assert lacking.status_code == 422
    assert "Kept" in lacking.content.decode()
    assert client.post(address, {**data, "item_CALM": "-"}, headers=HTMX).status_code == 200
    assert client.post(address, data, headers=HTMX).status_code == 409
    part = client.get(f"/cases/{case.number}/parts/quality/", headers=HTMX)
    assert "100 %" in part.content.decode()
    enter(client, house, "agent")
    assert client.get(f"/cases/{case.number}/parts/quality/").status_code == 404
