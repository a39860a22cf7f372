"""The rows of `make bench` about AWS: the Lambda program, and the server on DynamoDB, each against Node.js.

Both sides get the same event or request, region and credentials, and the same DynamoDB that does
nothing (bench/null_dynamodb.c), plain or by TLS. The Lambda program is the one of the package.
"""
import contextlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import zipfile

from identity_rows import claims_of, make_tokens

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/bench/bench"
TINTYPE = ROOT / "build/tintype"
REFERENCE = ROOT / "bench/reference"
NODE = ROOT / "build/node/node_modules/.bin/node"
ASKED = {"fileName": "picture.jpg", "fileType": "image/jpeg"}
ENV = {"PATH": os.environ["PATH"], "AWS_REGION": "us-east-1", "BUCKET_NAME": "image-uploads", "TABLE_NAME": "ImageMetadata",
       "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
       "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_CONFIG_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
       "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true"}


def node():
    return str(NODE) if NODE.exists() else "node"


class NullTable:
    """The DynamoDB that does nothing, for a with statement; `url` leads to it."""

    def __init__(self, *arguments):
        certificate = len(arguments) in (2, 5)   # one is a row; of three, and more, the first are an object, its row and where to put others
        self.process = subprocess.Popen([BIN / "null_dynamodb", "0", *arguments], stdout=subprocess.PIPE, text=True)
        port = self.process.stdout.readline().strip()
        self.url = f"https://localhost:{port}" if certificate else f"http://127.0.0.1:{port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def event(token=None):
    """The event of a REST API for POST /upload, with a token or without."""
    headers = {"Accept": "*/*", "Content-Type": "application/json", "Host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", "User-Agent": "Mozilla/5.0",
               "X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678", "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https", **({"Authorization": f"Bearer {token}"} if token else {})}
    return json.dumps({
        "resource": "/upload", "path": "/upload", "httpMethod": "POST", "headers": headers, "multiValueHeaders": {k: [v] for k, v in headers.items()},
        "queryStringParameters": None, "multiValueQueryStringParameters": None, "pathParameters": None, "stageVariables": None,
        "requestContext": {"resourceId": "abc123", "resourcePath": "/upload", "httpMethod": "POST", "path": "/prod/upload", "stage": "prod", "accountId": "123456789012",
                           "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "apiId": "a1b2c3d4e5", "identity": {"sourceIp": "203.0.113.7", "userAgent": "Mozilla/5.0"}},
        "body": json.dumps(ASKED), "isBase64Encoded": False})


def make_certificate(b):
    """A certificate of RSA 2048, as AWS's are, of an authority of our own: (certificate, key, authority)."""
    where = b.work / "tls"
    where.mkdir(exist_ok=True)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=where, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bench authority", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem")
    (where / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "certificate.pem")
    return where / "certificate.pem", where / "key.pem", where / "ca.pem"


def authorities(b, own):
    """Our program trusts what AWS_CA_BUNDLE names and nothing else: the five roots that are built in, and our own."""
    return b.file("roots.pem", (ROOT / "src/aws/roots.pem").read_text() + own.read_text())


def package():
    arch = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return ROOT / f"build/lambda/tintype-lambda-{arch}.zip"


def unpack(b):
    """The function's program, with tintype-render next to it."""
    with zipfile.ZipFile(package()) as z:
        for name in z.namelist():
            pathlib.Path(z.extract(name, b.work)).chmod(0o755)
    return [b.work / "bootstrap"]


def bundle(b, source="lambda.mjs", *more):
    """The Node.js function in one file, as it would be deployed; esbuild itself is called, since npm's scripts are not run."""
    esbuild, = REFERENCE.glob("node_modules/@esbuild/*/bin/esbuild")
    out = b.work / f"{pathlib.Path(source).stem}.cjs"
    subprocess.run([esbuild, source, "--bundle", "--minify", "--platform=node", "--target=node20", "--format=cjs", "--log-level=error", f"--outfile={out}", *more], cwd=REFERENCE, check=True)
    return [node(), REFERENCE / "runtime.cjs", out]


class Invoker:
    def __init__(self, b):
        self.event = b.file("event.json", event())
        certificate, key, own = make_certificate(b)
        self.tls = (certificate, key)
        self.ours, self.theirs = unpack(b), bundle(b)
        self.env = {"AWS_CA_BUNDLE": authorities(b, own), "NODE_EXTRA_CA_CERTS": own}

    def give_tokens(self, b, n):
        """From here on each event has a token, which neither side has seen before where there are not more events than tokens."""
        keys, tokens = make_tokens(b, n, 100)
        self.event = b.file("events.json", "\n".join(map(event, tokens)))
        self.theirs = bundle(b, "lambda_users.mjs")
        claims = claims_of(tokens[0])
        self.env = {"TINTYPE_OIDC_ISSUER": claims["iss"], "TINTYPE_OIDC_AUDIENCE": claims["client_id"], "TINTYPE_OIDC_JWKS": keys}

    def user(self, b):
        """What the table has of a user who was here before, with what DynamoDB keeps for ours."""
        counters = ("firstMs", "seenMs", "changedMs", "claimedBytes", "claimedImages", "reservedBytes", "pendingSlots", "slotMinute", "minuteSlots", "changes")
        texts = {"imageId": "usage#" + "a" * 32, "owner": "a" * 32, "issuer": self.env["TINTYPE_OIDC_ISSUER"], "subject": "aaaaaaaa-bbbb-cccc-dddd-000000000000"}
        return b.file("user.json", json.dumps({"Item": {name: {"S": text} for name, text in texts.items()} | {name: {"N": "1767225900000"} for name in counters}}))

    def invoke(self, program, table, invocations):
        handler = "upload" if program is self.ours else "lambda.handler"
        env = ENV | {"_HANDLER": handler, "AWS_LAMBDA_FUNCTION_NAME": "ImageUploadHandler", "AWS_ENDPOINT_URL_DYNAMODB": table.url, "DYNAMODB_ENDPOINT": table.url}
        env |= self.env if table.url.startswith("https:") or "TINTYPE_OIDC_ISSUER" in self.env else {}
        done = subprocess.run([BIN / "invoke", "--event", self.event, "--invocations", str(invocations), "--", *program], env=env, stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    def rounds(self, table, rounds, invocations):
        """Rounds in turn after one for each that is not counted: the medians of (ours, theirs), by name."""
        self.invoke(self.ours, table, invocations), self.invoke(self.theirs, table, invocations)
        pairs = [(self.invoke(self.ours, table, invocations), self.invoke(self.theirs, table, invocations)) for _ in range(rounds)]
        return {name: tuple(statistics.median(p[side][name] for p in pairs) for side in (0, 1)) for name in pairs[0][0]}


@contextlib.contextmanager
def one_processor(table):
    """Keep all that begins now, and the table, on one processor, as a function of 128 MB has less than one. Between two
    idle ones each of the six context switches of an invocation costs more than the work, and hides it."""
    before = os.sched_getaffinity(0)
    for process in (0, table.process.pid):
        os.sched_setaffinity(process, {min(before)})
    try:
        yield
    finally:
        for process in (0, table.process.pid):
            os.sched_setaffinity(process, before)


def bench_lambda(b):
    """The Lambda program against the same function in Node.js 20 with AWS SDK v3, bundled."""
    starts, rounds, invocations = (5, 2, 500) if b.quick else (20, 5, 1000)
    one = Invoker(b)

    def faster(what, bar, pair, more=""):
        ours, theirs = pair
        b.row(f"Lambda: {what}", f">= {bar}", f"{theirs / ours:.1f}", theirs >= bar * ours, f"{ours:.3g} ms against {theirs:.3g} ms{more}")
    with NullTable() as plain, NullTable(*one.tls) as tls:
        faster("exec to first GET /next, http, against Node", 50, one.rounds(plain, starts, 1)["init_ms"])
        cold = one.rounds(tls, starts, 1)
        faster("exec to first GET /next, https, connected, against Node", 12, cold["init_ms"])
        with one_processor(plain):
            warm = one.rounds(plain, rounds, invocations)
        faster("warm invocation, all on one processor, against Node", 12, warm["warm_ms"], "; processor time {:.3g} ms against {:.3g} ms".format(*warm["cpu_ms"]))
        faster("first invocation over TLS, against Node", 20, cold["first_ms"])
        ours, theirs = (kib / 1024 for kib in one.rounds(tls, rounds, invocations)["peak_kib"])
        b.row("Lambda: peak RSS after warm invocations over TLS, of Node's", "<= 0.1", f"{ours / theirs:.3f}", ours <= 0.1 * theirs, f"{ours:.1f} MB against {theirs:.1f} MB")
    one.give_tokens(b, invocations)
    with NullTable(one.user(b)) as knows, one_processor(knows):
        warm = one.rounds(knows, rounds, invocations)
    faster("warm invocation with a token to verify, all on one processor, against Node with jose", 10, warm["warm_ms"], "; processor time {:.3g} ms against {:.3g} ms".format(*warm["cpu_ms"]))


def start_server(table):
    server = subprocess.Popen([TINTYPE, "serve", "--store", "s3", "--table", "dynamodb", "--api", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                              env=ENV | {"AWS_ENDPOINT_URL_DYNAMODB": table.url, "TINTYPE_DELIVERY_KEYS": "bench" * 8}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in server.stderr:
        ready = json.loads(line)
        if ready.get("event") == "server.ready":
            return server, int(ready["api"].rsplit(":", 1)[1])
    raise SystemExit("bench: the server on S3 and DynamoDB did not start")


def bench_cloud(b):
    """POST /prod/upload on a DynamoDB that does nothing, against the Node reference on the same."""
    body = b.file("slot.json", json.dumps(ASKED))
    with NullTable() as ours_on, NullTable() as theirs_on:
        server, ours_port = start_server(ours_on)
        reference = subprocess.Popen([node(), "server.mjs"], cwd=REFERENCE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                     env=ENV | {"DYNAMODB_ENDPOINT": theirs_on.url})
        theirs_port = int(reference.stdout.readline())

        def against(port):
            return lambda seconds: b.rate(port, ["/prod/upload"], seconds, 64, "--repeat", "--method", "POST", "--body", body, "--header", "Content-Type: application/json")
        ours, theirs = b.compare(against(ours_port), against(theirs_port))
        for process in (server, reference):
            process.kill()
            process.wait()
    b.row("POST /prod/upload on S3 and a null DynamoDB, 64 connections, against Node", ">= 10", f"{ours / theirs:.1f}", ours >= 10 * theirs, f"{ours:.0f}/s against {theirs:.0f}/s")


BENCHES = {"lambda": bench_lambda, "cloud": bench_cloud}
