"""Editing the time limits as a person does: save, add, remove, move; ladder, settings, forecast."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from complaints.clocks import applying, drafting, forecasting
from complaints.clocks.dryrun import Bar, DryPolicy
from complaints.models import ClockLimit, ClockPolicy, LadderStep
from config.kernel import job_runs, journal, rule_kinds, rulesets
from config.kernel.models import RuleSet
from config.portal.policy_chart import chart
from config.portal.policy_parts import LadderEditor, PolicyEditor
from config.shared.actors import SYSTEM
from staff.accounts import actor_of
from tests.complaints import clock_house
from tests.factories.complaints import Bank, bank, open_case
from tests.factories.staff import AccountFactory
from tests.portal.desks import as_role, queries, signed_in

pytestmark = pytest.mark.django_db
KIND = "clock_policies"
HTMX = {"HX-Request": "true"}
ODD = ["", "x", "-1", "0", "9" * 40, "1\x00", "½", "1.5", "１"]


@pytest.fixture
def draft() -> RuleSet:
    clock_house.build()
    for row in ClockPolicy.objects.all():
        for code in (code for code in row.types if code.isalpha()):
            clock_house.term("feedback_type", code)
        for code in ("LTR", *row.channels):
            clock_house.term("intake_channel", code)
    clock_house.unit("CMPT")
    return rule_kinds.begin(KIND, actor=SYSTEM, at=timezone.now())


@pytest.fixture
def client(draft):
    return as_role("admin")


def sent(form: Any, prefix: str = "") -> dict[str, Any]:
    """Return what a browser would post for a form as it stands."""
    values = {}
    for field in form:
        value = field.value()
        if isinstance(value, bool):
            value = "on" if value else None
        if value not in (None, []):
            values[field.html_name] = [str(x) for x in value] if isinstance(value, list) else value
    return values


def policy(draft: RuleSet, code: str = "CMP-2", **changed: Any) -> dict[str, Any]:
    """Return the post of a policy as it stands in the draft, with some fields changed."""
    draft.refresh_from_db()
    editor = PolicyEditor.stored(draft, code)
    values = {"policy": code, "clocks": [form.clock for form in editor.limits], "act": "save"}
    for form in (editor.head, *editor.limits):
        values |= sent(form)
    values |= {name.replace("__", "-"): value for name, value in changed.items()}
    return {name: value for name, value in values.items() if value is not None}


def ladder(draft: RuleSet, **changed: Any) -> dict[str, Any]:
    draft.refresh_from_db()
    editor = LadderEditor.stored(draft)
    values = {"steps": [form.place for form in editor.steps], "act": "save"}
    for form in (editor.head, *editor.steps):
        values |= sent(form)
    values |= {name.replace("__", "-"): value for name, value in changed.items()}
    return {name: value for name, value in values.items() if value is not None}


def limit(draft: RuleSet, clock: str = "resolve", code: str = "CMP-2") -> ClockLimit:
    return ClockLimit.objects.get(policy__rule_set=draft, policy__code=code, clock=clock)


def codes(draft: RuleSet) -> list[str]:
    rows = ClockPolicy.objects.filter(rule_set=draft).order_by("order")
    return list(rows.values_list("code", flat=True))


# --- the page ------------------------------------------------------------------------------


def test_without_a_draft_the_page_leads_back(client, draft):
    rule_kinds.discard(draft, reason="no", actor=SYSTEM, at=timezone.now())
    for url in ("/policies/draft/", "/policies/draft/ladder/", "/policies/draft/settings/"):
        assert client.get(url)["Location"] == "/policies/"
        assert client.post(url).status_code == 409


@pytest.mark.parametrize("url", ["/policies/draft/", "/policies/draft/ladder/",
                                 "/policies/draft/settings/"])  # fmt: skip
def test_who_may_read_reads_and_who_may_propose_writes(draft, url):
    assert as_role("officer").get(url).status_code == 403
    auditor = as_role("auditor")
    page = auditor.get(url)
    assert page.status_code == 200
    main = page.content.decode().split('class="topbar"')[1].split("</main>")[0]
    assert 'method="post"' not in main
    assert "/policies/publish/" not in main
    assert auditor.post(url).status_code == 403
    assert 'method="post"' in as_role("CS").get(url).content.decode()


def test_the_editor_shows_what_is_in_force_beside_the_draft(client, draft):
    client.post("/policies/draft/", policy(draft, resolve__amount="2"))
    page = client.get("/policies/draft/?p=CMP-2")
    text = page.content.decode()
    assert "<s>3 working days</s>" in text
    states = [form.was_state for form in page.context["editor"].limits]
    assert (states.count("same"), states.count("other")) == (7, 1)
    assert "1 change<" in text
    assert ">Draft</span>" in text


def test_it_reads_in_chinese(client, draft):
    client.cookies["huiyin_language"] = "zh-hans"
    assert "投诉·一般" in client.get("/policies/draft/?p=CMP-2").content.decode()


def test_the_page_costs_the_same_for_more_policies(client, draft):
    client.get("/policies/draft/?p=CMP-2")
    before = queries(client, "/policies/draft/?p=CMP-2")
    for n in range(15):
        ClockPolicy.objects.create(
            rule_set=draft, code=f"X-{n}", name_en="X", name_zh="X", order=990 + n, types=["CMP"]
        )
    assert queries(client, "/policies/draft/?p=CMP-2") == before


# --- a policy ------------------------------------------------------------------------------


def test_saving_keeps_every_field(client, draft):
    answer = client.post("/policies/draft/", policy(
        draft, name_en="Medium", severities=["2", "3"], tiers=["key", "vulnerable"],
        channels=["LTR"], origin="Board", resolve__amount="36", resolve__unit="working_hours",
        resolve__risk_minutes="90", resolve__risk_percent="10", resolve__max_pause_days="5",
        resolve__stands="chosen", resolve__stands_in=["suspended"],
        resolve__starts_on="accepted_at", respond__stands="never",
        regulatory__extensions="30、45", respond__unit="minutes", respond__amount="90",
    ))  # fmt: skip
    assert answer["Location"] == "/policies/draft/?p=CMP-2#pol-c"
    row = ClockPolicy.objects.get(rule_set=draft, code="CMP-2")
    assert (row.name_en, row.severities, row.tiers) == ("Medium", [2, 3], ["key", "vulnerable"])
    assert (row.channels, row.origin) == (["LTR"], "Board")
    kept = limit(draft)
    assert (kept.amount, kept.unit, kept.calendar) == (36 * 60, "working_minutes", "bank")
    assert (kept.risk_minutes, kept.risk_percent, kept.max_pause_days) == (90, 10, 5)
    assert (kept.stands_in, kept.starts_on) == (["suspended"], "accepted_at")
    assert limit(draft, "regulatory").extensions == [30, 45]
    respond = limit(draft, "respond")
    assert (respond.amount, respond.unit, respond.stands_in) == (90, "elapsed_minutes", [])


def test_saving_what_is_there_changes_and_records_nothing(client, draft):
    before = draft.event_seq
    for code in codes(draft):
        assert client.post("/policies/draft/", policy(draft, code)).status_code == 302
    draft.refresh_from_db()
    assert draft.event_seq == before


def test_time_day_and_night_needs_no_calendar(client, draft):
    client.post("/policies/draft/", policy(draft, resolve__unit="hours", resolve__amount="48"))
    kept = limit(draft)
    assert (kept.amount, kept.calendar) == (2880, "")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name_en": ""}, "Write something here."),
        ({"name_zh": "x" * 121}, "Use at most 120 characters"),
        ({"resolve__amount": ""}, "This field is required."),
        ({"resolve__unit": "weeks"}, "Select a valid choice"),
        ({"resolve__calendar": "moon"}, "Select a valid choice"),
        ({"resolve__calendar": ""}, "Working time needs a calendar."),
        ({"resolve__risk_minutes": "99999"}, "shorter than the limit"),
        ({"regulatory__extensions": "30 or so"}, "Write days with commas"),
        ({"regulatory__extensions": "60, 30"}, "Totals after each extension rise"),
        ({"resolve__stands": "chosen"}, "Tick the states"),
        ({"types": ["MOON"]}, "Select a valid choice"),
        ({"severities": ["5"]}, "Select a valid choice"),
        ({"clocks": []}, "at least one clock"),
        (
            {"resolve__stops_on": "received_at", "resolve__starts_on": "received_at"},
            "does not stop",
        ),
    ],
)
def test_what_a_policy_cannot_be_is_said_beside_it_and_nothing_typed_is_lost(
    client, draft, changed, words
):
    posted = policy(draft, **{"origin": "typed here", **changed})
    for headers in ({}, HTMX):
        answer = client.post("/policies/draft/", posted, headers=headers)
        assert answer.status_code == 422, answer.content.decode()[:500]
        assert words in answer.content.decode()
        assert "typed here" in answer.content.decode()
    assert limit(draft).amount == 3


def test_odd_numbers_are_refused_in_words(client, draft):
    names = ("amount", "risk_minutes", "risk_percent", "max_pause_days")
    posted = policy(draft)
    for odd in ODD[1:-1]:
        answer = client.post("/policies/draft/", posted | {f"resolve-{n}": odd for n in names})
        assert answer.status_code == 422
        assert answer.content.decode().count('class="has-bad"') >= 2
    assert limit(draft).amount == 3


@pytest.mark.parametrize("odd", ODD)
def test_odd_addresses_and_versions_never_fault(client, draft, odd):
    assert client.get("/policies/draft/", {"p": odd}).status_code == 200
    assert client.get("/policies/draft/drop/", {"p": odd}).status_code == 404
    assert client.post("/policies/draft/", policy(draft) | {"policy": odd}).status_code == 404
    assert (
        client.post("/policies/draft/", policy(draft, version=odd)).status_code in {409, 422}
        or odd == "１"
    )
    gone = client.post("/policies/draft/move/", {"code": odd, "to": "up", "version": "1"})
    assert gone.status_code == 404
    assert client.post("/policies/draft/", {"policy": "CMP-2", "clocks": odd}).status_code == 422
    assert client.post("/policies/draft/", policy(draft, act=f"drop:{odd}")).status_code == 302


def test_a_clock_is_added_and_removed(client, draft):
    answer = client.post("/policies/draft/", policy(draft, "PRS", act="add", add="sign"))
    assert answer["Location"].endswith("#row-sign")
    assert limit(draft, "sign", "PRS").amount == 3
    client.post("/policies/draft/", policy(draft, "PRS", act="drop:respond"))
    assert not ClockLimit.objects.filter(
        policy__rule_set=draft, policy__code="PRS", clock="respond"
    ).exists()
    text = client.get("/policies/draft/?p=PRS").content.decode()
    assert "taken out" in text
    assert "<ins>new</ins>" in text


def test_a_new_policy_comes_last_and_can_be_removed_again(client, draft):
    blank = client.get("/policies/draft/?p=new").content.decode()
    assert "Add the policy" in blank
    posted = {
        "policy": "new", "version": str(draft.version), "name_en": "Gold", "name_zh": "金卡",
        "code": "GOLD", "types": "CMP", "clocks": "resolve", "resolve-amount": "1",
        "resolve-unit": "working_days", "resolve-calendar": "bank", "resolve-stands": "usual",
        "act": "save",
    }  # fmt: skip
    assert client.post("/policies/draft/", posted)["Location"].startswith("/policies/draft/?p=GOLD")
    assert codes(draft)[-1] == "GOLD"
    draft.refresh_from_db()
    again = client.post("/policies/draft/", posted | {"version": str(draft.version)})
    assert again.status_code == 422
    assert "Another policy has this code." in again.content.decode()
    free = posted | {"version": str(draft.version), "code": ""}
    assert client.post("/policies/draft/", free)["Location"].startswith("/policies/draft/?p=P")
    draft.refresh_from_db()
    asks = client.get("/policies/draft/drop/?p=GOLD", headers=HTMX).content.decode()
    assert "Remove Gold?" in asks
    client.post("/policies/draft/drop/?p=GOLD", {"version": str(draft.version)})
    assert "GOLD" not in codes(draft)


def test_moving_swaps_visible_neighbours_and_keeps_the_ends(client, draft):
    before = codes(draft)
    for to, code, expected in (("down", before[0], 1), ("up", before[0], 0), ("up", before[0], 0)):
        draft.refresh_from_db()
        data = {"code": code, "to": to, "version": str(draft.version)}
        assert client.post("/policies/draft/move/", data).status_code == 302
        assert codes(draft).index(code) == expected
    stale = client.post("/policies/draft/move/", {"code": before[0], "to": "down", "version": "1"})
    assert stale.status_code == 409
    draft.refresh_from_db()
    data = {"code": before[1], "to": "up", "version": str(draft.version), "shown": "CMP-2"}
    pieces = client.post("/policies/draft/move/", data, headers=HTMX).content.decode()
    assert 'id="pol-list"' in pieces
    assert f'value="{draft.version + 1}"' in pieces


# --- two people, htmx ----------------------------------------------------------------------


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(client, draft):
    posted = policy(draft, resolve__amount="1")
    other = AccountFactory.create(roles=["admin"], person__name_en="Ming Zhao")
    theirs = policy(draft, resolve__amount="9")
    assert signed_in(other).post("/policies/draft/", theirs).status_code == 302
    for more in ({}, HTMX):
        answer = client.post("/policies/draft/", posted, headers=more)
        assert answer.status_code == 409
        text = answer.content.decode()
        assert "Ming Zhao" in text
        assert 'name="resolve-amount" value="1"' in text
        assert limit(draft).amount == 9
    silent = {name: value for name, value in posted.items() if name != "act"}
    answer = client.post("/policies/draft/", silent, headers=HTMX)
    assert answer.status_code == 409
    assert answer["HX-Retarget"] == "#pol-c"
    assert "delay:500ms" not in answer.content.decode()  # nothing is saved again by itself


def test_saving_on_change_answers_with_what_the_server_decides(client, draft):
    posted = policy(draft, resolve__amount="2")
    del posted["act"]
    answer = client.post("/policies/draft/", posted, headers=HTMX)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert '<form method="post" action="/policies/draft/"' not in text
    for part in ("draft-bar", "pol-list", "pol-version", "was-resolve", "forecast-card"):
        assert f'id="{part}"' in text, part
    assert "<s>3 working days</s>" in text
    assert "Saved in the draft" in text
    wrong = client.post("/policies/draft/", {**posted, "resolve-amount": "no",
                        "version": str(draft.version + 1)}, headers=HTMX)  # fmt: skip
    assert wrong.status_code == 422
    assert "Not saved yet" in wrong.content.decode()
    assert 'href="#id_resolve-amount"' in wrong.content.decode()


def test_a_structural_act_by_htmx_brings_the_whole_editor(client, draft):
    answer = client.post("/policies/draft/", policy(draft, "PRS", act="add", add="sign"),
                         headers=HTMX)  # fmt: skip
    assert answer["HX-Retarget"] == "#pol-c"
    assert 'id="row-sign"' in answer.content.decode()
    assert answer.content.decode().count("autofocus") == 1


# --- ladder and settings -------------------------------------------------------------------


def steps(draft: RuleSet) -> list[LadderStep]:
    return list(LadderStep.objects.filter(rule_set=draft).order_by("order"))


def test_saving_the_ladder_keeps_every_step(client, draft):
    before = [(s.percent, s.days_before, s.audience) for s in steps(draft)]
    assert client.post("/policies/draft/ladder/", ladder(draft)).status_code == 302
    assert [(s.percent, s.days_before, s.audience) for s in steps(draft)] == before
    client.post("/policies/draft/ladder/", ladder(
        draft, s0__moment="hours_before", s0__n="2", s0__audience=["rm", "watchers"],
        s0__channels=["sms"], s0__at_once="on", s0__clocks=["resolve"], s0__policies=["CMP-2"],
        s0__min_severity="3",
    ))  # fmt: skip
    step = steps(draft)[0]
    assert (step.minutes_before, step.percent) == (120, None)
    assert (step.audience, step.channels, step.at_once) == (["rm", "watchers"], ["sms"], True)
    assert (step.clocks, step.policies, step.min_severity) == (["resolve"], ["CMP-2"], 3)


def test_steps_are_added_moved_and_removed(client, draft):
    n = len(steps(draft))
    first, second = steps(draft)[:2]
    client.post("/policies/draft/ladder/", ladder(draft, act="down:0"))
    assert [s.percent for s in steps(draft)][:2] == [second.percent, first.percent]
    answer = client.post("/policies/draft/ladder/", ladder(draft, act="add"))
    assert answer["Location"].endswith(f"#step-{n}")
    assert len(steps(draft)) == n + 1
    client.post("/policies/draft/ladder/", ladder(draft, act=f"drop:{n}"))
    assert len(steps(draft)) == n
    for act in ("up:0", f"down:{n - 1}", "drop:99", "up:x", "add:3:4", "\x00"):
        assert client.post("/policies/draft/ladder/", ladder(draft, act=act)).status_code == 302


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"s0__n": "0"}, "Give a number from 1"),
        ({"s0__n": "x"}, "Enter a whole number."),
        ({"s0__n": "9" * 30}, "less than or equal"),
        ({"s0__audience": []}, "This field is required."),
        ({"s0__audience": ["pope"]}, "Select a valid choice"),
        ({"s0__min_severity": "9"}, "Select a valid choice"),
        ({"s1__breach": "on"}, "The breach is the step at 100 percent"),
        ({"s0__policies": ["\x00"]}, "Select a valid choice"),
    ],
)
def test_what_a_step_cannot_be_is_said_beside_it(client, draft, changed, words):
    answer = client.post("/policies/draft/ladder/", ladder(draft, **changed))
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_the_ladder_notices_somebody_faster(client, draft):
    posted = ladder(draft)
    drafting.put_settings(
        draft, {"risk_percent": 30}, actor=SYSTEM, at=timezone.now(), expected=None
    )
    answer = client.post("/policies/draft/ladder/", posted | {"s0-n": "55"})
    assert answer.status_code == 409
    assert 'value="55"' in answer.content.decode()


def test_settings_are_saved_and_refused(client, draft):
    posted = {"version": str(draft.version), "risk_minutes": "60", "risk_percent": "20",
              "warn_minute": "08:30", "max_pause_days": "10",
              "complaint_office": "CMPT", "handler_limit": "9"}  # fmt: skip
    assert client.post("/policies/draft/settings/", posted).status_code == 302
    draft.refresh_from_db()
    # What is left empty stays as it was.
    assert (draft.settings["handler_limit"], draft.settings["hourly_intake"]) == (9, 4)
    assert draft.settings["warn_minute"] == 510
    assert draft.settings["calendar"] == "bank"  # what the form does not show stays
    again = posted | {"version": str(draft.version)}
    for name, odd in (("risk_percent", "100"), ("warn_minute", "25:00"), ("risk_minutes", "\x00"),
                      ("complaint_office", "MOON"), ("max_pause_days", "0"),
                      ("handler_limit", "0"), ("hourly_intake", "many")):  # fmt: skip
        assert client.post("/policies/draft/settings/", again | {name: odd}).status_code == 422
    assert client.post("/policies/draft/settings/", posted).status_code == 409


# --- forecast, one case, applying ----------------------------------------------------------


@pytest.fixture
def house(db) -> Bank:
    built = bank()
    built.accounts["administrator"] = AccountFactory.create(roles=["admin"])
    return built


def work_off() -> None:
    job_runs.work(timezone.now() + timedelta(seconds=1))


def tighter(draft: RuleSet) -> RuleSet:
    for code in ("CMP-1", "CMP-2", "CMP-2-KEY", "CMP-2-CORE"):
        rows = ClockLimit.objects.filter(policy__rule_set=draft, policy__code=code)
        rows.filter(clock="resolve").update(amount=1, unit="elapsed_minutes", calendar="")
    return draft


def test_a_forecast_is_counted_shown_and_goes_stale(house):
    case = open_case(house)
    draft = tighter(rule_kinds.begin(KIND, actor=SYSTEM, at=timezone.now()))
    admin, supervisor = (
        signed_in(house.accounts["administrator"]),
        signed_in(house.accounts["supervisor"]),
    )
    url = f"/policies/{draft.number}/forecast/?p=CMP-2"
    moving = admin.post(url, headers=HTMX).content.decode()
    assert "every 2s" in moving
    assert as_role("auditor").post(url).status_code == 403
    work_off()
    done = admin.get(url, headers=HTMX).content.decode()
    assert "every 2s" not in done
    assert "would be due at another time" in done
    assert case.number not in done  # the administrator may not see cases
    seen = supervisor.get(url, headers=HTMX).content.decode()
    assert case.number in seen
    assert supervisor.get(url)["Location"].endswith("#forecast")
    drafting.put_settings(
        draft, {"risk_percent": 30}, actor=SYSTEM, at=timezone.now(), expected=None
    )
    assert "The draft was changed since." in admin.get(url, headers=HTMX).content.decode()


def test_only_the_draft_and_the_version_in_force_are_counted(client, draft):
    rule_kinds.publish(draft, reason="x", valid_from=None, actor=SYSTEM, at=timezone.now(),
                       expected=None)  # fmt: skip
    assert client.get("/policies/1/forecast/").status_code == 404
    assert client.get("/policies/2/forecast/").status_code == 302
    for odd in ("9", "9" * 25):
        assert client.get(f"/policies/{odd}/forecast/").status_code == 404
        assert client.get(f"/policies/{odd}/apply/").status_code == 404


def test_one_case_is_tried_on_the_draft(house):
    case = open_case(house)
    tighter(rule_kinds.begin(KIND, actor=SYSTEM, at=timezone.now()))
    supervisor = signed_in(house.accounts["supervisor"])
    before = case.version
    answer = supervisor.get("/policies/draft/try/", {"number": f" {case.number.lower()} "})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "The draft gives it the policy" in text
    assert "1 minute" in text
    case.refresh_from_db()
    assert case.version == before
    assert case.clocks.get(name="resolve").amount != 1
    part = supervisor.get("/policies/draft/try/", {"number": case.number}, headers=HTMX)
    assert "<html" not in part.content.decode()
    for odd in ("C-2026-9999999", "", "\x00", "x" * 31):
        assert supervisor.get("/policies/draft/try/", {"number": odd}).status_code == 422
    assert signed_in(house.accounts["administrator"]).get("/policies/draft/try/").status_code == 403
    assert as_role("auditor").get("/policies/draft/try/").status_code == 200


def test_applying_is_an_act_of_its_own_with_preview_and_reason(house):
    case = open_case(house)
    now = timezone.now()
    draft = tighter(rule_kinds.begin(KIND, actor=SYSTEM, at=now))
    rules = rulesets.publish(draft, reason="Shorter", actor=SYSTEM, at=now)
    account = house.accounts["administrator"]
    admin, url = signed_in(account), f"/policies/{rules.number}/apply/"
    page = admin.get("/policies/").content.decode()
    assert "Running cases keep the version they began with" in page
    assert url not in page  # the preview comes first
    admin.post(f"/policies/{rules.number}/forecast/")
    work_off()
    assert url in admin.get("/policies/").content.decode()
    assert signed_in(house.accounts["supervisor"]).get(url).status_code == 403
    assert "are put on" not in admin.get(url, headers=HTMX).content.decode()
    assert admin.post(url, {"reason": " "}).status_code == 422
    assert admin.post(url, {"reason": "Board of May"}).status_code == 302
    assert admin.post(url, {"reason": "twice"}).status_code == 409
    assert "every 2s" in admin.get("/policies/").content.decode()
    work_off()
    case.refresh_from_db()
    assert case.policy_reason["rule_set"] == rules.pk
    text = admin.get("/policies/").content.decode()
    assert "applied this version" in text
    told = [entry.action for entry in journal.entries(rules.stream)]
    assert told.count("rules.applied") == 1
    assert applying.latest(rules).params["actor"]["id"] == actor_of(account).id


def test_an_older_version_is_not_applied(house):
    now = timezone.now()
    draft = rule_kinds.begin(KIND, actor=SYSTEM, at=now)
    admin = signed_in(house.accounts["administrator"])
    assert admin.get(f"/policies/{draft.number}/apply/").status_code == 404
    rulesets.publish(draft, reason="x", actor=SYSTEM, at=now)
    answer = admin.post("/policies/1/apply/", {"reason": "Board of May"})
    assert answer.status_code == 409
    assert "Board of May" in answer.content.decode()
    assert forecasting.latest(draft) is None


def test_the_picture_of_a_replay_stacks_bars_and_marks_both_limits():
    bars = [Bar(0, 60, 4, "ok"), Bar(60, 120, 3, "ok"), Bar(60, 120, 1, "new"),
            Bar(120, 180, 2, "late")]  # fmt: skip
    dry = DryPolicy(10, 2, 3, 8, 7, 1, bars, 120, 90, [], "")
    drawn = chart(dry, "90 minutes", "2 hours")
    assert drawn is not None
    first, low, high, last = drawn.pieces
    assert (low.x, high.style, last.style) == (high.x, "w-new", "g-late")
    assert float(high.y) + float(high.height) == pytest.approx(float(low.y), abs=0.2)
    assert float(first.height) == pytest.approx(float(last.height) * 2, abs=0.2)
    draft, now = drawn.marks
    assert (draft.words, draft.strong, now.words) == ("draft: 90 minutes", True, "now: 2 hours")
    assert float(first.x) < float(draft.x) < float(now.x) < float(last.x)
    assert [(row.n, row.state) for row in drawn.rows] == [
        (4, "on time"), (3, "on time"), (1, "newly late"), (2, "late either way"),
    ]  # fmt: skip
    assert "10 cases: 7 on time under the draft, 1 newly late" in drawn.label
    empty = DryPolicy(0, 0, 0, 0, 0, 0, [], None, 90, [], "")
    assert chart(empty, "", "") is None
