#!/usr/bin/env python3
"""Copies of objects: their source, directives, conditions and checksums."""
import datetime
from urllib.parse import quote

from fixture import Case, XMLNS, crc32, main, sha256

ODD_KEYS = [" ", "_", "__", "?versionId", "a?versionId=b", "a+b", "a%2Fb", "a%b", "é/日本", "a//b", "/a", "..", "a&b=c", "a#b", "a\nb", "k" * 1024, "🙂"]


class Source(Case):
    def setUp(self):
        self.bucket = self.new_bucket()

    def body(self, key, bucket=None):
        return self.alice.get_object(Bucket=bucket or self.bucket, Key=key)["Body"].read()

    def raw(self, source, key="copy", who="alice", **headers):
        return self.send("PUT", f"/{self.bucket}/{key}", who=who, headers={"x-amz-copy-source": source, **headers})

    def test_result_and_bytes(self):
        self.put(self.bucket, "a", body=b"some bytes")
        answer = self.alice.copy_object(Bucket=self.bucket, Key="b", CopySource={"Bucket": self.bucket, "Key": "a"})
        head = self.alice.head_object(Bucket=self.bucket, Key="b")
        self.assertEqual(answer["CopyObjectResult"]["ETag"], head["ETag"])
        self.assertEqual(answer["CopyObjectResult"]["LastModified"].replace(microsecond=0), head["LastModified"])
        self.assertEqual(self.body("b"), b"some bytes")
        self.assertEqual(self.body("a"), b"some bytes")

    def test_xml(self):
        self.put(self.bucket, "a")
        answer = self.accepted(200, self.raw(f"/{self.bucket}/a"))
        self.assertEqual(answer.xml.tag, XMLNS + "CopyObjectResult")
        self.assertEqual(answer.headers["Content-Type"], "application/xml")

    def test_forms_of_the_header(self):
        self.put(self.bucket, "dir/a", body=b"x")
        for source in (f"/{self.bucket}/dir/a", f"{self.bucket}/dir/a", f"/{self.bucket}/dir%2Fa", f"{self.bucket}%2Fdir%2Fa", f"%2F{self.bucket}/dir/a"[3:],
                       f"/{self.bucket}/dir/a?versionId=null", f"/{self.bucket}/%64ir/a"):
            self.accepted(200, self.raw(source))

    def test_malformed_headers(self):
        for source in ("", "/", self.bucket, f"/{self.bucket}", f"/{self.bucket}/", "//a", f"/{self.bucket}/%zz", f"/{self.bucket}/%FF"):
            self.refused(400, "InvalidArgument", self.raw(source))
        self.refused(400, "KeyTooLongError", self.raw(f"/{self.bucket}/" + "k" * 1025))

    def test_odd_keys(self):
        for key in ODD_KEYS:
            self.put(self.bucket, key, body=key.encode())
            self.alice.copy_object(Bucket=self.bucket, Key="copy of it", CopySource={"Bucket": self.bucket, "Key": key})
            self.assertEqual(self.body("copy of it"), key.encode())
            self.alice.copy_object(Bucket=self.bucket, Key=key, CopySource={"Bucket": self.bucket, "Key": "copy of it"})
            self.assertEqual(self.body(key), key.encode())

    def test_plus_is_a_blank_as_java_writes_it(self):
        self.put(self.bucket, "a b", body=b"blank")
        self.accepted(200, self.raw(f"/{self.bucket}/a+b"))
        self.assertEqual(self.body("copy"), b"blank")
        self.put(self.bucket, "a+b", body=b"plus")
        for source, body in (("a+b", b"blank"), ("a%20b", b"blank"), ("a%2Bb", b"plus"), ("a%2bb", b"plus")):
            self.accepted(200, self.raw(f"/{self.bucket}/{source}"))
            self.assertEqual(self.body("copy"), body)
        upload = self.alice.create_multipart_upload(Bucket=self.bucket, Key="k")["UploadId"]
        answer = self.accepted(200, self.send("PUT", f"/{self.bucket}/k?partNumber=1&uploadId={upload}", headers={"x-amz-copy-source": f"/{self.bucket}/a+b"}))
        self.assertEqual(answer.text("ETag"), self.alice.head_object(Bucket=self.bucket, Key="a b")["ETag"])

    def test_nothing_and_16_mib(self):
        for body in (b"", bytes(range(256)) * 65536):
            self.put(self.bucket, "a", body=body)
            self.alice.copy_object(Bucket=self.bucket, Key="b", CopySource=f"{self.bucket}/a")
            self.assertEqual(self.body("b"), body)

    def test_missing_source(self):
        self.refused(404, "NoSuchKey", self.raw(f"/{self.bucket}/none"))
        self.refused(404, "NoSuchBucket", self.raw("/no-bucket-of-this-name/a"))
        self.fails(404, "404", self.alice.head_object, Bucket=self.bucket, Key="copy")

    def test_missing_destination_bucket(self):
        self.put(self.bucket, "a")
        self.fails(404, "NoSuchBucket", self.alice.copy_object, Bucket="no-bucket-of-this-name", Key="b", CopySource=f"{self.bucket}/a")

    def test_version(self):
        self.put(self.bucket, "a")
        answer = self.alice.copy_object(Bucket=self.bucket, Key="b", CopySource={"Bucket": self.bucket, "Key": "a", "VersionId": "null"})
        self.assertEqual(answer["CopySourceVersionId"], "null")
        self.refused(400, "InvalidArgument", self.raw(f"/{self.bucket}/a?versionId=x"))
        self.refused(404, "NoSuchVersion", self.raw(f"/{self.bucket}/a?versionId=" + "x" * 32))

    def test_between_buckets(self):
        other = self.new_bucket()
        self.put(self.bucket, "a", body=b"x")
        self.alice.copy_object(Bucket=other, Key="a", CopySource=f"{self.bucket}/a")
        self.assertEqual(self.body("a", other), b"x")

    def test_from_or_to_another_users_bucket_then_access_denied(self):
        theirs = self.new_bucket(self.bob)
        self.put(theirs, "a", client=self.bob)
        self.put(self.bucket, "a")
        self.refused(403, "AccessDenied", self.raw(f"/{theirs}/a"))
        self.refused(403, "AccessDenied", self.raw(f"/{theirs}/none"))
        self.fails(403, "AccessDenied", self.alice.copy_object, Bucket=theirs, Key="b", CopySource=f"{self.bucket}/a")

    def test_expected_owners(self):
        self.put(self.bucket, "a")
        self.alice.copy_object(Bucket=self.bucket, Key="b", CopySource=f"{self.bucket}/a", ExpectedBucketOwner="alice", ExpectedSourceBucketOwner="alice")
        for name in ("ExpectedBucketOwner", "ExpectedSourceBucketOwner"):
            self.fails(403, "AccessDenied", self.alice.copy_object, Bucket=self.bucket, Key="c", CopySource=f"{self.bucket}/a", **{name: "123456789012"})

    def test_presigned(self):
        self.put(self.bucket, "a", body=b"x")
        answer = self.send("PUT", f"/{self.bucket}/b", presign=True, headers={"x-amz-copy-source": f"/{self.bucket}/a"})
        self.accepted(200, answer)
        self.assertEqual(self.body("b"), b"x")

    def test_a_copy_outlives_its_source(self):
        self.put(self.bucket, "a", body=b"x" * 100000)
        self.alice.copy_object(Bucket=self.bucket, Key="b", CopySource=f"{self.bucket}/a")
        self.alice.delete_object(Bucket=self.bucket, Key="a")
        self.assertEqual(self.body("b"), b"x" * 100000)

    def test_over_another_object_then_it_is_replaced(self):
        self.put(self.bucket, "a", body=b"new")
        self.put(self.bucket, "b", body=b"old", ContentType="text/old")
        self.alice.copy_object(Bucket=self.bucket, Key="b", CopySource=f"{self.bucket}/a")
        self.assertEqual(self.body("b"), b"new")
        self.assertNotEqual(self.alice.head_object(Bucket=self.bucket, Key="b")["ContentType"], "text/old")


class Directives(Case):
    def setUp(self):
        self.bucket = self.new_bucket()
        self.alice.put_object(Bucket=self.bucket, Key="a", Body=b"x", ContentType="text/a", CacheControl="no-store", ContentDisposition="inline",
                              ContentLanguage="de", ContentEncoding="br", Metadata={"one": "1", "two": "zwei"})

    def copy(self, key="b", **more):
        self.alice.copy_object(Bucket=self.bucket, Key=key, CopySource=f"{self.bucket}/a", **more)
        return self.alice.head_object(Bucket=self.bucket, Key=key)

    def test_none_or_copy_then_all_is_copied_whatever_is_sent(self):
        for more in ({}, {"MetadataDirective": "COPY"}, {"ContentType": "text/b", "Metadata": {"one": "2"}}):
            head = self.copy(**more)
            self.assertEqual(head["ContentType"], "text/a")
            self.assertEqual(head["Metadata"], {"one": "1", "two": "zwei"})
            self.assertEqual((head["CacheControl"], head["ContentDisposition"], head["ContentLanguage"], head["ContentEncoding"]), ("no-store", "inline", "de", "br"))

    def test_replace_then_nothing_is_copied(self):
        head = self.copy(MetadataDirective="REPLACE", ContentType="text/b", Metadata={"three": "3"})
        self.assertEqual((head["ContentType"], head["Metadata"]), ("text/b", {"three": "3"}))
        self.assertNotIn("CacheControl", head)
        self.assertEqual(self.copy(MetadataDirective="REPLACE")["ContentType"], "binary/octet-stream")

    def test_unknown(self):
        for name in ("MetadataDirective", "TaggingDirective"):
            self.fails(400, "InvalidArgument", self.alice.copy_object, Bucket=self.bucket, Key="b", CopySource=f"{self.bucket}/a", **{name: "MERGE"})

    def test_onto_itself(self):
        self.fails(400, "InvalidRequest", self.alice.copy_object, Bucket=self.bucket, Key="a", CopySource=f"{self.bucket}/a")
        self.fails(400, "InvalidRequest", self.alice.copy_object, Bucket=self.bucket, Key="a", CopySource=f"{self.bucket}/a", MetadataDirective="COPY")
        head = self.copy("a", MetadataDirective="REPLACE", Metadata={"new": "yes"})
        self.assertEqual(head["Metadata"], {"new": "yes"})
        self.assertEqual(self.alice.get_object(Bucket=self.bucket, Key="a")["Body"].read(), b"x")

    def test_redirect_is_not_copied(self):
        self.copy("r", WebsiteRedirectLocation="/elsewhere")
        self.assertEqual(self.alice.head_object(Bucket=self.bucket, Key="r")["WebsiteRedirectLocation"], "/elsewhere")
        self.alice.copy_object(Bucket=self.bucket, Key="s", CopySource=f"{self.bucket}/r")
        self.assertNotIn("WebsiteRedirectLocation", self.alice.head_object(Bucket=self.bucket, Key="s"))

    def test_metadata_too_large(self):
        self.fails(400, "MetadataTooLarge", self.alice.copy_object, Bucket=self.bucket, Key="b", CopySource=f"{self.bucket}/a", MetadataDirective="REPLACE",
                   Metadata={"big": "x" * 2100})

    def test_acl_and_storage_class(self):
        self.copy(ACL="private", StorageClass="STANDARD")
        self.fails(400, "InvalidArgument", self.alice.copy_object, Bucket=self.bucket, Key="b", CopySource=f"{self.bucket}/a", ACL="public-ready")
        self.fails(400, "InvalidStorageClass", self.alice.copy_object, Bucket=self.bucket, Key="b", CopySource=f"{self.bucket}/a", StorageClass="SNOW")

    def test_unsupported_headers(self):
        for more in ({"ServerSideEncryption": "AES256"}, {"Tagging": "a=b", "TaggingDirective": "REPLACE"},
                     {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": datetime.datetime(2030, 1, 1)}):
            self.fails(501, "NotImplemented", self.alice.copy_object, Bucket=self.bucket, Key="b", CopySource=f"{self.bucket}/a", **more)
        self.copy(TaggingDirective="COPY")


class Conditions(Case):
    def setUp(self):
        self.bucket = self.new_bucket()
        self.put(self.bucket, "a", body=b"x")
        self.head = self.alice.head_object(Bucket=self.bucket, Key="a")

    def copy(self, key="b", **more):
        return self.alice.copy_object(Bucket=self.bucket, Key=key, CopySource=f"{self.bucket}/a", **more)

    def not_copied(self, **more):
        self.fails(412, "PreconditionFailed", self.copy, **more)

    def test_source_match(self):
        self.copy(CopySourceIfMatch=self.head["ETag"])
        self.copy(CopySourceIfMatch=self.head["ETag"].strip('"'))
        self.not_copied(CopySourceIfMatch='"00"')

    def test_source_none_match(self):
        self.copy(CopySourceIfNoneMatch='"00"')
        self.not_copied(CopySourceIfNoneMatch=self.head["ETag"])

    def test_source_times(self):
        day = datetime.timedelta(days=1)
        then = self.head["LastModified"]
        self.copy(CopySourceIfModifiedSince=then - day)
        self.not_copied(CopySourceIfModifiedSince=then + datetime.timedelta(seconds=1))
        self.copy(CopySourceIfUnmodifiedSince=then + day)
        self.not_copied(CopySourceIfUnmodifiedSince=then - day)

    def test_source_tag_wins_over_time(self):
        day = datetime.timedelta(days=1)
        self.copy(CopySourceIfMatch=self.head["ETag"], CopySourceIfUnmodifiedSince=self.head["LastModified"] - day)
        self.not_copied(CopySourceIfNoneMatch=self.head["ETag"], CopySourceIfModifiedSince=self.head["LastModified"] - day)

    def test_destination(self):
        self.copy(IfNoneMatch="*")
        self.not_copied(IfNoneMatch="*")
        self.copy(IfMatch=self.head["ETag"])
        self.not_copied(IfMatch='"00"')
        self.fails(404, "NoSuchKey", self.copy, key="none", IfMatch='"00"')


class Checksums(Case):
    def setUp(self):
        self.bucket = self.new_bucket()

    def test_requested_algorithm(self):
        self.put(self.bucket, "a", body=b"some bytes")
        for algorithm, value in (("CRC32", crc32(b"some bytes")), ("SHA256", sha256(b"some bytes"))):
            result = self.alice.copy_object(Bucket=self.bucket, Key="b", CopySource=f"{self.bucket}/a", ChecksumAlgorithm=algorithm)["CopyObjectResult"]
            self.assertEqual((result[f"Checksum{algorithm}"], result["ChecksumType"]), (value, "FULL_OBJECT"))
            head = self.alice.head_object(Bucket=self.bucket, Key="b", ChecksumMode="ENABLED")
            self.assertEqual(head[f"Checksum{algorithm}"], value)
        for algorithm in ("CRC32C", "CRC64NVME", "SHA1"):
            result = self.alice.copy_object(Bucket=self.bucket, Key="b", CopySource=f"{self.bucket}/a", ChecksumAlgorithm=algorithm)["CopyObjectResult"]
            self.assertTrue(result[f"Checksum{algorithm}"])

    def test_of_the_source_is_copied(self):
        self.alice.put_object(Bucket=self.bucket, Key="a", Body=b"some bytes", ChecksumAlgorithm="SHA256")
        result = self.alice.copy_object(Bucket=self.bucket, Key="b", CopySource=f"{self.bucket}/a")["CopyObjectResult"]
        self.assertEqual(result["ChecksumSHA256"], sha256(b"some bytes"))

    def test_unknown(self):
        self.put(self.bucket, "a")
        answer = self.send("PUT", f"/{self.bucket}/b", headers={"x-amz-copy-source": f"/{self.bucket}/a", "x-amz-checksum-algorithm": "CRC99"})
        self.refused(400, "InvalidRequest", answer)


if __name__ == "__main__":
    main()
