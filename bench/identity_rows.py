"""The rows of `make bench` about users: the verification of tokens against OpenSSL's own figure for the arithmetic in it, the list of one
owner among many, and what tokens and quotas cost a slot."""
import base64
import hashlib
import json
import pathlib
import re
import statistics
import subprocess

import http_rows

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/bench/bench"
QUOTAS = ("--quota-bytes", str(1 << 50), "--quota-images", "1000000000", "--quota-pending", "1000000000", "--quota-slots-per-minute", "1000000000")
TOKENS = 12000   # three times as many as the server remembers, in turn: each is forgotten before it comes again


def openssl_verify(seconds):
    """RSA-2048 verifications a second of processor time, by `openssl speed`."""
    ran = subprocess.run(["openssl", "speed", "-seconds", str(seconds), "rsa2048"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return float(re.search(r"^rsa 2048 bits .* (\S+)$", ran.stdout, re.MULTILINE).group(1))


def bench_token(b):
    """A token verified, one that was never seen and one that was."""
    def ours():
        return json.loads(subprocess.run([BIN / "token", "2"], stdout=subprocess.PIPE, check=True).stdout)
    rounds = [(ours(), openssl_verify(1)) for _ in range(b.rounds)]
    new, seen, arithmetic = (statistics.median(r) for r in zip(*((o["verify"], o["seen"], t) for o, t in rounds)))
    b.row("verification of a token, RS256, against openssl speed's rsa2048 verify", ">= 0.45", f"{new / arithmetic:.2f}", new >= 0.45 * arithmetic,
          f"{new:.0f}/s against {arithmetic:.0f}/s; of a token that was seen before {seen:.0f}/s")


def make_tokens(b, n, users):
    """A file of keys, and n tokens of so many users in turn."""
    keys = b.work / "keys.json"
    made = subprocess.run([BIN / "token", "make", keys, str(n), str(users)], stdout=subprocess.PIPE, text=True, check=True)
    return keys, made.stdout.split()


def claims_of(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def owner_of(token):
    claims = claims_of(token)
    return hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()[:32]


def flags_of(keys, token):
    claims = claims_of(token)
    return "--oidc-issuer", claims["iss"], "--oidc-audience", claims["client_id"], "--oidc-jwks", keys


def owner_rate(*arguments):
    return json.loads(subprocess.run([BIN / "owner_list", *map(str, arguments)], stdout=subprocess.PIPE, check=True).stdout)["rate"]


def bench_owners(b, server_of):
    """A page of 50 of one owner's 1,000 images among many of others, spread evenly, against 1,000 in all; slots with quotas against without."""
    many = 100000 if b.quick else 1000000
    keys, (token,) = make_tokens(b, 1, 1)
    few, among, owner = b.work / "owners-1000", b.work / f"owners-{many}", owner_of(token)
    for where, n in ((few, 1000), (among, many)):
        if not where.exists():
            subprocess.run([BIN / "seed", where, str(n), f"@{owner}"], check=True)
    what = f"a page of 50 of one owner's 1000 images among {many} of others, against 1000 in all: time"
    rounds = [(owner_rate("pages", few, 1, owner), owner_rate("pages", among, 1, owner)) for _ in range(b.rounds)]
    alone, crowded = (statistics.median(r) for r in zip(*rounds))
    b.row(f"{what}, in the engine alone", "(none)", f"{alone / crowded:.2f}", True, f"{crowded:.0f} against {alone:.0f} pages a processor second")

    servers = [server_of(where, *flags_of(keys, token)) for where in (among, few)]
    crowded, alone = (http_rows.Side([server.process.pid], pages(b, server, token)) for server in servers)
    ratio, figures = http_rows.compare(b, crowded, alone)
    for server in servers:
        server.stop()
    slower = max(1 / ratio[0], 1 / ratio[1])
    b.row(what, "<= 1.3", f"{slower:.2f}", slower <= 1.3, f"{figures[0][0]:.0f}/s against {figures[0][1]:.0f}/s; "
          f"processor time each {1e6 / figures[1][0]:.0f} us against {1e6 / figures[1][1]:.0f} us")
    rounds = [(owner_rate("slots", b.work / f"slots-{i}", 1), owner_rate("slots", b.work / f"owned-{i}", 1, "quota")) for i in range(b.rounds)]
    free, charged = (statistics.median(r) for r in zip(*rounds))
    b.row("slots of 100 owners with quotas, against slots of nobody", "(none)", f"{charged / free:.2f}", True,
          f"{charged:.0f} against {free:.0f} slots a processor second, in the engine alone")


def pages(b, server, token):
    """All whole pages of the list in turn, over and over."""
    path, paths, api = "/prod/images?limit=50", [], server.connect("api")
    while path is not None:
        api.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        page = json.loads(api.getresponse().read())
        if page["count"] == 50:
            paths.append(f"{path}\tAuthorization: Bearer {token}")
        path = f"/prod/images?limit=50&cursor={page['nextCursor']}" if "nextCursor" in page else None
    assert len(paths) == 20, len(paths)
    return lambda seconds: checked(b.load(server.ports["api"], paths, seconds, 4, "--repeat"))


def slots(b, server, tokens):
    body = b.file("slot.json", json.dumps({"fileName": "picture.jpg", "fileType": "image/jpeg"}))
    targets = [f"/prod/upload\tAuthorization: Bearer {token}" for token in tokens] or ["/prod/upload"]
    return http_rows.Side([server.process.pid], lambda seconds: checked(b.load(
        server.ports["api"], targets, seconds, 64, "--repeat", "--method", "POST", "--body", body, "--header", "Content-Type: application/json")))


def checked(result):
    if result["errors"] > 0:
        raise SystemExit(f"bench: {result['errors']} of {result['requests']} answers were not 2xx: {result['status']}")
    return result


def bench_users(b, server_of):
    """Slots of users with quotas, by tokens that were not seen before and by those that were, against slots of nobody. Each slot of another user
    writes one more page, the user's place in the index of owners."""
    for users, bars in ((1, (0.6, 0.8)), (100, (0, 0))):
        keys, tokens = make_tokens(b, TOKENS, users)
        known, open_to_all = server_of(b.work / f"users-{users}", *flags_of(keys, tokens[0]), *QUOTAS), server_of(b.work / f"nobody-{users}")
        rounds = http_rows.rounds_of(b, slots(b, open_to_all, []), slots(b, known, tokens), slots(b, known, tokens[:users]))
        for i, (what, bar) in enumerate(zip(("not seen before", "seen before"), bars), 1):
            ratio, figures = http_rows.against(rounds, i, 0)
            b.row(f"POST /upload with tokens {what} and quotas, {users} user{'s' * (users > 1)}, against the same without", f">= {bar}" if bar else "(none)",
                  f"{ratio[0]:.2f}", ratio[0] >= bar,
                  f"{figures[0][0]:.0f}/s against {figures[0][1]:.0f}/s; per processor second {ratio[1]:.2f}, {figures[1][0]:.0f} against {figures[1][1]:.0f} slots")
        for server in (known, open_to_all):
            server.stop()
