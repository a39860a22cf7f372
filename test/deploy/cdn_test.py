"""The CDN of deploy/template.yaml, asserted on its text, since nothing here emulates CloudFront: which paths need a signature, who reads
the bucket, which headers go with an image and with the page, and that a stack without it has none of it."""
import json
import re
import unittest

from tap import ROOT, main, template

T = template()
R = T["Resources"]
D = R["Distribution"]["Properties"]["DistributionConfig"]
NONE = {"Ref": "AWS::NoValue"}
CACHING_OPTIMIZED, CACHING_DISABLED = "658327ea-f89d-4fab-a63d-7e88639e58f6", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


def headers_of(name):
    """A response headers policy as the headers that it sets."""
    p = R[name]["Properties"]["ResponseHeadersPolicyConfig"]
    security = p["SecurityHeadersConfig"]
    found = {"X-Content-Type-Options": "nosniff"} if security["ContentTypeOptions"]["Override"] else {}
    policy = security["ContentSecurityPolicy"]
    assert policy["Override"] and all(one["Override"] for one in p["CustomHeadersConfig"]["Items"])
    found["Content-Security-Policy"] = policy["ContentSecurityPolicy"]
    found.update({one["Header"]: one["Value"] for one in p["CustomHeadersConfig"]["Items"]})
    if "CorsConfig" in p:
        found["Access-Control-Allow-Origin"] = p["CorsConfig"]["AccessControlAllowOrigins"]["Items"][0]
        found["Access-Control-Expose-Headers"] = ", ".join(p["CorsConfig"]["AccessControlExposeHeaders"]["Items"])
    return found


def sent_by(source, function):
    """The headers that a function of the program sets."""
    body = re.search(rf"^(?:static )?void {function}\(.*?\n}}", (ROOT / source).read_text(), re.S | re.M).group()
    return dict(re.findall(r'STR\("([^"]+)"\), STR\("([^"]+)"\)', body))


class Cdn(unittest.TestCase):
    behaviors = {b["PathPattern"]: b for b in D["CacheBehaviors"]}

    def test_it_is_there_only_where_it_was_chosen(self):
        self.assertEqual((T["Parameters"]["Cdn"]["Default"], T["Conditions"]["HasCdn"]), ("off", {"Fn::Equals": [{"Ref": "Cdn"}, "on"]}))
        for name, r in R.items():
            if r["Type"].startswith("AWS::CloudFront::"):
                self.assertIn(r["Condition"], ("HasCdn", "HasCdnKey1", "HasCdnKey2"), name)
        for n in "12":
            self.assertEqual(T["Conditions"][f"HasCdnKey{n}"]["Fn::And"][0], {"Condition": "HasCdn"})

    def test_images_and_thumbnails_need_a_signature_and_nothing_else_does(self):
        signed = {path for path, b in self.behaviors.items() if "TrustedKeyGroups" in b}
        self.assertEqual(signed, {"images/*", "thumbs/*"})
        self.assertEqual(set(self.behaviors), signed | {"public/*", "prod/*"})
        for path in signed:
            self.assertEqual(self.behaviors[path]["TrustedKeyGroups"], [{"Ref": "CdnKeyGroup"}])
        self.assertNotIn("TrustedSigners", json.dumps(D))
        self.assertEqual(R["CdnKeyGroup"]["Properties"]["KeyGroupConfig"]["Items"], [
            {"Fn::If": [f"HasCdnKey{n}", {"Ref": f"CdnPublicKey{n}"}, NONE]} for n in "12"])

    def test_each_path_has_its_origin_and_the_bucket_is_read_as_the_distribution_alone(self):
        origins = {o["Id"]: o for o in D["Origins"]}
        self.assertEqual({path: b["TargetOriginId"] for path, b in self.behaviors.items()}, {"images/*": "images", "thumbs/*": "images", "public/*": "images", "prod/*": "api"})
        self.assertEqual((D["DefaultCacheBehavior"]["TargetOriginId"], D["DefaultRootObject"], origins["page"]["OriginPath"]), ("page", "index.html", "/page"))
        for name in ("images", "page"):
            self.assertEqual(origins[name]["OriginAccessControlId"], {"Fn::GetAtt": ["CdnAccess", "Id"]})
            self.assertEqual(origins[name]["DomainName"], {"Fn::GetAtt": ["Bucket", "RegionalDomainName"]})
        self.assertNotIn("OriginPath", origins["images"])
        _, granted = R["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        condition, s, otherwise = granted["Fn::If"]
        self.assertEqual((condition, otherwise), ("HasCdn", NONE))
        self.assertEqual((s["Effect"], s["Principal"], s["Action"]), ("Allow", {"Service": "cloudfront.amazonaws.com"}, "s3:GetObject"))
        self.assertEqual(s["Condition"], {"StringEquals": {"aws:SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"}}})
        self.assertEqual(s["Resource"], [{"Fn::Sub": f"${{Bucket.Arn}}/{folder}/*"} for folder in ("images", "thumbs", "public", "page")])

    def test_the_api_gets_a_secret_that_shows_who_calls_and_those_functions_know_it(self):
        origins = {o["Id"]: o for o in D["Origins"]}
        self.assertEqual(origins["api"]["OriginCustomHeaders"], {"Fn::If": ["HasCdnSecret", [{"HeaderName": "X-Tintype-Cdn", "HeaderValue": {"Ref": "CdnSecret"}}], NONE]})
        self.assertFalse([name for name, o in origins.items() if name != "api" and "OriginCustomHeaders" in o], "S3 has no use for it")
        self.assertIs(T["Parameters"]["CdnSecret"]["NoEcho"], True)
        self.assertNotIn("CdnSecret", json.dumps(T["Outputs"]))
        known = {name for name, p in R.items() if p["Type"] == "AWS::Lambda::Function" and p["Properties"]["Environment"]["Variables"].get("TINTYPE_CDN_SECRET") == {"Fn::If": ["HasCdnSecret", {"Ref": "CdnSecret"}, NONE]}}
        self.assertEqual(known, {"UploadFunction", "ListFunction", "ManageFunction", "DeliveryFunction"})

    def test_the_api_is_never_cached_and_gets_all_that_a_client_sends_but_the_host(self):
        b = self.behaviors["prod/*"]
        self.assertEqual((b["CachePolicyId"], b["OriginRequestPolicyId"]), (CACHING_DISABLED, "b689b0a8-53d0-40ab-baf2-68738e2966ac"))
        self.assertEqual(set(b["AllowedMethods"]), {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"})
        self.assertEqual({e["ErrorCode"] for e in D["CustomErrorResponses"]}, {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504})
        for e in D["CustomErrorResponses"]:
            self.assertEqual(set(e), {"ErrorCode", "ErrorCachingMinTTL"}, "an error of the API is answered as it is")
            self.assertEqual(e["ErrorCachingMinTTL"], 0)

    def test_an_image_is_kept_as_long_as_the_parameter_says_and_by_its_path_and_what_was_signed_with_it(self):
        p = R["CdnImageCache"]["Properties"]["CachePolicyConfig"]
        self.assertEqual((p["DefaultTTL"], p["MaxTTL"], p["MinTTL"]), ({"Ref": "CdnTtl"}, {"Ref": "CdnTtl"}, T["Parameters"]["CdnTtl"]["MinValue"]))
        key = p["ParametersInCacheKeyAndForwardedToOrigin"]
        self.assertEqual((key["CookiesConfig"], key["HeadersConfig"]), ({"CookieBehavior": "none"}, {"HeaderBehavior": "none"}))
        named = re.findall(r'STR\("(response-content-\w+)"\)', (ROOT / "src/aws/cloudfront.c").read_text())
        self.assertEqual(key["QueryStringsConfig"], {"QueryStringBehavior": "whitelist", "QueryStrings": named})
        self.assertEqual(self.behaviors["public/*"]["CachePolicyId"], CACHING_OPTIMIZED)

    def test_images_have_the_headers_of_delivery_links(self):
        wanted = sent_by("src/delivery/response.c", "response_common_headers")
        self.assertEqual(len(wanted), 5)
        self.assertEqual(headers_of("CdnPublicHeaders"), wanted)
        self.assertEqual(headers_of("CdnImageHeaders"), {**wanted, "Cache-Control": {"Fn::Sub": "private, max-age=${CdnTtl}"}})
        for path, name in (("images/*", "CdnImageHeaders"), ("thumbs/*", "CdnImageHeaders"), ("public/*", "CdnPublicHeaders")):
            self.assertEqual(self.behaviors[path]["ResponseHeadersPolicyId"], {"Ref": name})

    def test_the_page_has_the_policy_of_a_server_with_the_bucket_as_its_storage(self):
        source = (ROOT / "src/api/page.c").read_text()
        text = "".join(re.findall(r'"([^"]*)"', re.search(r"policy = str_printf\(c->arena,(.*?),\n", source, re.S).group(1)))
        bucket = "https://${BucketName}.s3.${AWS::Region}.${AWS::URLSuffix}"
        images, connect = re.findall(r"(?:%\.\*s|%s)+", text)
        wanted = text.replace(f" {images};", ";", 1).replace(connect, bucket + "${SignIn}", 1)
        policy, given = headers_of("CdnPageHeaders")["Content-Security-Policy"]["Fn::Sub"]
        self.assertEqual(policy, wanted)
        condition, cognito, otherwise = given["SignIn"]["Fn::If"]
        self.assertEqual((condition, otherwise["Fn::If"][0], otherwise["Fn::If"][2]), ("HasCognito", "HasOidc", ""))
        self.assertEqual(otherwise["Fn::If"][1]["Fn::If"][:2], ["HasOidcOrigins", {"Fn::Sub": " ${OidcOrigins}"}])
        self.assertEqual(cognito["Fn::Sub"].split(), ["https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}", "https://*.auth.${AWS::Region}.amazoncognito.com"])
        self.assertEqual(headers_of("CdnPageHeaders")["Cross-Origin-Resource-Policy"], "same-origin")
        self.assertEqual(R["CdnPageHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]["ReferrerPolicy"]["ReferrerPolicy"], "no-referrer")

    def test_nothing_is_served_without_tls(self):
        for b in (D["DefaultCacheBehavior"], *D["CacheBehaviors"]):
            self.assertIn(b["ViewerProtocolPolicy"], ("https-only", "redirect-to-https"))
        self.assertEqual(D["ViewerCertificate"]["Fn::If"][0], "HasCdnDomain")
        self.assertEqual(D["ViewerCertificate"]["Fn::If"][1]["MinimumProtocolVersion"], "TLSv1.2_2021")

    def test_functions_that_write_urls_have_the_address_and_those_that_sign_have_the_key(self):
        for name, r in R.items():
            if r["Type"] != "AWS::Lambda::Function":
                continue
            given = {v for v in r["Properties"]["Environment"]["Variables"] if v.startswith("TINTYPE_CDN_") and v != "TINTYPE_CDN_SECRET"}
            address, key = {"TINTYPE_CDN_URL", "TINTYPE_CDN_DISTRIBUTION"}, {"TINTYPE_CDN_KEY_ID", "TINTYPE_CDN_KEY_PARAMETER"}
            self.assertEqual(given, {"UploadFunction": address, "EventFunction": address, "SweepFunction": address, "RenderFunction": address, "ListFunction": address | key, "ManageFunction": address | key}.get(name, set()), name)
            self.assertEqual('"Sid": "ReadKey"' in json.dumps(R[name.replace("Function", "Role")]), key <= given, name)

    def test_keys_are_on_p_256_and_only_their_public_part_is_a_parameter(self):
        for n in "12":
            pattern = T["Parameters"][f"CdnKey{n}"]["AllowedPattern"]
            self.assertTrue(re.fullmatch(pattern, "A" * 64 + "," + "A" * 60) and re.fullmatch(pattern, ""))
            self.assertEqual(R[f"CdnPublicKey{n}"]["Properties"]["PublicKeyConfig"]["EncodedKey"]["Fn::Sub"][0], "-----BEGIN PUBLIC KEY-----\n${Lines}\n-----END PUBLIC KEY-----\n")
        self.assertNotIn("PRIVATE", json.dumps(T))

    def test_everything_goes_with_the_stack(self):
        for name, r in R.items():
            if r["Type"].startswith("AWS::CloudFront::"):
                self.assertEqual((r.get("DeletionPolicy"), r.get("UpdateReplacePolicy")), (None, None), name)


if __name__ == "__main__":
    main()
