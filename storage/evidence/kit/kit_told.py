"""What lies beside the files of a kit: `export.json`, which says what they were made of and how.

It tells no clock and no person, so that the same state of the archive gives the same text. Pure but
for what it asks the archive for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from storage import files
from storage.archive import Archive
from storage.evidence.kit.kit_files import Made
from storage.evidence.kit.kit_parts import Making
from storage.evidence.kit.measured import Measured
from storage.evidence.kit.profiles import Limit, Profile
from storage.records import Session, utc_text

FORMAT: Final = "packwitness-export-1"
TOLD: Final = "export.json"
Found = Mapping[str, tuple[Measured, files.Written]]
"""What the files were found to be, by name."""


def export_json(archive: Archive, making: Making, shown: Sequence[Session], found: Found) -> bytes:
    """The content of export.json; `shown` are the sessions whose files are in the kit."""
    spoken = {
        "format": FORMAT,
        "archive": archive.archive_id,
        "tracking_number": making.number,
        "profile": profile_to_json(making.profile),
        "sessions": [
            {
                "session": each.id,
                "kind": each.kind.value,
                "pass_no": each.pass_no,
                "status": each.status.value,
                "opened_at": utc_text(each.opened_at),
                "manifest_sha256": archive.manifest_sha256(each.id),
            }
            for each in shown
        ],
        "files": [_file(made, *found[made.name]) for made in making.made],
        "shortfalls": [
            {"lack": each.lack.value, "subject": each.subject, "said": each.said()}
            for each in making.shortfalls
        ],
    }
    return (json.dumps(spoken, indent=1, ensure_ascii=False) + "\n").encode()


def profile_to_json(profile: Profile) -> dict[str, Any]:
    """The JSON of a profile, ready for `json.dumps`."""
    return {
        "name": profile.name,
        "title": {"en": profile.title.en, "zh": profile.title.zh},
        "about": {"en": profile.about.en, "zh": profile.about.zh},
        "base": profile.base,
        "own": profile.own,
        "makes": [kind.value for kind in profile.kinds],
        "about_sessions": profile.session,
        "limits": {name: _limit(limit) for name, limit in profile.limits.items()},
        "slots": [
            {
                "name": slot.name,
                "title": {"en": slot.title.en, "zh": slot.title.zh},
                "shots": list(slot.shots),
                "documents": list(slot.documents),
            }
            for slot in profile.slots
        ],
    }


def _limit(limit: Limit) -> dict[str, Any]:
    value = list(limit.value) if isinstance(limit.value, tuple) else limit.value
    return {
        "value": value,
        "certainty": limit.certainty.value,
        "source": limit.source,
        "as_of": limit.as_of,
        "note": limit.note,
    }


def _file(made: Made, measured: Measured, written: files.Written) -> dict[str, Any]:
    return {
        "name": made.name,
        "size_bytes": written.size_bytes,
        "sha256": written.sha256,
        "made": made.made,
        "settings": dict(made.settings),
        "of": dict(made.of),
        "redacted": [
            {"target": box.target, "x": box.x, "y": box.y, "w": box.w, "h": box.h}
            for box in made.redacted
        ],
        "sources": [
            {"path": each.path, "size_bytes": each.size_bytes, "sha256": each.sha256}
            for each in made.sources
        ],
        "measured": measured,
    }
