"""Errors that explain themselves to the person who caused them."""

from collections.abc import Mapping

from django.utils.functional import Promise


class WordedError(ValueError):
    """A refusal with a stable code for programs and a sentence for people.

    `message` is lazily translated and may hold `%(name)s` placeholders filled from `params`
    when the error is shown, so the reader's language counts, not the language of the worker
    that met the error.
    """

    def __init__(
        self, code: str, message: str | Promise, params: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.params = dict(params or {})

    def __str__(self) -> str:
        return str(self.message) % self.params if self.params else str(self.message)
