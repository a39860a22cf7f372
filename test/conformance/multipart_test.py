#!/usr/bin/env python3
"""Multipart uploads: creation, parts, copies into parts, lists, completion, abort."""
import base64
import hashlib
import threading
import zlib

from fixture import Case, MIB, XMLNS, crc32, keys_of, main, md5, prefixes_of, sha256

FIVE = b"5" * (5 * MIB)


class Upload(Case):
    def setUp(self):
        self.bucket = self.new_bucket()

    def begin(self, key="k", **more):
        return self.alice.create_multipart_upload(Bucket=self.bucket, Key=key, **more)["UploadId"]

    def part(self, upload, number, body, key="k", **more):
        answer = self.alice.upload_part(Bucket=self.bucket, Key=key, UploadId=upload, PartNumber=number, Body=body, **more)
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def complete(self, upload, parts, key="k", **more):
        return self.alice.complete_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **more)

    def not_completed(self, status, code, upload, parts, **more):
        return self.fails(status, code, self.complete, upload=upload, parts=parts, **more)

    def body(self, key="k"):
        return self.alice.get_object(Bucket=self.bucket, Key=key)["Body"].read()


def etag_of(*bodies):
    return f'"{hashlib.md5(b"".join(hashlib.md5(b).digest() for b in bodies)).hexdigest()}-{len(bodies)}"'


class Completing(Upload):
    def test_three_parts(self):
        upload = self.begin(ContentType="text/x", Metadata={"a": "b"}, CacheControl="no-cache")
        parts = [self.part(upload, n, b) for n, b in ((1, FIVE), (2, FIVE), (3, b"end"))]
        answer = self.complete(upload, parts)
        self.assertEqual(answer["ETag"], etag_of(FIVE, FIVE, b"end"))
        self.assertEqual((answer["Bucket"], answer["Key"]), (self.bucket, "k"))
        self.assertEqual(answer["Location"], f"{self.server.storage}/{self.bucket}/k")
        head = self.alice.head_object(Bucket=self.bucket, Key="k")
        self.assertEqual((head["ETag"], head["ContentLength"], head["ContentType"], head["Metadata"], head["CacheControl"]),
                         (answer["ETag"], 10 * MIB + 3, "text/x", {"a": "b"}, "no-cache"))
        self.assertEqual(self.body(), FIVE + FIVE + b"end")
        self.assertNotIn("Uploads", self.alice.list_multipart_uploads(Bucket=self.bucket))
        listed = self.alice.list_objects_v2(Bucket=self.bucket)["Contents"][0]
        self.assertEqual((listed["ETag"], listed["Size"]), (head["ETag"], head["ContentLength"]))

    def test_one_small_part_and_one_empty_part(self):
        for body in (b"x", b""):
            upload = self.begin()
            self.assertEqual(self.complete(upload, [self.part(upload, 1, body)])["ETag"], etag_of(body))
            self.assertEqual(self.body(), body)

    def test_numbers_with_gaps_and_10000(self):
        upload = self.begin()
        parts = [self.part(upload, n, b) for n, b in ((7, FIVE), (10000, b"end"))]
        self.complete(upload, parts)
        self.assertEqual(self.body(), FIVE + b"end")

    def test_ranges_across_parts(self):
        upload = self.begin()
        a, b = bytes(range(256)) * (20 * 1024), b"second part"
        self.complete(upload, [self.part(upload, 1, a), self.part(upload, 2, b)])
        whole = a + b
        for first, last in ((0, 0), (len(a) - 3, len(a) + 3), (len(whole) - 5, len(whole) - 1)):
            got = self.alice.get_object(Bucket=self.bucket, Key="k", Range=f"bytes={first}-{last}")["Body"].read()
            self.assertEqual(got, whole[first:last + 1])

    def test_not_all_parts_then_the_others_are_deleted(self):
        upload = self.begin()
        self.part(upload, 1, b"left out")
        self.complete(upload, [self.part(upload, 2, b"taken")])
        self.assertEqual(self.body(), b"taken")

    def test_part_sent_again_then_the_last_counts(self):
        upload = self.begin()
        old = self.part(upload, 1, b"old")
        new = self.part(upload, 1, b"new")
        self.not_completed(400, "InvalidPart", upload, [old])
        self.complete(upload, [new])
        self.assertEqual(self.body(), b"new")

    def test_over_an_object_then_it_is_replaced(self):
        self.put(self.bucket, "k", body=b"before")
        upload = self.begin()
        part = self.part(upload, 1, b"after")
        self.assertEqual(self.body(), b"before")
        self.complete(upload, [part])
        self.assertEqual(self.body(), b"after")

    def test_empty_list(self):
        upload = self.begin()
        self.part(upload, 1, b"x")
        self.not_completed(400, "MalformedXML", upload, [])
        answer = self.send("POST", f"/{self.bucket}/k?uploadId={upload}", body="<CompleteMultipartUpload/>")
        self.refused(400, "MalformedXML", answer)
        self.refused(400, "MalformedXML", self.send("POST", f"/{self.bucket}/k?uploadId={upload}"))

    def test_malformed_lists(self):
        upload = self.begin()
        part = self.part(upload, 1, b"x")
        good = f"<Part><PartNumber>1</PartNumber><ETag>{part['ETag']}</ETag></Part>"
        for body, code in ((f"<CompleteMultipartUpload>{good}", "MalformedXML"), (f"<Other>{good}</Other>", "MalformedXML"),
                           ("<CompleteMultipartUpload><Part><ETag>x</ETag></Part></CompleteMultipartUpload>", "MalformedXML"),
                           ("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>", "MalformedXML"),
                           (good.join(("<CompleteMultipartUpload>", "<Piece/></CompleteMultipartUpload>")), "MalformedXML"),
                           (good.join(("<!DOCTYPE x><CompleteMultipartUpload>", "</CompleteMultipartUpload>")), "MalformedXML"),
                           (f"<CompleteMultipartUpload>{good.replace('>1<', '>0<')}</CompleteMultipartUpload>", "InvalidArgument"),
                           (f"<CompleteMultipartUpload>{good.replace('>1<', '>10001<')}</CompleteMultipartUpload>", "InvalidArgument"),
                           (f"<CompleteMultipartUpload>{good.replace('>1<', '>x<')}</CompleteMultipartUpload>", "InvalidArgument"),
                           ("<CompleteMultipartUpload>" + "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>e</ETag></Part>" for n in range(1, 10002)) +
                            "</CompleteMultipartUpload>", "MalformedXML")):
            self.refused(400, code, self.send("POST", f"/{self.bucket}/k?uploadId={upload}", body=body))
        self.accepted(200, self.send("POST", f"/{self.bucket}/k?uploadId={upload}", body=f"<CompleteMultipartUpload>{good}</CompleteMultipartUpload>"))

    def test_etags_with_and_without_quotes_and_escaped(self):
        for form in ('"%s"', "%s", "&quot;%s&quot;", "\n  %s\n"):
            upload = self.begin()
            etag = self.part(upload, 1, b"x")["ETag"].strip('"')
            body = f"<CompleteMultipartUpload><Part><ETag>{form % etag}</ETag><PartNumber> 1 </PartNumber></Part></CompleteMultipartUpload>"
            self.accepted(200, self.send("POST", f"/{self.bucket}/k?uploadId={upload}", body=body))

    def test_order(self):
        upload = self.begin()
        parts = [self.part(upload, n, FIVE) for n in (1, 2)]
        self.not_completed(400, "InvalidPartOrder", upload, parts[::-1])
        self.not_completed(400, "InvalidPartOrder", upload, [parts[0], parts[0]])
        self.complete(upload, parts)

    def test_missing_part_and_wrong_etag(self):
        upload = self.begin()
        part = self.part(upload, 1, b"x")
        answer = self.not_completed(400, "InvalidPart", upload, [part, {"PartNumber": 9999, "ETag": part["ETag"]}])
        self.assertEqual(answer["Error"]["PartNumber"], "9999")
        for etag in ('"ffffffffffffffffffffffffffffffff"', "x", "y" * 32):
            self.not_completed(400, "InvalidPart", upload, [{"PartNumber": 1, "ETag": etag}])
        self.complete(upload, [part])

    def test_too_small(self):
        upload = self.begin()
        parts = [self.part(upload, n, b) for n, b in ((1, FIVE[1:]), (2, b"x"))]
        answer = self.not_completed(400, "EntityTooSmall", upload, parts)
        self.assertEqual((answer["Error"]["PartNumber"], answer["Error"]["MinSizeAllowed"], answer["Error"]["ProposedSize"]),
                         ("1", str(5 * MIB), str(5 * MIB - 1)))
        self.part(upload, 1, FIVE)
        self.complete(upload, [{"PartNumber": 1, "ETag": f'"{hashlib.md5(FIVE).hexdigest()}"'}, parts[1]])

    def test_twice_then_the_same_response(self):
        upload = self.begin()
        parts = [self.part(upload, 1, b"x")]
        first = self.complete(upload, parts)
        second = self.complete(upload, parts)
        self.assertEqual((first["ETag"], first["Location"]), (second["ETag"], second["Location"]))
        self.not_completed(404, "NoSuchUpload", upload, [{"PartNumber": 1, "ETag": '"ffffffffffffffffffffffffffffffff"'}])
        self.not_completed(404, "NoSuchUpload", upload, [{"PartNumber": 1, "ETag": "no etag"}])

    def test_twice_at_once_then_both_get_the_same(self):
        upload = self.begin()
        parts = [self.part(upload, n, b) for n, b in ((1, FIVE), (2, b"x"))]
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.server.client("alice").complete_multipart_upload(
            Bucket=self.bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})["ETag"])) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [etag_of(FIVE, b"x")] * 4)
        self.assertEqual(self.body(), FIVE + b"x")

    def test_conditions(self):
        upload = self.begin()
        parts = [self.part(upload, 1, b"new")]
        self.put(self.bucket, "k", body=b"old")
        etag = self.alice.head_object(Bucket=self.bucket, Key="k")["ETag"]
        self.not_completed(412, "PreconditionFailed", upload, parts, IfNoneMatch="*")
        self.not_completed(412, "PreconditionFailed", upload, parts, IfMatch='"00"')
        self.assertEqual(self.body(), b"old")
        self.complete(upload, parts, IfMatch=etag)
        upload = self.begin("other")
        parts = [self.part(upload, 1, b"new", key="other")]
        self.not_completed(404, "NoSuchKey", upload, parts, key="other", IfMatch=etag)
        self.complete(upload, parts, key="other", IfNoneMatch="*")

    def test_size_given(self):
        upload = self.begin()
        parts = [self.part(upload, 1, b"xyz")]
        self.not_completed(400, "InvalidRequest", upload, parts, MpuObjectSize=4)
        self.complete(upload, parts, MpuObjectSize=3)

    def test_unknown_upload_of_another_key_or_bucket(self):
        upload = self.begin()
        parts = [self.part(upload, 1, b"x")]
        self.not_completed(404, "NoSuchUpload", upload, parts, key="other")
        for name in ("x", "0" * 48, "../..", "%00", "'"):
            self.refused(404, "NoSuchUpload", self.send("GET", f"/{self.bucket}/k?uploadId={name.replace(chr(39), '%27').replace('/', '%2F')}"))
        other = self.new_bucket()
        self.fails(404, "NoSuchUpload", self.alice.list_parts, Bucket=other, Key="k", UploadId=upload)
        self.fails(404, "NoSuchUpload", self.alice.upload_part, Bucket=other, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
        self.complete(upload, parts)

    def test_after_abort(self):
        upload = self.begin()
        parts = [self.part(upload, 1, b"x")]
        self.alice.abort_multipart_upload(Bucket=self.bucket, Key="k", UploadId=upload)
        self.not_completed(404, "NoSuchUpload", upload, parts)
        self.fails(404, "NoSuchUpload", self.part, upload=upload, number=1, body=b"x")
        self.fails(404, "NoSuchUpload", self.alice.abort_multipart_upload, Bucket=self.bucket, Key="k", UploadId=upload)
        self.fails(404, "NoSuchUpload", self.alice.list_parts, Bucket=self.bucket, Key="k", UploadId=upload)
        self.fails(404, "404", self.alice.head_object, Bucket=self.bucket, Key="k")

    def test_of_another_user(self):
        upload = self.begin()
        for call, more in ((self.bob.upload_part, {"PartNumber": 1, "Body": b"x"}), (self.bob.list_parts, {}), (self.bob.abort_multipart_upload, {}),
                           (self.bob.complete_multipart_upload, {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": "x"}]}})):
            self.fails(403, "AccessDenied", call, Bucket=self.bucket, Key="k", UploadId=upload, **more)
        self.fails(403, "AccessDenied", self.bob.create_multipart_upload, Bucket=self.bucket, Key="k")
        self.fails(403, "AccessDenied", self.bob.list_multipart_uploads, Bucket=self.bucket)


class Beginning(Upload):
    def test_xml_and_headers(self):
        answer = self.accepted(200, self.send("POST", f"/{self.bucket}/k?uploads"))
        self.assertEqual(answer.xml.tag, XMLNS + "InitiateMultipartUploadResult")
        self.assertEqual((answer.text("Bucket"), answer.text("Key")), (self.bucket, "k"))
        self.assertTrue(answer.text("UploadId"))

    def test_each_has_its_own_id(self):
        self.assertEqual(len({self.begin() for _ in range(5)}), 5)

    def test_algorithms_and_types(self):
        for algorithm, types in (("CRC32", ("COMPOSITE", "FULL_OBJECT")), ("CRC32C", ("COMPOSITE", "FULL_OBJECT")), ("CRC64NVME", ("FULL_OBJECT",)),
                                 ("SHA1", ("COMPOSITE",)), ("SHA256", ("COMPOSITE",))):
            answer = self.alice.create_multipart_upload(Bucket=self.bucket, Key="k", ChecksumAlgorithm=algorithm)
            self.assertEqual((answer["ChecksumAlgorithm"], answer["ChecksumType"]), (algorithm, types[0]))
            for name in ("COMPOSITE", "FULL_OBJECT"):
                more = {"Bucket": self.bucket, "Key": "k", "ChecksumAlgorithm": algorithm, "ChecksumType": name}
                if name in types:
                    self.assertEqual(self.alice.create_multipart_upload(**more)["ChecksumType"], name)
                else:
                    self.fails(400, "InvalidRequest", self.alice.create_multipart_upload, **more)
        for headers in ({"x-amz-checksum-algorithm": "CRC99"}, {"x-amz-checksum-type": "COMPOSITE"},
                        {"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "HALF"}):
            self.refused(400, "InvalidRequest", self.send("POST", f"/{self.bucket}/k?uploads", headers=headers))

    def test_unsupported_headers(self):
        for more in ({"ServerSideEncryption": "aws:kms"}, {"Tagging": "a=b"}, {"ObjectLockLegalHoldStatus": "ON"}):
            self.fails(501, "NotImplemented", self.begin, **more)
        self.fails(400, "InvalidStorageClass", self.begin, StorageClass="GLACIER")
        self.begin(StorageClass="STANDARD", ACL="private")

    def test_part_numbers(self):
        upload = self.begin()
        for number in ("0", "10001", "-1", "x", ""):
            self.refused(400, "InvalidArgument", self.send("PUT", f"/{self.bucket}/k?partNumber={number}&uploadId={upload}", body="x"))

    def test_part_digests(self):
        upload = self.begin()
        self.part(upload, 1, b"x", ContentMD5=md5(b"x"))
        self.fails(400, "BadDigest", self.part, upload=upload, number=1, body=b"x", ContentMD5=md5(b"y"))
        self.fails(400, "BadDigest", self.part, upload=upload, number=1, body=b"x", ChecksumCRC32=crc32(b"y"))


class Checksums(Upload):
    def run_upload(self, algorithm, kind, bodies):
        upload = self.begin(ChecksumAlgorithm=algorithm, ChecksumType=kind)
        parts = []
        for n, body in enumerate(bodies, 1):
            answer = self.alice.upload_part(Bucket=self.bucket, Key="k", UploadId=upload, PartNumber=n, Body=body, ChecksumAlgorithm=algorithm)
            parts.append({"PartNumber": n, "ETag": answer["ETag"], f"Checksum{algorithm}": answer[f"Checksum{algorithm}"]})
        return upload, parts

    def copy_upload(self, algorithm, kind, bodies):
        """The same, with checksums computed by the store, so that no client needs to know the algorithm."""
        upload = self.begin(ChecksumAlgorithm=algorithm, ChecksumType=kind)
        parts = []
        for n, body in enumerate(bodies, 1):
            self.put(self.bucket, "part", body=body)
            answer = self.alice.upload_part_copy(Bucket=self.bucket, Key="k", UploadId=upload, PartNumber=n, CopySource=f"{self.bucket}/part")["CopyPartResult"]
            parts.append({"PartNumber": n, "ETag": answer["ETag"], f"Checksum{algorithm}": answer[f"Checksum{algorithm}"]})
        return upload, parts

    def sum_of(self, algorithm, body):
        self.put(self.bucket, "whole", body=body)
        answer = self.alice.copy_object(Bucket=self.bucket, Key="summed", CopySource=f"{self.bucket}/whole", ChecksumAlgorithm=algorithm)
        return answer["CopyObjectResult"][f"Checksum{algorithm}"]

    def test_composite(self):
        for algorithm, digest in (("SHA256", lambda b: hashlib.sha256(b).digest()), ("SHA1", lambda b: hashlib.sha1(b).digest()),
                                  ("CRC32", lambda b: zlib.crc32(b).to_bytes(4, "big"))):
            bodies = (FIVE, b"end")
            upload, parts = self.run_upload(algorithm, "COMPOSITE", bodies)
            without = [{"PartNumber": p["PartNumber"], "ETag": p["ETag"]} for p in parts]
            self.not_completed(400, "InvalidRequest", upload, without)
            wrong = [parts[0], {**parts[1], f"Checksum{algorithm}": parts[0][f"Checksum{algorithm}"]}]
            self.not_completed(400, "InvalidPart", upload, wrong)
            answer = self.complete(upload, parts)
            want = base64.b64encode(digest(b"".join(digest(b) for b in bodies))).decode() + "-2"
            self.assertEqual((answer[f"Checksum{algorithm}"], answer["ChecksumType"]), (want, "COMPOSITE"))
            head = self.alice.head_object(Bucket=self.bucket, Key="k", ChecksumMode="ENABLED")
            self.assertEqual((head[f"Checksum{algorithm}"], head["ChecksumType"]), (want, "COMPOSITE"))

    def test_composite_given_with_and_without_the_number_of_parts(self):
        """minio-go leaves the number out; S3 accepts both."""
        for algorithm in ("SHA256", "SHA1", "CRC32", "CRC32C"):
            for suffix, taken in (("", True), ("-2", True), ("-1", False), ("-3", False), ("-", False), ("-02", False)):
                upload, parts = self.copy_upload(algorithm, "COMPOSITE", (FIVE, b"end"))
                whole = self.sum_of(algorithm, b"".join(base64.b64decode(p[f"Checksum{algorithm}"]) for p in parts))
                if not taken:
                    self.not_completed(400, "BadDigest", upload, parts, **{f"Checksum{algorithm}": whole + suffix})
                    self.alice.abort_multipart_upload(Bucket=self.bucket, Key="k", UploadId=upload)
                    continue
                answer = self.complete(upload, parts, **{f"Checksum{algorithm}": whole + suffix})
                self.assertEqual((answer[f"Checksum{algorithm}"], answer["ChecksumType"]), (whole + "-2", "COMPOSITE"))
                head = self.alice.head_object(Bucket=self.bucket, Key="k", ChecksumMode="ENABLED")
                self.assertEqual(head[f"Checksum{algorithm}"], whole + "-2")

    def test_full_given_with_a_number_is_wrong(self):
        bodies = (FIVE, b"end")
        for algorithm in ("CRC32", "CRC32C", "CRC64NVME"):
            upload, parts = self.copy_upload(algorithm, "FULL_OBJECT", bodies)
            want = self.sum_of(algorithm, b"".join(bodies))
            self.not_completed(400, "BadDigest", upload, parts, **{f"Checksum{algorithm}": want + "-2"})
            self.assertEqual(self.complete(upload, parts, **{f"Checksum{algorithm}": want})[f"Checksum{algorithm}"], want)

    def test_full(self):
        bodies = (FIVE, FIVE[:-5] + b"other", b"end")
        upload, parts = self.run_upload("CRC32", "FULL_OBJECT", bodies)
        want = crc32(b"".join(bodies))
        without = [{"PartNumber": p["PartNumber"], "ETag": p["ETag"]} for p in parts]
        self.not_completed(400, "BadDigest", upload, without, ChecksumCRC32=crc32(b"other"))
        answer = self.complete(upload, without, ChecksumCRC32=want, ChecksumType="FULL_OBJECT")
        self.assertEqual((answer["ChecksumCRC32"], answer["ChecksumType"]), (want, "FULL_OBJECT"))

    def test_full_equals_that_of_one_piece(self):
        """The store computes the checksums of copies, so that no client needs to know the algorithms."""
        self.put(self.bucket, "src", body=FIVE + b"end")
        for algorithm in ("CRC32", "CRC32C", "CRC64NVME"):
            upload = self.begin(ChecksumAlgorithm=algorithm, ChecksumType="FULL_OBJECT")
            parts = []
            for number, piece in ((1, f"bytes=0-{5 * MIB - 1}"), (2, f"bytes={5 * MIB}-{5 * MIB + 2}")):
                result = self.alice.upload_part_copy(Bucket=self.bucket, Key="k", UploadId=upload, PartNumber=number, CopySource=f"{self.bucket}/src",
                                                     CopySourceRange=piece)["CopyPartResult"]
                parts.append({"PartNumber": number, "ETag": result["ETag"]})
            made = self.complete(upload, parts)
            one = self.alice.copy_object(Bucket=self.bucket, Key="one", CopySource=f"{self.bucket}/src", ChecksumAlgorithm=algorithm)["CopyObjectResult"]
            self.assertEqual((made[f"Checksum{algorithm}"], made["ChecksumType"]), (one[f"Checksum{algorithm}"], "FULL_OBJECT"))

    def test_defaults_of_the_sdk_without_an_algorithm(self):
        upload = self.begin()
        answer = self.alice.upload_part(Bucket=self.bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
        self.complete(upload, [{"PartNumber": 1, "ETag": answer["ETag"]}])
        upload = self.begin()
        answer = self.alice.upload_part(Bucket=self.bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
        self.complete(upload, [{"PartNumber": 1, "ETag": answer["ETag"], "ChecksumCRC32": crc32(b"x")}])

    def test_attributes(self):
        upload, parts = self.run_upload("SHA256", "COMPOSITE", (FIVE, FIVE, b"end"))
        self.complete(upload, parts)
        wanted = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
        answer = self.alice.get_object_attributes(Bucket=self.bucket, Key="k", ObjectAttributes=wanted)
        self.assertEqual(answer["ObjectParts"]["TotalPartsCount"], 3)
        self.assertEqual([(p["PartNumber"], p["Size"], p["ChecksumSHA256"]) for p in answer["ObjectParts"]["Parts"]],
                         [(1, 5 * MIB, sha256(FIVE)), (2, 5 * MIB, sha256(FIVE)), (3, 3, sha256(b"end"))])
        self.assertEqual((answer["ETag"], answer["ObjectSize"], answer["StorageClass"]), (etag_of(FIVE, FIVE, b"end").strip('"'), 10 * MIB + 3, "STANDARD"))
        self.assertTrue(answer["Checksum"]["ChecksumSHA256"].endswith("-3"))
        page = self.alice.get_object_attributes(Bucket=self.bucket, Key="k", ObjectAttributes=["ObjectParts"], MaxParts=1)["ObjectParts"]
        self.assertEqual((page["IsTruncated"], page["NextPartNumberMarker"], page["MaxParts"], len(page["Parts"])), (True, 1, 1, 1))
        page = self.alice.get_object_attributes(Bucket=self.bucket, Key="k", ObjectAttributes=["ObjectParts"], MaxParts=10, PartNumberMarker=1)["ObjectParts"]
        self.assertEqual((page["IsTruncated"], page["NextPartNumberMarker"], [p["PartNumber"] for p in page["Parts"]]), (False, 3, [2, 3]))


class Copying(Upload):
    def copy(self, upload, number, source="src", **more):
        answer = self.alice.upload_part_copy(Bucket=self.bucket, Key="k", UploadId=upload, PartNumber=number,
                                             CopySource={"Bucket": self.bucket, "Key": source}, **more)
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    def test_whole_and_ranges(self):
        body = bytes(range(256)) * 40960
        self.put(self.bucket, "src", body=body)
        upload = self.begin()
        parts = [self.copy(upload, 1, CopySourceRange=f"bytes=0-{5 * MIB - 1}"), self.copy(upload, 2),
                 self.copy(upload, 3, CopySourceRange="bytes=3-3")]
        self.complete(upload, parts)
        self.assertEqual(self.body(), body[:5 * MIB] + body + body[3:4])

    def test_small_sources(self):
        self.put(self.bucket, "src", body=b"0123456789")
        upload = self.begin()
        self.complete(upload, [self.copy(upload, 1, CopySourceRange="bytes=2-5")])
        self.assertEqual(self.body(), b"2345")

    def test_malformed_ranges(self):
        self.put(self.bucket, "src", body=b"12345")
        upload = self.begin()
        for value in ("0-2", "bytes=0", "bytes=hello-world", "bytes=0-bar", "bytes=hello-", "bytes=0-2,3-5", "bytes=3-2", "bytes=-2", "bytes=2-", "",
                      "bytes=0-5", "bytes=5-5", "bytes=0-99999999999999999999"):
            answer = self.send("PUT", f"/{self.bucket}/k?partNumber=1&uploadId={upload}",
                               headers={"x-amz-copy-source": f"/{self.bucket}/src", "x-amz-copy-source-range": value})
            self.refused(400, "InvalidArgument", answer)

    def test_names(self):
        for key in (" ", "_", "__", "?versionId", "é+%"):
            self.put(self.bucket, key, body=key.encode())
            upload = self.begin()
            self.complete(upload, [self.copy(upload, 1, source=key)])
            self.assertEqual(self.body(), key.encode())

    def test_conditions(self):
        self.put(self.bucket, "src")
        etag = self.alice.head_object(Bucket=self.bucket, Key="src")["ETag"]
        upload = self.begin()
        self.fails(412, "PreconditionFailed", self.copy, upload=upload, number=1, CopySourceIfMatch='"00"')
        self.fails(412, "PreconditionFailed", self.copy, upload=upload, number=1, CopySourceIfNoneMatch=etag)
        self.copy(upload, 1, CopySourceIfMatch=etag)

    def test_missing(self):
        self.put(self.bucket, "src")
        upload = self.begin()
        self.fails(404, "NoSuchKey", self.copy, upload=upload, number=1, source="none")
        self.fails(404, "NoSuchUpload", self.copy, upload="none", number=1)
        self.fails(400, "InvalidArgument", self.copy, upload=upload, number=10001)

    def test_source_of_another_user(self):
        theirs = self.new_bucket(self.bob)
        self.put(theirs, "src", client=self.bob)
        upload = self.begin()
        self.fails(403, "AccessDenied", self.alice.upload_part_copy, Bucket=self.bucket, Key="k", UploadId=upload, PartNumber=1, CopySource=f"{theirs}/src")

    def test_checksum_of_the_uploads_kind(self):
        self.put(self.bucket, "src", body=b"some bytes")
        upload = self.begin(ChecksumAlgorithm="SHA256")
        result = self.alice.upload_part_copy(Bucket=self.bucket, Key="k", UploadId=upload, PartNumber=1, CopySource=f"{self.bucket}/src")["CopyPartResult"]
        self.assertEqual(result["ChecksumSHA256"], sha256(b"some bytes"))
        answer = self.complete(upload, [{"PartNumber": 1, "ETag": result["ETag"], "ChecksumSHA256": result["ChecksumSHA256"]}])
        self.assertTrue(answer["ChecksumSHA256"].endswith("-1"))


class Listing(Upload):
    def test_parts(self):
        upload = self.begin()
        for number in (1, 2, 5):
            self.part(upload, number, b"x" * number)
        answer = self.alice.list_parts(Bucket=self.bucket, Key="k", UploadId=upload)
        self.assertEqual([(p["PartNumber"], p["Size"]) for p in answer["Parts"]], [(1, 1), (2, 2), (5, 5)])
        self.assertEqual((answer["Initiator"]["ID"], answer["Owner"]["ID"], answer["StorageClass"]), ("alice", "alice", "STANDARD"))
        self.assertFalse(answer["IsTruncated"])
        page = self.alice.list_parts(Bucket=self.bucket, Key="k", UploadId=upload, MaxParts=2)
        self.assertEqual(([p["PartNumber"] for p in page["Parts"]], page["IsTruncated"], page["NextPartNumberMarker"], page["MaxParts"]), ([1, 2], True, 2, 2))
        page = self.alice.list_parts(Bucket=self.bucket, Key="k", UploadId=upload, PartNumberMarker=2)
        self.assertEqual(([p["PartNumber"] for p in page["Parts"]], page["IsTruncated"], page["PartNumberMarker"]), ([5], False, 2))
        self.assertNotIn("Parts", self.alice.list_parts(Bucket=self.bucket, Key="k", UploadId=upload, PartNumberMarker=10000))
        for query in ("max-parts=x", "max-parts=-1", "part-number-marker=x"):
            pairs = "&".join(sorted([query, f"uploadId={upload}"]))
            self.refused(400, "InvalidArgument", self.send("GET", f"/{self.bucket}/k?{pairs}"))

    def test_parts_list_checksums(self):
        upload = self.begin(ChecksumAlgorithm="SHA256")
        self.part(upload, 1, b"x", ChecksumAlgorithm="SHA256")
        answer = self.alice.list_parts(Bucket=self.bucket, Key="k", UploadId=upload)
        self.assertEqual((answer["ChecksumAlgorithm"], answer["ChecksumType"], answer["Parts"][0]["ChecksumSHA256"]), ("SHA256", "COMPOSITE", sha256(b"x")))

    def test_uploads(self):
        ids = {key: self.begin(key) for key in ("b/1", "b/2", "c d", "a", "é")}
        answer = self.alice.list_multipart_uploads(Bucket=self.bucket)
        self.assertEqual([(u["Key"], u["UploadId"]) for u in answer["Uploads"]], sorted(ids.items()))
        first = answer["Uploads"][0]
        self.assertEqual((first["Initiator"]["ID"], first["Owner"]["ID"], first["StorageClass"]), ("alice", "alice", "STANDARD"))
        self.assertIn("Initiated", first)
        answer = self.alice.list_multipart_uploads(Bucket=self.bucket, Delimiter="/")
        self.assertEqual(([u["Key"] for u in answer["Uploads"]], prefixes_of(answer)), (["a", "c d", "é"], ["b/"]))
        answer = self.alice.list_multipart_uploads(Bucket=self.bucket, Prefix="b/")
        self.assertEqual([u["Key"] for u in answer["Uploads"]], ["b/1", "b/2"])
        answer = self.alice.list_multipart_uploads(Bucket=self.bucket, KeyMarker="b/1")
        self.assertEqual([u["Key"] for u in answer["Uploads"]], ["b/2", "c d", "é"])

    def test_uploads_in_pages(self):
        want = sorted([("a", self.begin("a")) for _ in range(3)], key=lambda u: u[1]) + [("b", self.begin("b")), ("c/1", self.begin("c/1"))]
        for size in (1, 2, 4):
            got, more = [], {}
            while True:
                page = self.alice.list_multipart_uploads(Bucket=self.bucket, MaxUploads=size, **more)
                self.assertLessEqual(len(page["Uploads"]), size)
                got += [(u["Key"], u["UploadId"]) for u in page["Uploads"]]
                if not page["IsTruncated"]:
                    break
                more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
            self.assertEqual(sorted(got), sorted(want))
            self.assertEqual([k for k, _ in got], [k for k, _ in want])

    def test_uploads_url_encoded(self):
        self.begin("a b/é")
        answer = self.send("GET", f"/{self.bucket}?encoding-type=url&uploads=")
        self.assertEqual(answer.text("Upload/Key"), "a%20b/%C3%A9")
        self.assertEqual(answer.text("EncodingType"), "url")

    def test_bad_arguments(self):
        for query in ("max-uploads=x", "max-uploads=-1"):
            self.refused(400, "InvalidArgument", self.send("GET", f"/{self.bucket}?{query}&uploads="))

    def test_incomplete_uploads_are_not_objects(self):
        upload = self.begin()
        self.part(upload, 1, b"x")
        self.assertEqual(keys_of(self.alice.list_objects_v2(Bucket=self.bucket)), [])
        self.fails(404, "NoSuchKey", self.alice.get_object, Bucket=self.bucket, Key="k")


if __name__ == "__main__":
    main()
