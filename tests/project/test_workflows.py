"""The workflows in .github/ call existing make targets, and have minimal permissions and no secrets."""

import re
from typing import Any

import pytest
from ruamel.yaml import YAML

from checkout import ROOT, run

FOLDER = ROOT / ".github" / "workflows"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# The targets that each workflow makes, and what it may write.
WORKFLOWS: dict[str, tuple[list[str], dict[str, str] | None]] = {
    "gate": (["generate", "check", "test"], None),
    "live": (["live"], None),
    "refresh": (["adopt"], {"contents": "write", "pull-requests": "write"}),
    "release": (["release"], {"contents": "write"}),
}


def load(name: str) -> dict[str, Any]:
    reader: Any = YAML(typ="safe")
    workflow: dict[str, Any] = reader.load(FOLDER / f"{name}.yml")
    return workflow


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in load(name)["jobs"].values() for step in job["steps"]]


def scripts(name: str) -> list[str]:
    return [step["run"] for step in steps(name) if "run" in step]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_calls_the_makefile_with_minimal_permissions_and_pinned_actions(name: str) -> None:
    calls, may_write = WORKFLOWS[name]
    workflow = load(name)
    targets = [target for script in scripts(name) for target in re.findall(r"\bmake +([a-z-]+)", script)]
    assert targets == calls
    assert [target for target in targets if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)] == []
    assert workflow["permissions"] == {"contents": "read"}
    assert [job.get("permissions") for job in workflow["jobs"].values()] == [may_write]
    assert not re.search("secrets|RELAY_TOKEN", (FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    assert [script for script in scripts(name) if "${{" in script] == []  # no injection of untrusted text
    used = {step["uses"].partition("@")[0]: step for step in steps(name) if "uses" in step}
    assert all(re.fullmatch(r"actions/[a-z-]+@(v\d+(\.\d+)*|[0-9a-f]{40})", step["uses"]) for step in used.values())
    assert used["actions/checkout"]["with"]["persist-credentials"] is False
    assert used["actions/setup-python"]["with"]["python-version"] == "3.11"
    assert all(job["timeout-minutes"] <= 30 for job in workflow["jobs"].values())
    assert all("latest" not in job["runs-on"] for job in workflow["jobs"].values())
    assert workflow["concurrency"]["group"]


def test_each_workflow_has_its_triggers_and_depends_on_the_result_of_make() -> None:
    assert {file.stem for file in FOLDER.glob("*.yml")} == set(WORKFLOWS)
    on = {name: load(name)["on"] for name in WORKFLOWS}
    assert "pull_request" in on["gate"]
    for name in ("live", "refresh"):
        assert re.fullmatch(r"\d+ \d+ \S+ \S+ \S+", on[name]["schedule"][0]["cron"])
    assert on["release"] == {"push": {"tags": ["v[0-9]*"]}}
    assert set().union(*on.values()) == {"pull_request", "push", "schedule", "workflow_dispatch"}
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
