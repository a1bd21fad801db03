"""Forms: clean text, versions, fields with hints and errors in the right order."""

import re

import pytest
from django.http import QueryDict
from django.template import engines

from tests.portal.shell_urls import NoteForm

GOOD = {"words": "fine", "version": "3", "kind": "a", "how": "x", "agree": "on"}


def filled(**changes: str) -> NoteForm:
    data = QueryDict(mutable=True)
    data.update(GOOD | changes)
    return NoteForm(QueryDict(data.urlencode()))


def draw(form: NoteForm) -> str:
    fields = "{% for field in form %}{{ field|as_crispy_field }}{% endfor %}"
    text = "{% load crispy_forms_tags %}{% error_summary form %}" + fields
    return engines["django"].from_string(text).render({"form": form})


def test_line_endings_are_one_kind_and_count_as_one() -> None:
    form = filled(words="a\r\nb\rc" + "x" * 15)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["words"] == "a\nb\nc" + "x" * 15


def test_too_long_a_text_is_refused_in_words_and_never_cut_by_the_browser() -> None:
    form = filled(words="x" * 21)
    assert form.errors["words"] == ["Use at most 20 characters, now 21."]
    assert "maxlength" not in draw(form)


@pytest.mark.parametrize("words", ["a\x00b", "", "   "])
def test_nul_and_nothing_are_refused(words: str) -> None:
    assert "words" in filled(words=words).errors


@pytest.mark.parametrize("version", ["", "x", "-1"])
def test_a_missing_version_is_an_error(version: str) -> None:
    form = filled(version=version)
    assert not form.is_valid()
    assert form.status == 422


def test_an_overtaken_form_keeps_the_words_and_takes_the_new_version() -> None:
    form = filled(words="my words")
    assert form.is_valid()
    form.refuse("Song Lu closed this.", current_version=8)
    drawn = draw(form)
    assert form.status == 409
    assert "Song Lu closed this." in drawn
    assert "my words</textarea>" in drawn
    assert re.search(r'name="version" value="8"', drawn)
    assert "Your text is kept." in drawn


def test_a_new_form_carries_the_version_of_its_row() -> None:
    assert 'name="version" value="3"' in draw(NoteForm(row_version=3))
    assert NoteForm(row_version=3).status == 200


def test_label_control_hint_and_error_stand_in_this_order() -> None:
    drawn = draw(filled(words=""))
    part = drawn[drawn.index('id="div_id_words"') :]
    places = [
        part.index(mark) for mark in ("<label", "<textarea", 'class="hint"', 'class="field-error"')
    ]
    assert places == sorted(places)
    control = re.search(r"<textarea[^>]*>", part)
    assert control
    assert 'aria-invalid="true"' in control[0]
    assert 'aria-describedby="id_words_helptext id_words_error"' in control[0]
    assert 'id="id_words_helptext"' in part
    assert 'id="id_words_error"' in part
    assert "style=" not in drawn


def test_the_summary_links_to_every_field_and_counts() -> None:
    drawn = draw(filled(words="", how="z"))
    summary = drawn[: drawn.index("div_id_")]
    assert 'role="alert"' in summary
    assert "2 things to fix" in summary
    for link in re.findall(r'href="#([^"]+)"', summary):
        assert f'id="{link}"' in drawn
    assert 'role="alert"' not in draw(NoteForm())


def test_groups_are_fieldsets_with_the_choice_kept() -> None:
    drawn = draw(filled(words="", how="y"))
    assert re.search(r"<fieldset[^>]*>\s*<legend", drawn)
    assert re.search(r'type="radio" name="how" value="y" id="id_how_1" checked', drawn)
    assert drawn.count("checked") == 2


def test_only_optional_fields_are_marked() -> None:
    drawn = draw(NoteForm())
    assert drawn.count('class="opt"') == 1
    assert "asterisk" not in drawn
