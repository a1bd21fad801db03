"""Every clock can say why it is due when it is; the parts sum to the figure."""

import json
from datetime import timedelta

import pytest
from django.utils.translation import override

from complaints import clocks
from complaints.choices import ClockName, PauseKind
from complaints.models import CaseClock
from tests.complaints.clock_house import build, case, clock, keep, local
from tests.complaints.rule_house import publish_rules
from tests.factories.complaints import in_state

pytestmark = pytest.mark.django_db
AT = local("2026-02-13 15:00")


@pytest.fixture(autouse=True)
def house():
    build()


def started(at=AT, **given):
    row = case(at, **given)
    keep(clocks.start([row], at), at)
    return row


def test_working_days_are_told_day_by_day_with_holiday_and_make_up_day():
    told = clocks.explain(clock(started(), "resolve"))
    assert [(row.kind, row.value, row.seconds) for row in told.rows] == [
        ("received", "Fri 13 Feb 2026, 15:00", None),
        ("policy", "3 working days (Complaint, medium, version 1)", None),
        ("counted", "15:00-18:00: 3h", 3 * 3600),
        ("makeup", "09:00-18:00, make-up working day: 9h", 9 * 3600),
        ("holiday", "holiday, not counted: Spring Festival", 0),
        ("counted", "09:00-18:00: 9h", 9 * 3600),
        ("counted", "09:00-18:00: 9h", 9 * 3600),
        ("due", "Wed 25 Feb 2026, 18:00", None),
    ]
    assert told.rows[4].label == "Sun 15 Feb 2026 – Mon 23 Feb 2026"
    assert told.counted_seconds == told.limit_seconds == 30 * 3600


def test_the_parts_sum_to_the_limit_after_pauses_and_extension():
    row = started()
    at = local("2026-02-24 10:00")
    keep(clocks.pause([row], at), at)
    back = local("2026-02-24 15:30")
    keep(clocks.resume([row], back), back)
    plain = clocks.explain(clock(row, "resolve"))
    assert plain.counted_seconds == plain.limit_seconds == 30 * 3600
    assert [r.seconds for r in plain.rows if r.kind == "paused"] == [-5.5 * 3600]
    keep(clocks.extend([row], ClockName.RESOLVE, back, days=2), back)
    longer = clocks.explain(clock(row, "resolve"))
    assert longer.counted_seconds == longer.limit_seconds == 48 * 3600
    assert "by 2 days" in longer.text
    assert longer.due_at == clock(row, "resolve").due_at


def test_every_clock_of_every_unit_sums_up():
    row = started(severity=2, tier_at_receipt="core", channel="R78", assigned_at=AT,
                  accepted_at=AT, external_due_at=local("2026-02-27 12:00"))  # fmt: skip
    keep(clocks.pause([row], AT + timedelta(minutes=20), PauseKind.APPRAISAL), AT)
    keep(clocks.resume([row], AT + timedelta(hours=7), PauseKind.APPRAISAL), AT)
    for each in CaseClock.objects.filter(case=row).select_related("case"):
        told = clocks.explain(each)
        assert told.counted_seconds == told.limit_seconds, each.name
        assert told.rows[-1].total
    assert clocks.explain(clock(row, "sign")).limit_seconds == 4 * 3600
    assert clocks.explain(clock(row, "regulatory")).provisional is False


def test_a_running_pause_is_named_and_counts_nothing_yet():
    row = started()
    keep(clocks.pause([row], AT), AT)
    told = clocks.explain(clock(row, "resolve"))
    assert "still paused" in told.text
    assert told.counted_seconds == told.limit_seconds == 30 * 3600


def test_the_referral_ceiling_is_named():
    row = started(channel="R78", external_due_at=local("2026-02-24 12:00"))
    told = clocks.explain(clock(row, "resolve"))
    assert "no later than Sat 14 Feb 2026, 18:00" in told.text
    assert clocks.explain(clock(row, "external")).rows[1].value == "The deadline on the referral"


def test_a_provisional_year_is_marked():
    told = clocks.explain(clock(started(local("2026-12-30 10:00")), "resolve"))
    assert told.provisional
    assert "provisional" in told.rows[-1].value


def test_a_new_rule_is_told_with_the_due_time_before():
    row = started()
    row.severity = 3
    keep(clocks.rematch([row], AT + timedelta(hours=1)), AT)
    text = clocks.explain(clock(row, "resolve")).text
    assert "New rule: from Wed 25 Feb 2026, 18:00 to Sun 15 Feb 2026, 15:00" in text
    assert "48 hours, day and night" in text


def test_it_speaks_both_languages_and_json():
    row = started()
    with override("zh-hans"):
        text = clocks.explain(clock(row, "resolve")).text
    assert "春节" in text
    assert "投诉·一般" in text
    data = json.loads(json.dumps(clocks.explain(clock(row, "resolve")).as_json()))
    assert sum(r["seconds"] or 0 for r in data["rows"]) == data["limit_seconds"]


def test_policy_words_name_the_rows_and_what_was_compared():
    row = started(channel="R78", external_due_at=local("2026-02-27 12:00"))
    assert clocks.followed_rule(row) == (
        "Complaint, medium + Referral by a regulator or its hotline, version 1: "
        "CMP, severity Medium, R78"
    )
    assert clocks.followed_rule(case(AT)) == ""


def whole(row) -> int:
    return round((row.due_at - row.started_at).total_seconds())


def test_the_bar_covers_the_time_from_start_to_due_time_exactly():
    row = started(severity=2, tier_at_receipt="core", channel="R78", assigned_at=AT,
                  accepted_at=AT, external_due_at=local("2026-02-27 12:00"))  # fmt: skip
    keep(clocks.pause([row], AT + timedelta(minutes=20, seconds=7)), AT)
    keep(clocks.resume([row], AT + timedelta(hours=70, microseconds=3)), AT)
    for each in CaseClock.objects.filter(case=row).select_related("case"):
        parts = clocks.explain(each).bar
        assert sum(part.seconds for part in parts) == whole(each), each.name
        assert sum(part.percent for part in parts) == 100, each.name
        assert abs(sum(part.width for part in parts) - 1000) < 1


def test_the_bar_agrees_with_the_table_on_what_counted():
    told = clocks.explain(clock(started(), "resolve"))
    by_kind = {part.kind: part.seconds for part in told.shares}
    assert by_kind["counted"] == told.limit_seconds == 30 * 3600
    assert by_kind["holiday"] == 9 * 86400
    assert {part.label for part in told.bar if part.kind == "holiday"} == {"Spring Festival"}
    assert told.bar_words.startswith("Counted: 1d 6h")


def test_a_pause_is_a_part_of_its_own_and_covers_nights_too():
    row = started(local("2026-03-02 10:00"))
    keep(clocks.pause([row], local("2026-03-02 16:00")), local("2026-03-02 16:00"))
    keep(clocks.resume([row], local("2026-03-03 11:00")), local("2026-03-03 11:00"))
    told = clocks.explain(clock(row, "resolve"))
    [pause] = [part for part in told.bar if part.kind == "paused"]
    assert pause.seconds == 19 * 3600
    counted = sum(part.seconds for part in told.bar if part.kind == "counted")
    assert counted == told.limit_seconds == 35 * 3600  # pauses are not in it


def test_a_pause_that_lasts_reaches_to_the_end_of_the_bar():
    row = started(local("2026-03-02 10:00"))
    keep(clocks.pause([row], local("2026-03-02 16:00")), local("2026-03-02 16:00"))
    parts = clocks.explain(clock(row, "resolve")).bar
    assert [part.kind for part in parts] == ["counted", "paused"]


def test_a_clock_due_before_it_began_has_no_bar():
    late = clock(started(), "resolve")
    CaseClock.objects.filter(pk=late.pk).update(due_at=late.started_at - timedelta(hours=1))
    assert clocks.explain(clock(late.case, "resolve")).bar == []


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_letter_has_no_inside_words(language):
    row, at, back = started(), local("2026-02-24 10:00"), local("2026-02-24 15:30")
    keep(clocks.pause([row], at), at)
    keep(clocks.resume([row], back), back)
    keep(clocks.extend([row], ClockName.RESOLVE, back, days=2), back)
    with override(language):
        for each in CaseClock.objects.filter(case=row).select_related("case"):
            letter = clocks.explain(each).letter
            assert letter.count("\n\n") >= 1
            for word in (
                "clock",
                "policy",
                "version",
                "Complaint,",
                "投诉·一般",
                "handler",
                "pause",
            ):
                assert word not in letter, (each.name, word)
    with override("en"):
        text = clocks.explain(clock(row, "resolve")).letter
    assert "We received your matter on Fri 13 Feb 2026, 15:00." in text
    assert "Spring Festival" in text
    assert "we waited for what we needed" in text
    assert "had to be extended" in text


def test_every_clock_has_its_sentence_for_customers():
    from complaints.clocks.plainly import _AIMS

    assert set(_AIMS) == set(ClockName.values)


def test_the_page_shows_bar_and_table_and_gives_json_and_text(client, shared_house):
    row = in_state(shared_house, "accepted")
    shown = clock(row, "resolve")
    client.force_login(shared_house.accounts["officer"])
    url = f"/cases/{row.number}/clocks/{shown.pk}/"
    page = client.get(url)
    told = page.context["told"]
    assert f'aria-label="{told.bar_words}"' in page.text
    assert page.text.count("<rect") == len(told.bar)
    assert 'style="' not in page.text.split("whyfig")[1]
    data = client.get(url, {"format": "json"}).json()
    assert sum(part["seconds"] for part in data["bar"]) == whole(shown)
    assert data["letter"] == told.letter
    text = client.get(url, {"format": "text"})
    assert text["Content-Type"].startswith("text/plain")
    assert told.text in text.text
    assert row.number in text.text


@pytest.mark.parametrize("form", ["", "json", "text", "nonsense\x00"])
def test_the_explanation_is_cut_by_scope_in_every_form(client, shared_house, form):
    row = in_state(shared_house, "in_progress")
    url = f"/cases/{row.number}/clocks/{clock(row, 'resolve').pk}/"
    client.force_login(shared_house.accounts["loan_handler"])
    assert client.get(url, {"format": form}).status_code == 404
    client.force_login(shared_house.accounts["supervisor"])
    assert client.get(url, {"format": form}).status_code == 200


def test_the_first_row_names_the_event_the_clock_counts_from():
    publish_rules({("CMP-2", "resolve"): {"starts_on": "first_response_at"}})
    row = started(assigned_at=AT + timedelta(hours=1), first_response_at=AT + timedelta(hours=2))
    labels = {
        each.name: clocks.explain(each).rows[0].label
        for each in CaseClock.objects.filter(case=row).select_related("case")
    }
    assert labels["resolve"] == "First response"
    assert labels["sign"] == "Sent to the department"
    assert labels["loop"] == "Received"
