"""Sign as botocore does, for a test to compare: reads one JSON object a line on stdin (service, region,
id, secret, token, date, method, url, headers, body, expires) and prints the Authorization header's
value, or the presigned URL where `expires` is given, one a line."""
import datetime
import json
import sys
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def sign(case):
    now = datetime.datetime.strptime(case["date"], "%Y%m%dT%H%M%SZ")
    key = Credentials(case["id"], case["secret"], case["token"] or None)
    request = AWSRequest(case["method"], case["url"], case["headers"], case["body"].encode())
    s3 = case["service"] == "s3"
    clock = mock.Mock(utcnow=lambda: now, strptime=datetime.datetime.strptime)
    with mock.patch("botocore.auth.datetime", mock.Mock(datetime=clock, timedelta=datetime.timedelta)):
        if case["expires"]:
            botocore.auth.S3SigV4QueryAuth(key, "s3", case["region"], case["expires"]).add_auth(request)
            return request.url
        kind = botocore.auth.S3SigV4Auth if s3 else botocore.auth.SigV4Auth
        request.context["payload_signing_enabled"] = True
        kind(key, case["service"], case["region"]).add_auth(request)
        return request.headers["Authorization"]


for line in sys.stdin:
    print(sign(json.loads(line)))
