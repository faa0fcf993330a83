"""What the evidence of a parcel has and lacks, in one glance. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from storage.later import EvidenceGroup
from storage.records import Session


def completeness_to_json(
    sessions: Iterable[Session], deleted: Iterable[str], groups: Iterable[EvidenceGroup]
) -> dict[str, Any]:
    """For each session what it has and lacks, and how many documents each evidence group has.

    `deleted` are the ids of sessions whose files policy has deleted, `groups` those of the
    documents, one for each.
    """
    gone, filed = set(deleted), list(groups)
    return {
        "sessions": {session.id: _of_session(session, session.id in gone) for session in sessions},
        "documents": {group.value: filed.count(group) for group in EvidenceGroup},
    }


def _of_session(session: Session, deleted: bool) -> Mapping[str, Any]:
    checks = [shot.label_check for shot in session.shots if shot.label_check is not None]
    return {
        "status": session.status.value,
        "required_shots": list(session.required_slots),
        "missing_shots": list(session.missing),
        "label_check": checks[-1].value if checks else None,
        "clips": len(session.clips),
        "gaps": len(session.gaps),
        "deleted": deleted,
    }
