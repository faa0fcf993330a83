"""From raw scans to events: cards, waybills, orders and articles, in the order of their scans.

Stands between the readers and the rules of a session, on the bench's loop. What is neither a card
nor a listed carrier's number may be the id of an order, which only the archive knows: what is
scanned while it is asked keeps its turn. Knows no camera and decides nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from ulid import ULID

from station.footage import moment
from station.rules import events
from station.rules.orders import ItemCheck, Piece, piece_of, pieces
from station.rules.state import Active, State
from station.waybill import Card, Refusal, WaybillRules, certain, printable, understand
from storage.order import Order
from storage.records import CheckDigit, Kind, Waybill
from storage.rows import search_key

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scan:
    """One raw text from a scanner or a camera, and what it was understood to be."""

    text: str
    via: str
    at: events.Moment
    found: Waybill | Card | Refusal


FindOrder = Callable[[str, Callable[[Order | None], None]], None]
"""Asks the archive which order has this id; the answer comes on the loop."""


class Rules(Protocol):
    """The bench as scans see it."""

    state: State

    def dispatch(self, event: events.Event) -> None: ...


class Scans:
    """What the readers of one bench hand over. Every method is called on the loop."""

    def __init__(self, bench: Rules, rules: WaybillRules) -> None:
        self._bench = bench
        self._rules = rules
        self._find_order: FindOrder | None = None
        self._early: list[tuple[str, str, events.Moment]] = []
        self._asked: list[Scan] | None = None
        """What was scanned since the archive was asked about an order; None while it is not."""

    @property
    def started(self) -> bool:
        """True once scans are taken."""
        return self._find_order is not None

    def start(self, find_order: FindOrder) -> None:
        """Take scans from now on, those first that came too early."""
        self._find_order = find_order
        early, self._early = self._early, []
        for text, via, at in early:
            found = understand(text, self._rules)
            # Nobody has seen a question yet: its time begins now, and a second scan is no answer.
            asks = isinstance(found, Waybill) and found.carrier is None
            self.scan(text, via, moment() if asks else at)

    def scan(self, text: str, via: str, at: events.Moment) -> None:
        """A raw scan: a command card, a waybill, an order, an article, or something to refuse."""
        if not self.started:
            self._early.append((text, via, at))
            return
        scan = Scan(text, via, at, understand(text, self._rules))
        if self._asked is None:
            self._take(scan)
        elif via == events.HAND:
            self._asked.append(scan)

    def _take(self, scan: Scan) -> None:
        """Give the rules what was scanned. What is neither a card nor a listed carrier's number
        may be an order's id or an article: the archive knows."""
        found = scan.found
        if scan.via != events.HAND or isinstance(found, Card) or self._bench.state.closing:
            self._tell(scan)
        elif piece := self._piece(scan):
            self._bench.dispatch(events.ItemScanned(scan.at, printable(scan.text), piece.key))
        elif isinstance(found, Waybill) and found.carrier is not None:
            self._tell(scan)
        elif self._find_order is not None:
            self._asked = []
            self._find_order(scan.text, partial(self._tell_of_order, scan))

    def _tell_of_order(self, scan: Scan, order: Order | None) -> None:
        """The archive has said whether the scan is an order's id."""
        at, found, active = scan.at, scan.found, self._bench.state.active
        if order is not None:
            waybill = Waybill(search_key(order.id), scan.text)
            self._bench.dispatch(events.Scanned(at, waybill, str(ULID()), is_order=True))
        elif isinstance(found, Refusal) and active is not None and self._checks_items(active):
            self._bench.dispatch(events.ItemScanned(at, printable(scan.text)))
        else:
            self._tell(scan)
        held, self._asked = self._asked or [], None
        for place, each in enumerate(held):
            self._take(each)
            if self._asked is not None:
                self._asked += held[place + 1 :]
                return

    def _piece(self, scan: Scan) -> Piece | None:
        """The article of the orders at hand that was scanned, or None."""
        active = self._bench.state.active
        if active is None or not self._checks_items(active):
            return None
        return piece_of(scan.text, pieces(active.orders))

    def _checks_items(self, active: Active) -> bool:
        return (
            self._bench.state.rules.policy.items is not ItemCheck.OFF
            and active.kind is Kind.PACKING
            and any(order.items for order in active.orders)
        )

    def _tell(self, scan: Scan) -> None:
        """A scan as what it was understood to be."""
        text, via, at, found = scan.text, scan.via, scan.at, scan.found
        if isinstance(found, Card):
            self._card(found, at)
        elif via != events.HAND and (doubt := _doubt(found, self._rules)):
            # Goods and labels carry other codes too: a camera may only open a session for a number
            # that a carrier's rule recognises whole, and must not nag about the rest.
            shown = printable(text)
            log.info("camera %s read %s: %s", via, shown, doubt)
            number = found.number if isinstance(found, Waybill) else ""
            self._bench.dispatch(events.CodeSeen(at, via, shown, doubt, number))
        elif isinstance(found, Refusal):
            self._bench.dispatch(events.Refused(at, found.shown, found.reason))
        else:
            self._bench.dispatch(events.Scanned(at, found, str(ULID()), via))

    def _card(self, card: Card, at: events.Moment) -> None:
        """A command card does what its key does."""
        match card.action:
            case "finish":
                self._bench.dispatch(events.FinishAsked(at))
            case "photo":
                self._bench.dispatch(events.ShotAsked(at))
            case "retake":
                self._bench.dispatch(events.ShotAsked(at, again=True))
            case "slot":
                self._bench.dispatch(events.ShotAsked(at, slot=card.value))
            case "cancel":
                self._bench.dispatch(events.CancelAsked(at))
            case "return":
                self._bench.dispatch(events.KindChosen(at))
            case "check":
                self._bench.dispatch(events.CheckAsked(at))
            case "packer":
                self._bench.dispatch(events.PackerChosen(at, card.value))
            case "ok":
                self._bench.dispatch(events.Acknowledged(at))
            case "yes":
                self._bench.dispatch(events.Answered(at, yes=True))
            case "no":
                self._bench.dispatch(events.Answered(at, yes=False))


def _doubt(found: Waybill | Refusal, rules: WaybillRules) -> str:
    """Why a camera that read it may open no session: a message key, or ''."""
    if isinstance(found, Refusal):
        return found.reason
    if found.carrier is None:
        return "unlisted"
    if found.check is CheckDigit.FAILED:
        return "check_digit"
    return "" if certain(found, rules) else "uncertain"
