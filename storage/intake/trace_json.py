"""Tracking events in JSON of AfterShip's and of 17TRACK's shape, gathered into a `Told`.

The shapes are those of their APIs' answers and webhooks, whole or taken apart: `docs/coverage.md`
says which fields of which version. Anything may stand where a field is expected; what is no text is
no value. Reads no file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from storage.intake.moments import has_zone
from storage.intake.trace_told import Told
from storage.intake.trace_words import CODES, status_of
from storage.trace import TraceStatus

AFTERSHIP: Final = "aftership"
SEVENTEEN: Final = "17track"
_ENVELOPES: Final = (
    "data", "msg", "tracking", "trackings", "accepted", "rejected", "dat",
)  # fmt: skip
_DEEPEST: Final = 6
_PROMISES: Final = (
    "courier_estimated_delivery_date", "expected_delivery", "order_promised_delivery_date",
)  # fmt: skip
"""What the carrier or the shop promised; what AfterShip itself foretells is nobody's promise."""
_CITY: Final = ("city", "state", "country_name", "country_region_name", "country")


def tell(document: Any, told: Told) -> bool:
    """Gather what the document tells; False when nothing in it has a shape that is known."""
    found = False
    for place, parcel in _parcels(document, "", _DEEPEST):
        if not _is_parcel(parcel):
            told.leave(place, "is no tracking of a parcel")
            continue
        found = True
        if "tracking_number" in parcel:
            _aftership(place, parcel, told)
        elif isinstance(parcel.get("track_info"), dict):
            _seventeen(place, parcel, told)
        elif isinstance(parcel.get("track"), dict):
            _first_seventeen(place, parcel, told)
        else:
            error = parcel.get("error")
            why = _text(error, "message") if isinstance(error, dict) else ""
            told.leave(place, f"holds no tracking: {why[:100] or 'nothing is known of it'}")
    return found


def _is_parcel(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    known = any(name in value for name in ("track_info", "track", "error"))
    return "tracking_number" in value or (known and ("number" in value or "no" in value))


def _parcels(value: Any, place: str, deepest: int) -> Iterator[tuple[str, Any]]:
    """Each parcel with its place, out of whatever envelopes it is in; and what stands in a list
    where a parcel should."""
    if _is_parcel(value):
        yield place or "the file", value
    elif isinstance(value, list) and deepest:
        for at, each in enumerate(value):
            where = f"{place}[{at}]"
            yield from list(_parcels(each, where, deepest - 1)) or [(where, each)]
    elif isinstance(value, dict) and deepest:
        for name in _ENVELOPES:
            if name in value:
                yield from _parcels(value[name], f"{place}.{name}".lstrip("."), deepest - 1)


# ---------------------------------------------------------------------------- AfterShip


def _aftership(place: str, parcel: dict[str, Any], told: Told) -> None:
    key = told.parcel(place, _text(parcel, "tracking_number"))
    if key is None:
        return
    status = status_of(_text(parcel, "tag"))
    delivered = _text(parcel, "shipment_delivery_date") if status is TraceStatus.DELIVERED else ""
    told.tell(
        key,
        status=status,
        carrier=_text(parcel, "slug"),
        expected_at=_promised(parcel, told),
        delivered_at=told.moment(delivered),
        origin=_text(parcel, "origin_country_region", "origin_country_iso3"),
        destination=_text(
            parcel,
            "courier_destination_country_region",
            "courier_destination_country_iso3",
            "destination_country_region",
            "destination_country_iso3",
        ),
    )
    for where, event in _events(parcel, "checkpoints", place, told):
        told.event(
            where,
            key,
            _text(event, "checkpoint_time"),
            (_text(event, "tag"), _text(event, "subtag")),
            _text(event, "message", "subtag_message"),
            _text(event, "location") or _joined(event, *_CITY),
            AFTERSHIP,
        )


def _promised(parcel: dict[str, Any], told: Told) -> Any:
    """By when it was promised; a day counts to its end."""
    for name in _PROMISES:
        value = parcel.get(name)
        if isinstance(value, dict):
            text = _text(value, "estimated_delivery_date_max", "estimated_delivery_date")
        else:
            text = _text(parcel, name)
        moment = told.moment(text, day_ends=True)
        if moment is not None:
            return moment
    return None


# ---------------------------------------------------------------------------- 17TRACK


def _seventeen(place: str, parcel: dict[str, Any], told: Told) -> None:
    """Versions 2 to 2.4."""
    key = told.parcel(place, _text(parcel, "number"))
    if key is None:
        return
    info = parcel["track_info"]
    latest, tracking = _part(info, "latest_status"), _part(info, "tracking")
    providers = tracking.get("providers")
    providers = providers if isinstance(providers, list) else []
    named = next((_part(each, "provider") for each in providers if isinstance(each, dict)), {})
    promised = _part(_part(info, "time_metrics"), "estimated_delivery_date")
    shipping = _part(info, "shipping_info")
    told.tell(
        key,
        status=status_of(_text(latest, "status")),
        carrier=_text(named, "name") or _text(parcel, "carrier"),
        expected_at=told.moment(_text(promised, "to", "from"), day_ends=True),
        origin=_text(_part(shipping, "shipper_address"), "country"),
        destination=_text(_part(shipping, "recipient_address"), "country"),
    )
    any_events = False
    for at, provider in enumerate(providers):
        within = f"{place}.track_info.tracking.providers[{at}]"
        if not isinstance(provider, dict):
            told.leave(within, "is no provider")
            continue
        for where, event in _events(provider, "events", within, told):
            any_events = True
            _seventeen_event(where, key, event, told)
    event = info.get("latest_event")
    if not any_events and isinstance(event, dict):
        _seventeen_event(f"{place}.track_info.latest_event", key, event, told)


def _seventeen_event(where: str, key: str, event: dict[str, Any], told: Told) -> None:
    time = _text(event, "time_iso")
    if not has_zone(time):  # without a zone the other one is sure
        time = _text(event, "time_utc") or time
    raw = event.get("time_raw")
    if not time and isinstance(raw, dict):
        time = " ".join(_text(raw, name) for name in ("date", "time", "timezone")).strip()
    told.event(
        where,
        key,
        time,
        (_text(event, "stage"), _text(event, "sub_status")),
        _text(event, "description"),
        _text(event, "location") or _joined(_part(event, "address"), *_CITY),
        SEVENTEEN,
    )


def _first_seventeen(place: str, parcel: dict[str, Any], told: Told) -> None:
    """Version 1, and what the site itself answers: letters for names, times of the place."""
    key = told.parcel(place, _text(parcel, "number", "no"))
    if key is None:
        return
    track = parcel["track"]
    code = track.get("e")
    status = CODES.get(code) if isinstance(code, int) else None
    told.tell(key, status=status, carrier=_text(track, "w1") if track.get("w1") != 0 else "")
    events = [
        found
        for name in ("z9", "z1", "z2")
        for found in _events(track, name, f"{place}.track", told)
    ]
    newest = track.get("z0")
    known = [{name: event.get(name) for name in "acz"} for _, event in events]
    if isinstance(newest, dict) and {name: newest.get(name) for name in "acz"} not in known:
        events.append((f"{place}.track.z0", newest))
    for where, event in events:
        # The state of the parcel is what its newest event says.
        is_newest = isinstance(newest, dict) and all(event.get(n) == newest.get(n) for n in "az")
        words = (status.value,) if status is not None and is_newest else ("",)
        where_seen = _text(event, "c") or _text(event, "d")
        told.event(where, key, _text(event, "a"), words, _text(event, "z"), where_seen, SEVENTEEN)


# ---------------------------------------------------------------------------- what may be anything


def _events(
    parcel: dict[str, Any], name: str, place: str, told: Told
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects in a list, each with its place; whatever else is there is left out."""
    listed = parcel.get(name)
    if listed is not None and not isinstance(listed, list):
        told.leave(f"{place}.{name}", "is no list")
        return
    for at, event in enumerate(listed or ()):
        where = f"{place}.{name}[{at}]"
        if isinstance(event, dict):
            yield where, event
        else:
            told.leave(where, "is no event")


def _part(parcel: dict[str, Any], name: str) -> dict[str, Any]:
    value = parcel.get(name)
    return value if isinstance(value, dict) else {}


def _text(parcel: dict[str, Any], *names: str) -> str:
    """The first of these fields that holds a text or a whole number; '' where none does."""
    for name in names:
        value = parcel.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _joined(parcel: dict[str, Any], *names: str) -> str:
    return ", ".join(dict.fromkeys(text for name in names if (text := _text(parcel, name))))
