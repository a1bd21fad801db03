"""Probes of what a case holds: messages, relations, replies, remedies, steps, files, printing."""

from django.utils import timezone

from complaints.models import CasePresence
from tests.matrix.probe import Probe, World, dialog, fact, on_case

TWO = "unit far"


def _twin(world: World, target: str) -> str:
    return world.twins[target].number


def _writer(world: World, target: str) -> int:
    """Let somebody write at the case while one probe lasts."""
    person, now = world.house.pk("handler2"), timezone.now()
    CasePresence.objects.create(
        case=world.cases[target], person_id=person, seen_at=now, typing_at=now
    )
    return person


def probes() -> list[Probe]:
    return [*_conversation(), *_relations(), *_words(), *_work(), *_desk(), *_files()]


def _conversation() -> list[Probe]:
    """Return acts on single messages, recordings and promises."""
    sent = fact("sent")
    return [
        *on_case("case_recall", sent, method="post"),
        *on_case("case_resend", sent, method="post"),
        *dialog("case_astray", sent), *dialog("case_posted", sent),
        *on_case("case_listen", fact("recorded"), method="post"),
        *dialog("case_promise"),
        *on_case("after_end_settle", fact("late"), method="post"),
    ]  # fmt: skip


def _relations() -> list[Probe]:
    """Return links, chases, agents, sources, and moving a case to another customer."""
    agent, source, link = fact("agent"), fact("source"), fact("link")
    return [
        *on_case("case_chased"), *on_case("case_chased", method="post", data={"text": "Again"}),
        *on_case("case_another"), *dialog("case_answer_together"), *dialog("case_link"),
        *dialog("case_unlink", link), *dialog("case_split"),
        *on_case("case_repeat", _twin, method="post"), *on_case("case_merged_line", _twin),
        *dialog("case_agent"), *dialog("case_agent_letter", agent),
        *dialog("case_agent_check", agent), *dialog("case_source"),
        *dialog("case_source_answer", source),
        *on_case("case_relink"), *on_case("case_relink", method="post"),
        *on_case("case_disclosed"), *on_case("case_disclosed", method="post"),
    ]  # fmt: skip


def _words() -> list[Probe]:
    """Return reply templates, macros, drafts and the result letter."""
    tab = {"tab": "email"}
    return [
        *on_case("case_replies", data=tab), *on_case("case_reply", "result-letter", data=tab),
        *on_case("case_replies", data={"tab": "progress"}, label="case_replies progress",
                 targets="own far"),
        *on_case("case_reply_preview", method="post", data=tab | {"text": "Words"}),
        *on_case("case_reply_words", method="post", data={"text": "Words"}),
        *dialog("case_macro", "progress-note"), *on_case("case_letter"),
        *on_case("case_draft", "write-note", method="post", data={"text": "Words"}),
        *on_case("case_draft_drop", "write-note", method="post"),
    ]  # fmt: skip


def _work() -> list[Probe]:
    """Return remedies, quality, tasks, steps and the task force."""
    remedy, step, member = fact("remedy"), fact("step"), fact("member")
    return [
        *dialog("case_quality"), *dialog("remedy_new"), *dialog("remedy_done", remedy),
        *dialog("remedy_cancel", remedy), *on_case("remedy_proof", remedy),
        *dialog("task_new"), *on_case("step_done", step, method="post"),
        *dialog("step_skip", step), *dialog("force_add"), *dialog("force_drop", member),
    ]  # fmt: skip


def _desk() -> list[Probe]:
    """Return what stands around the work on one case: tags, presence, identity, next step."""
    return [
        *on_case("case_tags"), *on_case("case_tags", method="post", targets=TWO),
        *on_case("case_tag_find"), *on_case("case_tag_drop", method="post", data={"tag": "urgent"}),
        *on_case("case_next"), *on_case("case_priority"),
        *on_case("case_presence", method="post"),
        *on_case("case_ask_to_wait", _writer, method="post"),
        *on_case("case_mentions"), *on_case("case_identify"),
        *on_case("case_identify", method="post"), *on_case("case_reveal", label="case_reveal page"),
    ]  # fmt: skip


def _files() -> list[Probe]:
    """Return attachments, the printed record and the bundle."""
    return [
        *on_case("case_upload", method="post"), *on_case("case_gallery"),
        *on_case("case_thumbnail", fact("picture")), *on_case("case_print"),
        *on_case("case_bundle"), *on_case("case_bundle", method="post"),
        *on_case("case_bundle_list"), *on_case("case_bundle_file", fact("bundle")),
        *on_case("case_bundle_file", fact("their bundle"), label="case_bundle_file of another"),
    ]  # fmt: skip
