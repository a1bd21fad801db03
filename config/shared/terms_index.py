"""The search tokeniser: one text of terms per document, the same on SQLite and PostgreSQL.

Terms are NFKC and lower case. Latin words and numbers stay whole; a run of Chinese (or kana,
hangul) letters becomes its bigrams plus the last single letter, so that two-letter words are
found by both engines without a dictionary. Telephone, card and identity numbers never enter
the index: they are looked up by keyed hash.
"""

import re
import unicodedata
from collections.abc import Iterable

from config.shared.masking import scrub

PREFIX = "*"

_CJK = (
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_RUNS = re.compile(rf"([{_CJK}]+)|((?:(?![{_CJK}])[^\W_])+)")
_MASKED = re.compile(r"\[(?:email|id|card|phone)\]")
_LONG_NUMBER = re.compile(r"\d{7}")


def index_terms(*texts: str, tokens: Iterable[str] = ()) -> str:
    """Return the terms of all texts, separated by blanks, in the order of the text.

    Words that hold seven or more digits in a row, and anything that looks like a telephone,
    card or identity number or a mail address, are left out. `tokens` are references that must
    be found although they are long numbers (case number, its tail); they are not filtered.
    """
    terms: list[str] = []
    for text in texts:
        bare = _MASKED.sub(" ", scrub(_fold(text)))
        terms += (term for term in _terms(bare) if not _LONG_NUMBER.search(term))
    for token in tokens:
        terms += _terms(_fold(token))
    return " ".join(terms)


def query_terms(query: str, *, prefix_last: bool = False) -> list[list[str]]:
    """Return the phrases a document must all hold; each is a list of adjacent terms.

    A term that ends in `*` is a prefix (only ever the last of its phrase): a single Chinese
    letter, since it may begin a bigram, and with `prefix_last` the last Latin word of the query,
    for search while typing. An empty list means that nothing searchable was asked. Terms hold
    letters and digits only, so they are safe inside FTS5 and tsquery quotes.
    """
    phrases: list[list[str]] = []
    for chunk in _fold(query).split():
        latin: list[str] = []
        for run, word in _RUNS.findall(chunk):
            if word:
                latin.append(word)
                continue
            if latin:
                phrases.append(latin)
                latin = []
            phrases.append(_bigrams(run) or [run + PREFIX])
        if latin:
            phrases.append(latin)
    if prefix_last and phrases and not re.match(f"[{_CJK}]", phrases[-1][-1]):
        phrases[-1][-1] += PREFIX
    return phrases


def matches(index: str, query: str, *, prefix_last: bool = False) -> bool:
    """Say whether a document with these terms answers the query: the meaning of a search.

    Plain Python over `index_terms` output; the oracle against which both engines are tested.
    An empty query matches nothing.
    """
    terms = index.split()
    phrases = query_terms(query, prefix_last=prefix_last)
    return bool(phrases) and all(_holds(terms, phrase) for phrase in phrases)


def _fold(text: str) -> str:
    """Return the text in the spelling in which it is compared."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())


def _terms(folded: str) -> Iterable[str]:
    """Yield the terms of a folded text in order."""
    for run, word in _RUNS.findall(folded):
        if word:
            yield word
        else:
            yield from _bigrams(run)
            yield run[-1]


def _bigrams(run: str) -> list[str]:
    """Return the overlapping pairs of letters; [] for a single letter."""
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _holds(terms: list[str], phrase: list[str]) -> bool:
    """Say whether the phrase stands somewhere in the terms, side by side."""
    return any(
        all(map(_same, terms[at : at + len(phrase)], phrase))
        for at in range(len(terms) - len(phrase) + 1)
    )


def _same(term: str, wanted: str) -> bool:
    """Compare one term, as a prefix where the wanted one ends in a star."""
    return term.startswith(wanted[:-1]) if wanted.endswith(PREFIX) else term == wanted
