"""Probe a relay, and report known and new departures from the document."""

import asyncio
import json
import re
import sys
from argparse import Namespace
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import httpx

from ..document import loading, operations
from ..document.defects import Refusal, count
from ..document.loading import Document
from ..document.operations import Operation
from ..document.overlay import load_yaml
from ..document.text import annotate, coloured, is_visible
from ..document.tree import list_or_empty, object_or_empty, pointer
from ..document.values import Schemas, close_objects
from . import probes
from .probes import Probe, Received
from .standin import Contract, Relay

_AT_RANDOM = re.compile(r"\w*\d\w*")
"""Numbers and ids, which differ between responses."""
_NOT_FOUND = "not found"
_FACTS = ("operation", "probe", "kind", "where")


def run(document: Document, arguments: Namespace) -> int:
    """Probe, judge and report; return 1 for a departure that is not accepted, 2 if not everything could be judged."""
    if document.defects:
        raise Refusal.environment("the document is not sound.", "See `python -m contract_check document`.")
    accepted = _accepted(arguments.accepted)
    flag = "--submit" if arguments.submit else "--read" if arguments.read else ""
    token = probes.token(flag) if flag else ""
    if arguments.submit and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refusal.environment("--submit costs money, so you must type yes.", "Run it in a terminal.")
    documented = list(operations.of(document.value))
    asked = list(probes.harmless(documented))
    if arguments.read:
        asked += probes.reads(documented, token)
    with _base_url_of(arguments, document.value) as url:
        if arguments.submit:
            asked.append(probes.consented(documented, url, arguments.submit, token))
        print(f"sending {count(len(asked), 'request')} to {url} ...", file=sys.stderr)
        given = asyncio.run(probes.ask(asked, url, trust_env=arguments.base_url is not None))
    exchanges, unjudged = list(zip(asked, given, strict=False)), list[str]()
    if given and given[-1].is_limit:
        exchanges.pop()
        left = f"{len(asked) - len(exchanges)} of {count(len(asked), 'request')} not sent: the rate limit (429)"
        unjudged.append(f"{left} asks to wait {given[-1].pause} s; run this again later")
    elif arguments.submit and given[-1].status // 100 != 2:
        refusal = given[-1].status or given[-1].failure
        unjudged.append(f"the submission was not accepted ({refusal}), so no success was seen")
    called = {probe.operation for probe in asked if probe.name == "no token"}
    by_operation = dict[Operation, list[tuple[Probe, Received]]]()
    for probe, answer in exchanges:
        by_operation.setdefault(probe.operation, []).append((probe, answer))
    seen = {str(operation): _seen(pairs) for operation, pairs in by_operation.items()}
    what = {"what": "no such operation here: is the base URL right?", "accepted": ""}
    report: dict[str, Any] = {
        "base_url": url,
        "answers": [],
        "departures": [
            {"operation": name, "probe": "unknown path", "kind": "not-found", "where": "path", **what}
            for name, found in seen.items()
            if found == _NOT_FOUND
        ],
        "not_called": [str(operation) for operation in documented if operation not in called],
        "not_in_document": list(loading.additions(document)),
        "unjudged": unjudged,
        "seen": seen,
    }
    closed = Schemas(close_objects(document.value))
    for probe, answer in exchanges:
        facts = {"operation": str(probe.operation), "probe": probe.name}
        key = probes.documented(probe.operation, answer.status)
        report["answers"].append({**facts, "status": answer.status, "documented": key})
        for found in dict.fromkeys(probes.judge(closed, probe, answer)):
            row = facts | {"kind": found.kind, "where": _plain(found.where, token), "what": _plain(found.what, token)}
            why = next((entry["why"] for entry in accepted if _matches(entry, row)), "")
            report["departures"].append({**row, "accepted": why})
    # An entry may still hold if its probe was not sent or got no response, or if the submission was refused.
    judged = [
        row for row in report["answers"] if row["status"] // 100 == 2 or (row["status"] and row["probe"] != "submit")
    ]
    due = (entry for entry in accepted if any(_matches(entry, row) for row in judged))
    report["no_longer"] = [entry for entry in due if not any(_matches(entry, row) for row in report["departures"])]
    _show(report, as_json=arguments.format == "json")
    if any(not row["accepted"] for row in report["departures"]):
        return 1
    return 2 if unjudged else 0


def _seen(exchanges: list[tuple[Probe, Received]]) -> str:
    """Summarize the responses of one operation: successes, refusals, or the same as for an unknown path."""
    nowhere = [_fingerprint(probe, answer) for probe, answer in exchanges if probe.name == "unknown path"]
    there = [(probe, answer) for probe, answer in exchanges if probe.name != "unknown path" and answer.status]
    successes = [answer.status for probe, answer in there if answer.status // 100 == 2 and probe.may_succeed]
    refusals = [answer.status for probe, answer in there if answer.status // 100 != 2 or not probe.may_succeed]
    is_path_read = not refusals or any(status not in (401, 403) for status in refusals)  # 401 may precede 404
    if nowhere and there and is_path_read and {_fingerprint(*each) for each in there} == set(nowhere):
        return _NOT_FOUND
    kinds = (("a success", successes), ("refusals", refusals))
    parts = [f"{kind} ({', '.join(map(str, dict.fromkeys(statuses)))})" for kind, statuses in kinds if statuses]
    return " and ".join(parts) or "nothing"


def _fingerprint(probe: Probe, answer: Received) -> str:
    """Reduce a response to what two of the same handler share: status, media type, and body without path and ids."""
    route = probe.target.removesuffix(f"/{probes.NOWHERE}")
    body = answer.body.decode(errors="replace").replace(f"/{probes.NOWHERE}", "").replace(route, "")
    return f"{answer.status} {answer.media_type} {_AT_RANDOM.sub('', body)}"


def _accepted(file: Path) -> list[dict[str, str]]:
    entries = [object_or_empty(entry) for entry in list_or_empty(load_yaml(file))]
    for number, entry in enumerate(entries, 1):
        if entry.keys() - {*_FACTS, "why"} or "kind" not in entry or not str(entry.get("why") or "").strip():
            problem = f"{file}: entry {number} is invalid."
            raise Refusal.environment(problem, "Each has `kind` and `why`; operation, probe and where are optional.")
    return [{name: " ".join(str(value).split()) for name, value in entry.items()} for entry in entries]


def _matches(entry: dict[str, str], row: dict[str, Any]) -> bool:
    """Whether an accepted entry matches `row`; * and omitted facts match anything."""
    return all(fnmatchcase(row[name], entry.get(name, "*")) for name in _FACTS if name in row)


def _plain(text: str, token: str) -> str:
    """Make text from a relay safe to print: without the token, escaped or not, and on one line."""
    for secret in filter(None, (token, pointer((token,))[2:])):
        text = text.replace(secret, "***")
    return "".join(c if c.isprintable() and is_visible(c) else "\N{REPLACEMENT CHARACTER}" for c in text)[:300]


def _show(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
    for level, line in _lines(report):
        if not as_json:
            print(coloured(level, line))
        if level:
            annotate(level, "title=live contract", line, sys.stderr)


def _lines(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the lines of the report, each with the level of its annotation, or an empty string."""
    for row in report["answers"]:
        key = row["documented"] or "nothing"
        yield "", f"{row['operation']}, {row['probe']}: {row['status'] or 'no response'}, documented as {key}"
    yield from (("", f"{name}: not called, since it has no JSON body to truncate") for name in report["not_called"])
    yield from (("", line) for line in report["not_in_document"])
    rows = sorted(report["departures"], key=itemgetter("accepted", "kind"))
    for why, alike in groupby(rows, itemgetter("accepted")):
        level, word = ("notice", "accepted") if why else ("error", "NEW")
        for row in alike:
            yield level, "{word}: {operation}, {probe}: {where}: {what} ({kind})".format(word=word, **row)
        yield from [("", f"    because: {why}")] if why else ()
    for entry in report["no_longer"]:
        facts = ", ".join(f"{name} {entry[name]}" for name in _FACTS if name in entry)
        yield "warning", f"accepted, but no longer found: {facts}"
    yield from (("warning", f"not judged: {reason}") for reason in report["unjudged"])
    yield from (("", f"seen for {name}: {what}") for name, what in report["seen"].items())
    fresh = sum(not row["accepted"] for row in report["departures"])
    known = count(len(report["departures"]) - fresh, "accepted departure")
    verdict = "no agreement, since not all was judged" if report["unjudged"] else "agreement in what was seen"
    yield "", f"{count(fresh, 'new departure') if fresh else verdict}; {known}"


@contextmanager
def _base_url_of(arguments: Namespace, document: dict[str, Any]) -> Generator[str]:
    """The given base URL, or that of a temporary stand-in."""
    if arguments.base_url is not None:
        yield _base_url(arguments.base_url, sends_token=bool(arguments.submit or arguments.read))
        return
    print("no --base-url: checking a stand-in relay on loopback ...", file=sys.stderr)
    with Relay(Contract(document)) as relay:
        yield relay.url


def _base_url(text: str, *, sends_token: bool) -> str:
    """Validate a base URL; the Refusal does not repeat it, since it may contain a password."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise Refusal.environment("--base-url must be a plain http(s) URL,", "such as https://relay.example.com.")
    if sends_token and url.scheme == "http" and url.host not in ("127.0.0.1", "::1", "localhost"):
        raise Refusal.environment("the token would be sent unencrypted.", "Give an https URL.")
    return text.rstrip("/")
