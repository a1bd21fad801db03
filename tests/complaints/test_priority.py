"""The priority score: what the explanation adds up is what the database worked out."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from complaints import priority
from complaints.choices import Severity
from complaints.models import Case, CaseExclusion
from tests.complaints.queue_data import AT, case, many, signed_in
from tests.factories.staff import DepartmentFactory

pytestmark = pytest.mark.django_db

MAYBE = st.none() | st.integers(0, 5)
SHAPES = st.fixed_dictionaries(
    {
        "severity": st.sampled_from(Severity.values),
        "emotion": MAYBE,
        "emotion_now": MAYBE,
        "chase_count": st.integers(0, 7),
        "tier_at_receipt": st.sampled_from(["", "core", "key", "ordinary"]),
        "breached": st.booleans(),
        "regulatory_major": st.booleans(),
        "media_risk": st.booleans(),
        "vulnerable": st.booleans(),
        "repeat_count": st.integers(0, 3),
        "external_due_at": st.sampled_from([None, AT]),
    }
)


@pytest.fixture
def unit():
    return DepartmentFactory.create(code="CARD")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(shapes=st.lists(SHAPES, min_size=5, max_size=20))
def test_the_lines_sum_to_the_score_of_the_database(unit, shapes):
    made = many(unit, len(shapes))
    for row, shape in zip(made, shapes, strict=True):
        for name, value in shape.items():
            setattr(row, name, value)
    Case.objects.bulk_update(made, list(shapes[0]))
    for row in Case.objects.filter(pk__in=[one.pk for one in made]):
        lines = priority.explain(row)
        assert sum(line.points for line in lines) == row.priority
        assert all(line.points > 0 and line.label for line in lines)
        assert [line.points for line in lines] == sorted(
            (line.points for line in lines), reverse=True
        )


def test_every_kind_of_point_is_named(unit):
    row = case(
        unit, severity=4, emotion=5, emotion_now=2, chase_count=5, tier_at_receipt="core",
        breached=True, regulatory_major=True, media_risk=True, vulnerable=True, repeat_count=1,
        external_due_at=AT,
    )  # fmt: skip
    told = {line.label: line.points for line in priority.explain(Case.objects.get(pk=row.pk))}
    assert told == {
        "Severity: Critical": 80,
        "A limit has run out": 25,
        "Major for the regulator": 20,
        "Customer chased 5 times": 15,
        "Customer tier: Core": 15,
        "Media risk": 15,
        "Vulnerable customer": 12,
        "Emotion now: 2 of 5": 8,
        "Brought forward before": 8,
        "Came with the deadline of another body": 8,
    }


def test_the_order_by_priority_puts_the_gravest_first_and_equals_by_due_time(client, unit):
    signed_in(client, "CO")
    now = timezone.now()
    late = case(unit, at=now, due=timedelta(hours=9))
    soon = case(unit, at=now, due=timedelta(hours=1))
    grave = case(unit, at=now, due=timedelta(days=9), media_risk=True)
    text = client.get("/cases/?state=open&sort=priority&col=priority").content.decode()
    met = re.findall(r'name="case" value="([^"]+)"', text)
    assert met == [grave.number, soon.number, late.number]
    assert f'href="/cases/{grave.number}/priority/" data-dialog' in text


def test_the_explanation_opens_as_a_piece_and_as_a_page(client, unit):
    signed_in(client, "CO")
    row = case(unit, chase_count=1)
    score = str(Case.objects.get(pk=row.pk).priority)
    piece = client.get(f"/cases/{row.number}/priority/", headers={"HX-Request": "true"})
    assert b"<html" not in piece.content
    assert "Customer chased 1 time" in piece.content.decode()
    assert f"<b>{score}</b>" in piece.content.decode()
    assert b"<html" in client.get(f"/cases/{row.number}/priority/").content
    assert "Priority score" in client.get(f"/cases/{row.number}/").content.decode()
    part = client.get(f"/cases/{row.number}/parts/priority/", headers={"HX-Request": "true"})
    assert f"<b>{score}</b>" in part.content.decode()


def test_the_score_is_explained_within_the_reach_only(client, unit):
    row = case(unit)
    account = signed_in(client, "CO")
    CaseExclusion.objects.create(case=row, person=account.person, reason="named", at=AT)
    for page in ("priority", "next"):
        assert client.get(f"/cases/{row.number}/{page}/").status_code == 404
    signed_in(client, "HR")
    for page in ("priority", "next"):
        assert client.get(f"/cases/{row.number}/{page}/").status_code == 403


def test_the_key_of_the_next_step_leads_to_its_dialog_or_says_who_is_waited_for(client, unit):
    account = signed_in(client, "CO", department=unit)
    mine = case(unit, handler=account.person)
    dialog = f"/cases/{mine.number}/do/accept/"
    piece = client.get(f"/cases/{mine.number}/next/", headers={"HX-Request": "true"})
    assert json.loads(piece["HX-Trigger"]) == {"open-dialog": {"url": dialog}}
    assert client.get(f"/cases/{mine.number}/next/").url == dialog
    signed_in(client, "AU")
    answer = client.get(f"/cases/{mine.number}/next/", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert "Waits for an officer to accept it" in answer["HX-Trigger"]
    assert client.get(f"/cases/{mine.number}/next/").url == f"/cases/{mine.number}/"
