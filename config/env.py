"""Typed readers for environment variables; an odd value stops the start with a sentence."""

import contextlib
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """Return the variable, or the content of the file named by NAME_FILE, or `default`."""
    file = os.environ.get(f"{name}_FILE")
    if file:
        return Path(file).read_text(encoding="utf-8").strip()
    return os.environ.get(name, default)


def flag(name: str, *, default: bool) -> bool:
    """Return a yes/no variable; anything else is refused."""
    raw = text(name, "1" if default else "0").strip().lower()
    if raw in _TRUE | _FALSE:
        return raw in _TRUE
    message = f"{name} must be yes or no, not {raw!r}."
    raise ImproperlyConfigured(message)


def integer(name: str, default: int) -> int:
    """Return a whole number; anything else is refused."""
    raw = text(name, str(default)).strip()
    try:
        return int(raw)
    except ValueError as error:
        message = f"{name} must be a whole number, not {raw!r}."
        raise ImproperlyConfigured(message) from error


def listing(name: str, default: str = "") -> list[str]:
    """Return a comma separated list without empty items."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def choice(name: str, options: tuple[str, ...], default: str) -> str:
    """Return one of `options`; anything else is refused."""
    raw = text(name, default)
    if raw in options:
        return raw
    message = f"{name} must be one of {', '.join(options)}, not {raw!r}."
    raise ImproperlyConfigured(message)


def kept_secret(folder: Path, name: str, *, size: int = 48) -> str:
    """Return the secret kept in `folder/name` (0600), made on first use. Demo and test only.

    Processes that start together read the same one: it appears whole or not at all.
    """
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        handle = os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as target:
            target.write(secrets.token_urlsafe(size))
        with contextlib.suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    return path.read_text(encoding="utf-8").strip()
