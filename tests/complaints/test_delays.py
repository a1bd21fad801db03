"""Reasons for delay: asked at the breach, given once per due time, kept in the record."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from complaints import clocks, delays
from complaints.choices import ClockName
from complaints.delays import DelayRefused
from complaints.models import Case, CaseClock, CaseExclusion, DelayReason
from config.kernel import journal, notices
from config.kernel.models import Notice
from config.shared.actors import SYSTEM
from tests.complaints.clock_house import keep
from tests.factories.complaints import do, in_state, rows
from tests.portal.desks import queries

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def house(shared_house):
    return shared_house


@pytest.fixture
def late(house):
    """A case with the card department whose resolve clock ran out a while ago, now swept."""
    case = in_state(house, "in_progress", at=timezone.now() - 40 * DAY)
    clocks.sweep(timezone.now())
    return Case.objects.get(pk=case.pk)


def resolve_of(case) -> CaseClock:
    return CaseClock.objects.get(case=case, name="resolve")


def give(house, case, *, by="handler", reason="WORKLOAD", words="Three of us were ill.", at=None):
    return delays.give_reason(
        rows(case), resolve_of(case).pk, reason, words,
        actor=house.actor(by), at=at or timezone.now(),
    )  # fmt: skip


def refusal(house, case, **given) -> str:
    with pytest.raises(DelayRefused) as error:
        give(house, case, **given)
    return error.value.code


def asked(case) -> Notice:
    return Notice.objects.get(kind="clock.delay.resolve", about=f"clock:{resolve_of(case).pk}")


def client_of(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    return client


def url_of(case) -> str:
    return reverse("case_delay", args=[case.number, resolve_of(case).pk])


def test_the_breach_asks_the_handler_and_giving_the_reason_is_what_closes_it(house, late):
    notice = asked(late)
    assert (notice.person_id, notice.needs_action) == (house.pk("handler"), True)
    assert notices.title(notice) == f"Case {late.number}: Resolve is overdue, say why"
    assert notices.link(notice) == url_of(late)
    made = give(house, late)
    notice.refresh_from_db()
    assert notice.done_at is not None
    assert (made.reason.code, made.by_id, made.due_rev) == ("WORKLOAD", house.pk("handler"), 1)


def test_ending_the_case_does_not_answer_for_the_handler(house, late):
    notices.done(about=late.about, at=timezone.now())
    assert asked(late).done_at is None


def test_the_words_stand_in_the_record(house, late):
    made = give(house, late)
    entry = journal.entries(late.stream).get(seq=made.seq)
    assert journal.words_of([entry])[entry.pk] == {"reason": "Three of us were ill."}
    assert journal.describe(entry) == "Reason for the delay, Resolve: Too much work at once"


def test_one_reason_per_due_time_and_the_second_giver_learns_who_was_first(house, late):
    give(house, late)
    with pytest.raises(DelayRefused) as error:
        give(house, late, by="depthead")
    assert (error.value.code, "Handler Test" in str(error.value)) == ("given", True)
    assert DelayReason.objects.count() == 1


def test_a_moved_due_time_that_passes_too_asks_again(house, late):
    give(house, late)
    now = timezone.now()
    late.refresh_from_db()
    keep(clocks.extend([late], ClockName.RESOLVE, now, days=60), now)
    moved = resolve_of(late)
    assert moved.due_rev == 2
    assert delays.unexplained(moved, now) == []
    after = moved.due_at + DAY
    clocks.sweep(after)
    assert delays.unexplained(resolve_of(late), after) == [2]
    assert give(house, late, reason="THIRD", at=after).due_rev == 2


def test_the_due_time_that_passed_before_it_was_moved_can_still_be_explained(house, late):
    now = timezone.now()
    keep(clocks.extend([late], ClockName.RESOLVE, now, days=60), now)
    assert give(house, late).due_rev == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"words": "  "}, "words"),
        ({"reason": "NONE"}, "reason"),
        ({"reason": ""}, "reason"),
    ],
)
def test_what_says_nothing_is_refused(house, late, given, code):
    assert refusal(house, late, **given) == code


def test_a_clock_in_time_and_a_person_named_in_the_case_are_refused(house, late):
    fresh = in_state(house, "in_progress", at=timezone.now())
    assert refusal(house, fresh) == "on_time"
    CaseExclusion.objects.create(
        case=late, person_id=house.pk("handler"), reason="named", at=timezone.now()
    )
    assert refusal(house, late) == "recused"
    with pytest.raises(DelayRefused) as error:
        delays.give_reason(
            rows(late), resolve_of(late).pk, "OTHER", "x", actor=SYSTEM, at=timezone.now()
        )
    assert error.value.code == "person"


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("handler", 200), ("depthead", 200), ("officer", 200), ("supervisor", 200),
        ("officer2", 403), ("handler2", 403), ("loan_handler", 404),
        ("agent", 403), ("analyst", 403),
    ],
)  # fmt: skip
def test_who_may_say_why(client, house, late, name, status):
    assert client_of(client, house, name).get(url_of(late)).status_code == status


def test_the_dialog_keeps_the_reason_and_leads_back(client, house, late):
    client_of(client, house, "handler")
    page = client.get(url_of(late), headers={"HX-Request": "true"})
    assert b"<form" in page.content
    assert b"<html" not in page.content
    assert b"Too much work at once" in page.content
    answer = client.post(url_of(late), {"reason": "WORKLOAD", "words": "Flu."})
    assert (answer.status_code, answer["Location"]) == (302, late.get_absolute_url())
    assert b"Flu." in client.get(late.get_absolute_url()).content
    assert client.get(url_of(late)).status_code == 302  # nothing is left to explain


@pytest.mark.parametrize(
    "data", [{}, {"reason": "WORKLOAD"}, {"reason": "no", "words": "x"}, {"words": "a\0b"}]
)
def test_a_form_that_says_nothing_comes_back_with_the_words(client, house, late, data):
    answer = client_of(client, house, "handler").post(url_of(late), data)
    assert answer.status_code == 422
    assert not DelayReason.objects.exists()


def test_who_comes_second_reads_who_was_faster_and_loses_no_word(client, house, late):
    give(house, late)
    told = {"reason": "OTHER", "words": "We had moved house."}
    answer = client_of(client, house, "depthead").post(url_of(late), told)
    assert answer.status_code == 409
    assert "has given the reason already" in answer.content.decode()
    assert b"We had moved house." in answer.content


@pytest.mark.parametrize("clock", ["0", "99999999999999999999999"])
def test_a_clock_that_is_none_of_the_case_is_not_found(client, house, late, clock):
    client_of(client, house, "handler")
    assert client.get(f"/cases/{late.number}/clocks/{clock}/delay/").status_code == 404


def test_the_clock_shows_the_reasons_and_where_to_give_one(client, house, late):
    client_of(client, house, "handler")
    why = reverse("case_why", args=[late.number, resolve_of(late).pk])
    assert url_of(late).encode() in client.get(why).content
    before = queries(client, why)
    give(house, late, words="Flu.")
    page = client.get(why).content.decode()
    assert "Flu." in page
    assert "Too much work at once" in page
    assert url_of(late) not in page
    assert queries(client, why) <= before + 2
    analyst = client_of(client, house, "analyst").get(why).content.decode()
    assert url_of(late) not in analyst


def test_a_clock_that_was_missed_can_still_be_explained(client, house, late):
    done = do(house, late, "resolve", at=timezone.now())
    why = reverse("case_why", args=[late.number, resolve_of(late).pk])
    page = client_of(client, house, "handler").get(done.get_absolute_url()).content.decode()
    assert why in page
    assert url_of(late) in client.get(why).content.decode()
    assert give(house, late).due_rev == 1


def test_erased_words_say_so(client, house, late):
    give(house, late, words="Flu.")
    journal.erase_words([late.stream], actor=SYSTEM, at=timezone.now())
    why = reverse("case_why", args=[late.number, resolve_of(late).pk])
    assert "The words were erased." in client_of(client, house, "handler").get(why).content.decode()


def test_reasons_are_counted_by_department_and_reason_within_sight(house, late):
    now = timezone.now()
    for reason in ("WORKLOAD", "WORKLOAD", "THIRD"):
        case = in_state(house, "in_progress", at=now - 40 * DAY)
        give(house, case, reason=reason, by="supervisor")
    give(house, late, reason="THIRD")

    def counted(name: str, since=now - DAY) -> list[int]:
        found = delays.of_department(since, now + DAY, house.scope(name))
        return [row["n"] for row in found]

    found = list(delays.of_department(now - DAY, now + DAY, house.scope("supervisor")))
    assert [row["n"] for row in found] == [2, 2]
    assert {row["department_id"] for row in found} == {house.units["CARD"].pk}
    assert counted("loan_handler") == []
    assert counted("supervisor", since=now + timedelta(hours=1)) == []
