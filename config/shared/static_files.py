"""How static files are published: hashed names, also of the modules a script imports."""

from whitenoise.storage import CompressedManifestStaticFilesStorage

# `from "./module.js"` in our own scripts; those of packages are taken as they are.
_IMPORTS = (
    "js/*.js",
    ((r"""(?P<matched>\bfrom\s+["'](?P<url>\./[^"']+)["'])""", """from "%(url)s\""""),),
)


class ModuleStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed and compressed files, kept for a year by the browser.

    An `import` in our scripts is rewritten to the hashed name, so that a module has one address
    however it is loaded: under two addresses it would run twice.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, _IMPORTS)


__all__ = ["ModuleStaticFilesStorage"]
