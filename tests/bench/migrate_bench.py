#!/usr/bin/env python3
"""The schema brought forward: how long it takes on an empty database, and how long it makes a writer wait on a large
`jobs` table of an older installation.

    migrate_bench.py BIN [--short] [--rows N] [--zoneless]

--zoneless: the old table's times have no zone, as the first backend made them. TEST_ADMIN_DATABASE_URL names another
server than the local one.
"""

import argparse
import os
import secrets
import statistics
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import psycopg2.extensions
from bench import Flushes, percentiles
from tradewire_stack import servers

WRITES_PER_S = 200
WRITERS = 4
LOCK_TIMEOUT_MS = 1000  # migrate's own, for a table's lock

OLD = """
CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid';
INSERT INTO auth.users VALUES ('{user}', 'ada@bench.example');
CREATE TABLE jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users,
    job_type varchar(20) NOT NULL CHECK (job_type IN ('compile', 'deploy', 'run', 'stop', 'test')),
    status varchar(20) NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    entity_type varchar(20) NOT NULL,
    entity_id uuid NOT NULL,
    input_data jsonb,
    output_data jsonb,
    error_message text,
    started_at {time},
    completed_at {time},
    created_at {time} NOT NULL DEFAULT now(),
    updated_at {time} NOT NULL DEFAULT now()
);
INSERT INTO jobs (user_id, job_type, status, entity_type, entity_id, input_data, output_data, completed_at, created_at)
SELECT '{user}', (ARRAY['compile', 'deploy', 'run', 'stop', 'test'])[1 + n % 5],
       CASE WHEN n % 100 = 0 THEN 'pending' WHEN n % 100 = 1 THEN 'running' ELSE 'completed' END,
       'ea_version', gen_random_uuid(), jsonb_build_object('n', n, 'inputs', repeat('x', 100)),
       jsonb_build_object('log', repeat('y', 150)), now(), now() - n * interval '1 s'
FROM generate_series(1, {rows}) n;
CREATE INDEX jobs_waiting ON jobs (status, created_at);
CREATE INDEX jobs_of_user ON jobs (user_id, created_at DESC);
ANALYZE jobs;
"""
USER = "00000000-0000-4000-8000-000000000001"


class Database:
    def __init__(self):
        self.admin_url = os.environ.get("TEST_ADMIN_DATABASE_URL") or servers.settings()["ADMIN_DATABASE_URL"]
        self.name = "bench_" + secrets.token_hex(4)
        self.url = urlunsplit(urlsplit(self.admin_url)._replace(path="/" + self.name))

    def __enter__(self):
        execute(self.admin_url, f"CREATE DATABASE {self.name}")
        return self

    def __exit__(self, *_):
        execute(self.admin_url, f"DROP DATABASE {self.name} WITH (FORCE)")


def execute(url, statement):
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def migrate(folder, database, *arguments):
    """How long it took, ms."""
    begin = time.perf_counter()
    subprocess.run([str(folder / "migrate"), "up", *arguments], check=True, stdout=subprocess.DEVNULL,
                   env={"PATH": os.environ["PATH"], "DATABASE_URL": database.url})
    return (time.perf_counter() - begin) * 1000


class Writer(threading.Thread):
    """An older backend's writes, at a steady rate: new jobs, and results of old ones."""

    def __init__(self, url, ids):
        super().__init__(daemon=True)
        self.ids, self.waits, self.refused, self.running = ids, [], {}, True
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True

    def run(self):
        due = time.perf_counter()
        with self.connection.cursor() as cursor:
            for number, job in enumerate(self.ids):
                if not self.running:
                    break
                due += WRITERS / WRITES_PER_S
                time.sleep(max(0, due - time.perf_counter()))
                begin = time.perf_counter()
                try:
                    if number % 2:
                        cursor.execute("UPDATE jobs SET output_data = '{\"again\": 1}', updated_at = now() WHERE id = %s", (job,))
                    else:
                        cursor.execute("INSERT INTO jobs (user_id, job_type, entity_type, entity_id, input_data) "
                                       "VALUES (%s, 'compile', 'ea_version', %s, '{}')", (USER, job))
                except psycopg2.Error as error:
                    self.refused[error.pgcode] = self.refused.get(error.pgcode, 0) + 1
                self.waits.append((begin, (time.perf_counter() - begin) * 1000))
        self.connection.close()


def old_ids(url, count):
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM jobs TABLESAMPLE BERNOULLI (10) LIMIT %s", (count,))
        found = [row[0] for row in cursor.fetchall()]
    connection.close()
    return found


def bench_empty(folder, rounds, row):
    times, again = [], []
    for _ in range(rounds):
        with Database() as database:
            times.append(migrate(folder, database))
            again += [migrate(folder, database) for _ in range(3)]
    row("all migrations, empty database", f"{statistics.median(times):,.0f} ms", "at most 2,000")
    row("nothing to do", f"{statistics.median(again):,.0f} ms", "at most 100")


def bench_large(folder, rows, time_type, row):
    with Database() as database:
        execute(database.url, OLD.format(user=USER, rows=rows, time=time_type))
        ids = old_ids(database.url, 60_000)
        writers = [Writer(database.url, ids[place::WRITERS]) for place in range(WRITERS)]
        flushes = Flushes(Path(os.environ["TRADEWIRE_STATE"]))
        flushes.start()
        for writer in writers:
            writer.start()
        time.sleep(3)  # what a write takes when nothing else happens
        begin = time.perf_counter()
        took = migrate(folder, database)
        end = time.perf_counter()
        for writer in writers:
            writer.running = False
        for writer in writers:
            writer.join()
        f50, f99 = flushes.end()
    waits = [wait for writer in writers for wait in writer.waits]
    quiet = [ms for at, ms in waits if at < begin]
    busy = [ms for at, ms in waits if begin <= at <= end]
    refused = {}
    for writer in writers:
        for code, count in writer.refused.items():
            refused[code] = refused.get(code, 0) + count
    kind = "times without a zone" if time_type == "timestamp" else "old shape"
    row(f"jobs of {rows:,} rows, {kind}: longest wait of a writer", f"{max(busy):,.0f} ms",
        f"at most {LOCK_TIMEOUT_MS + 100:,}; p50 / p99 {percentiles(busy)[0]:.1f} / {percentiles(busy)[1]:.1f} ms; "
        f"before it {percentiles(quiet)[0]:.1f} / {percentiles(quiet)[1]:.1f}, longest {max(quiet):,.0f}; "
        f"fdatasync {f50:.1f} / {f99:.1f} ms")
    row("  the whole of it", f"{took / 1000:,.1f} s",
        f"{len(busy)} writes at {len(busy) / (end - begin):.0f}/s; refused: {refused or 'none'}")


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument("bin", type=Path)
    arguments.add_argument("--short", action="store_true")
    arguments.add_argument("--rows", type=int)
    arguments.add_argument("--zoneless", action="store_true")
    given = arguments.parse_args()
    if "TEST_ADMIN_DATABASE_URL" not in os.environ and not servers.POSTGRES.is_running():
        servers.POSTGRES.start()

    def row(name, value, remark):
        print(f"| {name} | {value} | {remark} |", flush=True)

    print("| migrate | measured | beside it |\n| --- | --- | --- |", flush=True)
    bench_empty(given.bin, 1 if given.short else 5, row)
    bench_large(given.bin, given.rows or (100_000 if given.short else 1_000_000),
                "timestamp" if given.zoneless else "timestamptz", row)


if __name__ == "__main__":
    main()
