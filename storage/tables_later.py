"""The SQL of what came with schema 4: the catalogue, what is said later, people, orders' facts.

`derived` says what the catalogue's row of a session must be: `catalogue.py` fills and refreshes the
table from it, the check compares the two. The catalogue is for finding only and can be made anew at
any time; amendments and documents are evidence and are guarded like sessions.
"""

from __future__ import annotations

LATER_TABLES = """
CREATE TABLE amendments (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 26),
    subject TEXT NOT NULL,
    change TEXT NOT NULL CHECK (change IN
        ('rebound', 'noted', 'test', 'held', 'refiled', 'undone', 'deleted')),
    at TEXT NOT NULL,
    by TEXT NOT NULL,
    role TEXT NOT NULL,
    text TEXT NOT NULL,
    number TEXT NOT NULL,
    number_reversed TEXT NOT NULL,
    carrier TEXT,
    evidence_group TEXT,
    undoes TEXT NOT NULL,
    folder TEXT NOT NULL,
    manifest_sha256 TEXT NOT NULL CHECK (length(manifest_sha256) = 64)
) STRICT, WITHOUT ROWID;

CREATE INDEX amendments_by_subject ON amendments (subject, id);
CREATE INDEX amendments_undoing ON amendments (undoes) WHERE undoes <> '';
CREATE INDEX amendments_refiling ON amendments (number) WHERE change = 'refiled';

CREATE TABLE documents (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 26),
    tracking_number TEXT NOT NULL CHECK (tracking_number <> ''),
    evidence_group TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    filed_at TEXT NOT NULL,
    by TEXT NOT NULL,
    role TEXT NOT NULL,
    source TEXT NOT NULL,
    how TEXT NOT NULL,
    path TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    folder TEXT NOT NULL,
    manifest_sha256 TEXT NOT NULL CHECK (length(manifest_sha256) = 64)
) STRICT, WITHOUT ROWID;

CREATE INDEX documents_by_number ON documents (tracking_number, id);
CREATE INDEX documents_by_content ON documents (sha256);

CREATE TABLE checkpoints (
    seq INTEGER PRIMARY KEY NOT NULL,
    first_seq INTEGER NOT NULL,
    hash TEXT NOT NULL CHECK (length(hash) = 64),
    at TEXT NOT NULL,
    key_id TEXT NOT NULL,
    stamped INTEGER NOT NULL CHECK (stamped IN (0, 1)),
    stamp_sha256 TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX ledger_of_keys ON ledger (session_id) WHERE length(session_id) = 16;

CREATE TABLE people (
    name_key TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('packer', 'claims', 'supervisor')),
    pin_hash TEXT NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    locked_until TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE saved_filters (
    name TEXT PRIMARY KEY NOT NULL,
    query TEXT NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE orders ADD COLUMN customer_reference TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN customer_key TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN value_cents INTEGER;
ALTER TABLE orders ADD COLUMN currency TEXT NOT NULL DEFAULT '';
CREATE INDEX orders_by_customer ON orders (customer_key) WHERE customer_key <> '';
CREATE INDEX orders_by_value ON orders (currency, value_cents) WHERE value_cents IS NOT NULL;

CREATE TABLE order_items (
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    sku_key TEXT NOT NULL,
    sku TEXT NOT NULL,
    PRIMARY KEY (order_id, sku_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX order_items_by_sku ON order_items (sku_key);
"""

CATALOGUE = """
CREATE TABLE catalogue (
    n INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    opened_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    number TEXT NOT NULL,
    reversed TEXT NOT NULL,
    original TEXT,
    original_reversed TEXT,
    carrier TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    bench TEXT NOT NULL,
    packer TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    value_cents INTEGER,
    currency TEXT NOT NULL,
    incomplete INTEGER NOT NULL,
    mismatch INTEGER NOT NULL,
    no_video INTEGER NOT NULL,
    gap INTEGER NOT NULL,
    held INTEGER NOT NULL,
    test INTEGER NOT NULL,
    deleted INTEGER NOT NULL
) STRICT;
"""

# What few sessions are: each such index also holds what else may be asked of them, so that even a
# combination that hardly ever occurs is found without looking at the rows.
_BESIDE = (
    "packer, bench, carrier, value_cents, currency, "
    "status, kind, incomplete, mismatch, no_video, gap, held, test, deleted"
)
_FEW = {
    "open": "status = 'open'",
    "interrupted": "status = 'interrupted'",
    "cancelled": "status = 'cancelled'",
    "return": "kind = 'return'",
    "incomplete": "incomplete = 1",
    "mismatch": "mismatch = 1",
    "no_video": "no_video = 1",
    "gap": "gap = 1",
    "held": "held = 1",
    "test": "test = 1",
    "deleted": "deleted = 1",
}
_VALUE = (
    "(SELECT {what} FROM order_waybills AS w CROSS JOIN orders AS o ON o.order_id = w.order_id "
    "WHERE w.tracking_number = {number} AND o.value_cents IS NOT NULL GROUP BY o.currency "
    "ORDER BY sum(o.value_cents) DESC, o.currency LIMIT 1)"
)
_VALUED = (
    "value_cents = " + _VALUE.format(what="sum(o.value_cents)", number="catalogue.number") + ", "
    "currency = coalesce(" + _VALUE.format(what="o.currency", number="catalogue.number") + ", '')"
)

CATALOGUE_INDEXES = f"""
CREATE INDEX catalogue_by_number ON catalogue (number, opened_ms);
CREATE INDEX catalogue_by_suffix ON catalogue (reversed, opened_ms);
CREATE INDEX catalogue_by_time ON catalogue (opened_ms);
CREATE INDEX catalogue_by_bench ON catalogue (bench, opened_ms, n, carrier);
CREATE INDEX catalogue_by_packer ON catalogue (packer, opened_ms, n, bench, carrier);
CREATE INDEX catalogue_by_carrier ON catalogue (carrier, opened_ms);
CREATE INDEX catalogue_by_original ON catalogue (original, opened_ms) WHERE original IS NOT NULL;
CREATE INDEX catalogue_by_original_suffix ON catalogue (original_reversed, opened_ms)
    WHERE original IS NOT NULL;
CREATE INDEX catalogue_by_value ON catalogue (value_cents, currency, opened_ms)
    WHERE value_cents IS NOT NULL;
{
    "".join(
        f"CREATE INDEX catalogue_{name} ON catalogue (opened_ms, n, {_BESIDE}) WHERE {fact};"
        for name, fact in _FEW.items()
    )
}
DROP INDEX sessions_by_number;
DROP INDEX sessions_by_suffix;
DROP INDEX sessions_by_time;
"""

_MS = "CAST(strftime('%s', {at}) AS INTEGER) * 1000 + CAST(substr({at}, 21, 3) AS INTEGER)"  # .mmmZ
_AMENDED = (
    "EXISTS (SELECT 1 FROM amendments AS a WHERE a.subject = s.id AND a.change = '{change}' "
    "AND NOT EXISTS (SELECT 1 FROM amendments AS u WHERE u.undoes = a.id AND u.undoes <> ''))"
)
_NEWEST_REBOUND = (
    "(SELECT a.id FROM amendments AS a WHERE a.subject = s.id AND a.change = 'rebound' "
    "ORDER BY a.id DESC LIMIT 1)"
)
_NUMBER = "coalesce(f.later_number, f.tracking_number)"

DERIVED = f"""
SELECT id AS session_id, opened_ms, ended_ms,
    coalesce(later_number, tracking_number) AS number,
    coalesce(later_reversed, number_reversed) AS reversed,
    CASE WHEN later_number <> tracking_number THEN tracking_number END AS original,
    CASE WHEN later_number <> tracking_number THEN number_reversed END AS original_reversed,
    coalesce(CASE WHEN later_number IS NULL THEN carrier ELSE later_carrier END, '') AS carrier,
    kind, status, bench, packer, bytes,
    {_VALUE.format(what="sum(o.value_cents)", number=_NUMBER)}
        AS value_cents,
    coalesce({_VALUE.format(what="o.currency", number=_NUMBER)}, '') AS currency,
    status IN ('sealed', 'interrupted') AND (clips = 0 OR missing) AS incomplete,
    label IS 'mismatch' AS mismatch,
    status IN ('sealed', 'interrupted') AND clips = 0 AS no_video,
    gap, held, test, deleted
FROM (SELECT s.*,
    {_MS.format(at="s.opened_at")} AS opened_ms,
    {_MS.format(at="s.sealed_at")} AS ended_ms,
    r.number AS later_number, r.number_reversed AS later_reversed, r.carrier AS later_carrier,
    (SELECT count(*) FROM clips WHERE session_id = s.id) AS clips,
    (SELECT CAST(total(size_bytes) AS INTEGER) FROM clips WHERE session_id = s.id)
        + (SELECT CAST(total(size_bytes) AS INTEGER) FROM shots WHERE session_id = s.id) AS bytes,
    EXISTS (SELECT 1 FROM json_each(s.required) AS r WHERE r.value NOT IN
        (SELECT slot FROM shots WHERE session_id = s.id)) AS missing,
    (SELECT label_check FROM shots WHERE session_id = s.id AND label_check IS NOT NULL
        ORDER BY seq DESC LIMIT 1) AS label,
    EXISTS (SELECT 1 FROM gaps WHERE session_id = s.id) AS gap,
    {_AMENDED.format(change="held")} AS held,
    {_AMENDED.format(change="test")} AS test,
    EXISTS (SELECT 1 FROM amendments AS a
        WHERE a.subject = s.id AND a.change = 'deleted') AS deleted
FROM sessions AS s LEFT JOIN amendments AS r ON r.id = {_NEWEST_REBOUND}) AS f
"""  # noqa: S608 - nothing in it comes from outside

# One of these stands before each way by which a row could be changed; see `tables.py`.
_GUARD = """
CREATE TRIGGER {table}_insert BEFORE INSERT ON {table}
WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'what was filed is filed once'); END;

CREATE TRIGGER {table}_update BEFORE UPDATE ON {table}
BEGIN SELECT RAISE(ABORT, 'what was filed never changes'); END;

CREATE TRIGGER {table}_delete BEFORE DELETE ON {table}
BEGIN SELECT RAISE(ABORT, 'what was filed is never deleted'); END;
"""
# What an order is worth may become known when its parcel was sealed long ago.
_KEPT_CURRENT = f"""
CREATE TRIGGER catalogue_linked AFTER INSERT ON order_waybills
BEGIN UPDATE catalogue SET {_VALUED} WHERE number = NEW.tracking_number; END;

CREATE TRIGGER catalogue_valued AFTER UPDATE OF value_cents, currency ON orders
WHEN (OLD.value_cents, OLD.currency) IS NOT (NEW.value_cents, NEW.currency)
BEGIN UPDATE catalogue SET {_VALUED} WHERE number IN
    (SELECT tracking_number FROM order_waybills WHERE order_id = NEW.order_id); END;
"""  # noqa: S608 - nothing in it comes from outside

LATER_GUARDS = _KEPT_CURRENT + "".join(
    _GUARD.format(table=table) for table in ("amendments", "documents")
)
