"""Run a scenario in rounds, with all libraries in turn, so that noise of the machine affects all of them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

import packages
from relay import relay
from scenarios import IMPORTS, SCHEMAS, Scenario

Figures = dict[str, float]
Measure = Callable[[], Figures]
Rounds = dict[str, list[Figures]]
Skipped = dict[str, str]


def interleaved(measures: dict[str, Measure], rounds: int) -> Rounds:
    """The figures of each library, measured in rounds."""
    found: Rounds = {who: [] for who in measures}
    for number in range(rounds):
        # Reverse the order in every other round, since the order can be an advantage.
        for who in list(measures) if number % 2 else reversed(measures):
            found[who].append(measures[who]())
    return found


def calls(scenario: Scenario, folders: dict[str, Path | str], *, quick: bool) -> tuple[Rounds, Skipped]:
    """Measure calls, each library in its own process."""
    times = str(scenario.quick_calls if quick else scenario.calls)
    beside = [who for who in folders if who.partition(" @ ")[0] in scenario.who]
    everyone = list(dict.fromkeys([*scenario.who, *beside]))
    skipped = {who: folder for who in everyone if isinstance(folder := folders.get(who), str)}
    measures: dict[str, Measure] = {}
    with ExitStack() as stack:
        # For large bodies the relay is not nginx, which responds before it has read them.
        server = stack.enter_context(relay(scenario.delay, bodies=scenario.fresh, tls=scenario.tls))
        for who in everyone:
            folder = folders.get(who, "")
            if isinstance(folder, Path) or not folder:
                command = [sys.executable, "worker.py", scenario.name, who.partition(" @ ")[0], server.url, times]
                environment = {**server.environment, "PYTHONPATH": str(folder)}
                try:
                    if scenario.fresh:
                        with _worker(command, environment):
                            pass
                        measures[who] = _measure_once(command, environment)
                    else:
                        measures[who] = _busy(stack.enter_context(_worker(command, environment)), server.busy_seconds)
                except RuntimeError as error:
                    skipped[who] = str(error)
        return interleaved(measures, scenario.quick if quick else scenario.rounds), skipped


def _measure_once(command: list[str], environment: dict[str, str]) -> Measure:
    def measure() -> Figures:
        with _worker(command, environment) as round_:
            return round_()

    return measure


def _busy(measure: Measure, busy_seconds: Callable[[], float]) -> Measure:
    """Add the relay's CPU load: at 1, it would be the bottleneck."""

    def measured() -> Figures:
        before, started = busy_seconds(), time.perf_counter()
        figures = measure()
        return {**figures, "relay": (busy_seconds() - before) / (time.perf_counter() - started)}

    return measured


@contextmanager
def _worker(command: list[str], environment: dict[str, str]) -> Iterator[Measure]:
    plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    process = subprocess.Popen(
        command,
        cwd=Path(__file__).parent,
        env=plain | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    stdin, stdout, stderr = (cast(IO[str], each) for each in (process.stdin, process.stdout, process.stderr))

    def read() -> str:
        if line := stdout.readline():
            return line
        raise RuntimeError(stderr.read().strip().rpartition("\n")[2])

    def measure() -> Figures:
        stdin.write("\n")
        stdin.flush()
        figures: Figures = json.loads(read())
        return figures

    with process:
        read()
        yield measure
        stdin.close()


def imports(folder: Path, *, quick: bool) -> Rounds:
    """Measure imports, each in a new interpreter."""
    import synthetic

    measures: dict[str, Measure] = {
        "httpx": _imported("", "import httpx", folder),
        "httpx2": _imported("", "import httpx2", folder),
        "this client: the package": _imported("", "import generated_client", packages.OURS),
    }
    for schemas in SCHEMAS:
        document = folder / f"{schemas}.json"
        document.write_text(json.dumps(synthetic.whole(1, schemas)))
        prepared = packages.prepare(document, folder / f"prepared-{schemas}")
        vanilla = packages.vanilla(prepared, folder / f"vanilla-{schemas}")
        ours = packages.ours(document, folder / f"ours-{schemas}")
        statement = (
            "from generated_client.api.things import make_thing0; from generated_client.models import Thing0; "
            "Thing0(id='1')"
        )
        for who, where in (("this client", ours), ("vanilla", vanilla)):
            measures[f"{who}: of {schemas} schemas"] = _imported("import httpx", statement, where)
    for measure in measures.values():
        measure()  # writes the .pyc files
    return interleaved(measures, IMPORTS.quick if quick else IMPORTS.rounds)


def _imported(before: str, statement: str, path: Path) -> Measure:
    lines = (before, "import time", "started = time.perf_counter()", statement, "print(time.perf_counter() - started)")
    return lambda: {"seconds": float(packages.run(sys.executable, "-P", "-c", "\n".join(lines), paths=[path]))}


def timed(command: Callable[[], object]) -> Measure:
    """The wall time of a command."""

    def measure() -> Figures:
        started = time.perf_counter()
        command()
        return {"seconds": time.perf_counter() - started}

    return measure
