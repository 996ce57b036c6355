"""The workflows in .github/: they call what the Makefile has, may do no more than each needs, and see no secret."""

import re
from pathlib import Path as File
from typing import Any

import pytest
from ruamel.yaml import YAML

from checkout import ROOT, run

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
workflows = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)


def load(file: File) -> dict[str, Any]:
    reader: Any = YAML(typ="safe")
    workflow: dict[str, Any] = reader.load(file)
    return workflow


def steps(file: File) -> list[dict[str, Any]]:
    return [step for job in load(file)["jobs"].values() for step in job["steps"]]


def called(file: File) -> list[str]:
    """The make targets that a workflow calls, in order."""
    return [name for step in steps(file) for name in re.findall(r"\bmake +([a-z-]+)", step.get("run", ""))]


def test_each_workflow_runs_when_it_should() -> None:
    on = {file.stem: load(file)["on"] for file in WORKFLOWS}
    assert set(on) == {"gate", "live", "refresh", "release"}
    assert "pull_request" in on["gate"]
    for by_the_clock in ("live", "refresh"):
        assert re.fullmatch(r"\d+ \d+ \S+ \S+ \S+", on[by_the_clock]["schedule"][0]["cron"])
    assert on["release"] == {"push": {"tags": ["v[0-9]*"]}}


def test_the_gate_generates_looks_for_changes_checks_and_tests() -> None:
    gate = ROOT / ".github" / "workflows" / "gate.yml"
    assert called(gate) == ["generate", "check", "test"]
    runs = [step["run"] for step in steps(gate) if "run" in step]
    assert "git status --porcelain" in runs[runs.index("make generate") + 1]


@workflows
def test_each_target_that_a_workflow_calls_is_in_the_makefile(file: File) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert called(file)
    assert set(called(file)) <= targets


def test_a_refresh_adopts_and_opens_a_pull_request_where_something_changed() -> None:
    refresh = ROOT / ".github" / "workflows" / "refresh.yml"
    assert called(refresh) == ["adopt"]
    assert load(refresh)["jobs"]["refresh"]["if"] == "vars.RELAY_DOCUMENT_URL != ''"
    last = steps(refresh)[-1]["run"]
    assert last.startswith('test -n "$(git status --porcelain)" || exit 0\n')
    assert "gh pr create" in last


def test_a_release_puts_what_make_release_made_at_its_tag() -> None:
    release = ROOT / ".github" / "workflows" / "release.yml"
    assert called(release) == ["release"]
    assert "gh release create" in steps(release)[-1]["run"]
    assert "RELEASE.md" in steps(release)[-1]["run"]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("gate", None),
        ("live", None),
        ("refresh", {"contents": "write", "pull-requests": "write"}),
        ("release", {"contents": "write"}),
    ],
)
def test_a_workflow_may_do_what_it_needs_and_nothing_more(name: str, more: dict[str, str] | None) -> None:
    workflow = load(ROOT / ".github" / "workflows" / f"{name}.yml")
    assert workflow["permissions"] == {"contents": "read"}
    assert [job.get("permissions") for job in workflow["jobs"].values()] == [more]
    assert not {"pull_request_target", "workflow_run"} & set(workflow["on"])


@workflows
def test_a_workflow_needs_no_secret_and_keeps_no_credential(file: File) -> None:
    text = file.read_text(encoding="utf-8")
    assert "secrets" not in text
    assert "RELAY_TOKEN" not in text
    checkouts = [step for step in steps(file) if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False]


@workflows
def test_no_script_is_put_together_from_what_somebody_may_write(file: File) -> None:
    assert not [step["run"] for step in steps(file) if "${{" in step.get("run", "")]


@workflows
def test_a_workflow_pins_what_it_uses_and_ends_by_itself(file: File) -> None:
    workflow = load(file)
    uses = [step["uses"] for step in steps(file) if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@(v\d+(\.\d+)*|[0-9a-f]{40})", name) for name in uses), uses
    assert [step["with"]["python-version"] for step in steps(file) if "setup-python" in step.get("uses", "")] == [
        "3.11"
    ]
    assert all(job["timeout-minutes"] <= 30 for job in workflow["jobs"].values())
    assert all("latest" not in job["runs-on"] for job in workflow["jobs"].values())
    assert workflow["concurrency"]["group"]


def test_the_address_reaches_the_tool_unread_by_a_shell() -> None:
    told = run(["make", "--dry-run", "live", "BASE_URL=https://relay.example.com/`touch x`$(touch y)"]).stdout
    assert '--base-url "$BASE_URL"' in told
    assert "touch" not in told
