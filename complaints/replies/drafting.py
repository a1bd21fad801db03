"""Changing a draft of the templates and macros; every change is journalled on the version."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from complaints.choices import NoticeMethod, NoticePurpose
from complaints.models import Macro, ReplyTemplate
from complaints.replies import details, filling
from complaints.replies.checking import macro_row
from complaints.replies.variables import CATALOGUE
from complaints.routing.rule_fields import FieldRefused
from config.kernel import rule_kinds
from config.kernel.models import RuleSet
from config.kernel.rulesets import RulesRefused
from config.shared.actors import Actor
from config.shared.words import listed

_STEP: Final = 10
_LONGEST_CODE: Final = 40
_LONGEST_BODY: Final = 8_000


@dataclass(frozen=True, slots=True)
class TemplateData:
    """A template as it is edited; the fields are those of ReplyTemplate."""

    name_en: str = ""
    name_zh: str = ""
    purpose: str = NoticePurpose.MESSAGE
    methods: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    subject_en: str = ""
    subject_zh: str = ""
    body_en: str = ""
    body_zh: str = ""


@dataclass(frozen=True, slots=True)
class MacroData:
    """A macro as it is edited; the fields are those of Macro."""

    name_en: str = ""
    name_zh: str = ""
    template: str = ""
    method: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    verb: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    types: list[str] = field(default_factory=list)


def put_template(
    draft: RuleSet,
    data: TemplateData,
    *,
    code: str | None,
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> str:
    """Write a template of a draft: the one with this code, or with None a new one; its code.

    Raises FieldRefused with the field that cannot be kept, RulesRefused when the draft moved on.
    """
    _check_template(data)
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        row = _row(ReplyTemplate, held, code, data.name_en)
        facts |= _write(row, asdict(data), row.code)
    return str(row.code)


def put_macro(
    draft: RuleSet,
    data: MacroData,
    *,
    code: str | None,
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> str:
    """Write a macro of a draft: the one with this code, or with None a new one; its code.

    Raises FieldRefused, RulesRefused.
    """
    _check_names(data)
    if not (data.template or data.fields or data.verb):
        raise FieldRefused("verb", _("Choose a template, facts or a move: it does nothing yet."))
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        row = _row(Macro, held, code, data.name_en)
        facts |= _write(row, asdict(data), macro_row(row.code))
    return str(row.code)


def drop(
    draft: RuleSet,
    model: type[ReplyTemplate] | type[Macro],
    code: str,
    *,
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> None:
    """Take a template or macro out of a draft. Raises RulesRefused."""
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        row = _row(model, held, code, "")
        shown = code if model is ReplyTemplate else macro_row(code)
        facts |= {"row": shown, "changes": {"name": [row.name_en, None]}}
        row.delete()


def put_details(
    draft: RuleSet,
    values: Mapping[str, str],
    *,
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> None:
    """Set what templates say of the bank (names of details.Details). Raises RulesRefused."""
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        before = dict(held.settings.get(details.SETTING, {}))
        after = before | {name: values[name].strip() for name in details.NAMES if name in values}
        changes = {n: [before.get(n), v] for n, v in after.items() if before.get(n, "") != v}
        if changes:
            held.settings = {**held.settings, details.SETTING: after}
            facts |= {"row": "settings", "changes": changes}


def _row(
    model: type[ReplyTemplate] | type[Macro], held: RuleSet, code: str | None, name: str
) -> Any:
    """Return the row with this code, or a new one with a code of its own behind the others."""
    rows: list[Any] = list(model._default_manager.filter(rule_set=held).order_by("order", "pk"))
    if code is not None:
        found = next((row for row in rows if row.code == code), None)
        if found is None:
            message = _("This is not in the draft any more. Look at it again.")
            raise RulesRefused("row", message)
        return found
    last = max((row.order for row in rows), default=0)
    known = {row.code for row in rows}
    return model(rule_set=held, order=last + _STEP, code=_fresh_code(name, known))


def _fresh_code(name: str, known: set[str]) -> str:
    """Return a code made of a name that no row has yet."""
    root = slugify(name)[: _LONGEST_CODE - 4].strip("-") or "reply"
    tries = (root, *(f"{root}-{n}" for n in range(2, 1000)))
    return next(code for code in tries if code not in known)


def _write(row: Any, values: Mapping[str, Any], shown: str) -> dict[str, Any]:
    """Set and save what differs; returns the facts of the entry, {} when nothing does.

    Texts stand in the rows of the version, which stay; the entry names the fields alone.
    """
    fresh = row.pk is None
    changed = [name for name, value in values.items() if fresh or getattr(row, name) != value]
    if not changed:
        return {}
    for name in changed:
        setattr(row, name, values[name])
    row.save()
    return {"row": shown, "fields": sorted(changed), "new": fresh}


def _check_names(data: TemplateData | MacroData) -> None:
    for name in ("name_en", "name_zh"):
        if not getattr(data, name).strip():
            raise FieldRefused(name, _("Write something here."))


def _check_template(data: TemplateData) -> None:
    """Refuse what can never be right; the check of the version says the rest."""
    _check_names(data)
    if data.purpose not in NoticePurpose.values:
        raise FieldRefused("purpose", _("“%(code)s” is not in the list."), {"code": data.purpose})
    if unknown := set(data.methods) - set(NoticeMethod.values):
        told = {"code": listed(sorted(unknown))}
        raise FieldRefused("methods", _("“%(code)s” is not in the list."), told)
    for name in ("subject_en", "subject_zh", "body_en", "body_zh"):
        _check_text(name, getattr(data, name))


def _check_text(name: str, text: str) -> None:
    if name.startswith("body") and not text.strip():
        raise FieldRefused(name, _("Write something here."))
    if len(text) > _LONGEST_BODY:
        raise FieldRefused(name, _("Use at most %(n)s characters."), {"n": _LONGEST_BODY})
    if unknown := [each for each in filling.names(text) if each not in CATALOGUE]:
        told = {"names": listed(f"{{{each}}}" for each in unknown)}
        raise FieldRefused(name, _("Not in the list of variables: %(names)s."), told)
    if filling.is_broken(text):
        raise FieldRefused(name, _("A brace belongs to no variable."))
