#!/usr/bin/env python3
"""CORS configurations of buckets: stored, returned, and applied to preflights and responses."""
from fixture import Case, IMAGES, main

NS = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def rule(origins=("*",), methods=("GET",), **more):
    return {"AllowedOrigins": list(origins), "AllowedMethods": list(methods), **more}


class Configuration(Case):
    def setUp(self):
        self.bucket = self.new_bucket()

    def set(self, *rules):
        self.alice.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": list(rules)})

    def raw(self, inside, root="CORSConfiguration"):
        return self.send("PUT", f"/{self.bucket}?cors", body=f"<{root}{NS}>{inside}</{root}>")

    def test_none_then_no_such_configuration(self):
        self.fails(404, "NoSuchCORSConfiguration", self.alice.get_bucket_cors, Bucket=self.bucket)

    def test_set_then_returned(self):
        rules = [rule(["https://a.example", "http://*.b.example"], ["GET", "PUT", "POST", "DELETE", "HEAD"], AllowedHeaders=["x-amz-*", "content-type"],
                      ExposeHeaders=["ETag", "x-amz-request-id"], MaxAgeSeconds=600, ID="first & <best>"), rule()]
        self.set(*rules)
        self.assertEqual(self.alice.get_bucket_cors(Bucket=self.bucket)["CORSRules"], rules)

    def test_set_again_then_replaced(self):
        self.set(rule(["https://a.example"]))
        self.set(rule(["https://b.example"]))
        self.assertEqual(self.alice.get_bucket_cors(Bucket=self.bucket)["CORSRules"], [rule(["https://b.example"])])

    def test_deleted_then_not_set_and_may_be_deleted_again(self):
        self.set(rule())
        for _ in range(2):
            self.accepted(204, self.send("DELETE", f"/{self.bucket}?cors"))
            self.fails(404, "NoSuchCORSConfiguration", self.alice.get_bucket_cors, Bucket=self.bucket)

    def test_deleted_with_the_bucket(self):
        self.set(rule())
        self.alice.delete_bucket(Bucket=self.bucket)
        self.alice.create_bucket(Bucket=self.bucket)
        self.fails(404, "NoSuchCORSConfiguration", self.alice.get_bucket_cors, Bucket=self.bucket)

    def test_100_rules_and_101(self):
        self.set(*(rule([f"https://{n}.example"]) for n in range(100)))
        self.assertEqual(len(self.alice.get_bucket_cors(Bucket=self.bucket)["CORSRules"]), 100)
        one = "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>"
        self.refused(400, "MalformedXML", self.raw(one * 101))

    def test_refused_rules_leave_the_old_ones(self):
        self.set(rule())
        good = "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
        for inside, code in (
                ("<AllowedOrigin>*</AllowedOrigin>", "MalformedXML"), ("<AllowedMethod>GET</AllowedMethod>", "MalformedXML"), ("", "MalformedXML"),
                (good + "<Unknown/>", "MalformedXML"), (good + "<MaxAgeSeconds>x</MaxAgeSeconds>", "MalformedXML"),
                (good + "<MaxAgeSeconds>-1</MaxAgeSeconds>", "MalformedXML"), (good + "<MaxAgeSeconds>1</MaxAgeSeconds>" * 2, "MalformedXML"),
                (good + f"<ID>{'i' * 256}</ID>", "InvalidRequest"), (good.replace("GET", "PATCH"), "InvalidRequest"),
                (good.replace("GET", "OPTIONS"), "InvalidRequest"), (good.replace("GET", "get"), "InvalidRequest"),
                (good.replace(">*<", ">http://*.*<"), "InvalidRequest"), (good + "<AllowedHeader>x-*-*</AllowedHeader>", "InvalidRequest"),
                (good + "<ExposeHeader>x-*</ExposeHeader>", "InvalidRequest"), (good.replace(">*<", ">\u00e9<"), "MalformedXML"),
                (good.replace(">*<", ">a&#13;&#10;b<"), "MalformedXML"), (good.replace(">*<", "><"), "MalformedXML")):
            answer = self.send("PUT", f"/{self.bucket}?cors", body=f"<CORSConfiguration><CORSRule>{inside}</CORSRule></CORSConfiguration>".encode())
            self.refused(400, code, answer)
        for body in ("", "no xml", "<CORSConfiguration/>", "<Other/>", "<CORSConfiguration><Other/></CORSConfiguration>", "<!DOCTYPE x><CORSConfiguration/>"):
            self.refused(400, "MalformedXML", self.send("PUT", f"/{self.bucket}?cors", body=body))
        self.assertEqual(self.alice.get_bucket_cors(Bucket=self.bucket)["CORSRules"], [rule()])

    def test_of_another_user(self):
        self.fails(403, "AccessDenied", self.bob.get_bucket_cors, Bucket=self.bucket)
        self.fails(403, "AccessDenied", self.bob.put_bucket_cors, Bucket=self.bucket, CORSConfiguration={"CORSRules": [rule()]})
        self.fails(403, "AccessDenied", self.bob.delete_bucket_cors, Bucket=self.bucket)


class Answers(Case):
    def setUp(self):
        self.bucket = self.new_bucket()
        self.put(self.bucket, "k")
        self.alice.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": [
            rule(["*suffix"], ["GET"]), rule(["start*end"], ["GET"]), rule(["prefix*"], ["GET"]), rule(["*.put"], ["PUT"]),
            rule(["https://app.example"], ["GET", "PUT", "DELETE"], AllowedHeaders=["x-amz-*", "Content-Type"], ExposeHeaders=["ETag", "x-amz-meta-a"],
                 MaxAgeSeconds=77)]})

    def answer(self, method, origin, path="/k", sign=True, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if origin is not None:
            headers["Origin"] = origin
        answer = self.send(method, f"/{self.bucket}{path}", sign=sign, headers=headers)
        self.assertIn("Origin", answer.headers["Vary"])
        return answer, answer.headers["Access-Control-Allow-Origin"], answer.headers["Access-Control-Allow-Methods"]

    def test_origins(self):
        for origin, allowed in ((None, None), ("foo.suffix", "GET"), ("foo.bar", None), ("foo.suffix.get", None), ("startend", "GET"), ("start1end", "GET"),
                                ("start12end", "GET"), ("0start12end", None), ("prefix", "GET"), ("prefix.suffix", "GET"), ("bla.prefix", None), ("foo.put", None),
                                ("https://app.example", "GET, PUT, DELETE"), ("https://APP.example", None), ("https://app.example.evil", None), ("null", None)):
            for sign, status in ((True, 200), (False, 403)):
                answer, origin_allowed, methods = self.answer("GET", origin, sign=sign)
                self.assertEqual((answer.status, origin_allowed, methods), (status, origin if allowed else None, allowed), origin)

    def test_method_must_match(self):
        self.assertEqual(self.answer("HEAD", "foo.suffix")[1], None)
        self.assertEqual(self.answer("DELETE", "foo.put", "/none")[1], None)
        self.assertEqual(self.answer("DELETE", "https://app.example", "/none")[1], "https://app.example")

    def test_requested_method_of_a_preflight_takes_precedence(self):
        for asked, allowed in (("GET", "foo.suffix"), ("PUT", None), ("DELETE", None)):
            answer, origin, _ = self.answer("PUT", "foo.suffix", "/bar", sign=False, Access_Control_Request_Method=asked)
            self.assertEqual((answer.status, origin), (403, allowed), asked)

    def test_missing_keys_too(self):
        answer, allowed, _ = self.answer("GET", "https://app.example", "/none")
        self.assertEqual((answer.status, allowed), (404, "https://app.example"))

    def test_exposed_headers_credentials_and_age(self):
        answer, _, _ = self.answer("GET", "https://app.example")
        self.assertEqual(answer.headers["Access-Control-Expose-Headers"], "ETag, x-amz-meta-a")
        self.assertEqual(answer.headers["Access-Control-Allow-Credentials"], "true")

    def test_star_then_star_and_no_credentials(self):
        self.alice.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": [rule()]})
        answer, allowed, methods = self.answer("GET", "https://any.example")
        self.assertEqual((allowed, methods, answer.headers["Access-Control-Allow-Credentials"]), ("*", "GET", None))

    def preflight(self, origin, method, wanted=None, path="/k"):
        headers = {"Access_Control_Request_Method": method}
        if wanted:
            headers["Access_Control_Request_Headers"] = wanted
        return self.answer("OPTIONS", origin, path, sign=False, **headers)

    def test_preflight_allowed(self):
        answer, allowed, methods = self.preflight("https://app.example", "PUT", "x-amz-date, content-type")
        self.assertEqual((answer.status, answer.body, allowed, methods), (200, b"", "https://app.example", "GET, PUT, DELETE"))
        self.assertEqual(answer.headers["Access-Control-Allow-Headers"], "x-amz-date, content-type")
        self.assertEqual(answer.headers["Access-Control-Max-Age"], "77")
        self.assertEqual(self.preflight("foo.put", "PUT")[1], "foo.put")
        self.assertEqual(self.preflight("foo.put", "PUT", path="")[1], "foo.put")

    def test_preflight_refused(self):
        for origin, method, wanted in (("foo.put", "GET", None), ("foo.bar", "GET", None), ("https://app.example", "POST", None),
                                       ("https://app.example", "PUT", "authorization"), ("foo.suffix", "GET", "x-amz-date")):
            answer, allowed, _ = self.preflight(origin, method, wanted)
            self.refused(403, "AccessForbidden", answer)
            self.assertIsNone(allowed)

    def test_options_that_is_not_a_preflight(self):
        answer, _, _ = self.answer("OPTIONS", "https://app.example", sign=False)
        self.refused(400, "InvalidRequest", answer)
        answer, _, _ = self.answer("OPTIONS", None, sign=False, Access_Control_Request_Method="GET")
        self.refused(400, "InvalidRequest", answer)

    def test_preflight_of_a_bucket_without_rules_or_a_missing_one(self):
        other = self.new_bucket()
        answer = self.send("OPTIONS", f"/{other}/k", sign=False, headers={"Origin": "https://app.example", "Access-Control-Request-Method": "GET"})
        self.refused(403, "AccessForbidden", answer)
        answer = self.send("OPTIONS", "/no-bucket-here/k", sign=False, headers={"Origin": "https://app.example", "Access-Control-Request-Method": "GET"})
        self.refused(404, "NoSuchBucket", answer)
        answer = self.send("GET", f"/{other}", headers={"Origin": "https://app.example"})
        self.assertIsNone(answer.headers["Access-Control-Allow-Origin"])


class ImageBucket(Case):
    HEADERS = {"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"}

    def preflight(self):
        return self.send("OPTIONS", f"/{IMAGES}/images/x", sign=False, headers=self.HEADERS)

    def test_without_rules_the_setting_applies_else_the_rules(self):
        answer = self.accepted(200, self.preflight())
        self.assertEqual((answer.headers["Access-Control-Allow-Origin"], answer.headers["Access-Control-Allow-Methods"]), ("*", "GET, PUT, POST, HEAD"))
        self.owner.put_bucket_cors(Bucket=IMAGES, CORSConfiguration={"CORSRules": [rule(["https://other.example"], ["PUT"])]})
        self.refused(403, "AccessForbidden", self.preflight())
        self.owner.delete_bucket_cors(Bucket=IMAGES)
        self.accepted(200, self.preflight())


if __name__ == "__main__":
    main()
