"""Who signs this site's evidence packages: the signer, whose root the site publishes.

Its private key lies in the archive's `keys/site/`, or with a program outside (a smart card, an HSM,
a signing service) that is given what is to be signed and never gives the key. Where an archive has
no such keys yet they are made at the first export. Knows no package and no database.
"""

from __future__ import annotations

import datetime as dt
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from storage import site_certificates, site_folder
from storage.errors import SigningFailed, SiteKeysUnusable
from storage.evidence.signing import chain as chains
from storage.evidence.signing import cms
from storage.evidence.signing.cms import PrivateKey

TIMEOUT_S = 60.0
"""How long a program outside may take: somebody may have to type a PIN there."""
STDERR_CHARS = 500
GROUP = 4
ELSEWHERE = (
    "Configure the program that signs as `sign_command` in [evidence], or make a new signer: "
    "`packwitness keys renew`"
)


@dataclass(frozen=True)
class SiteSigner:
    """Signs for the site. `certificates` are the signer's, those between it and the root, the root
    last; `private` is None where the `command` of a program outside signs."""

    certificates: tuple[x509.Certificate, ...]
    private: PrivateKey | None = field(default=None, repr=False)
    command: tuple[str, ...] = ()
    timeout_s: float = TIMEOUT_S

    @property
    def root(self) -> x509.Certificate:
        """What the site publishes."""
        return self.certificates[-1]

    @property
    def name(self) -> str:
        """The site's name: the common name of its root."""
        return chains.named(self.root)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the root's DER, in hex: what the site publishes, and others compare."""
        return fingerprint(self.root)

    def sign(self, content: bytes) -> bytes:
        """The detached CMS signature (DER) of `content`, in the one form of `cms`.

        It was checked, and every certificate is valid now. Raises SigningFailed.
        """
        if self.private is not None:
            made = cms.sign(content, self.private, self.certificates[:-1])
        else:
            made = self._asked(content)
        why = cms.fault(made, content, self.root, dt.datetime.now(dt.UTC))
        if why:
            raise SigningFailed(
                f"the signature {why}",
                "See `packwitness keys`, this computer's clock, and the program that signs"
                if self.command
                else "See `packwitness keys` and this computer's clock; `packwitness keys renew` "
                "makes a new signer",
            )
        return made

    def _asked(self, content: bytes) -> bytes:
        """What the program outside makes of `content`."""
        shown = f"the program that signs ({self.command[0]})"
        remedy = "Try it by hand, and see `sign_command` in [evidence] of the configuration"
        try:
            done = subprocess.run(  # noqa: S603 - the site configured this very program
                self.command,
                input=content,
                capture_output=True,
                timeout=self.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            why = f"{shown} gave no signature in {self.timeout_s:g} s"
            raise SigningFailed(why, remedy) from error
        except (OSError, ValueError) as error:
            raise SigningFailed(f"{shown} could not be run: {error}", remedy) from error
        if done.returncode:
            said = _plain(done.stderr) or "nothing"
            raise SigningFailed(f"{shown} ended with {done.returncode} and said: {said}", remedy)
        try:
            return cms.in_one_form(done.stdout, self.certificates[:-1])
        except ValueError as error:
            raise SigningFailed(f"what {shown} gave {error}", remedy) from error


def site_signer(
    archive_root: Path, command: Sequence[str] = (), timeout_s: float = TIMEOUT_S
) -> SiteSigner:
    """Who signs for this archive's site; made, named after this computer, where nobody did.

    With a `command`, the program outside that signs (see docs/keys.md), there must be the
    certificates that it signs with. Raises SiteKeysUnusable, ArchiveBusy, ArchiveNotWritable.
    """
    with site_folder.locked(archive_root):
        found = site_folder.read(archive_root)
        if found is None and command:
            raise SiteKeysUnusable(
                site_folder.folder_of(archive_root),
                "there are no certificates for the program that signs",
                "File them: `packwitness keys accept CERTIFICATES.pem`",
            )
        if found is None:
            return _made(archive_root)
        if command:
            return SiteSigner(found.certificates, None, tuple(command), timeout_s)
        if found.signer_key is None:
            raise SiteKeysUnusable(found.folder, "the signer's private key is elsewhere", ELSEWHERE)
        private = site_folder.private_key_in(found.signer_key)
    if not site_certificates.same_key(found.certificates[0], private):
        raise SiteKeysUnusable(found.signer_key, "it is not the key of signer.pem")
    return SiteSigner(found.certificates, private)


def _made(archive_root: Path) -> SiteSigner:
    """New keys for a site that has none, for the holder of the lock."""
    host = "".join(sign for sign in platform.node() if sign.isprintable()).strip()
    name = host[: site_certificates.NAME_CHARS] or "PackWitness"
    root_key, signer_key = site_certificates.new_key(), site_certificates.new_key()
    now = dt.datetime.now(dt.UTC)
    root = site_certificates.new_root(name, root_key, now)
    signer = site_certificates.new_signer(signer_key, root, root_key, now)
    secrets = {
        site_folder.ROOT_KEY: site_certificates.secret_pem(root_key),
        site_folder.SIGNER_KEY: site_certificates.secret_pem(signer_key),
    }
    site_folder.replace(archive_root, (signer, root), secrets)
    return SiteSigner((signer, root), signer_key)


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate's DER, in hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def grouped(digest: str) -> str:
    """A fingerprint in groups of four characters, for eyes that compare."""
    return " ".join(digest[at : at + GROUP] for at in range(0, len(digest), GROUP))


def _plain(said: bytes) -> str:
    """The end of what a program said, in one line, without anything that a terminal would obey."""
    text = " ".join(said.decode("utf-8", "replace").split())[-STDERR_CHARS:]
    return "".join(sign if sign.isprintable() else "?" for sign in text)
