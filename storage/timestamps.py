"""RFC 3161 time stamps: what a time-stamping authority says was there at its time.

Asks over HTTP with a limit of time and size, and checks answers. Knows no ledger and no database.
The libraries are loaded when they are needed: a bench without an authority never loads them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path

from storage.errors import NoStamp

QUERY_TYPE = "application/timestamp-query"
ANSWER_LIMIT_BYTES = 1 << 20
TIMEOUT_S = 15.0


def stamp(content: bytes, tsa: str, timeout_s: float = TIMEOUT_S) -> bytes:
    """The answer (DER) of the authority at the address `tsa` for `content`, which it never sees:
    it gets the SHA-256 only. Raises NoStamp."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    asked = TimestampRequestBuilder(content, HashAlgorithm.SHA256).build()
    request = urllib.request.Request(  # noqa: S310 - the configuration allows http and https only
        tsa, data=asked.as_bytes(), headers={"Content-Type": QUERY_TYPE}
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as reply:  # noqa: S310
            answer: bytes = reply.read(ANSWER_LIMIT_BYTES + 1)
    except urllib.error.URLError as error:
        raise NoStamp(tsa, str(error.reason)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoStamp(tsa, str(error) or type(error).__name__) from error
    why = fault(answer, content)
    if why:
        raise NoStamp(tsa, f"its answer {why}")
    if asked.nonce != _nonce(answer):
        raise NoStamp(tsa, "its answer is that to another question")
    return answer


def _nonce(answer: bytes) -> int:
    from rfc3161_client import decode_timestamp_response

    return decode_timestamp_response(answer).tst_info.nonce


def stamped_at(answer: bytes) -> dt.datetime:
    """The moment (UTC) that a time stamp says. Raises ValueError for what is none."""
    from rfc3161_client import decode_timestamp_response

    return decode_timestamp_response(answer).tst_info.gen_time


def fault(answer: bytes, content: bytes, certificates: Path | None = None) -> str:
    """Why `answer` is no time stamp of `content`, '' when it is one.

    With `certificates`, a PEM file of roots, its signature must lead to one of them; without, only
    what it says is compared.
    """
    from cryptography.x509 import load_pem_x509_certificates
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        told = decode_timestamp_response(answer)
        granted = told.status in (0, 1)
        imprint = told.tst_info.message_imprint if granted else None
    except (ValueError, TypeError):
        return "is no time stamp that can be read"
    if imprint is None:
        return f"is a refusal: {', '.join(told.status_string) or told.status}"
    if imprint.hash_algorithm.dotted_string != SHA256_OID:
        return "is a time stamp by another hash than SHA-256"
    if imprint.message != hashlib.sha256(content).digest():
        return "is the time stamp of something else"
    if certificates is None:
        return ""
    try:
        roots = load_pem_x509_certificates(certificates.read_bytes())
        verifier = VerifierBuilder(roots=roots).build()
        verifier.verify_message(told, content)
    except OSError as error:
        return f"cannot be verified: {certificates}: {error.strerror}"
    except (VerificationError, ValueError) as error:
        return f"is not signed by a trusted authority: {error}"
    return ""


SHA256_OID = "2.16.840.1.101.3.4.2.1"
