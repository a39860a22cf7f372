#!/usr/bin/env python3
"""Unsupported operations, GetObjectAttributes, and the form of every response."""
import re

from fixture import Case, ROOT, XMLNS, main

GETS = {"policy": "NoSuchBucketPolicy", "policyStatus": "NoSuchBucketPolicy", "lifecycle": "NoSuchLifecycleConfiguration", "tagging": "NoSuchTagSet",
        "encryption": "ServerSideEncryptionConfigurationNotFoundError", "website": "NoSuchWebsiteConfiguration",
        "replication": "ReplicationConfigurationNotFoundError", "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
        "ownershipControls": "OwnershipControlsNotFoundError", "object-lock": "ObjectLockConfigurationNotFoundError"}
EMPTY = {"logging": "BucketLoggingStatus", "notification": "NotificationConfiguration", "accelerate": "AccelerateConfiguration",
         "requestPayment": "RequestPaymentConfiguration"}
NEVER = ("analytics", "inventory", "metrics", "intelligent-tiering")
OBJECT = ("tagging", "retention", "legal-hold", "torrent", "restore", "select")


class Absent(Case):
    def setUp(self):
        self.bucket = self.new_bucket()
        self.put(self.bucket, "k", body=b"bytes")

    def test_policy_as_s3cmd_and_terraform_ask(self):
        self.fails(404, "NoSuchBucketPolicy", self.alice.get_bucket_policy, Bucket=self.bucket)

    def test_object_tags_are_empty(self):
        self.assertEqual(self.alice.get_object_tagging(Bucket=self.bucket, Key="k")["TagSet"], [])
        self.fails(404, "NoSuchKey", self.alice.get_object_tagging, Bucket=self.bucket, Key="none")

    def test_object_locks_are_not_set(self):
        self.fails(404, "NoSuchObjectLockConfiguration", self.alice.get_object_retention, Bucket=self.bucket, Key="k")
        self.fails(404, "NoSuchObjectLockConfiguration", self.alice.get_object_legal_hold, Bucket=self.bucket, Key="k")

    def test_settings_of_a_missing_bucket(self):
        self.assertEqual(self.alice.get_bucket_request_payment(Bucket=self.bucket)["Payer"], "BucketOwner")
        self.assertNotIn("LoggingEnabled", self.alice.get_bucket_logging(Bucket=self.bucket))
        self.assertNotIn("Status", self.alice.get_bucket_accelerate_configuration(Bucket=self.bucket))
        self.assertNotIn("TopicConfigurations", self.alice.get_bucket_notification_configuration(Bucket=self.bucket))

    def test_the_object_is_never_touched(self):
        for sub in OBJECT:
            for method in ("PUT", "POST", "DELETE"):
                answer = self.send(method, f"/{self.bucket}/k?{sub}", body="<x/>" if method != "DELETE" else b"")
                self.refused(501, "NotImplemented", answer)
        self.assertEqual(self.alice.get_object(Bucket=self.bucket, Key="k")["Body"].read(), b"bytes")

    def test_sub_resources_of_the_other_level_do_nothing(self):
        """A sub-resource of a bucket is never treated as the plain operation on an object, nor the other way round."""
        upload = self.alice.create_multipart_upload(Bucket=self.bucket, Key="k")["UploadId"]
        own = {"tagging", "encryption"}
        for sub in sorted(({*GETS, *EMPTY, *NEVER} | {"cors", "delete", "versions", "versioning", "location", "list-type=2"}) - own):
            for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
                answer = self.send(method, f"/{self.bucket}/k?{sub}", body=b"<x/>" if method in ("PUT", "POST") else b"")
                if (method, sub) == ("GET", "location"):
                    self.assertEqual(answer.xml.tag, XMLNS + "LocationConstraint")
                elif method == "HEAD":
                    self.assertEqual((answer.status, answer.body), (405, b""), sub)
                else:
                    self.refused(405, "MethodNotAllowed", answer)
        self.assertEqual(self.alice.get_object(Bucket=self.bucket, Key="k")["Body"].read(), b"bytes")
        self.alice.delete_object(Bucket=self.bucket, Key="k")
        for sub in [s for s in OBJECT if s not in own] + ["attributes", f"uploadId={upload}", f"uploadId={upload}&partNumber=1"]:
            for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
                answer = self.send(method, f"/{self.bucket}?{sub}", body=b"<x/>" if method in ("PUT", "POST") else b"")
                self.assertIn(answer.status, (400, 405), (method, sub))
        for method in ("PUT", "DELETE"):
            for query in ("versionId=null", "partNumber=1"):
                self.refused(400, "InvalidArgument", self.send(method, f"/{self.bucket}?{query}"))
        self.alice.head_bucket(Bucket=self.bucket)
        self.assertEqual(len(self.alice.list_multipart_uploads(Bucket=self.bucket)["Uploads"]), 1)

    def test_query_parameters_that_s3_does_not_know_make_no_difference(self):
        for query in ("x-id=GetObject", "nothing", "foo=bar", "X-Amz-Nothing=1", "Policy", "policies"):
            self.assertEqual(self.send("GET", f"/{self.bucket}/k?{query}").body, b"bytes")

    def test_puts_of_boto3(self):
        for call, more in (
                (self.alice.put_bucket_policy, {"Policy": "{}"}), (self.alice.put_bucket_tagging, {"Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}}),
                (self.alice.put_object_tagging, {"Key": "k", "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}}),
                (self.alice.put_bucket_versioning, {"VersioningConfiguration": {"Status": "Enabled"}}),
                (self.alice.put_public_access_block, {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}),
                (self.alice.put_bucket_encryption, {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}}),
                (self.alice.put_bucket_lifecycle_configuration, {"LifecycleConfiguration": {"Rules": [{"ID": "a", "Prefix": "", "Status": "Enabled", "Expiration": {"Days": 1}}]}}),
                (self.alice.put_bucket_website, {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "i"}}}), (self.alice.delete_bucket_policy, {}),
                (self.alice.put_object_lock_configuration, {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}), (self.alice.delete_bucket_website, {}),
                (self.alice.put_object_retention, {"Key": "k", "Retention": {"Mode": "GOVERNANCE"}}), (self.alice.restore_object, {"Key": "k"}),
                (self.alice.put_object, {"Key": "k", "Body": b"more", "WriteOffsetBytes": 0})):
            self.fails(501, "NotImplemented", call, Bucket=self.bucket, **more)


def get(sub, code):
    def test(self):
        self.refused(404, code, self.send("GET", f"/{self.bucket}?{sub}"))
        self.refused(404, code, self.send("GET", f"/{self.bucket}/?{sub}="))
    return test


def empty(sub, root):
    return lambda self: self.assertEqual(self.accepted(200, self.send("GET", f"/{self.bucket}?{sub}")).xml.tag, XMLNS + root)


def never(sub, method):
    return lambda self: self.refused(501, "NotImplemented", self.send(method, f"/{self.bucket}?{sub}"))


for name, error in GETS.items():
    setattr(Absent, f"test_get_{name}", get(name, error))
for name, element in EMPTY.items():
    setattr(Absent, f"test_get_{name}", empty(name, element))
for name in (*GETS, *EMPTY, *NEVER):
    setattr(Absent, f"test_put_{name}", never(name, "PUT"))
for name in NEVER:
    setattr(Absent, f"test_get_{name}", never(name, "GET"))


class Attributes(Case):
    def setUp(self):
        self.bucket = self.new_bucket()
        self.alice.put_object(Bucket=self.bucket, Key="k", Body=b"bytes", ChecksumAlgorithm="SHA1")

    def test_all(self):
        answer = self.alice.get_object_attributes(Bucket=self.bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"])
        head = self.alice.head_object(Bucket=self.bucket, Key="k")
        self.assertEqual((f'"{answer["ETag"]}"', answer["ObjectSize"], answer["StorageClass"], answer["LastModified"]), (head["ETag"], 5, "STANDARD", head["LastModified"]))
        self.assertNotIn("ObjectParts", answer)
        self.assertEqual(answer["Checksum"]["ChecksumType"], "FULL_OBJECT")
        self.assertTrue(answer["Checksum"]["ChecksumSHA1"])

    def test_only_the_requested_attributes(self):
        answer = self.alice.get_object_attributes(Bucket=self.bucket, Key="k", ObjectAttributes=["ObjectSize"])
        self.assertEqual({k for k in answer if k not in ("ResponseMetadata", "LastModified")}, {"ObjectSize"})

    def test_header_twice_unknown_or_missing(self):
        self.refused(400, "InvalidArgument", self.send("GET", f"/{self.bucket}/k?attributes"))
        for value in ("Colour", "ETag,Colour", ",", "etag"):
            self.refused(400, "InvalidArgument", self.send("GET", f"/{self.bucket}/k?attributes", headers={"x-amz-object-attributes": value}))
        self.accepted(200, self.send("GET", f"/{self.bucket}/k?attributes", headers={"x-amz-object-attributes": "ETag, ObjectSize"}))
        for name in ("x-amz-max-parts", "x-amz-part-number-marker"):
            self.refused(400, "InvalidArgument", self.send("GET", f"/{self.bucket}/k?attributes", headers={"x-amz-object-attributes": "ObjectParts", name: "x"}))

    def test_missing_and_versions(self):
        self.fails(404, "NoSuchKey", self.alice.get_object_attributes, Bucket=self.bucket, Key="none", ObjectAttributes=["ETag"])
        self.fails(404, "NoSuchVersion", self.alice.get_object_attributes, Bucket=self.bucket, Key="k", VersionId="v" * 32, ObjectAttributes=["ETag"])
        self.alice.get_object_attributes(Bucket=self.bucket, Key="k", VersionId="null", ObjectAttributes=["ETag"])


class Form(Case):
    """The headers and elements that every response has."""

    def test_errors_name_key_and_bucket(self):
        bucket = self.new_bucket()
        answer = self.refused(404, "NoSuchKey", self.send("GET", f"/{bucket}/a%20%26b"))
        self.assertEqual(answer.xml.findtext("Key"), "a &b")
        self.assertEqual(answer.xml.findtext("Resource"), f"/{bucket}/a%20%26b")
        answer = self.refused(404, "NoSuchUpload", self.send("GET", f"/{bucket}/k?uploadId=abc"))
        self.assertEqual(answer.xml.findtext("UploadId"), "abc")

    def test_head_errors_have_no_body(self):
        bucket = self.new_bucket()
        for path in (f"/{bucket}/none", "/no-such-bucket-here/k", f"/{bucket}?acl"):
            answer = self.send("HEAD", path)
            self.assertGreaterEqual(answer.status, 400)
            self.assertEqual(answer.body, b"")

    def test_request_ids_differ(self):
        ids = {self.send("GET", "/").headers["x-amz-request-id"] for _ in range(5)}
        self.assertEqual(len(ids), 5)

    def test_methods_that_s3_has_not(self):
        bucket = self.new_bucket()
        for method in ("PATCH", "TRACE", "PROPFIND"):
            self.assertIn(self.send(method, f"/{bucket}/k").status, (400, 405, 501))
        self.refused(405, "MethodNotAllowed", self.send("POST", f"/{bucket}/k"))
        self.refused(405, "MethodNotAllowed", self.send("POST", f"/{bucket}"))

    def test_namespace_of_documents(self):
        bucket = self.new_bucket()
        for path in ("/", f"/{bucket}", f"/{bucket}?list-type=2", f"/{bucket}?versions", f"/{bucket}?uploads", f"/{bucket}?location", f"/{bucket}?acl", f"/{bucket}?versioning"):
            answer = self.accepted(200, self.send("GET", path))
            self.assertTrue(answer.xml.tag.startswith(XMLNS), path)
            self.assertTrue(answer.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>'))
            self.assertEqual(answer.headers["Content-Type"], "application/xml")

    def test_the_page_lists_everything_unsupported(self):
        page = (ROOT / "doc/s3.md").read_text()
        source = (ROOT / "src/s3/unsupported.c").read_text()
        for sub in set(re.findall(r'^\t\{ "([\w-]+)", AT_', source, re.M)):
            self.assertIn(f"`{sub}`", page, sub)
        routes = re.findall(r'^\t\{ "(\w+)", AT_\w+, "([\w-]*)"', (ROOT / "src/s3/route.c").read_text(), re.M)
        for method, sub in routes:
            if sub and sub not in ("copy", "copy-part"):
                self.assertIn(sub, page)


if __name__ == "__main__":
    main()
