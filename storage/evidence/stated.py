"""What the page and the report say of the package that they stand in. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stated:
    """`digest` is the SHA-256 of manifest.json (`manifest`, its text) and stands for the package;
    `as_of` the newest thing that it tells of; `site` whose root certificate signs, `root_sha256`
    that certificate's fingerprint (hex, of its DER); `stamped_at` the time stamp of manifest.json.
    """

    manifest: str
    digest: str
    as_of: dt.datetime
    site: str
    root_sha256: str
    stamped_at: dt.datetime | None = None
