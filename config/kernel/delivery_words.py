"""What went wrong with a message, in words: the kernel writes codes down, readers get sentences."""

import re
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.kernel.models.outbox import Channel

CORRECT: Final = gettext_lazy("Correct the contact in the case, then tell the customer again.")
_KNOWN: Final[dict[str, tuple[Promise, Promise]]] = {
    "The address is not valid.": (gettext_lazy("The address is not valid."), CORRECT),
    "A header holds line breaks.": (
        gettext_lazy("The subject or the address holds a line break."),
        CORRECT,
    ),
    "worker lost": (
        gettext_lazy("The sender stopped while this message was on its way, every time."),
        gettext_lazy("Ask the administrator to look at the log before sending it again."),
    ),
}
_PATTERNS: Final[tuple[tuple[re.Pattern[str], Promise, Promise], ...]] = (
    (
        re.compile(r"No gateway for (email|sms|robot) is set up\."),
        gettext_lazy("No gateway for %(code)s is set up."),
        gettext_lazy("Ask the administrator to set it up, then send again."),
    ),
    (
        re.compile(r"The mail server refused the address \(([\d, ]*)\)\."),
        gettext_lazy("The mail server refused the address (%(code)s)."),
        CORRECT,
    ),
    (
        re.compile(r"SMS report: ([\w.-]+)"),
        gettext_lazy("The SMS did not reach the phone (%(code)s)."),
        gettext_lazy("Call the customer or choose another way."),
    ),
    (
        re.compile(r"SMS gateway: (\w+)"),
        gettext_lazy("The SMS gateway did not take it (%(code)s)."),
        gettext_lazy("Send it again, or choose another way."),
    ),
)


def trouble_words(text: str) -> tuple[str, str]:
    """Return what is wrong and what to do, in the reader's language; empty when nothing is."""
    if not text:
        return "", ""
    if known := _KNOWN.get(text):
        return str(known[0]), str(known[1])
    for pattern, words, advice in _PATTERNS:
        if found := pattern.fullmatch(text):
            code = Channel(found[1]).label if found[1] in Channel.values else found[1]
            return str(words) % {"code": code}, str(advice)
    unknown = _("The gateway did not take it (%(code)s).") % {"code": text}
    return str(unknown), str(_("It is tried again by itself; if it was given up, send it again."))


__all__ = ["CORRECT", "trouble_words"]
