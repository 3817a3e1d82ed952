"""Opening the state database: new, old, newer, damaged, absent, full, or by many at once."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import exc, inspect, text

from pipewarden.errors import (
    DatabaseUnavailable,
    InvalidSettings,
    MissingExtra,
    StateDamaged,
    StateTooNew,
    StorageUnavailable,
)
from pipewarden.store import state
from pipewarden.store.state import database as module, ledger
from pipewarden.store.state.database import HEAD, REVISIONS, Database
from pipewarden.store.state.schema import ledger_head, manifest_cursors, metadata
from pipewarden.store.state.verify import verify_ledger


def config(conn=None):
    made = Config()
    made.set_main_option("script_location", "pipewarden.store.state:migrations")
    made.set_main_option("recursive_version_locations", "true")
    made.attributes["connection"] = conn
    return made


def described(conn):
    """Everything that the database itself says of our tables."""
    found = inspect(conn)
    tables = {}
    for table in found.get_table_names():
        if table == "alembic_version":
            continue
        tables[table] = {
            "columns": [
                (c["name"], repr(c["type"]), c["nullable"], c.get("default") is not None)
                for c in found.get_columns(table)
            ],
            "primary key": found.get_pk_constraint(table),
            "foreign keys": found.get_foreign_keys(table),
            "unique": found.get_unique_constraints(table),
            "checks": found.get_check_constraints(table),
            "indexes": sorted(map(plain, found.get_indexes(table)), key=lambda i: i["name"]),
        }
        if conn.dialect.name == "sqlite":
            sql = conn.scalar(text("SELECT sql FROM sqlite_master WHERE name = :n"), {"n": table})
            tables[table]["options"] = ("WITHOUT ROWID" in sql, "AUTOINCREMENT" in sql)
    return tables


def plain(index):
    """Return an index with the condition of a partial one as text."""
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


@pytest.fixture
def from_metadata(url, tmp_path):
    """What the database looks like when the tables are made from the code instead."""
    for found in pkgutil.walk_packages(state.__path__, "pipewarden.store.state."):
        if ".migrations" not in found.name:
            importlib.import_module(found.name)  # its tables are known then
    database = Database(module._parsed(url.replace("state.db", "metadata.db")))
    with database.write() as conn:
        metadata.create_all(conn)
        found = described(conn)
        metadata.drop_all(conn)
    database.close()
    return found


def test_the_migrated_schema_is_the_one_in_the_code(from_metadata, database):
    with database.read() as conn:
        assert described(conn) == from_metadata
        assert verify_ledger(conn).holds


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_database_of_any_released_version_is_brought_to_the_present_one(
    from_metadata, url, revision
):
    older = Database(module._parsed(url))
    with older.write() as conn:
        command.upgrade(config(conn), revision)
    older.close()
    with closing(Database.open(url)) as database, database.read() as conn:
        assert described(conn) == from_metadata
        assert verify_ledger(conn).holds


def test_the_code_knows_the_revisions_that_are_there():
    scripts = ScriptDirectory.from_config(config())
    there = [script.revision for script in scripts.walk_revisions()][::-1]
    assert tuple(there) == REVISIONS
    assert scripts.get_heads() == [HEAD]


def test_the_migrations_are_in_the_package():
    folder = Path(module.__file__).parent / "migrations"
    assert {path.name for path in folder.glob("*.py")} >= {"env.py", "__init__.py"}
    assert (folder / "versions" / "foundation" / "0001_initial.py").exists()


def test_opening_an_up_to_date_database_imports_no_migration_tool(database, url):
    code = (
        "import sys; from pipewarden.store.state.database import Database; "
        "Database.open(sys.argv[1]).close(); print('alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, url], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_a_newer_database_is_refused_and_left_alone(database, url):
    with database.write() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StateTooNew, match="9999") as refused:
        Database.open(url)
    assert refused.value.exit_code == 5
    assert "upgrade" in refused.value.next_step
    with database.read() as conn:
        assert conn.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_a_failed_transaction_leaves_nothing(database):
    with pytest.raises(RuntimeError), database.write() as conn:
        conn.execute(manifest_cursors.insert().values(manifest="m", run_id="r", seq=1))
        raise RuntimeError
    with database.read() as conn:
        assert conn.execute(manifest_cursors.select()).all() == []


def test_a_reader_sees_one_state_and_blocks_no_writer(database):
    with database.read() as reader:
        assert reader.execute(manifest_cursors.select()).all() == []
        with database.write() as conn:
            conn.execute(manifest_cursors.insert().values(manifest="m", run_id="r", seq=1))
        assert reader.execute(manifest_cursors.select()).all() == []
    with database.read() as reader:
        assert len(reader.execute(manifest_cursors.select()).all()) == 1


def test_a_second_writer_waits_and_is_then_told(database, monkeypatch):
    impatient = Database(database.url)
    wait = {"sqlite": "PRAGMA busy_timeout = 1", "postgresql": "SET lock_timeout = '1ms'"}
    with impatient.read() as conn:
        conn.exec_driver_sql(wait[database.dialect])
    locked = pytest.raises(DatabaseUnavailable, match="locked by another writer")
    with database.write(), locked as refused, impatient.write():
        pytest.fail("two writers at once")
    assert refused.value.exit_code == 4
    impatient.close()


def test_an_error_of_ours_passes_through_a_transaction_unchanged(database):
    with pytest.raises(StateDamaged, match="of mine"), database.write():
        raise StateDamaged("of mine")


def test_a_violated_constraint_is_our_bug_and_not_dressed_up(database):
    with pytest.raises(exc.IntegrityError), database.write() as conn:
        conn.execute(ledger_head.insert().values(id=2, entries=0, hash=""))


def test_a_forked_child_makes_connections_of_its_own(database):
    with database.read() as conn:
        ledger.head(conn)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with database.write() as conn:
                conn.execute(manifest_cursors.insert().values(manifest="m", run_id="r", seq=1))
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    with database.write() as conn:
        assert len(conn.execute(manifest_cursors.select()).all()) == 1


@pytest.mark.parametrize(
    "url", ["mysql://host/db", "no url", "sqlite+aiosqlite:///x", "postgresql+asyncpg://h/d", ""]
)
def test_a_url_of_another_kind_is_refused_without_showing_it(url):
    with pytest.raises(InvalidSettings) as refused:
        Database.open(url)
    assert "postgresql://" in refused.value.next_step


class TestSqlite:
    def test_a_new_file_and_its_folder_are_made(self, tmp_path):
        Database.open(f"sqlite:///{tmp_path}/a/b/state.db").close()
        assert (tmp_path / "a" / "b" / "state.db").exists()

    def test_writes_are_durable_and_constraints_hold(self, tmp_path):
        opened = closing(Database.open(f"sqlite:///{tmp_path}/state.db"))
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        with opened as database, database.read() as conn:
            values = [conn.exec_driver_sql(f"PRAGMA {p}").scalar() for p in pragmas]
        assert values == ["wal", 2, 1, 30_000]

    def test_a_file_that_is_no_database_is_damaged(self, tmp_path):
        path = tmp_path / "state.db"
        path.write_bytes(b"not a database at all, " * 100)
        with pytest.raises(StateDamaged, match=str(path)) as damaged:
            Database.open(f"sqlite:///{path}")
        assert damaged.value.exit_code == 5
        assert "restore it from a backup" in damaged.value.next_step
        assert path.read_bytes().startswith(b"not a database")

    def test_a_file_with_a_broken_page_is_damaged(self, tmp_path):
        path = tmp_path / "state.db"
        url = f"sqlite:///{path}"
        with closing(Database.open(url)) as database, database.write() as conn:
            rows = [{"manifest": "m" * 50, "run_id": str(n), "seq": n} for n in range(2000)]
            conn.execute(manifest_cursors.insert(), rows)
        data = bytearray(path.read_bytes())
        data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
        path.write_bytes(data)
        damaged = pytest.raises(StateDamaged, match=str(path))
        with damaged, closing(Database.open(url)) as database, database.read() as conn:
            conn.execute(manifest_cursors.select()).all()

    def test_text_that_does_not_decode_is_damage(self, tmp_path):
        with closing(Database.open(f"sqlite:///{tmp_path}/state.db")) as database:
            with database.write() as conn:
                conn.exec_driver_sql(
                    "UPDATE ledger_head SET entries = 1, hash = CAST(x'ff' AS TEXT)"
                )
            with pytest.raises(StateDamaged), database.read() as conn:
                ledger.head(conn)

    def test_a_full_disk_is_told_and_leaves_the_state_as_it_was(self, tmp_path):
        with closing(Database.open(f"sqlite:///{tmp_path}/state.db")) as database:
            rows = [{"manifest": "m" * 500, "run_id": str(n), "seq": n} for n in range(2000)]
            with pytest.raises(StorageUnavailable) as full, database.write() as conn:
                # As many pages as there are, and no more: SQLite's own stand-in for a full disk.
                conn.exec_driver_sql("PRAGMA max_page_count = 1")
                conn.execute(manifest_cursors.insert(), rows)
            assert full.value.exit_code == 4
            with database.read() as conn:
                assert conn.execute(manifest_cursors.select()).all() == []

    def test_a_folder_that_cannot_be_made_is_told(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(StorageUnavailable, match="file/folder"):
            Database.open(f"sqlite:///{tmp_path}/file/folder/state.db")

    def test_a_folder_in_the_place_of_the_file_is_told(self, tmp_path):
        with pytest.raises(StorageUnavailable, match="cannot be written or opened"):
            Database.open(f"sqlite:///{tmp_path}")


class TestPostgresql:
    def test_a_server_that_does_not_answer_is_told_without_the_password(self):
        with pytest.raises(DatabaseUnavailable) as refused:
            Database.open("postgresql://ada:geheim@127.0.0.1:1/state")
        assert refused.value.exit_code == 4
        assert "geheim" not in refused.value.diagnostics()
        assert "ada:***@127.0.0.1:1/state" in refused.value.message

    def test_a_database_that_is_not_there_is_told(self, postgres_url):
        url = module._parsed(postgres_url).set(database="nowhere_to_be_found")
        with pytest.raises(DatabaseUnavailable, match="nowhere_to_be_found"):
            Database.open(url.render_as_string(hide_password=False))

    def test_a_connection_cut_by_the_server_is_told_and_the_next_one_works(self, postgres_url):
        with closing(Database.open(postgres_url)) as database:
            with pytest.raises(DatabaseUnavailable), database.write() as conn:
                conn.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
            with database.read() as conn:
                assert ledger.head(conn).count == 0

    def test_connections_bear_our_name(self, postgres_url):
        with closing(Database.open(postgres_url)) as database, database.read() as conn:
            assert conn.exec_driver_sql("SHOW application_name").scalar() == "pipewarden"

    def test_without_the_driver_the_extra_is_named(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "psycopg", None)
        with pytest.raises(MissingExtra) as missing:
            Database.open("postgresql://localhost/state")
        assert missing.value.next_step == 'pip install "pipewarden[postgresql]"'
