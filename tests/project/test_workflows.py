"""The workflows in .github/ call existing make targets, and have minimal permissions and no secrets."""

import re
from typing import Any

import pytest
from ruamel.yaml import YAML

from checkout import ROOT, run

FOLDER = ROOT / ".github" / "workflows"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
NAMES = ("gate", "live", "refresh", "release")
MAY_WRITE = {"refresh": {"contents": "write", "pull-requests": "write"}, "release": {"contents": "write"}}
CALLS = {"gate": ["generate", "check", "test"], "live": ["live"], "refresh": ["adopt"], "release": ["release"]}


def load(name: str) -> dict[str, Any]:
    reader: Any = YAML(typ="safe")
    workflow: dict[str, Any] = reader.load(FOLDER / f"{name}.yml")
    return workflow


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in load(name)["jobs"].values() for step in job["steps"]]


def scripts(name: str) -> list[str]:
    return [step["run"] for step in steps(name) if "run" in step]


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_calls_the_makefile_with_minimal_permissions(name: str) -> None:
    workflow = load(name)
    targets = [target for script in scripts(name) for target in re.findall(r"\bmake +([a-z-]+)", script)]
    assert targets == CALLS[name]
    assert [target for target in targets if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)] == []
    assert workflow["permissions"] == {"contents": "read"}
    assert [job.get("permissions") for job in workflow["jobs"].values()] == [MAY_WRITE.get(name)]
    assert not re.search("secrets|RELAY_TOKEN", (FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    assert [script for script in scripts(name) if "${{" in script] == []  # no injection of untrusted text


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_pins_its_actions_and_has_a_timeout(name: str) -> None:
    workflow = load(name)
    used = {step["uses"].partition("@")[0]: step for step in steps(name) if "uses" in step}
    assert all(re.fullmatch(r"actions/[a-z-]+@(v\d+(\.\d+)*|[0-9a-f]{40})", step["uses"]) for step in used.values())
    assert used["actions/checkout"]["with"]["persist-credentials"] is False
    assert used["actions/setup-python"]["with"]["python-version"] == "3.11"
    assert all(job["timeout-minutes"] <= 30 for job in workflow["jobs"].values())
    assert all("latest" not in job["runs-on"] for job in workflow["jobs"].values())
    assert workflow["concurrency"]["group"]


def test_each_workflow_has_its_triggers() -> None:
    assert {file.stem for file in FOLDER.glob("*.yml")} == set(NAMES)
    on = {name: load(name)["on"] for name in NAMES}
    assert {event for events in on.values() for event in events} == {
        *("pull_request", "push", "schedule", "workflow_dispatch")
    }
    assert "pull_request" in on["gate"]
    for name in ("live", "refresh"):
        assert re.fullmatch(r"\d+ \d+ \S+ \S+ \S+", on[name]["schedule"][0]["cron"])
    assert on["release"] == {"push": {"tags": ["v[0-9]*"]}}


def test_workflow_steps_depend_on_the_result_of_make() -> None:
    gate = scripts("gate")
    assert "git status --porcelain" in gate[gate.index("make generate") + 1]
    assert load("refresh")["jobs"]["refresh"]["if"] == "vars.RELAY_DOCUMENT_URL != ''"
    assert scripts("refresh")[-1].startswith('test -n "$(git status --porcelain)" || exit 0\n')
    assert "gh pr create" in scripts("refresh")[-1]
    assert re.search("gh release create .*RELEASE.md", scripts("release")[-1])


def test_the_address_is_not_evaluated_by_a_shell() -> None:
    printed = run(["make", "--dry-run", "live", "BASE_URL=https://relay.example.com/`touch x`$(touch y)"]).stdout
    assert '--base-url "$BASE_URL"' in printed
    assert "touch" not in printed
