"""Claim forms tell what the archive knows, ours and other people's, and run nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    StreamObject,
    TextStringObject,
)

from storage.claims.acroform import fill
from storage.claims.claim import Claim, ClaimType
from storage.claims.form import Language, form
from storage.claims.form_facts import FIELDS, Claimant, FormFacts, gather
from storage.errors import FormUnfit
from storage.later import Actor, EvidenceGroup
from storage.order import Item, Order
from tests.storage.claims.forms import carrier_form
from tests.storage.desk import NOON, NUMBER, Desk, video

HOSTILE = '=HYPERLINK("http://x")\x1b[2J\x00 #panic() \u202e@eval $1$'
US = Claimant("Ours & Co", "1 Main St", "us@example.com")
TODAY = dt.date(2026, 11, 23)


@pytest.fixture
def sue(desk: Desk) -> Actor:
    actor = desk.archive.nobody()
    assert actor is not None
    return actor


@pytest.fixture
def claim(desk: Desk, sue: Actor, tmp_path: Path) -> Claim:
    desk.pack()
    lamps = Item("LAMP-1", "Lamp", 3, "red", price_cents=410)
    order = Order(
        "77", (NUMBER,), (lamps, Item(HOSTILE, HOSTILE)), currency="EUR", value_cents=1_230,
        insured_cents=0, customer="Ann Ä. 王", service="Express", shipped_at=NOON, weight_g=1_250,
    )  # fmt: skip
    desk.archive.file_orders([order]).result()
    invoice = tmp_path / "invoice 7.pdf"
    invoice.write_bytes(b"invoice")
    desk.archive.file_document(sue, invoice, NUMBER, EvidenceGroup.PROOF_OF_VALUE).result()
    return desk.archive.open_claim(
        sue, NUMBER, ClaimType.LOSS, description=HOSTILE, portal="ups"
    ).result()


def facts_of(desk: Desk, claim: Claim) -> FormFacts:
    return gather(desk.archive, claim, US, TODAY, dt.UTC)


def read(pdf: bytes) -> str:
    """The text on all pages, without the places where long words may be broken."""
    with pypdfium2.PdfDocument(pdf) as document:
        pages = [page.get_textpage().get_text_range() for page in document]
    return "\n".join(pages).replace("\u200b", "").replace("\r\n", "\n")


def test_a_form_tells_all_facts_and_every_file_by_its_hash(desk: Desk, claim: Claim) -> None:
    made = form(facts_of(desk, claim))
    text = read(made)
    for told in (
        "Claim: loss", claim.reference, NUMBER, "77", "UPS", "Express", "Ann Ä. 王", "1250 g",
        "Ours & Co", "1 Main St", "us@example.com", "12.30 EUR", "0.00 EUR", "LAMP-1", "Lamp red",
        "4.10 EUR", "12.30 EUR", "2026-11-22", "2026-11-23", "invoice 7.pdf", "signature",
    ):  # fmt: skip
        assert told in text, told
    hashes = [hashlib.sha256(content).hexdigest() for content in (video(), b"invoice")]
    hashes += [shot.sha256 for shot in desk.archive.find(NUMBER)[0].shots]
    flat = "".join(text.split())
    assert all(digest in flat for digest in hashes)
    assert form(facts_of(desk, claim)) == made


@pytest.mark.parametrize("language", ["en", "zh"])
def test_hostile_texts_are_spelled_out(desk: Desk, claim: Claim, language: Language) -> None:
    made = form(facts_of(desk, claim), language)
    text = read(made)
    assert ("索赔" in text) is (language == "zh")
    flat = "".join(text.split())
    assert '=HYPERLINK("http://x")\\u{1B}[2J\\u{0}#panic()\\u{202E}@eval$1$' in flat
    assert not any(sign in text for sign in "\x1b\x00\u202e")
    assert b"/JavaScript" not in made
    assert b"/URI" not in made


def test_a_text_of_a_million_characters_is_cut(desk: Desk, claim: Claim) -> None:
    facts = facts_of(desk, claim)
    huge = replace(facts, fields={**facts.fields, "recipient_name": "x" * 1_000_000})
    with pypdfium2.PdfDocument(form(huge)) as document:
        assert len(document) < 5


def test_the_fields_are_those_that_a_mapping_may_name(desk: Desk, claim: Claim) -> None:
    assert tuple(facts_of(desk, claim).fields) == FIELDS


# ---------------------------------------------------------------------------- other people's


FACTS = FormFacts(
    Claim("0" * 26, "C-2026-0001", NUMBER, ClaimType.LOSS, NOON, NOON, NOON),
    {
        **dict.fromkeys(FIELDS, ""), "type": "loss", "today": "2026-11-23", "requested": "12.30",
        "tracking_number": NUMBER, "claimant": US.name, "currency": "EUR", "description": HOSTILE,
    },
    (),
    (),
)  # fmt: skip


def filled(folder: Path, mapping: str, template: bytes = b"") -> bytes:
    (folder / "form.pdf").write_bytes(template or carrier_form())
    (folder / "map.toml").write_text(mapping, encoding="utf-8")
    return fill(folder / "form.pdf", folder / "map.toml", FACTS)


def values(pdf: bytes) -> dict[str, str]:
    found = PdfReader(io.BytesIO(pdf)).get_fields() or {}
    return {name: str(field.get("/V", "")) for name, field in found.items()}


def test_a_carriers_form_is_filled_by_a_mapping(tmp_path: Path) -> None:
    mapping = """
        [fields]
        "Tracking No" = "tracking_number"
        Notes = "{claimant}: {requested} {currency}, {description}"
        Lost = { when = "type", is = "loss" }
        Kind = { when = "type", is = "loss", set = "L" }
    """
    made = filled(tmp_path, mapping)
    told = values(made)
    assert told["Tracking No"] == NUMBER
    assert told["Notes"].startswith('Ours & Co: 12.30 EUR, =HYPERLINK("http://x")?[2J? #panic()')
    assert (told["Lost"], told["Kind"]) == ("/Yes", "/L")
    assert not any(sign in told["Notes"] for sign in "\x1b\x00\u202e")
    with pypdfium2.PdfDocument(made) as document:
        document.init_forms()
        page = document[0]
        shown = page.render(may_draw_forms=True).to_pil().convert("L").crop((10, 80, 300, 100))
    assert shown.getextrema()[0] < 100  # the number is drawn, too


def test_a_box_for_another_case_stays_empty(tmp_path: Path) -> None:
    made = filled(tmp_path, '[fields]\nLost = { when = "type", is = "damage" }')
    assert values(made)["Lost"] == "/Off"


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        ("[fields", "not TOML"),
        ("", "one table"),
        ("[fields]", "one table"),
        ('[fields]\nNotes = "carrier"\n[more]', "one table"),
        ('[fields]\nNope = "carrier"', "no field 'Nope'"),
        ("[fields]\nNotes = 1", "'Notes' must be a text"),
        ('[fields]\nNotes = "{carrier} {__class__}"', "'__class__' is no fact"),
        ('[fields]\nNotes = { when = "type" }', "'Notes' must be"),
        ('[fields]\nNotes = { when = "x", is = "y" }', "'x' is no fact"),
        ('[fields]\nKind = { when = "type", is = "loss", set = "Q" }', "cannot be 'Q', only: L, D"),
    ],
)
def test_a_wrong_mapping_is_named(tmp_path: Path, mapping: str, why: str) -> None:
    with pytest.raises(FormUnfit) as error:
        filled(tmp_path, mapping)
    assert why in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "map.toml"))
    assert "\n" not in str(error.value)


def changed_form(change: Callable[[PdfWriter, DictionaryObject], None]) -> bytes:
    """The carrier's form after `change`, which gets its AcroForm."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(carrier_form())))
    form_of = writer._root_object["/AcroForm"].get_object()
    assert isinstance(form_of, DictionaryObject)
    change(writer, form_of)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def set_in(place: int, **entries: NumberObject | ArrayObject | NameObject) -> bytes:
    """The carrier's form with these entries in one of its fields."""

    def change(_: PdfWriter, form_of: DictionaryObject) -> None:
        fields = form_of["/Fields"]
        assert isinstance(fields, ArrayObject)
        field = fields[place].get_object()
        assert isinstance(field, DictionaryObject)
        field.update({NameObject(f"/{key}"): value for key, value in entries.items()})

    return changed_form(change)


def test_a_number_that_a_field_would_cut_is_not_filled_in(tmp_path: Path) -> None:
    mapping = '[fields]\n"Tracking No" = "tracking_number"'
    short = set_in(0, MaxLen=NumberObject(len(NUMBER) - 1))
    with pytest.raises(FormUnfit, match=f"'Tracking No' takes {len(NUMBER) - 1} characters"):
        filled(tmp_path, mapping, short)
    enough = set_in(0, MaxLen=NumberObject(len(NUMBER)))
    assert values(filled(tmp_path, mapping, enough))["Tracking No"] == NUMBER


def test_a_field_is_cut_as_the_one_above_it_says(tmp_path: Path) -> None:
    def below(writer: PdfWriter, form_of: DictionaryObject) -> None:
        fields = form_of["/Fields"]
        assert isinstance(fields, ArrayObject)
        above = DictionaryObject({NameObject("/MaxLen"): NumberObject(3)})
        above[NameObject("/T")] = TextStringObject("Top")
        above[NameObject("/Kids")] = ArrayObject([fields[0]])
        reference = writer._add_object(above)
        field = fields[0].get_object()
        assert isinstance(field, DictionaryObject)
        field[NameObject("/Parent")] = reference
        fields[0] = reference

    with pytest.raises(FormUnfit, match="takes 3 characters"):
        filled(tmp_path, '[fields]\n"Top.Tracking No" = "type"', changed_form(below))


def test_a_list_takes_only_what_it_offers(tmp_path: Path) -> None:
    mapping = '[fields]\nNotes = "type"'
    pair = ArrayObject(map(TextStringObject, ("1", "loss")))
    offered = ArrayObject([pair, TextStringObject("damage")])
    choice = NameObject("/Ch")
    drops = set_in(1, FT=choice, Opt=offered, Ff=NumberObject(1 << 17))
    assert values(filled(tmp_path, mapping, drops))["Notes"] == "1"
    with pytest.raises(FormUnfit, match="'Notes' is an open list"):
        filled(tmp_path, mapping, set_in(1, FT=choice, Opt=offered))
    other = set_in(1, FT=choice, Opt=ArrayObject([TextStringObject("Lost"), pair[0]]))
    with pytest.raises(FormUnfit, match="'Notes' cannot be 'loss', only: 'Lost', '1'"):
        filled(tmp_path, mapping, other)
    typed = set_in(1, FT=choice, Opt=ArrayObject(), Ff=NumberObject(1 << 17 | 1 << 18))
    assert values(filled(tmp_path, mapping, typed))["Notes"] == "loss"


def test_a_form_that_would_show_nothing_of_it_is_refused(tmp_path: Path) -> None:
    def with_xfa(writer: PdfWriter, form_of: DictionaryObject) -> None:
        form_of[NameObject("/XFA")] = writer._add_object(StreamObject())

    with pytest.raises(FormUnfit, match="XFA"):
        filled(tmp_path, '[fields]\nNotes = "type"', changed_form(with_xfa))


@pytest.mark.parametrize("password", ["secret", ""])
def test_an_encrypted_form_is_said_so(tmp_path: Path, password: str) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(carrier_form())))
    writer.encrypt(password, "theirs")
    made = io.BytesIO()
    writer.write(made)
    with pytest.raises(FormUnfit, match=r"form\.pdf: it is encrypted: save it without a password"):
        filled(tmp_path, '[fields]\nNotes = "type"', made.getvalue())


def test_what_is_no_form_is_said_so(tmp_path: Path) -> None:
    plain = form(FACTS)
    whole = carrier_form()
    broken = whole.replace(b"/Fields", b"/Fialds").replace(b"/Annots", b"/Annats")
    for template in (b"no PDF", b"%PDF-1.7\n", plain, whole[:200], broken, b"\x00" * 5_000):
        with pytest.raises(FormUnfit, match=r"form\.pdf"):
            filled(tmp_path, '[fields]\nNotes = "carrier"', template)


def test_no_damage_to_a_form_is_more_than_an_error(tmp_path: Path) -> None:
    whole = carrier_form()
    mapping = tmp_path / "map.toml"
    mapping.write_text('[fields]\nNotes = "carrier"\nLost = { when = "type", is = "loss" }')
    template = tmp_path / "form.pdf"
    for at in range(0, len(whole), max(1, len(whole) // 120)):
        template.write_bytes(whole[:at] + bytes([whole[at] ^ 0x15]) + whole[at + 1 :])
        try:
            assert fill(template, mapping, FACTS)
        except FormUnfit as error:
            assert "\n" not in str(error)
