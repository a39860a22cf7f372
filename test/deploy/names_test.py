"""Names that are taken, stacks that failed, stacks of other regions, and data that a deletion kept: nothing that somebody else
made is touched, and nothing is lost."""
import re
import shlex
import unittest

from tap import ROOT, main, run, template
from fixture import ACCOUNT, REGION, Fixture

BUCKET = f"tintype-images-{ACCOUNT}-{REGION}"
ROW = {"imageId": {"S": "1"}}


def setUpModule():
    global fixture
    fixture = Fixture()
    unittest.addModuleCleanup(fixture.close)


def make_table(name):
    fixture.client("dynamodb").create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "imageId", "KeyType": "HASH"}],
                                            AttributeDefinitions=[{"AttributeName": "imageId", "AttributeType": "S"}])
    fixture.client("dynamodb").put_item(TableName=name, Item=ROW)


def make_bucket(name):
    fixture.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def everything():
    """What there is in the cloud: resources, tables with their rows, buckets with their objects."""
    dynamo, s3 = fixture.client("dynamodb"), fixture.client("s3")
    tables = {name: dynamo.scan(TableName=name)["Items"] for name in dynamo.list_tables()["TableNames"]}
    buckets = {b["Name"]: [o["Key"] for o in s3.list_objects_v2(Bucket=b["Name"]).get("Contents", [])] for b in s3.list_buckets()["Buckets"]}
    return fixture.things(), tables, buckets


class Names(unittest.TestCase):
    """The tests run in the order of their names: the first makes by hand what the others must leave alone."""

    def ended(self, done, status):
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def refused(self, words, *arguments):
        before = everything()
        self.assertIn(words, self.ended(fixture.script("deploy", "--region", REGION, "--zip", fixture.zip, *arguments), 1))
        self.assertEqual(everything(), before)

    def test_1_deploy_names_what_is_in_the_way_and_creates_nothing(self):
        make_table("ImageMetadata")
        make_bucket(BUCKET)
        fixture.test("Plant", type="Lambda::Function", id="ImageUploadHandler")
        fixture.test("Plant", type="Logs::LogGroup", id="/aws/lambda/ImageEventHandler")
        before = everything()
        said = self.ended(fixture.script("deploy", "--region", REGION, "--zip", fixture.zip), 1)
        self.assertEqual(everything(), before)
        taken = {tuple(re.split(r"  +", line.strip())) for line in said.splitlines() if line.startswith("  ")}
        self.assertEqual(taken, {("bucket", BUCKET, "BucketName=..."), ("table", "ImageMetadata", "TableName=..."),
                                 ("function", "ImageUploadHandler", "FunctionPrefix=..."), ("log group", "/aws/lambda/ImageEventHandler", "FunctionPrefix=...")})
        self.assertIn("nothing was created. Give other names", said)

    def test_2_destroy_after_a_failed_creation_leaves_what_it_did_not_make(self):
        # Whether CloudFormation tells a name that was taken as created, as failed or as deleted is not documented.
        for state in ("CREATE_COMPLETE", "CREATE_FAILED"):
            with self.subTest(state):
                fixture.test("PlantStack", name="tintype", status="ROLLBACK_COMPLETE", rows=[
                    ("Table", "AWS::DynamoDB::Table", "ImageMetadata", state), ("Bucket", "AWS::S3::Bucket", BUCKET, state),
                    ("UploadFunction", "AWS::Lambda::Function", "ImageUploadHandler", state), ("EventLogGroup", "AWS::Logs::LogGroup", "/aws/lambda/ImageEventHandler", state)])
                before = everything()
                said = self.ended(fixture.script("destroy", "--region", REGION, "--yes"), 0)
                self.assertEqual(everything(), before)
                self.assertIn("Nothing of the stack 'tintype' is left", said)
                self.assertEqual("not touched: AWS::DynamoDB::Table ImageMetadata" in said, state == "CREATE_COMPLETE")

    def test_2b_destroy_names_what_cloudformation_could_not_delete(self):
        fixture.test("PlantStack", name="tintype", status="CREATE_COMPLETE", stuck=["UserPoolClient", "PostUpload"],
                     rows=[("UserPoolClient", "AWS::Cognito::UserPoolClient", "1a2b3c", "CREATE_COMPLETE"), ("PostUpload", "AWS::ApiGateway::Method", "m", "CREATE_COMPLETE")])
        done = fixture.script("destroy", "--region", REGION, "--yes", TINTYPE_TRIES="1")
        self.assertIn("These are left:\n  UserPoolClient (AWS::Cognito::UserPoolClient) 1a2b3c: CloudFormation could not delete it\n", self.ended(done, 1))

    def test_2c_destroy_lists_what_is_left_of_every_kind(self):
        listed = set(re.findall(r'list_kind (?:"[\w ]+"|\w+) (\w+::\w+)', (ROOT / "deploy/destroy.sh").read_text()))
        made = {r["Type"].removeprefix("AWS::") for r in template()["Resources"].values()}
        # What goes with the API, the function, the bucket, the queue, the topic or the user pool that it is of.
        parts = {"S3::BucketPolicy", "SQS::QueuePolicy", "SNS::TopicPolicy", "SNS::Subscription", "Lambda::Permission", "ApiGateway::UsagePlanKey",
                 *(f"ApiGateway::{name}" for name in ("Resource", "Method", "GatewayResponse", "Deployment", "Stage")),
                 *(f"Cognito::{name}" for name in ("UserPoolClient", "UserPoolDomain", "UserPoolGroup", "UserPoolResourceServer"))}
        self.assertEqual((made - listed - parts, listed - made, parts - made), (set(), set(), set()))
        # CloudFormation deletes these rows and not what they name.
        kinds = ["Scheduler::Schedule", *(f"CloudFront::{name}" for name in ("Distribution", "OriginAccessControl", "PublicKey", "KeyGroup", "CachePolicy", "ResponseHeadersPolicy"))]
        self.assertLessEqual(set(kinds), listed)
        for one in kinds:
            fixture.test("Plant", type=one, id=f"id-{one[-6:]}")
        fixture.client("ssm").put_parameter(Name="/tintype/tintype/cdn-key-2", Value="k", Type="SecureString")
        fixture.test("PlantStack", name="tintype", status="CREATE_COMPLETE", rows=[(one.replace("::", ""), f"AWS::{one}", f"id-{one[-6:]}", "CREATE_COMPLETE") for one in kinds])
        said = self.ended(fixture.script("destroy", "--region", REGION, "--yes", TINTYPE_TRIES="1"), 1)
        for one in kinds:
            self.assertRegex(said, rf"\n  [a-z ]+ id-{one[-6:]}\n", one)
        for one in kinds:
            fixture.test("Uproot", type=one, id=f"id-{one[-6:]}")

    def test_3_code_goes_to_no_bucket_of_another_account(self):
        code = f"tintype-code-{ACCOUNT}-{REGION}-other"
        make_bucket(code)
        fixture.test("GiveAway", bucket=code)
        self.refused(f"the bucket '{code}', which is to hold the code, belongs to another account", "--stack", "other", "TableName=Other", "FunctionPrefix=Other")

    def test_4_a_stack_that_is_deleted_without_its_data_is_found_again_by_import_or_removed(self):
        # What another region's stack of this name has, where names are the account's.
        make_bucket(f"tintype-images-{ACCOUNT}-us-east-1")
        for type, id in (("IAM::Role", "tintype-UploadRole-ABCDEFGHIJKL"), ("Budget", "tintype budget of tintype in us-east-1")):
            fixture.test("Plant", type=type, id=id)
        fixture.test("Plant", type="Backup", id="Rows-system-backup", properties={"TableName": "Rows"})
        before = everything()
        own = ["TableName=Rows", "FunctionPrefix=Mine", f"BucketName=mine-{ACCOUNT}"]
        cloud, dynamo, s3 = fixture.client("cloudformation"), fixture.client("dynamodb"), fixture.client("s3")

        said = self.ended(fixture.script("deploy", "--region", REGION, "--zip", fixture.zip, *own, "Profile=production", "AlarmEmail=a@example.org", "Budget=on"), 0)
        self.assertIn("A budget of 1 dollar a month over the whole account is reported to a@example.org", said)
        self.assertIn("This account may run 10 functions at once", said)
        with self.assertRaisesRegex(cloud.exceptions.ClientError, "TerminationProtection"):
            cloud.delete_stack(StackName="tintype")
        self.refused("TableName is 'Rows' and cannot be changed", "TableName=Other")
        self.update("ListShards=3", "Versioning=on", "AlarmEmail=b@example.org")
        self.assertEqual(self.addresses(), {"b@example.org"})
        self.assertIn("Nothing has changed.", self.update("Budget=off"))
        self.assertEqual(self.addresses(), set())
        self.refused("ListShards is 3 and can only grow", "ListShards=2")
        self.refused("Versioning cannot be turned off", "Versioning=off")

        dynamo.put_item(TableName="Rows", Item=ROW)
        s3.put_object(Bucket=f"mine-{ACCOUNT}", Key="images/1.png", Body=b"x")
        self.delete_in_console(cloud)
        refusal = self.ended(fixture.script("deploy", "--region", REGION, "--zip", fixture.zip, *own), 1)
        self.assertIn(f"  bucket mine-{ACCOUNT}\n  table Rows\n", refusal)
        for line in re.findall(r"^  (aws .*)$", refusal, re.M):
            done = run(["aws", "--endpoint-url", fixture.url, *shlex.split(line)[1:]], fixture.env)
            self.assertEqual(done.returncode, 0, line + done.stderr)
        self.refused(f"the bucket mine-{ACCOUNT} keeps versions", *own)
        self.refused("ListShards was 3 when the table Rows was written", *own, "Versioning=on", "ListShards=2")
        again, = re.findall(r"^  deploy/deploy\.sh (.*)$", refusal, re.M)
        self.assertEqual(set(shlex.split(again)), {"--stack", "tintype", "--region", REGION, "--arch", "x86_64", *own, "Profile=production", "ListShards=3", "Versioning=on", "AlarmEmail=b@example.org"})
        self.ended(fixture.script("deploy", *shlex.split(again), "--zip", fixture.zip, "AlarmEmail=a@example.org", "Budget=on"), 0)
        self.assertEqual(dynamo.scan(TableName="Rows")["Items"], [ROW])
        self.assertEqual(s3.list_objects_v2(Bucket=f"mine-{ACCOUNT}")["KeyCount"], 1)

        self.delete_in_console(cloud)
        said = self.ended(fixture.script("destroy", "--region", REGION, "--yes", PATH=fixture.aws_that_ends_protection("Rows")), 0)
        self.assertIn("table Rows holds about 1 rows", said)
        self.assertIn("keeps the last state of the table Rows in a backup of its own, for 35 days and without a price:\n  Rows-system-backup\n", said)
        self.assertEqual(everything(), before)

    def update(self, *parameters):
        return self.ended(fixture.script("deploy", "--region", REGION, "--zip", fixture.zip, *parameters), 0)

    def delete_in_console(self, cloud):
        cloud.update_termination_protection(StackName="tintype", EnableTerminationProtection=False)
        cloud.delete_stack(StackName="tintype")
        cloud.get_waiter("stack_delete_complete").wait(StackName="tintype", WaiterConfig={"Delay": 1})

    def addresses(self):
        budgets = [t["properties"] for t in fixture.test("List")["things"] if t["id"] == f"tintype budget of tintype in {REGION}"]
        return {s["Address"] for budget in budgets for n in budget["NotificationsWithSubscribers"] for s in n["Subscribers"]}


if __name__ == "__main__":
    main()
