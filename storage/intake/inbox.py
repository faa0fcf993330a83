"""Whose a file in the inbox is: by the folders that it lies in, by its name, by its barcodes.

Pure: a path's parts and texts in, a proposal out. What is decided here is filed without asking, so
only a number that the archive knows counts, and sources that speak of two parcels decide nothing.
Names are hostile and are only compared, never followed. Opens no file, knows no database.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from storage.later import EvidenceGroup

Known = Callable[[str], Sequence[str]]
"""The tracking numbers of the archive that a text in upper case means exactly: none, one, or
several (an order in several parcels)."""

SHORTEST: Final = 8
"""A part of a file name with fewer characters is a count or a time, whatever it equals."""
_SHORTEST_NAME: Final = 4
"""The same for the whole name of a folder, which somebody chose."""
_MOST_TOKENS: Final = 64
_MOST_JOINED: Final = 8
_DATE: Final = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{6})?")
_COUNT: Final = re.compile(r"^\d+ | \d+$")
_RUN: Final = re.compile(r"[0-9A-Z]+")
_ENDING: Final = re.compile(r"\.[^.]{0,10}$")

_GROUPS: Final = {
    EvidenceGroup.TRACKING_TRACE: (
        "tracking trace", "tracking", "trace", "traces", "tracking history", "carrier",
        "物流轨迹", "物流", "轨迹", "跟踪",
    ),
    EvidenceGroup.MEDIA: (
        "media", "photo", "photos", "picture", "pictures", "image", "images", "video", "videos",
        "照片", "图片", "视频", "影像", "相片",
    ),
    EvidenceGroup.PROOF_OF_VALUE: (
        "proof of value", "value", "invoice", "invoices", "receipt", "receipts", "order", "orders",
        "发票", "价值证明", "收据", "账单", "订单",
    ),
    EvidenceGroup.CORRESPONDENCE: (
        "correspondence", "mail", "mails", "email", "emails", "e mail", "e mails", "letter",
        "letters", "chat", "chats", "messages", "邮件", "往来邮件", "信件", "聊天记录", "沟通记录",
    ),
    EvidenceGroup.CLAIM_FORM: (
        "claim form", "claim forms", "claim", "claims", "form", "forms",
        "索赔", "理赔", "索赔表", "理赔表", "申请表",
    ),
}  # fmt: skip
_BY_NAME: Final = {name: group for group, names in _GROUPS.items() for name in names}
_BY_TYPE: Final = (
    (("image/", "video/"), EvidenceGroup.MEDIA),
    (("message/", "application/vnd.ms-outlook", "audio/"), EvidenceGroup.CORRESPONDENCE),
)

_IGNORED_NAMES: Final = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"})
_UNFINISHED: Final = (
    ".part", ".partial", ".crdownload", ".download", ".opdownload", ".filepart", ".tmp", ".temp",
    ".swp", ".lock", "~",
)  # fmt: skip


class Why(StrEnum):
    """Why a file waits: keys of the message catalogue."""

    NO_NUMBER = "no_number"
    NO_GROUP = "no_group"
    SEVERAL = "several"
    """It speaks of several parcels."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is known of a file. With a `number` and a `group` it is filed; else a person is asked.

    `how` is what told the number ("folder", "file name", "barcode", '' for none), `candidates` are
    the numbers to choose from, the likeliest first, `likely` the group that its kind suggests.
    """

    number: str | None
    group: EvidenceGroup | None
    how: str
    candidates: tuple[str, ...]
    likely: EvidenceGroup | None = None

    @property
    def why(self) -> Why | None:
        """Why it waits; None for a file that is filed."""
        if self.number is None:
            return Why.SEVERAL if len(self.candidates) > 1 else Why.NO_NUMBER
        return Why.NO_GROUP if self.group is None else None


def ignored(name: str) -> bool:
    """True for what systems and browsers leave in a folder: hidden, unfinished, or of no use."""
    lower = name.lower()
    return lower.startswith((".", "~$")) or lower in _IGNORED_NAMES or lower.endswith(_UNFINISHED)


def group_named(name: str) -> EvidenceGroup | None:
    """The evidence group that a sub-folder is called after, in English or Chinese."""
    plain = unicodedata.normalize("NFKC", name[:100]).casefold()
    words = " ".join(re.split(r"[\s_.-]+", plain)).strip()
    return _BY_NAME.get(_COUNT.sub("", words))


def likely_group(media_type: str) -> EvidenceGroup | None:
    """The group that most files of this type belong to; None where there is none."""
    found = (group for starts, group in _BY_TYPE if media_type.startswith(starts))
    return next(found, None)


def propose(
    parts: Sequence[str],
    barcodes: Iterable[str],
    known: Known,
    *,
    group: EvidenceGroup | None = None,
    media_type: str = "",
) -> Proposal:
    """What the file at `parts` (its path below the inbox) is, as far as anything tells.

    Folders and the file's name must agree; barcodes are asked only where both are silent, since a
    photo in a parcel's folder may show any label. `group` is that of a file that no folder names
    one for.
    """
    folders, name = parts[:-1], parts[-1]
    told = [each for each in map(group_named, reversed(folders)) if each is not None]
    by_folder = _numbers([each for each in folders if not group_named(each)], known, _SHORTEST_NAME)
    by_name = _numbers([_ENDING.sub("", name)], known, SHORTEST)
    by_barcode = _meant(map(_upper, barcodes), known)
    chosen, how = _agreed(by_folder, by_name)
    if not by_folder and not by_name:
        chosen, how = by_barcode, "barcode"
    elif len(chosen) > 1:  # an order in several parcels: the label in the picture says which
        shown = [number for number in by_barcode if number in chosen]
        chosen, how = (shown, "barcode") if len(shown) == 1 else (chosen, how)
    number = chosen[0] if len(chosen) == 1 else None
    return Proposal(
        number,
        told[0] if told else group,
        how if number else "",
        tuple(dict.fromkeys((*chosen, *by_folder, *by_name, *by_barcode))),
        likely_group(media_type),
    )


def _agreed(by_folder: list[str], by_name: list[str]) -> tuple[list[str], str]:
    """The numbers that neither of two sources contradicts, and which of them told."""
    if not by_folder or not by_name:
        return by_folder or by_name, "folder" if by_folder else "file name"
    return [number for number in by_folder if number in by_name], "folder"


def _upper(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text[:300]).upper().split())


def _meant(texts: Iterable[str], known: Known) -> list[str]:
    return list(dict.fromkeys(number for text in texts for number in known(text)))


def _numbers(names: Sequence[str], known: Known, shortest: int) -> list[str]:
    """The known numbers in `names`: each name as a whole, if it is long enough, and its parts."""
    whole = [
        text for text in map(_upper, names) if len(text) >= shortest and not _DATE.fullmatch(text)
    ]
    return _meant([*whole, *(token for name in names for token in _tokens(name))], known)


def _tokens(name: str) -> list[str]:
    """What in a name could be a number: its runs of letters and digits, and neighbours joined, as
    in `1Z 999 AA1 0123456784 (2)`. A date, with or without a time, is none."""
    runs = _RUN.findall(unicodedata.normalize("NFKC", name[:300]).upper())[:_MOST_TOKENS]
    texts: dict[str, None] = {}
    for first in range(len(runs)):
        for last in range(first + 1, min(len(runs), first + _MOST_JOINED) + 1):
            for text in ("".join(runs[first:last]), "-".join(runs[first:last])):
                if SHORTEST <= len(text) <= 50 and not _DATE.fullmatch(text.replace("-", "")):
                    texts[text] = None
    return list(texts)
