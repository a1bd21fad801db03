"""Probes of rules: time limits, routing, duty table, calendars, replies, playbooks; the roster."""

from django.utils import timezone

from config.kernel.models import Notice
from staff.models import DutyCall
from tests.matrix.probe import Probe, World, post


def policies() -> list[Probe]:
    """Return the pages and acts of the time limits; the draft of the world is open."""

    def draft(world: World) -> tuple[int]:
        return (world.facts["draft clock_policies"],)

    def force(world: World) -> tuple[int]:
        return (world.facts["force clock_policies"],)

    reads = ("policies", "policies_ladder", "policies_settings", "policies_versions",
             "policies_draft", "policies_draft_ladder", "policies_draft_settings", "policies_try",
             "policies_publish", "policies_discard")  # fmt: skip
    writes = ("policies_begin", "policies_publish", "policies_discard", "policies_draft",
              "policies_draft_ladder", "policies_draft_settings")  # fmt: skip
    code = {"code": "CMP-2", "to": "up"}
    return [
        *map(Probe, reads), *map(post, writes), post("policies_move", data=code),
        Probe("policies_drop", data={"p": "CMP-2"}), post("policies_drop", query="p=CMP-2"),
        Probe("policies_forecast", "draft", draft), post("policies_forecast", "draft", args=draft),
        Probe("policies_forecast", "force", force), post("policies_forecast", "force", args=force),
        Probe("policies_apply", "force", force), post("policies_apply", "force", args=force),
    ]  # fmt: skip


def routing() -> list[Probe]:
    """Return the pages and acts of the routing rules and of the duty table."""

    def rule(world: World) -> tuple[str]:
        return (world.facts["rule"],)

    def line(world: World) -> tuple[int]:
        return (world.facts["line"],)

    reads = ("routing", "routing_draft", "routing_new", "routing_publish", "routing_discard",
             "routing_replay", "routing_explain", "routing_versions",
             "duties", "duties_draft", "duties_publish", "duties_discard", "duty_new")  # fmt: skip
    writes = ("routing_draft", "routing_new", "routing_publish", "routing_discard",
              "routing_replay", "duties_draft", "duties_publish", "duties_discard",
              "duty_new")  # fmt: skip
    return [
        *map(Probe, reads), *map(post, writes),
        Probe("routing_compare", data={"a": "1", "b": "1"}),
        *(act(name, args=where) for act in (Probe, post) for name, where in (
            ("routing_rule", rule), ("routing_remove", rule), ("duty_line", line),
            ("duty_remove", line))),
        post("routing_move", args=rule, data={"to": "1"}),
    ]  # fmt: skip


def calendars() -> list[Probe]:
    """Return the pages and acts of the bank's calendar."""

    def bank_(_world: World) -> tuple[str]:
        return ("bank",)

    def year(_world: World) -> tuple[str, int]:
        return ("bank", 2026)

    both = ("calendar_week", "calendar_publish", "calendar_discard", "calendar_effect",
            "calendar_import")  # fmt: skip
    return [
        Probe("calendars"), Probe("calendar_new"), post("calendar_new"),
        Probe("calendar_year", args=year), Probe("calendar_days", args=year),
        *(Probe(name, args=bank_) for name in ("calendar_home", "calendar_history")),
        *(act(name, args=bank_) for act in (Probe, post) for name in both),
        post("calendar_day", args=bank_, data={"on": "2026-05-08"}),
        post("calendar_begin", args=bank_), post("calendar_take", args=bank_),
    ]  # fmt: skip


def duty() -> list[Probe]:
    """Return the duty roster; a call of the reader's own gives a place on its page."""

    def call(world: World, called: int) -> int:
        at, about = timezone.now(), world.cases["unit"].about
        row = DutyCall.objects.create(
            key="matrix", kind="case.chase", about=about, called_id=called, called_at=at,
            facts={"called": [called], "told": {}},
        )  # fmt: skip
        Notice.objects.create(
            key=f"duty:{row.pk}:{called}", person_id=called, kind="case.chase", at=at, about=about
        )
        return row.pk

    def mine(world: World) -> tuple[int]:
        return (call(world, world.me.person_id if world.me else world.house.pk("officer2")),)

    def on_call(world: World) -> tuple[()]:
        return mine(world)[1:]  # type: ignore[return-value]

    def far(world: World) -> tuple[int]:
        return (call(world, world.house.pk("officer2")),)

    pages = ("duty", "duty_calls")
    return [
        *map(Probe, (*pages, "duty_export", "duty_shift", "duty_copy", "duty_import")),
        *(Probe(name, "called", on_call) for name in (*pages, "duty_export")),
        *map(post, ("duty_shift", "duty_copy", "duty_import")),
        post("duty_acknowledge", target="mine", args=mine),
        post("duty_acknowledge", target="far", args=far),
    ]  # fmt: skip


def replies() -> list[Probe]:
    """Return the pages and acts of the reply templates and macros; the draft is open."""

    def template(_world: World) -> tuple[str]:
        return ("result-letter",)

    def macro(_world: World) -> tuple[str]:
        return ("progress-note",)

    def removed(_world: World) -> tuple[str, str]:
        return ("macro", "progress-note")

    acts = ("replies_draft", "replies_publish", "replies_discard", "reply_bank", "reply_new",
            "macro_new")  # fmt: skip
    return [
        *map(Probe, ("replies", "replies_variables", "replies_versions", *acts)),
        *map(post, (*acts, "reply_preview")),
        Probe("replies_compare", data={"a": "1", "b": "1"}),
        *(act(name, args=where) for act in (Probe, post) for name, where in (
            ("reply_template", template), ("reply_macro", macro), ("reply_remove", removed))),
    ]  # fmt: skip


def playbooks() -> list[Probe]:
    """Return the pages and acts of the playbooks; the draft is open."""

    def step(world: World) -> tuple[int]:
        return (world.facts["playbook step"],)

    acts = ("playbooks_draft", "playbooks_publish", "playbooks_discard", "playbook_switches",
            "playbook_new")  # fmt: skip
    return [
        *map(Probe, ("playbooks", *acts)), *map(post, acts),
        *(act(name, args=step) for act in (Probe, post)
          for name in ("playbook_step", "playbook_remove")),
        post("playbook_up", args=step), post("playbook_down", args=step),
    ]  # fmt: skip
