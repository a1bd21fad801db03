"""Rows of rules that nobody changes once their version has left draft.

`FrozenWhenPublished` is the base of every such row. `rule_path` is the way from the row to its
RuleSet: `rule_set` for direct rows, e.g. `policy__rule_set` for a part of a row.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Self, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.shared.worded import WordedError


class RulesFrozen(WordedError):  # noqa: N818 - named for what happened
    """The rows belong to a version that was published; they never change again."""

    def __init__(self) -> None:
        super().__init__("frozen", _("A published version cannot be changed. Copy it to a draft."))


F = TypeVar("F", bound="FrozenWhenPublished")


class FrozenQuerySet(models.QuerySet[F]):
    """Refuses every write that would touch a row of a published version."""

    def update(self, **kwargs: Any) -> int:
        """Change draft rows; raises RulesFrozen when one of the rows is not a draft's."""
        self._refuse_frozen()
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete draft rows; raises RulesFrozen when one of the rows is not a draft's."""
        self._refuse_frozen()
        return super().delete()

    def bulk_create(self, objs: Iterable[F], *args: Any, **kwargs: Any) -> list[F]:
        """Add rows to drafts; raises RulesFrozen when one of them goes to another version."""
        rows = list(objs)
        self.model.refuse_frozen(rows)
        return super().bulk_create(rows, *args, **kwargs)

    def bulk_update(self, objs: Iterable[F], *args: Any, **kwargs: Any) -> int:
        """Change draft rows; raises RulesFrozen when one of them is not a draft's."""
        rows = list(objs)
        self.model.refuse_frozen(rows)
        return super().bulk_update(rows, *args, **kwargs)

    def _refuse_frozen(self) -> None:
        """Raise when a row of this queryset belongs to a version that is not a draft."""
        if self.order_by().exclude(**{f"{self.model.rule_path}__state": "draft"}).exists():
            raise RulesFrozen


class FrozenWhenPublished(models.Model):
    """Base of rule rows and of their parts; the guard holds for save, delete and sets of rows."""

    rule_path: ClassVar[str] = "rule_set"

    objects = FrozenQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save a draft's row; raises RulesFrozen for any other."""
        self.refuse_frozen([self])
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete a draft's row; raises RulesFrozen for any other."""
        self.refuse_frozen([self])
        return super().delete(*args, **kwargs)

    @classmethod
    def refuse_frozen(cls, rows: Iterable[Self]) -> None:
        """Raise when a row stands in, or would go to, a version that is not a draft."""
        listed = list(rows)
        step, _dots, rest = cls.rule_path.partition("__")
        key = cls._meta.get_field(step)
        owners = {getattr(row, key.attname) for row in listed}  # type: ignore[union-attr]
        owner_model: Any = key.related_model
        state = f"{rest}__state" if rest else "state"
        frozen = owner_model._default_manager.filter(pk__in=owners).exclude(**{state: "draft"})
        stored = [row.pk for row in listed if row.pk is not None]
        if frozen.exists() or cls._is_any_frozen(stored):
            raise RulesFrozen

    @classmethod
    def _is_any_frozen(cls, pks: list[Any]) -> bool:
        """Tell whether one of the stored rows belongs to a version that is not a draft."""
        if not pks:
            return False
        rows = cls._default_manager.filter(pk__in=pks)
        return rows.exclude(**{f"{cls.rule_path}__state": "draft"}).exists()


def rows_of(owner: type[models.Model]) -> Iterator[tuple[type[FrozenWhenPublished], str]]:
    """Return the rule rows that hang on `owner` (RuleSet or a row) with the name of their key."""
    for relation in owner._meta.related_objects:
        model: Any = relation.related_model
        if issubclass(model, FrozenWhenPublished):
            name = relation.field.name
            if model.rule_path.partition("__")[0] == name:
                yield model, name
