"""Carriers' words for where a parcel stands, as one of AfterShip's tags.

The words of AfterShip, 17TRACK (its three APIs) and TrackingMore are known as they are documented;
a free text is only taken at its word where it cannot mean anything else: a parcel that is called
delivered by mistake is one that nobody looks for. Knows no file.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from storage.trace import TraceStatus

_WORDS: Final = {
    TraceStatus.PENDING: ("pending", "notfound", "unknown", "查询不到", "暂无信息"),
    TraceStatus.INFO_RECEIVED: (
        "inforeceived", "informationreceived", "pretransit", "labelcreated", "收到信息", "已下单",
        "待揽收",
    ),
    TraceStatus.IN_TRANSIT: (
        "intransit", "transit", "pickedup", "departure", "departed", "arrival", "arrived",
        "accepted", "运输途中", "运输中", "在途", "转运中", "已揽收", "揽收",
    ),
    TraceStatus.OUT_FOR_DELIVERY: ("outfordelivery", "派送途中", "派送中", "派件中", "正在派送"),
    TraceStatus.ATTEMPT_FAIL: (
        "attemptfail", "failedattempt", "deliveryfailure", "undelivered", "投递失败", "派送失败",
    ),
    TraceStatus.DELIVERED: (
        "delivered", "成功签收", "已签收", "签收", "已妥投", "妥投", "已送达",
    ),
    TraceStatus.AVAILABLE_FOR_PICKUP: (
        "availableforpickup", "readyforpickup", "到达待取", "待取件", "待自提",
    ),
    TraceStatus.EXCEPTION: (
        "exception", "alert", "returning", "returned", "lost", "damaged", "可能异常", "异常",
        "问题件", "退回", "退件",
    ),
    TraceStatus.EXPIRED: ("expired", "运输过久"),
}  # fmt: skip
_BY_WORD: Final = {word: status for status, words in _WORDS.items() for word in words}
CODES: Final = {
    0: TraceStatus.PENDING,
    10: TraceStatus.IN_TRANSIT,
    20: TraceStatus.EXPIRED,
    30: TraceStatus.AVAILABLE_FOR_PICKUP,
    35: TraceStatus.ATTEMPT_FAIL,
    40: TraceStatus.DELIVERED,
    50: TraceStatus.EXCEPTION,
}
"""The package states of 17TRACK's first API."""

_ELSEWHERE: Final = (
    r"(?!\s+(?:to|at|into)\s+(?:\w+\s+){0,2}(?:carrier|courier|airline|airport|agent|facility|hub|"
    r"depot|warehouse|customs|post office|partner|transport|terminal|sort))"
)
_GUESSES: Final = tuple(
    (status, re.compile(pattern, re.IGNORECASE))
    for status, pattern in (
        (
            TraceStatus.INFO_RECEIVED,
            r"label (?:has been )?created|awaiting (?:item|shipment|parcel)|order processed: ready|"
            r"(?:shipment|shipping|electronic|order) info(?:rmation)? (?:received|sent|submitted)|"
            r"pre-?shipment|等待揽收|待揽收|已下单|下单成功|电子信息|面单已",
        ),
        (
            TraceStatus.ATTEMPT_FAIL,
            r"delivery attempt|attempted delivery|could not be delivered|delivery (?:has )?failed|"
            r"投递失败|派送失败|派件失败|未妥投|未能妥投",
        ),
        (
            TraceStatus.EXCEPTION,
            r"return(?:ed|ing) to (?:the )?sender|refused|\b(?:lost|damaged)\b|"
            r"退回|拒收|丢失|破损|异常",
        ),
        (TraceStatus.OUT_FOR_DELIVERY, r"out for delivery|正在派送|派送中|派件中"),
        (
            TraceStatus.AVAILABLE_FOR_PICKUP,
            r"(?:available|ready) for (?:pickup|pick-up|collection)|待取件|请凭取件码|自提",
        ),
        (
            TraceStatus.DELIVERED,
            r"^\W*(?:(?:your |the )?(?:package|parcel|item|shipment) )?(?:has been |was |is )?"
            r"(?:successfully )?delivered\b" + _ELSEWHERE + r"|(?<![未待拒])签收|(?<![未待])妥投",
        ),
    )
)


@lru_cache(4_096)
def status_of(word: str) -> TraceStatus:
    """What a carrier's word for a status means; UNKNOWN for one that is not listed. The first part
    of `InTransit_PickedUp` counts."""
    for each in (word, word.partition("_")[0]):
        found = _BY_WORD.get(re.sub(r"[\s_-]", "", each).casefold())
        if found is not None:
            return found
    return TraceStatus.UNKNOWN


def status_in(text: str) -> TraceStatus:
    """What a carrier's free text cannot but mean; UNKNOWN where it may mean several things."""
    found = status_of(text[:40])
    if found is not TraceStatus.UNKNOWN:
        return found
    return next(
        (status for status, pattern in _GUESSES if pattern.search(text[:1000])),
        TraceStatus.UNKNOWN,
    )
