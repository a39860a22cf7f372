"""deploy/first-hour.sh against stand-ins for the AWS CLI, curl and the other scripts: each check passes once and fails once. What the
checks are about, AWS itself, is not tested here."""
import json
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

from tap import ROOT, main, run, template

ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/tintype-hour/1"
# Program, part of its arguments, what it prints, what a body is: the first row that fits.
GOOD = [
    ["aws", "--version", "aws-cli/2.9.19"],
    ["aws", "StackId", ID], ["aws", "OutputKey=='InvokeUrl'", "https://api.example/prod"], ["aws", "OutputKey=='BucketName'", "images"],
    ["aws", "OutputKey=='PageUrl'", "https://page.example"], ["aws", "OutputKey=='SignInUrl'", "https://sign-in.example"],
    ["aws", "ssm get-parameter", "the.secret"], ["aws", "initiate-auth", "the.secret"],
    ["aws", "OutputKey", "id"], ["aws", "get-caller-identity", "123456789012"], ["aws", "get-api-key", "the.secret"],
    ["aws", "TableStatus", "ACTIVE"], ["aws", "TableArn", "arn:table"], ["aws", "list-tags-of-resource", ID], ["aws", "get-bucket-tagging", ID], ["aws", "get-function", ID],
    ["aws", "describe-subscribers", "hour+a@example.org"], ["aws", "throttlingRateLimit", "new\t11.0"], ["aws", "deploymentId", "old"],
    ["aws", "get-bucket-versioning", "Enabled"], ["aws", "--state-value ALARM --query", "1\t2\t3\t4\t5\t6\t7\t8"], ["aws", "describe-alarms", "1\t2\t3\t4\t5\t6\t7\t8"],
    ["aws", "filter-log-events", '{"client":"198.51.100.7"}'], ["aws", "list-stack-resources", "CREATE_FAILED\tTintypeHour"], ["aws", "", ""],
    ["deploy.sh", "Versioning=off", "Versioning cannot be turned off"], ["deploy.sh", "", "The API is at https://api.example/prod"],
    ["smoke.sh", "", "Everything works."], ["destroy.sh", "", "Nothing of the stack 'tintype-hour' is left in us-east-1"],
    ["curl", "-X PATCH", "200", '{"links":{"original":"https://page.example/public/1/original"}}'], ["curl", "-X DELETE https://page.example", "204"],
    ["curl", "page.example/prod/images/1", "200", '{"status":"uploaded","links":{"original":"https://page.example/images/1.png?Signature=a"}}'],
    ["curl", "/images/1.png?Signature", "200"], ["curl", "/images/1.png", "403"], ["curl", "?deleted", "403"],
    ["curl", "/token https", "200"], ["curl", "/me", "401"],
    ["curl", "-X DELETE", "403", '{"code":"key_needed"}'], ["curl", "/upload", "200", '{"imageId":"1","uploadUrl":"https://s3.example/1"}'],
    ["curl", "/images/1", "200", '{"status":"rejected"}'], ["curl", "", "200"],
]
# Check -> the row that takes the place of one, so that it fails, and what the check then says it saw.
BAD = {
    "deploy": (["smoke.sh", "", "a slot (POST /upload): got 500, expected 200"], "a slot (POST /upload): got 500, expected 200"),
    "tags": (["aws", "list-tags-of-resource", "None"], "None"),
    "late_url": (["curl", "/upload", "500", "{}"], "500"),
    "gateway": (["curl", "-X DELETE", "403", '{"message":"Forbidden"}'], '{"message":"Forbidden"}'),
    "budget": (["aws", "describe-subscribers", "a@example.org"], "a@example.org"),
    "deployment": (["aws", "throttlingRateLimit", "old\t11.0"], "the same, old 11.0"),
    "large": (["curl", "/images/1", "200", '{"status":"uploaded"}'], "uploaded"),
    "versions": (["deploy.sh", "Versioning=off", "To remove it:"], "To remove it:"),
    "alarms": (["aws", "--state-value ALARM --query", "1\t2"], "1 2"),
    "burst": (["curl", "/upload", "502", "{}"], " 30 502 "),
    "taken": (["aws", "TableStatus", "ResourceNotFoundException"], "ResourceNotFoundException"),
    "late_put": (["curl", "-T", "403"], "403"),
    "kept": (["aws", "TableStatus", "ResourceNotFoundException"], "ResourceNotFoundException"),
    "cdn": (["curl", "/images/1.png", "200"], "200"),
    "sign_in": (["curl", "/token https", "401"], "401"),
    "destroy": (["destroy.sh", "", "These are left:"], "0"),
}
STAND_IN = f"""#!{sys.executable}
import json, pathlib, sys
name, arguments = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
rows = json.loads((pathlib.Path(sys.argv[0]).resolve().parents[1] / "rows.json").read_text())
printed, body = next((row[2:] + [""])[:2] for row in rows if row[0] == name and row[1] in " ".join(arguments))
for option, text in (("-o", body), ("-D", "Access-Control-Allow-Origin: *\\nContent-Security-Policy: default-src\\nx-amzn-RequestId: 1")):
    if name == "curl" and option in arguments:
        pathlib.Path(arguments[arguments.index(option) + 1]).write_text(text)
print(printed, end="" if name == "curl" and "-o" in arguments and "/dev/null" not in arguments else "\\n")
"""


class FirstHour(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="tintype-hour-"))
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copytree(ROOT / "deploy", self.root / "deploy")
        (self.root / "bin").mkdir()
        for name in ("bin/aws", "bin/curl", "deploy/deploy.sh", "deploy/destroy.sh", "deploy/smoke.sh"):
            (self.root / name).write_text(STAND_IN)
            (self.root / name).chmod(0o755)

    def hour(self, rows, *arguments):
        (self.root / "rows.json").write_text(json.dumps(rows))
        env = {**os.environ, "PATH": f"{self.root}/bin:{os.environ['PATH']}", "TINTYPE_POLL_S": "0", "TINTYPE_LATE_S": "0"}
        return run(["bash", self.root / "deploy/first-hour.sh", "--region", "us-east-1", "--mail", "a@example.org", *arguments], env)

    def test_all_checks_pass_and_the_first_line_says_that_it_is_untried(self):
        (self.root / "first-hour").mkdir()
        done = self.hour(GOOD)
        self.assertEqual(done.stdout.splitlines()[0], "This script has never run on a real AWS account. Please report what it finds.")
        failed = [line for line in done.stdout.split("\n") if "NOT AS EXPECTED" in line]
        self.assertEqual((len(failed), done.stderr), (1, ""), done.stdout)   # of `kept`: this deploy.sh refuses nothing
        self.assertRegex(done.stdout, r"\n3\d as expected, 1 not\.")
        self.assertNotIn("the.secret", "".join(f.read_text() for f in (self.root / "first-hour").iterdir()) + done.stdout)

    def test_each_check_passes_and_fails(self):
        listed = self.hour(GOOD, "--list").stdout.split()
        self.assertEqual(set(listed), set(BAD))
        (self.root / "first-hour").mkdir()
        (self.root / "first-hour/late.url").write_text("https://s3.example/1")
        (self.root / "first-hour/late.time").write_text("0")
        # The import of `kept` begins with a refusal, which this deploy.sh gives to a call without a mail address.
        refusal = [["deploy.sh", "AlarmEmail=", "The API is at https://api.example/prod"], ["deploy.sh", "", "  aws import\nnothing was created: the names are taken by what an earlier stack left"]]
        for check, (row, seen) in BAD.items():
            rows = refusal + GOOD if check == "kept" else GOOD
            with self.subTest(check):
                done = self.hour(rows, "--only", check)
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                done = self.hour([row, *rows], "--only", check)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(f"    seen:     {seen}\n    NOT AS EXPECTED", done.stdout)

    def test_what_it_expects_of_the_template_is_there(self):
        stack = template()
        codes = "".join(p["Properties"]["ResponseTemplates"]["application/json"] for p in stack["Resources"].values() if p["Type"] == "AWS::ApiGateway::GatewayResponse")
        self.assertIn('"code":"key_needed"', codes)
        self.assertLessEqual({"TableName", "FunctionPrefix", "ApiName", "UrlTtl", "Versioning", "ThrottleRate", "AlarmEmail"}, set(stack["Parameters"]))
        self.assertLessEqual({"InvokeUrl", "ApiKeyId", "BucketName", "ApiId", "AlarmTopicArn", "PageUrl", "SignInUrl", "UserPoolId", "UserPoolClientId"}, set(stack["Outputs"]))

    def test_arguments(self):
        self.assertIn("there is no check 'nothing'", self.hour(GOOD, "--only", "nothing").stderr)
        done = run(["bash", self.root / "deploy/first-hour.sh", "--region", "us-east-1"])
        self.assertIn("--mail is missing", done.stderr)


if __name__ == "__main__":
    main()
