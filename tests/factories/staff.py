"""Departments, people and accounts, minimal and valid."""

from typing import Any

from factory.declarations import LazyAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory
from factory.helpers import post_generation

from staff.models import Account, Department, Person, RoleGrant
from staff.models.accounts import Role
from staff.models.people import UnitKind

PASSWORD = "huiyin-test-2026"

_BY_NAME = {role.name.lower(): role for role in Role}


class DepartmentFactory(DjangoModelFactory[Department]):
    """An active head-office department; `parent` puts it below another."""

    class Meta:
        model = Department
        skip_postgeneration_save = True

    code = Sequence(lambda n: f"DEPT{n}")
    name_en = LazyAttribute(lambda o: f"Department {o.code}")
    name_zh = LazyAttribute(lambda o: f"部门{o.code}")
    kind = UnitKind.DEPARTMENT

    @post_generation
    def _path(self: Department, create: bool, *_: object, **__: object) -> None:  # type: ignore[misc]
        if create:
            self.path = f"{self.parent.path if self.parent else '/'}{self.pk}/"
            self.save(update_fields=["path"])


class PersonFactory(DjangoModelFactory[Person]):
    """An active member of staff."""

    class Meta:
        model = Person

    staff_no = Sequence(lambda n: f"S-9{n:04d}")
    name_en = Sequence(lambda n: f"Tester Number{n}")
    name_zh = Sequence(lambda n: f"测试{n}")
    department = SubFactory(DepartmentFactory)
    email = LazyAttribute(lambda o: f"{o.staff_no.lower()}@bank.example")


class AccountFactory(DjangoModelFactory[Account]):
    """An account with PASSWORD; `roles` takes codes ("CO") or names ("supervisor")."""

    class Meta:
        model = Account
        skip_postgeneration_save = True

    username = Sequence(lambda n: f"tester{n}")
    person = SubFactory(PersonFactory)

    @classmethod
    def _create(cls, model_class: type[Account], *args: Any, **kwargs: Any) -> Account:
        password = kwargs.pop("password", PASSWORD)
        account = model_class(*args, **kwargs)
        account.set_password(password)
        account.save()
        return account

    @post_generation
    def roles(self: Account, create: bool, extracted: list[str] | None, **_: object) -> None:  # type: ignore[misc]
        if create:
            codes = [_BY_NAME.get(role, role) for role in extracted or []]
            RoleGrant.objects.bulk_create(
                RoleGrant(account=self, role=Role(code)) for code in codes
            )
