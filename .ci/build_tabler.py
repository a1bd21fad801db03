"""Cut Tabler's CSS: `build_tabler.py SOURCE.css TARGET.css`.

Leaves out the parts that need Bootstrap's JavaScript or another library, and palettes the portal
does not use, because the budget for all style sheets is 85 KB compressed. The rules that stay
are untouched. Afterwards write the new checksum into static/vendor/VERSIONS.md.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

LEFT_OUT = re.compile(
    r"\.(?:carousel|offcanvas|accordion|navbar|popover|tooltip|bs-tooltip|bs-popover|toast|spinner|"
    r"placeholder|apexcharts|jvm|jsvectormap|litepicker|ts-|tomselect|dropzone|fslightbox|plyr|noUi|tox|"
    r"hugerte|fc|gl-star|gl-|clr-|coloris|flag|payment|ribbon|timeline|chat|social|star|"
    r"hover-|animation|icon-|countup|typed|vr|nav|tab-|pagination|breadcrumb|list-group|modal|"
    r"progress|steps|switch-icon|status|stepper|avatar|card-rotate|card-stacked|card-cover|"
    r"stamp|legend|demo|markdown|highlight|hljs|ratio|"
    r"form-imagecheck|form-colorinput|form-colorcheck|form-fieldset|form-help|form-floating|"
    r"form-range|btn-facebook|btn-twitter|btn-google|btn-youtube|btn-vimeo|btn-dribbble|btn-github|"
    r"btn-instagram|btn-pinterest|btn-vk|btn-rss|btn-flickr|btn-bitbucket|btn-tabler|btn-x\b|"
    r"col-(?:sm|md|lg|xl|xxl)|offset|row-cols|order-|g[xy]?-(?:sm|md|lg|xl|xxl)|"
    r"[mp][tbsexy]?-(?:sm|md|lg|xl|xxl)|text-(?:sm|md|lg|xl|xxl)|float|space-[xy]|columns-|"
    r"(?:bg|text|border|link|btn|btn-outline|btn-ghost|alert|badge|table|card-status)-"
    r"(?:blue|azure|indigo|purple|pink|red|orange|yellow|lime|green|teal|cyan|gray|facebook|twitter|"
    r"linkedin|google|youtube|vimeo|dribbble|github|instagram|pinterest|vk|rss|flickr|bitbucket|tabler|x|"
    r"info|dark|light|inverted)\b)"
)


def blocks(css: str) -> Iterator[tuple[str, str]]:
    """Yield (head, body) of each rule; a statement without a block has an empty body."""
    start, place = 0, 0
    while place < len(css):
        if css[place] in "\"'":
            place = css.index(css[place], place + 1)
        elif css.startswith("/*", place):
            place = css.index("*/", place) + 1
        elif css[place] == ";":
            yield css[start : place + 1], ""
            start = place + 1
        elif css[place] == "{":
            end = _closing(css, place)
            yield css[start:place], css[place + 1 : end]
            start, place = end + 1, end
        place += 1


def _closing(css: str, opening: int) -> int:
    """Return the place of the brace that closes the one at `opening`."""
    depth = 0
    for found in re.finditer(r"[{}]|\"[^\"]*\"|'[^']*'", css[opening:]):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return opening + found.start()
    message = "A brace is not closed."
    raise ValueError(message)


def cut(css: str) -> str:
    """Return the rules that have at least one selector outside LEFT_OUT, with only those."""
    kept = []
    for head, body in blocks(css):
        if not body and not head.endswith(";"):
            continue
        if head.startswith(("@media", "@supports")):
            inner = cut(body)
            kept.append(f"{head}{{{inner}}}" if inner else "")
        elif head.startswith("@") or not body:
            kept.append(f"{head}{{{body}}}" if body else head)
        else:
            heads = [part for part in re.split(r",(?![^(]*\))", head) if not LEFT_OUT.search(part)]
            kept.append(f"{','.join(heads)}{{{body}}}" if heads else "")
    return "".join(kept)


def main(source: Path, target: Path) -> None:
    """Write the cut style sheet with its licence comment and without a source map."""
    css = re.sub(r"/\*# sourceMappingURL=.*?\*/", "", source.read_text(encoding="utf-8"))
    found = re.search(r"/\*!.*?\*/", css, re.DOTALL)
    licence = found[0] if found else ""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    target.write_text(
        '@charset "UTF-8";\n'
        + licence
        + "\n"
        + cut(css.replace('@charset "UTF-8";', "").strip())
        + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
