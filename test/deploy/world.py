"""An emulator of AWS on loopback, a home of our own, and a package whose bootstrap does nothing."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import zipfile

import boto3

from tap import run

REGION = "eu-central-1"
ACCOUNT = "123456789012"
KEEP = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TINTYPE_")) and k != "REGION"}


class World:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tintype-deploy-"))
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = (self.dir / "moto.log").open("w")
        self.moto = subprocess.Popen(["moto_server", "-H", "127.0.0.1", "-p", str(port)], stdout=self.log, stderr=self.log, env=KEEP, start_new_session=True)
        self.env = dict(KEEP, HOME=str(self.dir), AWS_ENDPOINT_URL=self.url, AWS_ACCESS_KEY_ID="AKIATEST", AWS_SECRET_ACCESS_KEY="secret", TINTYPE_POLL_S="0", AWS_MAX_ATTEMPTS="1")
        self.zip = self.dir / "code.zip"
        with zipfile.ZipFile(self.zip, "w") as z:
            z.writestr("bootstrap", "#!/bin/sh\n")
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                assert time.monotonic() < end and self.moto.poll() is None, "moto_server does not start"
                time.sleep(0.1)

    def client(self, service):
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, aws_access_key_id="AKIATEST", aws_secret_access_key="secret")

    def close(self):
        os.killpg(self.moto.pid, signal.SIGTERM)
        self.moto.wait(10)
        self.log.close()
        shutil.rmtree(self.dir)

    def script(self, name, *arguments, stdin="", **env):
        return run(["bash", f"deploy/{name}.sh", *arguments], {**self.env, **env}, stdin)
