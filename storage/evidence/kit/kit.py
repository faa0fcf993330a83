"""The files that a portal, a carrier or a bank takes, made of a parcel's evidence by a profile.

The one way out of the archive: a complete package is made by `package.py`, everything else is
derived from the originals, which are compared with their seals and never change. What was made is
read back and held against the profile's limits; beside it lies `export.json`, which says of each
file what it was made of and how. A kit appears whole or not at all, and the ledger knows of it
before it does. The same state of the archive gives the same kit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import av

from storage import files
from storage.archive import Archive
from storage.disclosures import DisclosedFile
from storage.errors import ExportFailed, NothingFits, NothingToExport, RedactionRefused
from storage.evidence import package
from storage.evidence.kit import measured
from storage.evidence.kit.kit_files import Made, Progress, Share
from storage.evidence.kit.kit_parts import Making
from storage.evidence.kit.kit_pdf import add_pdf
from storage.evidence.kit.kit_told import TOLD, export_json
from storage.evidence.kit.measured import Measured
from storage.evidence.kit.profiles import Kind, Profile
from storage.evidence.kit.redact import Box
from storage.evidence.kit.shortfalls import Lack, Shortfall, of_session
from storage.evidence.unfinished import unfinished
from storage.later import Actor, Change
from storage.records import Session, Status
from storage.rows import media_of
from storage.site_keys import SiteSigner


@dataclass(frozen=True, slots=True)
class KitFile:
    """A file that was made. `name` is relative to the kit's folder (of a complete package, its own
    name); `made` says in a few words how; `sources` are the archive's files that it came from;
    `measured` is what it was found to have after writing, by the names of limits where there are
    such: `picture_bytes`, `video_ms`, `pages` ... Of a complete package, which is not read again,
    `sha256` is ''."""

    name: str
    size_bytes: int
    sha256: str
    made: str
    sources: tuple[str, ...]
    measured: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kit:
    """What an export made. `path` is the folder, or the ZIP of a complete package; `digest` the
    SHA-256 of its export.json, or of the package's manifest.json; `sessions` the ids of those that
    it shows; `shortfalls` what could not be had or made to fit; `left_out` the ids of sessions that
    are still open; `unstamped` why a complete package has no time stamp although it should."""

    path: Path
    profile: str
    digest: str
    sessions: tuple[str, ...]
    files: tuple[KitFile, ...]
    shortfalls: tuple[Shortfall, ...]
    left_out: tuple[str, ...] = ()
    unstamped: str = ""


def assemble(
    archive: Archive,
    sessions: Iterable[Session],
    profile: Profile,
    target: Path,
    *,
    actor: Actor | None,
    recipient: str = "",
    reason: str = "",
    redactions: Sequence[Box] = (),
    signer: SiteSigner | None = None,
    tsa: str = "",
    credentials: bool = False,
    progress: Progress | None = None,
) -> Kit:
    """The files that `profile` asks for, in a new folder `<number>-<profile>` (or -2, -3 ...) below
    `target`; of `complete` the package itself, as `storage.evidence.package.export` names it.

    Of the sessions, the newest finished one that the profile is about is shown. `progress` is told
    how much of how much is done, in no unit; what it raises ends the export without a trace.
    Raises NotAllowed, NothingToExport, NothingFits, RedactionRefused, ChecksumMismatch (a source is
    not what was sealed), Refused, SigningFailed, ExportFailed, ArchiveNotWritable, ArchiveError.
    """
    given = list(sessions)
    if profile.kind is Kind.COMPLETE:
        if redactions:
            raise RedactionRefused(
                str(redactions[0]),
                "a complete package holds the originals, and they never change; export by another "
                "profile, such as bank-pdf or stills-6, which makes copies",
            )
        return _complete(
            archive,
            given,
            profile,
            target,
            actor,
            recipient,
            reason,
            signer,
            tsa,
            credentials,
            progress,
        )
    actor = package.exporter(archive, actor)
    known = [now for each in given if (now := archive.get(each.id)) is not None]
    session, returned = _chosen(archive, known, profile)
    number = archive.number_of(session.id)
    path = _free_path(target, f"{package.safe_number(number)}-{profile.name}")
    shown_by = known if Kind.PDF in profile.kinds else [session, *([returned] if returned else [])]
    _refuse_unknown(shown_by, profile, redactions)
    try:
        with unfinished(path) as part:
            part.mkdir()
            making = Making(archive, profile, session, number, returned, part, tuple(redactions))
            _make(making, known, signer, Share(progress, 0.0, 0.95))
            found = _kept(making)
            shown = _shown(making)
            told = export_json(archive, making, shown, found)
            files.write_new(part / TOLD, [told])
            for name in found:
                files.sync_file(part / name)
            files.sync_folder(part)
            kit_files = tuple(_kit_file(made, *found[made.name]) for made in making.made)
            digest = files.digest_of(told)
            Share(progress)(1.0)  # whoever asks to stop is heard before it is told, not behind
            archive.disclose(
                actor,
                sessions=[each.id for each in shown],
                profile=profile.name,
                package=path.name,
                digest=digest,
                files=[
                    DisclosedFile(each.name, each.size_bytes, each.sha256) for each in kit_files
                ],
                recipient=recipient,
                reason=reason,
            ).result()
    except OSError as error:
        raise ExportFailed(path, error.strerror or str(error)) from error
    left_out = tuple(each.id for each in known if each.status is Status.OPEN)
    ids = tuple(each.id for each in shown)
    return Kit(path, profile.name, digest, ids, kit_files, tuple(making.shortfalls), left_out)


def _complete(
    archive: Archive,
    sessions: list[Session],
    profile: Profile,
    target: Path,
    actor: Actor | None,
    recipient: str,
    reason: str,
    signer: SiteSigner | None,
    tsa: str,
    credentials: bool,
    progress: Progress | None,
) -> Kit:
    made = package.export(
        archive,
        sessions,
        target,
        actor=actor,
        recipient=recipient,
        reason=reason,
        signer=signer,
        tsa=tsa,
        credentials=credentials,
        progress=progress,
    )
    size = made.path.stat().st_size
    file = KitFile(made.path.name, size, "", "the originals, signed", (), {"total_bytes": size})
    shown = [each for each in sessions if each.id not in made.left_out]
    lacking = tuple(lack for each in shown for lack in of_session(each))
    return Kit(
        made.path,
        profile.name,
        made.digest,
        tuple(each.id for each in shown),
        (file,),
        lacking,
        made.left_out,
        made.unstamped,
    )


# ---------------------------------------------------------------------------- what is shown


def _chosen(
    archive: Archive, sessions: list[Session], profile: Profile
) -> tuple[Session, Session | None]:
    """The session that the profile is about, and the newest return beside it.

    Raises NothingToExport, NothingFits.
    """
    ended = [each for each in sessions if each.status in (Status.SEALED, Status.INTERRUPTED)]
    if not ended:
        raise NothingToExport
    whole = [each for each in ended if not _standing(archive, each.id, Change.DELETED)]
    if not whole:
        raise NothingFits(profile.name, ["the video and photos were deleted by policy"])
    ranked = sorted(
        whole,
        key=lambda each: (
            not _standing(archive, each.id, Change.TEST),
            each.status is Status.SEALED,
            each.opened_at,
            each.id,
        ),
    )
    asked = [each for each in ranked if each.kind.value == profile.session]
    if not asked:
        raise NothingFits(
            profile.name,
            [f"it is about a {profile.session} session, and there is no finished one"],
        )
    returns = [each for each in ranked if each.kind.value == "return" and each is not asked[-1]]
    return asked[-1], returns[-1] if returns else None


def _standing(archive: Archive, session: str, change: Change) -> bool:
    said = archive.amendments_of(session)
    undone = {each.undoes for each in said if each.change is Change.UNDONE}
    return any(each.change is change and each.id not in undone for each in said)


def _shown(making: Making) -> list[Session]:
    """The sessions whose files are in the kit, the main one first."""
    used = {source.path for made in making.made for source in made.sources}
    found = [making.session]
    if making.returned is not None:
        theirs = {shot.path for shot in making.returned.shots}
        if used & theirs:
            found.append(making.returned)
    return found


def _refuse_unknown(sessions: list[Session], profile: Profile, boxes: Sequence[Box]) -> None:
    """A box on nothing covers nothing, and somebody relies on it. Raises RedactionRefused."""
    known = {slot.name for slot in profile.slots}
    for each in sessions:
        known |= {shot.slot for shot in each.shots} | {clip.camera for clip in each.clips}
        known |= {PurePosixPath(item.path).name for item in media_of(each)}
    for box in boxes:
        if box.target not in known:
            raise RedactionRefused(
                str(box), f"there is no {box.target!r} here; there are {', '.join(sorted(known))}"
            )


# ---------------------------------------------------------------------------- making


def _make(making: Making, sessions: list[Session], signer: SiteSigner | None, share: Share) -> None:
    kinds = making.profile.kinds
    for index, kind in enumerate(kinds):
        part = share.part(index, len(kinds))
        match kind:
            case Kind.VIDEO:
                making.video(part)
            case Kind.STILLS:
                making.stills(part)
            case Kind.SLOTS:
                making.slots(part)
            case _:
                add_pdf(making, sessions, signer, part)
    burnt = making.session.waybill.number
    clips = {clip.path for clip in making.session.clips}
    filmed = any(source.path in clips for made in making.made for source in made.sources)
    if burnt != making.number and filmed:
        making.shortfalls.append(
            Shortfall(Lack.OLD_NUMBER, making.number, {"burnt": burnt, "number": making.number})
        )
    if making.boxes:
        making.shortfalls += [
            Shortfall(Lack.UNCOVERED, made.name) for made in making.made if not made.redacted
        ]
        making.shortfalls += [
            Shortfall(Lack.STANDS_STILL, made.name)
            for made in making.made
            if made.redacted and made.name.endswith((".mp4", ".pdf"))
        ]


def _kept(making: Making) -> dict[str, tuple[Measured, files.Written]]:
    """What each file was found to be, by its name, once those that are too many are removed.

    Raises NothingFits, ExportFailed.
    """
    found = {}
    for made in making.made:
        path = making.folder / made.name
        try:
            found[made.name] = measured.measure(path), files.measure(path)
        except (ValueError, av.FFmpegError) as error:
            raise ExportFailed(path, f"what was written cannot be read back: {error}") from error
    profile = making.profile
    while len(making.made) > 1 and _too_many(profile, found):
        last = making.made.pop()
        (making.folder / last.name).unlink()
        del found[last.name]
        most = profile.most("total_bytes") or profile.most("files") or 0
        making.shortfalls.append(Shortfall(Lack.NO_ROOM, last.name, {"limit": f"{most:,}"}))
    if not making.made:
        raise NothingFits(profile.name, [each.said() for each in making.shortfalls])
    sizes = [written.size_bytes for _, written in found.values()]
    broken = measured.faults(profile, {name: one for name, (one, _) in found.items()}, sizes)
    if broken:
        raise ExportFailed(making.folder, "; ".join(broken))
    return found


def _too_many(profile: Profile, found: Mapping[str, tuple[Measured, files.Written]]) -> bool:
    total, most_files = profile.most("total_bytes"), profile.most("files")
    size = sum(written.size_bytes for _, written in found.values())
    return (total is not None and size > total) or (
        most_files is not None and len(found) > most_files
    )


def _kit_file(made: Made, found: Measured, written: files.Written) -> KitFile:
    sources = tuple(source.path for source in made.sources)
    return KitFile(made.name, written.size_bytes, written.sha256, made.made, sources, found)


def _free_path(target: Path, stem: str) -> Path:
    path, count = target / stem, 1
    while path.exists():
        count += 1
        path = target / f"{stem}-{count}"
    return path
