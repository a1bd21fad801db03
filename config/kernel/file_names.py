"""Names people give their files: made safe to show and to hand out again."""

import unicodedata
from typing import Final

LONGEST: Final = 120  # characters, extension included
_NOT_IN_NAMES: Final = '/\\:*?"<>|'


def clean(raw: str) -> str:
    """Return a name that cannot mislead: no path, no control or direction signs, not too long.

    The extension is kept when a long name is cut. A name of nothing becomes `file`.
    """
    last = raw.replace("\\", "/").rpartition("/")[2]
    kept = (
        "_" if sign in _NOT_IN_NAMES else sign
        for sign in unicodedata.normalize("NFC", last)
        if unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    )
    name = " ".join("".join(kept).split()).strip(" .") or "file"
    if len(name) <= LONGEST:
        return name
    stem, dot, tail = name.rpartition(".")
    if not dot or len(tail) > 10:
        return name[:LONGEST]
    return f"{stem[: LONGEST - len(tail) - 1].rstrip()}.{tail}"


def extension(name: str) -> str:
    """Return the last extension in lower case, full-width letters folded; '' when there is none."""
    stem, dot, tail = name.rpartition(".")
    return unicodedata.normalize("NFKC", tail).lower().strip() if dot and stem else ""


def extensions(name: str) -> list[str]:
    """Return all parts after dots, lower case: `a.php.png` gives php and png."""
    return [unicodedata.normalize("NFKC", part).lower().strip() for part in name.split(".")[1:]]
