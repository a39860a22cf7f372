"""The statements of the AWS documents about the code: quoted messages, parameters, suites, links, names."""
import re
import unittest

from tap import ROOT, main, template

PAGES = {p: (ROOT / "doc" / f"{p}.md").read_text() for p in ("deploy", "troubleshooting", "scale", "acceptance")}


def source():
    files = [*(ROOT / "src").rglob("*.[ch]"), *(ROOT / "src").rglob("*.def"), *(ROOT / "deploy").iterdir()]
    return "\n".join(f.read_text() for f in files)


def anchors(text):
    return {re.sub(r"[^\w -]", "", h.lower()).strip().replace(" ", "-") for h in re.findall(r"^#+ (.+)$", text, re.M)}


class Documents(unittest.TestCase):
    def test_quoted_messages_are_in_the_source(self):
        page = PAGES["troubleshooting"]
        quoted = re.findall(r"```message\n(.*?)\n```", page, re.S) + re.findall(r"^\| `([^`]+)` \|", page, re.M)
        self.assertGreaterEqual(len(quoted), 14)
        code = source()
        for message in quoted:
            for part in message.split("…"):
                with self.subTest(message):
                    self.assertIn(part.strip(" "), code)

    def test_each_required_failure_has_its_section(self):
        sections = re.split(r"^## ", PAGES["troubleshooting"], flags=re.M)[1:]
        by_name = {s.split("\n")[0]: s for s in sections}
        for name in ("AccessDenied from S3", "AccessDenied from DynamoDB", "CORS error in the browser", "Lambda timeout", "Expired URL", "502"):
            self.assertIn("You see", by_name[name], name)
            for word in ("**Cause.**", "**Check.**", "**Fix.**"):
                self.assertIn(word, by_name[name], name)

    def test_named_parameters_exist(self):
        t = template()
        known = set(t["Parameters"]) | {"Budget"}   # deploy.sh's own
        for page, text in PAGES.items():
            for name in re.findall(r"\b([A-Z][A-Za-z]+)=(?=[\w*h])", re.sub(r"(Name|Value|OutputKey|ARCH)=\S+", "", text)):
                self.assertIn(name, known, page)
        for row in re.findall(r"^\| ((?:`[A-Z]\w+`(?:, )?)+) \|", PAGES["deploy"], re.M):
            self.assertLessEqual(set(re.findall(r"`(\w+)`", row)), known)

    def test_documented_defaults_are_those_of_the_template(self):
        parameters = template()["Parameters"]
        for name, told in re.findall(r"^\| `([A-Z]\w+)` \| `([^`]+)` \|", PAGES["deploy"], re.M):
            self.assertEqual(str(parameters[name]["Default"]), told, name)

    def test_named_suites_exist(self):
        known = {p.parent.name for p in (ROOT / "test").glob("*/meson.build")} | {p.stem for p in (ROOT / "test/blackbox").glob("*_test.mjs")} | {"deploy"}
        named = {n for text in PAGES.values() for call in re.findall(r"`tools/run-tests ([\w ]+)`", text) for n in call.split()}
        self.assertTrue(named)
        self.assertLessEqual(named, known)

    def test_links_have_a_target(self):
        for page, text in PAGES.items():
            for target in re.findall(r"\]\(([^)]+)\)", text):
                if target.startswith("http"):
                    continue
                file, _, anchor = target.partition("#")
                path = ROOT / "doc" / (file or f"{page}.md")
                self.assertTrue(path.exists(), f"{page}: {target}")
                if anchor:
                    self.assertIn(anchor, anchors(path.read_text()), f"{page}: {target}")

    def test_types_that_the_emulator_only_writes_down_are_listed(self):
        made = set(re.findall(r"^\t'(\w+::\w+)': \{\n", (ROOT / "test/cloud/resources.mjs").read_text(), re.M))
        types = {r["Type"].removeprefix("AWS::") for r in template()["Resources"].values()}
        self.assertLessEqual({"S3::Bucket", "DynamoDB::Table", "IAM::Role"}, made)
        self.assertEqual(re.findall(r"^- `AWS::([\w:]+)`$", PAGES["acceptance"], re.M), sorted(types - made))

    def test_every_criterion_has_a_command_or_names_its_requirement(self):
        rows = re.findall(r"^\| (?!asked|---|\*\*(?!Screenshots))([^|]+) \| ([^|]*) \| ([^|]*) \|$", PAGES["acceptance"], re.M)
        self.assertGreaterEqual(len(rows), 23)
        for what, how, notes in rows:
            self.assertTrue("`" in how or "needs an AWS account" in how or "[" in how or "Differs" in notes, what)


if __name__ == "__main__":
    main()
