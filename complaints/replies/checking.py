"""What is wrong with a version of the templates and macros (C17)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints.choices import NoticeMethod, NoticePurpose
from complaints.models import Macro, ReplyTemplate
from complaints.replies import details, filling, jargon
from complaints.replies.macro_parts import FIELDS, GIVEN, VERBS, demanded
from complaints.replies.rows import macros_of, templates_of
from complaints.replies.variables import CATALOGUE, LETTER
from complaints.workflow.moves import MOVES
from config.kernel.models import RuleSet, Term
from config.kernel.rule_kinds import ERROR, WARNING, Finding
from config.shared.words import listed

LETTER_METHODS: Final = (NoticeMethod.EMAIL, NoticeMethod.LETTER)
TEXTS: Final = ("subject_en", "subject_zh", "body_en", "body_zh")


def check(rules: RuleSet) -> list[Finding]:
    """Return what the check finds in a version; errors block publishing."""
    templates, macros = templates_of(rules), macros_of(rules)
    known = jargon.words()
    types = set(Term.objects.filter(taxonomy="feedback_type").values_list("code", flat=True))
    found = [each for row in templates for each in _template(row, types)]
    found += [each for row in templates if (each := _jargon(row, known))]
    found += [each for row in macros for each in _macro(row, templates, types)]
    return [*found, *_bank(rules, templates)]


def macro_row(code: str) -> str:
    """Return the code under which findings name a macro."""
    return f"macro:{code}"


def _template(row: ReplyTemplate, types: set[str]) -> Iterator[Finding]:
    """Yield what is wrong with one template."""
    for message, told in (*_words(row), *_codes(row, types)):
        words = message % {"name": row.label, **told}
        yield Finding(ERROR, "template", row.code, words)
    only_en = set(filling.names(row.body_en)) ^ set(filling.names(row.body_zh))
    if only_en:
        message = _("“%(name)s”: one language names %(names)s, the other does not.")
        told = {"name": row.label, "names": listed(sorted(only_en))}
        yield Finding(WARNING, "languages", row.code, message % told)


def _words(row: ReplyTemplate) -> Iterator[tuple[Promise, Mapping[str, object]]]:
    """Yield errors in the texts."""
    if not row.body_en.strip() or not row.body_zh.strip():
        yield _("“%(name)s” needs its text in both languages."), {}
    texts = [getattr(row, name) for name in TEXTS]
    unknown = {name for text in texts for name in filling.names(text)} - set(CATALOGUE)
    if unknown:
        told = {"names": listed(f"{{{name}}}" for name in sorted(unknown))}
        yield _("“%(name)s” names what is not in the list of variables: %(names)s."), told
    if any(filling.is_broken(text) for text in texts):
        yield _("“%(name)s” has a brace that belongs to no variable."), {}
    if needs_blocks(row):
        for text in (row.body_en, row.body_zh):
            gone = [name for name in LETTER if name not in filling.names(text)]
            if gone and text.strip():
                told = {"names": listed(f"{{{name}}}" for name in gone)}
                yield _("“%(name)s” is a result letter and must name %(names)s."), told


def needs_blocks(row: ReplyTemplate) -> bool:
    """Whether a template is a result letter: all mandatory blocks must stand in it (§4.7)."""
    if row.purpose != NoticePurpose.RESULT:
        return False
    return not row.methods or bool(set(row.methods) & set(LETTER_METHODS))


def _codes(row: ReplyTemplate, types: set[str]) -> Iterator[tuple[Promise, Mapping[str, object]]]:
    """Yield codes that are in no list."""
    if row.purpose not in NoticePurpose.values:
        yield _("“%(name)s”: the purpose “%(code)s” is not in the list."), {"code": row.purpose}
    for code in sorted({*row.methods} - set(NoticeMethod.values)):
        yield _("“%(name)s”: the way “%(code)s” is not in the list."), {"code": code}
    for code in sorted({*row.types} - types):
        yield _("“%(name)s”: the type “%(code)s” is not in the list."), {"code": code}


def _jargon(row: ReplyTemplate, known: Sequence[jargon.Word]) -> Finding | None:
    """Return a remark on words that customers do not use."""
    hits = jargon.find([getattr(row, name) for name in TEXTS], known)
    if not hits:
        return None
    message = _("“%(name)s” has words customers do not use: %(words)s.")
    return Finding(WARNING, "jargon", row.code, message % {"name": row.label, "words": said(hits)})


def said(hits: Sequence[jargon.Word]) -> str:
    """Return words of the list with what to say instead."""
    pattern = _("“%(word)s” → “%(plain)s”")
    return listed(
        str(pattern) % {"word": hit.word, "plain": hit.plain} if hit.plain else f"“{hit.word}”"
        for hit in hits
    )


def _macro(row: Macro, templates: Sequence[ReplyTemplate], types: set[str]) -> Iterator[Finding]:
    """Yield what is wrong with one macro."""
    told: dict[str, Any] = {"name": row.label}
    for message, more in (*_parts(row, templates), *_unknown(row, types)):
        yield Finding(ERROR, "macro", macro_row(row.code), message % {**told, **more})


def _parts(
    row: Macro, templates: Sequence[ReplyTemplate]
) -> Iterator[tuple[Promise, Mapping[str, object]]]:
    """Yield parts that do not fit together."""
    if not (row.template or row.fields or row.verb):
        yield _("Macro “%(name)s” does nothing yet."), {}
    if row.template and row.template not in {each.code for each in templates}:
        yield (
            _("Macro “%(name)s”: this version has no template “%(code)s”."),
            {"code": row.template},
        )
    if row.template and not row.method and row.verb not in demanded():
        yield _("Macro “%(name)s”: say how its message is sent."), {}


def _unknown(row: Macro, types: set[str]) -> Iterator[tuple[Promise, Mapping[str, object]]]:
    """Yield codes of a macro that are in no list."""
    codes = [] if row.verb in {*VERBS, ""} else [row.verb]
    codes += sorted({*row.fields} - set(FIELDS))
    codes += sorted({*row.types} - types)
    codes += [] if row.method in {*NoticeMethod.values, ""} else [row.method]
    if row.verb in MOVES:
        names = {field.name for field in MOVES[row.verb].fields} | {"days"}
        codes += sorted(set(row.given) - (names & set(GIVEN)))
    for code in codes:
        yield _("Macro “%(name)s”: “%(code)s” is not in the list."), {"code": code}


def _bank(rules: RuleSet, templates: Sequence[ReplyTemplate]) -> Iterator[Finding]:
    """Yield what is not known of the bank although a template names it."""
    bank = details.of_version(rules)
    named = {n for row in templates for text in TEXTS for n in filling.names(getattr(row, text))}
    fields = {
        "hotline": "hotline", "bank": "name", "hours": "hours", "office_address": "address",
        "tracking_link": "tracking_page",
    }  # fmt: skip
    for name, field in fields.items():
        if name in named and not (bank.of(field, "en") and bank.of(field, "zh-hans")):
            message = _("Templates name {%(name)s}, but the details of the bank do not say it.")
            yield Finding(WARNING, "bank", "", message % {"name": name})
    if empty := details.to_write(bank):
        message = _("Letters to customers need your words: %(names)s.")
        yield Finding(WARNING, "needs", "", message % {"names": _named(empty)})
    if same := details.as_delivered(bank):
        message = _("Still the example the portal came with: %(names)s.")
        yield Finding(WARNING, "example", "", message % {"names": _named(same)})


def _named(names: Sequence[str]) -> str:
    return listed(str(details.LABELS[name]) for name in names)
