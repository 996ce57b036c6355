"""The scenarios: operations, libraries, numbers of calls and targets."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """The limit for `who`, as a ratio to `base`, or absolute without one."""

    who: str
    limit: float
    base: str = ""
    figure: str = "seconds"


@dataclass(frozen=True)
class Scenario:
    """One block of the table."""

    name: str
    title: str
    who: tuple[str, ...]
    base: str
    """The library whose time is 1."""
    rounds: int
    quick: int
    """Rounds with QUICK=1."""
    calls: int = 1
    quick_calls: int = 1
    delay: float = 0.0
    """The relay's delay in seconds."""
    tls: bool = False
    fresh: bool = False
    """A process for each round, to measure memory independently."""
    targets: tuple[Target, ...] = field(default=())


OURS = "this client"
ON_HTTPX2 = "this client [httpx2]"
_ASYNC = (OURS, "vanilla", "httpx", "aiohttp")
_BOTH_LIBRARIES = (ON_HTTPX2, "httpx2")

CALLS = (
    Scenario(
        "sync",
        "One call after another, a small body, encoding and decoding included",
        (OURS, "vanilla", "openapi-generator", "httpx", "requests", "urllib3", "http.client", *_BOTH_LIBRARIES),
        base="httpx",
        rounds=61,
        quick=5,
        calls=100,
        quick_calls=100,
        targets=(Target(OURS, 0.75, "httpx"),),
    ),
    Scenario(
        "threads",
        "64 threads, 100 calls each, a small body over TLS",
        (OURS, "vanilla", "httpx", "requests", "urllib3", "urllib3, 64 connections kept", *_BOTH_LIBRARIES),
        base="httpx",
        rounds=7,
        quick=2,
        calls=6400,
        quick_calls=1280,
        tls=True,
        targets=(Target(OURS, 0.5, "httpx"),),
    ),
    Scenario(
        "async",
        "100 calls in flight, a small body",
        (*_ASYNC, "httpx + sniffio", "httpx-aiohttp", *_BOTH_LIBRARIES),
        base="vanilla",
        rounds=9,
        quick=2,
        calls=1000,
        quick_calls=300,
        targets=(Target(OURS, 0.2, "vanilla"),),
    ),
    Scenario(
        "burst",
        "1,000 calls in flight to a relay that answers after 2 s (memory: for each call)",
        (*_ASYNC, *_BOTH_LIBRARIES),
        base="aiohttp",
        rounds=3,
        quick=1,
        calls=1000,
        quick_calls=1000,
        delay=2.0,
        fresh=True,
        targets=(
            Target(OURS, 1.7, "aiohttp"),
            Target(OURS, 50_000, figure="memory"),
        ),
    ),
    Scenario(
        "image-sync",
        "A 20 MiB image in Base64, five calls (memory: peak ÷ payload)",
        (OURS, "vanilla", "openapi-generator", "httpx", "requests", "http.client"),
        base="httpx",
        rounds=7,
        quick=1,
        calls=5,
        quick_calls=5,
        fresh=True,
        targets=(Target(OURS, 0.6, "httpx"), Target(OURS, 0.2, figure="memory")),
    ),
    Scenario(
        "image-async",
        "The same on an event loop",
        _ASYNC,
        base="httpx",
        rounds=7,
        quick=1,
        calls=5,
        quick_calls=5,
        fresh=True,
        targets=(
            Target(OURS, 0.6, "httpx"),
            Target(OURS, 0.2, figure="memory"),
        ),
    ),
    Scenario(
        "text-sync",
        "A text of that size in paragraphs, which can't be streamed so, five calls (memory: peak ÷ payload)",
        (OURS, "httpx"),
        base="httpx",
        rounds=5,
        quick=1,
        calls=5,
        quick_calls=5,
        fresh=True,
        targets=(Target(OURS, 2.2, figure="memory"),),
    ),
    Scenario(
        "text-async",
        "The same on an event loop",
        (OURS, "httpx"),
        base="httpx",
        rounds=5,
        quick=1,
        calls=5,
        quick_calls=5,
        fresh=True,
        targets=(Target(OURS, 2.2, figure="memory"),),
    ),
)

SCHEMAS = (1, 40, 800)
IMPORTS = Scenario(
    "imports",
    "Importing, .pyc in place: the package alone, and one operation with its models, beyond `import httpx`",
    (
        "httpx",
        "httpx2",
        "this client: the package",
        *(f"{w}: of {n} schemas" for w in (OURS, "vanilla") for n in SCHEMAS),
    ),
    base="httpx",
    rounds=15,
    quick=3,
    targets=(
        Target("this client: the package", 0.2, "httpx"),
        *(Target(f"this client: of {n} schemas", 0.35, "httpx") for n in SCHEMAS),
    ),
)
GENERATE = Scenario(
    "generate",
    "`make generate` with .venv in place",
    ("this client: relay.json", "vanilla: relay.json", "this client: 40 operations", "vanilla: 40 operations"),
    base="vanilla: relay.json",
    rounds=3,
    quick=1,
    targets=(Target("this client: relay.json", 3), Target("this client: 40 operations", 8)),
)
OPERATIONS = (40, 400)
"""The numbers of operations of the synthetic documents; each operation has four schemas."""
CHECK = Scenario(
    "check",
    "`make check`, of relay.json and of larger documents",
    ("relay.json", *(f"{number} operations" for number in OPERATIONS)),
    base="relay.json",
    rounds=3,
    quick=1,
    targets=(Target("relay.json", 15),),
)
ADOPT = Scenario(
    "adopt",
    "`make adopt`, of relay.json with so many operations more",
    tuple(f"{number} operations" for number in OPERATIONS),
    base="40 operations",
    rounds=1,
    quick=1,
)
SUITE = Scenario("suite", "`make test`, its environment in place", ("make test",), base="make test", rounds=1, quick=1)
ALL = (*CALLS, IMPORTS, GENERATE, CHECK, ADOPT, SUITE)
