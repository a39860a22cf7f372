#!/usr/bin/env python3
"""Images by boto3: what it is given by URL is stored without what can identify a person, with digests of either."""
import base64
import hashlib
import json
import subprocess
import urllib.request

from fixture import IMAGES, ROOT, Case, crc32, main

PICTURES = subprocess.run([ROOT / "test/pictures/make"], capture_output=True, text=True, check=True).stdout.strip()
TYPES = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp"}


class Images(Case):
    def slot(self, name):
        body = json.dumps({"fileName": name, "fileType": TYPES[name.rsplit(".")[-1]]}).encode()
        request = urllib.request.Request(f"{self.server.api}/prod/upload", body, {"Content-Type": "application/json"})
        return f"images/{json.load(urllib.request.urlopen(request))['imageId']}.{name.rsplit('.')[-1]}"

    def put_signed(self, key, body, **headers):
        """As a client that was given the URL by the owner does."""
        return self.send("PUT", f"/{IMAGES}/{key}", body=body, presign=True, who="tintype", headers={k.replace("_", "-"): v for k, v in headers.items()})

    def test_what_is_stored_has_its_own_digests(self):
        for name in ("private.jpg", "private.png", "private.gif", "private.webp"):
            key, body = self.slot(name), open(f"{PICTURES}/good/{name}", "rb").read()
            md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
            self.refused(400, "BadDigest", self.put_signed(key, body, x_amz_checksum_crc32=crc32(b"other")))
            answer = self.accepted(200, self.put_signed(key, body, x_amz_checksum_crc32=crc32(body), Content_MD5=md5))
            self.assertIsNone(answer.headers["x-amz-checksum-crc32"])
            got = self.owner.get_object(Bucket=IMAGES, Key=key, ChecksumMode="ENABLED")
            stored = got["Body"].read()
            self.assertNotIn(b"SECRET", stored)
            self.assertEqual((got["ETag"], got["ContentLength"], got["ChecksumCRC32"]), (f'"{hashlib.md5(stored).hexdigest()}"', len(stored), crc32(stored)), name)
            self.assertEqual(answer.headers["ETag"], got["ETag"])
            attributes = self.owner.get_object_attributes(Bucket=IMAGES, Key=key, ObjectAttributes=["ETag", "Checksum", "ObjectSize"])
            self.assertEqual((attributes["ObjectSize"], attributes["Checksum"]["ChecksumCRC32"]), (len(stored), crc32(stored)))
            again = self.accepted(200, self.put_signed(key, body))
            self.assertEqual(again.headers["ETag"], got["ETag"])
            self.refused(412, "PreconditionFailed", self.put_signed(key, stored))

    def test_nothing_removed_then_the_response_has_the_checksum(self):
        key, body = self.slot("alpha.png"), open(f"{PICTURES}/good/alpha.png", "rb").read()
        answer = self.accepted(200, self.put_signed(key, body, x_amz_checksum_crc32=crc32(body)))
        self.assertEqual((answer.headers["x-amz-checksum-crc32"], answer.headers["ETag"]), (crc32(body), f'"{hashlib.md5(body).hexdigest()}"'))

    def test_copy_of_an_image_elsewhere_is_of_the_stored_bytes(self):
        key, body = self.slot("private.jpg"), open(f"{PICTURES}/good/private.jpg", "rb").read()
        self.accepted(200, self.put_signed(key, body))
        self.owner.copy_object(Bucket=IMAGES, Key="copied.jpg", CopySource={"Bucket": IMAGES, "Key": key})
        copied = self.owner.get_object(Bucket=IMAGES, Key="copied.jpg")["Body"].read()
        self.assertEqual(copied, self.owner.get_object(Bucket=IMAGES, Key=key)["Body"].read())
        self.assertNotIn(b"SECRET", copied)


if __name__ == "__main__":
    main()
