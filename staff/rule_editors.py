"""Who publishes rules: the people behind the right to edit them."""

from staff.models.accounts import Role
from staff.people import audience
from staff.roles import REACH


def rule_editors() -> list[int]:
    """Return the pks of the active people whose role may publish rules; one query."""
    roles = [role for role in Role if ("rules", "edit") in REACH[role]]
    return [person.pk for person in audience(roles)]
