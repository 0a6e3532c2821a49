"""python3 -m payinv.migrate DATABASE: brings the database to the newest form; may be run again.

The release before must work with it, too, for it is live while this runs and after a rollback: so
columns and tables are added, and removed only when no release that may come back needs them.
"""

import sqlite3
import sys

STEPS = [
    "CREATE TABLE invoice (id INTEGER PRIMARY KEY, payer TEXT NOT NULL, cents INTEGER NOT NULL)",
    "ALTER TABLE invoice ADD COLUMN paid_at TEXT",
]


def main():
    database = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    done = database.execute("PRAGMA user_version").fetchone()[0]
    for step in STEPS[done:]:
        database.execute(step)
    if done < len(STEPS):  # a newer release may have been here
        database.execute(f"PRAGMA user_version = {len(STEPS)}")
    database.execute("COMMIT")
    print(f"migrate: {max(0, len(STEPS) - done)} steps")


main()
