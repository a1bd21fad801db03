"""Vendored files are what VERSIONS.md says, and style sheets stay within their budget."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from complaints.choices import Severity, Status
from config.portal.templatetags.portal import (
    CLOCK_ICONS,
    SEVERITY_MARKS,
    STATUS_ICONS,
    icon_names,
)
from config.shared.registry import NavItem, contributed

STATIC = Path(settings.BASE_DIR) / "static"
VENDOR = STATIC / "vendor"


def _written_sums() -> dict[str, str]:
    text = (VENDOR / "VERSIONS.md").read_text(encoding="utf-8")
    block = re.search(r"```sha256\n(.*?)```", text, re.DOTALL)
    assert block
    return {name: digest for digest, name in (line.split() for line in block[1].splitlines())}


def test_every_vendored_file_has_the_written_checksum() -> None:
    found = {
        str(file.relative_to(VENDOR)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in VENDOR.rglob("*")
        if file.is_file() and file.name != "VERSIONS.md"
    }
    assert found == _written_sums()


def test_every_vendored_folder_brings_its_licence() -> None:
    folders = [folder for folder in VENDOR.iterdir() if folder.is_dir()]
    assert folders
    assert [folder.name for folder in folders if not (folder / "LICENSE").is_file()] == []


def test_style_sheets_stay_below_85_kb_compressed() -> None:
    sheets = [VENDOR / "tabler-1.4.0" / "tabler.min.css", STATIC / "css" / "portal.css"]
    assert sum(len(gzip.compress(sheet.read_bytes(), 9)) for sheet in sheets) <= 85_000


NORMAL_SCRIPTS = ("portal", "keys", "selection", "dialogs", "requests", "theme")


def test_the_frame_loads_the_counted_scripts_and_no_other() -> None:
    base = (Path(settings.BASE_DIR) / "templates" / "base.html").read_text(encoding="utf-8")
    assert set(re.findall(r"'js/([a-z]+)\.js'", base)) == set(NORMAL_SCRIPTS)


def test_scripts_of_a_normal_page_stay_below_25_kb_compressed() -> None:
    scripts = [VENDOR / "htmx-2.0.11" / "htmx.min.js"]
    scripts += [STATIC / "js" / f"{name}.js" for name in NORMAL_SCRIPTS]
    assert sum(len(gzip.compress(script.read_bytes(), 9)) for script in scripts) <= 25_000


def test_a_module_has_one_address_also_when_another_script_imports_it(tmp_path: Path) -> None:
    """Publish the files as `collectstatic` does outside tests: imports name the hashed file."""
    backend = {"BACKEND": "config.shared.static_files.ModuleStaticFilesStorage"}
    with override_settings(STATIC_ROOT=tmp_path, STORAGES={"staticfiles": backend}):
        call_command("collectstatic", interactive=False, verbosity=0)
    names = json.loads((tmp_path / "staticfiles.json").read_text(encoding="utf-8"))["paths"]
    imports = {
        script.name: re.findall(r'from "\./(.+?)"', script.read_text(encoding="utf-8"))
        for script in (STATIC / "js").glob("*.js")
    }
    assert imports["keys.js"] == ["selection.js"]
    for script, modules in imports.items():
        published = (tmp_path / names[f"js/{script}"]).read_text(encoding="utf-8")
        told = re.findall(r'from "\./(.+?)"', published)
        assert [f"js/{name}" for name in told] == [names[f"js/{module}"] for module in modules]


def test_our_scripts_stay_short() -> None:
    long = {
        script.name: lines
        for script in (STATIC / "js").glob("*.js")
        if (lines := len(script.read_text(encoding="utf-8").splitlines())) > 150
    }
    assert long == {}


@pytest.mark.parametrize(
    "pattern", [r"\beval\(", r"new Function", r"innerHTML\s*=", r"localStorage", r"\.style\b"]
)
def test_our_scripts_keep_to_the_content_policy(pattern: str) -> None:
    hits = [
        script.name
        for script in (STATIC / "js").glob("*.js")
        if re.search(pattern, script.read_text(encoding="utf-8"))
    ]
    assert hits == []


TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("inline style", r"\sstyle="),
        ("style element", r"<style"),
        ("inline handler", r"\son[a-z]+="),
        ("htmx handler", r"hx-on"),
        ("evaluated value", r"hx-vals=['\"]js:"),
        ("trigger filter", r"hx-trigger=\"[^\"]*\w\["),
        ("inline script", r"<script(?![^>]*\bsrc=)(?![^>]*application/json)"),
        ("address outside", r"(?:src|href)=\"https?://"),
    ],
)
def test_templates_keep_to_the_content_policy(what: str, pattern: str) -> None:
    pages = [page for page in TEMPLATES if "emails" not in page.parts]
    hits = [page.name for page in pages if re.search(pattern, page.read_text(encoding="utf-8"))]
    assert hits == [], what


def test_every_icon_named_in_a_template_is_in_the_sprite() -> None:
    used = {
        name
        for page in TEMPLATES
        for name in re.findall(r"{% icon [\"']([^\"']+)[\"']", page.read_text(encoding="utf-8"))
    }
    assert used
    assert used - icon_names() == set()


def test_every_icon_named_by_marks_and_navigation_is_in_the_sprite() -> None:
    used = {*CLOCK_ICONS.values(), *STATUS_ICONS.values()}
    used |= {name for name, _style in SEVERITY_MARKS.values()}
    used |= {item.icon for item in contributed(NavItem).values()}
    assert used - icon_names() == set()


def test_each_status_has_a_shape_of_its_own() -> None:
    assert set(STATUS_ICONS) == set(Status.values)
    assert len(set(STATUS_ICONS.values())) == len(Status.values)
    assert set(SEVERITY_MARKS) == set(Severity.values)
