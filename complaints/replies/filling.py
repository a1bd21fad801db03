"""Texts with `{variables}`: which names they hold, and the text with values in their places.

What has no value is marked in the text as `[[name of the value]]`; a template may hold such marks
itself, for words that only the writer knows. A text with a mark is never sent.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from config.shared.worded import WordedError
from config.shared.words import listed

_NAME: Final = re.compile(r"\{([a-z][a-z_]*)\}")
_MARK: Final = re.compile(r"\[\[([^\[\]]{1,200})\]\]")
_BRACES: Final = re.compile(r"[{}]")


class NotFilled(WordedError):  # noqa: N818 - named for what happened
    """A text still holds marks of missing values; the words name them."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with values in it, and the names whose values were missing, in their order."""

    text: str
    missing: tuple[str, ...] = ()


def names(text: str) -> list[str]:
    """Return the variables a text names, each once, in their order."""
    return list(dict.fromkeys(_NAME.findall(text)))


def is_broken(text: str) -> bool:
    """Tell whether braces are left that belong to no name."""
    return bool(_BRACES.search(_NAME.sub("", text)))


def fill(text: str, value: Callable[[str], str], label: Callable[[str], str]) -> Filled:
    """Put values into a text; `value(name)` '' = missing, then `label(name)` is marked.

    Values are not looked through again, and lose marks of their own: what a customer wrote
    neither names variables nor blocks a letter.
    """
    missing: dict[str, None] = {}

    def put(found: re.Match[str]) -> str:
        name = found[1]
        given = value(name)
        if given:
            return given.replace("[[", "[ [")
        missing[name] = None
        return mark(label(name))

    return Filled(_NAME.sub(put, text), tuple(missing))


def mark(words: str) -> str:
    """Return the mark of a missing value."""
    return f"[[{words}]]"


def unfilled(*texts: str) -> list[str]:
    """Return what is still to be filled in, each once."""
    return list(dict.fromkeys(words for text in texts for words in _MARK.findall(text)))


def demand_filled(*texts: str) -> None:
    """Raise NotFilled when a text to a customer holds a mark: such a text is never sent."""
    if gaps := unfilled(*texts):
        message = _("Fill in what is missing before it is sent: %(gaps)s.")
        raise NotFilled("gaps", message, {"gaps": listed(gaps)})
