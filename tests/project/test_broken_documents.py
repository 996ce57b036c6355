"""Randomly broken documents: each is generated into a package that imports, or refused with a place."""

import json
import random
import re
import resource
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from checkout import PYTHON, ROOT, contract_check, generate
from contract_check.document.tree import at, is_array, is_object, object_or_empty
from specimens import RELAY

pytestmark = pytest.mark.slow
GATEWAY = (ROOT / "tests" / "documents" / "gateway.json").read_text(encoding="utf-8")
OVERLAY = ROOT / "generator" / "overlay.yaml"
SECONDS, MEMORY = 20, 1 << 30
VALUES: tuple[Any, ...] = (None, True, 5, -1.5, "", "x", "a\u202e\x07", "😀", "#/no", [], {}, ["x"], {"type": "array"})
NAMES = ("", "class", "a-b", "😀", "__init__", "x" * 300, "a/b~c", "{id}", "$ref", "2XX", "NUL")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each non-empty object or array of a document, with each of its keys or indices."""
    pairs: list[tuple[Any, Any]] = list(value.items()) if is_object(value) else []
    pairs += enumerate(value) if is_array(value) else ()
    for key, item in pairs:
        yield value, key
        yield from _places(item)


def _break(document: Any, chance: random.Random) -> None:
    """Change a random value of a document."""
    places = list(_places(document))
    holder, key = chance.choice(places)
    match chance.choice(("replace", "remove", "rename", "refer", "transplant", "nest")):
        case "remove":
            del holder[key]
        case "rename" if is_object(holder):
            holder[chance.choice(NAMES)] = holder.pop(key)
        case "refer":  # to any schema, even one around it
            names = list(object_or_empty(at(document, ("components", "schemas"))))
            holder[key] = {"$ref": f"#/components/schemas/{chance.choice(names)}" if names else "#/info"}
        case "transplant":
            source, part = chance.choice(places)
            holder[key] = deepcopy(source[part])
        case "nest":
            for _ in range(chance.choice((1, 5, 60))):
                holder[key] = {chance.choice(("items", "properties", "allOf")): holder[key]}
        case _:
            holder[key] = deepcopy(chance.choice(VALUES))


def _broken(seed: int) -> bytes:
    """A document of the suite after one to four changes, sometimes also of its bytes."""
    chance = random.Random(seed)
    document: Any = json.loads(chance.choice((RELAY, GATEWAY)))
    for _ in range(chance.randint(1, 4)):
        _break(document, chance)
    content = json.dumps(document, ensure_ascii=chance.random() < 0.5, indent=1).encode()
    place = chance.randrange(len(content))
    match chance.randrange(12):
        case 0:
            return content[:place]
        case 1:
            return content[:place] + chance.choice((b"\xff", b'"', b"\x00", b"{", b"1e999")) + content[place:]
        case _:
            return content


def _assert_has_place(code: int, printed: str, document: Path) -> None:
    assert code in (0, 1), printed
    assert "Traceback" not in printed
    assert code == 0 or re.search(rf"^{re.escape(str(document))}:\d+", printed, re.MULTILINE), printed


@pytest.mark.parametrize("tens", range(40, 240, 10))
@pytest.mark.timeout(10 * SECONDS)
def test_a_broken_document_is_read_to_the_end(tens: int, tmp_path: Path) -> None:
    for seed in range(tens, tens + 10):
        document = tmp_path / f"broken-{seed}.json"
        document.write_bytes(_broken(seed))
        done = contract_check("document", document, "--overlay", OVERLAY)
        _assert_has_place(done.returncode, done.stderr, document)


@pytest.mark.parametrize("seed", range(40))
def test_a_broken_document_is_generated_or_refused_with_a_place(seed: int, tmp_path: Path) -> None:
    document, cures, package = (tmp_path / name for name in ("broken.json", "cures.yaml", "generated_client"))
    document.write_bytes(_broken(seed))

    found = subprocess.run(
        [PYTHON, "-m", "contract_check", "document", document, "--suggest"],
        cwd=ROOT,
        env={"PYTHONUTF8": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
        timeout=SECONDS,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    _assert_has_place(found.returncode, found.stderr, document)
    if found.returncode == 0:
        cures.write_text(found.stdout, encoding="utf-8")
        done = generate(package, "--document", document, "--overlay", OVERLAY, "--overlay", cures)
        assert done.returncode == 0, done.stderr[-2000:]
