"""What the customers room brings to the portal."""

from django.utils.translation import gettext_lazy as _

from config.kernel.journal import Action
from config.shared.registry import Eraser, NavItem, contribute
from customers import contacting, erasing, finding
from customers.models.customer import Tier


def _tier(code: str) -> object:
    """Return the tier in words; '' before there was one."""
    return Tier(code).label if code in Tier.values else code


contribute(
    Action(
        "customer.registered", _("Customer registered as %(tier)s"), "user-plus", {"tier": _tier}
    ),
    Action(
        "customer.tier",
        _("Tier changed from %(from)s to %(to)s"),
        "diamond",
        {"from": _tier, "to": _tier},
    ),
    Action("customer.rm", _("Relationship manager changed"), "user-share"),
    Action("customer.contacts", _("Contact points changed"), "phone"),
    Action("customer.revealed", _("Contact data was shown"), "eye"),
    Action("customer.erased", _("Personal data erased on request"), "eraser"),
    *contacting.actions(),
    Eraser("customers", erasing.erase_words),
    finding.source(),
    NavItem("customers", _("Customers"), "customers", "users", "work", "customers", order=30),
)
