"""What a claim needs, what of it the archive has, and what to do about the rest.

The five groups of evidence for the claim's type (`needs.toml`), and what the profile of its portal
asks for besides. What was recorded before shipping is looked for in the sealed sessions, the rest
among the documents of the parcel. Says that something is there, never that it is good enough.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from storage.claims.claim import Claim, ClaimType
from storage.claims.rules import key_of
from storage.evidence.kit.profiles import Kind as Wanted
from storage.evidence.kit.profiles import Profile, Slot, Words, load
from storage.later import Document, EvidenceGroup
from storage.records import Kind, LabelCheck, Session, Shot

if TYPE_CHECKING:
    from storage.archive import Archive

NEEDS: Final = "needs.toml"


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a claim needs. `how` says what is there, or what to do; not `required`: it
    helps where it is there. `key` is that of `needs.toml`, or `slot:` with the profile's slot."""

    group: EvidenceGroup
    key: str
    text: Words
    there: bool
    how: Words
    required: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """One table of `needs.toml`."""

    group: EvidenceGroup
    text: Words
    how: Words
    required: frozenset[ClaimType]
    wanted: frozenset[ClaimType]
    documents: tuple[str, ...]


def checklist(
    archive: Archive, claim: Claim, profiles: Mapping[str, Profile] | None = None
) -> tuple[Need, ...]:
    """What the claim needs, group by group; `profiles` are the site's, else the built-in ones.

    Blocks. Raises ArchiveError.
    """
    known = load() if profiles is None else profiles
    profile = profile_of(claim, known)
    found = _Found(archive, claim)
    needs = []
    for key, asked in _asked().items():
        required = claim.type in asked.required or _asks(profile, key)
        if required or claim.type in asked.wanted:
            there = found.told(key)
            how = asked.how if there is None else there
            needs.append(Need(asked.group, key, asked.text, there is not None, how, required))
    if profile is not None and Wanted.SLOTS in profile.kinds:
        needs += [found.slot(slot) for slot in profile.slots]
    order = list(EvidenceGroup)
    return tuple(sorted(needs, key=lambda need: order.index(need.group)))


def complete(needs: Iterable[Need]) -> bool:
    """True when all that is required is there."""
    return all(need.there for need in needs if need.required)


def profile_of(claim: Claim, profiles: Mapping[str, Profile]) -> Profile | None:
    """The export profile of a claim: the one that it names, else that of its portal, if any."""
    return profiles.get(claim.profile) or profiles.get(key_of(claim.portal))


def _asks(profile: Profile | None, key: str) -> bool:
    """True where the portal takes a video, and one without a cut is what it asks for."""
    return key == "video" and profile is not None and Wanted.VIDEO in profile.kinds


class _Found:
    """What there is of a claim's parcel."""

    def __init__(self, archive: Archive, claim: Claim) -> None:
        number = claim.tracking_number
        sessions = archive.claimable(number)
        self._packed = [each for each in sessions if each.kind is Kind.PACKING]
        self._returned = [each for each in sessions if each.kind is Kind.RETURN]
        self._documents = [(each, group) for each, _, group in archive.documents_of(number)]
        trace = archive.trace_of(number)
        self._events = len(trace.events) if trace else 0
        self._said = sum(event.what == "correspondence" for event in archive.claim_events(claim.id))

    def told(self, key: str) -> Words | None:
        """What is there of a need, None for nothing."""
        match key:
            case "trace":
                events = _count(self._events, "tracking event", "条物流记录")
                return _listed(events, self._filed(EvidenceGroup.TRACKING_TRACE))
            case "before":
                return _listed(_media(self._packed), _documents(self._named(key)))
            case "video":
                return _count(sum(map(_uncut, self._packed)), "video", "段录像")
            case "label":
                matched = [shot for each in self._packed for shot in each.shots if _matches(shot)]
                return _listed(
                    _count(len(matched), "photo", "张照片"), _documents(self._named(key))
                )
            case "after":
                return _listed(_media(self._returned), _documents(self._received()))
            case "unboxing":
                recorded = _count(sum(map(_uncut, self._returned)), "video", "段录像")
                filed = [each for each in self._received() if _is_video(each)]
                return _listed(recorded, _documents(filed))
            case "value":
                return self._filed(EvidenceGroup.PROOF_OF_VALUE)
            case "correspondence":
                said = _count(self._said, "message", "条沟通记录")
                return _listed(said, self._filed(EvidenceGroup.CORRESPONDENCE))
            case _:
                return self._filed(EvidenceGroup.CLAIM_FORM)

    def slot(self, slot: Slot) -> Need:
        """The need of a photo that the profile names."""
        shots = [shot for each in self._packed for shot in each.shots if shot.slot in slot.shots]
        filed = self._with(slot.documents)
        there = _listed(_count(len(shots), "photo", "张照片"), _documents(filed))
        named = slot.documents[0] if slot.documents else slot.name
        how = Words(
            f'file a photo of it under the group media, with "{named}" in its name',
            f"在影像类归档照片，文件名含“{named}”",
        )
        is_there = there is not None
        return Need(
            EvidenceGroup.MEDIA, f"slot:{slot.name}", slot.title, is_there, there or how, True
        )

    def _of(self, group: EvidenceGroup) -> list[Document]:
        return [document for document, its in self._documents if its is group]

    def _with(self, words: Iterable[str]) -> list[Document]:
        """The filed media with one of these words in their name."""
        media = self._of(EvidenceGroup.MEDIA)
        return [each for each in media if any(word in each.name.casefold() for word in words)]

    def _named(self, key: str) -> list[Document]:
        return self._with(_asked()[key].documents)

    def _received(self) -> list[Document]:
        """The filed media but for those that say they are from before shipping."""
        before = self._named("before")
        return [each for each in self._of(EvidenceGroup.MEDIA) if each not in before]

    def _filed(self, group: EvidenceGroup) -> Words | None:
        return _documents(self._of(group))


def _media(sessions: Sequence[Session]) -> Words | None:
    return _listed(
        _count(sum(len(each.clips) for each in sessions), "clip", "段视频"),
        _count(sum(len(each.shots) for each in sessions), "photo", "张照片"),
    )


def _uncut(session: Session) -> int:
    """How many cameras recorded the whole session in one piece."""
    cut = {gap.camera for gap in session.gaps} | {
        clip.camera for clip in session.clips if clip.part > 1
    }
    return len({clip.camera for clip in session.clips} - cut)


def _matches(shot: Shot) -> bool:
    return shot.label_check is LabelCheck.MATCH


def _is_video(document: Document) -> bool:
    return document.media_type.startswith("video/")


def _documents(found: Sequence[Document]) -> Words | None:
    return _count(len(found), "document", "份文件")


def _count(number: int, one: str, zh: str) -> Words | None:
    if number == 0:
        return None
    return Words(f"{number} {one}" if number == 1 else f"{number} {one}s", f"{number} {zh}")


def _listed(*parts: Words | None) -> Words | None:
    """All of them in one; None where there is none."""
    told = [part for part in parts if part is not None]
    if not told:
        return None
    return Words(", ".join(part.en for part in told), "、".join(part.zh for part in told))


@functools.cache
def _asked() -> Mapping[str, _Asked]:
    text = resources.files(__package__).joinpath(NEEDS).read_text(encoding="utf-8")
    return MappingProxyType(
        {
            key: _Asked(
                EvidenceGroup(table["group"]),
                Words(**table["text"]),
                Words(**table["how"]),
                frozenset(map(ClaimType, table["required"])),
                frozenset(map(ClaimType, table["wanted"])),
                tuple(table.get("documents", ())),
            )
            for key, table in tomllib.loads(text).items()
        }
    )
