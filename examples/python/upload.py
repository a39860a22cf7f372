#!/usr/bin/env python3
"""Upload pictures with Python's standard library only: examples/python/upload.py cat.jpg dog.png

  TINTYPE_URL   the API, http://127.0.0.1:8080/prod unless set
  TINTYPE_KEY   the API key, where the server requires one

Prints the record of each uploaded picture; exits with status 1 if one was refused."""
import json
import mimetypes
import os
import pathlib
import re
import sys
import urllib.error
import urllib.request
import xml.etree.ElementTree as xml

API = os.environ.get("TINTYPE_URL", "http://127.0.0.1:8080/prod")
KEY = {}
if os.environ.get("TINTYPE_KEY"):   # API Gateway reads the second header, tintype the first
    KEY = {"Authorization": f"Bearer {os.environ['TINTYPE_KEY']}", "X-Api-Key": os.environ["TINTYPE_KEY"]}


SIGNS = {"image/jpeg": rb"\xff\xd8\xff", "image/png": rb"\x89PNG\r\n\x1a\n", "image/gif": rb"GIF8[79]a", "image/webp": rb"(?s)RIFF.{4}WEBP"}


class Refused(Exception):
    """The server refused the request; the text is its own message."""


def send(method, url, body=None, headers=None):
    """The body of the response. Errors of the API are JSON, those of the storage XML."""
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.read()
    except urllib.error.HTTPError as error:
        text, kind = error.read(), error.headers.get_content_type()
        if kind.endswith("json"):
            raise Refused(json.loads(text)["detail"]) from error
        if kind.endswith("xml"):
            raise Refused(xml.fromstring(text).findtext("Message")) from error
        raise Refused(f"{error.code} {error.reason}") from error
    except OSError as error:
        raise Refused(f"the server could not be reached: {error}") from error


def type_of(image, name):
    """By the first bytes, since the name may be wrong; else by the name."""
    by_bytes = next((kind for kind, sign in SIGNS.items() if re.match(sign, image)), None)
    return by_bytes or mimetypes.guess_type(name)[0] or "application/octet-stream"


def upload(path):
    """Slot, bytes, record."""
    image = path.read_bytes()
    fields = {"fileName": path.name, "fileSize": len(image), "fileType": type_of(image, path.name)}
    slot = json.loads(send("POST", f"{API}/upload", json.dumps(fields).encode(), {**KEY, "Content-Type": "application/json"}))
    send(slot["method"], slot["uploadUrl"], image, slot["headers"])
    return json.loads(send("GET", f"{API}/images/{slot['imageId']}", headers=KEY))


def main(names):
    if not names:
        sys.exit("usage: upload.py PICTURE ...")
    mimetypes.add_type("image/webp", ".webp")
    refused = 0
    for name in names:
        try:
            image = upload(pathlib.Path(name))
            print(f"{name}: {image['status']} as {image['imageId']}, {image.get('width')} x {image.get('height')}")
        except (Refused, OSError) as error:
            refused += 1
            print(f"{name}: {error}", file=sys.stderr)
    return 1 if refused else 0


sys.exit(main(sys.argv[1:]))
