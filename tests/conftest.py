"""What a test may ask for: a PostgreSQL of its own, real documents, a neutral environment."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parent.parent
# These steer the tests; every other PIPEWARDEN_* variable would steer what is tested.
TEST_VARIABLES = (
    "PIPEWARDEN_DATA",
    "PIPEWARDEN_REQUIRE_DATA",
    "PIPEWARDEN_REQUIRE_SERVICES",
    "PIPEWARDEN_TEST_NATS_URL",
    "PIPEWARDEN_TEST_POSTGRES_URL",
    "PIPEWARDEN_TEST_RABBITMQ_URL",
    "PIPEWARDEN_TEST_REDIS_URL",
)
FOREIGN_PREFIXES = ("PIPEWARDEN_", "GIT_", "FORCE_COLOR", "NO_COLOR", "GITHUB_ACTIONS")
POSTGRES_DEFAULTS = (
    "postgresql://postgres@127.0.0.1:5432/test",
    "postgresql:///test?host=/var/run/postgresql",
)
ABSENT = pytest.StashKey[set[str]]()
#: What is absent, what was tried, and the variable that forbids to do without it.
Absent = Callable[[str, str, str], NoReturn]

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("local", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "local"))


@pytest.fixture(scope="session", autouse=True)
def neutral_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let nothing of the developer's own set-up reach the code under test.

    Git gets an identity of its own, so that tests may commit on a machine without one.
    """
    git_config = tmp_path_factory.mktemp("git") / "config"
    git_config.write_text(
        "[user]\n\tname = Test Researcher\n\temail = test@example.org\n"
        "[init]\n\tdefaultBranch = main\n[commit]\n\tgpgSign = false\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(FOREIGN_PREFIXES) and name not in TEST_VARIABLES:
                patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", str(git_config))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


@pytest.fixture(scope="session")
def skip_loudly(request: pytest.FixtureRequest) -> Callable[[str], NoReturn]:
    """Return what skips a test and has the end of the session name the reason and the test."""

    def skip(reason: str) -> NoReturn:
        request.config.stash[ABSENT].add(reason)
        pytest.skip(reason)

    return skip


@pytest.fixture(scope="session")
def absent(skip_loudly: Callable[[str], NoReturn]) -> Absent:
    """Return what skips for want of something, or fails where the environment demands it."""

    def missing(what: str, tried: str, required_by: str) -> NoReturn:
        reason = f"{what} is absent (tried {tried})"
        if os.environ.get(required_by, "0") not in {"", "0"}:
            pytest.fail(f"{reason}, and {required_by} is set", pytrace=False)
        skip_loudly(reason)

    return missing


@pytest.fixture(scope="session")
def answering(absent: Absent) -> Callable[[str, str], str]:
    """Return what gives a service's URL back if somebody listens there."""

    def listens(what: str, url: str) -> str:
        place = urlsplit(url)
        try:
            socket.create_connection((place.hostname or "", place.port or 0), timeout=3).close()
        except OSError as error:
            absent(what, f"{place.hostname}:{place.port}: {error}", "PIPEWARDEN_REQUIRE_SERVICES")
        return url

    return listens


@pytest.fixture(scope="session")
def postgres_server(absent: Absent) -> str:
    """Return the address of a PostgreSQL that answers, for psycopg.

    ``PIPEWARDEN_TEST_POSTGRES_URL`` names one; otherwise the usual local ones are tried.
    """
    import psycopg

    named = os.environ.get("PIPEWARDEN_TEST_POSTGRES_URL")
    answers = []
    for url in [named.replace("+psycopg", "", 1)] if named else POSTGRES_DEFAULTS:
        try:
            psycopg.connect(url, connect_timeout=3).close()
        except psycopg.OperationalError as error:
            answers.append(f"{url}: {str(error).splitlines()[0]}")
        else:
            return url
    return absent("PostgreSQL", "; ".join(answers), "PIPEWARDEN_REQUIRE_SERVICES")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """Return an SQLAlchemy URL whose connections see one empty schema, dropped afterwards."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    schema = f"pipewarden_test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
        address = postgres_server.replace("postgresql://", "postgresql+psycopg://", 1)
        joint = "&" if "?" in address else "?"
        yield f"{address}{joint}options=-csearch_path%3D{schema}"
        # A process that a test killed may still hold locks; whoever holds one is sent away.
        connection.execute(
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks l"
            " JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND l.pid <> pg_backend_pid()",
            [schema],
        )
        connection.execute("SET lock_timeout = '120s'")
        connection.execute("SET client_min_messages = warning")
        connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(schema)))


@pytest.fixture(scope="session")
def real_data(absent: Absent) -> Path:
    """Return the real documents: ``PIPEWARDEN_DATA``, or the folder beside the repository."""
    folder = Path(os.environ.get("PIPEWARDEN_DATA") or REPOSITORY.parent / "shared" / "data")
    if folder.is_dir():
        return folder
    return absent("real documents", f"{folder} is no folder", "PIPEWARDEN_REQUIRE_DATA")


def pytest_configure(config: pytest.Config) -> None:
    """Start the list of what is absent."""
    config.stash[ABSENT] = set()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say at the very end, loudly, what was not tested because something was absent."""
    reasons = config.stash[ABSENT]
    skipped = terminalreporter.stats.get("skipped", [])
    for reason in sorted(reasons):
        tests = [report.nodeid for report in skipped if reason in str(report.longrepr)]
        terminalreporter.section("NOT TESTED", sep="!", red=True, bold=True)
        terminalreporter.line(f"{len(tests)} tests did not run: {reason}", red=True)
        for nodeid in tests:
            terminalreporter.line(f"  {nodeid}")
