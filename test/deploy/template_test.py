"""The properties of deploy/template.yaml, asserted on its text, since an emulator ignores half of it: CORS,
TTL, public access, stage, alarms. And it is valid by CloudFormation's own schemas."""
import json
import re
import unittest

import yaml

import reader
from tap import ROOT, main, run, template

T = template()
TEXT = (ROOT / "deploy/template.yaml").read_text()
R = T["Resources"]
BUCKET = "arn:${AWS::Partition}:s3:::${BucketName}"
ADMIN_KEY = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${AdminKeyParameter}"
# Of the functions that know callers, where there is an administrator's key.
READ_KEY = {"ssm:GetParameter": "the administrator's key; with a CDN List and Manage read that of its URLs too", "kms:Decrypt": "that parameter, which is encrypted"}
# Every action of every role, and where it is needed. A new one belongs here with its reason.
GRANTS = {
    "Upload": {
        **READ_KEY,
        "dynamodb:PutItem": "a slot is a row",
        "dynamodb:GetItem": "the owner of the slot, and its quota",
        "dynamodb:UpdateItem": "the owner's counters, in the same transaction",
        "s3:PutObject": "the URL given out is signed as this role",
    },
    "List": {
        **READ_KEY,
        "dynamodb:GetItem": "one image; a user; the key of a caller",
        "dynamodb:UpdateItem": "the last use of an API key, and of no other item",
        "dynamodb:Query": "the lists, on their indexes only",
        "s3:GetObject": "download URLs are signed as this role",
    },
    "Manage": {
        **READ_KEY,
        "dynamodb:GetItem": "the row to complete or delete",
        "dynamodb:BatchGetItem": "the counters of a page of users",
        "dynamodb:Query": "API keys, users and the images of one, on their index only",
        "dynamodb:UpdateItem": "complete confirms, PATCH changes the visibility",
        "dynamodb:DeleteItem": "delete, of images, keys and users",
        "dynamodb:PutItem": "what keeps the id of a removed row; an API key",
        "s3:GetObject": "complete looks at the bytes",
        "s3:PutObject": "complete replaces an image by what is kept of it, and keeps a thumbnail",
        "s3:DeleteObject": "delete, and complete of what is no image",
        "s3:ListBucket": "without it a missing key is 403, not 404; which thumbnails go with an image",
        "s3:DeleteObjectVersion": "with versioning only: a removed object goes with its versions",
        "s3:ListBucketVersions": "with versioning only: which versions there are",
        "cloudfront:CreateInvalidation": "with a CDN only: a public image was made private or deleted",
    },
    "Delivery": {
        "dynamodb:GetItem": "whether the image is public, and still there",
        "dynamodb:UpdateItem": "the bytes of thumbnails that are made are counted for their owner",
        "s3:GetObject": "thumbnails, what they are made of, and URLs of originals are signed as this role",
        "s3:PutObject": "thumbnails are kept",
        "s3:DeleteObject": "a thumbnail whose image was deleted while it was made",
        "s3:ListBucket": "without it a missing key is 403, not 404",
        "s3:DeleteObjectVersion": "with versioning only: a removed object goes with its versions",
        "s3:ListBucketVersions": "with versioning only: which versions there are",
    },
    "Event": {
        "dynamodb:GetItem": "the row of the object",
        "dynamodb:UpdateItem": "confirms or rejects",
        "s3:GetObject": "the look at the bytes",
        "s3:PutObject": "an image is replaced by what is kept of it; a thumbnail is kept",
        "s3:DeleteObject": "what is no image, or has no row",
        "s3:ListBucket": "without it a missing key is 403, not 404",
        "s3:DeleteObjectVersion": "with versioning only: a removed object goes with its versions",
        "s3:ListBucketVersions": "with versioning only: which versions there are",
        "cloudfront:CreateInvalidation": "with a CDN only: a public image was replaced by other bytes",
        "sqs:ReceiveMessage": "Lambda reads the queue as this role",
        "sqs:DeleteMessage": "Lambda reads the queue as this role",
        "sqs:GetQueueAttributes": "Lambda reads the queue as this role",
    },
    "Sweep": {
        "dynamodb:Query": "which rows are due; whose deletion was begun, and their images",
        "dynamodb:BatchGetItem": "the users whose deletion was begun",
        "dynamodb:GetItem": "the row of each object, and of each image that is deleted",
        "dynamodb:UpdateItem": "an upload that was missed is confirmed or rejected; an owner's counters",
        "dynamodb:DeleteItem": "a slot expires, the reason of a rejected image is forgotten, a user is deleted",
        "dynamodb:PutItem": "what keeps the id of a removed row",
        "s3:GetObject": "whether something came to a slot, and what",
        "s3:PutObject": "an image is replaced by what is kept of it; a thumbnail is kept",
        "s3:DeleteObject": "what is no image, or has no row",
        "s3:ListBucket": "the objects of a slice; without it a missing key is 403, not 404",
        "s3:DeleteObjectVersion": "with versioning only: a removed object goes with its versions",
        "s3:ListBucketVersions": "with versioning only: which versions there are",
        "cloudfront:CreateInvalidation": "with a CDN only: an image is public no longer",
    },
}
# The indexes of the table that each role may query.
INDEXES = {"List": ["feed", "owned"], "Manage": ["owned", "due"], "Sweep": ["due", "owned"]}
# With Thumbs=on: what is other than above.
RENDER_GRANTS = {
    "dynamodb:GetItem": "the row of the image",
    "dynamodb:UpdateItem": "which thumbnails there are, and their bytes for the owner",
    "s3:GetObject": "the image",
    "s3:PutObject": "its thumbnails",
    "s3:DeleteObject": "thumbnails whose image was deleted while they were made",
    "s3:ListBucket": "without it a missing key is 403, not 404; which thumbnails there are to be deleted",
    "s3:DeleteObjectVersion": "with versioning only: a removed object goes with its versions",
    "s3:ListBucketVersions": "with versioning only: which versions there are",
    "cloudfront:CreateInvalidation": "with a CDN only: an image was made private while its thumbnails were copied",
    "sqs:ReceiveMessage": "Lambda reads the queue as this role",
    "sqs:DeleteMessage": "Lambda reads the queue as this role",
    "sqs:GetQueueAttributes": "Lambda reads the queue as this role",
}
GRANTS_WITH_THUMBS = GRANTS | {
    "Manage": GRANTS["Manage"] | {"sqs:SendMessage": "asks for the thumbnails of what complete accepts"},
    "Event": GRANTS["Event"] | {"sqs:SendMessage": "asks for the thumbnails of what it accepts"},
    "Sweep": GRANTS["Sweep"] | {"sqs:SendMessage": "asks for the thumbnails of what it accepts"},
    "Delivery": {action: GRANTS["Delivery"][action] for action in ("dynamodb:GetItem", "s3:GetObject", "s3:ListBucket")},
    "Render": RENDER_GRANTS,
}
# With Events=on.
SENDS = {"events:PutEvents": "sends what it has written to the outbox", "events:DescribeEventBus": "whether there is such a bus: PutEvents does not say"}
GRANTS_WITH_EVENTS = GRANTS | {
    "Manage": GRANTS["Manage"] | SENDS,
    "Event": GRANTS["Event"] | SENDS | {"dynamodb:PutItem": "an event goes into the transaction of its change", "dynamodb:DeleteItem": "and away once it was sent"},
    "Sweep": GRANTS["Sweep"] | SENDS,
}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
ROUTES = {
    ("POST", "/upload"): "Upload", ("POST", "/uppy"): "Upload", ("POST", "/images"): "Upload", ("GET", "/limits"): "Upload",
    ("GET", "/images"): "List", ("GET", "/images/{imageId}"): "List", ("GET", "/images/{imageId}/file"): "List",
    ("GET", "/me"): "List", ("GET", "/images/{imageId}/thumbnail"): "List", ("POST", "/images/{imageId}/links"): "List",
    ("GET", "/users"): "Manage", ("GET", "/users/{owner}"): "Manage", ("DELETE", "/users/{owner}"): "Manage", ("PUT", "/users/{owner}/quota"): "Manage",
    ("DELETE", "/users/{owner}/quota"): "Manage", ("GET", "/keys"): "Manage", ("POST", "/keys"): "Manage", ("DELETE", "/keys/{keyId}"): "Manage",
    ("POST", "/images/delete"): "Manage", ("POST", "/images/{imageId}/complete"): "Manage", ("PATCH", "/images/{imageId}"): "Manage", ("DELETE", "/images/{imageId}"): "Manage",
    ("GET", "/i/{link+}"): "Delivery", ("HEAD", "/i/{link+}"): "Delivery",
}
# Where each role may read and write objects; thumbnails are below thumbs/, and with a CDN the copies of public images below public/.
OBJECTS = {
    "Upload": {"s3:PutObject": ["images"]},
    "List": {"s3:GetObject": ["images"]},
    "Manage": {"s3:GetObject": ["images", "thumbs", "public"], "s3:PutObject": ["images", "thumbs", "public"], "s3:DeleteObject": ["images", "thumbs", "public"], "s3:DeleteObjectVersion": ["images", "thumbs", "public"]},
    "Delivery": {"s3:GetObject": ["images", "thumbs"], "s3:PutObject": ["thumbs"], "s3:DeleteObject": ["thumbs"], "s3:DeleteObjectVersion": ["thumbs"]},
    "Event": {"s3:GetObject": ["images", "public"], "s3:PutObject": ["images", "thumbs", "public"], "s3:DeleteObject": ["images", "thumbs", "public"], "s3:DeleteObjectVersion": ["images", "thumbs", "public"]},
}
OBJECTS["Sweep"] = OBJECTS["Event"] | {"s3:GetObject": ["images", "thumbs", "public"]}
CDN_KEY = {"Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/tintype/${AWS::StackName}/cdn-key-${CdnSigningKey}"}
OBJECTS_WITH_THUMBS = OBJECTS | {
    "Manage": OBJECTS["Manage"] | {"s3:PutObject": ["images", "public"]},
    "Event": OBJECTS["Event"] | {"s3:PutObject": ["images", "public"]},
    "Sweep": OBJECTS["Sweep"] | {"s3:PutObject": ["images", "public"]},
    "Delivery": {"s3:GetObject": ["images", "thumbs"]},
    "Render": {"s3:GetObject": ["images", "thumbs"], "s3:PutObject": ["thumbs", "public"], "s3:DeleteObject": ["thumbs", "public"], "s3:DeleteObjectVersion": ["thumbs", "public"]},
}
# The conditions that hold of a stack with versions, a CDN and an administrator's key, by Thumbs; and with Events.
HOLDS = {"off": {"HasCdn", "IsVersioned", "DeliveryRemovesVersions", "HasAdminKey"}, "on": {"HasCdn", "IsVersioned", "HasRender", "HasAdminKey"}, "events": {"HasCdn", "IsVersioned", "DeliveryRemovesVersions", "HasEvents", "HasAdminKey"}}
KINDS = [("off", GRANTS, OBJECTS), ("on", GRANTS_WITH_THUMBS, OBJECTS_WITH_THUMBS), ("events", GRANTS_WITH_EVENTS, OBJECTS)]


def of_type(name):
    return {k: v["Properties"] for k, v in R.items() if v["Type"] == f"AWS::{name}"}


def settle(node, holds):
    """The node where these conditions hold, and no other."""
    if isinstance(node, list):
        return [one for one in (settle(one, holds) for one in node) if one != {"Ref": "AWS::NoValue"}]
    if not isinstance(node, dict):
        return node
    if "Fn::If" in node:
        condition, yes, no = node["Fn::If"]
        return settle(yes if condition in holds else no, holds)
    return {name: settle(one, holds) for name, one in node.items()}


def statements(role, thumbs):
    return [s for policy in R[role]["Properties"]["Policies"] for s in settle(policy["PolicyDocument"]["Statement"], HOLDS[thumbs])]


def path_of(resource):
    if resource == {"Fn::GetAtt": ["Api", "RootResourceId"]}:
        return ""
    p = R[resource["Ref"]]["Properties"]
    return f"{path_of(p['ParentId'])}/{p['PathPart']}"


def metrics(alarm, profile, thumbs="on"):
    if "MetricName" in alarm:
        return [alarm]
    holds = {"free": {"IsFree"}, "production": {"IsProduction"}}[profile] | HOLDS[thumbs]
    if thumbs == "off" or profile == "production":
        holds |= {"WatchesFeed"}
    return [x["MetricStat"]["Metric"] for x in settle(alarm["Metrics"], holds) if "MetricStat" in x]


class Template(unittest.TestCase):
    def test_every_type_property_and_reference_is_one_that_cloudformation_knows(self):
        done = run(["node", "test/deploy/schema.mjs"], stdin=TEXT)
        self.assertEqual((done.returncode, done.stdout.strip() + done.stderr), (0, ""))

    def test_the_check_finds_what_is_wrong(self):
        for good, bad, words in (
                ("MaxAge: 3000", "MaxAgee: 3000", "there is no property MaxAgee"), ("BatchSize: 10", "BatchSize: [10]", "BatchSize must be a integer"),
                ("!GetAtt Bucket.Arn", "!GetAtt Bucket.Arm", "Bucket has no attribute Arm"), ("Type: AWS::SNS::Topic\n", "Type: AWS::SNS::Topc\n", "there is no type AWS::SNS::Topc"),
                ("      Role: !GetAtt EventRole.Arn\n", "", "EventFunction: Role is required"),
                ("Stage: !Ref Stage}", "Stage: !Ref Stagee}", "Unresolved resource dependencies [Stagee]"), ("  DeadLetterQueue:\n    Type: AWS::SQS::Queue", "  DeadLetterQueue:\n    DependsOn: Queue\n    Type: AWS::SQS::Queue", "Circular dependency"),
                ("!Ref ListShards", "\"1\"", "the parameter ListShards is used nowhere")):
            with self.subTest(words):
                self.assertIn(good, TEXT)
                self.assertIn(words, run(["node", "test/deploy/schema.mjs"], stdin=TEXT.replace(good, bad)).stdout)

    def test_no_key_is_repeated(self):
        with self.assertRaises(yaml.constructor.ConstructorError):
            reader.read(TEXT.replace("  Queue:\n", "  Queue:\n    Type: AWS::SQS::Queue\n"))

    def test_size_fits_an_object(self):
        self.assertLess((ROOT / "deploy/template.yaml").stat().st_size, 1_000_000, "CloudFormation reads no larger template from S3")

    def test_parameters_of_text_have_a_pattern_or_a_list(self):
        for name, p in T["Parameters"].items():
            with self.subTest(name):
                bounds = {"AllowedPattern", "AllowedValues"} if p["Type"] != "Number" else {"AllowedValues", "MinValue"}
                self.assertTrue(bounds & set(p))

    def test_patterns_accept_good_values_and_refuse_bad_ones(self):
        cases = {
            "BucketName": (["my-images-1"], ["Images", "a", "a.b", "x_y", "-a-"]),
            "AllowedOrigins": (["*", "https://a.example", "http://localhost:5173"], ["https://*.example", "a.example", "https://a.example/path", "https://a\"b", ""]),
            "AllowedTypes": (["image/png", "image/png,image/gif"], ["image/svg+xml", "image/png,", "text/html", ""]),
            "AlarmEmail": (["", "me@example.org"], ["me", "a@b", "a b@c.de"]),
            "KeepMetadata": (["", "camera", "taken-at,position"], ["name", "camera,", "camera position"]),
            "Thumbnails": (["none", "small:160x160", "a:16x16:cover:q75:e4,b:20x20"], ["", "Small:1x1", "a b"]),
            "DeliveryKeys": (["", "k" * 32, "k" * 32 + "," + "l" * 256], ["k" * 31, "k" * 32 + ",", "k" * 31 + " "]),
            "DeliveryUrl": (["", "https://img.example.com", "http://localhost:8080/prod"], ["img.example.com", "https://img.example.com/", "https://a b"]),
            "FunctionPrefix": (["Image", "Stage2-Image"], ["", "a b", "x" * 41]),
            "TableName": (["ImageMetadata"], ["ab", "a/b"]),
            "EventBusName": (["default", "my.bus-1"], ["", "a b", "x" * 257]),
            "UserPoolArn": (["", "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_AbC123"], ["eu-west-1_AbC123", "arn:aws:cognito-idp:eu-west-1:1:userpool/x"]),
            "AuthDomainPrefix": (["", "photos", "my-photos-2"], ["Photos", "-a", "a.b", "x" * 64]),
            "CallbackUrls": (["https://photos.example.com/", "http://localhost:8080/", "https://a.b/app/"], ["http://photos.example.com/", "https://photos.example.com", "https://a.b/?x", "*"]),
            "OidcIssuer": (["", "https://tenant.auth0.com/", "https://a.b/realms/x"], ["http://a.b", "a.b", "https://a b"]),
            "OidcOrigins": (["", "https://a.b", "https://a.b:8443 https://c.d"], ["http://a.b", "https://a.b/", "https://a.b;", "https://a.b https://c.d https://e.f"]),
            "OidcAdmin": (["", "/groups=admins", "/https:~1~1a.b~1roles=chief editor"], ["groups=admins", "/groups=", "/groups"]),
            "TokenScopes": (["", "*", "tintype/*", "https://img.example/*"], ["tintype/read", "tintype/**", "a *"]),
            "CdnSecret": (["", "s" * 32], ["s" * 31, "s" * 31 + "-"]),
            "OidcKeys": (["", '{"keys":[]}'], ["keys.json", '{"keys":[]']),
            "AdminKeyParameter": (["", "/tintype/tintype/admin-key"], ["tintype", "/a b", "/a/", "arn:aws:ssm:::x"]),
        }
        for name, (good, bad) in cases.items():
            for value in good + bad:
                with self.subTest(f"{name}={value}"):
                    self.assertEqual(bool(re.fullmatch(T["Parameters"][name]["AllowedPattern"], value)), value in good)


class Bucket(unittest.TestCase):
    p = R["Bucket"]["Properties"]

    def test_nothing_is_public(self):
        self.assertEqual(self.p["PublicAccessBlockConfiguration"], {k: True for k in (
            "BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")})
        self.assertEqual(self.p["OwnershipControls"], {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
        self.assertEqual(self.p["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")

    def test_cors(self):
        self.assertEqual(self.p["CorsConfiguration"]["CorsRules"], [{
            "AllowedOrigins": self.p["CorsConfiguration"]["CorsRules"][0]["AllowedOrigins"], "AllowedMethods": ["GET", "PUT", "POST", "HEAD"],
            "AllowedHeaders": ["*"], "ExposedHeaders": ["ETag"], "MaxAge": 3000}])
        condition, _, otherwise = self.p["CorsConfiguration"]["CorsRules"][0]["AllowedOrigins"]["Fn::If"]
        self.assertEqual((condition, otherwise), ("HasCdn", {"Ref": "AllowedOrigins"}))

    def test_tls_only(self):
        s, _ = R["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        self.assertEqual((s["Effect"], s["Principal"], s["Action"], s["Condition"]), ("Deny", "*", "s3:*", {"Bool": {"aws:SecureTransport": "false"}}))
        self.assertEqual(s["Resource"], [{"Fn::GetAtt": ["Bucket", "Arn"]}, {"Fn::Sub": "${Bucket.Arn}/*"}])

    def test_lifecycle_and_versions(self):
        rules = {r["Id"]: r for r in self.p["LifecycleConfiguration"]["Rules"]}
        self.assertEqual(rules["incomplete-uploads"]["AbortIncompleteMultipartUpload"], {"DaysAfterInitiation": 1})
        self.assertEqual((rules["thumbnails"]["Prefix"], rules["thumbnails"]["ExpirationInDays"]), ("thumbs/", {"Ref": "ThumbnailDays"}))
        old = rules["old-versions"]
        self.assertEqual((old["Status"], old["NoncurrentVersionExpiration"]), ("Enabled", {"NoncurrentDays": 30}), "versions stay when Versioning is switched off")
        self.assertEqual([r["Id"] for r in rules.values() if "ExpirationInDays" in r], ["thumbnails"], "no rule may expire an image")
        self.assertEqual(rules["thumbnails"]["Status"], {"Fn::If": ["HasRender", "Disabled", "Enabled"]}, "what rows name is not removed")
        self.assertEqual(self.p["VersioningConfiguration"], {"Fn::If": ["IsVersioned", {"Status": "Enabled"}, {"Ref": "AWS::NoValue"}]})

    def test_events_go_to_the_queue_which_accepts_them_from_this_bucket_only(self):
        q, = self.p["NotificationConfiguration"]["QueueConfigurations"]
        self.assertEqual((q["Event"], q["Queue"]), ("s3:ObjectCreated:*", {"Fn::GetAtt": ["Queue", "Arn"]}))
        self.assertEqual(q["Filter"]["S3Key"]["Rules"], [{"Name": "prefix", "Value": "images/"}])
        self.assertEqual(R["Bucket"]["DependsOn"], "QueuePolicy")
        s, = R["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
        self.assertEqual(s["Condition"], {"ArnEquals": {"aws:SourceArn": {"Fn::Sub": BUCKET}}, "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}})

    def test_failed_messages_go_to_a_dead_letter_queue_of_their_own(self):
        longest = T["Parameters"]["FunctionTimeout"]["MaxValue"]
        for stem in ("", "Thumb"):
            queue = R[f"{stem}Queue"]["Properties"]
            self.assertEqual(queue["RedrivePolicy"], {"deadLetterTargetArn": {"Fn::GetAtt": [f"{stem}DeadLetterQueue", "Arn"]}, "maxReceiveCount": 5})
            self.assertGreaterEqual(queue["VisibilityTimeout"], 6 * longest)
            self.assertGreater(R[f"{stem}DeadLetterQueue"]["Properties"]["MessageRetentionPeriod"], queue["MessageRetentionPeriod"])


class Table(unittest.TestCase):
    p = R["Table"]["Properties"]

    def test_keys_ttl_and_indexes_are_those_of_the_adapter(self):
        self.assertEqual(self.p["TableName"], {"Ref": "TableName"})
        self.assertEqual(T["Parameters"]["TableName"]["Default"], "ImageMetadata")
        self.assertEqual(self.p["BillingMode"], "PAY_PER_REQUEST")
        self.assertEqual(self.p["KeySchema"], [{"AttributeName": "imageId", "KeyType": "HASH"}])
        self.assertEqual(self.p["TimeToLiveSpecification"], {"AttributeName": "ttl", "Enabled": True})
        named = dict(re.findall(r'#define DYNAMO_(\w+) "(\w+)"', (ROOT / "src/aws/dynamo/dynamo.h").read_text()))
        pairs = [(named[n], named[f"{n}_ORDER"]) for n in ("FEED", "DUE", "OWNED")]
        self.assertEqual(self.p["TimeToLiveSpecification"]["AttributeName"], named["TTL"])
        self.assertEqual(self.p["GlobalSecondaryIndexes"], [{
            "IndexName": one, "KeySchema": [{"AttributeName": one, "KeyType": "HASH"}, {"AttributeName": order, "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"}, "OnDemandThroughput": self.p["OnDemandThroughput"]} for one, order in pairs])
        self.assertEqual({a["AttributeName"]: a["AttributeType"] for a in self.p["AttributeDefinitions"]},
                         {name: "S" for name in ("imageId", *(name for pair in pairs for name in pair))})

    def test_units_of_the_table_and_of_each_index_have_a_maximum_in_both_profiles(self):
        for unit in ("Read", "Write"):
            own, given, profile = self.p["OnDemandThroughput"][f"Max{unit}RequestUnits"]["Fn::If"]
            self.assertEqual((own, given, profile), (f"HasOwn{unit}s", {"Ref": f"Table{unit}s"}, {"Fn::FindInMap": ["Profiles", {"Ref": "Profile"}, f"{unit}s"]}))
            self.assertEqual([T["Mappings"]["Profiles"][p][f"{unit}s"] for p in ("free", "production")], [{"Read": 500, "Write": 250}[unit], 40000])

    def test_paid_features_are_for_production_only(self):
        self.assertEqual(self.p["PointInTimeRecoverySpecification"]["Fn::If"], ["IsProduction", {"PointInTimeRecoveryEnabled": True}, {"Ref": "AWS::NoValue"}])
        self.assertEqual(self.p["DeletionProtectionEnabled"]["Fn::If"], ["IsProduction", True, False])
        self.assertEqual(T["Parameters"]["Profile"]["Default"], "free")


class Functions(unittest.TestCase):
    def test_functions_by_name_and_handler(self):
        names = {k: (p["FunctionName"]["Fn::Sub"], p["Handler"]) for k, p in of_type("Lambda::Function").items()}
        self.assertEqual(names, {
            "UploadFunction": ("${FunctionPrefix}UploadHandler", "upload"), "ListFunction": ("${FunctionPrefix}ListHandler", "images"),
            "ManageFunction": ("${FunctionPrefix}ManageHandler", "manage"), "DeliveryFunction": ("${FunctionPrefix}DeliveryHandler", "delivery"),
            "EventFunction": ("${FunctionPrefix}EventHandler", "event"), "SweepFunction": ("${FunctionPrefix}SweepHandler", "sweep"), "RenderFunction": ("${FunctionPrefix}RenderHandler", "render")})
        self.assertEqual(T["Parameters"]["FunctionPrefix"]["Default"], "Image")

    def test_each_runs_the_package_with_its_own_role_and_a_log_group_with_retention(self):
        for name, p in of_type("Lambda::Function").items():
            with self.subTest(name):
                stem = name.removesuffix("Function")
                self.assertEqual(p["Runtime"], "provided.al2023")
                self.assertEqual(p["Role"], {"Fn::GetAtt": [f"{stem}Role", "Arn"]})
                self.assertEqual(p["LoggingConfig"], {"LogGroup": {"Ref": f"{stem}LogGroup"}})
                group = R[f"{stem}LogGroup"]["Properties"]
                self.assertEqual(group["RetentionInDays"], {"Ref": "LogRetentionDays"})
                self.assertEqual(group["LogGroupName"]["Fn::Sub"], "/aws/lambda/" + p["FunctionName"]["Fn::Sub"])

    def test_environment_variables_are_known_settings(self):
        known = set(re.findall(r'SETTING\(\w+, \w+, "(\w+)"', (ROOT / "src/config/settings.def").read_text()))
        for name, p in of_type("Lambda::Function").items():
            given = set(p["Environment"]["Variables"])
            self.assertLessEqual(given, known, name)
            self.assertLessEqual({"BUCKET_NAME", "TABLE_NAME", "REGION"}, given, name)

    def test_functions_that_share_a_setting_share_its_value(self):
        values = {}
        for p in of_type("Lambda::Function").values():
            for name, value in settle(p["Environment"]["Variables"], HOLDS["on"]).items():
                if value != {"Ref": "AWS::NoValue"}:
                    self.assertEqual(values.setdefault(name, value), value, name)
        # what names thumbnails and what makes them must agree on how
        for stem in ("List", "Manage", "Delivery", "Event", "Sweep", "Render"):
            given = R[f"{stem}Function"]["Properties"]["Environment"]["Variables"]
            self.assertLessEqual({"TINTYPE_VERIFY", "TINTYPE_THUMBNAILS", "TINTYPE_THUMBNAIL_AT_UPLOAD", "TINTYPE_THUMBNAIL_QUEUE"}, set(given), stem)
            self.assertEqual(given["TINTYPE_THUMBNAIL_QUEUE"], {"Ref": "ThumbQueue"} if stem == "Render" else {"Fn::If": ["HasRender", {"Ref": "ThumbQueue"}, {"Ref": "AWS::NoValue"}]})
        for stem in ("List", "Manage", "Delivery"):
            self.assertEqual(R[f"{stem}Function"]["Properties"]["Environment"]["Variables"]["TINTYPE_DELIVERY_KEYS"], {"Ref": "DeliveryKeys"}, stem)
        for stem in ("Event", "Sweep"):   # for nothing but events
            self.assertEqual(R[f"{stem}Function"]["Properties"]["Environment"]["Variables"]["TINTYPE_DELIVERY_KEYS"], {"Fn::If": ["HasEvents", {"Ref": "DeliveryKeys"}, {"Ref": "AWS::NoValue"}]}, stem)
        for stem in ("Manage", "Event", "Sweep"):
            self.assertLessEqual({"TINTYPE_STRIP", "TINTYPE_KEEP_METADATA"}, set(R[f"{stem}Function"]["Properties"]["Environment"]["Variables"]), stem)

    def test_whoever_changes_images_sends_events_of_it_if_they_are_wanted(self):
        self.assertEqual((T["Parameters"]["Events"]["Default"], T["Parameters"]["EventBusName"]["Default"]), ("off", "default"))
        given = {k: p["Environment"]["Variables"].get("TINTYPE_EVENT_BUS") for k, p in of_type("Lambda::Function").items()}
        self.assertEqual({k: v for k, v in given.items() if v}, {f"{stem}Function": {"Fn::If": ["HasEvents", {"Ref": "EventBusName"}, {"Ref": "AWS::NoValue"}]} for stem in ("Manage", "Event", "Sweep")})

    def test_functions_that_decode_have_the_memory_for_it(self):
        for thumbs, delivery in (("off", "EventMemory"), ("on", "FunctionMemory")):
            sizes = {k: settle(p["MemorySize"], HOLDS[thumbs])["Ref"] for k, p in of_type("Lambda::Function").items()}
            self.assertEqual({k: v for k, v in sizes.items() if v != "FunctionMemory" or k == "DeliveryFunction"},
                             {"ManageFunction": "EventMemory", "DeliveryFunction": delivery, "EventFunction": "EventMemory", "SweepFunction": "EventMemory", "RenderFunction": "ThumbMemory"})
        p = T["Parameters"]
        for memory in ("EventMemory", "ThumbMemory"):
            self.assertGreaterEqual(p[memory]["Default"] * 2**20, 80 * 2**20 + 3 * p["MaxSize"]["Default"] + 384 * 2**20 - 2**25)
        self.assertGreaterEqual(p["FunctionTimeout"]["Default"], 2 * 12 + 5, "two images of 12 s each, and time to answer")

    def test_what_may_be_uploaded_and_deleted_is_the_parameters(self):
        variables = {k: p["Environment"]["Variables"] for k, p in of_type("Lambda::Function").items()}
        for name in variables:
            self.assertEqual(variables[name]["TINTYPE_OVERWRITE"], {"Ref": "Overwrite"}, name)
        self.assertEqual(variables["UploadFunction"]["TINTYPE_REQUIRE_SIZE"], {"Fn::If": ["HasOwnSizeRule", {"Ref": "RequireSize"}, {"Fn::If": ["HasKeyForAll", {"Fn::FindInMap": ["Profiles", {"Ref": "Profile"}, "RequireSize"]}, "on"]}]})
        self.assertEqual([T["Mappings"]["Profiles"][p]["RequireSize"] for p in ("free", "production")], ["off", "on"])
        for name in ("ManageFunction", "UploadFunction"):
            self.assertEqual(variables[name]["TINTYPE_DELETE_BY"], {"Fn::If": ["DeletesByKey", "access", "token"]}, name)
        p = T["Parameters"]
        self.assertEqual([p[name]["Default"] for name in ("Overwrite", "RequireSize", "DeleteBy")], ["deny", "auto", "token"])
        self.assertEqual(p["UrlTtl"]["MaxValue"], 3600, "the credentials that sign are good for no longer")

    def test_deleting_with_the_key_alone_needs_a_key(self):
        rule = T["Rules"]["DeleteByKeyNeedsKey"]
        self.assertEqual(rule["RuleCondition"], {"Fn::Equals": [{"Ref": "DeleteBy"}, "key"]})
        self.assertEqual(rule["Assertions"][0]["Assert"], {"Fn::Not": [{"Fn::Equals": [{"Ref": "ApiKeyRequired"}, "none"]}]})

    def test_the_delivery_keys_are_not_shown(self):
        self.assertIs(T["Parameters"]["DeliveryKeys"]["NoEcho"], True)
        self.assertNotIn("DeliveryKeys", json.dumps(T["Outputs"]))

    def test_each_role_has_its_actions_and_no_other(self):
        for thumbs, grants, _ in KINDS:
            for stem, wanted in grants.items():
                with self.subTest(f"{stem} Thumbs={thumbs}"):
                    given = [a for s in statements(f"{stem}Role", thumbs) if s["Sid"] not in ("ReadKey", "DecryptKey") for a in s["Action"]]
                    self.assertEqual(len(given), len(set(given)), "an action stands twice")
                    self.assertEqual(set(given), set(wanted) | LOGS)

    def test_each_action_is_on_the_narrowest_resource(self):
        table = {"Fn::GetAtt": ["Table", "Arn"]}
        for thumbs, stem, objects, s in ((thumbs, stem, objects, s) for thumbs, grants, objects in KINDS for stem in grants for s in statements(f"{stem}Role", thumbs)):
            with self.subTest(f"{stem} {s['Sid']} Thumbs={thumbs}"):
                self.assertEqual(s["Effect"], "Allow")
                self.assertNotIn("*", "".join(s["Action"]))
                service = s["Action"][0].split(":")[0]
                queue = "ThumbQueue" if stem == "Render" or s["Action"] == ["sqs:SendMessage"] else "Queue"
                wanted = {"logs": [{"Fn::GetAtt": [f"{stem}LogGroup", "Arn"]}], "sqs": [{"Fn::GetAtt": [queue, "Arn"]}], "s3": None, "dynamodb": [table],
                          "events": [{"Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBusName}"}],
                          "ssm": [CDN_KEY if s["Sid"] == "ReadKey" else {"Fn::Sub": ADMIN_KEY}], "kms": [{"Fn::Sub": "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"}],
                          "cloudfront": [{"Fn::Sub": "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"}]}[service]
                if service == "s3":
                    folders, = {tuple(objects[stem].get(action, ())) for action in s["Action"]}
                    wanted = [{"Fn::Sub": f"{BUCKET}/{folder}/*"} for folder in folders]
                if s["Action"] in (["s3:ListBucket"], ["s3:ListBucketVersions"]):
                    wanted = [{"Fn::Sub": BUCKET}]
                if s["Action"] == ["dynamodb:Query"]:
                    wanted = [{"Fn::Sub": f"${{Table.Arn}}/index/{index}"} for index in INDEXES[stem]]
                if s["Sid"] == "DecryptKey":
                    self.assertEqual(s["Condition"], {"StringEquals": {"kms:ViaService": {"Fn::Sub": "ssm.${AWS::Region}.${AWS::URLSuffix}"}, "kms:EncryptionContext:PARAMETER_ARN": CDN_KEY}})
                self.assertEqual(s["Resource"] if isinstance(s["Resource"], list) else [s["Resource"]], wanted)
        update, = (s for s in statements("ListRole", "off") if "dynamodb:UpdateItem" in s["Action"])
        prefix = re.search(r'#define KIND "(\w+)"', (ROOT / "src/aws/dynamo/api_keys.c").read_text()).group(1)
        self.assertEqual(update["Condition"], {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{prefix}#*"]}})

    def test_only_the_administrators_key_may_be_decrypted_and_only_where_there_is_one(self):
        for stem in ("Upload", "List", "Manage"):
            conditional = [s["Fn::If"] for s in R[f"{stem}Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"] if "Fn::If" in s and s["Fn::If"][0] == "HasAdminKey"]
            self.assertEqual([(c[1]["Action"], c[2]) for c in conditional], [([action], {"Ref": "AWS::NoValue"}) for action in READ_KEY])
            self.assertEqual(conditional[1][1]["Condition"], {"StringEquals": {
                "kms:ViaService": {"Fn::Sub": "ssm.${AWS::Region}.${AWS::URLSuffix}"}, "kms:EncryptionContext:PARAMETER_ARN": {"Fn::Sub": ADMIN_KEY}}})
            self.assertEqual(R[f"{stem}Function"]["Properties"]["Environment"]["Variables"]["TINTYPE_API_KEY_PARAMETER"], {"Ref": "AdminKeyParameter"})

    def test_versions_are_listed_and_deleted_only_where_there_are_any(self):
        versions = {"s3:DeleteObjectVersion", "s3:ListBucketVersions"}
        for thumbs, grants, _ in KINDS:
            for stem in grants:
                for holds in (HOLDS[thumbs], HOLDS[thumbs] - {"IsVersioned", "DeliveryRemovesVersions"}):
                    given = {a for s in settle(R[f"{stem}Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"], holds) for a in s["Action"]}
                    self.assertEqual(given & versions, set(grants[stem]) & versions if "IsVersioned" in holds else set(), stem)

    def test_the_sweep_is_called_as_often_as_the_program_expects_and_has_the_time_for_it(self):
        (schedule,), minutes = of_type("Scheduler::Schedule").values(), re.search(r"#define SWEEP_EVERY_MS \(\(int64_t\)(\d+) \* 60 \* 1000\)", (ROOT / "src/lambda/sweep_function.h").read_text()).group(1)
        self.assertEqual(schedule["ScheduleExpression"], f"rate({minutes} minutes)")
        self.assertEqual(schedule["Target"]["Arn"], {"Fn::GetAtt": ["SweepFunction", "Arn"]})
        self.assertEqual(R["SweepFunction"]["Properties"]["Timeout"]["Fn::If"], ["IsFree", {"Ref": "FunctionTimeout"}, 300])

    def test_the_schedule_may_call_the_sweep_and_nothing_else(self):
        self.assertEqual(statements("ScheduleRole", "off"), [{"Sid": "Sweep", "Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": {"Fn::GetAtt": ["SweepFunction", "Arn"]}}])
        trust, = R["ScheduleRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        self.assertEqual((trust["Principal"], trust["Condition"]), ({"Service": "scheduler.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}))

    def test_functions_of_queues_report_what_failed_of_a_batch(self):
        for source, function, queue in (("EventSource", "EventFunction", "Queue"), ("RenderSource", "RenderFunction", "ThumbQueue")):
            p = R[source]["Properties"]
            self.assertEqual((p["FunctionName"], p["FunctionResponseTypes"], p["EventSourceArn"]), ({"Ref": function}, ["ReportBatchItemFailures"], {"Fn::GetAtt": [queue, "Arn"]}))
        self.assertEqual(R["RenderSource"]["Properties"]["ScalingConfig"], {"MaximumConcurrency": 2})

    def test_what_makes_thumbnails_is_there_only_if_they_are_wanted(self):
        self.assertEqual(T["Parameters"]["Thumbs"]["Default"], "off")
        wanted = {"ThumbQueue", "ThumbDeadLetterQueue", "RenderLogGroup", "RenderRole", "RenderFunction", "RenderSource"}
        self.assertEqual({name for name, r in R.items() if r.get("Condition") == "HasRender"}, wanted)
        asserted = [a["Assert"] for a in T["Rules"]["ThumbsNeedPresets"]["Assertions"]]
        self.assertEqual(asserted, [{"Fn::Not": [{"Fn::Equals": [{"Ref": name}, value]}]} for name, value in (("Thumbnails", "none"), ("Verify", "header"))])

    def test_traces_are_allowed_only_where_they_are_made(self):
        self.assertEqual(T["Parameters"]["Tracing"]["Default"], "PassThrough")
        self.assertEqual(R["Stage"]["Properties"]["TracingEnabled"], {"Fn::If": ["IsTraced", True, False]})
        for name, p in of_type("Lambda::Function").items():
            with self.subTest(name):
                self.assertEqual(p["TracingConfig"], {"Mode": {"Ref": "Tracing"}})
                role = R[p["Role"]["Fn::GetAtt"][0]]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
                allowed, = [s["Fn::If"] for s in role if "Fn::If" in s and s["Fn::If"][0] == "IsTraced"]
                self.assertEqual((allowed[1]["Action"], allowed[1]["Resource"], allowed[2]), (["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*", {"Ref": "AWS::NoValue"}))

    def test_events_leave_concurrency_of_a_new_account_to_the_other_functions(self):
        self.assertEqual(R["EventSource"]["Properties"]["ScalingConfig"]["MaximumConcurrency"]["Fn::If"][2], {"Fn::FindInMap": ["Profiles", {"Ref": "Profile"}, "EventConcurrency"]})
        self.assertIn(T["Mappings"]["Profiles"]["free"]["EventConcurrency"], (2, 3, 4))


def conditions(node):
    """The names of the conditions that a node asks."""
    if isinstance(node, dict):
        return {node["Fn::If"][0]} | conditions(node["Fn::If"][1:]) if "Fn::If" in node else set().union(*map(conditions, node.values()))
    return set().union(*map(conditions, node)) if isinstance(node, list) else set()


class Users(unittest.TestCase):
    """Auth=cognito and oidc. What the functions do with these settings is in test/blackbox/lambda_users_test.mjs."""
    aware = ("Upload", "List", "Manage")   # of callers

    def variables(self, stem):
        return R[f"{stem}Function"]["Properties"]["Environment"]["Variables"]

    def test_with_an_issuer_no_function_is_open(self):
        for stem in self.aware:
            v = self.variables(stem)
            self.assertEqual(v["TINTYPE_ACCESS"], {"Fn::If": ["HasUsers", "user", "open"]})
            self.assertEqual(v["TINTYPE_UPLOAD"], {"Fn::If": ["HasUsers", {"Fn::If": ["HasAnonymousUpload", "open", "user"]}, "open"]})
            self.assertLessEqual(conditions(v["TINTYPE_OIDC_ISSUER"]), {"HasCognito", "HasOwnPool", "HasOidc"})
            self.assertEqual({"Fn::Not": [{"Fn::Equals": [{"Ref": "Auth"}, "none"]}]}, T["Conditions"]["HasUsers"])
        for stem in {k.removesuffix("Function") for k in of_type("Lambda::Function")} - set(self.aware):
            self.assertFalse({n for n in self.variables(stem) if n.startswith("TINTYPE_OIDC")} | {"TINTYPE_ACCESS", "TINTYPE_UPLOAD"} & set(self.variables(stem)), f"{stem} knows no callers")

    def test_the_functions_verify_tokens_and_the_gateway_does_not(self):
        self.assertEqual({p["AuthorizationType"] for p in of_type("ApiGateway::Method").values()}, {"NONE"})
        self.assertEqual(of_type("ApiGateway::Authorizer"), {})
        self.assertNotIn("authorizer", "".join(p.read_text() for p in (ROOT / "src/lambda").glob("*.c")))

    def test_settings_of_the_issuer_are_the_same_in_each_function_that_knows_callers(self):
        names = [{n for n in self.variables(stem) if n.startswith("TINTYPE_OIDC")} for stem in self.aware]
        self.assertEqual(names[1], names[2])
        self.assertEqual(names[0] - names[1], {"TINTYPE_OIDC_CLIENT_ID", "TINTYPE_OIDC_SCOPE"}, "which GET /limits alone tells")

    def test_the_client_is_public_with_codes_and_its_scopes_are_of_the_resource_server(self):
        c, server = R["UserPoolClient"]["Properties"], R["ResourceServer"]["Properties"]
        self.assertEqual((c["GenerateSecret"], c["AllowedOAuthFlows"], c["AllowedOAuthFlowsUserPoolClient"]), (False, ["code"], True))
        self.assertEqual((c["CallbackURLs"], c["LogoutURLs"]), ({"Ref": "CallbackUrls"},) * 2)
        self.assertEqual((c["PreventUserExistenceErrors"], c["EnableTokenRevocation"]), ("ENABLED", True))
        scopes = [one["ScopeName"] for one in server["Scopes"]]
        self.assertEqual(server["Identifier"], {"Ref": "AWS::StackName"})
        self.assertEqual(c["AllowedOAuthScopes"], ["openid"] + [{"Fn::Sub": f"${{AWS::StackName}}/{s}"} for s in scopes])
        self.assertEqual(self.variables("Upload")["TINTYPE_OIDC_SCOPE"]["Fn::If"][1]["Fn::Sub"], " ".join(["openid"] + [f"${{AWS::StackName}}/{s}" for s in scopes]))
        self.assertNotIn("admin", scopes, "anybody may ask for a scope; administrators are a group")
        flows = c["ExplicitAuthFlows"]["Fn::If"]
        self.assertEqual(flows[0], "IsFree")
        self.assertNotIn("ALLOW_USER_PASSWORD_AUTH", flows[2])

    def test_administrators_are_a_group_of_the_pool(self):
        self.assertEqual(self.variables("Manage")["TINTYPE_OIDC_ADMIN"]["Fn::If"][:2], ["HasCognito", f"/cognito:groups={R['AdminGroup']['Properties']['GroupName']}"])

    def test_nobody_makes_an_account_and_the_pool_is_protected_by_default(self):
        p = R["UserPool"]["Properties"]
        self.assertEqual(p["AdminCreateUserConfig"], {"AllowAdminCreateUserOnly": {"Fn::If": ["HasSignUp", False, True]}})
        self.assertEqual(T["Parameters"]["SignUp"]["Default"], "admin")
        self.assertEqual(p["DeletionProtection"], {"Fn::If": ["IsProduction", "ACTIVE", "INACTIVE"]})
        self.assertEqual(R["UserPool"]["UpdateReplacePolicy"], "Retain")


class Api(unittest.TestCase):
    methods = {(p["HttpMethod"], path_of(p["ResourceId"])): p for p in of_type("ApiGateway::Method").values()}

    def test_routes_are_proxied_to_their_function(self):
        for (verb, path), stem in ROUTES.items():
            with self.subTest(f"{verb} {path}"):
                i = self.methods[(verb, path)]["Integration"]
                self.assertEqual((i["Type"], i["IntegrationHttpMethod"]), ("AWS_PROXY", "POST"))
                self.assertIn("${%sFunction.Arn}/invocations" % stem, i["Uri"]["Fn::Sub"])
        self.assertEqual({k for k in self.methods if k[0] != "OPTIONS"}, set(ROUTES))

    def test_routes_are_those_of_the_program(self):
        source = (ROOT / "src/api/route.c").read_text()
        named = {tuple(r.split(" ")) for r in re.findall(r'\{ "([A-Z]+ /[^"]*)"', source)}
        self.assertEqual(set(self.methods), named | {(verb, "/i/{link+}") for verb in ("GET", "HEAD", "OPTIONS")})

    def test_links_need_no_key_and_bodies_are_bytes(self):
        for verb in ("GET", "HEAD"):
            self.assertIs(self.methods[(verb, "/i/{link+}")]["ApiKeyRequired"], False)
        self.assertEqual(R["Api"]["Properties"]["BinaryMediaTypes"], ["*/*"])

    def test_a_preflight_needs_no_key(self):
        for path in {p for _, p in ROUTES}:
            self.assertIs(self.methods[("OPTIONS", path)]["ApiKeyRequired"], False, path)

    def test_every_call_requires_the_key_by_default(self):
        self.assertEqual(T["Parameters"]["ApiKeyRequired"]["Default"], "all")
        no_users = {"Fn::Equals": [{"Ref": "Auth"}, "none"]}
        self.assertEqual(T["Conditions"]["HasKeyForAll"], {"Fn::And": [no_users, {"Fn::Equals": [{"Ref": "ApiKeyRequired"}, "all"]}]})
        for route in (r for r in ROUTES if r[1] != "/i/{link+}"):
            wanted = ["HasKeyForAll", True, {"Fn::If": ["DeletesByKey", True, False]}] if route in (("DELETE", "/images/{imageId}"), ("PATCH", "/images/{imageId}")) else \
                ["HasKeyForDelete" if route[0] == "DELETE" else "HasKeyForAll", True, False]
            self.assertEqual(self.methods[route]["ApiKeyRequired"], {"Fn::If": wanted}, route)
        self.assertEqual(T["Conditions"]["HasKeyForDelete"], {"Fn::And": [no_users, {"Fn::Not": [{"Fn::Equals": [{"Ref": "ApiKeyRequired"}, "none"]}]}]})
        self.assertEqual(R["UsagePlan"]["Properties"]["ApiStages"], [{"ApiId": {"Ref": "Api"}, "Stage": {"Ref": "Stage"}}])

    def test_responses_of_the_gateway_itself_are_problems_with_cors_headers(self):
        faults = {name.lower(): int(status) for name, status in re.findall(r"FAULT\((\w+), \w+, (\d+)", (ROOT / "src/base/fault.def").read_text())}
        titles = {name.lower(): title for name, title in re.findall(r'\[F_(\w+)\] = \{ "([^"]+)"', (ROOT / "src/http/problem.c").read_text())}
        told = (ROOT / "doc/api.md").read_text()
        kinds = {}
        for p in of_type("ApiGateway::GatewayResponse").values():
            kinds[p["ResponseType"]] = p
            header = {k.removeprefix("gatewayresponse.header."): v for k, v in p["ResponseParameters"].items()}
            self.assertEqual((header["Content-Type"], header["Access-Control-Allow-Origin"]), ("'application/problem+json'", "'*'"))
            body = json.loads(p["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"x"'))
            self.assertLessEqual({"type", "title", "code", "detail", "requestId"}, set(body))
            self.assertEqual((body["type"], str(body.get("status"))), ("/problems/" + body["code"].replace("_", "-"), p.get("StatusCode", "None")))
            self.assertTrue(f"`{body['code']}`" in told, body["code"])
            if not p["ResponseType"].startswith("DEFAULT"):
                self.assertEqual(body["title"], titles[body["code"]])
            if body["code"] not in ("gateway_refused", "gateway_failed", "deadline", "key_needed"):   # 504 and 403 are API Gateway's own
                self.assertEqual(body["status"], faults[body["code"]])
        self.assertLessEqual({"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED", "INVALID_API_KEY", "REQUEST_TOO_LARGE", "INTEGRATION_TIMEOUT"}, set(kinds))
        self.assertEqual(kinds["MISSING_AUTHENTICATION_TOKEN"]["StatusCode"], "404")

    def test_preflight_and_gateway_allow_the_same_headers(self):
        said = re.search(r'Access-Control-Allow-Headers"\), STR\("([^"]+)"', (ROOT / "src/api/cors.c").read_text()).group(1)
        for p in of_type("ApiGateway::GatewayResponse").values():
            self.assertEqual(p["ResponseParameters"]["gatewayresponse.header.Access-Control-Allow-Headers"], f"'{said}'")

    def test_the_deployment_snapshot_depends_on_every_method(self):
        wanted = set(of_type("ApiGateway::Method")) | set(of_type("ApiGateway::GatewayResponse"))
        self.assertEqual(set(R["Deployment"]["DependsOn"]), wanted)

    def test_stage_is_prod_and_throttled(self):
        p = R["Stage"]["Properties"]
        self.assertEqual((p["StageName"], T["Parameters"]["StageName"]["AllowedValues"]), ({"Ref": "StageName"}, ["prod"]))
        m, pictures = p["MethodSettings"]
        self.assertEqual((m["ResourcePath"], m["HttpMethod"]), ("/*", "*"))
        self.assertEqual(m["ThrottlingRateLimit"]["Fn::If"][2], {"Fn::FindInMap": ["Profiles", {"Ref": "Profile"}, "Rate"]})
        self.assertEqual((pictures["ResourcePath"], pictures["HttpMethod"]), ("/~1i~1{link+}", "GET"))
        rates = {name: value for name, value in T["Mappings"]["Profiles"]["free"].items() if name.endswith(("Rate", "Burst"))}
        self.assertEqual(rates, {"Rate": 10, "Burst": 20, "PictureRate": 50, "PictureBurst": 100})

    def test_access_logs_are_off_and_touch_no_setting_of_the_account(self):
        self.assertEqual(T["Parameters"]["AccessLogs"]["Default"], "off")
        self.assertEqual(R["Stage"]["Properties"]["AccessLogSetting"]["Fn::If"][0], "HasAccessLogs")
        self.assertNotIn("AWS::ApiGateway::Account", {r["Type"] for r in R.values()})
        self.assertNotIn("querystring", R["Stage"]["Properties"]["AccessLogSetting"]["Fn::If"][1]["Format"].lower())

    def test_only_this_api_may_call_the_functions(self):
        for p in of_type("Lambda::Permission").values():
            self.assertIn(":${Api}/*", p["SourceArn"]["Fn::Sub"])
            self.assertNotIn("SourceAccount", p, "nothing says that API Gateway sends it; the account is in the ARN")


class Alarms(unittest.TestCase):
    alarms = of_type("CloudWatch::Alarm")
    watched = {"Errors", "Throttles", "Duration", "4XXError", "5XXError", "ReadThrottleEvents", "WriteThrottleEvents",
               "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"}

    def in_profile(self, profile):
        return [a for k, a in self.alarms.items() if profile == "production" or R[k].get("Condition") != "IsProduction"]

    def test_everything_has_an_alarm_in_both_profiles(self):
        for profile, more in (("free", set()), ("production", {"Invocations"})):
            for thumbs in ("off", "on"):
                self.assertEqual({m["MetricName"] for a in self.in_profile(profile) for m in metrics(a, profile, thumbs)}, self.watched | more)

    def test_free_has_ten_alarms_and_ten_alarm_metrics_at_most(self):
        self.assertLessEqual(len(self.in_profile("free")), 10)
        for thumbs in ("off", "on"):
            self.assertLessEqual(sum(len(metrics(a, "free", thumbs)) for a in self.in_profile("free")), 10)

    def test_dead_letters_of_each_queue_raise_the_alarm(self):
        queues = [m["Dimensions"][0]["Value"]["Fn::GetAtt"][0] for m in metrics(self.alarms["DeadLettersAlarm"], "free")]
        self.assertEqual(queues, ["DeadLetterQueue", "ThumbDeadLetterQueue"])

    def test_production_has_alarms_for_each_function(self):
        for name in ("FunctionErrorsAlarm", "FunctionThrottlesAlarm", "FunctionDurationAlarm"):
            functions = [m["Dimensions"][0]["Value"]["Ref"] for m in metrics(self.alarms[name], "production")]
            # the sweep has a time limit of its own, and takes half of it when there is much to do
            self.assertEqual(set(functions), set(of_type("Lambda::Function")) - ({"SweepFunction"} if name == "FunctionDurationAlarm" else set()))

    def test_a_sweep_that_does_not_run_and_throttles_of_its_index_are_noticed(self):
        self.assertEqual([(m["MetricName"], m["Dimensions"][0]["Value"]) for m in metrics(self.alarms["SweepAlarm"], "production")], [("Invocations", {"Ref": "SweepFunction"})])
        self.assertEqual((self.alarms["SweepAlarm"]["TreatMissingData"], self.alarms["SweepAlarm"]["ComparisonOperator"]), ("breaching", "LessThanThreshold"))
        indexes = [d["Value"] for m in metrics(self.alarms["TableThrottlesAlarm"], "production") for d in m["Dimensions"] if d["Name"] == "GlobalSecondaryIndexName"]
        self.assertEqual(indexes, ["feed", "due"])

    def test_all_alarms_go_to_the_topic_and_from_there_to_the_mail_address(self):
        for name, a in self.alarms.items():
            self.assertEqual((a["AlarmActions"], a["TreatMissingData"]), ([{"Ref": "AlarmTopic"}], "breaching" if name == "SweepAlarm" else "notBreaching"), name)
        self.assertEqual(R["AlarmSubscription"]["Condition"], "HasEmail")
        self.assertEqual(R["AlarmSubscription"]["Properties"]["Endpoint"], {"Ref": "AlarmEmail"})

    def test_dashboard_is_json_of_at_most_fifty_metrics(self):
        body = json.loads(re.sub(r"\$\{[^}]+\}", "x", R["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]))
        self.assertLessEqual(sum(len(w["properties"]["metrics"]) for w in body["widgets"]), 50)

    def test_an_alarm_on_one_metric_is_plain(self):
        for name, a in self.alarms.items():
            for profile in ({"IsFree"}, {"IsProduction"}) if "Metrics" in a else ():
                expression, = [m["Expression"] for m in settle(a["Metrics"], profile) if "Expression" in m]
                self.assertIn("METRICS()", json.dumps(expression), name)


class Updates(unittest.TestCase):
    """What an update of one parameter makes CloudFormation replace, by the schemas of the types."""

    def test_what_would_be_replaced_is_refused_by_deploy(self):
        done = run(["node", "test/deploy/updates.mjs"], stdin=TEXT)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        replaced = json.loads(done.stdout)
        self.assertEqual(set(replaced), set(T["Parameters"]), "each parameter is changed once")
        harmless = {"AWS::SNS::Subscription"}   # a new one is confirmed by mail
        refused = set(re.search(r'^fixed="([\w ]+)"', (ROOT / "deploy/deploy.sh").read_text(), re.M).group(1).split())
        self.assertEqual({name for name, made in replaced.items() if {R[one]["Type"] for one in made} - harmless}, refused)
        self.assertEqual(replaced["TableName"], ["Table"])
        self.assertEqual(set(replaced["FunctionPrefix"]), {k for k, r in R.items() if r["Type"] == "AWS::Lambda::Function"} | {f"{k.removesuffix('Function')}LogGroup" for k in of_type("Lambda::Function")})


class Leaving(unittest.TestCase):
    def test_images_their_rows_and_their_owners_remain_when_the_stack_is_deleted_and_nothing_else(self):
        kept = {name: r["DeletionPolicy"] for name, r in R.items() if r.get("DeletionPolicy", "Delete") != "Delete"}
        self.assertEqual(kept, {name: "RetainExceptOnCreate" for name in ("Bucket", "Table", "UserPool")})

    def test_what_remains_tells_whose_it_is(self):
        for name in ("Bucket", "Table"):
            self.assertIn({"Key": "tintype:stack-id", "Value": {"Ref": "AWS::StackId"}}, R[name]["Properties"]["Tags"], name)

    def test_data_is_kept_when_an_update_replaces_a_resource(self):
        for name in ("Bucket", "Table"):
            self.assertEqual(R[name]["UpdateReplacePolicy"], "Retain")

    def test_outputs(self):
        self.assertLessEqual({"InvokeUrl", "BucketName", "TableName"}, set(T["Outputs"]))
        self.assertEqual(T["Outputs"]["InvokeUrl"]["Value"], {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${StageName}"})


if __name__ == "__main__":
    main()
