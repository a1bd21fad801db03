"""Odd input at the pages of the desk and of what a case holds: never a fault, never a tag."""

from typing import Any

import pytest
from django.contrib import auth
from django.urls import reverse
from django.utils import timezone

from complaints.views import teamwork as tasks
from config.shared import forms as cleaning
from staff import http
from staff.models.accounts import Role
from staff.roles import scope_of
from tests.factories.staff import AccountFactory, PersonFactory
from tests.matrix import desk, relations, rules
from tests.matrix.probe import Probe, World
from tests.matrix.world import rows_of
from tests.portal.desks import signed_in
from tests.security.odd import (
    HUGE,
    ODD,
    SCRIPT,
    Door,
    is_loose,
    looked_into,
    sound,
    swept,
    undone,
    undrawn,
)

pytestmark = pytest.mark.django_db
SEEN = {"", "unit", "mine", "shared"}
ASKED = (
    "page", "sort", "find", "q", "s", "v", "r", "a", "b", "tab", "method", "language", "unit",
    "by", "measure", "wall", "of", "show", "state", "mine", "view", "number", "notice", "beside",
    "to", "then", "query", "order", "clock", "handler",
)  # fmt: skip
SENT = {
    "cases_look": {"query": "q=x", "act": "columns", "col": ["number"], "compact": "1"},
    "cases_view_save": {"query": "q=x"}, "cases_view_move": {"way": "up"},
    "board_move": {"source": "x", "target": "x", "cases": ["1:1"]},
    "case_tags": {"tag": "matrix"}, "case_tag_drop": {"tag": "matrix"},
    "case_presence": {"leave": "", "typing": "1"}, "case_draft": {"text": "Words", "version": "1"},
    "case_draft_drop": {"from_list": "1"}, "search": {"q": "fee"}, "search_hits": {"q": "fee"},
    "case_reply_preview": {"tab": "email", "method": "email", "text": "Words"},
    "case_reply_words": {"text": "Words"}, "robot_switch": {"version": "1", "on": "1"},
    "reply_preview": {"body_en": "{bank}", "body_zh": "{bank}", "sample": "C-1"},
    "step_done": {"again": "1"}, "playbook_up": {"version": "1"},
    "case_spot": {"carry": "1", "content": "x", "customer": "K1"}, "shifts": {"do": "sign"},
    "sms_report": {"x": "1"}, "after_end_settle": {"next": "/tasks/"},
}  # fmt: skip


@pytest.fixture(scope="module")
def desk_reader(built_world, django_db_blocker):
    """Return a browser of somebody with every role, owner of what the world calls mine."""
    with django_db_blocker.unblock():
        person = PersonFactory.create(department=built_world.house.units["CARD"])
        built_world.me = AccountFactory.create(person=person, roles=list(Role.values))
        rows_of(built_world, person.pk, built_world.house.pk("officer2"))
        client = signed_in(built_world.me)
        client.raise_request_exception = False
        return client


@pytest.fixture(scope="module")
def forms(built_world, desk_reader, django_db_blocker):
    """Return (name, door) of every form with what a browser would send; read once."""
    found = []
    with django_db_blocker.unblock():
        for probe in probes():
            if probe.method == "post":
                url = address(probe, built_world)
                with undone():
                    data, files = sound(desk_reader, url)
                files = files or (("file",) if probe.name == "case_upload" else ())
                door = Door(url, {**data, **SENT.get(probe.name, {})}, files=files)
                found.append((probe.name, door))
    return found


@pytest.fixture
def world(built_world, db):
    return built_world


@pytest.fixture
def everybody(world, desk_reader, monkeypatch):
    """Return the browser; who it is and what it may do is worked out once, no question here."""
    scope = scope_of(world.me, at=timezone.now())
    monkeypatch.setattr(http, "scope_of", lambda *_args, **_options: scope)
    monkeypatch.setattr(auth, "get_user", lambda _request: world.me)
    return desk_reader


def probes() -> list[Probe]:
    """Return one probe per address and method of this version."""
    rows = [*relations.probes(), *desk.probes(), *rules.replies(), *rules.playbooks()]
    found: dict[tuple[str, str], Probe] = {}
    for probe in rows:
        if probe.target in SEEN and probe.name != "sms_report":  # signed: test_hooks
            found.setdefault((probe.name, probe.method), probe)
    for name in {name for name, _method in found}:  # a form that is only read on this target
        other = [probe for probe in rows if (probe.name, probe.method) == (name, "post")]
        if other and (name, "post") not in found:
            read = found[name, "get"]
            found[name, "post"] = Probe(name, read.target, read.args, "post")
    return list(found.values())


def address(probe: Probe, world: World) -> str:
    return reverse(probe.name, args=probe.args(world))


def test_no_form_of_the_desk_breaks_on_odd_input(everybody, forms):
    assert len(forms) > 80
    assert sum(len(door.data) for _name, door in forms) > 300
    assert swept(everybody, [door for _name, door in forms]) == []


def test_no_page_of_the_desk_breaks_on_odd_questions(world, everybody):
    doors = [
        Door(address(probe, world), dict.fromkeys(ASKED, "1"), "get")
        for probe in probes()
        if probe.method == "get"
    ]
    assert len(doors) > 90
    assert looked_into(everybody, doors) == []


def test_the_sweep_sees_a_fault_and_a_tag(everybody, monkeypatch):
    """One odd field among sound ones, one name a page reads by itself: both are found."""
    real = cleaning.CleanText.to_python

    def fragile(self, value):
        if value and "\U0001f600" in str(value):
            raise RuntimeError
        return real(self, value)

    number = "C-1"
    monkeypatch.setattr(cleaning.CleanText, "to_python", fragile)
    door = Door("/cases/new/", {"core_issue": "Words", "content": "Words", "number": number})
    assert any("RuntimeError" in fault for fault in swept(everybody, [door]))
    monkeypatch.undo()
    page = tasks.listing.TASKS
    monkeypatch.setattr(type(page), "order", lambda _self, key: {"": page.orders[0]}[key])
    told = looked_into(everybody, [Door("/tasks/", {}, "get")])
    assert any("KeyError" in fault for fault in told)


@pytest.mark.parametrize("odd", ["0", HUGE, "9" * 5_000, "%00", "x%00y", "%F0%9F%98%80", "-1"])
def test_a_row_that_is_none_is_not_there(world, everybody, odd):
    number = world.cases["unit"].number
    told = [
        *(f"/{path}/{odd}/" for path in (
            "shifts", "service-notices", "robots", "cases/bulk/acts", "cases/views", "tags",
            "board/cards", "replies/draft/templates", "playbooks/draft/steps")),
        *(f"/{path}" for path in (
            f"tasks/{odd}/accept/", f"cases/views/{odd}/edit/", f"service-notices/{odd}/withdraw/",
            f"shifts/{odd}/back/", f"tags/{odd}/merge/", f"playbooks/draft/steps/{odd}/remove/",
            f"replies/draft/remove/macro/{odd}/", f"cases/bulk/acts/{odd}/")),
        *(f"/cases/{number}/{path}" for path in (
            f"links/{odd}/drop/", f"agents/{odd}/letter/", f"agents/{odd}/check/",
            f"sources/{odd}/answer/", f"remedies/{odd}/done/", f"remedies/{odd}/cancel/",
            f"remedies/{odd}/proof/", f"steps/{odd}/skip/", f"force/{odd}/drop/",
            f"bundle/{odd}/", f"files/{odd}/small/", f"merged/{odd}/", f"macros/{odd}/",
            f"replies/{odd}/?tab=email")),
    ]  # fmt: skip
    with undrawn():
        answers = {path[:80]: everybody.get(path).status_code for path in told}
    assert {path: code for path, code in answers.items() if code != 404} == {}
    sent = [
        *(f"/cases/{number}/{path}/" for path in (
            f"messages/{odd}/recall", f"messages/{odd}/again", f"calls/{odd}/listen",
            f"after-end/{odd}/settle", f"presence/{odd}/ask", f"repeats/{odd}",
            f"drafts/{odd}", f"steps/{odd}", f"messages/{odd}/wrong-person",
            f"messages/{odd}/posted")),
        *(f"/{path}/" for path in (
            f"cases/bulk/acts/{odd}/undo", f"cases/bulk/acts/{odd}/stop", f"tasks/{odd}/answer",
            f"cases/views/{odd}/move", f"cases/views/{odd}/drop", f"robots/{odd}/switch",
            f"robots/{odd}/test", f"clusters/{odd}/link", f"clusters/{odd}/apart")),
    ]  # fmt: skip
    with undrawn():
        answers = {path[:80]: everybody.post(path, {"reason": "x"}).status_code for path in sent}
    assert {path: code for path, code in answers.items() if code >= 500} == {}


def test_nothing_typed_comes_back_as_a_tag(world, everybody, forms):
    """Fill every text of every form with tags, save, and read all pages."""
    kept = 0
    for name, door in forms:
        data = dict(door.data)
        texts: dict[str, Any] = {k: SCRIPT[:40] for k, value in data.items() if value == "Words"}
        if texts and name not in {"force_drop", "service_notice_withdraw"}:
            kept += everybody.post(door.url, data | texts).status_code in {302, 204}
    assert kept > 12
    pages = [address(probe, world) for probe in probes() if probe.method == "get"]
    here = f"/cases/{world.cases['unit'].number}/"
    pages += [here, f"{here}side/", f"{here}timeline/", "/cases/", "/", "/inbox/", "/audit/"]
    loose = []
    for page in pages:
        answer = everybody.get(page)
        if not answer.streaming and is_loose(answer.content):
            loose.append(page)
    assert loose == []


def test_every_odd_word_is_searched_for_in_peace(world, everybody):
    for odd in (*ODD, SCRIPT):
        answer = everybody.post("/search/", {"q": odd}, follow=True)
        assert answer.status_code == 200
        assert not is_loose(answer.content)
