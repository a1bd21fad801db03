"""Typed values from the cells of an import, or a refusal in words.

Cells come from `sheets.read_sheet`: text, whole numbers, floats, booleans, datetimes, times, or
None. Every parser takes one such value; a blank one is refused, since only the caller knows
whether the column may be empty.
"""

import re
import unicodedata
from datetime import date, time
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext_lazy as _

from config.shared.cell_dates import parse_date, parse_datetime
from config.shared.cell_values import CellError, as_text, blank_cell, folded, shown

__all__ = [
    "CellError",
    "parse_amount",
    "parse_bool",
    "parse_code",
    "parse_date",
    "parse_datetime",
    "parse_text",
    "parse_whole",
]

LARGEST_AMOUNT = Decimal(10) ** 15
LARGEST_EXACT_NUMBER = 10**15  # Excel keeps 15 digits; later ones are lost

_CURRENCY = re.compile(r"^(?:¥|cny|rmb|人民币|\$|usd|hk\$|hkd|€|eur|£|gbp)|(?:元|圆|cny|rmb|usd)$")
_GROUPS = re.compile(r"^\d{1,3}(?:([, '’])\d{3})(?:\1\d{3})*(?:\.\d+)?$")
_MINUS = str.maketrans(dict.fromkeys("−–—", "-"))
_PLAIN = re.compile(r"^(?:\d+(?:\.\d*)?|\.\d+)$")
_UNITS = {"万": 10_000, "萬": 10_000, "亿": 100_000_000, "億": 100_000_000}
_TRUE = frozenset(["yes", "y", "true", "t", "1", "on", "是", "有", "对", "真", "√", "✓", "✔"])
_FALSE = frozenset(
    [
        "no",
        "n",
        "false",
        "f",
        "0",
        "off",
        "否",
        "无",
        "無",
        "错",
        "假",
        "×",
        "✗",
        "✘",
        "不是",
        "没有",
    ]
)


def parse_text(value: object, *, limit: int) -> str:
    """Return trimmed text of at most `limit` characters; numbers become their digits.

    NUL and lone surrogates are refused: no database takes them.
    """
    text = as_text(value).strip()
    if not text:
        raise blank_cell()
    if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise CellError("unreadable", _("The text holds unreadable characters. Retype it."))
    if len(text) > limit:
        raise CellError(
            "too_long",
            _("The text has %(length)s characters; at most %(limit)s are kept. Shorten it."),
            {"length": len(text), "limit": limit},
        )
    return text


def parse_code(value: object, *, limit: int = 64) -> str:
    """Return a code or reference as text: NFKC, no blanks around, no invisible letters.

    A number loses the `.0` that spreadsheets add. One with more than 15 digits is refused,
    because the spreadsheet has already replaced its last digits by zeros.
    """
    if isinstance(value, int | float) and abs(value) >= LARGEST_EXACT_NUMBER:
        raise CellError(
            "digits_lost",
            _(
                "The number has more than 15 digits, and the spreadsheet has changed the last "
                "ones. Format the column as text and enter it again."
            ),
        )
    text = unicodedata.normalize("NFKC", as_text(value))
    text = "".join(sign for sign in text if unicodedata.category(sign) not in {"Cc", "Cf"})
    if re.search(r"\S\s+\S", text):
        raise CellError(
            "not_a_code",
            _("“%(value)s” is not a code: it has blanks inside."),
            {"value": shown(text)},
        )
    return parse_text(text, limit=limit)


def parse_bool(value: object) -> bool:
    """Return the meaning of yes/no, true/false, 1/0, 是/否, 有/无, √/×."""
    if isinstance(value, bool):
        return value
    word = folded(value).lower()
    if not word:
        raise blank_cell()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise CellError(
        "not_yes_no",
        _("“%(value)s” is neither yes nor no. Write yes or no."),
        {"value": shown(value)},
    )


def parse_whole(value: object) -> int:
    """Return a whole number, as counts and scores need it."""
    amount = parse_amount(value)
    if amount != amount.to_integral_value():
        raise CellError(
            "not_whole",
            _("“%(value)s” is not a whole number."),
            {"value": shown(value)},
        )
    return int(amount)


def parse_amount(value: object) -> Decimal:
    """Return an amount of money: `¥2,000.00`, `2 000`, `(12.50)`, `3.5万`, full-width digits.

    The decimal sign is the point. Groups must be of three, so that `2,50` is asked about and
    not read as 250. The currency sign is dropped. Floats are rounded to the 15 digits a
    spreadsheet shows.
    """
    if isinstance(value, bool | date | time):
        raise _not_amount(value)
    amount = _number(value) if isinstance(value, int | float | Decimal) else _amount_in_words(value)
    if not amount.is_finite():
        raise _not_amount(value)
    if abs(amount) >= LARGEST_AMOUNT:
        raise CellError(
            "amount_too_large",
            _("“%(value)s” is too large for an amount."),
            {"value": shown(value)},
        )
    return amount


def _number(value: float | Decimal) -> Decimal:
    """Return the exact value of a number as the spreadsheet shows it."""
    return Decimal(f"{value:.15g}") if isinstance(value, float) else Decimal(value)


def _amount_in_words(value: object) -> Decimal:
    """Read an amount that arrived as text."""
    text = folded(value).lower().translate(_MINUS)
    if not text:
        raise blank_cell()
    bracketed = re.fullmatch(r"\((.+)\)", text)
    text = bracketed[1].strip() if bracketed else text
    sign, text = _sign(_CURRENCY.sub("", text).strip())
    text = _CURRENCY.sub("", text).strip()
    unit = _UNITS.get(text[-1:], 1)
    text = text[:-1].strip() if unit != 1 else text
    if not (_PLAIN.match(text) or _GROUPS.match(text)):
        raise _not_amount(value)
    try:
        amount = Decimal(re.sub(r"[, '’]", "", text)) * unit
    except InvalidOperation as error:
        raise _not_amount(value) from error
    return -amount if sign < 0 or bracketed else amount


def _sign(text: str) -> tuple[int, str]:
    """Split a leading sign off."""
    if text[:1] in {"-", "+"}:
        return (-1 if text[0] == "-" else 1), text[1:].strip()
    return 1, text


def _not_amount(value: object) -> CellError:
    return CellError(
        "not_an_amount",
        _("“%(value)s” is not an amount. Write digits with a point, for example 2000.00."),
        {"value": shown(value)},
    )
