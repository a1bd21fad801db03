"""Probes of the first pages, of jobs, messages and the admin; and all probes together."""

from complaints.views.bulk import ACTS
from tests.matrix import cases, desk, relations, rules
from tests.matrix.cases import clock, token
from tests.matrix.probe import Probe, on_case, on_row, post


def _admin() -> list[Probe]:
    """Return the reference data of the admin: lists, forms and acts of each model."""
    found = [Probe("admin:index"), Probe("admin:password_change"), Probe("admin:jsi18n")]
    for model in ("kernel_term", "staff_department", "staff_person", "staff_account"):
        name = f"admin:{model}"
        found += [Probe(f"{name}_changelist"), Probe(f"{name}_add"), Probe(f"{name}_import")]
        found += [Probe(f"{name}_export")]
        for act in ("change", "history", "delete"):
            found.append(Probe(f"{name}_{act}", args=lambda w, m=model: (w.facts[m],)))
    return found


PROBES: list[Probe] = [
    Probe("home"), Probe("home_next"), Probe("frame_counts"),
    *on_case("home_claim", method="post"),
    Probe("account"), post("account"), Probe("password"), Probe("login"),
    post("logout"), post("set_language", data={"language": "en"}),
    post("set_theme", data={"theme": "dark"}), post("end_other_sessions"),
    post("end_session", args=lambda w: ("0" * 16,)),
    Probe("healthz"), Probe("readyz"),
    *cases.customers(),
    Probe("cases"), Probe("cases_facets"),
    *(post("cases_bulk", args=lambda w, v=v: (v,), label=f"cases_bulk {v}")
      for v in sorted(ACTS)),
    Probe("cases_view_new"), post("cases_view_new"),
    *on_row("cases_view_drop", "view", "mine far shared", method="post"),
    Probe("case_new"), post("case_new"), Probe("intake_lookup"), post("intake_hints"),
    post("intake_draft"), *on_case("intake_add", method="post"),
    *on_case("case"), *on_case("case_file", token),
    *(p for name in ("case_timeline", "case_side", "case_rail")
      for p in on_case(name, targets="unit far")),
    *on_case("case_why", clock, targets="unit far"),
    *on_case("case_part", "routing", targets="unit far"),
    *on_case("case_move", "accept", targets="own far"), *on_case("case_facts", targets="own far"),
    *on_case("case_facts", method="post"),
    *on_case("case_write", "note", method="post", label="write note"),
    *(p for k in ("call", "progress", "attach")
      for p in on_case("case_write", k, targets="unit own", method="post", label=f"write {k}")),
    *on_case("case_chase", method="post"), *on_case("case_reveal", method="post"),
    *cases.verbs(),
    Probe("imports"), post("imports"),
    *on_row("import", "import", "mine far"),
    *on_row("import_confirm", "import", "mine far", method="post"),
    *on_row("import_stop", "import", "mine far", method="post"),
    *on_row("import_retry", "import", "mine far", method="post"),
    *on_row("import_errors", "import", "mine far"),
    Probe("exports"), post("exports"),
    *on_row("export_file", "export", "mine far"),
    *on_row("export_stop", "export", "mine far", method="post"),
    Probe("inbox"), post("inbox_read"), *on_row("inbox_open", "notice", "mine far"),
    *on_row("inbox_done", "notice", "mine far", method="post"),
    Probe("outbox"), post("outbox_act", data={"verb": "retry"}),
    *on_row("outbox_message", "letter", "unit far"),
    Probe("approvals"), *on_row("approval", "request", "unit far"),
    *on_row("approval", "request", "unit far", method="post"),
    *rules.policies(), *rules.routing(), *rules.calendars(), *rules.duty(), *cases.around(),
    Probe("audit"), *_admin(), *rules.replies(), *rules.playbooks(), *relations.probes(),
    *desk.probes(),
]  # fmt: skip

# Addresses of Django's admin that do not depend on the model beside them.
NOT_PROBED = {
    "admin:login", "admin:logout", "admin:password_change_done", "admin:autocomplete",
    "admin:view_on_site", "admin:app_list", "admin:None",
    *(f"admin:{model}_process_import"
      for model in ("kernel_term", "staff_department", "staff_person", "staff_account")),
}  # fmt: skip
