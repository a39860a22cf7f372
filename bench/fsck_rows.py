"""The row of `make bench` about `tintype fsck`: all that it does, against openssl computing the SHA-256 of the same files, with as many processes."""
import os
import pathlib
import statistics
import subprocess
import sys
import time

import http_rows

ROOT = pathlib.Path(__file__).resolve().parent.parent
TINTYPE = ROOT / "build/tintype"
SIZE = 200000


def filled(b, server_of, picture, n):
    """A server with at least n images, every one a file in its place."""
    server = server_of(b.work / "fsck", *http_rows.BYTE_FOR_BYTE)
    body = b.file("fsck.jpg", picture(SIZE))
    while server.get_json("/prod/images?limit=1")["total"] < n:
        b.rate(server.ports["api"], ["/prod/images"], 1 if b.quick else 5, 16, "--repeat", "--method", "POST", "--body", body, "--header", "Content-Type: image/jpeg")
    while any((b.work / "fsck/incoming").iterdir()):
        time.sleep(0.05)
    return server


def seconds(command):
    begun = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, TINTYPE_ENV_FILE=""), text=True)
    if done.returncode != 0:
        sys.exit(f"bench: {command[0]} ended with {done.returncode}: {done.stdout[-500:]}")
    return time.monotonic() - begun, done.stdout


def bench_fsck(b, server_of, picture):
    n, cores = 2000 if b.quick else 20000, os.cpu_count()
    server = filled(b, server_of, picture, n)
    files = b.file("fsck.files", "\0".join(str(p) for p in sorted((b.work / "fsck/objects").glob("*/*"))))
    ours, theirs = [], []
    for i in range(b.rounds + 1):   # the first of each warms the page cache
        took, said = seconds([TINTYPE, "fsck", "--data", b.work / "fsck", "--jobs", str(cores)])
        ours.append(took)
        theirs.append(seconds(["xargs", "-0", "-a", files, "-P", str(cores), "-n", "250", "openssl", "dgst", "-sha256"])[0])
    images = server.get_json("/prod/images?limit=1")["total"]
    server.stop()
    http_rows.empty(b.work / "fsck")
    if f"objects read {images} " not in said:
        sys.exit(f"bench: fsck did not read all: {said}")
    mine, peer = statistics.median(ours[1:]), statistics.median(theirs[1:])
    b.row(f"fsck of {images} images of 200 KB beside the server, against openssl dgst -sha256", ">= 0.8", f"{peer / mine:.2f}", peer >= 0.8 * mine,
          f"{images * SIZE / mine / 1e9:.2f} GB/s against {images * SIZE / peer / 1e9:.2f} GB/s, {cores} at a time")
