"""`make bench`: the table. `make bench ONLY=sync,imports` measures only these, `QUICK=1` roughly; neither writes it."""

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
    """Measures; returns the exit code."""
    parser = ArgumentParser(description=__doc__)
    names = [scenario.name for scenario in scenarios.ALL]
    parser.add_argument("--only", default="", help=f"some of {', '.join(names)}, with commas between")
    parser.add_argument("--quick", action="store_true", help="few rounds: to see that it runs, not how fast")
    parser.add_argument("--beside", action="append", default=[], metavar="NAME=FOLDER", help="another build as well")
    arguments = parser.parse_args()
    wanted = [name for name in arguments.only.split(",") if name] or names
    if unknown := set(wanted) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    machine = report.machine()
    print(machine, "", report.HEAD, sep="\n", flush=True)
    blocks: list[str] = []
    measured: dict[str, Rounds] = {}
    with TemporaryDirectory() as folder:
        beside = dict(each.partition("=")[::2] for each in arguments.beside)
        bench = Bench(Path(folder), {name: Path(where) for name, where in beside.items()}, quick=arguments.quick)
        for scenario in scenarios.ALL:
            if scenario.name in wanted:
                rounds, skipped = bench.measure(scenario)
                blocks.append(report.table(scenario, rounds, skipped))
                measured[scenario.name] = rounds
                print(blocks[-1], flush=True)
    if wanted == names and not arguments.quick:
        write(machine, blocks, measured)
    return 0


class Bench:
    """What is compared, made when it is first needed."""

    def __init__(self, folder: Path, beside: dict[str, Path], *, quick: bool) -> None:
        self.folder, self.beside, self.quick = folder, beside, quick
        self.peers: dict[str, Path | str] = {}

    def measure(self, scenario: Scenario) -> tuple[Rounds, Skipped]:
        if scenario in scenarios.CALLS:
            return calls(scenario, self.peers or self.made(), quick=self.quick)
        if scenario is scenarios.IMPORTS:
            (folder := self.folder / "imports").mkdir()
            return imports(folder, quick=self.quick), {}
        times = scenario.quick if self.quick else scenario.rounds
        if scenario is scenarios.GENERATE:
            return self.generate(times), {}
        try:
            return interleaved({"make check": timed(lambda: packages.run("make", "check"))}, times), {}
        except RuntimeError as error:
            return {}, {"make check": str(error).splitlines()[-1]}

    def made(self) -> dict[str, Path | str]:
        prepared = packages.prepare(packages.ROOT / "relay.json", self.folder / "prepared")
        vanilla = packages.vanilla(prepared, self.folder / "vanilla")
        other = packages.openapi_generator(prepared, self.folder / "openapi-generator")
        ours = dict.fromkeys((scenarios.OURS, scenarios.EXTRA, "httpx + sniffio"), packages.OURS)
        both = (scenarios.OURS, scenarios.EXTRA)
        more = {f"{who} @ {name}": where for who in both for name, where in self.beside.items()}
        self.peers = {**ours, "vanilla": vanilla, "openapi-generator": other, **more}
        return self.peers

    def generate(self, times: int) -> Rounds:
        large = self.folder / "large.json"
        large.write_text(json.dumps(synthetic.document(40, 160)))
        measures: dict[str, Measure] = {}
        for name, document in (("relay.json", packages.ROOT / "relay.json"), ("40 operations", large)):
            into = self.folder / f"generate-{len(measures)}"
            prepared = packages.prepare(document, into / "prepared")
            measures[f"this client: {name}"] = timed(lambda d=document, i=into: packages.ours(d, i))
            measures[f"vanilla: {name}"] = timed(lambda p=prepared, i=into: packages.vanilla(p, i / "vanilla"))
        return interleaved(measures, times)


def write(machine: str, blocks: list[str], measured: dict[str, Rounds]) -> None:
    """RESULTS.md, and its plot."""
    import plot

    plot.draw(measured, HERE / "results.png")
    lead = "# Results\n\nWritten by `make bench`; [README.md](README.md) says how it measures, and what came of it.\n"
    text = "\n".join([lead, machine, "\n![The table as a plot](results.png)\n", report.HEAD, *blocks, ""])
    (HERE / "RESULTS.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
