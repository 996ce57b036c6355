"""`make bench`: measure and write the table. With ONLY=sync,imports or QUICK=1, measure less, and don't write it."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

import packages
import report
import scenarios
import synthetic
from rounds import Measure, Rounds, Skipped, calls, imports, interleaved, timed
from scenarios import Scenario

HERE = Path(__file__).parent


def main() -> int:
    """Run the benchmarks; return the exit code."""
    parser = ArgumentParser(description=__doc__)
    names = [scenario.name for scenario in scenarios.ALL]
    parser.add_argument("--only", default="", help=f"comma-separated: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="few rounds: a smoke test without useful figures")
    parser.add_argument("--beside", action="append", default=[], metavar="NAME=FOLDER", help="add another build")
    arguments = parser.parse_args()
    selected = [name for name in arguments.only.split(",") if name] or names
    if unknown := set(selected) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    machine = report.machine()
    print(machine, "", report.HEAD, sep="\n", flush=True)
    blocks: list[str] = []
    measured: dict[str, Rounds] = {}
    with TemporaryDirectory() as folder:
        beside = dict(each.partition("=")[::2] for each in arguments.beside)
        bench = Bench(Path(folder), {name: Path(where) for name, where in beside.items()}, quick=arguments.quick)
        for scenario in scenarios.ALL:
            if scenario.name in selected:
                rounds, skipped = bench.measure(scenario)
                blocks.append(report.table(scenario, rounds, skipped))
                measured[scenario.name] = rounds
                print(blocks[-1], flush=True)
    if selected == names and not arguments.quick:
        write(machine, blocks, measured)
    return 0


class Bench:
    """The packages to compare, generated on first use."""

    def __init__(self, folder: Path, beside: dict[str, Path], *, quick: bool) -> None:
        self.folder, self.beside, self.quick = folder, beside, quick
        self.peers: dict[str, Path | str] = {}

    def measure(self, scenario: Scenario) -> tuple[Rounds, Skipped]:
        if scenario in scenarios.CALLS:
            return calls(scenario, self.peers or self.made(), quick=self.quick)
        if scenario is scenarios.IMPORTS:
            (folder := self.folder / "imports").mkdir()
            return imports(folder, quick=self.quick), {}
        measures = {
            scenarios.GENERATE: self.generate,
            scenarios.CHECK: self.check,
            scenarios.ADOPT: self.adopt,
            scenarios.SUITE: lambda: {"make test": timed(lambda: packages.run("make", "test"))},
        }[scenario]()
        try:
            return interleaved(measures, scenario.quick if self.quick else scenario.rounds), {}
        except RuntimeError as error:
            return {}, dict.fromkeys(measures, str(error).strip().splitlines()[-1])

    def made(self) -> dict[str, Path | str]:
        prepared = packages.prepare(packages.ROOT / "relay.json", self.folder / "prepared")
        vanilla = packages.vanilla(prepared, self.folder / "vanilla")
        other = packages.openapi_generator(prepared, self.folder / "openapi-generator")
        ours = dict.fromkeys((scenarios.OURS, "httpx + sniffio"), packages.OURS)
        more = {f"{scenarios.OURS} @ {name}": where for name, where in self.beside.items()}
        on_httpx2 = {scenarios.ON_HTTPX2: packages.on_httpx2(self.folder / "on-httpx2")}
        self.peers = {**ours, **on_httpx2, "vanilla": vanilla, "openapi-generator": other, **more}
        return self.peers

    def document(self, operations: int) -> Path:
        """A synthetic document with this many operations."""
        file = self.folder / f"{operations}-operations.json"
        file.write_text(json.dumps(synthetic.whole(operations, 4 * operations)))
        return file

    def generate(self) -> dict[str, Measure]:
        measures: dict[str, Measure] = {}
        for name, document in (("relay.json", packages.ROOT / "relay.json"), ("40 operations", self.document(40))):
            into = self.folder / f"generate-{len(measures)}"
            prepared = packages.prepare(document, into / "prepared")
            measures[f"this client: {name}"] = timed(lambda d=document, i=into: packages.ours(d, i))
            measures[f"vanilla: {name}"] = timed(lambda p=prepared, i=into: packages.vanilla(p, i / "vanilla"))
        return measures

    def check(self) -> dict[str, Measure]:
        measures: dict[str, Measure] = {"relay.json": timed(lambda: packages.run("make", "check"))}
        for number in scenarios.OPERATIONS:
            document, into = self.document(number), self.folder / f"check-{number}"
            packages.ours(document, into)
            measures[f"{number} operations"] = timed(lambda d=document, i=into: packages.check(d, i))
        return measures

    def adopt(self) -> dict[str, Measure]:
        measures: dict[str, Measure] = {}
        for number in scenarios.OPERATIONS:
            file, checkout = self.folder / f"grown-{number}.json", packages.checkout(self.folder / f"adopt-{number}")
            document = json.loads((packages.ROOT / "relay.json").read_text(encoding="utf-8"))
            file.write_text(json.dumps(synthetic.grown(document, number)))
            measures[f"{number} operations"] = timed(lambda f=file, c=checkout: packages.adopt(f, c))
        return measures


def write(machine: str, blocks: list[str], measured: dict[str, Rounds]) -> None:
    """Write RESULTS.md and its plot."""
    import plot

    plot.draw(measured, HERE / "results.png")
    lead = "# Results\n\nWritten by `make bench`; [README.md](README.md) describes the method and the conclusions.\n"
    text = "\n".join([lead, machine, "\n![The table as a plot](results.png)\n", report.HEAD, *blocks, ""])
    (HERE / "RESULTS.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
