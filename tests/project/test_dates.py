"""Dates and times of a document that has them travel as ISO 8601, by an independent reading of it."""

import importlib
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from dateutil.parser import isoparse
from hypothesis import given
from hypothesis import strategies as st

from checkout import generate
from specimens import small, write

EVENT = {
    "type": "object",
    "required": ["at", "on"],
    "properties": {"at": {"type": "string", "format": "date-time"}, "on": {"type": "string", "format": "date"}},
}
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(timezones=zones)


@pytest.fixture(scope="module")
def event(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The class of a document with dates, generated for these tests."""
    folder = tmp_path_factory.mktemp("dates")
    done = generate(folder / "dated_client", "--document", write(folder, small(Event=EVENT)))
    assert done.returncode == 0, done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module("dated_client.models").Event
    sys.path.remove(str(folder))


def test_what_is_written_reads_as_it_was_meant(event: Any) -> None:
    @given(at=moments, on=st.dates())
    def reads(at: datetime, on: date) -> None:
        written = event(at=at, on=on).to_dict()
        assert isoparse(written["at"]) == at
        assert isoparse(written["at"]).utcoffset() == at.utcoffset()
        assert isoparse(written["on"]).date() == on
        assert event.from_dict(written) == event(at=at, on=on)

    reads()


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T10:59:12Z",
        "2026-11-23T10:59:12+08:00",
        "2026-11-23T10:59:12.5Z",
        "2026-11-23T10:59:12.123456-03:30",
        "2026-11-23T00:00:00.000Z",
    ],
)
def test_what_a_relay_writes_is_read_as_it_was_meant(event: Any, text: str) -> None:
    read = event.from_dict({"at": text, "on": "2026-11-23"})
    assert read.at == isoparse(text)
    assert read.at.utcoffset() == isoparse(text).utcoffset()
    assert read.on == isoparse("2026-11-23").date()
    assert read.at.astimezone(UTC) == isoparse(text)
