"""The AWS emulator (test/cloud/), a private home directory, and a package whose bootstrap does nothing."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile

import boto3

from tap import ROOT, run

REGION = "eu-central-1"
ACCOUNT = "123456789012"
KEY = {"AWS_ACCESS_KEY_ID": "AKIARADOSGWTESTUSER0", "AWS_SECRET_ACCESS_KEY": "radosgw-test-secret"}
KEEP = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TINTYPE_")) and k != "REGION"}


def set_protection(url, table, enabled):
    """UpdateTable with a member that boto3 of Debian does not know yet."""
    scope = f"{KEY['AWS_ACCESS_KEY_ID']}/20260101/{REGION}/dynamodb/aws4_request"
    headers = {"X-Amz-Target": "DynamoDB_20120810.UpdateTable", "Content-Type": "application/x-amz-json-1.0", "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    body = json.dumps({"TableName": table, "DeletionProtectionEnabled": enabled}).encode()
    urllib.request.urlopen(urllib.request.Request(url, body, headers)).close()


class Fixture:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tintype-deploy-"))
        self.cloud = subprocess.Popen(["node", "test/cloud/main.mjs", REGION], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=KEEP, text=True)
        self.url = self.cloud.stdout.readline().strip()
        assert self.url, "the cloud does not start; what it said is above"
        self.env = dict(KEEP, HOME=str(self.dir), AWS_ENDPOINT_URL=self.url, **KEY, TINTYPE_POLL_S="0", AWS_MAX_ATTEMPTS="1")
        self.zip = self.dir / "code.zip"
        with zipfile.ZipFile(self.zip, "w") as z:
            z.writestr("bootstrap", "#!/bin/sh\n")

    def client(self, service):
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, aws_access_key_id=KEY["AWS_ACCESS_KEY_ID"], aws_secret_access_key=KEY["AWS_SECRET_ACCESS_KEY"])

    def protect_table(self, name, enabled):
        set_protection(self.url, name, enabled)

    def close(self):
        self.cloud.communicate(timeout=60)
        shutil.rmtree(self.dir)

    def script(self, name, *arguments, stdin="", **env):
        return run(["bash", f"deploy/{name}.sh", *arguments], {**self.env, **env}, stdin)


if __name__ == "__main__":   # URL TABLE: what an AWS CLI that knows deletion protection does to end it
    set_protection(sys.argv[1], sys.argv[2], False)
