"""The rows of `make bench` about the HTTP engine: requests per second of processor time, since rates move with the machine,
against nginx with its access log on, and against an earlier build of tintype itself, in the same run."""
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/bench/bench"
BASE = "d17417d"   # the last commit on libmicrohttpd, before this HTTP engine
BASE_BUILD = ROOT / "build/bench-base"
FIVE_MB = 5 * 1000 * 1000
BYTE_FOR_BYTE = ("--verify", "header", "--no-strip")   # the pictures of these rows are padded with comments
NGINX = """daemon off; worker_processes 2; pid {0}/nginx.pid; error_log {0}/nginx.err; events {{ worker_connections 1024; }}
http {{ sendfile on; tcp_nopush on; keepalive_requests 1000000000; access_log {0}/access.log; client_body_temp_path {0}/t1; proxy_temp_path {0}/t2;
fastcgi_temp_path {0}/t3; uwsgi_temp_path {0}/t4; scgi_temp_path {0}/t5; types {{ image/jpeg jpg; }} ssl_certificate {0}/cert.pem; ssl_certificate_key {0}/key.pem;
server {{ listen 127.0.0.1:{1}; listen 127.0.0.1:{2} ssl; root {0}; location = /healthz {{ return 200 "ok\\n"; }} }} }}
"""


def base_program():
    """The program of an earlier commit, built once: what "today's" was when the bar was set."""
    program = BASE_BUILD / "build/src/tintype"
    if program.exists():
        return program
    shutil.rmtree(BASE_BUILD, ignore_errors=True)
    BASE_BUILD.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", BASE], cwd=ROOT, stdout=subprocess.PIPE)
    if archive.returncode != 0:
        sys.exit(f"bench: the commit {BASE} is not in this clone; run git fetch --unshallow")
    subprocess.run(["tar", "-x", "-C", BASE_BUILD], input=archive.stdout, check=True)
    for command in (["meson", "setup", "--buildtype=release", "-Db_pie=true", "build"], ["ninja", "-C", "build", "src/tintype"]):
        done = subprocess.run(command, cwd=BASE_BUILD, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"bench: the build of {BASE} failed:\n{done.stdout[-2000:]}")
    return program


def processor_s(pids):
    """Seconds of processor time that all threads of these processes have used."""
    ns = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                ns += int(task.read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass
    return ns / 1e9


def children(pid):
    return [int(n) for n in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Side:
    """One of the two programs that a row compares: how to load it, and whose processor time counts."""

    def __init__(self, pids, run):
        self.pids, self.run = pids, run

    def measure(self, seconds):
        before = processor_s(self.pids)
        result = self.run(seconds)
        return result["rate"], result["requests"] / (processor_s(self.pids) - before)


def rounds_of(b, *sides):
    """Warm each up, and take rounds in turn: the figures of the sides, by round."""
    for side in sides:
        side.measure(b.warm_s)
    return [[side.measure(b.round_s) for side in sides] for _ in range(b.rounds)]


def against(rounds, i, j):
    """The i-th side against the j-th: the medians of the ratios of the rates and of the requests per processor second, and the figures."""
    ratio = [statistics.median(r[i][k] / r[j][k] for r in rounds) for k in (0, 1)]
    figures = [tuple(statistics.median(r[side][k] for r in rounds) for side in (i, j)) for k in (0, 1)]
    return ratio, figures


def compare(b, ours, theirs):
    return against(rounds_of(b, ours, theirs), 0, 1)


def disk_rate(b, path, seconds):
    """How many copies of a file the disk takes in a second, each written and synced."""
    where = pathlib.Path(tempfile.mkdtemp(prefix="limit-", dir=b.work))
    done = subprocess.run([BIN / "disk_limit", where, path, "16", str(seconds)], stdout=subprocess.PIPE, check=True)
    empty(where)
    return json.loads(done.stdout)["rate"]


def empty(where):
    """Free the space of the files below a folder. They are not removed: ext4 without a journal does not use a removed file's inode again for
    minutes, and passing over thousands of them slows each file that is made afterwards."""
    for file in where.rglob("*"):
        if file.is_file():
            os.truncate(file, 0)


def load(b, port, path, connections, *more, status="2"):
    def run(seconds):
        result = b.load(port, [path], seconds, connections, "--repeat", *more)
        if any(not code.startswith(status) for code in result["status"]):
            sys.exit(f"bench: {path} was answered {result['status']}")
        return result
    return run


def load_https(port, path, connections):
    """wrk, because bench/load has no TLS."""
    def run(seconds):
        done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"https://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE, text=True, check=True)
        if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
            sys.exit(f"bench: wrk met errors:\n{done.stdout}")
        return {"requests": int(re.search(r"(\d+) requests in", done.stdout).group(1)), "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))}
    return run


class Nginx:
    def __init__(self, b, free_port, files):
        self.where = pathlib.Path(tempfile.mkdtemp(prefix="nginx-", dir=b.work))
        self.where.chmod(0o755), b.work.chmod(0o755)
        for name, content in files.items():
            (self.where / name).write_bytes(content)
            (self.where / name).chmod(0o644)
        make_certificate(self.where)
        self.port, self.tls_port = free_port(), free_port()
        self.process = subprocess.Popen(["nginx", "-c", b.file("nginx-http.conf", NGINX.format(self.where, self.port, self.tls_port)), "-p", self.where])
        until = time.monotonic() + 10
        while len(self.pids()) < 3 and time.monotonic() < until:
            time.sleep(0.05)

    def pids(self):
        return [self.process.pid, *children(self.process.pid)]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def make_certificate(where):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", where / "key.pem", "-out", where / "cert.pem"], check=True, stderr=subprocess.DEVNULL)


def row(b, what, bar, ratio, figures, unit):
    b.row(what, f">= {bar}", f"{ratio:.2f}", ratio >= bar, f"{figures[0]:.0f} {unit} against {figures[1]:.0f}")


def uploaded(server, body):
    """The path of a presigned GET of these bytes."""
    image, target = server.slots(1)[0]
    server.put(target, body)
    return "/" + server.get_json(f"/prod/images/{image}")["downloadUrl"].split("/", 3)[3]


def bench_engine(b, server_of, free_port, picture):
    """Heads, mapped bodies, files and TLS against nginx with its access log on."""
    files = {"a.jpg": picture(200000), "b.jpg": picture(FIVE_MB)}
    nginx, server = Nginx(b, free_port, files), server_of(b.work / "engine", *BYTE_FOR_BYTE)
    mine, theirs = [server.process.pid], nginx.pids()
    ratio, figures = compare(b, Side(mine, load(b, server.ports["admin"], "/healthz", 64)), Side(theirs, load(b, nginx.port, "/healthz", 64)))
    row(b, "GET /healthz, 64 connections, per processor second, against nginx", 1.2, ratio[1], figures[1], "requests")
    path = uploaded(server, files["a.jpg"])
    ratio, figures = compare(b, Side(mine, load(b, server.ports["storage"], path, 16)), Side(theirs, load(b, nginx.port, "/a.jpg", 16)))
    row(b, "presigned GET of 200 KB, 16 connections, per processor second, against nginx", 0.85, ratio[1], figures[1], "requests")
    row(b, "presigned GET of 200 KB, 16 connections, rate, against nginx", 0.85, ratio[0], figures[0], "/s")
    path = uploaded(server, files["b.jpg"])
    ratio, figures = compare(b, Side(mine, load(b, server.ports["storage"], path, 16)), Side(theirs, load(b, nginx.port, "/b.jpg", 16)))
    row(b, "presigned GET of 5 MB by http, per processor second, against nginx", 1.0, ratio[1], figures[1], "requests")
    server.stop()
    server = server_of(b.work / "engine-tls", *BYTE_FOR_BYTE, "--tls-cert", nginx.where / "cert.pem", "--tls-key", nginx.where / "key.pem", tls=True)
    path = uploaded(server, files["b.jpg"])
    ratio, figures = compare(b, Side([server.process.pid], load_https(server.ports["storage"], path, 16)), Side(theirs, load_https(nginx.tls_port, "/b.jpg", 16)))
    row(b, "presigned GET of 5 MB by https, per processor second, against nginx", 1.1, ratio[1], figures[1], "requests")
    server.stop()
    nginx.stop()


def bench_before(b, server_of, free_port, picture):
    """Slots and refusals against the last commit on libmicrohttpd."""
    body = b.file("slot.json", json.dumps({"fileName": "picture.jpg", "fileType": "image/jpeg"}))
    new, old = server_of(b.work / "new"), server_of(b.work / "old", program=base_program())

    def slots(server):
        return Side([server.process.pid], load(b, server.ports["api"], "/prod/upload", 64, "--method", "POST", "--body", body, "--header", "Content-Type: application/json"))

    def refusal(server):
        _, target = server.slots(1)[0]
        bad = "/" + re.sub(r"(X-Amz-Signature=)[0-9a-f]{4}", r"\g<1>0000", target)
        return Side([server.process.pid], load(b, server.ports["storage"], bad, 16, status="403"))
    ratio, figures = compare(b, slots(new), slots(old))
    row(b, "POST /prod/upload, 64 connections, durable, against libmicrohttpd (commit d17417d)", 1.2, ratio[0], figures[0], "/s")
    ratio, figures = compare(b, refusal(new), refusal(old))
    row(b, "refusing a wrong signature, per processor second, against libmicrohttpd (commit d17417d)", 1.2, ratio[1], figures[1], "requests")
    new.stop()
    old.stop()


def idle_after_a_request(port, n, tls):
    """n connections that stay open after one request each."""
    context = ssl._create_unverified_context() if tls else None
    out = []
    for i in range(n):
        s = socket.socket()
        s.bind((f"127.0.0.{1 + i // 20000}", 0))
        s.connect(("127.0.0.1", port))
        s = context.wrap_socket(s) if tls else s
        s.sendall(b"GET /prod/limits HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = s.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200"), answer
        out.append(s)
    return out


def all_answer(connections):
    for s in connections:
        s.sendall(b"GET /prod/limits HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        if not s.recv(65536).startswith(b"HTTP/1.1 200"):
            return False
    return True


def bench_idle(b, server_of, free_port, picture):
    """10,000 connections after one request each: how much memory they use, and whether all are kept."""
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    where = b.work / "idle-certificate"
    where.mkdir()
    make_certificate(where)
    for scheme, most, flags in (("http", 5, []), ("https", 160, ["--tls-cert", where / "cert.pem", "--tls-key", where / "key.pem"])):
        server = server_of(b.work / f"idle-{scheme}", "--idle-timeout", "3600", "--max-connections", "20000", *flags, tls=scheme == "https")
        time.sleep(1)
        before = server.rss()
        held = idle_after_a_request(server.ports["api"], 10000, scheme == "https")
        after = server.rss()
        kept = all_answer(held)
        b.row(f"memory, 10,000 connections after one request each, {scheme}: RSS more", f"<= {most} MB", f"{after - before:.1f} MB", kept and after - before <= most,
              f"from {before:.1f} to {after:.1f} MB; {'all were kept and answered again' if kept else 'NOT all were kept'}")
        for s in held:
            s.close()
        server.stop()
