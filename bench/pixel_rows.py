"""The rows of `make bench` about pictures: thumbnails through HTTP against a loop of libvips in C (one process a core) and sharp
behind Node's http, their quality, the decode check, uploads with it, the memory and the start of tintype-render, and delivery
links against nginx. The pictures are drawn by bench/photo.c and encoded by cjpeg."""
import json
import os
import pathlib
import statistics
import subprocess
import time
import urllib.parse

import http_rows

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/bench/bench"
NODE = ROOT / "build/node/node_modules/.bin/node"
RENDERER = ROOT / "build/tintype-render"
CORES = len(os.sched_getaffinity(0))
PHOTOS = 4
WITHOUT_THUMBNAILS = ("--thumbnail-at-upload", "none")
PRESET = "medium"   # within 512 x 512


def encoded(b, name, pixels, *command):
    """The output of an encoder that reads the PPM `pixels`; made once."""
    path = b.work / name
    if not path.exists():
        with path.open("wb") as to:
            subprocess.run(command, input=pixels(), stdout=to, stderr=subprocess.DEVNULL, check=True)
    return path


def drawn(width, height, seed):
    return lambda: subprocess.run([BIN / "photo", str(width), str(height), str(seed)], stdout=subprocess.PIPE, check=True).stdout


def large_photos(b):
    """12 megapixels, about 2.5 MB each."""
    return [encoded(b, f"large-{i}.jpg", drawn(4000, 3000, i), "cjpeg", "-quality", "85") for i in range(PHOTOS)]


def small_photos(b):
    """1280 x 960, about 200 KB each."""
    return [encoded(b, f"small-{i}.jpg", drawn(1280, 960, i), "cjpeg", "-quality", "76") for i in range(PHOTOS)]


def json_of(*command):
    return json.loads(subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, check=True).stdout)


class Loops:
    """A measured loop of libvips in each of `processes` at once."""

    def __init__(self, job, files, processes=CORES):
        self.job, self.files, self.processes = job, files, processes

    def measure(self, seconds):
        running = [subprocess.Popen([BIN / "vips_loop", self.job, str(seconds), *self.files], stdout=subprocess.PIPE) for _ in range(self.processes)]
        done = [json.loads(process.communicate()[0]) for process in running]
        return sum(one["pictures"] / one["seconds"] for one in done), sum(one["pictures"] for one in done) / sum(one["cpu"] for one in done)


class Tree(http_rows.Side):
    """A server whose children count too, those that have ended as well."""

    def measure(self, seconds):
        before = tree_processor_s(self.pids[0])
        result = self.run(seconds)
        return result["rate"], result["requests"] / (tree_processor_s(self.pids[0]) - before)


def tree_processor_s(pid):
    after_name = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ended = (int(after_name[13]) + int(after_name[14])) / os.sysconf("SC_CLK_TCK")
    live = [child for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for child in map(int, (task / "children").read_text().split())]
    return ended + http_rows.processor_s([pid, *live])


class Sharp:
    def __init__(self, files):
        self.process = subprocess.Popen([str(NODE) if NODE.exists() else "node", "sharp_server.mjs", *files], cwd=ROOT / "bench/peers", stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def side(self, b):
        return http_rows.Side([self.process.pid], load(b, self.port, [f"/{i}" for i in range(PHOTOS)], 2 * CORES))

    def stop(self):
        self.process.kill()
        self.process.wait()


def load(b, port, targets, connections, *more):
    def run(seconds):
        result = b.load(port, targets, seconds, connections, *more or ["--repeat"])
        if result["errors"] > 0:
            raise SystemExit(f"bench: {result['errors']} of {result['requests']} answers were not 2xx: {result['status']}")
        return result
    return run


def upload_all(server, files, n):
    """n images of these files in turn: their records."""
    bodies, images = [file.read_bytes() for file in files], server.slots(n)
    for i, (_, target) in enumerate(images):
        server.put(target, bodies[i % len(bodies)])
    return [server.get_json(f"/prod/images/{image}") for image, _ in images]


def path_of(link):
    return urllib.parse.urlsplit(link).path


def fetch(server, path):
    storage = server.connect("storage")
    storage.request("GET", path)
    answer = storage.getresponse()
    assert answer.status == 200, answer.status
    return answer.read()


def in_words(figures):
    rate, each = figures
    return f"{rate[0]:.1f}/s against {rate[1]:.1f}/s; processor time each {1e3 / each[0]:.2f} ms against {1e3 / each[1]:.2f} ms"


def bench_thumbs(b, server_of):
    """Thumbnails that are made for each request: there is so little space for them that none is left when it is requested again."""
    for what, files, bars in (("12-megapixel JPEG", large_photos(b), (1.9, 1.35)), ("JPEG of 200 KB", small_photos(b), (1.7, 1.7))):
        server = server_of(b.work / f"thumbs-{files[0].stem}", *WITHOUT_THUMBNAILS, "--thumbnail-space", "200000")
        links = [path_of(record["links"][PRESET]["webp"]) for record in upload_all(server, files, 64)]
        sharp = Sharp(files)
        ours = Tree([server.process.pid], load(b, server.ports["storage"], links, 2 * CORES))
        rounds = http_rows.rounds_of(b, ours, Loops("thumb", files), sharp.side(b))
        for i, (peer, bar) in enumerate(zip(("libvips", "sharp"), bars), 1):
            ratio, figures = http_rows.against(rounds, 0, i)
            b.row(f"{what} to 512 px WebP through HTTP, all cores, against {peer}", f">= {bar}", f"{ratio[0]:.2f}", ratio[0] >= bar, in_words(figures))
        sharp.stop()
        if "12" in what:
            rows_of_quality(b, server, files, links)
        server.stop()


def rows_of_quality(b, server, files, links):
    """The same thumbnails against libvips': how near they are to an exact reduction, and their size. The worst picture counts."""
    below, larger = [], []
    for i, file in enumerate(files):
        ours, theirs = b.file(f"ours-{i}.webp", fetch(server, links[i])), b.work / f"theirs-{i}.webp"
        subprocess.run([BIN / "vips_loop", "once", "512", file, theirs], check=True)
        a, c = json_of(BIN / "vips_loop", "psnr", file, ours, theirs)
        below.append((c - a, a, c))
        larger.append(ours.stat().st_size / theirs.stat().st_size)
    b.row("PSNR-Y of these thumbnails below that of libvips'", "<= 0.75 dB", f"{max(below)[0]:.2f} dB", max(below)[0] <= 0.75,
          "the worst of " + ", ".join(f"{a:.2f} against {c:.2f}" for _, a, c in below))
    b.row("bytes of these thumbnails, against libvips'", "<= 1.05", f"{max(larger):.3f}", max(larger) <= 1.05, "the worst of " + ", ".join(f"{one:.3f}" for one in larger))


def bench_check(b):
    """The decode check alone: processor time of tintype-render and of the process that gives it the picture. The least of each picture
    counts, since what a shared machine adds differs from one to the next."""
    files = small_photos(b)
    pairs = [[json_of(BIN / program, *words, b.round_s / 2, *files)["least"] for program, *words in (("render_loop", RENDERER, "check"), ("vips_loop", "decode"))]
             for _ in range(b.rounds)]
    ratio = statistics.median(theirs / ours for ours, theirs in pairs)
    ours, theirs = (1e3 * statistics.median(column) for column in zip(*pairs))
    b.row("decode check of a JPEG of 200 KB, processor time, against a libvips decode", ">= 3", f"{ratio:.2f}", ratio >= 3, f"{ours:.2f} ms against {theirs:.2f} ms")


def with_metadata(b, file):
    """The photo as a camera writes it: with EXIF and a position, so that there is something to remove."""
    path = b.work / f"camera-{file.name}"
    if not path.exists():
        subprocess.run(["exiftool", "-q", "-Make=Example", "-Model=Camera 1", "-Orientation#=1", "-GPSLatitude=46.5", "-GPSLatitudeRef=N", "-GPSLongitude=7.25",
                        "-GPSLongitudeRef=E", "-UserComment=" + "x" * 8000, "-o", path, file], check=True)
    return path


class Uploads(Tree):
    """Slots are requested before the processor time counts."""

    def __init__(self, b, server, file):
        self.b, self.server, self.file = b, server, file

    def measure(self, seconds):
        targets = ["/" + target for _, target in self.server.slots(int(seconds * 1800))]
        run = load(self.b, self.server.ports["storage"], targets, 16, "--method", "PUT", "--body", self.file, "--header", "Content-Type: image/jpeg")
        return Tree([self.server.process.pid], run).measure(seconds)


def bench_uploads(b, server_of):
    """Durable uploads of 200 KB with check and strip."""
    file = with_metadata(b, small_photos(b)[0])
    checked, plain = server_of(b.work / "checked", *WITHOUT_THUMBNAILS), server_of(b.work / "plain", "--verify", "header", "--no-strip")
    default = server_of(b.work / "default")
    rounds = http_rows.rounds_of(b, Uploads(b, checked, file), Loops("decode", [file]), Uploads(b, plain, file), Uploads(b, default, file))
    ratio, figures = http_rows.against(rounds, 0, 1)
    b.row("durable uploads of 200 KB with check and strip, against a libvips decode loop on all cores", ">= 1.7", f"{ratio[0]:.2f}", ratio[0] >= 1.7, in_words(figures))
    ratio, figures = http_rows.against(rounds, 0, 2)
    more = 1e3 / figures[1][0] - 1e3 / figures[1][1]
    b.row("durable uploads of 200 KB with check and strip, against the same without both", "(none)", f"{ratio[0]:.2f}", True, in_words(figures))
    b.row("processor time that check and strip add to an upload of 200 KB", "< 3.5 ms", f"{more:.2f} ms", more < 3.5, in_words(figures))
    ratio, figures = http_rows.against(rounds, 3, 1)
    b.row("the same with the thumbnail of 160 px that is made by default, against the libvips loop", "(none)", f"{ratio[0]:.2f}", True, in_words(figures))
    for server in (checked, plain, default):
        server.stop()


def fifty_megapixels(b):
    """8192 x 6144 in each way that keeps the pixels while it is decoded."""
    pixels = b.work / "fifty.ppm"
    if not pixels.exists():
        pixels.write_bytes(drawn(8192, 6144, 9)())
    gray = encoded(b, "fifty.pgm", pixels.read_bytes, "ppmtopgm")
    make = lambda name, source, *command: encoded(b, name, source.read_bytes, *command)
    return {"baseline": make("fifty.jpg", pixels, "cjpeg", "-quality", "60"), "progressive": make("fifty-p.jpg", pixels, "cjpeg", "-quality", "40", "-progressive"),
            "progressive 4:4:4": make("fifty-p444.jpg", pixels, "cjpeg", "-quality", "40", "-progressive", "-sample", "1x1"),
            "interlaced PNG": make("fifty.png", pixels, "pnmtopng", "-interlace", "-compression", "1"), "GIF": make("fifty.gif", gray, "ppmtogif", "-quiet"),
            "lossless WebP": make("fifty.webp", pixels, "cwebp", "-quiet", "-lossless", "-z", "0", "-o", "-", "--", "-")}


def bench_workers(b):
    """The memory of tintype-render, and how long it takes from exec to the first thumbnail."""
    large = large_photos(b)[0]
    kinds = fifty_megapixels(b)
    idle, twelve, fifty = json_of(BIN / "render_loop", RENDERER, "memory", large, kinds["baseline"])
    for what, (resident, most, _), bar in (("idle", idle, 3), ("after 12 megapixels", twelve, 10), ("after 50 megapixels, baseline", fifty, 16)):
        b.row(f"tintype-render, {what}: RSS", f"<= {bar} MB", f"{resident / 1024:.1f} MB", resident <= bar * 1024, f"at most {most / 1024:.1f} MB so far")
    most = {kind: json_of(BIN / "render_loop", RENDERER, "memory", file)[1] for kind, file in kinds.items()}
    worst = max(kb for _, kb, _ in most.values())
    b.row("tintype-render, 50 megapixels of every kind: the largest RSS", "<= 384 MB", f"{worst / 1024:.0f} MB", worst <= 384 << 10,
          ", ".join(f"{kind} {kb / 1024:.0f} MB{' refused' if code else ''}" for kind, (_, kb, code) in most.items()))
    start = encoded(b, "start.jpg", drawn(640, 480, 5), "cjpeg", "-quality", "90")
    ours, vips, node = [], [], []
    for _ in range(4 * b.rounds):
        ours.append(json_of(BIN / "render_loop", RENDERER, "once", "320", 5, start))
        vips.append(milliseconds_of(BIN / "vips_loop", "once", "320", start, b.work / "start.webp"))
        node.append(milliseconds_of(str(NODE) if NODE.exists() else "node", ROOT / "bench/peers/sharp_server.mjs", "--once", "320", start))
    ours, vips, node = map(statistics.median, (ours, vips, node))
    for peer, ms, bar in (("libvips in C", vips, 8), ("Node with sharp", node, 30)):
        b.row(f"tintype-render, exec to first thumbnail, against {peer}", f">= {bar}", f"{ms / ours:.1f}", ms >= bar * ours, f"{ours:.1f} ms against {ms:.0f} ms")


def milliseconds_of(*command):
    """From the start of a program to its end."""
    words = list(map(str, command))
    begun = time.monotonic()
    _, status = os.waitpid(os.posix_spawnp(words[0], words, os.environ), 0)
    assert status == 0, words
    return 1e3 * (time.monotonic() - begun)


def bench_links(b, server_of, free_port):
    """A thumbnail that is there already, and an original, by delivery link, against nginx that serves the same files."""
    file = small_photos(b)[0]
    server = server_of(b.work / "links")
    record, = upload_all(server, [file], 1)
    thumbnail, original = path_of(record["links"][PRESET]["webp"]), path_of(record["links"]["original"])
    nginx = http_rows.Nginx(b, free_port, {"thumbnail.webp": fetch(server, thumbnail), "a.jpg": fetch(server, original)})
    for what, link, path in (("thumbnail already made", thumbnail, "/thumbnail.webp"), ("delivery link of 200 KB", original, "/a.jpg")):
        sides = (http_rows.Side(pids, http_rows.load(b, port, target, 16)) for pids, port, target in (([server.process.pid], server.ports["storage"], link), (nginx.pids(), nginx.port, path)))
        ratio, figures = http_rows.compare(b, *sides)
        http_rows.row(b, f"{what}, 16 connections, per processor second, against nginx", 0.9, ratio[1], figures[1], "requests")
    server.stop()
    nginx.stop()
