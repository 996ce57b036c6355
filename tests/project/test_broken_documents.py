"""Randomly broken documents: each is generated into a package that imports, or refused with a place."""

import json
import random
import re
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from checkout import PYTHON, ROOT, contract_check, generate
from contract_check.document.tree import at, is_array, is_object, object_or_empty
from specimens import RELAY

GATEWAY = (ROOT / "tests" / "documents" / "gateway.json").read_text(encoding="utf-8")
OVERLAY = ROOT / "generator" / "overlay.yaml"
SECONDS, MEMORY = 20, 1 << 30
VALUES: tuple[Any, ...] = (
    None,
    True,
    5,
    -1.5,
    "",
    "x",
    "a\u202e\x07",
    "😀",
    "#/nowhere",
    [],
    {},
    ["x"],
    {"type": "array"},
)
NAMES = ("", "class", "a-b", "😀", "__init__", "x" * 300, "a/b~c", "{id}", "$ref", "2XX", "NUL")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each non-empty object or array of a document, with each of its keys or indices."""
    pairs: list[tuple[Any, Any]] = list(value.items()) if is_object(value) else []
    pairs += enumerate(value) if is_array(value) else ()
    for key, item in pairs:
        yield value, key
        yield from _places(item)


def _replace(holder: Any, key: Any, chance: random.Random, _: Any) -> None:
    holder[key] = json.loads(json.dumps(chance.choice(VALUES)))


def _remove(holder: Any, key: Any, _: random.Random, __: Any) -> None:
    del holder[key]


def _rename(holder: Any, key: Any, chance: random.Random, _: Any) -> None:
    if is_object(holder):
        holder[chance.choice(NAMES)] = holder.pop(key)


def _refer(holder: Any, key: Any, chance: random.Random, document: Any) -> None:
    """Insert a reference to any schema, even its own parent."""
    names = list(object_or_empty(at(document, ("components", "schemas"))))
    holder[key] = {"$ref": f"#/components/schemas/{chance.choice(names)}" if names else "#/info"}


def _transplant(holder: Any, key: Any, chance: random.Random, document: Any) -> None:
    source, part = chance.choice(list(_places(document)))
    holder[key] = json.loads(json.dumps(source[part]))


def _nest(holder: Any, key: Any, chance: random.Random, _: Any) -> None:
    for _level in range(chance.choice((1, 5, 60))):
        holder[key] = {chance.choice(("items", "properties", "allOf")): holder[key]}


_Change = Callable[[Any, Any, random.Random, Any], None]
CHANGES: tuple[_Change, ...] = (_replace, _remove, _rename, _refer, _transplant, _nest)


def _broken(seed: int) -> bytes:
    """A document of the suite after one to four changes, sometimes also of its bytes."""
    chance = random.Random(seed)
    document: Any = json.loads(chance.choice((RELAY, GATEWAY)))
    for _ in range(chance.randint(1, 4)):
        if found := list(_places(document)):
            holder, key = chance.choice(found)
            chance.choice(CHANGES)(holder, key, chance, document)
    content = json.dumps(document, ensure_ascii=chance.random() < 0.5, indent=1).encode()
    place = chance.randrange(len(content))
    match chance.randrange(12):
        case 0:
            return content[:place]
        case 1:
            return content[:place] + chance.choice((b"\xff", b'"', b"\x00", b"{", b"1e999")) + content[place:]
        case _:
            return content


def _assert_has_place(printed: str, document: Path) -> None:
    assert "Traceback" not in printed
    assert re.search(rf"^{re.escape(str(document))}:\d+", printed, re.MULTILINE), printed


@pytest.mark.slow
@pytest.mark.parametrize("tens", range(40, 240, 10))
@pytest.mark.timeout(10 * SECONDS)
def test_a_broken_document_is_read_to_the_end(tens: int, tmp_path: Path) -> None:
    for seed in range(tens, tens + 10):
        document = tmp_path / f"broken-{seed}.json"
        document.write_bytes(_broken(seed))
        done = contract_check("document", document, "--overlay", OVERLAY)
        assert done.returncode in (0, 1), done.stderr
        if done.returncode:
            _assert_has_place(done.stderr, document)


@pytest.mark.slow
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

    assert found.returncode in (0, 1), found.stderr
    if found.returncode == 1:
        _assert_has_place(found.stderr, document)
        return
    cures.write_text(found.stdout, encoding="utf-8")
    done = generate(package, "--document", document, "--overlay", OVERLAY, "--overlay", cures)
    assert done.returncode == 0, done.stderr[-2000:]
