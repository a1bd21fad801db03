"""Text that a spreadsheet would run as a formula is marked with an apostrophe.

Rule of SECURITY.md 0.1: the first letter that shows, after NFKC, is one of = + - @, or the text
begins with a tab or a line end. Numbers are written as numbers and never pass here.
"""

import unicodedata

_TRIGGERS = frozenset("=+-@")
_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def looks_like_formula(text: str) -> bool:
    """Say whether a spreadsheet may take the text for a formula."""
    if text[:1] in {"\t", "\r", "\n"}:
        return True
    for sign in text:
        for plain in unicodedata.normalize("NFKC", sign):
            if unicodedata.category(plain) not in _INVISIBLE:
                return plain in _TRIGGERS
    return False


def guard(text: str) -> str:
    """Return the text with an apostrophe before it when needed; `unguard` gives it back."""
    return f"'{text}" if looks_like_formula(text.lstrip("'")) else text


def unguard(text: str) -> str:
    """Take off the apostrophe that `guard` (or a spreadsheet) put before a formula-like text."""
    return text[1:] if text[:1] == "'" and looks_like_formula(text.lstrip("'")) else text
