"""Every address of the project against every role: tests/permission_matrix.csv is the promise.

One row per address, target and method; one column per role and one for visitors. A new address
without a probe fails, a changed answer fails. Signs: `ok` the page or act is open (2xx, 302 to a
page of the portal, 409 or 422 for an empty form), `no` 403, `-` 404 (not in sight), `in` the
sign-in page, `405` wrong method. RECORD_MATRIX=1 rewrites the table; its difference is for the
reviewer. Targets: `unit` a case of the reader's department, `own` one the reader registered,
handles and accepted in a foreign department, `far` one of a foreign department, `tip` a
restricted one; `draft` and `force` a version of rules, `called` somebody with a call of the
roster; `mine` a row of the reader's own, `shared` a view of the bank. Probes: tests/matrix.
"""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.template import loader
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import get_resolver, reverse

from staff.models.accounts import Role
from staff.roles import REACH
from tests.matrix.probe import Probe, World
from tests.matrix.probes import NOT_PROBED, PROBES
from tests.matrix.world import VISITOR, reader

pytestmark = pytest.mark.django_db
TABLE = Path(__file__).with_name("permission_matrix.csv")
COLUMNS = [*Role.values, VISITOR]
# The duty leader presses every case but reads the severe ones only (DOMAIN.md §4.8). A chase of
# the customer is taken down on any case, also by those who know no more than its number and state.
UNSEEN = {("case_chase", "DL"), ("case_chased", "DL"), ("case_chased", "HA")}


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what one probe changes."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def sign(client: Client, probe: Probe, world: World) -> str:
    """Ask once and return the sign of the answer; nothing stays of it."""
    cookies = client.cookies.output()
    with undone():
        data = probe.data(world) if callable(probe.data) else probe.data
        url = reverse(probe.name, args=probe.args(world))
        url += f"?{probe.query}" if probe.query else ""
        response = getattr(client, probe.method)(url, data, headers=probe.headers)
        if hasattr(response, "streaming_content"):
            list(response.streaming_content)
    if client.cookies.output() != cookies:  # signed out, or another language
        client.cookies.clear()
        client.cookies.load(world.facts["cookies"])
    if response.status_code in {302, 401}:
        goes_to = response.headers.get("HX-Redirect") or response.headers.get("Location", "")
        if response.status_code == 401 and not goes_to:
            return "no"  # a machine without its signature
        return "in" if "/login/" in goes_to and probe.name != "logout" else "ok"
    known = {200: "ok", 204: "ok", 409: "ok", 422: "ok", 403: "no", 404: "-", 503: "ok"}
    return known.get(response.status_code, str(response.status_code))


def table() -> dict[tuple[str, str, str], dict[str, str]]:
    """Return the promised signs by (address, target, method) and role."""
    if not TABLE.exists():
        return {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {(row["address"], row["target"], row["method"]): row for row in csv.DictReader(file)}


def record(role: str, signs: dict[tuple[str, str, str], str]) -> None:
    """Write one column of the table."""
    known = table()
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        heads = ["address", "target", "method", *COLUMNS]
        writer = csv.DictWriter(
            file, heads, restval="?", extrasaction="ignore", lineterminator="\n"
        )
        writer.writeheader()
        for key in dict.fromkeys(probe.key for probe in PROBES):
            row = known.get(key, {}) | {role: signs[key]}
            writer.writerow(dict(zip(heads[:3], key, strict=True)) | row)


@pytest.mark.parametrize("role", COLUMNS)
def test_every_address_answers_this_role_as_promised(built_world, db, role, monkeypatch):
    # Who may do what is decided before anything is drawn; drawing is most of the time.
    monkeypatch.setattr(loader, "render_to_string", lambda *_args, **_options: "")
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    client = reader(built_world, role)
    client.raise_request_exception = False
    signs = {probe.key: sign(client, probe, built_world) for probe in PROBES}
    if os.environ.get("RECORD_MATRIX") == "1":
        record(role, signs)
    promised = {key: row[role] for key, row in table().items()}
    wrong = {k: (signs[k], promised.get(k)) for k in signs if signs[k] != promised.get(k)}
    assert wrong == {}
    assert set(promised) == set(signs), "the table holds rows without a probe"


def names(patterns: list[Any], space: str = "") -> Iterator[str]:
    """Yield the name of every address, with its namespace."""
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from names(pattern.url_patterns, inner)
        else:
            yield f"{space}{pattern.name}"


def test_every_address_has_a_probe():
    known = {probe.name for probe in PROBES} | NOT_PROBED
    assert sorted(set(names(get_resolver().url_patterns)) - known) == []


def test_no_answer_is_a_fault():
    signs = {sign for row in table().values() for role, sign in row.items() if role in COLUMNS}
    assert signs <= {"ok", "no", "-", "in"}


def test_visitors_reach_only_what_is_public():
    public = {key[0] for key, row in table().items() if row[VISITOR] == "ok"}
    assert public == {"healthz", "readyz", "login", "set_language", "set_theme", "logout"}


def is_of_case(address: str) -> bool:
    """Tell whether the target of an address is a case, not a row of another list."""
    name = address.split(maxsplit=1)[0]
    on_it = {"case", "home_claim", "after_end_settle", "task_new"}
    return name in on_it or name.startswith(("case_", "do", "write", "remedy_", "step_", "force_"))


def test_what_a_role_does_not_reach_is_refused_whatever_the_target():
    without = [role for role in Role.values if ("cases", "view") not in REACH[role]]
    assert without == ["HR", "AD"]
    for (address, target, _method), row in table().items():
        if target and is_of_case(address):
            assert {row[role] for role in without} == {"no"}, address
        if (address, target) == ("case", "tip"):
            assert [role for role in Role.values if row[role] == "ok"] == ["CD"]


def test_an_act_is_never_open_where_the_case_is_not():
    rows = table()
    for (address, target, method), row in rows.items():
        if not target or not is_of_case(address):
            continue
        page = rows["case", target, "GET"]
        for role in Role.values:
            told = (address, target, method, role)
            assert row[role] != "ok" or page[role] == "ok" or (address, role) in UNSEEN, told
