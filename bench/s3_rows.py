"""The rows of `make bench` about the S3 protocol: header-signed puts and gets, and listings, against self-hosted peers
(Ceph's radosgw with its data in memory, s3rver), the disk's limit and loopback's."""
import datetime
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

import http_rows

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/bench/bench"
KEYS = 2000
LARGE_KEYS = 100   # of 5 MB
SIZES = {"1 KB": 1000, "200 KB": 200 * 1000, "5 MB": 5 * 1000 * 1000}


def sign(key, method, host, path, query="", payload="UNSIGNED-PAYLOAD"):
    """The headers of a request that is signed in its header."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/us-east-1/s3/aws4_request"
    names = "host;x-amz-content-sha256;x-amz-date"
    canonical = f"{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{payload}\nx-amz-date:{now}\n\n{names}\n{payload}"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    secret = ("AWS4" + key[1]).encode()
    for part in (*scope.split("/"), text):
        secret = hmac.digest(secret, part.encode(), "sha256")
    return {"x-amz-date": now, "x-amz-content-sha256": payload,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={key[0]}/{scope}, SignedHeaders={names}, Signature={secret.hex()}"}


class Store:
    """An S3 endpoint on loopback with one bucket."""

    def __init__(self, name, port, key, stop):
        self.name, self.port, self.key, self.stop = name, port, key, stop
        self.host = f"127.0.0.1:{port}"

    def call(self, method, path, query="", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path + ("?" + query if query else ""), body, sign(self.key, method, self.host, path, query))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status not in (200, 204):
            sys.exit(f"bench: {self.name} answered {method} {path} with {answer.status}: {content[:500]}")
        return content

    def targets(self, method, paths, query=""):
        lines = []
        for path in paths:
            headers = sign(self.key, method, self.host, path, query)
            lines.append("\t".join([path + ("?" + query if query else ""), *(f"{k}: {v}" for k, v in headers.items())]))
        return lines


def wait_for(port, process, name):
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if process is not None and process.poll() is not None:
                sys.exit(f"bench: {name} does not start")
            time.sleep(0.1)
    sys.exit(f"bench: {name} does not listen")


def end(process):
    def stop():
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return stop


def our_store(b, server_of, name="s3"):
    server = server_of(b.work / name)
    text = (b.work / name / "credentials").read_text()
    owner = text[text.index("[tintype]"):]
    key = [re.search(f"{field} *= *(\\S+)", owner).group(1) for field in ("aws_access_key_id", "aws_secret_access_key")]
    return Store("tintype", server.ports["storage"], key, server.stop)


def radosgw(b, free_port):
    process = subprocess.Popen(["bash", ROOT / "test/cloud/radosgw.sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    url = process.stdout.readline().strip()
    if not url:
        sys.exit("bench: radosgw does not start")
    return Store("radosgw", int(url.rsplit(":", 1)[1]), ("AKIARADOSGWTESTUSER0", "radosgw-test-secret"), process.communicate)


def s3rver(b, free_port):
    port, node = free_port(), ROOT / "build/node/node_modules/.bin/node"
    process = subprocess.Popen([str(node) if node.exists() else "node", "node_modules/s3rver/bin/s3rver.js", "-d", b.work / "s3rver", "-a", "127.0.0.1",
                                "-p", str(port), "--silent"], cwd=ROOT / "bench/peers", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    wait_for(port, process, "s3rver")
    return Store("s3rver", port, ("S3RVER", "S3RVER"), end(process))


def medians(b, runs):
    """Warm each up, take rounds in turn, the median of each. runs: functions of seconds that give a rate. Of four
    stores the rounds are shorter than elsewhere, so that all of it ends in some minutes."""
    for run in runs:
        run(min(b.warm_s, 2))
    rounds = [[run(min(b.round_s, 2)) for run in runs] for _ in range(3)]
    return [sorted(column)[len(column) // 2] for column in zip(*rounds)]


def load_of(b, store, method, paths, size, name):
    body = ["--body", b.file(f"body-{size}", os.urandom(size))] if method == "PUT" else []

    def run(seconds):
        result = b.load(store.port, store.targets(method, paths), seconds, 16, "--repeat", "--method", method, *body)
        if result["errors"] > 0:
            sys.exit(f"bench: {store.name}, {name}: {result['errors']} of {result['requests']} answers were not 2xx: {result['status']}")
        return result["rate"]
    return run


def limit_of(b, method, size):
    """The disk's own rate of durable writes, or loopback's of reads, of this size."""
    path = b.file(f"body-{size}", os.urandom(size))
    if method == "GET":
        path = b.file(f"bodies-{size}", os.urandom(LARGE_KEYS * size))
        server = subprocess.Popen([BIN / "loopback_limit", path, str(size)], stdout=subprocess.PIPE, text=True, start_new_session=True)
        port = int(server.stdout.readline())
        return (lambda seconds: b.load(port, ["/"], seconds, 16, "--repeat")["rate"]), end(server)

    return (lambda seconds: http_rows.disk_rate(b, path, seconds)), lambda: None


def row_of(b, name, method, size, stores):
    what = f"{'PutObject' if method == 'PUT' else 'GetObject'} of {name}, header-signed, 16 connections"
    paths = [f"/bench/{size}/{i}" for i in range(KEYS if size < 1 << 20 else LARGE_KEYS)]
    runs = [load_of(b, store, method, paths, size, what) for store in stores]
    if size > 1 << 20:
        limit, stop = limit_of(b, method, size)
        rates = medians(b, [runs[0], limit])
        stop()
        least = 0.85 if method == "PUT" else 0.7
        b.row(f"{what}, against {'the disk' if method == 'PUT' else 'loopback'}", f">= {least}", f"{rates[0] / rates[1]:.2f}",
              rates[0] >= least * rates[1], f"{rates[0]:.0f}/s against {rates[1]:.0f}/s")
    rates = medians(b, runs)
    best = max(rates[1:])
    bar = 5 if size < 10000 else 0
    b.row(f"{what}, against the fastest peer", f">= {bar}" if bar else "(none)", f"{rates[0] / best:.1f}", rates[0] >= bar * best,
          ", ".join(f"{store.name} {rate:.0f}/s" for store, rate in zip(stores, rates)))


def bench_s3(b, server_of, free_port):
    """PutObject and GetObject of three sizes, signed in the header."""
    peers = [radosgw, s3rver]
    stores = [our_store(b, server_of)]
    try:
        for peer in peers:
            stores.append(peer(b, free_port))
        for store in stores:
            store.call("PUT", "/bench")
        for name, size in SIZES.items():
            for method in ("PUT", "GET"):
                if method == "GET":
                    fill(b, stores, size)
                row_of(b, name, method, size, stores)
    finally:
        for store in stores:
            store.stop()


def fill(b, stores, size):
    """Upload every object that the gets request, whatever the puts before have left."""
    for store in stores:
        for i in range(KEYS if size < 1 << 20 else LARGE_KEYS):
            store.call("PUT", f"/bench/{size}/{i}", body=os.urandom(size))


def bench_s3list(b, server_of, free_port):
    """The first and a deep page of 1000 keys out of many, against one out of 10,000."""
    many = 100000 if b.quick else 1000000
    small, large = (our_store(b, lambda where, n=n: server_of(seeded(where, n)), f"keys-{n}") for n in (10000, many))
    for what, after in (("first page", ""), ("deep inside", "start-after=" + urllib.parse.quote(f"k/{many // 2:08d}", safe=""))):
        def against(store, query):
            run = lambda seconds: b.load(store.port, store.targets("GET", ["/bench"], query), seconds, 4, "--repeat")["rate"]
            assert store.call("GET", "/bench", query).count(b"<Key>") == 1000
            return run
        deep = "&".join(filter(None, ["list-type=2", "max-keys=1000", after]))
        ours, theirs = medians(b, [against(large, deep), against(small, "list-type=2&max-keys=1000")])
        b.row(f"a listing of 1000 of {many} keys against 10,000, {what}: time", "<= 1.3", f"{theirs / ours:.2f}", theirs <= 1.3 * ours,
              f"{ours:.0f}/s against {theirs:.0f}/s")
    small.stop()
    large.stop()


def seeded(where, n):
    if not where.exists():
        subprocess.run([BIN / "seed", where, str(n), "bench"], check=True)
    return where
