#!/usr/bin/env python3
"""Buckets: names, creation, deletion, ownership, and their sub-resources."""
from fixture import Case, ClientError, IMAGES, REGION, XMLNS, main, md5

GOOD_NAMES = ["abc", "a1b", "0ab", "9-9", "a-b-c", "a.b.c", "abc.def", "1.2.3", "1.2.3.4.5", "256.1.1.1x", "a" * 60, "b" * 61, "c" * 62, "d" * 63]
BAD_NAMES = ["a", "ab", "e" * 64, "f" * 100, "Upper", "under_score", "ex%21clam", "-begins", "ends-", ".begins", "ends.", "a..b", "a.-b", "a-.b",
             "192.168.5.123", "1.2.3.4", "xn--abc", "sthree-abc", "amzn-s3-demo-x", "abc-s3alias", "abc--ol-s3", "abc.mrap", "abc--x-s3", "abc--table-s3",
             "sp%20ace", "%C3%A9t%C3%A9", "a%0Ab", "a%2Bb", "a%22b"]


class Names(Case):
    pass


def good(name):
    def test(self):
        self.addCleanup(self.drop_bucket, self.alice, name)
        self.accepted(200, self.send("PUT", f"/{name}"))
        self.accepted(200, self.send("HEAD", f"/{name}"))
    return test


def bad(name):
    def test(self):
        self.refused(400, "InvalidBucketName", self.send("PUT", f"/{name}"))
        self.assertIn(self.send("GET", f"/{name}").status, (404,))
    return test


for n, name in enumerate(GOOD_NAMES):
    setattr(Names, f"test_good_{n}_{name[:16]}", good(name))
for n, name in enumerate(BAD_NAMES):
    setattr(Names, f"test_bad_{n}_{name[:16]}", bad(name))


class Making(Case):
    def test_created_then_listed_with_a_date(self):
        bucket = self.new_bucket()
        listed = {b["Name"]: b for b in self.alice.list_buckets()["Buckets"]}
        self.assertIn("CreationDate", listed[bucket])

    def test_location_header(self):
        bucket = self.new_bucket()
        self.assertEqual(self.send("PUT", f"/{bucket}").headers["Location"], f"/{bucket}")

    def test_own_again_then_200_and_nothing_changes(self):
        bucket = self.new_bucket()
        self.put(bucket, "k")
        before = self.alice.list_buckets()["Buckets"]
        self.alice.create_bucket(Bucket=bucket)
        self.assertEqual(self.alice.list_buckets()["Buckets"], before)
        self.assertEqual(self.alice.get_object(Bucket=bucket, Key="k")["Body"].read(), b"k")

    def test_of_another_user_then_bucket_already_exists(self):
        bucket = self.new_bucket()
        answer = self.fails(409, "BucketAlreadyExists", self.bob.create_bucket, Bucket=bucket)
        self.assertEqual(answer["Error"]["BucketName"], bucket)
        self.fails(409, "BucketAlreadyExists", self.owner.create_bucket, Bucket=bucket)
        self.fails(409, "BucketAlreadyExists", self.alice.create_bucket, Bucket=IMAGES)

    def test_after_delete_then_another_user_may_create_it(self):
        bucket = self.new_bucket()
        self.alice.delete_bucket(Bucket=bucket)
        self.bob.create_bucket(Bucket=bucket)
        self.bob.delete_bucket(Bucket=bucket)

    def test_no_name_then_method_not_allowed(self):
        self.refused(405, "MethodNotAllowed", self.send("PUT", "/"))
        self.refused(405, "MethodNotAllowed", self.send("DELETE", "/"))
        self.refused(405, "MethodNotAllowed", self.send("POST", "/"))

    def test_slash_after_the_name_makes_no_difference(self):
        bucket = self.new_bucket()
        for method, status in (("PUT", 200), ("HEAD", 200), ("GET", 200)):
            self.accepted(status, self.send(method, f"/{bucket}/"))
        self.accepted(204, self.send("DELETE", f"/{bucket}/"))

    def location(self, text):
        return f'<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{text}</CreateBucketConfiguration>'

    def make(self, body, status, code=None, **headers):
        name = f"location-{len(body)}-{status}"
        answer = self.send("PUT", f"/{name}", body=body, headers=headers)
        if code:
            self.refused(status, code, answer)
            self.fails(404, "404", self.alice.head_bucket, Bucket=name)
        else:
            self.addCleanup(self.drop_bucket, self.alice, name)
            self.accepted(status, answer)

    def test_location_ours(self):
        self.make(self.location(f"<LocationConstraint>{REGION}</LocationConstraint>"), 200)

    def test_location_empty(self):
        self.make(self.location("<LocationConstraint/>"), 200)

    def test_location_none(self):
        self.make(self.location(""), 200)

    def test_location_without_namespace(self):
        self.make("<CreateBucketConfiguration><LocationConstraint/></CreateBucketConfiguration>", 200)

    def test_location_elsewhere(self):
        self.make(self.location("<LocationConstraint>eu-central-1</LocationConstraint>"), 400, "InvalidLocationConstraint")

    def test_body_not_xml(self):
        self.make("no xml at all", 400, "MalformedXML")

    def test_body_cut(self):
        self.make("<CreateBucketConfiguration><LocationConstraint>", 400, "MalformedXML")

    def test_body_of_another_root(self):
        self.make("<Other></Other>", 400, "MalformedXML")

    def test_body_with_doctype(self):
        self.make('<!DOCTYPE x [<!ENTITY e "us-east-1">]><CreateBucketConfiguration><LocationConstraint>&e;</LocationConstraint>'
                  "</CreateBucketConfiguration>", 400, "MalformedXML")

    def test_body_in_broken_utf8(self):
        self.make(b"<CreateBucketConfiguration><LocationConstraint>\xff\xfe</LocationConstraint></CreateBucketConfiguration>", 400, "MalformedXML")

    def test_tags_then_not_implemented(self):
        self.make(self.location("<Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags>"), 501, "NotImplemented")

    def test_directory_bucket_then_not_implemented(self):
        self.make(self.location("<Bucket><Type>Directory</Type></Bucket>"), 501, "NotImplemented")

    def test_object_lock_then_not_implemented(self):
        self.make("", 501, "NotImplemented", **{"x-amz-bucket-object-lock-enabled": "true"})

    def test_no_object_lock_then_created(self):
        self.make(" ", 400, "MalformedXML", **{"x-amz-bucket-object-lock-enabled": "false"})
        self.make("", 200, **{"x-amz-bucket-object-lock-enabled": "false"})

    def test_acl_and_ownership_that_are_the_case_then_created(self):
        for more in ({"ACL": "private"}, {"ObjectOwnership": "BucketOwnerEnforced"}):
            bucket = self.new_bucket(**more)
            grants = self.alice.get_bucket_acl(Bucket=bucket)["Grants"]
            self.assertEqual([g["Permission"] for g in grants], ["FULL_CONTROL"])
            self.refused(403, "AccessDenied", self.send("GET", f"/{bucket}", sign=False))

    def test_acl_that_grants_access_to_others_then_refused(self):
        for more in ({"ACL": "public-read"}, {"ACL": "public-read-write"}, {"ACL": "authenticated-read"}, {"GrantRead": "id=bob"}):
            self.fails(400, "InvalidBucketAclWithObjectOwnership", self.alice.create_bucket, Bucket="public-bucket", **more)
        self.fails(404, "404", self.alice.head_bucket, Bucket="public-bucket")

    def test_ownership_with_acls_then_not_implemented(self):
        for ownership in ("ObjectWriter", "BucketOwnerPreferred"):
            self.fails(501, "NotImplemented", self.alice.create_bucket, Bucket="owned-bucket", ObjectOwnership=ownership)
        self.make("", 400, "InvalidArgument", **{"x-amz-object-ownership": "Nobody"})
        self.fails(404, "404", self.alice.head_bucket, Bucket="owned-bucket")

    def test_acl_unknown_then_invalid_argument(self):
        self.make("", 400, "InvalidArgument", **{"x-amz-acl": "public-ready"})

    def test_body_hash_wrong(self):
        bucket = "hash-wrong-bucket"
        answer = self.send("PUT", f"/{bucket}", body=self.location(""), headers={"Content-MD5": md5("other")})
        self.refused(400, "BadDigest", answer)

    def test_body_of_3_mib_then_refused(self):
        self.refused(400, "EntityTooLarge", self.send("PUT", "/large-body", body=b"<" + b"a" * (3 << 20)))


class Dropping(Case):
    def test_empty_then_204_and_gone(self):
        bucket = self.new_bucket()
        answer = self.accepted(204, self.send("DELETE", f"/{bucket}"))
        self.assertEqual(answer.body, b"")
        self.fails(404, "404", self.alice.head_bucket, Bucket=bucket)
        self.fails(404, "NoSuchBucket", self.alice.delete_bucket, Bucket=bucket)

    def test_with_an_object_then_bucket_not_empty(self):
        bucket = self.new_bucket()
        self.put(bucket, "k")
        self.fails(409, "BucketNotEmpty", self.alice.delete_bucket, Bucket=bucket)
        self.assertEqual(self.alice.get_object(Bucket=bucket, Key="k")["Body"].read(), b"k")

    def test_with_an_incomplete_upload_then_both_are_deleted(self):
        bucket = self.new_bucket()
        upload = self.alice.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
        self.alice.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
        self.alice.delete_bucket(Bucket=bucket)
        self.alice.create_bucket(Bucket=bucket)
        self.assertNotIn("Uploads", self.alice.list_multipart_uploads(Bucket=bucket))

    def test_of_another_user_then_access_denied(self):
        bucket = self.new_bucket()
        self.fails(403, "AccessDenied", self.bob.delete_bucket, Bucket=bucket)
        self.alice.head_bucket(Bucket=bucket)

    def test_the_image_bucket_then_access_denied(self):
        self.fails(403, "AccessDenied", self.owner.delete_bucket, Bucket=IMAGES)
        self.owner.head_bucket(Bucket=IMAGES)


class Asking(Case):
    def test_head_names_the_region(self):
        bucket = self.new_bucket()
        answer = self.accepted(200, self.send("HEAD", f"/{bucket}"))
        self.assertEqual(answer.headers["x-amz-bucket-region"], REGION)
        self.assertEqual(answer.body, b"")

    def test_region_is_returned_to_everyone(self):
        """S3 returns a bucket's region, authorized or not: GetBucketRegion of the SDKs sends no signature."""
        bucket = self.new_bucket()
        for method in ("HEAD", "GET"):
            for path in (f"/{bucket}", f"/{bucket}/", f"/{bucket}?location", f"/{bucket}?list-type=2")[:2 if method == "HEAD" else 4]:
                for more, status in (({"sign": False}, 403), ({"who": "bob"}, 403), ({"who": "slots"}, 403),
                                     ({"sign": False, "headers": {"Authorization": "AWS4-HMAC-SHA256 nonsense"}}, 400)):
                    answer = self.send(method, path, **more)
                    self.assertEqual((answer.status, answer.headers["x-amz-bucket-region"]), (status, REGION), (method, path, more))
        self.assertEqual(self.send("GET", f"/{bucket}").headers["x-amz-bucket-region"], REGION)
        self.assertEqual(self.send("GET", f"/{bucket}?policy").headers["x-amz-bucket-region"], REGION)
        answer = self.send("HEAD", f"/{bucket}", who="alice", region="eu-central-1")
        self.assertEqual((answer.status, answer.headers["x-amz-bucket-region"]), (400, REGION))
        for path in ("/no-such-bucket-here", "/", f"/{bucket}/k"):
            self.assertIsNone(self.send("HEAD", path, sign=False).headers["x-amz-bucket-region"])

    def test_head_of_a_missing_object_then_404_without_body(self):
        answer = self.send("HEAD", "/no-such-bucket-here")
        self.assertEqual((answer.status, answer.body), (404, b""))

    def test_head_of_another_users_object_then_403(self):
        bucket = self.new_bucket()
        self.fails(403, "403", self.bob.head_bucket, Bucket=bucket)

    def test_location_of_us_east_1_is_empty(self):
        bucket = self.new_bucket()
        self.assertIsNone(self.alice.get_bucket_location(Bucket=bucket)["LocationConstraint"])
        answer = self.accepted(200, self.send("GET", f"/{bucket}?location"))
        self.assertEqual(answer.xml.tag, XMLNS + "LocationConstraint")

    def test_versioning_is_never_enabled(self):
        bucket = self.new_bucket()
        self.assertNotIn("Status", self.alice.get_bucket_versioning(Bucket=bucket))
        self.fails(501, "NotImplemented", self.alice.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def test_missing_bucket_then_no_such_bucket_everywhere(self):
        none = "never-made-bucket"
        for path in ("", "?list-type=2", "?versions", "?uploads", "?location", "?versioning", "?acl", "?cors", "?policy", "/k", "/k?acl", "/k?attributes",
                     "/k?tagging", "/k?uploadId=x"):
            answer = self.refused(404, "NoSuchBucket", self.send("GET", f"/{none}{path}"))
            self.assertEqual(answer.xml.findtext("BucketName"), none)
        for method, path in (("PUT", "/k"), ("DELETE", "/k"), ("POST", "/k?uploads"), ("DELETE", ""), ("PUT", "?cors"), ("POST", "?delete")):
            self.refused(404, "NoSuchBucket", self.send(method, f"/{none}{path}"))


class Listing(Case):
    def test_each_user_sees_its_own(self):
        mine, theirs = self.new_bucket(), self.new_bucket(self.bob)
        alices = [b["Name"] for b in self.alice.list_buckets()["Buckets"]]
        bobs = [b["Name"] for b in self.bob.list_buckets()["Buckets"]]
        self.assertIn(mine, alices)
        self.assertNotIn(theirs, alices)
        self.assertIn(theirs, bobs)
        self.assertNotIn(mine, bobs)
        self.assertIn(IMAGES, [b["Name"] for b in self.owner.list_buckets()["Buckets"]])

    def test_owner_is_the_caller(self):
        self.assertEqual(self.alice.list_buckets()["Owner"], {"ID": "alice", "DisplayName": "alice"})

    def test_pages_of_one_give_all_in_order(self):
        made = sorted(self.new_bucket() for _ in range(5))
        seen, more = [], {}
        while True:
            page = self.alice.list_buckets(MaxBuckets=1, **more)
            self.assertLessEqual(len(page["Buckets"]), 1)
            seen += [b["Name"] for b in page["Buckets"]]
            if "ContinuationToken" not in page:
                break
            more = {"ContinuationToken": page["ContinuationToken"]}
        self.assertEqual(seen, sorted(seen))
        self.assertEqual([n for n in seen if n in made], made)

    def test_prefix(self):
        for name in ("prefix-a-1", "prefix-a-2", "prefix-b"):
            self.alice.create_bucket(Bucket=name)
            self.addCleanup(self.drop_bucket, self.alice, name)
        answer = self.alice.list_buckets(Prefix="prefix-a")
        self.assertEqual([b["Name"] for b in answer["Buckets"]], ["prefix-a-1", "prefix-a-2"])
        self.assertEqual(answer["Prefix"], "prefix-a")
        page = self.alice.list_buckets(Prefix="prefix-a", MaxBuckets=1)
        rest = self.alice.list_buckets(Prefix="prefix-a", ContinuationToken=page["ContinuationToken"])
        self.assertEqual([b["Name"] for b in rest["Buckets"]], ["prefix-a-2"])
        self.assertEqual(self.alice.list_buckets(Prefix="none-such")["Buckets"], [])

    def test_region(self):
        bucket = self.new_bucket()
        self.assertIn(bucket, [b["Name"] for b in self.alice.list_buckets(BucketRegion=REGION)["Buckets"]])
        self.assertEqual(self.alice.list_buckets(BucketRegion="eu-west-1")["Buckets"], [])

    def test_bad_arguments(self):
        for query in ("max-buckets=0", "max-buckets=10001", "max-buckets=-1", "max-buckets=x", "continuation-token=made-up", "continuation-token=%21%21"):
            self.refused(400, "InvalidArgument", self.send("GET", f"/?{query}"))

    def test_namespace_and_x_id(self):
        answer = self.accepted(200, self.send("GET", "/?x-id=ListBuckets"))
        self.assertEqual(answer.xml.tag, XMLNS + "ListAllMyBucketsResult")
        self.assertEqual(answer.text("Owner/ID"), "alice")

    def test_not_signed_then_access_denied(self):
        self.refused(403, "AccessDenied", self.send("GET", "/", sign=False))


if __name__ == "__main__":
    main()
