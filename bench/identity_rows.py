"""The rows of `make bench` about tokens: verification against OpenSSL's own figure for the arithmetic in it."""
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
