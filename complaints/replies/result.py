"""The result letter 处理结果告知书 (DOMAIN.md §4.7): composed from the case, never with a gap.

The words around the blocks come from the template in force with purpose `result`; without one the
letter has its usual frame.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.utils import translation
from django.utils.translation import gettext as _

from complaints.choices import NoticeMethod, NoticePurpose
from complaints.models import Case, ReplyTemplate
from complaints.replies import details, filling
from complaints.replies.blocks import Block, blocks
from complaints.replies.details import Details
from complaints.replies.rows import templates_of
from complaints.replies.variables import Ground, fill_from, label_of

_PLAIN: Final = "{customer}\n\n{blocks}\n\n{contact}\n\n{today}"
_CUT: Final = "\x00"


@dataclass(frozen=True, slots=True)
class ResultLetter:
    """One letter in one language.

    `before` and `after` are the paragraphs around the blocks; `gaps` what is missing, in the
    words of the reader: the letter cannot be sent while there are any.
    """

    title: str
    subject: str
    before: tuple[str, ...]
    blocks: tuple[Block, ...]
    after: tuple[str, ...]
    gaps: tuple[str, ...]
    language: str

    @property
    def text(self) -> str:
        """The whole letter as plain text."""
        told = [f"{block.title}\n{block.text}" for block in self.blocks]
        return "\n\n".join((*self.before, *told, *self.after))


def compose(
    case: Case, at: datetime, *, language: str = "", method: str = NoticeMethod.LETTER
) -> ResultLetter:
    """Return the result letter of a case, complete or not; three queries.

    `language` '' = that of the case. The case needs its relations loaded to cost no more.
    """
    spoken = language or case.language or "zh-hans"
    rules, bank = details.in_force(at)
    template = choose(templates_of(rules), case, method)
    return _composed(case, template, bank, spoken, at)


def hidden(letter: ResultLetter, hide: Callable[[str], str]) -> ResultLetter:
    """Return the letter as somebody may read it who does not send it; see `hiding.hider`."""
    return replace(
        letter,
        before=tuple(map(hide, letter.before)),
        blocks=tuple(replace(block, text=hide(block.text)) for block in letter.blocks),
        after=tuple(map(hide, letter.after)),
    )


def worded(case: Case, method: str, at: datetime) -> tuple[str, str] | None:
    """Return subject and text of the result by this way in the language of the case.

    None where no template is in force for it. An SMS says where the result stands.
    """
    rules, bank = details.in_force(at)
    template = choose(templates_of(rules), case, method)
    if template is None:
        return None
    spoken = case.language or "zh-hans"
    if method != NoticeMethod.SMS:
        letter = _composed(case, template, bank, spoken, at)
        return letter.subject, letter.text
    with translation.override(spoken):
        subject = _("Result of your case %(number)s") % {"number": case.number}
    return subject, fill_from(_side(template, "body", spoken), Ground(case, bank, spoken, at)).text


def gaps(case: Case, method: str, at: datetime) -> list[str]:
    """Return what is missing before the result may go out by this way, in the reader's words."""
    rules, bank = details.in_force(at)
    template = choose(templates_of(rules), case, method)
    spoken = case.language or "zh-hans"
    if method != NoticeMethod.SMS:
        return list(_composed(case, template, bank, spoken, at).gaps)
    if template is None:
        return []
    return filling.unfilled(
        fill_from(_side(template, "body", spoken), Ground(case, bank, spoken, at)).text
    )


def choose(templates: Sequence[ReplyTemplate], case: Case, method: str) -> ReplyTemplate | None:
    """Return the template of a result by this way; one made for the type of the case first.

    An SMS takes only a template made for SMS: it says no more than where the letter is.
    """
    own = [row for row in templates if row.purpose == NoticePurpose.RESULT]
    short = method == NoticeMethod.SMS
    own = [row for row in own if method in row.methods or (not row.methods and not short)]
    fitting = [row for row in own if not row.types or case.type.code in row.types]
    return min(fitting, key=lambda row: (not row.types, row.order, row.pk), default=None)


def _composed(
    case: Case, template: ReplyTemplate | None, bank: Details, language: str, at: datetime
) -> ResultLetter:
    """Fill template and blocks."""
    ground = Ground(case, bank, language, at)
    body = _side(template, "body", language) if template else _PLAIN
    head, _name, tail = body.replace("{blocks}", _CUT, 1).partition(_CUT)
    before, after = fill_from(head, ground), fill_from(tail, ground)
    found = blocks(case, language)
    gaps = [_label(block) for block in found if block.missing]
    gaps += [label_of(name) for name in (*before.missing, *after.missing)]
    gaps += filling.unfilled(head, tail)
    with translation.override(language):
        title = _("Result letter")
        subject = _("Result of your case %(number)s") % {"number": case.number}
    if template and (given := _side(template, "subject", language)):
        line = fill_from(given, ground)
        subject = line.text
        gaps += [label_of(name) for name in line.missing]
    return ResultLetter(
        title=title,
        subject=subject,
        before=_paragraphs(before.text),
        blocks=tuple(found),
        after=_paragraphs(after.text),
        gaps=tuple(dict.fromkeys(gaps)),
        language=language,
    )


def _label(block: Block) -> str:
    """Return the name of a block in the reader's language, as the checklist of the case has it."""
    labels = {
        "matter": _("Matter and demand"),
        "findings": _("What was verified"),
        "basis": _("Basis and reasons"),
        "decision": _("Answer to the customer"),
        "objection": _("Ways to object"),
    }
    return labels[block.key]


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("\n\n") if part.strip())


def _side(template: ReplyTemplate, name: str, language: str) -> str:
    side = "zh" if language.startswith("zh") else "en"
    return str(getattr(template, f"{name}_{side}"))


__all__ = ["ResultLetter", "choose", "compose", "gaps", "worded"]
