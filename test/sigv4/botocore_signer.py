"""Sign requests as botocore does, for a test to compare: reads a JSON list of requests on stdin (service, region, date,
accessKey, secret, method, url, headers as pairs, body, inQuery), and prints a list of canonicalRequest, stringToSign
and signature of each. What is signed (date, token, parameters) is in the request already; every step is botocore's."""
import json
import sys

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def sign(case):
    signer = (S3SigV4QueryAuth if case["inQuery"] else S3SigV4Auth) if case["service"] == "s3" else SigV4Auth
    auth = signer(Credentials(case["accessKey"], case["secret"]), case["service"], case["region"])
    request = AWSRequest(case["method"], case["url"], data=case["body"].encode())
    for name, value in case["headers"]:
        request.headers.add_header(name, value)
    request.context["timestamp"] = case["date"]
    canonical = auth.canonical_request(request)
    text = auth.string_to_sign(request, canonical)
    return {"canonicalRequest": canonical, "stringToSign": text, "signature": auth.signature(text, request)}


json.dump([sign(case) for case in json.load(sys.stdin)], sys.stdout)
