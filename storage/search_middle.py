"""The middle of tracking numbers: found through a trigram index where there is one, else by reading
every number.

The index is optional: it makes the database larger by about 150 bytes for each session. It is made
in steps beside the bench's work, kept current by triggers from the first step on, and used when it
is whole. Derived from the catalogue, never evidence.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlite_utils import Database

from storage.transaction import immediate

BATCH = 20_000
"""Sessions of one step: some tenths of a second, for which a seal may have to wait."""
_DONE = "search_middle"
_WHOLE = str(2**62)

# External content: the index holds no second copy of the numbers. A row that is not indexed yet
# must not be deleted from it, which would damage it: hence the bound in every trigger.
_INDEXED = f"(SELECT CAST(value AS INTEGER) FROM meta WHERE key = '{_DONE}')"  # noqa: S608
_PUT = (
    "INSERT INTO catalogue_middle (rowid, number, original) "
    "VALUES (NEW.n, NEW.number, NEW.original);"
)
_TAKE = (
    "INSERT INTO catalogue_middle (catalogue_middle, rowid, number, original) "
    "VALUES ('delete', OLD.n, OLD.number, OLD.original);"
)
_MAKE = f"""
CREATE VIRTUAL TABLE catalogue_middle USING fts5(number, original, content = 'catalogue',
    content_rowid = 'n', tokenize = 'trigram case_sensitive 1')
-- then
CREATE TRIGGER catalogue_middle_put AFTER INSERT ON catalogue WHEN NEW.n <= {_INDEXED}
BEGIN {_PUT} END
-- then
CREATE TRIGGER catalogue_middle_change AFTER UPDATE OF number, original ON catalogue
WHEN OLD.n <= {_INDEXED} AND (OLD.number, OLD.original) IS NOT (NEW.number, NEW.original)
BEGIN {_TAKE} {_PUT} END
-- then
CREATE TRIGGER catalogue_middle_take AFTER DELETE ON catalogue WHEN OLD.n <= {_INDEXED}
BEGIN {_TAKE} END
-- then
INSERT OR REPLACE INTO meta VALUES ('{_DONE}', '0')
"""  # noqa: S608 - nothing in it comes from outside


def enabled(db: Database) -> bool:
    """True when there is an index and it is whole."""
    return _done(db) == _WHOLE


def step(db: Database) -> tuple[int, int]:
    """Index the next sessions, in one transaction; how many are done, and of how many.

    Equal when the index is whole. Raises sqlite3.Error.
    """
    if enabled(db):
        return 1, 1
    with immediate(db):
        if _done(db) is None:
            for statement in _MAKE.split("-- then"):
                db.execute(statement)
        done, everything = int(_done(db) or 0), _highest(db)
        if done >= everything:
            db.execute("UPDATE meta SET value = ? WHERE key = ?", [_WHOLE, _DONE])
            return everything, everything
        until = db.execute(
            "SELECT max(n) FROM (SELECT n FROM catalogue WHERE n > ? ORDER BY n LIMIT ?)",
            [done, BATCH],
        ).fetchone()[0]
        db.execute(
            "INSERT INTO catalogue_middle (rowid, number, original) "
            "SELECT n, number, original FROM catalogue WHERE n > ? AND n <= ?",
            [done, until],
        )
        db.execute("UPDATE meta SET value = ? WHERE key = ?", [str(until), _DONE])
        return min(int(until), everything - 1), everything


def enable_middle(db: Database, progress: Callable[[int, int], None] | None = None) -> None:
    """Make the whole index, on the thread that writes. Raises sqlite3.Error."""
    done, everything = step(db)
    while done < everything:
        if progress is not None:
            progress(done, everything)
        done, everything = step(db)


def rows_with(db: Database, text: str, most: int, indexed: bool) -> list[int]:
    """The numbers (`n`) of at most `most` rows of the catalogue that have the text in their
    tracking number, or in that of before they were rebound."""
    if enabled(db):
        phrase = '"' + text.replace('"', '""') + '"'
        sql = f"SELECT rowid FROM catalogue_middle WHERE catalogue_middle MATCH ? LIMIT {most}"  # noqa: S608
        return [n for (n,) in db.execute(sql, [phrase])]
    by_number = "INDEXED BY catalogue_by_number" if indexed else ""
    by_original = "INDEXED BY catalogue_by_original" if indexed else ""
    sql = (
        f"SELECT n FROM (SELECT n FROM catalogue {by_number} WHERE instr(number, :text) "  # noqa: S608
        f"LIMIT {most}) UNION SELECT n FROM (SELECT n FROM catalogue {by_original} "
        f"WHERE original IS NOT NULL AND instr(original, :text) LIMIT {most}) LIMIT {most}"
    )
    return [n for (n,) in db.execute(sql, {"text": text})]


def _done(db: Database) -> str | None:
    """Up to which session the index was made; None where it was not begun."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", [_DONE]).fetchone()
    return None if row is None else str(row[0])


def _highest(db: Database) -> int:
    return int(db.execute("SELECT coalesce(max(n), 0) FROM catalogue").fetchone()[0])
