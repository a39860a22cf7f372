"""The rows of `make bench` about webhooks: how fast they are delivered, and what they cost those who upload and ask for slots meanwhile.

The receiver answers at once and does nothing (null_dynamodb): it stands for a fast one, and costs both sides of a row the same.
"""
import contextlib
import json
import os
import re
import sqlite3
import subprocess
import time

import http_rows
import pixel_rows

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps({"type": "image.uploaded", "timestamp": "2026-11-30T06:38:07.110Z", "data": {"imageId": "0" * 36, "padding": "x" * 700}})


@contextlib.contextmanager
def receiver(b):
    process = subprocess.Popen([pixel_rows.BIN / "null_dynamodb", "0"], stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/hooks"
    finally:
        process.kill()
        process.wait()


def server_with(server_of, data, url, *flags):
    """A server that sends webhooks; the secret is taken from the environment only."""
    os.environ["TINTYPE_WEBHOOK_SECRET"] = SECRET
    try:
        return server_of(data, "--webhook-url", url, "--webhook-private", *flags)
    finally:
        del os.environ["TINTYPE_WEBHOOK_SECRET"]


def add_events(data, n):
    """Events that wait, in the database of a server that is stopped."""
    with contextlib.closing(sqlite3.connect(data / "tintype.db")) as db, db:
        db.executemany("INSERT INTO outbox(token, kind, image_id, owner, body, created_ms, due_ms) VALUES(?, 0, ?, '', ?, 1, 1)",
                       ((f"{i:020x}", "0" * 36, BODY) for i in range(n)))


def delivered(server):
    admin = server.connect("admin")
    admin.request("GET", "/metrics")
    text = admin.getresponse().read().decode()
    return int(re.search(r'^tintype_webhook_attempts_total\{outcome="delivered"\} (\d+)$', text, re.M).group(1))


def slots(b, server):
    body = b.file("slot.json", json.dumps({"fileName": "picture.jpg", "fileType": "image/jpeg"}))
    return http_rows.Side([server.process.pid], http_rows.load(b, server.ports["api"], "/prod/upload", 64, "--method", "POST", "--body", body,
                                                               "--header", "Content-Type: application/json"))


def bench_webhooks(b, server_of):
    """Deliveries to a fast receiver, and slots and uploads while they run."""
    n = 5000 if b.quick else 20000
    data = b.work / "webhooks"
    with receiver(b) as url:
        server_of(data).stop()
        add_events(data, n)
        begun, server = time.monotonic(), server_with(server_of, data, url)
        while delivered(server) < n:
            time.sleep(0.01)
        seconds, spent = time.monotonic() - begun, http_rows.processor_s([server.process.pid])
        server.stop()
        b.row("webhooks to a fast receiver, from a database that holds them", "(none)", f"{n / seconds:.0f}/s", True,
              f"{n} of {len(BODY)} bytes in {seconds:.1f} s, the start included; processor time each {1e6 * spent / n:.0f} us")

        # So many that they do not run out while slots are asked for.
        backlog = b.work / "backlog"
        server_of(backlog).stop()
        add_events(backlog, 200000 if b.quick else 1000000)
        busy, idle = server_with(server_of, backlog, url), server_of(b.work / "idle")
        first = delivered(busy)
        ratio, figures = http_rows.compare(b, slots(b, busy), slots(b, idle))
        during = delivered(busy) - first
        for server in (busy, idle):
            server.stop()
        b.row("POST /upload, 64 connections, while webhooks are delivered, per processor second, against the same without", ">= 0.9", f"{ratio[1]:.2f}",
              ratio[1] >= 0.9, f"{figures[1][0]:.0f} against {figures[1][1]:.0f} slots; {figures[0][0]:.0f}/s against {figures[0][1]:.0f}/s, {during} webhooks meanwhile")

        file = pixel_rows.with_metadata(b, pixel_rows.small_photos(b)[0])
        told, silent = server_with(server_of, b.work / "told", url), server_of(b.work / "silent")
        ratio, figures = http_rows.compare(b, pixel_rows.Uploads(b, told, file), pixel_rows.Uploads(b, silent, file))
        for server in (told, silent):
            server.stop()
        b.row("uploads of 200 KB, each with its webhook, against the same without: per processor second", ">= 0.9", f"{ratio[1]:.2f}", ratio[1] >= 0.9,
              pixel_rows.in_words(figures))
