#!/usr/bin/env python3
"""Lists of objects, in their three forms, compared with a model of a few lines."""
import re
import threading

from fixture import Case, XMLNS, keys_of, main, prefixes_of

TREES = {
    "slashes": ["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla"],
    "leading": ["/asdf", "/foo/bar", "/foo/baz/xyzzy", "/quux/thud", "//x", "///"],
    "plain": ["bar", "bazar", "cab", "foo"],
    "percent": ["b%ar", "b%az", "c%ab", "foo", "%", "%%", "%2F"],
    "blanks": ["b ar", "b az", "c ab", "foo", " ", "  x"],
    "dots": ["b.ar", "b.az", "c.ab", "foo", ".", "..", "./a", "../b"],
    "controls": ["b\nar", "b\naz", "c\tab", "foo\r", "\x01", "\x7f"],
    "signs": ["a+b", "a&b", "a<b", "a>b", "a'b", 'a"b', "a\\b", "a?b", "a#b", "a=b", "a;b", "a:b", "a@b", "a$b", "a,b", "a*b", "a~b", "a^b", "a`b", "a|b"],
    "unicode": ["é", "e\u0301", "日本/語", "日本/人", "🙂", "🙂/x", "\u202eabc", "ﬀ", "\uffff", "ÿ", "z", "a\u0300/b"],
    "nested": ["a/b/c/d/e", "a/b/c/d/f", "a/b/c/x", "a/b/y", "a/z", "a/", "a", "b/"],
    "stems": ["foo", "foo/", "foo/1", "foo-1", "foo0", "fo", "foobar", "foo/bar/", "foo/bar/1"],
    "long": ["k" * 1024, "k" * 1023, "k" * 1023 + "l", "é" * 512],
}
DELIMITERS = ["", "/", "a", "%", " ", ".", "\n", "oo", "本/", "z", "/foo"]
PREFIXES = ["", "/", "b", "foo", "foo/", "a/b", "d", "\n", "日", "é", "k" * 1023, "%", " "]


def model(keys, prefix="", delimiter="", after=""):
    """Keys and common prefixes, in order."""
    found, seen = [], set()
    for key in sorted(keys, key=lambda k: k.encode()):
        if not key.startswith(prefix) or key.encode() <= after.encode():
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = ("prefix", key[:at + len(delimiter)]) if at >= 0 else ("key", key)
        if entry[0] == "prefix" and (entry[1] in seen or after.startswith(entry[1])):
            continue
        seen.add(entry[1])
        found.append(entry)
    return found


def split(entries):
    return [n for kind, n in entries if kind == "key"], [n for kind, n in entries if kind == "prefix"]


class Trees(Case):
    """Every tree, delimiter and prefix: one list, and pages of each size, in all three forms."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, keys in TREES.items():
            cls.alice.create_bucket(Bucket=f"tree-{name}")
            for key in keys:
                cls.alice.put_object(Bucket=f"tree-{name}", Key=key, Body=key.encode())

    def once(self, name, prefix, delimiter):
        bucket, keys = f"tree-{name}", TREES[name]
        want = split(model(keys, prefix, delimiter))
        for list_them in (self.alice.list_objects, self.alice.list_objects_v2):
            answer = list_them(Bucket=bucket, Prefix=prefix, Delimiter=delimiter)
            self.assertEqual((keys_of(answer), prefixes_of(answer)), want, (prefix, delimiter))
            self.assertFalse(answer["IsTruncated"])
            self.assertEqual(answer["Prefix"], prefix)
            self.assertEqual(answer.get("Delimiter", ""), delimiter)
        self.assertEqual(answer["KeyCount"], len(want[0]) + len(want[1]))
        answer = self.alice.list_object_versions(Bucket=bucket, Prefix=prefix, Delimiter=delimiter)
        self.assertEqual(([v["Key"] for v in answer.get("Versions", [])], prefixes_of(answer)), want)

    def pages_v1(self, bucket, size, **more):
        got, marker = [], ""
        while True:
            answer = self.alice.list_objects(Bucket=bucket, MaxKeys=size, Marker=marker, **more)
            self.assertEqual(answer["Marker"], marker)
            self.assertEqual(answer["MaxKeys"], size)
            page = keys_of(answer) + prefixes_of(answer)
            self.assertLessEqual(len(page), size)
            got += page
            if not answer["IsTruncated"]:
                self.assertNotIn("NextMarker", answer)
                return got
            last = max(page, key=lambda k: k.encode())
            if more.get("Delimiter"):
                self.assertEqual(answer["NextMarker"], last)
            else:
                self.assertNotIn("NextMarker", answer)
            marker = last

    def pages_v2(self, bucket, size, **more):
        got, token = [], {}
        while True:
            answer = self.alice.list_objects_v2(Bucket=bucket, MaxKeys=size, **token, **more)
            page = keys_of(answer) + prefixes_of(answer)
            self.assertEqual(answer["KeyCount"], len(page))
            self.assertLessEqual(len(page), size)
            got += page
            if not answer["IsTruncated"]:
                self.assertNotIn("NextContinuationToken", answer)
                return got
            token = {"ContinuationToken": answer["NextContinuationToken"]}

    def pages_versions(self, bucket, size, **more):
        got, marker = [], {}
        while True:
            answer = self.alice.list_object_versions(Bucket=bucket, MaxKeys=size, **marker, **more)
            page = [v["Key"] for v in answer.get("Versions", [])] + prefixes_of(answer)
            self.assertTrue(all(v["VersionId"] == "null" and v["IsLatest"] for v in answer.get("Versions", [])))
            got += page
            if not answer["IsTruncated"]:
                return got
            marker = {"KeyMarker": answer["NextKeyMarker"]}
            if "NextVersionIdMarker" in answer:
                marker["VersionIdMarker"] = answer["NextVersionIdMarker"]

    def pages(self, name, delimiter):
        bucket = f"tree-{name}"
        want = [n for _, n in model(TREES[name], "", delimiter)]
        for size in (1, 3):
            for pages in (self.pages_v1, self.pages_v2, self.pages_versions):
                got = pages(bucket, size, Delimiter=delimiter)
                self.assertEqual(sorted(got, key=lambda k: k.encode()), want, (pages.__name__, size))
                self.assertEqual(len(got), len(set(got)))


def once(name, delimiter):
    return lambda self: [self.once(name, prefix, delimiter) for prefix in PREFIXES]


def pages(name, delimiter):
    return lambda self: self.pages(name, delimiter)


for tree in TREES:
    for n, sign in enumerate(DELIMITERS):
        setattr(Trees, f"test_{tree}_delimiter_{n}", once(tree, sign))
    for n, sign in enumerate(("", "/", "a")):
        setattr(Trees, f"test_{tree}_pages_{n}", pages(tree, sign))


class Arguments(Case):
    def setUp(self):
        self.bucket = self.new_bucket()
        self.put(self.bucket, "bar", "baz", "foo", "quxx")

    def get(self, query):
        return self.send("GET", f"/{self.bucket}?{query}")

    def test_max_keys_0_then_nothing_and_not_truncated(self):
        for list_them in (self.alice.list_objects, self.alice.list_objects_v2, self.alice.list_object_versions):
            answer = list_them(Bucket=self.bucket, MaxKeys=0)
            self.assertFalse(answer["IsTruncated"])
            self.assertEqual(answer["MaxKeys"], 0)
            self.assertNotIn("Contents", answer)
            self.assertNotIn("Versions", answer)

    def test_max_keys_of_exactly_all_then_not_truncated(self):
        for list_them in (self.alice.list_objects, self.alice.list_objects_v2):
            self.assertFalse(list_them(Bucket=self.bucket, MaxKeys=4)["IsTruncated"])
            self.assertTrue(list_them(Bucket=self.bucket, MaxKeys=3)["IsTruncated"])

    def test_max_keys_missing_or_empty_or_too_many_then_1000(self):
        for query in ("", "max-keys=", "max-keys=1000", "max-keys=1001", "max-keys=2147483647"):
            self.assertEqual(self.accepted(200, self.get(query)).text("MaxKeys"), "1000")
            self.assertEqual(self.accepted(200, self.get("list-type=2&" + query if query else "list-type=2")).text("MaxKeys"), "1000")

    def test_max_keys_malformed_then_invalid_argument(self):
        for value in ("blah", "-1", "1.5", "0x10", "2147483648", "99999999999999999999", "%20", "1%20"):
            for kind in ("list-type=2&", "", "versions=&"):
                pairs = sorted(f"{kind}max-keys={value}".split("&"))
                answer = self.refused(400, "InvalidArgument", self.get("&".join(pairs)))
                self.assertEqual(answer.xml.findtext("ArgumentName"), "max-keys")

    def test_encoding_type_of_another_name_then_invalid_argument(self):
        for query in ("encoding-type=base64", "encoding-type=x&list-type=2", "encoding-type=x&uploads=", "encoding-type=x&versions="):
            self.refused(400, "InvalidArgument", self.get(query))

    def test_list_type_of_another_number_then_invalid_argument(self):
        for value in ("1", "3", "", "x"):
            self.refused(400, "InvalidArgument", self.get(f"list-type={value}"))

    def test_token_forged_or_of_another_bucket_then_invalid_argument(self):
        other = self.new_bucket()
        self.put(other, "a", "b", "c")
        token = self.alice.list_objects_v2(Bucket=other, MaxKeys=1)["NextContinuationToken"]
        self.fails(400, "InvalidArgument", self.alice.list_objects_v2, Bucket=self.bucket, ContinuationToken=token)
        for made_up in ("x", "bar", "%21", token[:-1], "A" * 5000, token + "A"):
            self.refused(400, "InvalidArgument", self.get(f"continuation-token={made_up}&list-type=2"))

    def test_token_empty_then_from_the_start_and_echoed(self):
        answer = self.accepted(200, self.get("continuation-token=&list-type=2"))
        self.assertEqual(answer.text("ContinuationToken"), "")
        self.assertEqual(answer.text("KeyCount"), "4")

    def test_token_wins_over_start_after_and_both_are_echoed(self):
        first = self.alice.list_objects_v2(Bucket=self.bucket, StartAfter="bar", MaxKeys=1)
        self.assertEqual((keys_of(first), first["StartAfter"]), (["baz"], "bar"))
        token = first["NextContinuationToken"]
        rest = self.alice.list_objects_v2(Bucket=self.bucket, StartAfter="bar", ContinuationToken=token)
        self.assertEqual((keys_of(rest), rest["StartAfter"], rest["ContinuationToken"]), (["foo", "quxx"], "bar", token))

    def test_start_after_and_marker_need_not_exist(self):
        for start, want in (("", 4), ("a", 4), ("bar", 3), ("blah", 2), ("\n", 4), ("zzz", 0), ("\uffff", 0), ("ba", 4)):
            v2 = self.alice.list_objects_v2(Bucket=self.bucket, StartAfter=start)
            self.assertEqual((len(keys_of(v2)), v2.get("StartAfter", "")), (want, start))
            v1 = self.alice.list_objects(Bucket=self.bucket, Marker=start)
            self.assertEqual((len(keys_of(v1)), v1["Marker"]), (want, start))
            versions = self.alice.list_object_versions(Bucket=self.bucket, KeyMarker=start)
            self.assertEqual((len(versions.get("Versions", [])), versions["KeyMarker"]), (want, start))

    def test_fetch_owner_only_when_true(self):
        for value, there in (("true", True), ("false", False), ("", False)):
            answer = self.get(f"fetch-owner={value}&list-type=2")
            self.assertEqual(answer.xml.find(f"{XMLNS}Contents/{XMLNS}Owner") is not None, there)
        self.assertEqual(self.alice.list_objects(Bucket=self.bucket)["Contents"][0]["Owner"], {"ID": "alice", "DisplayName": "alice"})
        self.assertEqual(self.alice.list_object_versions(Bucket=self.bucket)["Versions"][0]["Owner"]["ID"], "alice")

    def test_version_id_marker(self):
        answer = self.alice.list_object_versions(Bucket=self.bucket, KeyMarker="bar", VersionIdMarker="null")
        self.assertEqual([v["Key"] for v in answer["Versions"]], ["baz", "foo", "quxx"])
        self.refused(400, "InvalidArgument", self.get("version-id-marker=null&versions="))
        self.refused(400, "InvalidArgument", self.get("key-marker=bar&version-id-marker=&versions="))
        self.refused(400, "InvalidArgument", self.get("key-marker=bar&version-id-marker=other&versions="))

    def test_unknown_parameters_are_ignored(self):
        answer = self.accepted(200, self.get("allow-unordered=true&foo=bar&x-id=ListObjects"))
        self.assertEqual(len(answer.xml.findall(f"{XMLNS}Contents")), 4)

    def test_repeated_parameter_then_its_first_value_counts(self):
        self.assertEqual([key.text for key in self.accepted(200, self.get("prefix=b&prefix=f")).xml.iter(f"{XMLNS}Key")], ["bar", "baz"])
        self.assertEqual(self.accepted(200, self.get("max-keys=1&max-keys=blah")).text("MaxKeys"), "1")

    def test_query_that_is_no_utf8_then_invalid_argument(self):
        for name in ("prefix", "delimiter", "marker"):
            self.refused(400, "InvalidArgument", self.get(f"{name}=%FF"))
            self.refused(400, "InvalidArgument", self.get(f"{name}=a%00b"))

    def test_prefix_over_1024_bytes_then_invalid_argument(self):
        self.refused(400, "InvalidArgument", self.get("prefix=" + "p" * 1025))
        self.accepted(200, self.get("prefix=" + "p" * 1024))

    def test_rclones_and_s3cmds_lists_with_empty_values(self):
        answer = self.accepted(200, self.get("delimiter=&max-keys=1000&prefix="))
        self.assertEqual(len(answer.xml.findall(f"{XMLNS}Contents")), 4)
        self.assertIsNone(answer.text("Delimiter"))
        self.accepted(200, self.send("GET", f"/{self.bucket}/?delimiter=%2F"))


class Entries(Case):
    def test_attributes_of_an_object_equal_those_of_head(self):
        bucket = self.new_bucket()
        self.put(bucket, "a", "b/c", body=b"some bytes")
        for entry in self.alice.list_objects_v2(Bucket=bucket)["Contents"]:
            head = self.alice.head_object(Bucket=bucket, Key=entry["Key"])
            self.assertEqual((entry["ETag"], entry["Size"]), (head["ETag"], head["ContentLength"]))
            self.assertEqual(entry["LastModified"].replace(microsecond=0), head["LastModified"])
            self.assertEqual(entry["StorageClass"], "STANDARD")

    def test_checksum_algorithm_is_listed(self):
        bucket = self.new_bucket()
        self.alice.put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumAlgorithm="SHA256")
        entry = self.alice.list_objects_v2(Bucket=bucket)["Contents"][0]
        self.assertEqual((entry["ChecksumAlgorithm"], entry["ChecksumType"]), (["SHA256"], "FULL_OBJECT"))

    def test_url_encoding_as_clients_decode_it(self):
        bucket = self.new_bucket()
        self.put(bucket, "foo+1/bar", "foo/bar/xyz", "quux ab/thud", "asdf+b", "é%2F")
        answer = self.send("GET", f"/{bucket}?delimiter=%2F&encoding-type=url")
        self.assertEqual([c.findtext(XMLNS + "Key") for c in answer.xml.findall(XMLNS + "Contents")], ["asdf%2Bb", "%C3%A9%252F"])
        self.assertEqual([c.findtext(XMLNS + "Prefix") for c in answer.xml.findall(XMLNS + "CommonPrefixes")], ["foo%2B1/", "foo/", "quux%20ab/"])
        self.assertEqual(answer.text("EncodingType"), "url")

    def test_without_encoding_a_character_that_xml_cannot_represent_never_becomes_the_key_of_another_object(self):
        bucket = self.new_bucket()
        keys = ["\r", "<&>\"'", "bad\x01", "bad\x02/a", "bad\ufffd", "ok", "\uffff"]
        self.put(bucket, *keys)
        for query, element in (("list-type=2", "Key"), ("prefix=", "Key"), ("versions", "Key")):
            body = self.accepted(200, self.send("GET", f"/{bucket}?{query}")).body.decode()
            self.assertEqual(re.findall(f"<{element}>(.*?)</{element}>", body, re.S),
                             ["&#13;", "&lt;&amp;&gt;&quot;'", "bad&#x1;", "bad&#x2;/a", "bad\ufffd", "ok", "&#xFFFF;"])
        body = self.send("GET", f"/{bucket}?delimiter=%2F&max-keys=4").body.decode()
        self.assertIn("<CommonPrefixes><Prefix>bad&#x2;/</Prefix></CommonPrefixes>", body)
        self.assertIn("<NextMarker>bad&#x2;/</NextMarker>", body)
        self.assertEqual(keys_of(self.alice.list_objects_v2(Bucket=bucket)), keys)
        for call in (self.alice.list_objects, self.alice.list_objects_v2):
            self.assertEqual(keys_of(call(Bucket=bucket, Prefix="bad\x01")), ["bad\x01"])

    def test_empty_bucket(self):
        bucket = self.new_bucket()
        for answer in (self.alice.list_objects(Bucket=bucket), self.alice.list_objects_v2(Bucket=bucket)):
            self.assertNotIn("Contents", answer)
            self.assertNotIn("CommonPrefixes", answer)

    def test_1000_keys_of_1024_bytes_that_grow_threefold(self):
        bucket = self.new_bucket()
        keys = [f"{n:04}" + "é" * 510 for n in range(1001)]
        threads = [threading.Thread(target=lambda part: [self.alice.put_object(Bucket=bucket, Key=k, Body=b"") for k in part], args=(keys[n::4],)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first = self.alice.list_objects_v2(Bucket=bucket)
        self.assertEqual(keys_of(first), keys[:1000])
        self.assertTrue(first["IsTruncated"])
        rest = self.alice.list_objects_v2(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
        self.assertEqual(keys_of(rest), keys[1000:])
        self.assertEqual(len(self.alice.list_object_versions(Bucket=bucket)["Versions"]), 1000)

    def test_presigned_list(self):
        bucket = self.new_bucket()
        self.put(bucket, "a", "b")
        answer = self.accepted(200, self.send("GET", f"/{bucket}?list-type=2&prefix=a", presign=True))
        self.assertEqual(answer.text("KeyCount"), "1")


if __name__ == "__main__":
    main()
