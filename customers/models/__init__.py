"""Tables of the customers room."""

from customers.models.customer import ContactPoint, Customer, TierChange

__all__ = ["ContactPoint", "Customer", "TierChange"]
