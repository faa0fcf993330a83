"""What is typed on the command line about claims, understood: amounts, days, which claim is meant.

Raises click's errors, each with what was typed and what is allowed. Writes nothing.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import click

from storage.claims.claim import ClaimStatus, ClaimType

if TYPE_CHECKING:
    from station.config import Config
    from storage.archive import Archive
    from storage.claims.claim import Claim
    from storage.later import Actor

TYPES: Final = click.Choice([each.value for each in ClaimType])
STATUSES: Final = click.Choice([each.value for each in ClaimStatus])
AMOUNTS: Final = ("requested", "insured", "salvage")
DAYS: Final = ("happened", "deadline")
TEXTS: Final = (
    "carrier", "portal", "profile", "claim_number", "description", "recipient_name",
    "contact_email", "currency", "order_id",
)  # fmt: skip
SETTABLE: Final = (*TEXTS, *AMOUNTS, *DAYS)


def narrowing(command: Callable[..., int]) -> Callable[..., int]:
    """`command` with the options that say which claims are meant, called with their ClaimQuery."""

    @click.option("--open", "open_only", is_flag=True, help="Only those that have not ended.")
    @click.option("--overdue", is_flag=True, help="Only open ones whose deadline has passed.")
    @click.option("--due", type=click.IntRange(0, 10_000), metavar="DAYS", help="Due so soon.")
    @click.option("--type", "type_", type=TYPES)
    @click.option("--status", type=STATUSES)
    @click.option("--carrier", default="", metavar="NAME")
    @click.option("--number", default="", metavar="TRACKING", help="Of one parcel.")
    @click.option("--text", default="", help="Part of a reference, a number or an order id.")
    @click.option("--limit", type=click.IntRange(1, 1_000_000), default=1_000, show_default=True)
    @functools.wraps(command)
    def narrowed(
        config: Config,
        archive: Archive,
        actor: Actor,
        open_only: bool,
        overdue: bool,
        due: int | None,
        type_: str | None,
        status: str | None,
        carrier: str,
        number: str,
        text: str,
        limit: int,
        **options: Any,
    ) -> int:
        from storage.claims.claim import ClaimQuery

        now, tz = dt.datetime.now(dt.UTC), config.orders.zone
        before = now if overdue else None
        if due is not None and not overdue:
            last = (now.astimezone(tz) + dt.timedelta(days=due)).date()
            before = end_of(last.isoformat(), "--due", tz) + dt.timedelta(milliseconds=1)
        query = ClaimQuery(
            open_only=open_only,
            pending_at=None if before is None else now,
            status=None if status is None else ClaimStatus(status),
            type=None if type_ is None else ClaimType(type_),
            carrier=carrier,
            number=number,
            due_before=before,
            text=text,
            limit=limit,
        )
        return command(config, archive, actor, query, **options)

    return narrowed


def claim_named(archive: Archive, text: str) -> Claim:
    """The claim that is meant: by its reference, its id, the other side's number, or a tracking
    number that has one claim. Raises click.ClickException, click.UsageError."""
    found = archive.claim(text)
    if found is not None:
        return found
    of_number = archive.claims_of(text)
    if len(of_number) == 1:
        return of_number[0]
    if of_number:
        named = ", ".join(each.reference for each in of_number[:8])
        raise click.UsageError(f"{text[:40]!r} has {len(of_number)} claims: name one of {named}")
    raise click.ClickException(
        f"there is no claim {text[:40]!r}: give its reference (C-2026-0001), the other side's "
        "number, or the tracking number; `packwitness claim list` has them all"
    )


def amount_of(text: str, currency: str, option: str) -> tuple[int, str]:
    """The cents of an amount and its currency, which is `currency` where none is beside it. Raises
    click.UsageError."""
    from storage.intake.money import cents_of

    found = cents_of(text)
    if found is None:
        raise click.UsageError(f'{option} {text[:40]!r} is no amount: write it as "12.50 USD"')
    cents, told = found
    if told and currency and told != currency:
        raise click.UsageError(f"{option} {text[:40]!r}: this claim is in {currency}")
    return cents, told or currency


def day(text: str, option: str, tz: dt.tzinfo) -> dt.datetime:
    """When the day or moment begins. Raises click.UsageError."""
    from storage.errors import QueryError
    from storage.query import parse

    try:
        start = parse(f'from:"{text}"', dt.datetime.now(dt.UTC), tz).start
    except QueryError as error:
        raise click.UsageError(f"{option}: {error}") from error
    if start is None:
        raise click.UsageError(f"{option} {text[:40]!r} names no day: write it as 2026-11-22")
    return start


def past(text: str, option: str, tz: dt.tzinfo) -> dt.datetime:
    """As `day`, of what has happened already. Raises click.UsageError."""
    start = day(text, option, tz)
    if start > dt.datetime.now(dt.UTC):
        raise click.UsageError(f"{option} {text[:40]!r} has not come yet")
    return start


def end_of(text: str, option: str, tz: dt.tzinfo) -> dt.datetime:
    """The last moment of a day. Raises click.UsageError."""
    start = day(text, option, tz).astimezone(tz)
    midnight = dt.datetime.combine(start.date() + dt.timedelta(days=1), dt.time(), tzinfo=tz)
    return midnight.astimezone(dt.UTC) - dt.timedelta(milliseconds=1)


def changes(claim: Claim, told: Iterable[str], tz: dt.tzinfo) -> dict[str, Any]:
    """What `field=value` words change, as `Archive.change_claim` takes it; an empty value takes
    back what was told. Raises click.UsageError."""
    words: dict[str, str] = {}
    for each in told:
        name, equals, value = each.partition("=")
        name = name.strip().lower().replace("-", "_")
        if not equals or name not in SETTABLE:
            raise click.UsageError(
                f"{each[:40]!r}: write field=value; fields: {' '.join(SETTABLE)}"
            )
        words[name] = value.strip()
    facts: dict[str, Any] = {name: words[name] for name in TEXTS if name in words}
    if "currency" in facts:
        facts["currency"] = facts["currency"].upper()
    for name in AMOUNTS:
        if name in words:
            facts |= _amount_fact(claim, facts, name, words[name])
    if "happened" in words:
        text = words["happened"]
        facts["happened_at"] = past(text, "happened", tz) if text else None
    if "deadline" in words:
        text = words["deadline"]
        facts |= {"deadline_at": end_of(text, "deadline", tz) if text else None}
        facts["deadline_rule"] = ""
    return facts


def _amount_fact(claim: Claim, facts: dict[str, Any], name: str, text: str) -> dict[str, Any]:
    if not text:
        return {f"{name}_cents": None}
    cents, currency = amount_of(text, facts.get("currency", claim.currency), name)
    return {f"{name}_cents": cents, "currency": currency}
