"""Who did it: the one value every verb and every journal entry names."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["person", "customer", "system", "api"]


@dataclass(frozen=True, slots=True)
class Actor:
    """An acting party. `id` is the person's pk (None: the system); `label` is a copy to show."""

    kind: Kind
    id: int | None
    label: str


SYSTEM: Final = Actor("system", None, "Huiyin")
