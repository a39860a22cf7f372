"""The row of `make bench` about backups: what the second one writes when little is new."""
import os
import pathlib
import re
import subprocess
import sys
import time

import http_rows

ROOT = pathlib.Path(__file__).resolve().parent.parent
TINTYPE = ROOT / "build/tintype"
SIZE = 200000


def upload(b, server, n, file):
    """In steps, so that no slot expires."""
    for begun in range(0, n, 2000):
        upload_some(b, server, min(2000, n - begun), file)


def upload_some(b, server, n, file):
    targets = ["/" + target for _, target in server.slots(n)]
    result = b.load(server.ports["storage"], targets, 3600, 16, "--method", "PUT", "--body", file, "--header", "Content-Type: image/jpeg")
    if result["errors"] > 0 or result["requests"] != n:
        sys.exit(f"bench: of {n} uploads {result['requests']} were sent and {result['errors']} failed: {result['status']}")


def back_up(data, to):
    """Bytes written, the copy of the database that is made meanwhile counted too; and seconds."""
    begun = time.monotonic()
    done = subprocess.run([TINTYPE, "backup", to, "--data", data], stdout=subprocess.PIPE, text=True, env=dict(os.environ, TINTYPE_ENV_FILE=""), check=True)
    return int(re.search(r"(\d+) bytes written", done.stdout).group(1)) + (data / "tintype.db").stat().st_size, time.monotonic() - begun


def bench_backup(b, server_of, picture):
    """A second backup of many images with a few new ones, against the first."""
    n = 2000 if b.quick else 20000
    data, to = b.work / "backed-up", b.work / "backup"
    file = b.file("backup.jpg", picture(SIZE))
    server = server_of(data, *http_rows.BYTE_FOR_BYTE)
    upload(b, server, n, file)
    first, seconds = back_up(data, to)
    upload(b, server, n // 1000, file)
    second, again = back_up(data, to)
    server.stop()
    b.row(f"second backup of {n} images of 200 KB with {n // 1000} new: bytes written, of the first's", "<= 1 %", f"{100 * second / first:.2f} %",
          second <= first / 100, f"{second / 1e6:.1f} against {first / 1e6:.1f} MB, database included; {again:.1f} against {seconds:.1f} s")
    for folder in (data, to):
        http_rows.empty(folder)
