"""Free text for readers without the right to names: the customer's name and numbers are masked."""

from collections.abc import Callable

from complaints.models import Case
from complaints.reach import reaches
from config.shared.masking import mask_name, scrub
from config.shared.scope import Scope


def hider(case: Case, scope: Scope) -> Callable[[str], str]:
    """Return what to send every free text of this case through before this person reads it.

    Without the act `identity` on the case, names by which the customer is known and telephone,
    identity and card numbers are masked. Needs `customer` loaded to cost no query.
    """
    if scope.everything or reaches(case, scope, "identity"):
        return str
    known = {case.contact_name, case.customer.name if case.customer else ""}
    names = sorted((name for name in known if name), key=len, reverse=True)

    def hide(text: str) -> str:
        for name in names:
            text = text.replace(name, mask_name(name))
        return scrub(text)

    return hide
