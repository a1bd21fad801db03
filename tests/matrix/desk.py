"""Probes of the desk: board, views, acts on many, shifts, notices, tags, robots, search."""

from tests.matrix.probe import Probe, World, on_row, post


def probes() -> list[Probe]:
    return [*_lists(), *_views(), *_tasks(), *_kept_lists(), *_shifts(), *_search()]


def _lists() -> list[Probe]:
    """Return the board, acts on many cases, clusters and the lists of what to look into."""
    key = {"args": lambda _world: ("0123456789abcdef",)}
    return [
        Probe("board"), Probe("board_card", args=lambda _w: ("counters",)),
        Probe("board", "far", query="unit=LOAN"),
        Probe("board_move"), post("board_move"),
        post("board_move", data=lambda w: {"source": w.facts["staff"], "target": w.facts["staff"]},
             label="board_move of somebody"),
        Probe("cases_bulk_acts"), Probe("cases_bulk_acts", query="of=all", label="all bulk acts"),
        *on_row("cases_bulk_act", "bulk", "mine far"),
        *on_row("cases_bulk_undo", "bulk", "mine far", method="post"),
        *on_row("cases_bulk_stop", "bulk", "mine far", method="post"),
        post("cases_next"), Probe("chased_find"), Probe("chased_find", query="number=1234"),
        Probe("identity_overrides"), Probe("misdelivered"), Probe("after_end"), Probe("drafts"),
        Probe("case_spot"), post("case_spot"),
        Probe("clusters"), post("cluster_link", **key), post("cluster_apart", **key),
        Probe("remedies"), Probe("remedy_budget"), post("remedy_budget"),
    ]  # fmt: skip


def _views() -> list[Probe]:
    """Return saved views; `mine` is the reader's own, `shared` one of the bank."""
    kinds = "mine far shared"
    return [
        Probe("cases_views"), post("cases_look", data={"act": "density", "compact": "1"}),
        *on_row("cases_view_edit", "view", kinds),
        *on_row("cases_view_edit", "view", kinds, method="post"),
        *on_row("cases_view_save", "view", kinds, method="post"),
        *on_row("cases_view_move", "view", kinds, method="post"),
    ]  # fmt: skip


def _tasks() -> list[Probe]:
    """Return tasks; `mine` is asked of the reader alone, in a case of another department."""
    kinds = "mine unit far tip"
    return [
        Probe("tasks"),
        *(probe for name in ("task_accept", "task_answer", "task_cancel")
          for probe in on_row(name, "task", kinds)),
        *(probe for name in ("task_accept", "task_refuse", "task_answer", "task_cancel")
          for probe in on_row(name, "task", kinds, method="post")),
        *on_row("task_refuse", "task", kinds),
    ]  # fmt: skip


def _kept_lists() -> list[Probe]:
    """Return what administrators and supervisors keep: tags, robots, service notices."""

    def tag(_world: World) -> tuple[str]:
        return ("matrix",)

    def robot(world: World) -> tuple[int]:
        return (world.facts["robot"],)

    def notice(world: World) -> tuple[int]:
        return (world.facts["service notice"],)

    both = (
        *((name, tag) for name in ("tag_edit", "tag_merge", "tag_retire")),
        ("robot_edit", robot), ("service_notice_edit", notice),
        ("service_notice_withdraw", notice),
        *((name, lambda _world: ()) for name in ("tag_new", "robot_new", "service_notice_new")),
    )  # fmt: skip
    return [
        *map(Probe, ("tags", "tag_counts", "robots", "service_notices")),
        *(act(name, args=args) for act in (Probe, post) for name, args in both),
        post("robot_switch", args=robot), post("robot_try", args=robot),
        Probe("service_notice_register", args=notice),
    ]  # fmt: skip


def _shifts() -> list[Probe]:
    """Return hand-overs: that of the reader's unit and a foreign one, signed and not yet taken."""
    kinds = "unit far"
    return [
        Probe("shifts"), post("shifts"), Probe("shift_history"),
        Probe("shifts", "far", query="unit=LOAN"), post("shifts", "far", query="unit=LOAN"),
        Probe("shift_history", "far", query="unit=LOAN"),
        *on_row("shift", "shift", kinds), *on_row("shift", "shift", kinds, method="post"),
        *on_row("shift_back", "shift", kinds),
        *on_row("shift_back", "shift", kinds, method="post"),
    ]  # fmt: skip


def _search() -> list[Probe]:
    """Return the search and the door of the SMS gateway, which a signature opens."""
    return [Probe("search"), post("search", data={"q": "fee"}),
            post("search_hits", data={"q": "fee"}), post("sms_report")]  # fmt: skip
