"""What is asked for to open a claim, to move it on, to correct it and to add to its history.

Amounts are typed as text and become whole cents, never a float; what can be read two ways is asked
for anew. Knows the sheet of `claim_ask.py`, and no screen of a claim.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from station import claiming
from station.ui.archive.claim_ask import Asked, Field, Said, Wrong
from station.ui.archive.claim_look import amount, now
from station.ui.archive.sold import money
from storage.claims.claim import NEXT, Claim, ClaimStatus, ClaimType
from storage.errors import ArchiveError, QueryError, told
from storage.intake.money import CURRENCY_FORM, cents_of
from storage.query import parse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from station.config import Config
    from station.ui.archive.words import Words
    from storage.archive import Archive
    from storage.later import Actor

Job = Callable[[], object]

_APPROVED: Final = frozenset({ClaimStatus.APPROVED.value, ClaimStatus.APPROVED_PARTIAL.value})
_PAID: Final = frozenset({ClaimStatus.PAID.value})
_WAYS: Final = ("email", "portal", "telephone", "letter", "chat")
_TEXTS: Final = (
    "carrier", "portal", "claim_number", "order_id", "recipient_name", "contact_email",
    "description",
)  # fmt: skip
_AMOUNTS: Final = ("requested", "insured", "salvage")
_ORDER: Final = (
    *(each for each in ClaimStatus if each not in (ClaimStatus.REJECTED, ClaimStatus.CANCELLED)),
    ClaimStatus.REJECTED,
    ClaimStatus.CANCELLED,
)
"""What ends a claim badly is not what a hasty Enter chooses."""


def opening(
    config: Config,
    archive: Archive,
    actor: Actor,
    number: str,
    sessions: int,
    profiles: Sequence[str],
    words: Words,
) -> Asked:
    """A new claim for a tracking number with so many sessions, which it will hold."""

    def say(said: Said) -> Job:
        cents, currency = _amount(said, "requested", said["currency"])
        facts: dict[str, Any] = {
            name: said[name].strip()
            for name in ("portal", "profile", "description")
            if said.get(name, "").strip()
        }
        if cents is not None:
            facts["requested_cents"] = cents
        if currency:
            facts["currency"] = currency
        happened = _moment(said, "happened_at", config)
        if happened is not None:
            facts["happened_at"] = happened
        return partial(
            claiming.opened, config, archive, actor, number, ClaimType(said["type"]), **facts
        )

    held = words.text("claims.ask.holds", [("count", str(sessions)), ("number", number)])
    return Asked(
        words.text("claims.ask.open"),
        held,
        (
            Field("type", "claims.field.type", choices=_choices("type", tuple(ClaimType), words)),
            *_profile(profiles, "", words),
            Field("portal", "claims.field.portal"),
            Field("requested", "claims.field.requested", hint=words.text("claims.hint.known")),
            Field("currency", "claims.field.currency", hint=words.text("claims.hint.known")),
            Field("happened_at", "claims.field.happened_at", hint=words.text("claims.hint.day")),
            Field("description", "claims.field.description"),
        ),
        say,
    )


def moving(config: Config, archive: Archive, actor: Actor, claim: Claim, words: Words) -> Asked:
    """Where the claim goes next: only what may follow, with the amounts that it needs."""

    def say(said: Said) -> Job:
        approved, paid = (
            _amount(said, name, claim.currency, fixed=True)[0] if name in said else None
            for name in ("approved", "paid")
        )
        return partial(
            claiming.moved,
            config,
            archive,
            actor,
            claim,
            ClaimStatus(said["status"]),
            detail=said["detail"],
            approved_cents=approved,
            paid_cents=paid,
        )

    allowed = [status for status in _ORDER if status in NEXT[claim.status]]
    stands = (
        ("status", words.text(f"claims.status.{claim.status.value}")),
        ("amount", amount(claim.requested_cents, claim.currency)),
    )
    return Asked(
        words.text("claims.ask.move", [("reference", claim.reference)]),
        words.text("claims.ask.stands", stands),
        (
            Field("status", "claims.field.status", choices=_choices("status", allowed, words)),
            Field(
                "approved",
                "claims.field.approved",
                _written(claim.approved_cents, claim.currency),
                where=("status", _APPROVED),
                hint=words.text("claims.hint.all"),
            ),
            Field(
                "paid",
                "claims.field.paid",
                where=("status", _PAID),
                hint=words.text("claims.hint.approved"),
            ),
            Field("detail", "claims.field.detail"),
        ),
        say,
    )


def changing(
    config: Config,
    archive: Archive,
    actor: Actor,
    claim: Claim,
    profiles: Sequence[str],
    words: Words,
) -> Asked:
    """What the claim tells, to be corrected."""

    def say(said: Said) -> Job:
        facts: dict[str, Any] = {name: said[name].strip() for name in _TEXTS}
        if "profile" in said:
            facts["profile"] = said["profile"]
        currency = said["currency"].strip().upper()
        for name in _AMOUNTS:
            facts[f"{name}_cents"], currency = _amount(said, name, currency)
        facts["currency"] = currency
        if said["happened_at"].strip() != _day_text(claim.happened_at, config):
            facts["happened_at"] = _moment(said, "happened_at", config)
        return partial(claiming.changed, config, archive, actor, claim, **facts)

    texts = {name: Field(name, f"claims.field.{name}", getattr(claim, name)) for name in _TEXTS}
    amounts = (
        Field(name, f"claims.field.{name}", _written(getattr(claim, f"{name}_cents"), ""))
        for name in _AMOUNTS
    )
    return Asked(
        words.text("claims.ask.change", [("reference", claim.reference)]),
        words.text("claims.ask.kept"),
        (
            *amounts,
            Field("currency", "claims.field.currency", claim.currency),
            Field(
                "happened_at",
                "claims.field.happened_at",
                _day_text(claim.happened_at, config),
                hint=words.text("claims.hint.day"),
            ),
            *_profile(profiles, claim.profile, words),
            *texts.values(),
        ),
        say,
    )


def logging(archive: Archive, actor: Actor, claim: Claim, what: str, words: Words) -> Asked:
    """A note, or what was written and said between us and the other side."""

    def say(said: Said) -> Job:
        text = said["text"].strip()
        if not text:
            raise Wrong("text", "claims.wrong.empty")
        kept = {name: said[name].strip() for name in ("way", "direction", "with_") if name in said}
        return lambda: archive.log_claim(actor, claim.id, what, text, **kept).result()

    fields: tuple[Field, ...] = (Field("text", "claims.field.text"),)
    if what == "correspondence":
        fields = (
            Field("direction", "claims.field.direction", choices=_said("direction", words)),
            Field("way", "claims.field.way", choices=_said("way", words)),
            Field("with_", "claims.field.with", claim.carrier),
            *fields,
        )
    title = words.text(f"claims.ask.{what}", [("reference", claim.reference)])
    return Asked(title, words.text("claims.ask.kept"), fields, say)


def forming(config: Config, archive: Archive, actor: Actor, claim: Claim, words: Words) -> Asked:
    """The claim's form as PDF in the archive's exports, filed under its parcel where wanted; gives
    its path."""
    language: Literal["en", "zh"] = "zh" if words.language == "zh" else "en"
    path = archive.root / "exports" / f"{claim.reference}-form.pdf"

    def make(*, file: bool) -> Path:
        content = claiming.form_of(config, archive, claim, language)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise told(error, path, "writing the claim form") from error
        if file:
            claiming.file_form(archive, actor, claim, path)
        return path

    choices = tuple((each, words.text(f"claims.filed.{each}")) for each in ("yes", "no"))
    return Asked(
        words.text("claims.ask.form", [("reference", claim.reference)]),
        words.text("claims.ask.form_about", [("path", str(path))]),
        (Field("file", "claims.field.file", choices=choices),),
        lambda said: partial(make, file=said["file"] == "yes"),
    )


def profile_names(config: Config) -> tuple[str, ...]:
    """The profiles that evidence is exported by; none where their file cannot be read. Blocks."""
    from storage.evidence.kit.profiles import load

    try:
        return tuple(load(config.profiles_file))
    except ArchiveError:
        return ()


# ---------------------------------------------------------------------------- what was typed


def _amount(said: Said, name: str, currency: str, *, fixed: bool = False) -> tuple[int | None, str]:
    """The cents in a field, None where it is empty, and their currency: the one beside the amount,
    else `currency`, which may not be another one. Raises Wrong."""
    currency = currency.strip().upper()
    if currency and not CURRENCY_FORM.fullmatch(currency):
        raise Wrong("currency", "claims.wrong.currency", ("typed", currency))
    typed = said[name].strip()
    if not typed:
        return None, currency
    read = cents_of(typed)
    if read is None:
        raise Wrong(name, "claims.wrong.amount", ("typed", typed))
    cents, beside = read
    if beside and currency and beside != currency:
        raise Wrong(name, "claims.wrong.currencies", ("typed", beside), ("currency", currency))
    if fixed and beside and not currency:
        raise Wrong(name, "claims.wrong.no_currency", ("typed", beside))
    return cents, beside or currency


def _moment(said: Said, name: str, config: Config) -> dt.datetime | None:
    """The moment that a field names, the beginning of the site's day; None for an empty one. Raises
    Wrong."""
    typed = said[name].strip()
    if not typed:
        return None
    try:
        found = parse(f'on:"{typed}"', now(config), config.orders.zone).start
    except QueryError:
        found = None
    if found is None or found > now(config):
        raise Wrong(name, "claims.wrong.day", ("typed", typed))
    return found


def _day_text(moment: dt.datetime | None, config: Config) -> str:
    """A moment as `_moment` reads it."""
    if moment is None:
        return ""
    here = moment.astimezone(config.orders.zone)
    return f"{here:%Y-%m-%d}" if (here.hour, here.minute) == (0, 0) else f"{here:%Y-%m-%dT%H:%M}"


def _written(cents: int | None, currency: str) -> str:
    """An amount as it is typed."""
    return "" if cents is None else money(cents, currency)


def _choices(
    what: str, among: Sequence[ClaimType | ClaimStatus], words: Words
) -> tuple[tuple[str, str], ...]:
    return tuple((each.value, words.text(f"claims.{what}.{each.value}")) for each in among)


def _said(what: str, words: Words) -> tuple[tuple[str, str], ...]:
    names = _WAYS if what == "way" else ("out", "in")
    return tuple((name, words.text(f"claims.{what}.{name}")) for name in names)


def _profile(profiles: Sequence[str], chosen: str, words: Words) -> tuple[Field, ...]:
    """The profiles that evidence is exported by, and none; one that is no longer known stays."""
    names = ["", *profiles, *([chosen] if chosen and chosen not in profiles else [])]
    choices = tuple((name, name or words.text("claims.no_profile")) for name in names)
    return (Field("profile", "claims.field.profile", chosen, choices),)
