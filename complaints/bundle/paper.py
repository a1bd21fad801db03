"""Pages of a bundle: parts set by ReportLab, attachments as pages, index, watermark, page numbers.

Chinese is set in STSong-Light, a font every reader of PDF brings along. Foreign PDFs give their
pages only: scripts, forms, links and actions stay behind; what cannot be read, or only with a
password, becomes a sheet that says so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, Final
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _
from pypdf import PdfReader, PdfWriter
from pypdf._page import PageObject
from pypdf.generic import NameObject
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, Paragraph, SimpleDocTemplate, Spacer, Table

from complaints.bundle.contents import Block, Part
from config.kernel import thumbnails

FONT: Final = "STSong-Light"
MOST_PAGES: Final = 300  # of one attachment
_MARGIN: Final = 18 * mm
_WIDE: Final = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]|[^\u0000-\uffff]|[\ud800-\udfff]")
_SCRIPTED: Final = ("/AA", "/Annots", "/B", "/PieceInfo", "/Metadata", "/StructParents", "/Tabs")
_PICTURE_SIDE: Final = 1_800

pdfmetrics.registerFont(UnicodeCIDFont(FONT))


class Unreadable(ValueError):  # noqa: N818 - reads as words
    """A PDF whose pages cannot be taken over."""


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered section of the bundle: its title in the index and its pages."""

    title: str
    pages: list[PageObject]


@dataclass(frozen=True, slots=True)
class Cover:
    """What stands on the first page, and across every page (`mark`)."""

    title: str
    lines: Sequence[str]
    mark: str
    foot: str


def bound(cover: Cover, sections: Sequence[Section]) -> tuple[bytes, int]:
    """Return the whole PDF and its number of pages."""
    ahead = len(_index(cover, sections, 0))
    front = _index(cover, sections, ahead)
    writer = PdfWriter()
    for page in [*front, *(page for section in sections for page in section.pages)]:
        writer.add_page(page)
    total = len(writer.pages)
    for number, page in enumerate(writer.pages, 1):
        _stamp(page, cover, number, total)
    writer.add_metadata({"/Title": cover.title, "/Producer": "Huiyin", "/Creator": "Huiyin"})
    target = BytesIO()
    writer.write(target)
    return target.getvalue(), total


def part(made: Part) -> Section:
    """Return the pages of one part."""
    flow: list[Flowable] = [_paragraph(made.title, _TITLE)]
    for block in made.blocks:
        flow += _set(block)
    if not made.blocks:
        flow.append(_paragraph(_("Nothing of this kind is recorded."), _TEXT))
    return Section(made.title, _pages(flow))


def sheet(title: str, rows: Sequence[tuple[str, str]], note: str = "") -> Section:
    """Return a sheet about an attachment that follows, or that cannot be printed."""
    flow = [_paragraph(title, _TITLE), *_set(Block("", rows=list(rows)))]
    if note:
        flow.append(_paragraph(note, _TEXT))
    return Section(title, _pages(flow))


def picture(content: IO[bytes]) -> list[PageObject]:
    """Return a picture on a page, drawn anew without metadata; raises thumbnails.NotDrawn."""
    drawn = thumbnails.opened(content, _PICTURE_SIDE).convert("RGB")
    drawn.thumbnail((_PICTURE_SIDE, _PICTURE_SIDE))
    kept = BytesIO()
    drawn.save(kept, "JPEG", quality=82)
    kept.seek(0)
    width, height = A4[0] - 2 * _MARGIN, A4[1] - 2 * _MARGIN - 20 * mm
    scale = min(width / drawn.width, height / drawn.height, 1.0)
    ImageReader(kept)
    kept.seek(0)
    return _pages([Image(kept, drawn.width * scale, drawn.height * scale)])


def foreign(content: IO[bytes]) -> list[PageObject]:
    """Return the pages of a PDF without what could act; Unreadable for locked and broken ones."""
    try:
        reader = PdfReader(content, strict=False)
        if reader.is_encrypted:
            message = "encrypted"
            raise Unreadable(message)  # noqa: TRY301 - one way out
        if len(reader.pages) > MOST_PAGES:
            message = "too long"
            raise Unreadable(message)  # noqa: TRY301 - one way out
        return _harmless(reader)
    except Unreadable:
        raise
    # Broken PDFs raise almost anything, up to RecursionError.
    except Exception as error:
        raise Unreadable(type(error).__name__) from error


def _harmless(reader: PdfReader) -> list[PageObject]:
    """Return the pages, upright and without actions; tried by writing and stamping them once."""
    writer = PdfWriter()
    for page in reader.pages:
        kept = writer.add_page(page)
        for name in _SCRIPTED:
            kept.pop(NameObject(name), None)
        if kept.rotation:
            kept.transfer_rotation_to_content()
    if not writer.pages:
        message = "no pages"
        raise Unreadable(message)
    target = BytesIO()
    writer.write(target)
    pages = list(PdfReader(BytesIO(target.getvalue())).pages)
    trial = PdfWriter()
    for page in pages:
        _stamp(trial.add_page(page), Cover("", (), "x", "x"), 1, 1)
    return pages


# --- Setting -----------------------------------------------------------------------------------


def _style(name: str, size: float, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(name, fontName=FONT, fontSize=size, leading=size * 1.45, **more)


_TITLE: Final = _style("title", 15, spaceAfter=4 * mm)
_HEAD: Final = _style("head", 10, spaceBefore=3 * mm, textColor=HexColor("#333333"))
_TEXT: Final = _style("text", 9.5, leftIndent=3 * mm, spaceAfter=1 * mm)
_LABEL: Final = _style("label", 8.5, textColor=HexColor("#555555"))
_CELL: Final = _style("cell", 9.5)


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    """Return a paragraph; what the font cannot show becomes a box, Chinese breaks anywhere."""
    clean = _UNPRINTABLE.sub("□", text.replace("\r\n", "\n").replace("\t", " "))
    if _WIDE.search(clean):
        style = ParagraphStyle(f"{style.name}-cjk", parent=style, wordWrap="CJK")
    return Paragraph(escape(clean).replace("\n", "<br/>"), style)


def _set(block: Block) -> list[Flowable]:
    """Return a block as flowing text and a table of two columns; long values flow over pages."""
    flow: list[Flowable] = [_paragraph(block.heading, _HEAD)] if block.heading else []
    flow += [_paragraph(line, _TEXT) for text in block.lines for line in _short(text)]
    if block.rows:
        width = A4[0] - 2 * _MARGIN
        data = [
            [_paragraph(label if first else "", _LABEL), _paragraph(value, _CELL)]
            for label, text in block.rows
            for first, value in _numbered(_short(text))
        ]
        table = Table(data, colWidths=[width * 0.28, width * 0.72], hAlign="LEFT")
        table.setStyle(
            [("VALIGN", (0, 0), (-1, -1), "TOP"), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]
        )
        flow += [table, Spacer(0, 1 * mm)]
    return flow


def _short(text: str) -> list[str]:
    """Cut a long text into pieces that fit on a page: a cell cannot be split by the setter."""
    pieces: list[str] = []
    for line in text.split("\n"):
        pieces += [line[start : start + 900] for start in range(0, max(1, len(line)), 900)]
    kept, gathered = [], ""
    for piece in pieces:
        if gathered and (len(gathered) + len(piece) > 900 or gathered.count("\n") > 25):
            kept.append(gathered)
            gathered = piece
        else:
            gathered = f"{gathered}\n{piece}" if gathered else piece
    return [*kept, gathered]


def _numbered(pieces: Sequence[str]) -> list[tuple[bool, str]]:
    return [(index == 0, piece) for index, piece in enumerate(pieces)]


def _pages(flow: list[Flowable]) -> list[PageObject]:
    """Set flowing text on A4 and return its pages."""
    target = BytesIO()
    SimpleDocTemplate(
        target, pagesize=A4, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN,
        bottomMargin=_MARGIN,
    ).build(flow)  # fmt: skip
    return list(PdfReader(BytesIO(target.getvalue())).pages)


def _index(cover: Cover, sections: Sequence[Section], ahead: int) -> list[PageObject]:
    """Return the first pages: what it is, and the numbered index; `ahead` pages come before."""
    flow: list[Flowable] = [_paragraph(cover.title, _TITLE)]
    flow += [_paragraph(line, _CELL) for line in cover.lines]
    flow += [Spacer(0, 6 * mm), _paragraph(_("Index"), _HEAD)]
    data, at = [], ahead + 1
    for number, section in enumerate(sections, 1):
        end = at + len(section.pages) - 1
        pages = f"{at}" if end == at else f"{at}–{end}"
        cells = (f"{number}", section.title, pages)
        data.append([_paragraph(cell, _CELL) for cell in cells])
        at = end + 1
    if data:
        width = A4[0] - 2 * _MARGIN
        flow.append(Table(data, colWidths=[12 * mm, width - 36 * mm, 24 * mm], hAlign="LEFT"))
    return _pages(flow)


def _stamp(page: PageObject, cover: Cover, number: int, total: int) -> None:
    """Put watermark and page number over a page of any size."""
    box = page.mediabox
    left, bottom, width, height = (float(x) for x in (box.left, box.bottom, box.width, box.height))
    target = BytesIO()
    canvas = Canvas(target, pagesize=(left + width, bottom + height))
    canvas.setTitle("")
    canvas.translate(left, bottom)
    canvas.saveState()
    canvas.setFillColor(HexColor("#777777"), alpha=0.22)
    canvas.translate(width / 2, height / 2)
    canvas.rotate(40)
    size = min(20.0, max(6.0, width * 1.1 / max(1, _ems(cover.mark))))
    canvas.setFont(FONT, size)
    canvas.drawCentredString(0, 0, cover.mark)
    canvas.restoreState()
    canvas.setFillColor(HexColor("#444444"))
    canvas.setFont(FONT, 7.5)
    canvas.drawString(10 * mm, 6 * mm, cover.foot)
    canvas.drawRightString(width - 10 * mm, 6 * mm, f"{number} / {total}")
    canvas.save()
    page.merge_page(PdfReader(BytesIO(target.getvalue())).pages[0])


def _ems(text: str) -> float:
    """Return about how many letters wide a text is; Chinese letters are twice as wide."""
    return sum(1.0 if _WIDE.match(sign) else 0.55 for sign in text)


__all__ = ["Cover", "Section", "Unreadable", "bound", "foreign", "part", "picture", "sheet"]
