"""The journal of a batch: what became of each item, on the disk before anything else happens to it."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from items import Item

VIDEO = "video"
ACCEPTED = "accepted"
FAILED = "failed"
REFUSED = "refused"
NOT_SENT = "not sent"
IN_DOUBT = "in doubt"
_SENDING = "sending"

STATES = {
    VIDEO: "its file is in the results",
    ACCEPTED: "its video is not there yet; run the batch with --wait, again if need be",
    FAILED: "the relay made no video of it; correct the item, then send it in a batch of its own",
    REFUSED: "the relay refused it, and charged nothing; correct the item, then send it in a batch of its own",
    NOT_SENT: "nothing left for the relay; run the batch again",
    IN_DOUBT: "it may have been charged; look for its time and prompt in the relay's log before you send it again",
}
"""The states of an item, and what each means for whoever reads the table."""

_SCHEMA = """CREATE TABLE IF NOT EXISTS items
             (key TEXT PRIMARY KEY, line INTEGER, state TEXT, outcome TEXT, sent_at TEXT)"""


class JournalInUse(Exception):
    """Another batch has the journal open."""


class Journal:
    """An SQLite file that one process at a time has open. What a method wrote is on the disk when it returns."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(file, timeout=1, isolation_level=None)
        try:
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute(_SCHEMA)
            self.abandon("the batch was killed while it was being sent")
        except sqlite3.OperationalError as error:
            self._database.close()
            raise JournalInUse(f"{file}: {error}; is another batch running on it?") from error

    def close(self) -> None:
        """Lets another process open the file."""
        self._database.close()

    def unsent(self, items: Iterable[Item]) -> list[Item]:
        """Those of `items` that certainly never left, in any run."""
        query = "SELECT key FROM items WHERE state != ?"
        known = {key for (key,) in self._database.execute(query, (NOT_SENT,))}
        return [item for item in items if item.key not in known]

    def accepted(self, items: Iterable[Item]) -> list[tuple[Item, str]]:
        """Those of `items` that were accepted and have come to no end yet, each with its task's id."""
        query = "SELECT key, outcome FROM items WHERE state = ?"
        known = {key: json.loads(outcome) for key, outcome in self._database.execute(query, (ACCEPTED,))}
        return [(item, known[item.key]["task_id"]) for item in items if item.key in known]

    def sending(self, item: Item) -> None:
        """Writes down that `item` leaves now."""
        self._database.execute(
            "INSERT OR REPLACE INTO items VALUES (?, ?, ?, '{}', datetime('now'))", (item.key, item.line, _SENDING)
        )

    def ended(self, item: Item, state: str, outcome: dict[str, Any]) -> None:
        """Writes down what became of `item`."""
        text = json.dumps(outcome, ensure_ascii=False)
        self._database.execute("UPDATE items SET state = ?, outcome = ? WHERE key = ?", (state, text, item.key))

    def abandon(self, why: str) -> None:
        """Writes down that nobody will hear any more what became of the items under way."""
        query = "UPDATE items SET state = ?, outcome = ? WHERE state = ?"
        self._database.execute(query, (IN_DOUBT, json.dumps({"why": why}), _SENDING))

    def results(self, items: Iterable[Item]) -> list[dict[str, Any]]:
        """What is known of each item, in the order of the file."""
        rows = {key: row for key, *row in self._database.execute("SELECT key, state, outcome, sent_at FROM items")}
        found = list[dict[str, Any]]()
        for item in items:
            state, outcome, sent_at = rows.get(item.key, (NOT_SENT, "{}", None))
            found.append({"line": item.line, "state": state, "sent_at": sent_at, **json.loads(outcome)})
        return found


def table(results: list[dict[str, Any]], wanted: tuple[str, ...]) -> str:
    """How many items are in each state, and each that is in none of those `wanted`, with what to do about it."""
    amounts = Counter(result["state"] for result in results)
    lines = [f"{amounts[state]:7} {state}" for state in STATES if amounts[state]]
    for state, advice in STATES.items():
        if state not in wanted and amounts[state]:
            lines += ["", f"{state}: {advice}"]
            lines += [f"  line {r['line']}: {r.get('why', '')}".rstrip() for r in results if r["state"] == state][:20]
            if amounts[state] > 20:
                lines.append(f"  ... and {amounts[state] - 20} more; all are in the results")
    return "\n".join(lines)
