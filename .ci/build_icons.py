"""Cut the icon sprite: `build_icons.py PACKAGE_FOLDER TARGET` (an unpacked @tabler/icons).

Names come from icons.txt beside this file. Strokes take the colour of the text; the width is
set by `.i` in portal.css. Afterwards write the new checksum into static/vendor/VERSIONS.md.
"""

import re
import sys
from pathlib import Path

_OUTLINE = 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"'
_FILLED = 'fill="currentColor"'


def symbol(package: Path, name: str) -> str:
    """Return one icon as a `<symbol>`; names that end in -filled come from the filled set."""
    filled = name.endswith("-filled")
    folder = package / "icons" / ("filled" if filled else "outline")
    source = (folder / f"{name.removesuffix('-filled')}.svg").read_text(encoding="utf-8")
    paths = re.findall(r"<path[^>]*/>", source)
    drawn = "".join(path for path in paths if 'd="M0 0h24v24H0z"' not in path)
    look = _FILLED if filled else _OUTLINE
    return f'<symbol id="{name}" viewBox="0 0 24 24" {look}>{drawn}</symbol>'


def main(package: Path, target: Path) -> None:
    """Write the sprite of all listed icons."""
    names = sorted(Path(__file__).with_name("icons.txt").read_text(encoding="utf-8").split())
    body = "\n".join(symbol(package, name) for name in names)
    target.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>\n', encoding="utf-8"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
