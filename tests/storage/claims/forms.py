"""A carrier's claim form for the tests: a PDF with texts to fill and boxes to tick."""

from __future__ import annotations

import io

from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    PdfObject,
    StreamObject,
    TextStringObject,
)


def _named(**entries: str) -> dict[PdfObject, PdfObject]:
    return {NameObject(f"/{key}"): NameObject(f"/{value}") for key, value in entries.items()}


def carrier_form() -> bytes:
    """The fields `Tracking No`, `Notes`, `Lost` (a box) and `Kind` (a box that is L or D)."""
    writer = PdfWriter()
    page = writer.add_blank_page(400, 400)
    font = DictionaryObject(
        _named(Type="Font", Subtype="Type1", BaseFont="Helvetica", Encoding="WinAnsiEncoding")
    )
    helvetica = writer._add_object(font)
    mark = StreamObject()
    mark.update(_named(Type="XObject", Subtype="Form"))
    mark[NameObject("/BBox")] = ArrayObject(map(NumberObject, (0, 0, 10, 10)))
    drawn = writer._add_object(mark)

    def field(name: str, kind: str, top: int, *states: str) -> PdfObject:
        widget = DictionaryObject(_named(Type="Annot", Subtype="Widget", FT=kind))
        widget[NameObject("/T")] = TextStringObject(name)
        widget[NameObject("/DA")] = TextStringObject("/Helv 10 Tf 0 g")
        widget[NameObject("/Rect")] = ArrayObject(map(NumberObject, (10, top, 300, top + 20)))
        if states:
            looks = DictionaryObject({NameObject(f"/{state}"): drawn for state in states})
            widget[NameObject("/AP")] = DictionaryObject({NameObject("/N"): looks})
            widget[NameObject("/AS")] = NameObject("/Off")
        return writer._add_object(widget)

    fields = ArrayObject(
        (
            field("Tracking No", "Tx", 300),
            field("Notes", "Tx", 250),
            field("Lost", "Btn", 200, "Yes"),
            field("Kind", "Btn", 150, "L", "D"),
        )
    )
    page[NameObject("/Annots")] = fields
    fonts = DictionaryObject({NameObject("/Helv"): helvetica})
    writer._root_object[NameObject("/AcroForm")] = DictionaryObject(
        {
            NameObject("/Fields"): fields,
            NameObject("/DR"): DictionaryObject({NameObject("/Font"): fonts}),
            NameObject("/DA"): TextStringObject("/Helv 10 Tf 0 g"),
        }
    )
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()
