"""Common mistakes and the scripts' messages for them; and the smoke test, against the
server of this repository, which has the same API. A stand-in for the AWS CLI gives AWS's responses for an
account with problems."""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from tap import ROOT, main, run
from fixture import ACCOUNT, KEEP, REGION, Fixture, make_zip


def setUpModule():
    global fixture
    fixture = Fixture()
    unittest.addModuleCleanup(fixture.close)


class Refusals(unittest.TestCase):
    """Each common mistake ends in a message that says what to do."""

    def refused(self, words, name, *arguments, drop=(), **env):
        environment = {k: v for k, v in {**fixture.env, **env}.items() if k not in drop}
        done = run(["/bin/bash", f"deploy/{name}.sh", *arguments], environment)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1 + done.stderr.startswith("The first failure"), done.stderr)

    def stand_in(self, answers):
        """An `aws` with a canned response for each of the given commands, which refuses all others."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=fixture.dir))
        cases = "".join(f"*{words!r}*) {does} ;;\n" for words, does in answers)
        (folder / "aws").write_text(f'#!/bin/sh\ncase "$*" in\n--version) echo aws-cli/2.9.19 ;;\n{cases}*) echo "unexpected: $*" >&2; exit 9 ;;\nesac\n')
        (folder / "aws").chmod(0o755)
        return f"{folder}:{os.environ['PATH']}"

    def in_state(self, state):
        return self.stand_in([("get-caller-identity", f"echo {ACCOUNT}"), ("describe-stacks", f"echo {state}")])

    def test_no_aws_cli(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=fixture.dir))
        for tool in ("dirname", "mktemp", "rm", "sed", "grep", "curl"):
            (folder / tool).symlink_to(shutil.which(tool))
        for name in ("deploy", "destroy", "smoke"):
            self.refused("the AWS CLI is missing", name, "--region", REGION, PATH=str(folder))

    def test_the_package_is_built_for_the_architecture_that_is_deployed(self):
        for arch in ("x86_64", "arm64"):
            path = self.in_state("UPDATE_COMPLETE")
            made = pathlib.Path(path.split(":")[0]) / "make"
            made.write_text('#!/bin/sh\necho "make $*" >&2\nexit 9\n')
            made.chmod(0o755)
            done = run(["/bin/bash", "deploy/deploy.sh", "--region", REGION, "--arch", arch], {**fixture.env, "PATH": path})
            self.assertEqual((done.returncode, done.stdout, done.stderr), (9, f"Building for {arch} ...\n", f"make lambda ARCH={arch}\n"))

    def test_an_update_keeps_the_architecture_of_the_stack(self):
        path = self.stand_in([("get-caller-identity", f"echo {ACCOUNT}"), ("Parameters[]", r"printf 'Architecture\tarm64\n'"), ("describe-stacks", "echo UPDATE_COMPLETE")])
        self.refused(f"{fixture.zip} is for x86_64, and the stack is to have arm64: give --arch x86_64, or another package", "deploy", "--region", REGION, "--zip", fixture.zip, PATH=path)

    def test_packages_that_are_not_what_they_should_be(self):
        path = self.in_state("UPDATE_COMPLETE")
        other = pathlib.Path(tempfile.mkdtemp(dir=fixture.dir)) / "other.zip"
        arguments = ("deploy", "--region", REGION, "--zip", other)
        self.refused(f"there is no package at {other}", *arguments, PATH=path)
        make_zip(other, "arm64")
        self.refused(f"{other} is for arm64", *arguments, PATH=path)
        self.refused("get it again, from where you trust", *arguments, "--arch", "arm64", "--sha256", "0" * 64, PATH=path)
        sums = other.with_name("SHA256SUMS")
        sums.write_text("0" * 64 + "  other.zip\n")
        self.refused("get it again, from where you trust", *arguments, "--arch", "arm64", PATH=path)
        sums.unlink()
        other.write_text("no zip")
        self.refused("it has no program 'bootstrap' for Linux", *arguments, PATH=path)

    def test_a_package_that_is_here_is_taken_where_none_can_be_built_if_its_checksum_is_right(self):
        # A copy of the scripts, and a PATH without apt-get.
        root = pathlib.Path(tempfile.mkdtemp(dir=fixture.dir))
        shutil.copytree(ROOT / "deploy", root / "deploy")
        folder = pathlib.Path(self.in_state("UPDATE_COMPLETE").split(":")[0])
        for tool in ("awk", "basename", "cut", "dirname", "grep", "head", "mktemp", "od", "openssl", "rm", "sed", "sh", "tail", "tr", "unzip", "wc"):
            if not (folder / tool).exists():
                (folder / tool).symlink_to(shutil.which(tool))

        def deploy():
            done = run(["/bin/bash", root / "deploy/deploy.sh", "--region", REGION], {**fixture.env, "PATH": str(folder)})
            self.assertEqual(done.returncode, 1)
            return done.stdout + done.stderr
        shutil.copy(ROOT / "meson.build", root)
        version = re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text()).group(1)
        package, sums = root / f"tintype-{version}-lambda-x86_64.zip", root / "SHA256SUMS"
        wanted = f"put {package.name} and SHA256SUMS of the release here"
        self.assertIn(wanted, deploy())
        make_zip(package)
        self.assertIn(wanted, deploy())
        sums.write_text("0" * 64 + "  another.zip\n")
        self.assertIn(wanted, deploy())
        sums.write_text("0" * 64 + f"  {package.name}\n")
        self.assertIn("get it again, from where you trust", deploy())
        sums.write_text(f"{hashlib.sha256(package.read_bytes()).hexdigest()}  {package.name}\n")
        said = deploy()
        self.assertIn(f"Taking the package {package.name}\n", said)
        self.assertIn("unexpected: ", said)   # the next call of AWS, which this stand-in does not answer

    def test_an_aws_cli_of_version_1(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=fixture.dir))
        (folder / "aws").write_text("#!/bin/sh\necho aws-cli/1.45.11 Python/3.11.7\n")
        (folder / "aws").chmod(0o755)
        self.refused("version 2 of the AWS CLI is needed (doc/deploy.md, section 2), and 'aws' is aws-cli/1.45.11", "deploy", "--region", REGION, PATH=f"{folder}:{os.environ['PATH']}")

    def test_regions_with_domains_of_their_own(self):
        for name in ("eusc-de-east-1", "us-iso-east-1"):
            self.refused("has domains and certificates of its own", "deploy", "--region", name)

    def test_a_budget_without_an_address(self):
        self.refused("Budget=on needs an address: AlarmEmail=...", "deploy", "--region", REGION, "Budget=on", PATH=self.in_state("UPDATE_COMPLETE"))
        self.refused("Budget is on or off, not 'yes'", "deploy", "Budget=yes")

    def test_no_region(self):
        self.refused("no region is set", "deploy")

    def test_region_misspelt(self):
        self.refused("'frankfurt' is not a region", "deploy", "--region", "frankfurt")

    def test_no_credentials(self):
        self.refused("no AWS credentials were found. Run: aws configure", "deploy", "--region", REGION,
                     drop=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), AWS_EC2_METADATA_DISABLED="true")

    def test_credentials_that_are_unknown_or_expired(self):
        for code, words in (("InvalidClientTokenId", "AWS does not know these credentials"), ("ExpiredToken", "the AWS credentials have expired"),
                            ("AccessDenied", "the AWS user may not do this: sts get-caller-identity")):
            path = self.stand_in([("get-caller-identity", f"echo 'An error occurred ({code}) when calling' >&2; exit 254")])
            self.refused(words, "deploy", "--region", REGION, PATH=path)

    def test_region_that_does_not_answer(self):
        self.refused(f"AWS does not answer in the region '{REGION}'", "deploy", "--region", REGION,
                     AWS_ENDPOINT_URL="http://127.0.0.1:1")

    def test_parameter_unknown_or_reserved(self):
        self.refused("there is no parameter 'Colour'; there are: Profile ", "deploy", "--region", REGION, "Colour=red")
        self.refused("CodeKey is set by this script", "deploy", "--region", REGION, "CodeKey=x")

    def test_argument_unknown(self):
        for name in ("deploy", "destroy", "smoke"):
            self.refused("unknown argument '--fast'", name, "--fast")

    def test_stack_name_invalid(self):
        self.refused("cannot be the name of a stack", "deploy", "--stack", "My_Stack", "--region", REGION)

    def test_stack_after_a_failed_creation(self):
        for state in ("ROLLBACK_COMPLETE", "DELETE_FAILED", "REVIEW_IN_PROGRESS"):
            self.refused(f"is in the state {state}: creating or deleting it failed, and it cannot be updated. Remove it with: deploy/destroy.sh --stack tintype --region {REGION}",
                         "deploy", "--region", REGION, PATH=self.in_state(state))

    def test_stack_in_other_states(self):
        self.refused("aws cloudformation continue-update-rollback", "deploy", "--region", REGION, PATH=self.in_state("UPDATE_ROLLBACK_FAILED"))
        self.refused("another operation is in progress", "deploy", "--region", REGION, PATH=self.in_state("UPDATE_IN_PROGRESS"))
        self.refused("wait until it has finished", "destroy", "--region", REGION, PATH=self.in_state("CREATE_IN_PROGRESS"))

    def test_bucket_name_of_another_account(self):
        path = self.stand_in([("get-caller-identity", f"echo {ACCOUNT}"), ("describe-stacks", "echo 'Stack with id tintype does not exist' >&2; exit 254"),
                              ("head-bucket", "echo 'An error occurred (403) when calling the HeadBucket operation: Forbidden' >&2; exit 254")])
        self.refused("belongs to another account: names are shared by all of AWS. Give another one: BucketName=...", "deploy", "--region", REGION, PATH=path)

    def test_an_aws_cli_that_is_too_old_for_a_protected_table(self):
        path = self.stand_in([
            ("get-caller-identity", f"echo {ACCOUNT}"), ("describe-stacks", r"printf 'CREATE_COMPLETE\tstack-1\n'"), ("list-stack-resources", r"printf 'AWS::DynamoDB::Table\tT\n'"),
            ("list-tags-of-resource", "echo stack-1"), ("ssm get-parameter", "echo ParameterNotFound >&2; exit 254"), ("describe-table", "echo 1"), ("delete-table", "echo 'ValidationException: Resource cannot be deleted as it is currently protected against deletion' >&2; exit 254"),
            ("update-table", "echo 'Unknown options: --no-deletion-protection-enabled' >&2; exit 252")])
        self.refused("this AWS CLI is too old for: aws dynamodb update-table --table-name T --no-deletion-protection-enabled. Install a newer version", "destroy", "--region", REGION, "--yes", PATH=path)

    def test_creation_that_fails_names_the_first_cause(self):
        # The stack is not there at first, and in ROLLBACK_COMPLETE once it was asked for.
        flag = fixture.dir / "asked"
        path = self.stand_in([
            ("get-caller-identity", f"echo {ACCOUNT}"),
            ("describe-stacks", f"if [ -e {flag} ]; then echo ROLLBACK_COMPLETE; else echo 'does not exist' >&2; exit 254; fi"),
            ("head-bucket", "echo '(404) Not Found' >&2; exit 254"), ("describe-table", "echo ResourceNotFoundException >&2; exit 254"), ("list-functions", "true"),
            ("describe-log-groups", "true"), ("create-bucket", "true"), ("put-", "true"), ("create-stack", f"touch {flag}"),
            ("describe-stack-events", r"printf '1\tCREATE_FAILED\tTable\tImageMetadata already exists\n2\tCREATE_FAILED\tBucket\tResource creation cancelled\n'")])
        done = run(["bash", "deploy/deploy.sh", "--region", REGION, "--zip", fixture.zip], {**fixture.env, "PATH": path})
        self.assertEqual(done.returncode, 1)
        self.assertIn("The first failure: Table: ImageMetadata already exists", done.stderr)
        self.assertIn("Remove it with: deploy/destroy.sh", done.stderr)

    def test_smoke_sends_the_administrators_key_to_a_stack_with_users_and_shows_it_nobody(self):
        path = self.stand_in([("StackStatus", "echo CREATE_COMPLETE arn:x"), ("InvokeUrl", "echo https://api.example/prod"), ("ApiKeyId", "echo None"),
                              ("AdminKeyParameter", "echo /a/key"), ("ssm get-parameter --name /a/key --with-decryption", "echo the-secret-key")])
        folder = pathlib.Path(path.split(":")[0])
        (folder / "curl").write_text(f'#!/bin/sh\necho "$*" >{folder}/arguments\nfor one; do case $one in @*) cat "${{one#@}}" >{folder}/sent ;; esac; done\nexit 7\n')
        (folder / "curl").chmod(0o755)
        done = run(["/bin/bash", "deploy/smoke.sh", "--region", REGION], {**fixture.env, "PATH": path})
        self.assertEqual((folder / "sent").read_text(), "Authorization: Bearer the-secret-key\n")
        self.assertNotIn("the-secret-key", (folder / "arguments").read_text() + done.stdout + done.stderr)


class Smoke(unittest.TestCase):
    """The smoke test against the server of this repository, which has the same API."""

    def setUp(self):
        program = pathlib.Path(os.environ.get("TINTYPE", "build/test/src/tintype"))
        self.assertTrue((ROOT / program).exists(), "TINTYPE must name the program")
        self.data = tempfile.mkdtemp(dir=fixture.dir)
        listen = [a for name in ("api", "storage", "admin") for a in (f"--{name}", "127.0.0.1:0")]
        self.server = subprocess.Popen([str(ROOT / program), "serve", "--data", f"{self.data}/data", *listen], env=KEEP, cwd=ROOT,
                                       stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        for line in self.server.stderr:
            if found := re.search(r'"event":"server.ready".*?"api":"(http://[^"]+?)/?"', line):
                self.url = found.group(1)
                break
        else:
            self.fail("the server did not start")

    def tearDown(self):
        self.server.terminate()
        self.server.stderr.read()
        self.server.wait(20)
        self.server.stderr.close()

    def test_the_complete_path_of_a_picture(self):
        url = self.url if self.url.endswith("/prod") else self.url + "/prod"
        done = fixture.script("smoke", "--url", url)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.splitlines()[-1], "Everything works.")
        for words in ("POST /upload): 200", "PUT, 67 of them): 200", "67 bytes, 1 x 1", "GET /images): 200", "/file): 302", "where that leads: 200", "refused: 415", "and gone: 404"):
            self.assertIn(words, done.stdout)

    def test_the_api_key_is_sent_to_the_api_alone(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=fixture.dir))
        url = self.url if self.url.endswith("/prod") else self.url + "/prod"
        answers = {"get-caller-identity": ACCOUNT, "InvokeUrl": url, "ApiKeyId": "key1", "describe-stacks": "CREATE_COMPLETE", "get-api-key": "the.secret", "list-stack-resources": "None"}
        (folder / "aws").write_text("#!/bin/sh\ncase \"$*\" in --version) echo aws-cli/2.9.19 ;;\n" + "".join(f"*{w}*) echo {a} ;;\n" for w, a in answers.items()) + "esac\n")
        (folder / "curl").write_text(f"#!/bin/sh\necho \"$*\" >>{folder}/log\nexec {shutil.which('curl')} \"$@\"\n")
        for tool in ("aws", "curl"):
            (folder / tool).chmod(0o755)
        done = fixture.script("smoke", "--region", REGION, "--origin", url.removesuffix("/prod"), PATH=f"{folder}:{os.environ['PATH']}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        calls = (folder / "log").read_text().splitlines()
        self.assertNotIn("the.secret", "".join(calls))
        keyed = [call for call in calls if "/key" in call]
        self.assertGreaterEqual(len(keyed), 8)
        for call in keyed:
            self.assertIn(f" {url}/", call)
            self.assertNotRegex(call, r"(^| )(-\w*L\w*|--location\S*)( |$)")

    def test_a_failure_is_reported_with_status_1(self):
        done = fixture.script("smoke", "--url", self.url.removesuffix("/prod") + "/nowhere")
        self.assertEqual(done.returncode, 1)
        self.assertIn("a slot (POST /upload): got 404, expected 200", done.stderr)


class Scripts(unittest.TestCase):
    def test_shellcheck_passes(self):
        files = ["deploy/deploy.sh", "deploy/destroy.sh", "deploy/smoke.sh"]
        done = run(["shellcheck", "-x", *files])   # with what they source
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        for file in files:
            self.assertIn("set -euo pipefail", (ROOT / file).read_text())
            self.assertTrue(os.access(ROOT / file, os.X_OK), file)

    def test_help_lists_the_arguments(self):
        for name in ("deploy", "destroy", "smoke"):
            done = fixture.script(name, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn(f"deploy/{name}.sh [--stack NAME]", done.stdout)


if __name__ == "__main__":
    main()
