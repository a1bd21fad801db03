"""Every entry a case can hold is told in words: no name of a field, no code, no gap."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest
from django.utils import translation

from complaints import case_lines, fact_names, timeline, workflow
from complaints.choices import Status
from complaints.models import Case
from complaints.workflow import facts, payloads
from config.kernel.actions import Action
from config.shared.registry import contributed
from tests.factories.complaints import AT, HOUR, do, in_state, rows

ROOM = Path(workflow.__file__).parents[1]
_PLACE = re.compile(r"%\((\w+)\)")
_RAW = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
PLAIN = {
    # numbers of cases and customers, counts and versions: they are what the reader knows
    "number", "count", "customer", "into", "to", "round", "percent", "pages", "version", "days",
    "receiver", "appraiser",  # typed by people
}  # fmt: skip


def own_actions():
    return {key: a for key, a in contributed(Action).items() if key.startswith(("case.", "clock."))}


def literal_words():
    """Return the names of words that the verbs of this room write out: `Fact(..., {"reason": x})`.

    Names that come from a value (`words`, `said`) are those of payloads or of the same dicts.
    """
    found = set()
    for path in ROOM.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for made in ast.walk(tree):
            if isinstance(made, ast.FunctionDef):
                found |= literal_words_of(list(ast.walk(made)))
    return found


def literal_words_of(nodes):
    """Return the names in dicts given as words in one function, or named and then given."""
    given = [words_given(node) for node in nodes if isinstance(node, ast.Call)]
    names = {node.id for node in given if isinstance(node, ast.Name)}
    names |= (
        {"words"} if any(isinstance(n, ast.Return) and returns_words(n) for n in nodes) else set()
    )
    named = [
        node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in names
    ]
    return {key for value in (*given, *named) for key in keys_of(value)}


def returns_words(node):
    """Tell whether a function hands facts and words to the verb that records them."""
    pair = node.value.elts if isinstance(node.value, ast.Tuple) else []
    return any(isinstance(part, ast.Name) and part.id == "words" for part in pair)


def words_given(call):
    """Return what a call writes as words, None where it writes none."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    place = {"Fact": 3, "move": 2, "record": 3}.get(name)
    if place is None:
        return None
    named = [k.value for k in call.keywords if k.arg == "words"]
    return call.args[place] if len(call.args) > place else next(iter(named), None)


def keys_of(value):
    if isinstance(value, ast.IfExp):
        return keys_of(value.body) | keys_of(value.orelse)
    if not isinstance(value, ast.Dict):
        return set()
    return {key.value for key in value.keys if isinstance(key, ast.Constant)}


def payload_words():
    kinds = {kind for _function, kind in workflow.VERBS.values() if kind is not None}
    return {part.name for kind in kinds for part in fields(kind) if part.metadata.get("words")}


def edited_words():
    texts = {*facts.TEXTS, "media_platform", "media_link", "referral_number"}
    return texts | {f"{name}_before" for name in texts}


def test_the_walk_meets_the_words_of_the_verbs():
    assert {"reason", "text", "name", "note", "backdate_reason", "recipient"} <= literal_words()
    assert {"answer", "words", "reason", "core_issue"} <= payload_words()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_word_of_every_entry_has_a_label(language):
    with translation.override(language):
        for name in sorted(literal_words() | payload_words() | edited_words()):
            label = fact_names.word_label(name)
            assert label != name, name
            assert not _RAW.search(label), (name, label)


def test_every_fact_that_is_edited_has_a_label():
    for name in {*facts.EDITABLE, *facts.TEXTS, *facts.CLASSIFICATION, "severity"}:
        assert name in fact_names.FACTS, name
        assert not _RAW.search(fact_names.fact(name))


def test_every_sentence_shows_codes_in_words():
    for key, action in own_actions().items():
        places = set(_PLACE.findall(str(action.sentence)))
        assert places <= PLAIN | set(action.show), key


def told(case, house):
    found = timeline.timeline(case, house.scope("supervisor"))
    return case_lines.lines(found, case, house.scope("supervisor"))


@pytest.mark.django_db
@pytest.mark.parametrize("state", [s for s in Status.values if s != Status.MERGED])
def test_the_way_to_every_state_reads_without_a_raw_name_or_a_gap(shared_house, state):
    case = in_state(shared_house, state)
    for line in told(case, shared_house):
        assert not _RAW.search(line.sentence), line.sentence
        assert "—" not in line.sentence, line.sentence
        assert "%(" not in line.sentence
        for word in line.words:
            assert not _RAW.search(word.label), word.label


@pytest.mark.django_db
def test_edited_facts_name_what_changed_and_what_stood_before(shared_house):
    case = in_state(shared_house, Status.IN_PROGRESS)
    given = payloads.FactsEdit(
        values={"loss_amount": 10, "emotion": 2}, texts={"core_issue": "Fee taken thrice"},
        reason="Heard on the phone.",
    )  # fmt: skip
    do(shared_house, case, "edit_facts", given, at=AT + HOUR)
    line = next(
        x for x in told(Case.objects.get(pk=case.pk), shared_house) if "edited" in x.sentence
    )
    assert line.sentence == "Facts were edited: Core issue, Emotion at the start, Loss"
    labels = {word.label: word.text for word in line.words}
    assert labels["Core issue"] == "Fee taken thrice"
    assert labels["Core issue, before"] == case.core_issue
    assert rows(case).exists()
