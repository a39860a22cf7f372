#!/usr/bin/env python3
"""Deletes of one and of many objects, and of images."""
import json
import urllib.request

from fixture import Case, IMAGES, XMLNS, crc32, main, md5, sha256

GIF = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"


def document(*objects, quiet=None, ns=' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'):
    q = "" if quiet is None else f"<Quiet>{quiet}</Quiet>"
    return f'<?xml version="1.0" encoding="UTF-8"?><Delete{ns}>{"".join(f"<Object>{o}</Object>" for o in objects)}{q}</Delete>'


class One(Case):
    def setUp(self):
        self.bucket = self.new_bucket()

    def test_there_or_not_then_204(self):
        self.put(self.bucket, "k")
        for _ in range(2):
            answer = self.accepted(204, self.send("DELETE", f"/{self.bucket}/k"))
            self.assertEqual(answer.body, b"")
        self.fails(404, "NoSuchKey", self.alice.get_object, Bucket=self.bucket, Key="k")

    def test_version_null_is_the_object(self):
        self.put(self.bucket, "k")
        self.alice.delete_object(Bucket=self.bucket, Key="k", VersionId="null")
        self.fails(404, "NoSuchKey", self.alice.get_object, Bucket=self.bucket, Key="k")

    def test_other_version_then_refused_and_kept(self):
        self.put(self.bucket, "k")
        self.fails(400, "InvalidArgument", self.alice.delete_object, Bucket=self.bucket, Key="k", VersionId="other")
        self.fails(404, "NoSuchVersion", self.alice.delete_object, Bucket=self.bucket, Key="k", VersionId="a" * 32)
        self.alice.head_object(Bucket=self.bucket, Key="k")

    def test_if_match(self):
        self.put(self.bucket, "k")
        etag = self.alice.head_object(Bucket=self.bucket, Key="k")["ETag"]
        self.fails(412, "PreconditionFailed", self.alice.delete_object, Bucket=self.bucket, Key="k", IfMatch='"00000000000000000000000000000000"')
        self.alice.head_object(Bucket=self.bucket, Key="k")
        self.alice.delete_object(Bucket=self.bucket, Key="k", IfMatch=etag)
        self.fails(404, "NoSuchKey", self.alice.delete_object, Bucket=self.bucket, Key="k", IfMatch=etag)
        self.fails(404, "NoSuchKey", self.alice.delete_object, Bucket=self.bucket, Key="k", IfMatch="*")
        self.put(self.bucket, "k")
        self.alice.delete_object(Bucket=self.bucket, Key="k", IfMatch="*")
        self.fails(404, "404", self.alice.head_object, Bucket=self.bucket, Key="k")

    def test_conditions_of_directory_buckets_then_not_implemented(self):
        self.put(self.bucket, "k")
        self.fails(501, "NotImplemented", self.alice.delete_object, Bucket=self.bucket, Key="k", IfMatchSize=1)
        self.alice.head_object(Bucket=self.bucket, Key="k")

    def test_presigned(self):
        self.put(self.bucket, "k")
        self.accepted(204, self.send("DELETE", f"/{self.bucket}/k", presign=True))
        self.fails(404, "404", self.alice.head_object, Bucket=self.bucket, Key="k")

    def test_while_it_is_read_then_the_reader_gets_it_whole(self):
        body = bytes(range(256)) * 32768
        self.put(self.bucket, "k", body=body)
        stream = self.alice.get_object(Bucket=self.bucket, Key="k")["Body"]
        first = stream.read(1000)
        self.alice.delete_object(Bucket=self.bucket, Key="k")
        self.assertEqual(first + stream.read(), body)

    def test_of_another_user_then_access_denied(self):
        self.put(self.bucket, "k")
        self.fails(403, "AccessDenied", self.bob.delete_object, Bucket=self.bucket, Key="k")
        self.alice.head_object(Bucket=self.bucket, Key="k")


class Many(Case):
    def setUp(self):
        self.bucket = self.new_bucket()

    def delete(self, body, **headers):
        if not headers:
            headers = {"Content-MD5": md5(body)}
        return self.send("POST", f"/{self.bucket}?delete", body=body, headers=headers)

    def left(self):
        return [o["Key"] for o in self.alice.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def test_all_are_listed_including_missing_ones(self):
        self.put(self.bucket, "a", "b", "c")
        for _ in range(2):
            answer = self.alice.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": k} for k in ("a", "b", "none")]})
            self.assertEqual([d["Key"] for d in answer["Deleted"]], ["a", "b", "none"])
            self.assertNotIn("Errors", answer)
        self.assertEqual(self.left(), ["c"])

    def test_quiet_then_nothing_is_listed(self):
        self.put(self.bucket, "a")
        answer = self.alice.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": "a"}], "Quiet": True})
        self.assertNotIn("Deleted", answer)
        self.assertEqual(self.left(), [])

    def test_quiet_lists_errors(self):
        self.put(self.bucket, "a")
        answer = self.alice.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": "a", "VersionId": "x"}], "Quiet": True})
        self.assertEqual([(e["Key"], e["Code"], e["VersionId"]) for e in answer["Errors"]], [("a", "InvalidArgument", "x")])
        self.assertEqual(self.left(), ["a"])

    def test_errors_are_listed_by_key_and_the_others_are_deleted(self):
        self.put(self.bucket, "a", "b", "c")
        etag = self.alice.head_object(Bucket=self.bucket, Key="b")["ETag"]
        answer = self.alice.delete_objects(Bucket=self.bucket, Delete={"Objects": [
            {"Key": "a", "ETag": '"00"'}, {"Key": "b", "ETag": etag}, {"Key": "none", "ETag": "*"}, {"Key": "c", "VersionId": "null"}, {"Key": "k" * 1025}]})
        self.assertEqual([(e["Key"][:4], e["Code"]) for e in answer["Errors"]], [("a", "PreconditionFailed"), ("none", "NoSuchKey"), ("kkkk", "KeyTooLongError")])
        self.assertEqual([(d["Key"], d.get("VersionId")) for d in answer["Deleted"]], [("b", None), ("c", "null")])
        self.assertEqual(self.left(), ["a"])

    def test_one_key_twice(self):
        self.put(self.bucket, "a")
        answer = self.alice.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "a"}]})
        self.assertEqual(len(answer["Deleted"]), 2)

    def test_odd_keys(self):
        keys = ["é", "日本", "<&>\"'", " lead", "trail ", "a\nb", "a\tb", "a\r\nb", "a  b", "//", "..", "%41", "+", "k" * 1024, "\u202e"]
        self.put(self.bucket, *keys)
        answer = self.alice.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": k} for k in keys if "\r" not in k]})
        self.assertNotIn("Errors", answer)
        self.assertEqual(self.left(), ["a\r\nb"])
        # a carriage return must be sent as a reference: XML folds a bare one into a line feed
        self.accepted(200, self.delete(document("<Key>a&#13;\nb</Key>")))
        self.assertEqual(self.left(), [])

    def test_response_has_the_keys_unchanged(self):
        answer = self.delete(document("<Key>a&#13;b&lt;&amp; </Key>"))
        self.assertEqual(answer.text("Deleted/Key"), "a\rb<& ")

    def test_1000_keys_then_all_and_1001_then_malformed(self):
        self.put(self.bucket, "0007")
        objects = [f"<Key>{n:04}</Key>" for n in range(1001)]
        self.refused(400, "MalformedXML", self.delete(document(*objects)))
        self.assertEqual(self.left(), ["0007"])
        answer = self.accepted(200, self.delete(document(*objects[:1000])))
        self.assertEqual(len(answer.xml.findall(f"{XMLNS}Deleted")), 1000)
        self.assertEqual(self.left(), [])

    def test_1000_keys_of_1024_bytes(self):
        keys = [f"{n:04}" + "&lt;" * 300 + "&quot;" * 100 for n in range(1000)]
        answer = self.accepted(200, self.delete(document(*(f"<Key>{k}</Key>" for k in keys))))
        self.assertEqual(len(answer.xml.findall(f"{XMLNS}Deleted")), 1000)

    def test_digest_required(self):
        body = document("<Key>a</Key>")
        self.put(self.bucket, "a")
        answer = self.send("POST", f"/{self.bucket}?delete", body=body)
        self.assertIn("Content-MD5", self.refused(400, "InvalidRequest", answer).xml.findtext("Message"))
        self.assertEqual(self.left(), ["a"])

    def test_digests_of_each_kind(self):
        body = document("<Key>a</Key>")
        raw = body.encode()
        for headers in ({"Content-MD5": md5(raw)}, {"x-amz-checksum-crc32": crc32(raw)}, {"x-amz-checksum-sha256": sha256(raw)}):
            self.accepted(200, self.delete(body, **headers))
        for name, wrong, code in (("Content-MD5", md5("other"), "BadDigest"), ("x-amz-checksum-crc32", crc32(b"other"), "BadDigest"),
                                  ("x-amz-checksum-sha256", sha256(b"other"), "BadDigest"), ("Content-MD5", "x", "InvalidDigest"),
                                  ("Content-MD5", "", "InvalidDigest"), ("x-amz-checksum-crc32", "x", "InvalidRequest")):
            self.put(self.bucket, "a")
            self.refused(400, code, self.delete(body, **{name: wrong}))
            self.assertEqual(self.left(), ["a"])

    def malformed(self, body):
        self.put(self.bucket, "a")
        self.refused(400, "MalformedXML", self.delete(body))
        self.assertEqual(self.left(), ["a"])

    def test_empty_body(self):
        self.malformed("")

    def test_no_object(self):
        self.malformed(document())

    def test_object_without_key(self):
        self.malformed(document("<Key>a</Key>", "<VersionId>null</VersionId>"))
        self.malformed(document("<Key>a</Key>", "<Key></Key>"))

    def test_key_twice_in_an_object(self):
        self.malformed(document("<Key>a</Key><Key>b</Key>"))

    def test_unknown_element(self):
        self.malformed(document("<Key>a</Key><Sometimes>1</Sometimes>"))

    def test_cut(self):
        self.malformed(document("<Key>a</Key>")[:-3])

    def test_doctype_and_entities(self):
        self.malformed('<!DOCTYPE d [<!ENTITY k "a">]><Delete><Object><Key>&k;</Key></Object></Delete>')
        self.malformed("<Delete><Object><Key>&k;</Key></Object></Delete>")
        lol = "".join(f'<!ENTITY l{n} "{"&l%d;" % (n - 1) * 10}">' for n in range(1, 10))
        self.malformed(f'<!DOCTYPE d [<!ENTITY l0 "lol">{lol}]><Delete><Object><Key>&l9;</Key></Object></Delete>')
        self.malformed('<!DOCTYPE d SYSTEM "file:///etc/passwd"><Delete><Object><Key>a</Key></Object></Delete>')

    def test_broken_utf8(self):
        self.malformed(b"<Delete><Object><Key>a</Key></Object><Object><Key>\xff</Key></Object></Delete>")
        self.malformed(b"<Delete><Object><Key>a</Key></Object><Object><Key>\xed\xa0\x80</Key></Object></Delete>")

    def test_control_character(self):
        self.malformed("<Delete><Object><Key>a</Key></Object><Object><Key>\x01</Key></Object></Delete>")

    def test_another_root(self):
        self.malformed("<Remove><Object><Key>a</Key></Object></Remove>")

    def test_quiet_that_is_not_a_boolean(self):
        self.malformed(document("<Key>a</Key>", quiet="perhaps"))

    def test_too_deep(self):
        self.malformed("<Delete>" + "<Object>" * 50 + "</Object>" * 50 + "</Delete>")

    def test_without_namespace_with_another_and_with_a_prefix(self):
        for body in (document("<Key>a</Key>", ns=""), document("<Key>a</Key>", ns=' xmlns="http://example.com/"'),
                     '<s3:Delete xmlns:s3="http://s3.amazonaws.com/doc/2006-03-01/"><s3:Object><s3:Key>a</s3:Key></s3:Object></s3:Delete>'):
            self.put(self.bucket, "a")
            self.accepted(200, self.delete(body))
            self.assertEqual(self.left(), [])

    def test_10_mb_then_refused_unread(self):
        body = document(*("<Key>a</Key>" for _ in range(300000)))
        self.put(self.bucket, "a")
        self.refused(400, "EntityTooLarge", self.delete(body))
        self.assertEqual(self.left(), ["a"])

    def test_conditions_of_directory_buckets_then_not_implemented(self):
        self.put(self.bucket, "a")
        self.refused(501, "NotImplemented", self.delete(document("<Key>a</Key><Size>1</Size>")))
        self.assertEqual(self.left(), ["a"])

    def test_equal_sign_and_slash_as_clients_send_them(self):
        body = document("<Key>a</Key>")
        for path in (f"/{self.bucket}/?delete", f"/{self.bucket}/?delete=", f"/{self.bucket}?delete="):
            self.accepted(200, self.send("POST", path, body=body, headers={"Content-MD5": md5(body)}))

    def test_of_another_user_then_access_denied(self):
        self.put(self.bucket, "a")
        answer = self.fails(403, "AccessDenied", self.bob.delete_objects, Bucket=self.bucket, Delete={"Objects": [{"Key": "a"}]})
        self.assertEqual(self.left(), ["a"])
        self.assertTrue(answer)


class Images(Case):
    """The owner's delete of an image equals the API's."""

    def api(self, method, path, body=None):
        request = urllib.request.Request(f"{self.server.api}/prod{path}", method=method, data=json.dumps(body).encode() if body else None,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def image(self):
        _, slot = self.api("POST", "/upload", {"fileName": "a.gif", "fileType": "image/gif"})
        put = urllib.request.Request(slot["uploadUrl"], method="PUT", data=GIF, headers=slot["headers"])
        urllib.request.urlopen(put, timeout=30).close()
        return slot["imageId"], f"images/{slot['imageId']}.gif"

    def gone(self, image_id, key):
        self.assertEqual(self.api("GET", f"/images/{image_id}")[0], 404)
        self.fails(404, "NoSuchKey", self.owner.get_object, Bucket=IMAGES, Key=key)

    def test_one_then_row_and_object_are_deleted(self):
        image_id, key = self.image()
        self.owner.delete_object(Bucket=IMAGES, Key=key)
        self.gone(image_id, key)
        self.owner.delete_object(Bucket=IMAGES, Key=key)

    def test_many_then_rows_and_objects_are_deleted_with_plain_ones(self):
        images = [self.image() for _ in range(3)]
        self.put(IMAGES, "plain", client=self.owner)
        answer = self.owner.delete_objects(Bucket=IMAGES, Delete={"Objects": [{"Key": k} for _, k in images] + [{"Key": "plain"}, {"Key": "images/none"}]})
        self.assertEqual(len(answer["Deleted"]), 5)
        for image in images:
            self.gone(*image)

    def test_if_match(self):
        image_id, key = self.image()
        self.fails(412, "PreconditionFailed", self.owner.delete_object, Bucket=IMAGES, Key=key, IfMatch='"00"')
        self.assertEqual(self.api("GET", f"/images/{image_id}")[1]["status"], "uploaded")
        etag = self.owner.head_object(Bucket=IMAGES, Key=key)["ETag"]
        self.owner.delete_object(Bucket=IMAGES, Key=key, IfMatch=etag)
        self.gone(image_id, key)

    def test_key_with_another_ending_then_the_image_stays(self):
        image_id, key = self.image()
        self.owner.delete_object(Bucket=IMAGES, Key=key.replace(".gif", ".png"))
        self.assertEqual(self.api("GET", f"/images/{image_id}")[1]["status"], "uploaded")
        self.owner.delete_object(Bucket=IMAGES, Key=key)

    def test_slots_and_other_users_may_not(self):
        _, key = self.image()
        for who in ("slots", "alice"):
            self.refused(403, "AccessDenied", self.send("DELETE", f"/{IMAGES}/{key}", who=who))
            body = document(f"<Key>{key}</Key>")
            self.refused(403, "AccessDenied", self.send("POST", f"/{IMAGES}?delete", who=who, body=body, headers={"Content-MD5": md5(body)}))
        self.owner.head_object(Bucket=IMAGES, Key=key)
        self.owner.delete_object(Bucket=IMAGES, Key=key)

    def test_nothing_else_is_written_there(self):
        self.put(IMAGES, "source", client=self.owner)
        for key in ("images/x", "thumbs/x", "images/00000000-0000-4000-8000-000000000000.gif"):
            source = {"Bucket": IMAGES, "Key": "source"}
            self.fails(403, "AccessDenied", self.owner.put_object, Bucket=IMAGES, Key=key, Body=b"x")
            self.fails(403, "AccessDenied", self.owner.copy_object, Bucket=IMAGES, Key=key, CopySource=source)
            self.fails(403, "AccessDenied", self.owner.create_multipart_upload, Bucket=IMAGES, Key=key)
            for query in ("partNumber=1&uploadId=x", "uploadId=x"):
                answer = self.send("PUT" if "part" in query else "POST", f"/{IMAGES}/{key}?{query}", who="tintype", body="x")
                self.refused(403, "AccessDenied", answer)
        self.owner.delete_object(Bucket=IMAGES, Key="source")

    def test_reading_by_copy_is_fine(self):
        _, key = self.image()
        bucket = self.new_bucket(self.owner)
        self.owner.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": IMAGES, "Key": key})
        self.assertEqual(self.owner.get_object(Bucket=bucket, Key="copy")["Body"].read(), GIF)
        self.owner.delete_object(Bucket=IMAGES, Key=key)
        self.assertEqual(self.owner.head_object(Bucket=bucket, Key="copy")["ContentType"], "image/gif")


if __name__ == "__main__":
    main()
