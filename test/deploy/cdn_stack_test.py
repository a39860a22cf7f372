"""A stack with a CDN on the AWS emulator (test/cloud/): its keys are made, rotated and removed, its page is uploaded."""
import http.server
import json
import pathlib
import re
import shutil
import ssl
import subprocess
import threading
import unittest

from tap import ROOT, main
from fixture import REGION, Fixture

BUCKET = f"tintype-images-123456789012-{REGION}"
# An aws that keeps the arguments of every call, and the mode of each file that they name.
RECORDER = """#!/bin/bash
printf '%s\\n' "$*" >>"{log}"
for one in "$@"; do case $one in file://*cdn-key*) stat -c '%a' "${{one#file://}}" >>"{modes}" ;; esac; done
exec {aws} "$@"
"""


def start_issuer(folder, document):
    """An OpenID Connect issuer that has its document, by TLS with a certificate of its own: server, issuer, certificate."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/realm/.well-known/openid-configuration" else 404)
            self.end_headers()
            self.wfile.write(document.encode())

        def log_message(self, *_):
            pass

    key, certificate = folder / "issuer.key", folder / "issuer.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"https://localhost:{server.server_port}/realm", certificate


def setUpModule():
    global fixture
    fixture = Fixture()
    unittest.addModuleCleanup(fixture.close)


class Journey(unittest.TestCase):
    """The tests run in the order of their names and each continues from the last."""

    def deploy(self, *given, code=0, **variables):
        done = fixture.script("deploy", "--region", REGION, "--zip", fixture.zip, *given, **variables)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def parameters(self):
        s, = fixture.client("cloudformation").describe_stacks(StackName="tintype")["Stacks"]
        return {p["ParameterKey"]: p["ParameterValue"] for p in s["Parameters"]}

    def secrets(self):
        """The private keys that are there, by their place."""
        ssm = fixture.client("ssm")
        names = [p["Name"] for p in ssm.describe_parameters()["Parameters"] if "cdn-key" in p["Name"]]
        for name in names:
            self.assertEqual(ssm.get_parameter(Name=name)["Parameter"]["Type"], "SecureString")
        return {name.removeprefix("/tintype/tintype/cdn-key-"): ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] for name in names}

    def public(self, secret):
        pem = subprocess.run(["openssl", "pkey", "-pubout"], input=secret, capture_output=True, text=True, check=True).stdout
        return ",".join(line for line in pem.splitlines() if not line.startswith("-"))

    def variables(self, function="ImageListHandler"):
        found = fixture.client("lambda").get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        return {k.removeprefix("TINTYPE_CDN_"): v for k, v in found.items() if k.startswith("TINTYPE_CDN_")}

    def objects(self, folder):
        return {o["Key"] for o in fixture.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=folder).get("Contents", [])}

    def test_1_deploy_makes_a_key_that_nobody_sees_and_uploads_the_page(self):
        folder = pathlib.Path(fixture.dir) / "recorder"
        folder.mkdir()
        (folder / "aws").write_text(RECORDER.format(log=folder / "log", modes=folder / "modes", aws=shutil.which("aws")))
        (folder / "aws").chmod(0o755)
        said = self.deploy("Cdn=on", PATH=f"{folder}:{fixture.env['PATH']}")
        secret = self.secrets()["1"]
        self.assertEqual(set(self.secrets()), {"1"})
        self.assertIn("-----BEGIN PRIVATE KEY-----", secret)
        self.assertEqual((folder / "modes").read_text().split(), ["600"])
        body = [line for line in secret.splitlines() if not line.startswith("-")]
        for text in (said, (folder / "log").read_text()):
            self.assertFalse([line for line in body if line in text])
        given = self.parameters()
        self.assertEqual((given["CdnKey1"], given["CdnKey2"], given["CdnSigningKey"]), (self.public(secret), "", "1"))
        v = self.variables()
        self.assertEqual(v["KEY_PARAMETER"], "/tintype/tintype/cdn-key-1")
        self.assertRegex(v["KEY_ID"], "^K[0-9A-F]{13}$")
        self.assertIn(f"The page is at {v['URL']}\n", said)
        self.assertEqual(self.variables("ImageEventHandler"), {k: v[k] for k in ("URL", "DISTRIBUTION")})
        self.assertRegex(v["SECRET"], "^[0-9a-f]{64}$")
        self.assertEqual((given["CdnSecret"], {self.variables(f"Image{name}Handler")["SECRET"] for name in ("Upload", "List", "Manage", "Delivery")}), ("****", {v["SECRET"]}))
        self.assertNotIn(v["SECRET"], said)
        wanted = {f"page/{f.relative_to(ROOT / 'web')}" for f in (ROOT / "web").rglob("*") if f.is_file() and "console" not in f.parts}
        self.assertEqual(self.objects("page/"), wanted)
        types = {key: fixture.client("s3").head_object(Bucket=BUCKET, Key=key)["ContentType"] for key in wanted}
        for key, kind in types.items():
            self.assertRegex(kind, {".js": "javascript$", ".css": "^text/css$", ".html": "^text/html$", ".svg": r"^image/svg\+xml$"}[pathlib.Path(key).suffix])

    def test_2_deploy_again_keeps_the_key_and_a_missing_one_is_refused_not_replaced(self):
        before, secret = self.secrets(), self.variables()["SECRET"]
        oidc = ("Auth=oidc", "OidcAudience=images", "OidcClientId=page")
        said = self.deploy(*oidc, "OidcIssuer=https://localhost:1/", code=1)
        self.assertIn("https://localhost:1/.well-known/openid-configuration cannot be read", said)
        self.assertIn("OidcOrigins=https://HOST", said)
        endpoints = {"issuer": "https://id.example", "token_endpoint": "https://oauth2.example/token", "revocation_endpoint": "https://revoke.example:8443/r"}
        server, issuer, certificate = start_issuer(pathlib.Path(fixture.dir), json.dumps(endpoints, indent=1).replace("/", "\\/"))
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.deploy("UrlTtl=60", *oidc, f"OidcIssuer={issuer}", CURL_CA_BUNDLE=str(certificate))
        self.assertEqual(self.parameters()["OidcOrigins"], "https://oauth2.example https://revoke.example:8443")
        self.assertEqual(self.variables()["SECRET"], secret, "made once")
        self.assertEqual(self.secrets(), before)
        ssm = fixture.client("ssm")
        ssm.delete_parameter(Name="/tintype/tintype/cdn-key-1")
        said = self.deploy("UrlTtl=61", code=1)
        self.assertIn("the private key /tintype/tintype/cdn-key-1 is missing", said)
        self.assertIn("--rotate-cdn-key", said)
        self.assertEqual((self.secrets(), self.parameters()["UrlTtl"]), ({}, "60"))
        ssm.put_parameter(Name="/tintype/tintype/cdn-key-1", Value=before["1"], Type="SecureString")

    def test_3_keys_are_not_parameters_of_the_command_line(self):
        for one in ("CdnKey1=", "CdnKey2=", "CdnSigningKey=2"):
            self.assertIn("is set by this script", self.deploy(one, code=1))

    def test_4_a_key_is_added_and_signs_and_a_later_run_removes_the_old_one(self):
        old, key_id = self.secrets()["1"], self.variables()["KEY_ID"]
        said = self.deploy("--rotate-cdn-key")
        self.assertEqual(said.count("Updating the stack"), 2, "the distribution knows the new key before it signs")
        self.assertLess(said.index("CdnKeyGroup"), said.index("From now on the new key signs"))
        now = self.secrets()
        self.assertEqual((set(now), now["1"]), ({"1", "2"}, old))
        given = self.parameters()
        self.assertEqual((given["CdnKey1"], given["CdnKey2"], given["CdnSigningKey"]), (self.public(old), self.public(now["2"]), "2"))
        self.assertNotEqual(self.variables()["KEY_ID"], key_id)
        self.assertEqual(self.variables("ImageManageHandler")["KEY_PARAMETER"], "/tintype/tintype/cdn-key-2")
        self.deploy("--rotate-cdn-key")
        given = self.parameters()
        self.assertEqual((given["CdnKey1"], given["CdnKey2"], given["CdnSigningKey"]), ("", self.public(now["2"]), "2"))
        self.assertEqual(self.secrets(), {"2": now["2"]})
        self.assertEqual(len(fixture.things("CloudFront::PublicKey")), 1)

    def test_5_a_rotation_that_was_interrupted_is_finished_by_the_next_run(self):
        self.deploy("--rotate-cdn-key")
        cloud = fixture.client("cloudformation")
        given = [{"ParameterKey": k, "UsePreviousValue": True} for k in self.parameters() if k != "CdnSigningKey"]
        cloud.update_stack(StackName="tintype", Capabilities=["CAPABILITY_IAM"], TemplateURL=self.template(), Parameters=[*given, {"ParameterKey": "CdnSigningKey", "ParameterValue": "2"}])
        cloud.get_waiter("stack_update_complete").wait(StackName="tintype")
        self.deploy("--rotate-cdn-key")
        self.assertEqual((self.parameters()["CdnSigningKey"], set(self.secrets())), ("1", {"1", "2"}))
        self.deploy("--rotate-cdn-key")
        self.assertEqual(set(self.secrets()), {"1"})

    def template(self):
        fixture.client("s3").put_object(Bucket=BUCKET, Key="template.yaml", Body=(ROOT / "deploy/template.yaml").read_bytes())
        return f"{fixture.url}/{BUCKET}/template.yaml"

    def test_6_without_it_the_keys_the_page_and_the_copies_of_public_images_go(self):
        s3 = fixture.client("s3")
        for key in ("public/1/original", "public/1/small.webp", "images/1.png"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
        self.deploy("Cdn=off")
        self.assertEqual((self.secrets(), self.objects("page/"), self.objects("public/")), ({}, set(), set()))
        self.assertEqual(self.objects("images/"), {"images/1.png"})
        self.assertEqual([one for one in fixture.things() if one[0].startswith("CloudFront::")], [])
        self.assertEqual(self.variables(), {})
        self.assertIn("--rotate-cdn-key is for a stack with Cdn=on", self.deploy("--rotate-cdn-key", code=1))
        s3.put_object(Bucket=BUCKET, Key="public/1/original", Body=b"x")   # as a run leaves it that ends before all is removed
        fixture.client("ssm").put_parameter(Name="/tintype/tintype/cdn-key-2", Value="x", Type="SecureString")
        self.deploy()
        self.assertEqual((self.secrets(), self.objects("public/"), self.objects("images/")), ({}, set(), {"images/1.png"}))

    def test_7_destroy_leaves_no_distribution_and_no_key(self):
        self.assertIn("public already lead to the CDN", self.deploy("Cdn=on"))
        done = fixture.script("destroy", "--region", REGION, "--yes", PATH=fixture.aws_that_ends_protection())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual([one for one in fixture.things() if re.match("CloudFront|S3::Bucket$", one[0])], [])
        self.assertEqual(fixture.client("ssm").describe_parameters()["Parameters"], [])


if __name__ == "__main__":
    main()
