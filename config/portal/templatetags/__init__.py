"""Template tags, builtins in every template."""
