"""What the command line and the archive's screens share of claims: opened, moved and looked at as
this site is configured, by its rules, its profiles and its time zone.

Every function blocks. Knows no widget.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from storage.claims.checklist import Need, checklist
from storage.claims.claim import Claim, ClaimEvent, ClaimQuery, ClaimStatus, ClaimType
from storage.claims.deadlines import Deadline, deadlines_for, earliest
from storage.claims.moments import moments_of
from storage.errors import Refused
from storage.later import EvidenceGroup

if TYPE_CHECKING:
    from pathlib import Path

    from station.config import Config
    from station.exporting import Progress
    from storage.archive import Archive
    from storage.claims.form import Language
    from storage.evidence.kit.kit import Kit
    from storage.later import Actor, Document

MOST: Final = 1_000_000
"""More claims than anybody has."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything about one claim."""

    claim: Claim
    deadlines: tuple[Deadline, ...]
    needs: tuple[Need, ...]
    events: tuple[ClaimEvent, ...]


def sheet(config: Config, archive: Archive, claim: Claim) -> Sheet:
    """What is known of a claim now. Raises DeadlinesUnreadable, ProfilesUnreadable,
    ArchiveError."""
    return Sheet(
        claim,
        deadlines_of(config, archive, claim),
        needs_of(config, archive, claim),
        tuple(archive.claim_events(claim.id)),
    )


def deadlines_of(config: Config, archive: Archive, claim: Claim) -> tuple[Deadline, ...]:
    """By when what must be done, by the rules of this site. Raises DeadlinesUnreadable,
    ArchiveError."""
    from storage.claims.rules import load

    rules = load(config.deadlines_file)
    return deadlines_for(claim, moments_of(archive, claim), config.orders.zone, rules)


def needs_of(config: Config, archive: Archive, claim: Claim) -> tuple[Need, ...]:
    """What the claim needs, by the profiles of this site. Raises ProfilesUnreadable,
    ArchiveError."""
    from storage.evidence.kit.profiles import load

    return checklist(archive, claim, load(config.profiles_file))


def opened(
    config: Config,
    archive: Archive,
    actor: Actor,
    number: str,
    type_: ClaimType,
    *,
    again: bool = False,
    **facts: Any,
) -> Claim:
    """A new claim, with its deadline. `facts` as `Archive.open_claim` takes them. Raises as it
    does, and DeadlinesUnreadable before anything is opened."""
    from storage.claims.rules import load

    load(config.deadlines_file)
    facts = {"contact_email": config.claims.contact_email, **facts}
    claim = archive.open_claim(actor, number, type_, again=again, **facts).result()
    return dated(config, archive, actor, claim)


def changed(config: Config, archive: Archive, actor: Actor, claim: Claim, **facts: Any) -> Claim:
    """The claim with these facts, and the deadline that follows from them. Raises as
    `Archive.change_claim` does, DeadlinesUnreadable."""
    after = archive.change_claim(actor, claim.id, **facts).result()
    return after if facts.get("deadline_at") else dated(config, archive, actor, after)


def moved(
    config: Config,
    archive: Archive,
    actor: Actor,
    claim: Claim,
    status: ClaimStatus,
    **facts: Any,
) -> Claim:
    """The claim at its next status, with the deadline that counts there. `facts` as
    `Archive.move_claim` takes them. Raises as it does, ProfilesUnreadable, DeadlinesUnreadable."""
    from storage.evidence.kit.profiles import load

    profiles = load(config.profiles_file)
    after = archive.move_claim(actor, claim.id, status, profiles=profiles, **facts).result()
    return dated(config, archive, actor, after, by_hand=False)


def dated(
    config: Config, archive: Archive, actor: Actor, claim: Claim, *, by_hand: bool = True
) -> Claim:
    """The claim with the deadline that counts today, kept where it is another one than before. One
    that a person set (without a rule) stays, unless not `by_hand`: it was for the status before."""
    if by_hand and claim.deadline_at is not None and not claim.deadline_rule:
        return claim
    found = earliest(deadlines_of(config, archive, claim)) if _waits(claim) else None
    at, rule = (None, "") if found is None else (found.due_at, found.rule.name)
    if (at, rule) == (claim.deadline_at, claim.deadline_rule):
        return claim
    return archive.change_claim(actor, claim.id, deadline_at=at, deadline_rule=rule).result()


def redated(config: Config, archive: Archive, actor: Actor) -> list[Claim]:
    """The claims whose deadline is another one than when they were last changed: orders and traces
    that came since tell more. Each is kept. Raises DeadlinesUnreadable, ArchiveError."""
    found = archive.claims(ClaimQuery(limit=MOST))
    return [
        after
        for before in found
        if _waits(before) and (after := dated(config, archive, actor, before)) is not before
    ]


def _waits(claim: Claim) -> bool:
    """True while a rule's deadline can be kept or missed: of what was rejected, for the appeal."""
    return claim.status not in (ClaimStatus.CANCELLED, ClaimStatus.PAID)


def form_of(
    config: Config,
    archive: Archive,
    claim: Claim,
    language: Language = "en",
    template: Path | None = None,
    mapping: Path | None = None,
) -> bytes:
    """The claim's form, as of today: our own, or `template` (a PDF with fields) filled by
    `mapping`. Raises FormUnfit, ArchiveError."""
    from storage.claims.acroform import fill
    from storage.claims.form import form
    from storage.claims.form_facts import Claimant, gather

    site, tz = config.claims, config.orders.zone
    claimant = Claimant(site.claimant, site.address, site.contact_email)
    facts = gather(archive, claim, claimant, dt.datetime.now(tz).date(), tz)
    if template is None or mapping is None:
        return form(facts, language)
    return fill(template, mapping, facts)


def file_form(archive: Archive, actor: Actor, claim: Claim, path: Path) -> Document:
    """The form that lies at `path`, filed under the claim's parcel and kept in its history. Raises
    as `Archive.file_document` does."""
    document = archive.file_document(
        actor,
        path,
        claim.tracking_number,
        EvidenceGroup.CLAIM_FORM,
        source_name=f"{claim.reference}.pdf",
    ).result()
    archive.log_claim(
        actor, claim.id, "form", f"filed as {document.name}", document=document.id
    ).result()
    return document


def exported(
    config: Config,
    archive: Archive,
    actor: Actor,
    claim: Claim,
    target: Path,
    *,
    profile: str = "",
    recipient: str | None = None,
    progress: Progress | None = None,
) -> Kit:
    """The evidence of the claim's parcel, kept in its history: for this profile and recipient, else
    as `for_export` has them. Raises as `Way.out` does, Refused."""
    from station.exporting import way_out

    site, why = for_export(config, claim)
    way = way_out(site, archive, actor, profile, recipient, why)
    number = claim.tracking_number
    sessions = [each for each in archive.find(number) if archive.number_of(each.id) == number]
    if not sessions:
        raise Refused(f"{claim.reference}: no session of {number} is in the archive to export")
    kit = way.out(archive, actor, sessions, target, progress)
    keep_exported(archive, actor, claim, kit)
    return kit


def for_export(config: Config, claim: Claim) -> tuple[Config, str]:
    """What an export for a claim begins with: the configuration with the profile of the claim, else
    of its portal, for its portal, else its carrier; and the reason. Raises ProfilesUnreadable."""
    from storage.claims.checklist import profile_of
    from storage.evidence.kit.profiles import load

    own, site = profile_of(claim, load(config.profiles_file)), config.evidence
    chosen = {
        "profile": claim.profile or (own.name if own else site.profile),
        "recipient": claim.portal or claim.carrier or site.recipient,
    }
    evidence = site.model_copy(update=chosen)
    return config.model_copy(update={"evidence": evidence}), f"claim {claim.reference}"


def keep_exported(archive: Archive, actor: Actor, claim: Claim, kit: Kit) -> None:
    """Keep in a claim's history that its evidence was exported. Raises as `Archive.log_claim`
    does."""
    archive.log_claim(
        actor, claim.id, "exported", kit.path.name, profile=kit.profile, digest=kit.digest
    ).result()
