"""Parcels that leave an archive's benches: orders that were shipped, beside what was packed."""

from __future__ import annotations

import datetime as dt

from storage.archive import Archive
from storage.order import Order, OrderStatus
from storage.records import LabelCheck, Session, Status
from tests.storage.desk import Desk

HOUR = dt.timedelta(hours=1)


def shipped(
    archive: Archive,
    order: str,
    *numbers: str,
    at: dt.datetime | None = None,
    ordered_at: dt.datetime | None = None,
    status: OrderStatus = OrderStatus.SHIPPED,
    value_cents: int | None = None,
) -> None:
    """File an order that was shipped."""
    archive.file_orders(
        [
            Order(
                order,
                numbers,
                status=status,
                shipped_at=at,
                ordered_at=ordered_at,
                value_cents=value_cents,
                currency="EUR" if value_cents is not None else "",
            )
        ]
    ).result()


def packed(
    desk: Desk,
    number: str,
    *,
    video: bool = True,
    label: bool = True,
    check: LabelCheck = LabelCheck.MATCH,
    status: Status | None = Status.SEALED,
) -> Session | str:
    """Pack a parcel well, or worse; `status` None leaves it open."""
    session, folder = desk.open(number)
    if video:
        desk.clip(session, folder)
    desk.shot(session, folder, "item", 1)
    if label:
        desk.shot(session, folder, "label", 2, check)
    return session if status is None else desk.seal(session, status)
