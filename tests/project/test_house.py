"""The house keeps its own rules: layers, migrations, templates, sizes, single writers."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ["config", "complaints", "surveys", "customers", "staff"]
EDGES = {"views", "api.py", "admin.py"}


def python_files() -> list[Path]:
    return [
        path
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if "migrations" not in path.parts
    ]


def templates() -> list[Path]:
    return sorted((ROOT / "templates").rglob("*.html"))


def lint_imports(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", *arguments]
    return subprocess.run(  # noqa: S603 - our own command
        command, capture_output=True, text=True, cwd=cwd, check=False
    )


def test_a_wrong_import_breaks_the_layer_contract(tmp_path):
    """The contract really looks: the same layers over a small house with one import upwards."""
    for name, text in {"upper": "", "lower": "import upper\n"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(text)
    (tmp_path / "house.ini").write_text(
        "[importlinter]\nroot_packages =\n    upper\n    lower\n"
        "[importlinter:contract:1]\nname = down\ntype = layers\nlayers =\n    upper\n    lower\n"
    )
    broken = lint_imports("--config", "house.ini", cwd=tmp_path)
    assert broken.returncode == 1
    assert "lower -> upper" in broken.stdout


def test_rooms_import_downwards_only():
    done = lint_imports()
    assert done.returncode == 0, done.stdout


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_pages_have_no_inline_script_style_or_handler():
    wrong = []
    for path in templates():
        if "emails" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        if re.search(r"\sstyle=|\son[a-z]+=|\shx-on|<style|javascript:|hx-vals=.js", text):
            wrong.append(f"{path.relative_to(ROOT)}: inline style or handler")
        if re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text):
            wrong.append(f"{path.relative_to(ROOT)}: inline script")
        if re.search(r"\|safe\b|autoescape off", text):
            wrong.append(f"{path.relative_to(ROOT)}: unescaped output")
    assert wrong == []


def test_templates_stay_short():
    assert [
        f"{path.relative_to(ROOT)}: {n}"
        for path in templates()
        if (n := path.read_text(encoding="utf-8").count("\n")) > 130
    ] == []


def test_modules_and_functions_stay_short():
    wrong = []
    for path in python_files():
        text = path.read_text(encoding="utf-8")
        if path.name != "roles.py" and text.count("\n") > 400:
            wrong.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > 60:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length}")
    assert wrong == []


def test_edges_read_through_the_scope():
    """Views, API and admin never start from `.objects.all/get/filter` of a scoped model."""
    wrong = []
    for path in python_files():
        if not EDGES & {path.name, path.parent.name}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = re.search(
                r"\b(Case|Customer|Notice|Approval|OutboxMessage|Job)\.objects\.(all|get|filter)\(",
                line,
            )
            if found:
                wrong.append(f"{path.relative_to(ROOT)}:{number} {line.strip()}")
    assert wrong == []


def test_only_the_bell_calls_celery():
    allowed = {ROOT / "config/kernel/bell.py", ROOT / "config/celery.py"}
    wrong = [
        str(path.relative_to(ROOT))
        for path in python_files()
        if path not in allowed
        and re.search(
            r"\.delay\(|\.apply_async\(|delay_on_commit", path.read_text(encoding="utf-8")
        )
    ]
    assert wrong == []


def test_nobody_asks_the_wall_clock_in_a_rule():
    wrong = []
    for path in python_files():
        text = path.read_text(encoding="utf-8")
        if re.search(r"datetime\.now\(\)|date\.today\(\)|utcnow\(", text):
            wrong.append(str(path.relative_to(ROOT)))
    assert wrong == []


def test_migrations_carry_schema_only():
    wrong = [
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("migrations/*.py")
        if re.search(r"RunPython|RunSQL", path.read_text(encoding="utf-8"))
    ]
    assert wrong == []
