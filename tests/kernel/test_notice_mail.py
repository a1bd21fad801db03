"""Notices by e-mail and SMS: one message per person and quarter, in their hours, exactly once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from config.kernel import notice_digests, notice_mail, notices, outbox
from config.kernel.models import Notice, NoticeMail, OutboxMessage
from config.kernel.notices import Telling
from config.shared import registry
from staff.models import CalendarSpan, Department
from tests.complaints.clock_house import local, publish_calendar
from tests.factories.staff import AccountFactory, DepartmentFactory, PersonFactory
from tests.threads import at_once

NOON = local("2026-03-04 11:03")  # a Wednesday
QUARTER = local("2026-03-04 11:15")


@pytest.fixture
def calendar(db):
    return publish_calendar()


@pytest.fixture
def person(calendar):
    return AccountFactory.create(language="en").person


def telling(person, key="a", **more) -> Telling:
    number = f"C-2026-{key:0>7}"
    given = {"channels": ("email",), "kind": "case.chase", "facts": {"number": number}} | more
    return Telling(f"{key}:{person.pk}", person.pk, about=f"case:{number}", **given)


def tell(person, *keys, at=NOON, **more) -> None:
    notices.tell([telling(person, key, **more) for key in keys], at=at)


def messages() -> list[OutboxMessage]:
    return list(OutboxMessage.objects.order_by("pk"))


def test_forty_breaches_are_one_message_that_lists_them(person):
    tell(person, *map(str, range(40)))
    assert notice_digests.send(QUARTER - timedelta(seconds=1)) == 0
    assert notice_digests.send(QUARTER) == 1
    assert notice_digests.send(QUARTER + timedelta(hours=5)) == 0
    (message,) = messages()
    assert (message.to, message.channel, message.kind) == (person.email, "email", "notice.digest")
    assert message.subject == "40 notices in the portal"
    assert all(f"/cases/C-2026-{n:07d}/" in message.text for n in range(40))
    assert NoticeMail.objects.filter(message_key=message.key, ready_at=None).count() == 40


def test_one_notice_alone_says_in_the_subject_what_it_is(person, settings):
    settings.PORTAL_URL = "https://portal.bank.example"
    tell(person, "7")
    notice_digests.send(QUARTER)
    (message,) = messages()
    assert message.subject == "You are reminded of case C-2026-0000007"
    assert "https://portal.bank.example/cases/C-2026-0000007/" in message.text
    assert message.about == "case:C-2026-0000007"


@pytest.mark.parametrize(
    ("told", "leaves"),
    [
        ("2026-03-04 08:59", "2026-03-04 09:00"),
        ("2026-03-04 09:00", "2026-03-04 09:15"),
        ("2026-03-04 17:59", "2026-03-04 18:00"),
        ("2026-03-04 18:00", "2026-03-05 09:00"),
        ("2026-03-06 23:30", "2026-03-09 09:00"),
        ("2026-10-02 10:00", "2026-10-08 09:00"),  # National Day
    ],
)
def test_what_is_told_at_night_or_on_a_holiday_waits_for_the_opening(person, told, leaves):
    tell(person, "1", at=local(told))
    assert NoticeMail.objects.get().ready_at == local(leaves)


def test_each_person_is_told_in_the_hours_of_the_own_unit(person):
    night = Department.objects.create(code="NIGHT", name_en="Night", name_zh="夜", calendar="night")
    draft = publish_night()
    owl = PersonFactory.create(department=night)
    late = local("2026-03-04 22:10")
    notices.tell([telling(person), telling(owl)], at=late)
    ready = dict(NoticeMail.objects.values_list("person_id", "ready_at"))
    assert ready[owl.pk] == local("2026-03-04 22:15")
    assert ready[person.pk] == local("2026-03-05 09:00")
    assert draft.kind == "calendar:night"


def publish_night():
    from config.kernel import rulesets
    from config.shared.actors import SYSTEM
    from tests.complaints.clock_house import LONG_AGO

    draft = rulesets.new_version(
        "calendar:night",
        titles=("Night", "夜"),
        settings={"zone": "Asia/Shanghai", "confirmed_years": [2026]},
        actor=SYSTEM,
        at=LONG_AGO,
    )
    CalendarSpan.objects.bulk_create(
        CalendarSpan(rule_set=draft, weekday=day, start_minute=1200, end_minute=1440)
        for day in range(7)
    )
    return rulesets.publish(draft, valid_from=LONG_AGO, reason="", actor=SYSTEM, at=LONG_AGO)


def test_urgent_ones_leave_at_once_each_alone_and_by_sms_short(person):
    person.mobile = "13812342107"
    person.save(update_fields=["mobile"])
    night = local("2026-03-07 03:00")
    tell(person, "1", "2", at=night, channels=("sms", "email"), at_once=True)
    tell(person, "3", at=night)
    assert notice_digests.send(night) == 4
    by_sms = [m for m in messages() if m.channel == "sms"]
    assert {m.kind for m in messages()} == {"notice.urgent"}
    assert [m.to for m in by_sms] == ["13812342107"] * 2
    assert all(len(m.text) <= 140 and "C-2026-" in m.text for m in by_sms)
    assert NoticeMail.objects.get(ready_at__isnull=False).urgent is False


def test_everybody_reads_the_own_language(calendar):
    english, chinese = (AccountFactory.create(language=code).person for code in ("en", "zh-hans"))
    notices.tell([telling(english, "1"), telling(chinese, "1")], at=NOON)
    with translation.override("zh-hans"):
        wanted = notices.title(Notice.objects.get(person_id=chinese.pk))
    notice_digests.send(QUARTER)
    subjects = {m.to: m.subject for m in messages()}
    assert subjects[english.email] == "You are reminded of case C-2026-0000001"
    assert subjects[chinese.email] == wanted != subjects[english.email]


def test_people_without_an_address_keep_the_notice_in_the_inbox_and_are_counted(person):
    person.email = ""
    person.save(update_fields=["email"])
    tell(person, "1", "2")
    assert notice_digests.send(QUARTER) == 0
    assert not messages()
    assert set(NoticeMail.objects.values_list("message_key")) == {(notice_digests.NO_ADDRESS,)}
    assert notice_digests.last_counts() == {
        "messages": 0, "lines": 0, "left": 2, "without_address": 1,
    }  # fmt: skip
    assert notices.counts(person.pk).unread == 2


@pytest.mark.parametrize("mobile", ["", "138\n1234", "138\x001"])
def test_an_address_no_gateway_could_take_stops_nobody_else(person, mobile):
    person.mobile = mobile
    person.save(update_fields=["mobile"])
    other = PersonFactory.create()
    tell(person, "1", channels=("sms",))
    tell(other, "1")
    assert notice_digests.send(local("2026-03-04 12:00")) == 1
    assert [m.to for m in messages()] == [other.email]


def test_who_has_left_is_told_nothing(person):
    tell(person, "1")
    person.active = False
    person.save(update_fields=["active"])
    assert notice_digests.send(QUARTER) == 0


def test_what_was_read_or_done_meanwhile_is_not_sent(person):
    tell(person, "1", "2")
    tell(person, "3", needs_action=True)
    notices.read(Notice.objects.filter(key__startswith="1:"), at=NOON)
    notices.done(about="case:C-2026-0000003", at=NOON)
    notice_digests.send(QUARTER)
    (message,) = messages()
    assert "C-2026-0000002" in message.text
    assert NoticeMail.objects.filter(message_key=notice_digests.SEEN).count() == 2


def test_who_was_recused_meanwhile_is_not_told(person, monkeypatch):
    tell(person, "1", "2")
    pair = ("case:C-2026-0000001", person.pk)
    guard = notice_mail.NoticeGuard("test", lambda pairs: {pair} & set(pairs))
    monkeypatch.setitem(registry._store[notice_mail.NoticeGuard], "test", guard)
    notice_digests.send(QUARTER)
    assert "C-2026-0000001" not in messages()[0].text + messages()[0].subject
    assert NoticeMail.objects.filter(message_key=notice_digests.BARRED).count() == 1


def test_a_long_digest_ends_with_how_many_more_there_are(person):
    tell(person, *map(str, range(notice_digests.MOST_LINES + 3)))
    notice_digests.send(QUARTER)
    assert "and 3 more in your inbox" in messages()[0].text


def test_notice_and_message_belong_to_one_transaction(person):
    def die() -> None:
        with transaction.atomic():
            tell(person, "1")
            raise Killed

    with pytest.raises(Killed):
        die()
    assert not Notice.objects.exists()
    assert not NoticeMail.objects.exists()


def test_a_notice_told_twice_is_queued_once_and_unknown_channels_never(person):
    tell(person, "1", channels=("email", "email", "pigeon"))
    tell(person, "1")
    assert NoticeMail.objects.count() == 1
    tell(person, "2", channels=())
    assert NoticeMail.objects.count() == 1


def statements(act) -> int:
    with CaptureQueriesContext(connection) as seen:
        act()
    return len([q for q in seen if "SAVEPOINT" not in q["sql"]])


def test_nothing_due_costs_one_query_and_many_people_no_more_than_few(calendar):
    assert statements(lambda: notice_digests.send(NOON)) == 1

    def cost(size: int) -> int:
        unit = DepartmentFactory.create()
        people = PersonFactory.create_batch(size, department=unit)
        notices.tell([telling(one, str(n)) for one in people for n in range(3)], at=NOON)
        return statements(lambda: notice_digests.send(QUARTER))

    assert cost(2) == cost(30) <= 12


class Killed(BaseException):
    """The worker is gone."""


def kill_at(number: int):
    """Return an execute wrapper that lets `number` statements through and dies at the next."""
    left = [number]

    def wrapper(execute, sql, params, many, context):
        left[0] -= 1
        if left[0] == -1:
            raise Killed
        return execute(sql, params, many, context)

    return wrapper


@pytest.mark.parametrize("number", range(12))
def test_a_worker_killed_at_any_statement_repeats_and_loses_nothing(calendar, monkeypatch, number):
    monkeypatch.setattr(notice_digests.running, "beat", lambda *_args: None)
    people = [PersonFactory.create() for _n in range(3)]
    for one in people:
        tell(one, "1", "2")
    try:
        with connection.execute_wrapper(kill_at(number)):
            notice_digests.send(QUARTER)
    except Killed:
        assert len(messages()) in (0, 3)
    notice_digests.send(QUARTER)
    assert sorted(m.to for m in messages()) == sorted(one.email for one in people)
    assert all(m.subject == "2 notices in the portal" for m in messages())


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_message_to_each_person():
    publish_calendar()
    people = [PersonFactory.create() for _n in range(12)]
    for one in people:
        tell(one, *map(str, range(5)))
    at_once(lambda _n: notice_digests.send(QUARTER), times=2)
    assert sorted(m.to for m in messages()) == sorted(one.email for one in people)
    assert {m.subject for m in messages()} == {"5 notices in the portal"}


def test_the_outbox_delivers_it_as_any_message(person):
    tell(person, "1")
    notice_digests.send(QUARTER)
    assert outbox.deliver(QUARTER) == 1


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=12)))
def test_a_slot_lies_ahead_on_a_quarter_and_not_before_the_opening(at, wait):
    opens = at + wait
    slot = notice_mail.next_slot(opens, at)
    assert slot > at
    assert slot >= opens
    assert (slot - datetime(2020, 1, 1, tzinfo=UTC)) % notice_mail.SLOT == timedelta(0)
    assert slot - max(opens, at) <= notice_mail.SLOT
