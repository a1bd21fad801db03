"""Words that customers do not use, with the plain word for each (C17, S3-41).

The list is kept as terms of taxonomy `jargon`: the names are the word in both languages, the
flags `plain_en` and `plain_zh` what to say instead. An admin keeps it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from config.kernel import terms

TAXONOMY: Final = "jargon"
_HAN: Final = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the list and the plain one."""

    word: str
    plain: str


def words() -> list[Word]:
    """Return the words of both languages, longer ones first; one query."""
    found = [
        Word(name, str(term.flags.get(flag, "")))
        for term in terms.of(TAXONOMY)
        for name, flag in ((term.name_en, "plain_en"), (term.name_zh, "plain_zh"))
        if name.strip()
    ]
    return sorted(found, key=lambda each: -len(each.word))


def find(texts: Iterable[str], known: Sequence[Word]) -> list[Word]:
    """Return the words of the list that stand in the texts, in order of the list.

    Latin words count whole and in any case; a part of a longer word found before does not count.
    """
    left = "\n".join(texts)
    found = []
    for each in known:
        left, hits = _pattern(each.word).subn("\x00", left)
        if hits:
            found.append(each)
    return found


def _pattern(word: str) -> re.Pattern[str]:
    escaped = re.escape(word)
    if _HAN.search(word):
        return re.compile(escaped)
    return re.compile(rf"(?<![A-Za-z]){escaped}(?![A-Za-z])", re.IGNORECASE)
