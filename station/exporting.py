"""How evidence leaves the archive: for which profile, for whom, signed by whom.

What the command line, lists of waybills and the archive's screens share. Knows no widget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from station.config import Config
    from storage.archive import Archive
    from storage.evidence.kit.kit import Kit
    from storage.evidence.kit.profiles import Profile
    from storage.evidence.kit.redact import Box
    from storage.later import Actor
    from storage.records import Session
    from storage.site_keys import SiteSigner

COMPLETE: Final = "complete"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Way:
    """One way out: `profile` says what is made, `recipient` and `reason` go on the record of the
    disclosure, `redactions` are covered in copies, `tsa` is the address of a time-stamping
    authority or '', `credentials` adds C2PA sidecars to a complete package."""

    profile: Profile
    signer: SiteSigner
    recipient: str = ""
    reason: str = ""
    redactions: Sequence[Box] = ()
    tsa: str = ""
    credentials: bool = False

    def out(
        self,
        archive: Archive,
        actor: Actor,
        sessions: Iterable[Session],
        target: Path,
        progress: Progress | None = None,
    ) -> Kit:
        """What was made of these sessions of one waybill. Raises as its `assemble` does."""
        from storage.evidence.kit.kit import assemble

        return assemble(
            archive,
            sessions,
            self.profile,
            target,
            actor=actor,
            recipient=self.recipient,
            reason=self.reason,
            redactions=self.redactions,
            signer=self.signer,
            tsa=self.tsa,
            credentials=self.credentials,
            progress=progress,
        )


def way_out(
    config: Config,
    archive: Archive,
    actor: Actor,
    profile: str = "",
    recipient: str | None = None,
    reason: str = "",
    redactions: Iterable[str] = (),
) -> Way:
    """The way out for a profile by its name, '' for the configured one, as this site is configured.

    `recipient` None is the configured one. Raises UnknownProfile, ProfilesUnreadable,
    RedactionRefused, SigningFailed, NotAllowed, ArchiveError.
    """
    from storage.errors import UnknownProfile
    from storage.evidence.kit.profiles import load
    from storage.evidence.kit.redact import parsed

    known = load(config.profiles_file)
    evidence = config.evidence
    name = profile or evidence.profile
    if name not in known:
        raise UnknownProfile(name, known)
    return Way(
        profile=known[name],
        signer=archive.site_signer(actor, evidence.sign_command, evidence.sign_timeout_s),
        recipient=evidence.recipient if recipient is None else recipient,
        reason=reason,
        redactions=tuple(parsed(each) for each in redactions),
        tsa=config.ledger.tsa,
        credentials=evidence.c2pa,
    )
