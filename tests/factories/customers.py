"""Customers with hashes as registering makes them."""

from factory.declarations import LazyAttribute, Sequence
from factory.django import DjangoModelFactory
from factory.helpers import post_generation

from config.shared.phones import normalise_phone
from customers.hashes import name_hash, phone_hash, tail_hash
from customers.models import ContactPoint, Customer
from customers.models.customer import ContactKind


class CustomerFactory(DjangoModelFactory[Customer]):
    """An active person; `phone="13812342107"` adds a mobile number."""

    class Meta:
        model = Customer
        skip_postgeneration_save = True

    number = Sequence(lambda n: f"K{90000000 + n:08d}")
    name = Sequence(lambda n: f"客户{n}")
    name_hash = LazyAttribute(lambda o: name_hash(o.name))

    @post_generation
    def phone(self: Customer, create: bool, extracted: str | None, **_: object) -> None:  # type: ignore[misc]
        if create and extracted:
            value = normalise_phone(extracted) or extracted
            ContactPoint.objects.create(
                customer=self,
                kind=ContactKind.MOBILE,
                value=value,
                value_hash=phone_hash(value),
                tail_hash=tail_hash(value),
                preferred=True,
            )
