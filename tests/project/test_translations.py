"""Both languages, completely: no missing, fuzzy or stale entry, and placeholders that agree."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "config/locale/zh_Hans/LC_MESSAGES/django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%s|\{\w*\}")


def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def _key(entry: polib.POEntry) -> tuple[str, str]:
    return entry.msgctxt or "", entry.msgid


def _texts(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) or [entry.msgstr]


def test_nothing_is_stale():
    assert [e.msgid for e in catalogue().obsolete_entries()] == []


def test_every_entry_is_translated():
    book = catalogue()
    assert [e.msgid for e in book.untranslated_entries()] == []
    assert [e.msgid for e in book.fuzzy_entries()] == []


def test_placeholders_agree():
    wrong = []
    for entry in catalogue():
        texts = _texts(entry)
        wanted = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
        wrong += [entry.msgid for text in texts if set(PLACEHOLDER.findall(text)) - wanted]
        wrong += [entry.msgid for text in texts if wanted - set(PLACEHOLDER.findall(text))]
    assert wrong == []


def test_the_compiled_catalogue_is_the_written_one():
    compiled = {_key(e): _texts(e) for e in polib.mofile(str(CATALOGUE.with_suffix(".mo")))}
    assert compiled == {_key(e): _texts(e) for e in catalogue()}


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="gettext is not installed")
def test_every_marked_string_is_in_the_catalogue(tmp_path):
    """Collect the strings anew into a copy of the tree and compare."""
    copy = tmp_path / "tree"
    ignore = shutil.ignore_patterns(
        ".venv", "var", ".git", "tests", "static", "*.pyc", ".mypy_cache"
    )
    shutil.copytree(ROOT, copy, ignore=ignore)
    (copy / "static").mkdir()
    (copy / "config/locale/zh_Hans/LC_MESSAGES/django.po").unlink()
    command = [sys.executable, "manage.py", "makemessages", "-l", "zh_Hans", "--no-location", "-v0"]
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "PORTAL_VAR": str(tmp_path / "var")}
    subprocess.run(  # noqa: S603 - our own command
        command, cwd=copy, check=True, env=environment, capture_output=True
    )
    fresh = polib.pofile(str(copy / "config/locale/zh_Hans/LC_MESSAGES/django.po"))
    known = {_key(e) for e in catalogue()}
    assert sorted({_key(e) for e in fresh} - known) == []
