"""One stack on the AWS emulator (test/cloud/): created, changed, and deleted completely."""
import concurrent.futures
import re
import unittest
import zipfile

from tap import main
from fixture import ACCOUNT, REGION, Fixture, Scripts

BUCKET = f"tintype-images-{ACCOUNT}-{REGION}"
CODE = f"tintype-code-{ACCOUNT}-{REGION}-tintype"


def setUpModule():
    global fixture
    fixture = Fixture()
    unittest.addModuleCleanup(fixture.close)


class Journey(Scripts):
    """The life cycle of one stack; the tests run in the order of their names and each continues from the last."""

    def parameters(self):
        s, = fixture.client("cloudformation").describe_stacks(StackName="tintype")["Stacks"]
        return {p["ParameterKey"]: p["ParameterValue"] for p in s["Parameters"]}

    def link_key(self):
        return fixture.client("lambda").get_function_configuration(FunctionName="ImageDeliveryHandler")["Environment"]["Variables"]["TINTYPE_DELIVERY_KEYS"]

    def deployment(self):
        """The deployment that the stage has; there is no other."""
        gateway = fixture.client("apigateway")
        api, = gateway.get_rest_apis()["items"]
        stage, = gateway.get_stages(restApiId=api["id"])["item"]
        self.assertEqual([d["id"] for d in gateway.get_deployments(restApiId=api["id"])["items"]], [stage["deploymentId"]])
        return stage["deploymentId"]

    def test_1_deploy_creates_everything_and_prints_a_command_to_try(self):
        said = self.good(fixture.script("deploy", "--region", REGION, "--zip", fixture.zip, "MaxSize=1000000", "AllowedOrigins=https://a.example,https://b.example"))
        api, = fixture.client("apigateway").get_rest_apis()["items"]
        url = f"https://{api['id']}.execute-api.{REGION}.amazonaws.com/prod"
        self.assertIn(f"The API is at {url}\n", said)
        key, = fixture.client("apigateway").get_api_keys()["items"]
        self.assertIn(f"Every call requires the API key (ApiKeyRequired=delete opens all but deleting to anyone). To try it:\n\n  key=$(aws apigateway get-api-key --region {REGION} --api-key {key['id']} --include-value", said)
        self.assertIn(f"curl -s -H \"x-api-key: $key\" {url}/upload -d '{{\"fileName\":\"cat.jpg\",\"fileType\":\"image/jpeg\",\"fileSize\":12345}}'", said)
        self.assertIn("CREATE_COMPLETE", said)
        self.assertEqual(api["name"], "ImageUploadAPI")

        functions = {f["FunctionName"]: f for f in fixture.client("lambda").list_functions()["Functions"]}
        self.assertEqual({n: f["Handler"] for n, f in functions.items()},
                         {"ImageUploadHandler": "upload", "ImageListHandler": "images", "ImageManageHandler": "manage", "ImageDeliveryHandler": "delivery", "ImageEventHandler": "event", "ImageSweepHandler": "sweep"})
        for f in functions.values():
            variables = f["Environment"]["Variables"]
            self.assertEqual((variables["BUCKET_NAME"], variables["TABLE_NAME"], variables["REGION"]), (BUCKET, "ImageMetadata", REGION))
            self.assertEqual(variables["TINTYPE_OVERWRITE"], "deny")
            self.assertEqual((str(variables["TINTYPE_MAX_SIZE"]), variables["TINTYPE_CORS_ORIGINS"]), ("1000000", "https://a.example,https://b.example"))
        keys = {f["Environment"]["Variables"].get("TINTYPE_DELIVERY_KEYS") for f in functions.values()} - {None}
        self.assertRegex(keys.pop(), "^[0-9a-f]{64}$")
        self.assertEqual((keys, self.parameters()["DeliveryKeys"]), (set(), "****"), "one key, which is not shown")
        self.assertEqual(functions["ImageListHandler"]["Environment"]["Variables"]["TINTYPE_DELIVERY_URL"], url)
        table = fixture.client("dynamodb").describe_table(TableName="ImageMetadata")["Table"]
        self.assertEqual((table["BillingModeSummary"]["BillingMode"], table["GlobalSecondaryIndexes"][0]["IndexName"]), ("PAY_PER_REQUEST", "feed"))
        groups = fixture.client("logs").describe_log_groups()["logGroups"]
        self.assertEqual({g["logGroupName"]: g["retentionInDays"] for g in groups}, {f"/aws/lambda/{n}": 14 for n in functions})
        self.assertEqual(len(fixture.client("iam").list_roles()["Roles"]), 7)
        self.assertEqual(len(fixture.client("sqs").list_queues()["QueueUrls"]), 2)
        s3 = fixture.client("s3")
        self.assertEqual({b["Name"] for b in s3.list_buckets()["Buckets"]}, {BUCKET, CODE})
        self.assertTrue(all(s3.get_public_access_block(Bucket=CODE)["PublicAccessBlockConfiguration"].values()))

    def test_2_deploy_again_changes_the_given_parameters_and_keeps_the_rest(self):
        with zipfile.ZipFile(fixture.zip, "a") as z:
            z.writestr("newer", "code")
        before, link_key, deployed = self.parameters(), self.link_key(), self.deployment()
        said = self.good(fixture.script("deploy", "--zip", fixture.zip, "UrlTtl=60", "AlarmEmail=", "ApiKeyRequired=delete", "Thumbs=on", REGION=REGION))
        self.assertIn("Anyone who knows this address may upload, list and view all images (ApiKeyRequired=delete)", said)
        told = self.parameters()
        self.assertIn("Updating the stack", said)
        self.assertNotIn(" Table\n", said, "what happened before is not shown again")
        self.assertNotEqual(told.pop("CodeKey"), before.pop("CodeKey"))
        self.assertEqual(told, {**before, "UrlTtl": "60", "AlarmEmail": "", "ApiKeyRequired": "delete", "Thumbs": "on"})
        self.assertEqual(self.link_key(), link_key, "the links that were made before are still valid")
        keys = [o["Key"] for o in fixture.client("s3").list_objects_v2(Bucket=CODE)["Contents"]]
        self.assertEqual(len(keys), 1, "code that nothing uses is removed")
        self.assertNotEqual(self.deployment(), deployed, "a change of the API is on the stage")
        render = fixture.client("lambda").get_function_configuration(FunctionName="ImageRenderHandler")
        queue = render["Environment"]["Variables"]["TINTYPE_THUMBNAIL_QUEUE"]
        self.assertEqual((render["Handler"], queue in fixture.client("sqs").list_queues()["QueueUrls"]), ("render", True))
        asks = {f["Environment"]["Variables"].get("TINTYPE_THUMBNAIL_QUEUE") for f in fixture.client("lambda").list_functions()["Functions"] if f["FunctionName"] != "ImageUploadHandler"}
        self.assertEqual(asks, {queue}, "all that name, make or remove thumbnails know of the queue")
        self.bad(fixture.script("deploy", "--zip", fixture.zip, "Thumbnails=none", REGION=REGION), "Thumbs=on needs Thumbnails other than none")

    def test_3_destroy_lists_what_will_be_deleted_and_removes_nothing_unconfirmed(self):
        s3 = fixture.client("s3")
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        put = lambda i: s3.put_object(Bucket=BUCKET, Key=f"images/{i % 600} \"+\u00fc.png", Body=b"x")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(put, range(1002)))
        for i in range(3):
            s3.delete_object(Bucket=BUCKET, Key=f"images/{i} \"+\u00fc.png")
        s3.create_multipart_upload(Bucket=BUCKET, Key="images/half")
        fixture.client("dynamodb").put_item(TableName="ImageMetadata", Item={"imageId": {"S": "1"}})
        fixture.protect_table("ImageMetadata", True)
        self.bad(fixture.script("destroy", "--region", REGION), "not interactive")
        done = fixture.script("destroy", "--region", REGION, stdin="another\n", TINTYPE_ASK_STDIN="1")
        self.bad(done, "nothing was removed")
        for words in (f"bucket {BUCKET} holds 1000 or more objects, counting every version", "table ImageMetadata holds about 1 rows",
                      "function ImageUploadHandler", "log group /aws/lambda/ImageEventHandler", "API "):
            self.assertIn(words, done.stdout)
        self.assertEqual(len(fixture.client("lambda").list_functions()["Functions"]), 7)

    def test_4_destroy_removes_everything_in_order_and_verifies_it(self):
        # A stack whose name begins with ours, and resources of other names, must not be touched.
        cloud = fixture.client("cloudformation")
        cloud.create_stack(StackName="tintype-two", TemplateBody='{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "tintype-two-Q"}}}}')
        fixture.client("s3").create_bucket(Bucket="somebody-elses", CreateBucketConfiguration={"LocationConstraint": REGION})
        said = self.good(fixture.script("destroy", "--region", REGION, stdin="tintype\n", TINTYPE_ASK_STDIN="1", PATH=fixture.aws_that_ends_protection()))
        # CloudFormation's own events, as many as are seen before the stack is gone, are between the last two.
        kinds = [line.split()[0] for line in said.split("Removing:\n")[1].splitlines() if re.match(r"  \S(?!ELETE_)", line)]
        order = ["API", "function", "bucket", "table", "role", "log", "the", "bucket"]
        self.assertEqual([k for i, k in enumerate(kinds) if i == 0 or kinds[i - 1] != k], order)
        self.assertIn("Nothing of the stack 'tintype' is left", said)
        self.assertEqual([b["Name"] for b in fixture.client("s3").list_buckets()["Buckets"]], ["somebody-elses"])
        self.assertEqual(fixture.client("lambda").list_functions()["Functions"], [])
        self.assertEqual(fixture.client("lambda").list_event_source_mappings()["EventSourceMappings"], [])
        self.assertEqual(fixture.client("apigateway").get_rest_apis()["items"], [])
        self.assertEqual(fixture.client("dynamodb").list_tables()["TableNames"], [])
        self.assertEqual(fixture.client("iam").list_roles()["Roles"], [])
        self.assertEqual(fixture.client("logs").describe_log_groups()["logGroups"], [])
        self.assertEqual(fixture.client("sns").list_topics()["Topics"], [])
        self.assertEqual([q.rsplit("/", 1)[1] for q in fixture.client("sqs").list_queues()["QueueUrls"]], ["tintype-two-Q"])
        self.assertEqual([s["StackName"] for s in cloud.describe_stacks()["Stacks"]], ["tintype-two"])

    def test_5_smoke_without_a_stack_reports_it(self):
        self.bad(fixture.script("smoke", "--region", REGION), f"there is no stack 'tintype' in {REGION}; create it with deploy/deploy.sh")


if __name__ == "__main__":
    main()
