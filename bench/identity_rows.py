"""The rows of `make bench` about users: the verification of tokens against OpenSSL's own figure for the arithmetic in it, the list of one
owner among many, and what quotas cost a slot."""
import json
import pathlib
import re
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/bench/bench"


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


def owner_rate(*arguments):
    return json.loads(subprocess.run([BIN / "owner_list", *map(str, arguments)], stdout=subprocess.PIPE, check=True).stdout)["rate"]


def bench_owners(b):
    """A page of 50 of one owner's 1,000 images among many of others, spread evenly, against 1,000 in all; slots with quotas against without."""
    many = 100000 if b.quick else 1000000
    few, among = b.work / "owners-1000", b.work / f"owners-{many}"
    for where, n in ((few, 1000), (among, many)):
        if not where.exists():
            subprocess.run([BIN / "seed", where, str(n), "@owners"], check=True)
    rounds = [(owner_rate("pages", few, 1), owner_rate("pages", among, 1)) for _ in range(b.rounds)]
    alone, crowded = (statistics.median(r) for r in zip(*rounds))
    b.row(f"a page of 50 of one owner's 1000 images among {many} of others, against 1000 in all: time", "<= 1.3", f"{alone / crowded:.2f}",
          alone <= 1.3 * crowded, f"{crowded:.0f} against {alone:.0f} pages a processor second, in the engine alone")
    rounds = [(owner_rate("slots", b.work / f"slots-{i}", 1), owner_rate("slots", b.work / f"owned-{i}", 1, "quota")) for i in range(b.rounds)]
    free, charged = (statistics.median(r) for r in zip(*rounds))
    b.row("slots of 100 owners with quotas, against slots of nobody", "reported", f"{charged / free:.2f}", True,
          f"{charged:.0f} against {free:.0f} slots a processor second, in the engine alone")
