#!/usr/bin/env python3
"""Objects by raw requests: responses without a body, headers in the query of a URL."""
import hashlib
from urllib.parse import quote

from fixture import Case, crc32, main


class Bodiless(Case):
    def setUp(self):
        self.bucket = self.new_bucket()
        self.put(self.bucket, "k", body=b"bytes", CacheControl="max-age=60", Expires="Thu, 01 Dec 2033 16:00:00 GMT", ContentLanguage="de", Metadata={"a": "b"})

    def test_not_modified(self):
        """No Content-Length, for which Ruby's SDK would wait; what a cache needs (RFC 9110 15.4.5) and no more."""
        full = self.send("GET", f"/{self.bucket}/k")
        for method in ("GET", "HEAD"):
            for name, value in (("If-None-Match", full.headers["ETag"]), ("If-None-Match", "*"), ("If-Modified-Since", full.headers["Last-Modified"])):
                answer = self.accepted(304, self.send(method, f"/{self.bucket}/k", headers={name: value}))
                self.assertEqual(answer.body, b"")
                for kept in ("ETag", "Last-Modified", "Cache-Control", "Expires", "Vary"):
                    self.assertEqual(answer.headers[kept], full.headers[kept], kept)
                for gone in ("Content-Length", "Transfer-Encoding", "Content-Type", "Content-Language", "Content-Range", "x-amz-meta-a"):
                    self.assertIsNone(answer.headers[gone], (method, gone))

    def test_no_content(self):
        for path in (f"/{self.bucket}/k", f"/{self.bucket}/none", f"/{self.bucket}?cors"):
            answer = self.accepted(204, self.send("DELETE", path))
            self.assertEqual((answer.body, answer.headers["Content-Length"], answer.headers["Transfer-Encoding"]), (b"", None, None), path)

    def test_precondition_failed(self):
        answer = self.refused(412, "PreconditionFailed", self.send("GET", f"/{self.bucket}/k", headers={"If-Match": '"x"'}))
        self.assertEqual(answer.headers["Content-Length"], str(len(answer.body)))
        answer = self.send("HEAD", f"/{self.bucket}/k", headers={"If-Match": '"x"'})
        self.assertEqual((answer.status, answer.body), (412, b""))


class Query(Case):
    """A presigner moves x-amz-* headers into the query, where they have the same meaning."""

    def setUp(self):
        self.bucket = self.new_bucket()

    def put_by_url(self, query, key="k", body=b"bytes", **headers):
        path = f"/{self.bucket}/{key}?" + "&".join(f"{k}={quote(v, safe='')}" for k, v in query.items())
        return self.send("PUT", path, body=body, presign=True, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def head(self, key="k"):
        return self.alice.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")

    def test_metadata_in_the_query_only(self):
        self.accepted(200, self.put_by_url({"x-amz-meta-who": "me", "X-Amz-Meta-Other": "a, b", "x-amz-website-redirect-location": "/there"}))
        head = self.head()
        self.assertEqual((head["Metadata"], head["WebsiteRedirectLocation"]), ({"who": "me", "other": "a, b"}, "/there"))

    def test_metadata_in_both_then_once(self):
        self.accepted(200, self.put_by_url({"x-amz-meta-who": "me", "x-amz-meta-only": "query", "x-amz-website-redirect-location": "/a"},
                                           x_amz_meta_who="me", x_amz_meta_more="header", x_amz_website_redirect_location="/a"))
        head = self.head()
        self.assertEqual((head["Metadata"], head["WebsiteRedirectLocation"]), ({"who": "me", "only": "query", "more": "header"}, "/a"))

    def test_metadata_of_an_upload_in_parts(self):
        answer = self.send("POST", f"/{self.bucket}/k?uploads&x-amz-meta-who=me&x-amz-checksum-algorithm=SHA256", presign=True, headers={"x-amz-meta-who": "me"})
        self.assertEqual(self.accepted(200, answer).headers["x-amz-checksum-algorithm"], "SHA256")
        upload = answer.text("UploadId")
        part = self.alice.upload_part(Bucket=self.bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA256")
        self.alice.complete_multipart_upload(Bucket=self.bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": [
            {"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}]})
        self.assertEqual(self.head()["Metadata"], {"who": "me"})

    def test_refused_headers_are_refused_in_the_query_too(self):
        for query, status, code in (({"x-amz-acl": "public-ready"}, 400, "InvalidArgument"), ({"x-amz-storage-class": "GLACIER"}, 400, "InvalidStorageClass"),
                                    ({"x-amz-server-side-encryption": "AES256"}, 501, "NotImplemented"), ({"x-amz-tagging": "a=b"}, 501, "NotImplemented"),
                                    ({"x-amz-grant-read": "id=x"}, 400, "AccessControlListNotSupported"), ({"x-amz-expected-bucket-owner": "bob"}, 403, "AccessDenied"),
                                    ({"x-amz-object-lock-mode": "GOVERNANCE"}, 501, "NotImplemented"), ({"x-amz-meta-a": "b\n"}, 400, "InvalidArgument")):
            self.refused(status, code, self.put_by_url(query))
        self.fails(404, "404", self.head)
        self.accepted(200, self.put_by_url({"x-amz-acl": "private", "x-amz-storage-class": "STANDARD", "x-amz-expected-bucket-owner": "alice", "x-amz-user-agent": "x"}))

    def test_checksum_of_no_bytes_as_sent_by_the_sdk_for_javascript_is_ignored(self):
        self.accepted(200, self.put_by_url({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-sdk-checksum-algorithm": "CRC32"}))
        self.refused(400, "BadDigest", self.put_by_url({"x-amz-checksum-crc32": "AAAAAA=="}, x_amz_checksum_crc32=crc32(b"other")))

    def test_checksum_mode(self):
        self.put(self.bucket, "k", body=b"bytes", ChecksumAlgorithm="CRC32")
        answer = self.send("GET", f"/{self.bucket}/k?x-amz-checksum-mode=ENABLED", presign=True)
        self.assertEqual(answer.headers["x-amz-checksum-crc32"], crc32(b"bytes"))

    def test_copy_source(self):
        self.put(self.bucket, "a b", body=b"source")
        self.accepted(200, self.put_by_url({"x-amz-copy-source": f"/{self.bucket}/a+b", "x-amz-metadata-directive": "REPLACE", "x-amz-meta-a": "b"}, body=b""))
        head = self.head()
        self.assertEqual((head["ETag"].strip('"'), head["Metadata"]), (hashlib.md5(b"source").hexdigest(), {"a": "b"}))


class Metadata(Case):
    def test_a_tab_within_a_value_is_kept(self):
        bucket = self.new_bucket()
        self.accepted(200, self.send("PUT", f"/{bucket}/k", body=b"x", headers={"x-amz-meta-a": "b\tc"}))
        self.assertEqual(self.send("HEAD", f"/{bucket}/k").headers["x-amz-meta-a"], "b\tc")

    def test_xml_sent_aws_chunked_is_an_invalid_request(self):
        bucket = self.new_bucket()
        for path in (f"/{bucket}?cors", f"/{bucket}?acl", f"/{bucket}/k?uploadId=x"):
            answer = self.send("POST" if "uploadId" in path else "PUT", path, body=b"0\r\n\r\n", trailer=True,
                               headers={"x-amz-trailer": "x-amz-checksum-crc32", "x-amz-decoded-content-length": "0", "Content-Encoding": "aws-chunked"})
            self.refused(400, "InvalidRequest", answer)


if __name__ == "__main__":
    main()
