"""Answers of trackers as they really are, cut down: what differs between them is kept.

AfterShip's from its SDK's tests (2023), 17TRACK's from published answers of its first API (2019,
2021) and of version 2.2. Numbers and names are changed.
"""

from __future__ import annotations

import copy
from typing import Any

AFTERSHIP: dict[str, Any] = {
    "meta": {"code": 200},
    "data": {
        "page": 1,
        "limit": 100,
        "count": 1,
        "trackings": [
            {
                "id": "q82bqhzdrcxbjlqdnzng5024",
                "created_at": "2023-12-20T11:02:21+00:00",
                "tracking_number": "9434936105536968782556",
                "slug": "usps",
                "custom_fields": None,
                "expected_delivery": "2023-12-24",
                "courier_destination_country_iso3": "USA",
                "destination_country_iso3": "AND",
                "origin_country_iso3": "AFG",
                "shipment_delivery_date": None,
                "tag": "InTransit",
                "subtag": "InTransit_002",
                "checkpoints": [
                    {
                        "slug": "usps",
                        "city": "FAYETTEVILLE",
                        "created_at": "2023-12-20T11:02:22+00:00",
                        "location": "FAYETTEVILLE, TX, 78940, USA, United States",
                        "country_name": "USA",
                        "message": "Shipping Label Created, USPS Awaiting Item",
                        "country_iso3": "USA",
                        "tag": "InfoReceived",
                        "subtag": "InfoReceived_001",
                        "checkpoint_time": "2023-12-20T02:12:00-06:00",
                        "coordinates": [],
                        "state": "TX",
                        "raw_tag": "GX",
                    },
                    {
                        "city": "VINELAND",
                        "state": "NJ",
                        "country_name": "USA",
                        "location": None,
                        "message": "Arrived at USPS Facility",
                        "tag": "InTransit",
                        "subtag": "InTransit_003",
                        "checkpoint_time": "2023-12-21T09:30:00",
                    },
                ],
                "aftership_estimated_delivery_date": {"estimated_delivery_date": "2023-12-22"},
            }
        ],
    },
}

SEVENTEEN: dict[str, Any] = {
    "code": 0,
    "data": {
        "accepted": [
            {
                "number": "RR123456789CN",
                "carrier": 3011,
                "track_info": {
                    "shipping_info": {
                        "shipper_address": {"country": "CN", "city": "SHENZHEN"},
                        "recipient_address": {"country": "US", "city": None},
                    },
                    "latest_status": {"status": "Delivered", "sub_status": "Delivered_Other"},
                    "latest_event": {
                        "time_iso": "2022-05-02T14:34:00-04:00",
                        "time_utc": "2022-05-02T18:34:00Z",
                        "description": "Package delivered",
                        "location": "LOS ANGELES, CA",
                        "stage": "Delivered",
                    },
                    "time_metrics": {
                        "estimated_delivery_date": {
                            "source": "Official",
                            "from": "2022-04-28T08:00:00-04:00",
                            "to": "2022-04-29T20:00:00-04:00",
                        }
                    },
                    "tracking": {
                        "providers": [
                            {
                                "provider": {"key": 3011, "name": "China Post"},
                                "latest_sync_status": "Success",
                                "events": [
                                    {
                                        "time_iso": "2022-05-02T14:34:00-04:00",
                                        "time_utc": "2022-05-02T18:34:00Z",
                                        "stage": "Delivered",
                                        "description": "Package delivered",
                                        "location": "LOS ANGELES, CA",
                                    },
                                    {
                                        "time_iso": "2022-04-26T14:30:00",
                                        "time_utc": "2022-04-26T06:30:00Z",
                                        "stage": "InTransit_PickedUp",
                                        "description": "Package picked up",
                                        "location": None,
                                        "address": {"country": "CN", "city": "SHENZHEN"},
                                    },
                                    {
                                        "time_iso": None,
                                        "time_utc": None,
                                        "time_raw": {
                                            "date": "2022-04-25",
                                            "time": "10:00:00",
                                            "timezone": "+08:00",
                                        },
                                        "stage": None,
                                        "sub_status": "InfoReceived",
                                        "description": "Order information received",
                                        "location": "SHENZHEN",
                                    },
                                ],
                            }
                        ]
                    },
                },
            }
        ],
        "rejected": [
            {"number": "XX1", "error": {"code": -18019902, "message": "not registered yet"}}
        ],
    },
}

FIRST_SEVENTEEN: dict[str, Any] = {
    "ret": 1,
    "msg": "Ok",
    "dat": [
        {
            "no": "1Z81W1R70310597371",
            "track": {
                "b": 2105,
                "e": 40,
                "w1": 100002,
                "w2": 0,
                "z0": {
                    "a": "2019-08-08 11:20",
                    "b": None,
                    "c": "MORENO VALLEY, CA, US",
                    "d": "",
                    "z": "DELIVERED",
                },
                "ylt9": "2079-01-01 00:00:00",
                "z9": [],
                "z1": [
                    {"a": "2019-08-08 11:20", "c": "MORENO VALLEY, CA, US", "z": "DELIVERED"},
                    {"a": "2019-08-07 14:42", "c": "Ontario, CA", "z": "Origin Scan"},
                    {
                        "a": "2019-07-31 05:01",
                        "c": "",
                        "d": "United States",
                        "z": "Order Processed: Ready for UPS",
                    },
                ],
                "z2": [],
            },
        }
    ],
}


def own(document: dict[str, Any]) -> dict[str, Any]:
    """A copy that a test may change."""
    return copy.deepcopy(document)
