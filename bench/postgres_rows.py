"""The rows of `make bench` about the table in PostgreSQL: slots against pgbench, which inserts the same row with as many clients, with one commit
for each row; a page of one owner's images among many others; three servers on one database against one; PgBouncer in transaction mode and the
embedded store against a server with its own connections.

PostgreSQL is started by test/cloud/postgres.sh, here with fsync=on and synchronous_commit=on. A slot needs no request to S3.
"""
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import time

import http_rows
from aws_rows import ASKED, BIN, ENV, ROOT, TINTYPE
from identity_rows import QUOTAS, checked, flags_of, make_tokens, owner_of, pages

CONNECTIONS = 64


class Database:
    """A PostgreSQL server, and psql and pgbench on it."""

    def __init__(self):
        # Not on a tmpfs, and readable by the user that PostgreSQL runs as.
        self.process = subprocess.Popen(["bash", ROOT / "test/cloud/postgres.sh", "-c", "fsync=on", "-c", "max_connections=200",
                                         "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"],
                                        env=os.environ | {"TMPDIR": "/var/tmp"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.directory, self.port = self.process.stdout.readline().split()
        self.env = os.environ | {"PGHOST": self.directory, "PGPORT": self.port, "PGUSER": "postgres"}

    def make(self, name):
        self.process.stdin.write(f"database {name}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "ok\n"
        subprocess.run([TINTYPE, "table", "create", "--store", "s3", "--table", self.url(name)], env=ENV, check=True, stdout=subprocess.DEVNULL)

    def url(self, name):
        return f"postgres://postgres@/{name}?host={self.directory}&port={self.port}"

    def query(self, name, sql):
        return subprocess.run(["psql", "-XqtA", "-v", "ON_ERROR_STOP=1", "-d", name, "-c", sql], env=self.env, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def pgbench(self, name, script, seconds):
        program = next(pathlib.Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
        done = subprocess.run([program, "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "2", "-T", str(seconds), "-f", script, name],
                              env=self.env, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        return float(re.search(r"^tps = ([\d.]+)", done, re.M).group(1))

    def pids(self):
        """The processes of PostgreSQL: the first, and its children."""
        first = int(pathlib.Path(self.directory, "data/postmaster.pid").read_text().split()[0])
        return [first, *map(int, pathlib.Path(f"/proc/{first}/task/{first}/children").read_text().split())]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Bouncer:
    """PgBouncer in transaction mode in front of a database."""

    def __init__(self, b, d):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        settings = pathlib.Path(d.directory, "bouncer.ini")
        settings.write_text(f"[databases]\n* = host={d.directory} port={d.port} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\n"
                            "unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 3\n")
        as_user = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen([*as_user, "pgbouncer", "-q", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while self.process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.01)
        raise SystemExit("bench: PgBouncer did not start")

    def url(self, name):
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}?sslmode=disable"

    def stop(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def database():
    d = Database()
    try:
        yield d
    finally:
        d.stop()


class TableServer:
    """A tintype server with its table in a database, or with an embedded one if that is None, with the methods that identity_rows.pages uses."""

    def __init__(self, d, name, *flags):
        where = ["--store", "s3", "--table", d.url(name)] if d else ["--data", name, "--storage", "127.0.0.1:0"]
        self.process = subprocess.Popen([TINTYPE, "serve", *where, "--api", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                                         "--max-pending", "100000000", *map(str, flags)],
                                        env=ENV | {"TINTYPE_DELIVERY_KEYS": "bench" * 8, "TINTYPE_ENV_FILE": ""}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        ready = next((json.loads(line) for line in self.process.stderr if '"server.ready"' in line), None)
        if ready is None:
            raise SystemExit("bench: the server did not start")
        self.ports = {"api": int(ready["api"].rsplit(":", 1)[1])}

    def connect(self, listener):
        return http.client.HTTPConnection("127.0.0.1", self.ports[listener])

    def stop(self):
        self.process.kill()
        self.process.wait()


def literal(value):
    return "NULL" if value is None else str(value) if isinstance(value, (int, float)) else "'" + value.replace("'", "''") + "'"


def insert_of(d, name):
    """An INSERT of a row like those that the server has made, with a new id."""
    row = json.loads(d.query(name, "SELECT row_to_json(i) FROM images i LIMIT 1"))
    values = ["gen_random_uuid()" if column == "id" else literal(value) for column, value in row.items()]
    return f"INSERT INTO images({', '.join(row)}) VALUES({', '.join(values)});\n"


def slots(b, server):
    body = b.file("slot.json", json.dumps(ASKED))
    return lambda seconds: b.rate(server.ports["api"], ["/prod/upload"], seconds, CONNECTIONS, "--repeat", "--method", "POST", "--body", body,
                                  "--header", "Content-Type: application/json")


def bench_slots(b, d):
    d.make("ours")
    d.make("theirs")
    server = TableServer(d, "ours")
    slots(b, server)(1)
    script = b.file("insert.sql", insert_of(d, "ours"))
    ours, theirs = b.compare(slots(b, server), lambda seconds: d.pgbench("theirs", script, seconds))
    b.row(f"POST /upload on PostgreSQL, {CONNECTIONS} connections, against pgbench inserting the same row", ">= 1.5", f"{ours / theirs:.2f}", ours >= 1.5 * theirs,
          f"{ours:.0f}/s against {theirs:.0f}/s")
    others = [TableServer(d, "ours") for _ in range(2)]

    three = lambda seconds: load_all(b, (server, *others), CONNECTIONS, seconds)["rate"]
    together, alone = b.compare(three, slots(b, server))
    b.row("POST /upload, three servers on one PostgreSQL, against one", "(none)", f"{together / alone:.2f}", True, f"{together:.0f}/s against {alone:.0f}/s")
    for servers, connections in (([server], CONNECTIONS), ([server], 8), ([server, *others], CONNECTIONS)):
        report_cost(b, d, servers, connections)
    for one in others:
        one.stop()
    compare_slots(b, d, server)
    server.stop()
    keys, (token,) = make_tokens(b, 1, 1)
    servers = [TableServer(d, "ours", *flags_of(keys, token), *QUOTAS) for _ in range(3)]
    for some in (servers[:1], servers):
        report_cost(b, d, some, CONNECTIONS, token)
    for one in servers:
        one.stop()


def load_all(b, servers, connections, seconds, token=None):
    """Slots from several servers at once: the sums of their rates and numbers of requests."""
    targets, body = b.file("slot.targets", f"/prod/upload\tAuthorization: Bearer {token}\n" if token else "/prod/upload\n"), b.file("slot.json", json.dumps(ASKED))

    def load(one):
        return checked(json.loads(subprocess.run([BIN / "load", "--port", str(one.ports["api"]), "--targets", targets, "--seconds", str(seconds), "--connections",
                                                  str(connections // len(servers)), "--repeat", "--method", "POST", "--body", body, "--header",
                                                  "Content-Type: application/json"], check=True, stdout=subprocess.PIPE).stdout))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        results = list(pool.map(load, servers))
    return {name: sum(result[name] for result in results) for name in ("rate", "requests")}


def report_cost(b, d, servers, connections, token=None):
    """The processor time of a slot, and how many share a transaction."""
    def used():
        commits = d.query("ours", "SELECT xact_commit FROM pg_stat_database WHERE datname = 'ours'")
        return http_rows.processor_s([one.process.pid for one in servers]), http_rows.processor_s(d.pids()), int(commits)
    load_all(b, servers, connections, 1, token)
    before = used()
    n = load_all(b, servers, connections, b.round_s, token)["requests"]
    own, database, commits = (now - then for now, then in zip(used(), before))
    b.row(f"POST /upload on PostgreSQL, {len(servers)} server(s), {connections} connections{', one owner with quotas' if token else ''}: processor time", "(none)",
          f"{1e6 * (own + database) / n:.0f} us", True, f"servers {1e6 * own / n:.0f} us, PostgreSQL {1e6 * database / n:.0f} us; {n / max(1, commits):.0f} slots a transaction")


def compare_slots(b, d, server):
    """What a pooler costs, and what the embedded store gives out: processor time of all programs together for each slot."""
    bouncer = Bouncer(b, d)
    pooled, embedded = TableServer(bouncer, "ours"), TableServer(None, b.work / "embedded")

    def side(one, *pids):
        run = slots(b, one)
        return http_rows.Side([one.process.pid, *pids], lambda seconds: {"rate": (rate := run(seconds)), "requests": rate * seconds})
    for what, other, pids in (("POST /upload through PgBouncer in transaction mode, against the server's own connections", pooled, [bouncer.process.pid, *d.pids()]),
                              ("POST /upload on the embedded store, against PostgreSQL", embedded, [])):
        ratio, figures = http_rows.compare(b, side(other, *pids), side(server, *d.pids()))
        b.row(what, "(none)", f"{ratio[0]:.2f}", True, f"{figures[0][0]:.0f}/s against {figures[0][1]:.0f}/s; "
              f"processor time each {1e6 / figures[1][0]:.0f} us against {1e6 / figures[1][1]:.0f} us")
    for one in (pooled, embedded, bouncer):
        one.stop()


FILL = """INSERT INTO images SELECT gen_random_uuid(), 1, CASE WHEN i % {each} = 0 THEN '{owner}' ELSE md5((i % 5000)::text) END, 'i', 's', 'images/' || i,
 'picture' || i || '.jpg', 'image/jpeg', 1000, 1000, md5(i::text), 0, 100, 100, 0, 0, 1700000000000 + i, 1700000000000 + i, 1700000000000 + i, 0, '', 'ok', '', '',
 '#aabbcc', md5(i::text), 0, 1000, md5(i::text) || md5(i::text), 1, 0, '', '', '', '', 2, (1700000000000 + i) * 1000, (1700000000000 + i) * 1000
 FROM generate_series(1, {n}) i"""


def bench_page(b, d):
    many = 100000 if b.quick else 1000000
    keys, (token,) = make_tokens(b, 1, 1)
    servers = []
    for name, n in (("among", many), ("alone", 1000)):
        d.make(name)
        d.query(name, FILL.format(each=n // 1000, owner=owner_of(token), n=n))
        d.query(name, "VACUUM ANALYZE images")
        servers.append(TableServer(d, name, *flags_of(keys, token)))
    crowded, alone = (http_rows.Side([server.process.pid, *d.pids()], pages(b, server, token)) for server in servers)
    ratio, figures = http_rows.compare(b, crowded, alone)
    for server in servers:
        server.stop()
    slower = max(1 / ratio[0], 1 / ratio[1])
    b.row(f"a page of 50 of one owner's 1000 images among {many} in PostgreSQL, against 1000 in all: time", "<= 1.3", f"{slower:.2f}", slower <= 1.3,
          f"{figures[0][0]:.0f}/s against {figures[0][1]:.0f}/s; processor time each, with PostgreSQL's, {1e6 / figures[1][0]:.0f} us against {1e6 / figures[1][1]:.0f} us")


def bench_postgres(b):
    """Slots and pages with the table in PostgreSQL."""
    with database() as d:
        bench_slots(b, d)
        bench_page(b, d)


BENCHES = {"postgres": bench_postgres}
