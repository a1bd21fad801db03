"""Free text as somebody may read it: names need a right, numbers an identified customer (S4-6)."""

from collections.abc import Callable

from complaints.choices import IdentityResult
from complaints.models import Case
from complaints.reach import reaches
from config.shared.masking import mask_name, mask_numbers, mask_phone, scrub
from config.shared.scope import Scope


def hider(case: Case, scope: Scope) -> Callable[[str], str]:
    """Return what to send every free text of this case through before this person reads it.

    Without the act `identity` on the case, names by which the customer is known and telephone,
    identity and card numbers are replaced. With it, account, card, identity and telephone
    numbers are masked until the customer is identified: `case.identity_now` says so, which the
    rows of the case page carry (`identity.now`); lists and searches never do.
    Needs `customer` loaded to cost no query.
    """
    if scope.everything:
        return str
    if reaches(case, scope, "identity"):
        passed = getattr(case, "identity_now", "") == IdentityResult.PASSED
        return str if passed else _masker(case)
    known = {case.contact_name, case.customer.name if case.customer else ""}
    names = sorted((name for name in known if name), key=len, reverse=True)

    def hide(text: str) -> str:
        for name in names:
            text = text.replace(name, mask_name(name))
        return mask_numbers(scrub(text))

    return hide


def uncover(case: Case) -> None:
    """Let the texts of this loaded case be read with their numbers, whoever was identified."""
    case.identity_now = IdentityResult.PASSED  # type: ignore[attr-defined]


def _masker(case: Case) -> Callable[[str], str]:
    """Return what masks numbers in a text; the contact's own landline among them."""
    phone = case.contact_phone.strip()

    def mask(text: str) -> str:
        masked = mask_numbers(text)
        return masked.replace(phone, mask_phone(phone)) if phone else masked

    return mask
