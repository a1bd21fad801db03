"""seed_demo: a small year is whole, deterministic, drift free, and leaves nothing to send."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from complaints import clocks
from complaints.choices import OPEN, Status
from complaints.models import Case, Escalation
from config.kernel.models import Approval, OutboxMessage
from config.kernel.models.outbox import OutboxState
from config.portal.demo import crowd, matters, past, present
from config.portal.demo.casting import Cast
from config.portal.demo.stage import Stage
from config.portal.demo.year import tell_year
from config.shared.actors import SYSTEM
from customers.models import Customer
from staff.models import Account

AT = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)  # 14:30 in Shanghai, a Friday
SIZE = {"customers": 60, "cases": 120, "seed": 7}


@pytest.fixture
def defaults(db):
    call_command("load_defaults", verbosity=0)


def stories_of(seed, count=40):
    """Return the plans of a year without playing them."""
    stage = Stage.read(AT, seed)
    people = list(Customer.objects.order_by("pk"))
    from_lot = Cast(stage, people, matters.dice(seed))
    return [
        *past.bad_day(from_lot, 4),
        *past.past_stories(from_lot, count),
        *present.present_stories(from_lot, count),
    ]


@pytest.mark.usefixtures("defaults")
def test_a_small_year_is_whole(client, settings):
    made = tell_year(**SIZE, at=AT)

    assert made.refused == {}
    assert made.customers == Customer.objects.count() == 60
    assert made.cases >= 120
    states = set(made.by_status)
    assert set(OPEN) - {Status.ACCEPTED} <= states
    assert {Status.CLOSED, Status.ARCHIVED} <= states
    assert Escalation.objects.exists()
    assert Case.objects.filter(restricted=True).exists()
    assert Case.objects.filter(media_risk=True).exists()
    assert Case.objects.open().overdue(AT).exists()
    assert Case.objects.open().filter(next_due_at__gt=AT).exists()
    assert Case.objects.filter(repeat_count__gt=0).exists()
    assert {"en", "zh-hans"} == set(Case.objects.values_list("language", flat=True))
    assert {
        "answer", "compensation", "not_accepted", "retype", "severity", "pause", "extension",
        "withdrawal", "major",
    } == set(Approval.objects.pending().values_list("kind", flat=True))  # fmt: skip
    # nothing of the past is left to send, nothing lies in the future
    assert not OutboxMessage.objects.filter(state=OutboxState.WAITING).exists()
    assert not Case.objects.filter(registered_at__gt=AT).exists()
    # what is stored is what the record says
    assert list(clocks.recompute(check=True, actor=SYSTEM, at=AT)) == []
    out = StringIO()
    call_command("verify_record", stdout=out)
    assert "The record is whole" in out.getvalue()
    # the desks are alive
    for name in ("officer", "handler", "rm", "depthead", "supervisor"):
        account = Account.objects.get(username=name)
        client.force_login(account, backend="staff.accounts.AccountBackend")
        assert client.get(reverse("home")).status_code == 200


@pytest.mark.usefixtures("defaults")
def test_a_second_run_is_refused_in_words():
    call_command("seed_demo", customers=3, cases=0, verbosity=0)
    with pytest.raises(CommandError, match="already"):
        call_command("seed_demo", customers=3, cases=0, verbosity=0)
    assert Customer.objects.count() == 3


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"customers": 0}, "At least one customer"),
        ({"cases": -1}, "negative"),
        ({"at": "yesterday"}, "not a date"),
    ],
)
@pytest.mark.usefixtures("defaults")
def test_wrong_sizes_and_moments_are_refused(given, words):
    with pytest.raises(CommandError, match=words):
        call_command("seed_demo", verbosity=0, **given)


@pytest.mark.django_db
def test_without_starting_data_it_says_what_is_missing():
    with pytest.raises(CommandError, match="load_defaults"):
        call_command("seed_demo", verbosity=0)


@pytest.mark.usefixtures("defaults")
def test_production_gets_no_made_up_data(settings):
    settings.PORTAL_MODE = "production"
    with pytest.raises(CommandError, match="production"):
        call_command("seed_demo", verbosity=0)


@pytest.mark.usefixtures("defaults")
def test_the_same_seed_gives_the_same_stories():
    call_command("seed_demo", customers=20, cases=0, verbosity=0, at=AT.isoformat())
    assert stories_of(1) == stories_of(1)
    assert stories_of(1) != stories_of(2)


@pytest.mark.usefixtures("defaults")
def test_many_cases_are_written_in_bulk_and_are_whole():
    made = tell_year(customers=30, cases=12_000, seed=7, at=AT)

    assert made.cases == Case.objects.count() == 12_000
    assert Case.objects.values("number").distinct().count() == 12_000
    assert Case.objects.open().exists()
    row = Case.objects.filter(is_history=True).order_by("-pk")[0]
    assert row.core_issue
    assert row.contact_phone_hash
    assert list(clocks.recompute(check=True, actor=SYSTEM, at=AT)) == []


def test_every_matter_has_both_languages():
    rows = [matter for kind in matters.matters().values() for matter in kind]
    for matter in [*rows, matters.outage()]:
        assert all(matter.zh[:2])
        assert all(matter.en[:2])
        assert matter.en[0].isascii()


def test_customers_have_the_tiers_of_the_bank():
    shares = crowd.TIERS
    assert sum(shares.values()) == 100
