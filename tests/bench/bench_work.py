"""The door, the sweep over due clocks, and an export of every case."""

from datetime import timedelta
from time import perf_counter

import pytest
from django.utils import timezone

from complaints import clocks, exporting, intake
from complaints.models import CaseClock
from config.shared.scope import WHOLE_BANK
from tests.bench.conftest import CASES, DUE, measured
from tests.factories.complaints import draft

pytestmark = pytest.mark.django_db
BATCH = 250


def bench_door_and_sweep(house, told):
    at = timezone.now() - timedelta(days=20)
    actor, person = house.actor("officer"), house.accounts["officer"].person
    quiet = measured(lambda: clocks.sweep(at))
    told("sweep, nothing due", quiet[0], None, f"{quiet[2]} queries")
    began, made = perf_counter(), 0
    while CaseClock.objects.filter(next_fire_at__lte=timezone.now()).count() < DUE:
        drafts = [draft(intake_channel="TEL", contact_phone="") for _n in range(BATCH)]
        opened = intake.open_cases(drafts, actor=actor, at=at, registrar=person)
        made += sum(one.case is not None for one in opened)
    told("open a case, in batches", (perf_counter() - began) * 1000 / made, None, f"{made:,} cases")
    began, done = perf_counter(), 0
    while fired := clocks.sweep(timezone.now()):
        done += fired
    span = (perf_counter() - began) * 1000
    told("sweep, per due clock", span / max(done, 1), None, f"{done:,} in {span / 1000:.1f} s")


def bench_export(house, tmp_path, told):
    for kind in ("csv", "xlsx"):
        export = exporting.Export("state=all", WHOLE_BANK, timezone.now())
        began = perf_counter()
        with (tmp_path / f"cases.{kind}").open("wb") as target:
            rows = exporting.lines(export.cases(), export.scope)
            count = exporting.write(target, kind, rows, note="bench")
        span = perf_counter() - began
        told(f"export to {kind}, per 1,000 rows", span * 1e6 / count, None,
             f"{count:,} of {CASES:,} rows in {span:.1f} s")  # fmt: skip
