"""The rows of `make bench` about the function that makes thumbnails: the one of the package against sharp and the AWS SDK in Node.js,
each behind the Runtime API, on the same S3 and DynamoDB that do nothing but give one picture and its row (bench/null_dynamodb.c).
Both make a picture of 12 megapixels into 512 pixels, as WebP and as JPEG of quality 80, from one decode."""
import hashlib
import json
import statistics
import subprocess
import zipfile

import aws_rows
import pixel_rows

ROOT, BIN = aws_rows.ROOT, aws_rows.BIN
ID = "0123abcd-0000-4000-8000-00000000000a"
ETAG = "bench"   # as null_dynamodb gives it


def row_of(file):
    """The row of an image that was accepted, in DynamoDB's JSON."""
    texts = {"imageId": ID, "status": "uploaded", "objectKey": f"images/{ID}.jpg", "fileName": "a.jpg", "fileType": "image/jpeg", "etag": ETAG, "verdict": "ok",
             "createdAt": "2026-01-01T00:00:00.000Z", "uploadedAt": "2026-01-01T00:00:01.000Z", "deleteHash": hashlib.sha256(b"x").hexdigest()}
    numbers = {"version": 2, "fileSize": file.stat().st_size, "width": 4000, "height": 3000, "expiresMs": 1767225900000}
    return {"Item": {name: {"S": value} for name, value in texts.items()} | {name: {"N": str(value)} for name, value in numbers.items()}}


class Functions:
    def __init__(self, b, file):
        self.b, self.file = b, file
        self.event = b.file("thumbs.json", json.dumps({"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": json.dumps({"imageId": ID, "etag": ETAG})}]}))
        self.row = b.file("row.json", json.dumps(row_of(file)))
        self.made = b.work / "made"
        self.made.mkdir()
        certificate, key, own = aws_rows.make_certificate(b)
        self.tls = (certificate, key)
        self.programs = {"ours": aws_rows.unpack(b), "theirs": aws_rows.bundle(b, "render.mjs", "--external:sharp")}
        self.env = aws_rows.ENV | {"AWS_CA_BUNDLE": str(aws_rows.authorities(b, own)), "NODE_EXTRA_CA_CERTS": str(own), "NODE_PATH": str(ROOT / "bench/peers/node_modules"),
                                   "TINTYPE_THUMBNAILS": "medium:512x512", "TINTYPE_THUMBNAIL_QUEUE": "http://127.0.0.1:1/queue", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024"}

    def services(self, *certificate):
        return aws_rows.NullTable(self.file, self.row, self.made, *certificate)

    def invoke(self, side, services, invocations):
        env = self.env | {"_HANDLER": "render", "AWS_LAMBDA_FUNCTION_NAME": "ImageRenderHandler", "AWS_ENDPOINT_URL": services.url}
        done = subprocess.run([BIN / "invoke", "--event", self.event, "--invocations", str(invocations), "--", *self.programs[side]], env=env, stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    def rounds(self, services, rounds, invocations):
        """Rounds in turn, after one of each that is not counted: the medians of (ours, theirs), by name."""
        pairs = [(self.invoke("ours", services, invocations), self.invoke("theirs", services, invocations)) for _ in range(rounds + 1)][1:]
        for pair in pairs:
            for one in pair:
                one["cold_ms"] = one["init_ms"] + one["first_ms"]
        return {name: tuple(statistics.median(p[side][name] for p in pairs) for side in (0, 1)) for name in pairs[0][0]}


def bench_render(b):
    file = pixel_rows.large_photos(b)[0]
    one = Functions(b, file)
    starts, rounds, invocations = (3, 2, 20) if b.quick else (15, 5, 60)
    with one.services(*one.tls) as tls:
        with aws_rows.one_processor(tls):
            cold = one.rounds(tls, starts, 1)
        ours, theirs = cold["init_ms"]
        b.row("render function: exec to first GET /next, connected to S3 and DynamoDB by TLS, against Node", ">= 20", f"{theirs / ours:.1f}", theirs >= 20 * ours,
              f"{ours:.3g} ms against {theirs:.3g} ms, which has not connected yet")
        ours, theirs = cold["cold_ms"]
        b.row("render function: exec to first thumbnail of 12 megapixels, of Node's with sharp", "<= 0.25", f"{ours / theirs:.3f}", ours <= 0.25 * theirs, f"{ours:.4g} ms against {theirs:.4g} ms")
    with one.services() as plain:
        with aws_rows.one_processor(plain):
            warm = one.rounds(plain, rounds, invocations)
    ours, theirs = warm["warm_cpu_ms"]
    b.row("render function: processor time of a warm thumbnail, of Node's with sharp", "<= 0.85", f"{ours / theirs:.3f}", ours <= 0.85 * theirs,
          "{:.4g} ms against {:.4g} ms; by the clock {:.4g} ms against {:.4g} ms".format(ours, theirs, *warm["warm_ms"]))
    for format_name, ours, theirs in (("WebP", next(one.made.glob("medium-*.webp")), one.made / "medium.webp"), ("JPEG", next(one.made.glob("medium-*.jpg")), one.made / "medium.jpg")):
        a, c = pixel_rows.json_of(BIN / "vips_loop", "psnr", file, ours, theirs)
        b.row(f"render function: PSNR-Y of its {format_name} below that of sharp's", "<= 0.75 dB", f"{c - a:.2f} dB", c - a <= 0.75,
              f"{a:.2f} against {c:.2f}; {ours.stat().st_size} bytes against {theirs.stat().st_size}")
    ours, theirs = (kib / 1024 for kib in warm["peak_kib"])
    b.row("render function: peak RSS after warm thumbnails, with its decoder, of Node's", "(none)", f"{ours / theirs:.3f}", True, f"{ours:.1f} MB against {theirs:.1f} MB")
    with zipfile.ZipFile(aws_rows.package()) as z:
        small = z.getinfo("bootstrap").compress_size
    b.row("package: the program without the renderer", "<= 2.5 MB", f"{small / 1e6:.2f} MB", small <= 2_500_000, "packed; functions that decode nothing need no more")
    whole = aws_rows.package().stat().st_size
    b.row("package: with the renderer", "<= 4 MB", f"{whole / 1e6:.2f} MB", whole <= 4_000_000, "the zip that all functions have")


BENCHES = {"render": bench_render}
