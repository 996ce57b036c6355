"""The journal of a batch: each state is on disk before the next step."""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from items import Item

VIDEO = "video"
ACCEPTED = "accepted"
FAILED = "failed"
REFUSED = "refused"
NOT_SENT = "not sent"
IN_DOUBT = "in doubt"

STATES = {
    VIDEO: "the results name its file",
    ACCEPTED: "its video is not downloaded yet; run the batch with --wait",
    FAILED: "the relay made no video; correct the item and send it in another batch",
    REFUSED: "the relay refused it, for free; correct the item and send it in another batch",
    NOT_SENT: "it was not charged; run the batch again",
    IN_DOUBT: "it may have been charged. In the task log of the relay's web console, look for a task with its time and "
    "prompt, or give the operator its request id; then settle it: "
    "ITEMS.jsonl resolve ITEM --task ID, or --resend if no task exists",
}
"""The states of an item, with advice for the reader of the table."""
_SHOWN = 20


class JournalInUse(Exception):
    """Another batch has the journal open."""


class Journal:
    """An SQLite file with an exclusive lock; an entry is on disk when write() returns."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(file, timeout=1, isolation_level=None)
        try:
            for mode in "locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL":
                self._database.execute(f"PRAGMA {mode}")
            self._database.execute("CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, entry TEXT)")
            rows = self._database.execute("SELECT key, entry FROM entries").fetchall()
        except sqlite3.OperationalError as error:
            self._database.close()
            raise JournalInUse(f"{file}: {error}; is another batch running on it?") from error
        self._entries: dict[str, dict[str, Any]] = {key: json.loads(entry) for key, entry in rows}

    def close(self) -> None:
        """Release the lock."""
        self._database.close()

    def state(self, key: str) -> str:
        """The state of an item, by default NOT_SENT."""
        return str(self._entries.get(key, {}).get("state", NOT_SENT))

    def write(self, key: str, state: str, **known: Any) -> None:
        """Write the state of an item with details; keep the time at which it was sent."""
        sent_at = self._entries.get(key, {}).get("sent_at")
        self._entries[key] = entry = {"state": state, "sent_at": sent_at, **known}
        text = json.dumps(entry, ensure_ascii=False)
        self._database.execute("INSERT OR REPLACE INTO entries VALUES (?, ?)", (key, text))

    def results(self, items: Sequence[Item]) -> list[dict[str, Any]]:
        """The entry of each item, in the order of the file."""
        unsent = {"state": NOT_SENT, "sent_at": None}
        return [{"item": item.key, "line": item.line, **self._entries.get(item.key, unsent)} for item in items]


def table(results: list[dict[str, Any]], final: tuple[str, ...]) -> str:
    """Count the items in each state, and list those in a state that is not `final`, with advice."""
    counts = Counter(result["state"] for result in results)
    lines = [f"{counts[state]:7} {state}" for state in STATES if counts[state]]
    for state, advice in STATES.items():
        if state in final or not counts[state]:
            continue
        found = [result for result in results if result["state"] == state]
        lines += ["", f"{state}: {advice}"]
        for result in found[:_SHOWN]:
            when = f", sent {result['sent_at']}" if result["sent_at"] else ""
            lines.append(f"  {result['item']} (line {result['line']}{when}): {result.get('why', '')}")
        if len(found) > _SHOWN:
            lines.append(f"  ... and {len(found) - _SHOWN} more; all are in the results")
    return "\n".join(lines)
