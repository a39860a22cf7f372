"""Shared by the conformance tests: one real server for each file, two users besides the owner, boto3 clients for
each, raw requests that are signed by botocore, and assertions that name S3's codes.

The program under test is named by the environment variable TINTYPE. Run by tools/run-tests; prints TAP."""
import base64
import hashlib
import http.client
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
import zlib

# Members of S3's model that Debian's boto3 does not know yet; read when a client is created.
os.environ["AWS_DATA_PATH"] = str(pathlib.Path(__file__).resolve().parent / "models")

import boto3   # noqa: E402
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "test/deploy"))
import tap   # noqa: E402  (the TAP printer of test/deploy/)

IMAGES = "image-uploads"
REGION = "us-east-1"
XMLNS = "{http://s3.amazonaws.com/doc/2006-03-01/}"
MIB = 1024 * 1024


class Server:
    """A server with its own directory; stopped at the end of the program in any case."""

    def __init__(self, *flags):
        self.dir = tempfile.mkdtemp(prefix="tintype-conformance-")
        data = f"{self.dir}/data"
        program = os.environ["TINTYPE"]
        env = {k: v for k, v in os.environ.items() if not k.startswith(("TINTYPE_", "AWS_"))}
        self.child = subprocess.Popen(
            [program, "serve", "--data", data, "--api", "127.0.0.1:0", "--storage", "127.0.0.1:0", "--admin", "127.0.0.1:0", *flags],
            cwd=self.dir, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.log = []
        self.storage = self.api = None
        for line in self.child.stderr:
            self.log.append(line)
            if '"server.ready"' in line:
                self.storage = re.search(r'"storage":"([^"]+)"', line).group(1)
                self.api = re.search(r'"api":"([^"]+)"', line).group(1)
                break
        assert self.storage, "".join(self.log)
        self.rest = open(f"{self.dir}/stderr", "wb")
        self.drain = subprocess.Popen(["cat"], stdin=self.child.stderr, stdout=self.rest)
        self.child.stderr.close()
        for name in ("alice", "bob"):
            subprocess.run([program, "keys", "add", name, "--data", data], check=True, capture_output=True, env=env)
        self.data = data
        self.keys = self.read_keys()

    def read_keys(self):
        keys, name = {}, None
        for line in open(f"{self.data}/credentials"):
            if m := re.match(r"\[(?:profile )?(\S+)\]", line):
                name = m.group(1)
                keys[name] = {}
            elif m := re.match(r"(aws_\w+)\s*=\s*(\S+)", line):
                keys[name][m.group(1)] = m.group(2)
        return {n: Credentials(k["aws_access_key_id"], k["aws_secret_access_key"]) for n, k in keys.items() if "aws_access_key_id" in k}

    def add_key(self, name, *options):
        subprocess.run([os.environ["TINTYPE"], "keys", "add", name, "--data", self.data, *options], check=True, capture_output=True)
        self.keys = self.read_keys()

    def client(self, who, **config):
        key = self.keys[who]
        return boto3.client("s3", endpoint_url=self.storage, region_name=REGION, aws_access_key_id=key.access_key,
                            aws_secret_access_key=key.secret_key,
                            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 1, "mode": "standard"}, **config))

    def stop(self):
        self.child.terminate()
        code = self.child.wait(60)
        self.drain.wait(60)
        self.rest.close()
        tail = open(f"{self.dir}/stderr").read()
        shutil.rmtree(self.dir, ignore_errors=True)
        assert code == 0, f"the server ended with {code}:\n{tail[-3000:]}"


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def xml(self):
        return ElementTree.fromstring(self.body)

    @property
    def code(self):
        return self.xml.findtext("Code")

    def text(self, path):
        return self.xml.findtext("/".join(XMLNS + step for step in path.split("/")))


class Case(unittest.TestCase):
    """A test with the server of its file, a client for each of two users, and buckets that are deleted afterwards."""
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.server = SERVER
        cls.alice, cls.bob, cls.owner = SERVER.client("alice"), SERVER.client("bob"), SERVER.client("tintype")

    count = 0

    def new_bucket(self, client=None, **more):
        Case.count += 1
        name = f"bucket-{Case.count}-{re.sub('[^a-z]', '', self._testMethodName)[:30]}"
        client = client or self.alice
        client.create_bucket(Bucket=name, **more)
        self.addCleanup(self.drop_bucket, client, name)
        return name

    def drop_bucket(self, client, name):
        try:
            uploads = client.list_multipart_uploads(Bucket=name).get("Uploads", [])
        except ClientError as error:
            self.assertEqual(error.response["Error"]["Code"], "NoSuchBucket")
            return
        for upload in uploads:
            client.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
        while keys := keys_of(client.list_objects_v2(Bucket=name)):
            for key in [k for k in keys if re.search("[\x00-\x1f\ufffe\uffff]", k)]:   # XML cannot represent them
                client.delete_object(Bucket=name, Key=key)
                keys.remove(key)
            if keys:
                self.assertNotIn("Errors", client.delete_objects(Bucket=name, Delete={"Objects": [{"Key": k} for k in keys], "Quiet": True}))
        client.delete_bucket(Bucket=name)

    def put(self, bucket, *keys, body=None, client=None, **more):
        for key in keys:
            (client or self.alice).put_object(Bucket=bucket, Key=key, Body=key.encode() if body is None else body, **more)

    def fails(self, status, code, call, **arguments):
        """The call fails with this error; returns the response."""
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        response = caught.exception.response
        got = (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"])
        self.assertEqual(got, (status, code), response["Error"].get("Message"))
        return response

    def send(self, method, path, *, body=b"", headers=None, who="alice", sign=True, presign=False, lifetime=300, region=REGION, trailer=False):
        """A request exactly as given, signed with SigV4 in the header, in the query, or not at all."""
        url = self.server.storage + path
        if isinstance(body, str):
            body = body.encode()
        request = AWSRequest(method=method, url=url, data=b"" if presign else body, headers=headers or {})
        if presign:
            S3SigV4QueryAuth(self.server.keys[who], "s3", region, lifetime).add_auth(request)
        elif sign:
            if trailer:   # botocore's own value for a body that is sent aws-chunked
                request.context["checksum"] = {"request_algorithm": {"in": "trailer"}}
            request.headers["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
            S3SigV4Auth(self.server.keys[who], "s3", region).add_auth(request)
        connection = http.client.HTTPConnection(self.server.storage.removeprefix("http://"), timeout=60)
        try:
            target = request.url.removeprefix(self.server.storage)
            connection.request(method, target, body=body or None, headers={k: v for k, v in request.headers.items()})
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def refused(self, status, code, answer):
        """The response is this error, with everything that every error has."""
        self.assertEqual((answer.status, answer.code), (status, code), answer.body[:600])
        self.assertEqual(answer.xml.tag, "Error")
        for name in ("Message", "Resource", "RequestId", "HostId"):
            self.assertTrue(answer.xml.findtext(name), f"{name}: {answer.body}")
        self.assertEqual(answer.xml.findtext("RequestId"), answer.headers["x-amz-request-id"])
        self.assertEqual(answer.headers["Content-Type"], "application/xml")
        self.check_common(answer)
        return answer

    def accepted(self, status, answer):
        self.assertEqual(answer.status, status, answer.body[:600])
        self.check_common(answer)
        return answer

    def check_common(self, answer):
        for name in ("x-amz-request-id", "x-amz-id-2", "Date"):
            self.assertTrue(answer.headers[name], name)
        self.assertEqual(answer.headers.get_all("Server"), ["tintype"])


def md5(body):
    return base64.b64encode(hashlib.md5(body.encode() if isinstance(body, str) else body).digest()).decode()


def crc32(body):
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def sha256(body):
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def keys_of(answer):
    return [o["Key"] for o in answer.get("Contents", [])]


def prefixes_of(answer):
    return [p["Prefix"] for p in answer.get("CommonPrefixes", [])]


def main():
    global SERVER
    SERVER = Server()
    sys.modules["fixture"].SERVER = SERVER
    status = 1
    try:
        tap.main()
    except SystemExit as end:
        status = end.code
    finally:
        SERVER.stop()
    sys.exit(status)
