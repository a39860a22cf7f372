#!/usr/bin/env python3
"""Access control: two users, keys with permissions, slots, and what an ACL or a header cannot change."""
from fixture import Case, IMAGES, XMLNS, main, md5

ACL = ('<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>{owner}</ID></Owner><AccessControlList>{grants}'
       "</AccessControlList></AccessControlPolicy>")
GRANT = ('<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="{kind}">{who}</Grantee><Permission>{permission}</Permission></Grant>')


def grant(who="<ID>alice</ID>", permission="FULL_CONTROL", kind="CanonicalUser"):
    return GRANT.format(who=who, permission=permission, kind=kind)


class Users(Case):
    def test_another_users_data_is_denied_whether_it_exists_or_not(self):
        bucket = self.new_bucket()
        self.put(bucket, "k")
        requests = [(m, f"/{bucket}{p}") for m, p in (
            ("GET", ""), ("HEAD", ""), ("PUT", ""), ("DELETE", ""), ("GET", "?list-type=2"), ("GET", "?versions"), ("GET", "?uploads"), ("GET", "?location"),
            ("GET", "?versioning"), ("GET", "?acl"), ("PUT", "?acl"), ("GET", "?cors"), ("PUT", "?cors"), ("DELETE", "?cors"), ("POST", "?delete"),
            ("GET", "?policy"), ("PUT", "?policy"), ("GET", "?tagging"), ("GET", "/k"), ("HEAD", "/k"), ("PUT", "/k"), ("DELETE", "/k"), ("GET", "/none"),
            ("HEAD", "/none"), ("DELETE", "/none"), ("GET", "/k?acl"), ("PUT", "/k?acl"), ("GET", "/k?attributes"), ("GET", "/k?tagging"), ("POST", "/k?uploads"),
            ("GET", "/k?uploadId=x"), ("POST", "/k?uploadId=x"), ("DELETE", "/k?uploadId=x"), ("PUT", "/k?partNumber=1&uploadId=x"))]
        for method, path in requests:
            for who in ("bob", "tintype", "slots"):
                for presign in (False, True):
                    if (method, path) == ("PUT", f"/{bucket}") and who != "slots":
                        continue   # 409, elsewhere
                    answer = self.send(method, path, who=who, presign=presign, headers={"x-amz-object-attributes": "ETag"} if "attributes" in path else None)
                    self.assertEqual(answer.status, 403, (method, path, who, answer.body))
                    if method != "HEAD":
                        self.refused(403, "AccessDenied", answer)
        self.assertEqual(self.alice.get_object(Bucket=bucket, Key="k")["Body"].read(), b"k")

    def test_not_signed_then_denied(self):
        bucket = self.new_bucket()
        self.put(bucket, "k")
        for method, path in (("GET", "/"), ("GET", f"/{bucket}"), ("GET", f"/{bucket}/k"), ("PUT", f"/{bucket}/k"), ("DELETE", f"/{bucket}/k"),
                             ("PUT", "/new-bucket-unsigned"), ("POST", f"/{bucket}?delete")):
            self.refused(403, "AccessDenied", self.send(method, path, sign=False))

    def test_not_signed_for_a_missing_bucket_then_no_such_bucket(self):
        self.alice.create_bucket(Bucket="soon-gone")
        self.refused(403, "AccessDenied", self.send("GET", "/soon-gone/k", sign=False))
        self.alice.delete_bucket(Bucket="soon-gone")
        for method, path in (("GET", "/soon-gone"), ("GET", "/soon-gone/k"), ("PUT", "/soon-gone/k"), ("DELETE", "/soon-gone/k"), ("GET", "/No_Name")):
            self.refused(404, "NoSuchBucket", self.send(method, path, sign=False))
        self.assertEqual(self.send("HEAD", "/soon-gone", sign=False).status, 404)
        self.refused(403, "AccessDenied", self.send("PUT", "/soon-gone", sign=False))

    def test_lifetimes_of_urls(self):
        bucket = self.new_bucket()
        self.put(bucket, "k")
        for seconds in (60, 100000, 604800):
            self.assertEqual(self.send("HEAD", f"/{bucket}/k", presign=True, lifetime=seconds).status, 200)
        self.refused(403, "AccessDenied", self.send("GET", f"/{bucket}/k", presign=True, lifetime=0))
        for seconds in (-7, 604801, 609901):
            for method in ("GET", "PUT"):
                self.refused(400, "AuthorizationQueryParametersError", self.send(method, f"/{bucket}/k", presign=True, lifetime=seconds))

    def test_the_owner_has_access_to_its_own_buckets_only(self):
        self.owner.list_objects_v2(Bucket=IMAGES)
        bucket = self.new_bucket(self.owner)
        self.fails(403, "AccessDenied", self.alice.list_objects_v2, Bucket=bucket)
        self.fails(403, "AccessDenied", self.alice.list_objects_v2, Bucket=IMAGES)

    def test_slots_key_has_access_to_images_only(self):
        for method, path in (("GET", "/"), ("GET", f"/{IMAGES}"), ("HEAD", f"/{IMAGES}"), ("GET", f"/{IMAGES}?acl"), ("GET", f"/{IMAGES}/plain"),
                             ("PUT", f"/{IMAGES}/plain"), ("DELETE", f"/{IMAGES}/images/x"), ("PUT", "/slots-bucket"), ("GET", f"/{IMAGES}/images/x?acl"),
                             ("GET", f"/{IMAGES}/images/x?attributes"), ("POST", f"/{IMAGES}/images/x?uploads"), ("GET", f"/{IMAGES}/thumbs/x")):
            for presign in (True, False):
                answer = self.send(method, path, who="slots", presign=presign)
                self.assertEqual(answer.status, 403, (method, path, answer.body))
        self.refused(404, "NoSuchKey", self.send("GET", f"/{IMAGES}/images/x", who="slots", presign=True))

    def test_expected_owner(self):
        bucket = self.new_bucket()
        for call, more in ((self.alice.head_bucket, {}), (self.alice.list_objects_v2, {}), (self.alice.get_bucket_acl, {}), (self.alice.put_object, {"Key": "k"}),
                           (self.alice.get_object, {"Key": "k"}), (self.alice.delete_object, {"Key": "k"})):
            with self.assertRaises(Exception) as caught:
                call(Bucket=bucket, ExpectedBucketOwner="123456789012", **more)
            self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 403)
        self.alice.put_object(Bucket=bucket, Key="k", ExpectedBucketOwner="alice")
        self.alice.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="alice")


class Grants(Case):
    """Additional keys of alice with fewer permissions."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for bucket in ("granted-one", "granted-two"):
            cls.alice.create_bucket(Bucket=bucket)
            for key in ("in/a", "in/b", "out/a"):
                cls.alice.put_object(Bucket=bucket, Key=key, Body=b"x")
        for name, options in {"reader": ("--allow", "list,read"), "writer": ("--allow", "write"), "deleter": ("--allow", "delete"),
                              "lister": ("--bucket", "granted-one", "--allow", "list"), "inner": ("--bucket", "granted-one", "--prefix", "in/")}.items():
            cls.server.add_key(name, "--user", "alice", *options)

    def may(self, who, *requests):
        for method, path in requests:
            answer = self.send(method, path, who=who)
            self.assertLess(answer.status, 400, (method, path, answer.body))

    def may_not(self, who, *requests):
        for method, path in requests:
            self.assertEqual(self.send(method, path, who=who).status, 403, (method, path))

    def test_reader(self):
        self.may("reader", ("GET", "/granted-one"), ("HEAD", "/granted-one"), ("GET", "/granted-two/in/a"), ("GET", "/"), ("GET", "/granted-one?acl"),
                 ("GET", "/granted-one/in/a?acl"))
        self.may_not("reader", ("PUT", "/granted-one/x"), ("DELETE", "/granted-one/in/a"), ("PUT", "/granted-three"), ("POST", "/granted-one/x?uploads"),
                     ("PUT", "/granted-one?cors"), ("DELETE", "/granted-one"), ("PUT", "/granted-one/in/a?acl"))

    def test_writer(self):
        self.may("writer", ("PUT", "/granted-one/w"), ("POST", "/granted-one/w?uploads"))
        self.may_not("writer", ("GET", "/granted-one/w"), ("GET", "/granted-one"), ("DELETE", "/granted-one/w"))
        answer = self.send("PUT", "/granted-one/w2", who="writer", headers={"x-amz-copy-source": "/granted-one/in/a"})
        self.refused(403, "AccessDenied", answer)

    def test_deleter(self):
        self.alice.put_object(Bucket="granted-two", Key="d", Body=b"x")
        self.may("deleter", ("DELETE", "/granted-two/d"))
        self.may_not("deleter", ("GET", "/granted-two/in/a"), ("PUT", "/granted-two/d"), ("GET", "/granted-two"))

    def test_lister_of_one_bucket(self):
        self.may("lister", ("GET", "/granted-one"), ("GET", "/granted-one?list-type=2&prefix=x"))
        self.may_not("lister", ("GET", "/granted-two"), ("GET", "/"), ("GET", "/granted-one/in/a"))

    def test_key_confined_to_one_prefix(self):
        self.may("inner", ("GET", "/granted-one?list-type=2&prefix=in%2F"), ("GET", "/granted-one?prefix=in%2Fa"), ("GET", "/granted-one/in/a"), ("PUT", "/granted-one/in/x"),
                 ("DELETE", "/granted-one/in/x"))
        self.may_not("inner", ("GET", "/granted-one"), ("GET", "/granted-one?list-type=2"), ("GET", "/granted-one?prefix=i"), ("GET", "/granted-one/out/a"),
                     ("PUT", "/granted-one/x"), ("GET", "/granted-two/in/a"), ("GET", "/granted-one?prefix=out%2F"))
        # the prefix applies to lists: it gives no other access to the bucket
        for sub in ("acl", "location", "versioning", "cors", "policy", "tagging", "lifecycle", "encryption", "logging", "object-lock", "website"):
            self.may_not("inner", ("GET", f"/granted-one?{sub}"), ("GET", f"/granted-one?{sub}&prefix=in%2F"), ("HEAD", "/granted-one?prefix=in%2F"))
        self.may("inner", ("GET", "/granted-one?versions&prefix=in%2F"))
        body = "<Delete><Object><Key>in/none</Key></Object><Object><Key>out/a</Key></Object></Delete>"
        answer = self.accepted(200, self.send("POST", "/granted-one?delete", who="inner", body=body, headers={"Content-MD5": md5(body)}))
        self.assertEqual((answer.text("Deleted/Key"), answer.text("Error/Key"), answer.text("Error/Code")), ("in/none", "out/a", "AccessDenied"))
        self.alice.head_object(Bucket="granted-one", Key="out/a")
        answer = self.send("PUT", "/granted-one/in/copy", who="inner", headers={"x-amz-copy-source": "/granted-one/out/a"})
        self.refused(403, "AccessDenied", answer)


class Acls(Case):
    def setUp(self):
        self.bucket = self.new_bucket()
        self.put(self.bucket, "k")

    def private(self):
        for acl in (self.alice.get_bucket_acl(Bucket=self.bucket), self.alice.get_object_acl(Bucket=self.bucket, Key="k")):
            self.assertEqual(acl["Owner"], {"ID": "alice", "DisplayName": "alice"})
            self.assertEqual(acl["Grants"], [{"Grantee": {"ID": "alice", "DisplayName": "alice", "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}])
        self.refused(403, "AccessDenied", self.send("GET", f"/{self.bucket}/k", sign=False))
        self.refused(403, "AccessDenied", self.send("GET", f"/{self.bucket}/k", who="bob"))

    def put_acl(self, body, path="", **headers):
        return self.send("PUT", f"/{self.bucket}{path}?acl", body=body, headers=headers)

    def test_always_private(self):
        self.private()

    def test_canned_acls_that_state_what_is_the_case_are_accepted(self):
        for acl in ("private", "bucket-owner-full-control"):
            self.accepted(200, self.put_acl("", **{"x-amz-acl": acl}))
            self.alice.put_object_acl(Bucket=self.bucket, Key="k", ACL=acl)
            self.alice.put_object(Bucket=self.bucket, Key="k", ACL=acl)
            self.private()

    def test_canned_acls_for_others_then_refused_and_nothing_is_changed(self):
        where, source = {"Bucket": self.bucket, "Key": "new"}, f"{self.bucket}/k"
        for acl in ("public-read", "public-read-write", "authenticated-read", "bucket-owner-read", "aws-exec-read"):
            for call, more in ((self.alice.put_object, where), (self.alice.copy_object, {**where, "CopySource": source}), (self.alice.put_object_acl, {**where, "Key": "k"}),
                               (self.alice.create_multipart_upload, where)):
                self.fails(400, "AccessControlListNotSupported", call, ACL=acl, **more)
            self.refused(400, "AccessControlListNotSupported", self.put_acl("", **{"x-amz-acl": acl}))
        self.refused(400, "AccessControlListNotSupported", self.send("PUT", f"/{self.bucket}/new?x-amz-acl=public-read", presign=True))
        self.private()
        self.assertEqual([o["Key"] for o in self.alice.list_objects_v2(Bucket=self.bucket)["Contents"]], ["k"])
        self.assertNotIn("Uploads", self.alice.list_multipart_uploads(Bucket=self.bucket))

    def test_canned_one_unknown(self):
        self.refused(400, "InvalidArgument", self.put_acl("", **{"x-amz-acl": "public-ready"}))

    def test_acl_that_was_read_can_be_put(self):
        for path in ("", "/k"):
            got = self.send("GET", f"/{self.bucket}{path}?acl").body
            self.accepted(200, self.put_acl(got, path))
        self.private()

    def test_grants_to_the_owner_only_or_none(self):
        for grants in (grant(), grant() + grant(permission="READ"), ""):
            self.accepted(200, self.put_acl(ACL.format(owner="alice", grants=grants)))
        self.private()

    def test_grants_to_others_then_refused(self):
        for grants in (grant("<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>", "READ", "Group"), grant("<ID>bob</ID>", "READ"),
                       grant() + grant("<EmailAddress>b@example.com</EmailAddress>", "READ", "AmazonCustomerByEmail")):
            for path in ("", "/k"):
                self.refused(400, "AccessControlListNotSupported", self.put_acl(ACL.format(owner="alice", grants=grants), path))
        for name in ("x-amz-grant-read", "x-amz-grant-full-control", "x-amz-grant-write-acp"):
            self.refused(400, "AccessControlListNotSupported", self.put_acl("", **{name: "id=bob"}))
        self.private()

    def test_another_owner_then_denied(self):
        self.refused(403, "AccessDenied", self.put_acl(ACL.format(owner="bob", grants=grant())))

    def test_malformed(self):
        for body in ("", "no xml", "<AccessControlPolicy/>", "<Other/>", ACL.format(owner="alice", grants="<Grant/>"),
                     ACL.format(owner="alice", grants=grant(permission="EVERYTHING")), ACL.format(owner="alice", grants="<Other/>"),
                     "<!DOCTYPE x>" + ACL.format(owner="alice", grants=grant()), ACL.format(owner="alice", grants=grant())[:-5]):
            for path in ("", "/k"):
                self.refused(400, "MalformedXML", self.put_acl(body, path))

    def test_acl_of_a_missing_object(self):
        self.fails(404, "NoSuchKey", self.alice.get_object_acl, Bucket=self.bucket, Key="none")
        self.fails(404, "NoSuchKey", self.alice.put_object_acl, Bucket=self.bucket, Key="none", ACL="private")

    def test_version(self):
        self.alice.get_object_acl(Bucket=self.bucket, Key="k", VersionId="null")
        self.fails(404, "NoSuchVersion", self.alice.get_object_acl, Bucket=self.bucket, Key="k", VersionId="v" * 32)


if __name__ == "__main__":
    main()
