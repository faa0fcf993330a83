"""A file's path and barcodes say whose it is; what contradicts itself, or is unknown, is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.intake.inbox import Why, group_named, ignored, propose
from storage.later import EvidenceGroup
from tests.storage.desk import NUMBER

OTHER = "9400111206206406260787"
KNOWN = {
    NUMBER: [NUMBER],
    OTHER: [OTHER],
    "AB-1234-5678": ["AB-1234-5678"],
    "SHOP-77": [NUMBER],
    "4711": [NUMBER, OTHER],
    "20261122": ["20261122"],
}
MEDIA = EvidenceGroup.MEDIA


def known(text: str) -> list[str]:
    return KNOWN.get(text, [])


@pytest.mark.parametrize(
    ("path", "number", "how", "group"),
    [
        (f"{NUMBER}/photos/IMG_0001.HEIC", NUMBER, "folder", MEDIA),
        (f"Photos/{NUMBER}/IMG_0001.HEIC", NUMBER, "folder", MEDIA),
        (f"{NUMBER.lower()}/x.jpg", NUMBER, "folder", None),
        (f"1Z 999 AA1 0123456784/{NUMBER}.jpg", NUMBER, "folder", None),
        (f"{NUMBER} damaged corner/x.jpg", NUMBER, "folder", None),
        (f"invoice/inv-{NUMBER}(1).pdf", NUMBER, "file name", EvidenceGroup.PROOF_OF_VALUE),
        ("1Z 999 AA1 0123456784 (2).jpg", NUMBER, "file name", None),
        ("trace_9400_1112_0620_6406_2607_87.pdf", OTHER, "file name", None),
        ("AB-1234-5678_front.jpg", "AB-1234-5678", "file name", None),
        ("理赔/１Z999AA10123456784.pdf", NUMBER, "file name", EvidenceGroup.CLAIM_FORM),
        ("SHOP-77/mails/a.eml", NUMBER, "folder", EvidenceGroup.CORRESPONDENCE),
        (f"4711/{OTHER}.jpg", OTHER, "folder", None),
        (f"{NUMBER}/01 Photos/mails/a.jpg", NUMBER, "folder", EvidenceGroup.CORRESPONDENCE),
    ],
)
def test_folders_and_names_tell_the_parcel_and_the_group(
    path: str, number: str, how: str, group: EvidenceGroup | None
) -> None:
    found = propose(path.split("/"), (), known)
    assert (found.number, found.how, found.group) == (number, how, group)
    assert found.why is (Why.NO_GROUP if group is None else None)


@pytest.mark.parametrize(
    ("path", "why", "candidates"),
    [
        ("IMG_20261122_101530.jpg", Why.NO_NUMBER, ()),
        ("20261122/a.jpg", Why.NO_NUMBER, ()),
        ("20261122101530.jpg", Why.NO_NUMBER, ()),
        ("scan4711.pdf", Why.NO_NUMBER, ()),
        ("4711.pdf", Why.NO_NUMBER, ()),  # a short name may be a count
        ("1Z999AA10123456785/a.jpg", Why.NO_NUMBER, ()),
        ("4711/a.jpg", Why.SEVERAL, (NUMBER, OTHER)),
        (f"{NUMBER}/{OTHER}.jpg", Why.SEVERAL, (NUMBER, OTHER)),
        (f"{NUMBER}/{OTHER}/a.jpg", Why.SEVERAL, (NUMBER, OTHER)),
        (f"{NUMBER} {OTHER}.jpg", Why.SEVERAL, (NUMBER, OTHER)),
    ],
)
def test_what_is_unknown_or_contradicts_itself_is_asked(
    path: str, why: Why, candidates: tuple[str, ...]
) -> None:
    found = propose(path.split("/"), (), known, group=MEDIA)
    assert (found.number, found.why, found.candidates) == (None, why, candidates)


def test_barcodes_count_where_path_and_name_are_silent() -> None:
    found = propose(["IMG_1.jpg"], ["nonsense", NUMBER, NUMBER.lower()], known)
    assert (found.number, found.how) == (NUMBER, "barcode")
    assert propose(["IMG_1.jpg"], [NUMBER, OTHER], known).why is Why.SEVERAL
    # A photo in a parcel's folder may show any label.
    assert propose([NUMBER, "IMG_1.jpg"], [OTHER], known).number == NUMBER
    # A folder of an order in two parcels: the label says which, unless it is of neither.
    assert propose(["4711", "IMG_1.jpg"], [OTHER], known).number == OTHER
    assert propose(["4711", "IMG_1.jpg"], ["AB-1234-5678"], known).number is None
    # Where folder and name contradict each other, no barcode decides.
    assert propose([NUMBER, f"{OTHER}.jpg"], [OTHER], known).number is None


def test_the_group_of_the_configuration_counts_where_no_folder_names_one() -> None:
    form = EvidenceGroup.CLAIM_FORM
    assert propose([NUMBER, "a.jpg"], (), known, group=form).group is form
    assert propose([NUMBER, "photos", "a.jpg"], (), known, group=form).group is MEDIA
    found = propose([NUMBER, "a.jpg"], (), known, media_type="image/jpeg")
    assert (found.group, found.likely) == (None, MEDIA)
    found = propose([NUMBER, "a"], (), known, media_type="message/rfc822")
    assert found.likely is EvidenceGroup.CORRESPONDENCE
    assert propose([NUMBER, "a"], (), known, media_type="application/pdf").likely is None


def test_every_group_is_named_in_english_and_chinese() -> None:
    names = ["Tracking-Trace", "photos 2", "Invoice", "E-Mails", "CLAIM_FORM"]
    assert [group_named(name) for name in names] == list(EvidenceGroup)
    names = ["物流轨迹", "照片", "发票", "邮件", "索赔"]
    assert [group_named(name) for name in names] == list(EvidenceGroup)
    assert [group_named(group.value) for group in EvidenceGroup] == list(EvidenceGroup)
    assert [group_named(name) for name in ("Order77", "misc", "")] == [None] * 3


@pytest.mark.parametrize(
    "name",
    ["a.jpg.part", "a.crdownload", ".DS_Store", "Thumbs.db", "~$a.xlsx", "a.tmp", "a~", ".hidden",
     "A.PART", "desktop.ini"],
)  # fmt: skip
def test_unfinished_and_useless_files_are_ignored(name: str) -> None:
    assert ignored(name)
    assert not ignored("part.jpg")


@given(
    st.lists(st.text(max_size=300), min_size=1, max_size=5),
    st.lists(st.text(max_size=50), max_size=3),
)
def test_no_name_breaks_the_match_or_invents_a_number(
    parts: list[str], barcodes: list[str]
) -> None:
    found = propose(parts, barcodes, known)
    assert found.number is None or any(found.number in numbers for numbers in KNOWN.values())
    assert not ignored("a") and group_named(parts[0]) in (None, *EvidenceGroup)
