"""The AWS emulator (test/cloud/), a private home directory, and a package whose bootstrap does nothing."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request
import zipfile

import boto3

from tap import ROOT, run

REGION = "eu-central-1"
ACCOUNT = "123456789012"
KEY = {"AWS_ACCESS_KEY_ID": "AKIARADOSGWTESTUSER0", "AWS_SECRET_ACCESS_KEY": "radosgw-test-secret"}
KEEP = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TINTYPE_")) and k != "REGION"}


# The first bytes of a program for Linux, by architecture: e_machine is 62 or 183.
PROGRAM = {arch: b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + bytes([machine, 0]) for arch, machine in (("x86_64", 62), ("arm64", 183))}


def ask(url, service, target, body):
    """A call of a service of the cloud, with JSON."""
    scope = f"{KEY['AWS_ACCESS_KEY_ID']}/20260101/{REGION}/{service}/aws4_request"
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0", "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as answer:
        return json.loads(answer.read() or "{}")


def set_protection(url, table, enabled):
    """UpdateTable with a member that boto3 of Debian does not know yet."""
    ask(url, "dynamodb", "DynamoDB_20120810.UpdateTable", {"TableName": table, "DeletionProtectionEnabled": enabled})


def make_zip(path, arch="x86_64"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("bootstrap", PROGRAM[arch])
    return path


class Fixture:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tintype-deploy-"))
        self.cloud = subprocess.Popen(["node", "test/cloud/main.mjs", REGION], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=KEEP, text=True)
        self.url = self.cloud.stdout.readline().strip()
        assert self.url, "the cloud does not start; what it said is above"
        self.env = dict(KEEP, HOME=str(self.dir), AWS_ENDPOINT_URL=self.url, **KEY, TINTYPE_POLL_S="0", AWS_MAX_ATTEMPTS="1")
        self.start_aws()
        self.zip = make_zip(self.dir / "code.zip")

    def start_aws(self):
        """Let the scripts' aws be served by one process, where it is that of Debian: see aws_server.py."""
        folder = self.dir / "bin"
        folder.mkdir()
        self.aws = subprocess.Popen(["/usr/bin/python3", "-B", "test/deploy/aws_server.py", folder], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=KEEP)
        if self.aws.stdout.readline():
            self.env["PATH"] = f"{folder}:{self.env['PATH']}"

    def client(self, service):
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, aws_access_key_id=KEY["AWS_ACCESS_KEY_ID"], aws_secret_access_key=KEY["AWS_SECRET_ACCESS_KEY"])

    def protect_table(self, name, enabled):
        set_protection(self.url, name, enabled)

    def test(self, action, **given):
        """What only tests can do to the cloud: see control.mjs."""
        return ask(self.url, "test", f"Test.{action}", given)

    def things(self, type=None):
        """The ids of what there is in the cloud, with their types."""
        return sorted((one["type"], one["id"]) for one in self.test("List")["things"] if type in (None, one["type"]))

    def aws_that_ends_protection(self, table="ImageMetadata"):
        """A PATH whose aws can end the protection of the table, which the AWS CLI of Debian does not know yet."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.dir))
        (folder / "aws").write_text(f"""#!/bin/bash
case "$*" in *"dynamodb update-table --table-name {table} --no-deletion-protection-enabled"*) exec {sys.executable} -B test/deploy/fixture.py {self.url} {table} ;; esac
exec {shutil.which("aws", path=self.env["PATH"])} "$@"
""")
        (folder / "aws").chmod(0o755)
        return f"{folder}:{self.env['PATH']}"

    def close(self):
        self.cloud.communicate(timeout=60)
        self.aws.communicate(timeout=60)
        shutil.rmtree(self.dir)

    def script(self, name, *arguments, stdin="", **env):
        return run(["bash", f"deploy/{name}.sh", *arguments], {**self.env, **env}, stdin)


class Scripts(unittest.TestCase):
    """What a script printed, which ended as it had to."""

    def good(self, done):
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def bad(self, done, words):
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(words, done.stderr)


if __name__ == "__main__":   # URL TABLE: what an AWS CLI that knows deletion protection does to end it
    set_protection(sys.argv[1], sys.argv[2], False)
