"""The SQL of what came with schema 6: what was sold, where parcels were seen, and what is claimed.

None of it is evidence. Orders and traces are what others told and can be told again; a claim's
history is only ever added to. Who must see what of a parcel asks by its tracking number, so each
table has an index that begins with it.
"""

from __future__ import annotations

from storage.tables_review import REVIEW_FILL, REVIEW_GUARDS, REVIEW_TABLES

ORDER_COLUMNS = (
    "platform", "shop", "status", "status_text", "note", "carrier", "service", "origin",
    "destination", "packaging", "ordered_at", "due_at", "shipped_at", "delivered_at",
)  # fmt: skip
"""The columns of an order that are text, '' where nobody told."""

SOLD_COLUMNS = "".join(
    f"ALTER TABLE orders ADD COLUMN {each} TEXT NOT NULL DEFAULT '';" for each in ORDER_COLUMNS
)
SOLD_TABLES = """
ALTER TABLE orders ADD COLUMN insured_cents INTEGER;
ALTER TABLE orders ADD COLUMN weight_g INTEGER;
CREATE INDEX orders_by_shipped ON orders (shipped_at) WHERE shipped_at <> '';
CREATE INDEX orders_by_status ON orders (status, ordered_at) WHERE status <> '';
CREATE INDEX orders_undated ON orders (status)
    WHERE status <> '' AND ordered_at = '' AND shipped_at = '';

ALTER TABLE order_items RENAME TO order_items_before;
CREATE TABLE order_items (
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    tracking_number TEXT NOT NULL DEFAULT '',
    sku_key TEXT NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    quantity INTEGER NOT NULL DEFAULT 1,
    variation TEXT NOT NULL DEFAULT '',
    ean TEXT NOT NULL DEFAULT '',
    price_cents INTEGER,
    PRIMARY KEY (order_id, tracking_number, sku_key)
) STRICT, WITHOUT ROWID;
INSERT INTO order_items (order_id, sku_key, sku) SELECT order_id, sku_key, sku
    FROM order_items_before;
DROP TABLE order_items_before;
CREATE INDEX order_items_by_sku ON order_items (sku_key);

CREATE TABLE column_mappings (
    header TEXT PRIMARY KEY NOT NULL,
    mapping TEXT NOT NULL CHECK (json_valid(mapping))
) STRICT, WITHOUT ROWID;

CREATE TABLE traces (
    tracking_number TEXT PRIMARY KEY NOT NULL,
    carrier TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT '',
    moved_at TEXT NOT NULL DEFAULT '',
    expected_at TEXT NOT NULL DEFAULT '',
    delivered_at TEXT NOT NULL DEFAULT '',
    origin TEXT NOT NULL DEFAULT '',
    destination TEXT NOT NULL DEFAULT '',
    imported_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX traces_by_move ON traces (moved_at) WHERE delivered_at = '';
CREATE INDEX traces_late ON traces (expected_at, delivered_at, moved_at, status)
    WHERE expected_at <> '' AND (delivered_at = '' OR delivered_at > expected_at);

CREATE TABLE trace_events (
    tracking_number TEXT NOT NULL,
    at TEXT NOT NULL,
    status TEXT NOT NULL,
    text TEXT NOT NULL,
    place TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (tracking_number, at, status, text, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE claims (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 26),
    reference TEXT NOT NULL UNIQUE CHECK (reference <> ''),
    tracking_number TEXT NOT NULL CHECK (tracking_number <> ''),
    order_id TEXT NOT NULL DEFAULT '',
    type TEXT NOT NULL CHECK (type IN
        ('loss', 'damage', 'delay', 'theft', 'missing_contents', 'delivered_not_received')),
    status TEXT NOT NULL CHECK (status IN ('draft', 'submitted', 'in_review', 'needs_action',
        'approved', 'approved_partial', 'rejected', 'cancelled', 'paid')),
    status_detail TEXT NOT NULL DEFAULT '',
    status_at TEXT NOT NULL,
    carrier TEXT NOT NULL DEFAULT '',
    portal TEXT NOT NULL DEFAULT '',
    profile TEXT NOT NULL DEFAULT '',
    claim_number TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    recipient_name TEXT NOT NULL DEFAULT '',
    contact_email TEXT NOT NULL DEFAULT '',
    currency TEXT NOT NULL DEFAULT '',
    requested_cents INTEGER,
    approved_cents INTEGER,
    paid_cents INTEGER,
    insured_cents INTEGER,
    salvage_cents INTEGER,
    happened_at TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    submitted_at TEXT NOT NULL DEFAULT '',
    closed_at TEXT NOT NULL DEFAULT '',
    deadline_at TEXT NOT NULL DEFAULT '',
    deadline_rule TEXT NOT NULL DEFAULT '',
    complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX claims_by_number ON claims (tracking_number);
CREATE INDEX claims_by_status ON claims (status, deadline_at);
CREATE INDEX claims_by_time ON claims (created_at);

CREATE TABLE claim_events (
    claim_id TEXT NOT NULL REFERENCES claims (id),
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL,
    role TEXT NOT NULL,
    what TEXT NOT NULL CHECK (what IN
        ('opened', 'status', 'changed', 'correspondence', 'note', 'exported', 'form')),
    text TEXT NOT NULL DEFAULT '',
    facts TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(facts)),
    PRIMARY KEY (claim_id, seq)
) STRICT, WITHOUT ROWID;
"""

SOLD_GUARDS = """
CREATE TRIGGER claims_delete BEFORE DELETE ON claims
BEGIN SELECT RAISE(ABORT, 'a claim is never deleted'); END;

CREATE TRIGGER claims_update BEFORE UPDATE ON claims
WHEN NEW.id <> OLD.id OR NEW.created_at <> OLD.created_at OR NEW.reference <> OLD.reference
BEGIN SELECT RAISE(ABORT, 'a claim stays the one that was opened'); END;

CREATE TRIGGER claim_events_insert BEFORE INSERT ON claim_events
WHEN NEW.seq IS NOT
    (SELECT coalesce(max(seq), 0) + 1 FROM claim_events WHERE claim_id = NEW.claim_id)
BEGIN SELECT RAISE(ABORT, 'the history of a claim only grows at its end'); END;

CREATE TRIGGER claim_events_update BEFORE UPDATE ON claim_events
BEGIN SELECT RAISE(ABORT, 'the history of a claim never changes'); END;

CREATE TRIGGER claim_events_delete BEFORE DELETE ON claim_events
BEGIN SELECT RAISE(ABORT, 'the history of a claim never shrinks'); END;
"""
SOLD_TABLES += REVIEW_TABLES + REVIEW_FILL
SOLD_GUARDS += REVIEW_GUARDS
