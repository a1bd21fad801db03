"""Every read of a page begins with the reader's scope; found by walking the source of the pages.

`Model.objects` must be followed by `visible_to` or `fetch`, at most with joins before it. What
needs no scope is named below with its reason; a line that nothing needs any more fails too.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import Model

from config.kernel.frozen import FrozenWhenPublished
from config.shared.scope import ScopedQuerySet

PAGES = ("complaints/views", "config/portal", "customers/views", "staff/views")
NO_PAGES = ("config/portal/demo", "config/portal/management")
SCOPED = frozenset({"visible_to", "fetch"})
JOINS = frozenset({"select_related", "prefetch_related"})
REFERENCE = {
    "Department": "the units of the bank stand in choice lists for everybody",
    "Person": "colleagues are known by name to everybody, act people/find",
    "Term": "the taxonomies are the words of every form",
    "RuleSet": "the pages of rules demand their area first; a version has no owner",
}
"""Models without rows that are anybody's; rows of rule versions (FrozenWhenPublished) likewise."""
PLACES = {
    ("config/portal/record.py", "JournalEntry"): "this is where the scope of the record is decided",
    ("config/portal/health.py", "OutboxMessage"): "a sign of life for machines, shows no row",
    ("config/portal/calendar_versions.py", "CaseClock"): "counted for the bank, no case is named",
    ("config/portal/draft_rows.py", "model"): "rows of a draft of rules, typed as rule rows",
    ("config/portal/imports.py", "JobRow"): "rows of a job that was fetched with the scope",
    ("config/portal/robots.py", "GroupRobot"): "every page of robots demands the area first",
    ("config/portal/routing_board.py", "RoleGrant"): "who works on cases, for who reads the rules",
    ("staff/views/signing_in.py", "Account"): "the account that signs in, its own row",
}


def models() -> dict[str, type[Model]]:
    return {model.__name__: model for model in apps.get_models()}


def files() -> Iterator[Path]:
    """Yield the modules of the pages."""
    root = Path(settings.BASE_DIR)
    for place in PAGES:
        for path in sorted((root / place).rglob("*.py")):
            if not str(path.relative_to(root)).startswith(NO_PAGES):
                yield path


def reads(source: str) -> Iterator[tuple[int, str, list[str]]]:
    """Yield (line, model, methods called one after the other) of every read in a module."""
    tree = ast.parse(source)
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_default_manager"}:
            yield node.lineno, ast.unparse(node.value).split(".")[-1], _chain(node, above)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("_or_404") and node.args:
            first = node.args[0]
            if isinstance(first, ast.Name) and first.id[0].isupper():  # else rows already read
                yield node.lineno, first.id, ["get"]


def _chain(node: ast.AST, above: dict[ast.AST, ast.AST]) -> list[str]:
    methods = []
    while True:
        parent = above.get(node)
        if isinstance(parent, ast.Attribute):
            methods.append(parent.attr)
        elif not (isinstance(parent, ast.Call) and parent.func is node):
            return methods
        node = parent


def is_scoped(methods: list[str]) -> bool:
    """Tell whether the first thing but joins is the scope."""
    cuts = [name for name in methods if name not in JOINS]
    return cuts[:1] == ["none"] or (bool(cuts) and cuts[0] in SCOPED)


def unscoped(path: str, source: str) -> list[tuple[int, str]]:
    """Return (line, model) of the reads of a module that do not begin with the scope."""
    known = models()
    return [
        (line, name)
        for line, name, methods in reads(source)
        if not is_scoped(methods)
        and name not in REFERENCE
        and not (name in known and issubclass(known[name], FrozenWhenPublished))
        and (path, name) not in PLACES
    ]


def test_every_read_of_a_page_begins_with_the_scope():
    root, loose, count = Path(settings.BASE_DIR), [], 0
    for path in files():
        name, source = str(path.relative_to(root)), path.read_text(encoding="utf-8")
        loose += [f"{name}:{line} {model}" for line, model in unscoped(name, source)]
        count += sum(1 for _line, _model, methods in reads(source) if is_scoped(methods))
    assert loose == []
    assert count > 120, "the walk found fewer reads than there are"


def test_nothing_is_excused_that_is_not_there():
    root, seen = Path(settings.BASE_DIR), set()
    for path in files():
        name = str(path.relative_to(root))
        for _line, model, methods in reads(path.read_text(encoding="utf-8")):
            if not is_scoped(methods):
                seen |= {(name, model), model}
    assert {place for place in PLACES if place not in seen} == set()
    assert {model for model in REFERENCE if model not in seen} == set()


@pytest.mark.parametrize(
    "line",
    [
        "Case.objects.get(pk=1)", "Case.objects.filter(pk=1).visible_to(scope)",
        "Case.objects.all()", "models.Case.objects.select_related('type')",
        "get_object_or_404(Case, pk=1)", "CaseTask._default_manager.first()",
        "get_object_or_404(CaseClock.objects.filter(case=case), pk=1)", "rows = Case.objects",
    ],
)  # fmt: skip
def test_the_walk_sees_a_read_without_scope(line):
    assert len(unscoped("complaints/views/x.py", line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "Case.objects.visible_to(scope).filter(pk=1)", "Person.objects.filter(active=True)",
        "Case.objects.select_related('type').fetch(scope, pk=1)", "Case.objects.none()",
        "RoutingRule.objects.filter(rule_set=draft)",
    ],
)  # fmt: skip
def test_the_walk_lets_a_read_with_scope_pass(line):
    assert unscoped("complaints/views/x.py", line) == []


def test_models_whose_rows_are_somebodys_know_the_scope():
    """Whatever a page reads with visible_to has a queryset that knows it."""
    known, wanted = models(), set()
    for path in files():
        for _line, model, methods in reads(path.read_text(encoding="utf-8")):
            if is_scoped(methods) and model in known:
                wanted.add(model)
    plain = {m for m in wanted if not isinstance(known[m]._default_manager.all(), ScopedQuerySet)}
    assert plain == set()
    assert len(wanted) > 10
