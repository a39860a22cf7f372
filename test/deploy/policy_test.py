"""deploy/deployer-policy.json: what a user needs who is no administrator. Each type of the template and each command of the scripts
has the actions that it takes; no account has ever confirmed the lists."""
import fnmatch
import json
import re
import unittest

from tap import ROOT, main, template

POLICY = json.loads((ROOT / "deploy/deployer-policy.json").read_text())
REST = "apigateway:POST apigateway:GET apigateway:PATCH apigateway:PUT apigateway:DELETE"
# What CloudFormation does as this user to create, read, change, tag and delete each type.
TYPES = {
    "S3::Bucket": "s3:CreateBucket s3:DeleteBucket s3:ListBucket s3:PutBucketTagging s3:GetBucketTagging s3:TagResource s3:PutBucketPublicAccessBlock s3:PutBucketOwnershipControls "
                  "s3:PutEncryptionConfiguration s3:PutBucketVersioning s3:PutBucketCORS s3:PutLifecycleConfiguration s3:PutBucketNotification s3:GetBucketNotification",
    "S3::BucketPolicy": "s3:PutBucketPolicy s3:GetBucketPolicy s3:DeleteBucketPolicy",
    "DynamoDB::Table": "dynamodb:CreateTable dynamodb:DescribeTable dynamodb:UpdateTable dynamodb:DeleteTable dynamodb:UpdateTimeToLive dynamodb:DescribeTimeToLive dynamodb:UpdateContinuousBackups "
                       "dynamodb:DescribeContinuousBackups dynamodb:TagResource dynamodb:UntagResource dynamodb:ListTagsOfResource",
    "Lambda::Function": "lambda:CreateFunction lambda:GetFunction lambda:GetFunctionConfiguration lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration lambda:DeleteFunction lambda:TagResource "
                        "lambda:ListTags iam:PassRole s3:GetObject",
    "Lambda::EventSourceMapping": "lambda:CreateEventSourceMapping lambda:GetEventSourceMapping lambda:UpdateEventSourceMapping lambda:DeleteEventSourceMapping",
    "Lambda::Permission": "lambda:AddPermission lambda:RemovePermission lambda:GetPolicy",
    "IAM::Role": "iam:CreateRole iam:GetRole iam:UpdateRole iam:UpdateAssumeRolePolicy iam:DeleteRole iam:PutRolePolicy iam:GetRolePolicy iam:DeleteRolePolicy iam:ListRolePolicies "
                 "iam:ListAttachedRolePolicies iam:TagRole iam:UntagRole",
    "Logs::LogGroup": "logs:CreateLogGroup logs:DescribeLogGroups logs:PutRetentionPolicy logs:DeleteLogGroup logs:TagResource logs:ListTagsForResource",
    "SQS::Queue": "sqs:CreateQueue sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SetQueueAttributes sqs:DeleteQueue sqs:TagQueue sqs:ListQueueTags",
    "SQS::QueuePolicy": "sqs:SetQueueAttributes sqs:GetQueueAttributes",
    "SNS::Topic": "sns:CreateTopic sns:GetTopicAttributes sns:SetTopicAttributes sns:DeleteTopic sns:TagResource sns:ListTagsForResource sns:ListSubscriptionsByTopic",
    "SNS::TopicPolicy": "sns:SetTopicAttributes sns:GetTopicAttributes",
    "SNS::Subscription": "sns:Subscribe sns:Unsubscribe sns:GetSubscriptionAttributes sns:SetSubscriptionAttributes",
    "CloudWatch::Alarm": "cloudwatch:PutMetricAlarm cloudwatch:DescribeAlarms cloudwatch:DeleteAlarms cloudwatch:TagResource cloudwatch:ListTagsForResource",
    "CloudWatch::Dashboard": "cloudwatch:PutDashboard cloudwatch:GetDashboard cloudwatch:DeleteDashboards",
    "Scheduler::Schedule": "scheduler:CreateSchedule scheduler:GetSchedule scheduler:UpdateSchedule scheduler:DeleteSchedule iam:PassRole",
    "Cognito::UserPool": "cognito-idp:CreateUserPool cognito-idp:DescribeUserPool cognito-idp:UpdateUserPool cognito-idp:DeleteUserPool cognito-idp:GetUserPoolMfaConfig cognito-idp:SetUserPoolMfaConfig "
                         "cognito-idp:TagResource cognito-idp:UntagResource cognito-idp:ListTagsForResource",
    "Cognito::UserPoolClient": "cognito-idp:CreateUserPoolClient cognito-idp:DescribeUserPoolClient cognito-idp:UpdateUserPoolClient cognito-idp:DeleteUserPoolClient",
    "Cognito::UserPoolDomain": "cognito-idp:CreateUserPoolDomain cognito-idp:DescribeUserPoolDomain cognito-idp:UpdateUserPoolDomain cognito-idp:DeleteUserPoolDomain",
    "Cognito::UserPoolGroup": "cognito-idp:CreateGroup cognito-idp:GetGroup cognito-idp:UpdateGroup cognito-idp:DeleteGroup",
    "Cognito::UserPoolResourceServer": "cognito-idp:CreateResourceServer cognito-idp:DescribeResourceServer cognito-idp:UpdateResourceServer cognito-idp:DeleteResourceServer",
    **{f"CloudFront::{name}": " ".join(f"cloudfront:{verb}{name}" for verb in ("Create", "Get", "Update", "Delete")) for name in ("OriginAccessControl", "PublicKey", "KeyGroup", "CachePolicy", "ResponseHeadersPolicy")},
    "CloudFront::Distribution": "cloudfront:CreateDistribution cloudfront:GetDistribution cloudfront:UpdateDistribution cloudfront:DeleteDistribution cloudfront:TagResource cloudfront:ListTagsForResource",
    **{f"ApiGateway::{name}": REST for name in ("RestApi", "Resource", "Method", "GatewayResponse", "Deployment", "Stage", "ApiKey", "UsagePlan", "UsagePlanKey")},
}
# Commands of the AWS CLI whose permission has another name.
COMMANDS = {
    "s3api head-bucket": "s3:ListBucket", "s3api list-objects-v2": "s3:ListBucket", "s3api list-object-versions": "s3:ListBucketVersions", "s3api list-buckets": "s3:ListAllMyBuckets",
    "s3api list-multipart-uploads": "s3:ListBucketMultipartUploads", "s3api delete-objects": "s3:DeleteObject", "s3api put-public-access-block": "s3:PutBucketPublicAccessBlock",
    "s3 sync": "s3:PutObject", "s3 rm": "s3:DeleteObject",
    "lambda list-tags": "lambda:ListTags", "budgets describe-budget": "budgets:ViewBudget", "budgets create-budget": "budgets:ModifyBudget", "budgets delete-budget": "budgets:ModifyBudget",
    "budgets describe-subscribers-for-notification": "budgets:ViewBudget", "service-quotas request-service-quota-increase": "servicequotas:RequestServiceQuotaIncrease",
    "lambda invoke": "lambda:InvokeFunction", "logs tail": "logs:FilterLogEvents", "s3api get-public-access-block": "s3:GetBucketPublicAccessBlock",
    "cognito-idp initiate-auth": None,   # needs no credentials
    "wafv2 create-web-acl": None,        # for those who want one
    "dynamodb wait": "dynamodb:DescribeTable", "cloudformation wait": "cloudformation:DescribeStacks", "sts get-caller-identity": None,
}


def allowed(action):
    return any(fnmatch.fnmatchcase(action, pattern) for s in POLICY["Statement"] for pattern in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"]))


def action_of(command):
    service, operation = command.split()
    name = "".join(word.capitalize() for word in operation.split("-"))
    return COMMANDS[command] if command in COMMANDS else REST.split()[0] if service == "apigateway" else f"{service.replace('s3api', 's3')}:{name}"


class Policy(unittest.TestCase):
    def test_each_type_of_the_template_can_be_made_changed_and_deleted(self):
        types = {r["Type"].removeprefix("AWS::") for r in template()["Resources"].values()}
        self.assertEqual(types - set(TYPES), set(), "give the actions of these types in TYPES, and in deploy/deployer-policy.json")
        for name in types:
            for action in TYPES[name].split():
                self.assertTrue(allowed(action), f"{name}: {action}")

    def test_each_command_of_the_scripts_is_allowed(self):
        text = "\n".join(f.read_text() for f in (ROOT / "deploy").glob("*.sh"))
        text = re.sub(r"^\s*#.*|printf '.*|expect .*|say .*", "", text, flags=re.M)
        commands = {" ".join(found) for found in re.findall(r'(?:\bcall|\bfound|\blist=\(|--region "\$region"|\blist_kind "?[\w ]+"? [\w:]+) ?([a-z0-9]+(?:-idp)?) ([a-z0-9-]+)', text)}
        self.assertGreaterEqual(len(commands), 50)
        self.assert_allowed(commands)

    def assert_allowed(self, commands):
        for command in commands:
            action = action_of(command)
            self.assertTrue(action is None or allowed(action), f"{command}: {action}")

    def test_so_is_what_the_scripts_print_and_what_the_documents_have(self):
        scripts = re.sub(r"^\s*#.*", "", "\n".join(f.read_text() for f in (ROOT / "deploy").glob("*.sh")), flags=re.M)
        documents = "\n".join((ROOT / f"doc/{name}.md").read_text() for name in ("deploy", "troubleshooting", "acceptance", "auth", "delivery"))
        found = re.findall(r"""\bask(?:_secret \w+ '[^']*')? ([a-z0-9]+(?:-idp)?) ([a-z0-9-]+)""", scripts) + re.findall(r"\baws ([a-z0-9]+(?:-[a-z]+)?) ([a-z0-9-]+) ", documents + scripts)
        commands = {" ".join(one) for one in found if one[0] not in ("configure", "for")}
        self.assertGreaterEqual(len(commands), 50)
        self.assert_allowed(commands)

    def test_it_is_one_managed_policy_and_passes_roles_to_functions_only(self):
        self.assertLessEqual(len(re.sub(r"\s", "", json.dumps(POLICY))), 6144)
        passing, = [s for s in POLICY["Statement"] if "iam:PassRole" in s["Action"]]
        self.assertIn("iam:PassedToService", passing["Condition"]["StringEquals"])
        for s in POLICY["Statement"]:
            self.assertNotIn("*", s["Action"])
            self.assertFalse([a for a in s["Action"] if a.endswith(":*")])


if __name__ == "__main__":
    main()
