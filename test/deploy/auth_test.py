"""Users of a stack on the AWS emulator (test/cloud/): deploy.sh --auth, the administrator's key, and their removal."""
import re
import shlex
import unittest

from tap import main, run
from fixture import ACCOUNT, REGION, Fixture, Scripts

PARAMETER = "/tintype/tintype/admin-key"


def setUpModule():
    global fixture
    fixture = Fixture()
    unittest.addModuleCleanup(fixture.close)


class Journey(Scripts):
    """The life cycle of one stack; the tests run in the order of their names and each continues from the last."""

    def deploy(self, *arguments):
        return fixture.script("deploy", "--region", REGION, "--zip", fixture.zip, *arguments)

    def variables(self, name):
        return fixture.client("lambda").get_function_configuration(FunctionName=f"Image{name}Handler")["Environment"]["Variables"]

    def key(self):
        return fixture.client("ssm").get_parameter(Name=PARAMETER, WithDecryption=True)["Parameter"]

    def test_1_deploy_makes_pool_client_domain_and_key_and_prints_how_to_make_the_first_user(self):
        said = self.good(self.deploy("--auth", "cognito", "Profile=production", "CallbackUrls=https://photos.example/,http://localhost:8080/"))
        pool, = fixture.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"]
        issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{pool['Id']}"
        for name in ("Upload", "List", "Manage"):
            v = self.variables(name)
            self.assertEqual((v["TINTYPE_OIDC_ISSUER"], v["TINTYPE_OIDC_ADMIN"], v["TINTYPE_ACCESS"], v["TINTYPE_UPLOAD"], v["TINTYPE_API_KEY_PARAMETER"]), (issuer, "/cognito:groups=admins", "user", "user", PARAMETER))
            self.assertNotIn("TINTYPE_API_KEY", v)
        for name in ("Delivery", "Event", "Sweep"):
            self.assertFalse([one for one in self.variables(name) if one.startswith(("TINTYPE_OIDC", "TINTYPE_API_KEY"))])
        client = self.variables("Upload")["TINTYPE_OIDC_CLIENT_ID"]
        of = f"--region {REGION} --user-pool-id {pool['Id']} "
        for command in (f"admin-create-user {of}--username", f"admin-add-user-to-group {of}--username you@example.org --group-name admins", f"admin-set-user-password {of}"):
            self.assertIn(f"  aws cognito-idp {command}", said)
        self.assertNotIn("USER_PASSWORD_AUTH", said, "in production nobody signs in by password alone")
        self.assertNotIn("x-api-key", said)
        key = self.key()
        self.assertEqual(key["Type"], "SecureString")
        self.assertRegex(key["Value"], "^[0-9a-f]{48}$")
        self.assertNotIn(key["Value"], said)
        self.assertIn(f"aws ssm get-parameter --region {REGION} --name {PARAMETER} --with-decryption", said)
        self.assertTrue(client)
        self.assertEqual(fixture.client("apigateway").get_api_keys()["items"], [], "no gateway's key is asked for")

    def test_2_deploy_again_keeps_the_key_and_refuses_another_pool(self):
        before = self.key()
        said = self.good(self.deploy("Profile=free", "AnonymousUpload=on"))
        self.assertEqual(self.key(), before)
        self.assertIn(f"initiate-auth --region {REGION} --client-id {self.variables('Upload')['TINTYPE_OIDC_CLIENT_ID']} --auth-flow USER_PASSWORD_AUTH", said)
        self.assertEqual((self.variables("Upload")["TINTYPE_UPLOAD"], self.variables("List")["TINTYPE_ACCESS"]), ("open", "user"))
        said = self.good(self.deploy("TokenScopes=tintype/*"))
        self.assertNotIn("USER_PASSWORD_AUTH", said, "tokens by a password have no scopes, so that every call would be refused")
        self.assertEqual({self.variables(name)["TINTYPE_OIDC_SCOPES"] for name in ("Upload", "List", "Manage")}, {"tintype/*"})
        self.bad(self.deploy(f"UserPoolArn=arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{REGION}_other"), "cannot be changed while Auth=cognito")
        self.bad(self.deploy("AuthDomainPrefix=other"), "has one domain")

    def test_3_a_key_that_is_missing_is_refused_and_not_replaced(self):
        value = self.key()["Value"]
        fixture.client("ssm").delete_parameter(Name=PARAMETER)
        self.bad(self.deploy("MaxSize=1000000"), f"the parameter '{PARAMETER}', which is to hold the administrator's key, is not in {REGION}")
        fixture.client("ssm").put_parameter(Name=PARAMETER, Value=value, Type="SecureString")

    def test_4_what_does_not_go_together_is_refused(self):
        self.bad(self.deploy("--auth", "oidc"), "Auth=oidc needs OidcIssuer.")
        self.bad(self.deploy("OidcIssuer=https://id.example/"), "OidcIssuer is for Auth=oidc.")
        self.bad(self.deploy("--auth", "ldap"), "Auth")

    def test_5_destroy_removes_domain_pool_and_key(self):
        pool, = fixture.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"]
        fixture.client("cognito-idp").update_user_pool(UserPoolId=pool["Id"], DeletionProtection="ACTIVE")
        done = fixture.script("destroy", "--region", REGION, "--yes")
        said = self.good(done)
        self.assertIn(f"user pool {pool['Id']}, with all users", said)
        self.assertIn("Nothing of the stack 'tintype' is left", said)
        self.assertEqual(fixture.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"], [])
        self.assertEqual(fixture.client("ssm").describe_parameters()["Parameters"], [])

    def delete_in_console(self):
        """Leaves the pool, whose id it returns."""
        cloud = fixture.client("cloudformation")
        cloud.delete_stack(StackName="tintype")
        cloud.get_waiter("stack_delete_complete").wait(StackName="tintype", WaiterConfig={"Delay": 1})
        pool, = fixture.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"]
        return pool["Id"]

    def destroy(self, pool):
        self.assertIn(f"user pool {pool}, with all users", self.good(fixture.script("destroy", "--region", REGION, "--yes")))
        self.assertEqual(fixture.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"], [])
        self.assertEqual(fixture.client("ssm").describe_parameters()["Parameters"], [])

    def test_6_destroy_finds_the_pool_of_a_stack_that_was_deleted_in_the_console(self):
        self.good(self.deploy("--auth", "cognito"))
        self.destroy(self.delete_in_console())

    def test_7_so_does_a_stack_that_has_taken_it_up(self):
        self.good(self.deploy("--auth", "cognito"))
        pool = self.delete_in_console()
        refusal = self.deploy()
        self.bad(refusal, "taken by what an earlier stack left")
        for line in re.findall(r"^  (aws .*)$", refusal.stderr, re.M):
            self.good(run(["aws", "--endpoint-url", fixture.url, *shlex.split(line)[1:]], fixture.env))
        again, = re.findall(r"^  deploy/deploy\.sh (.*)$", refusal.stderr, re.M)
        self.good(fixture.script("deploy", *shlex.split(again), "--zip", fixture.zip))
        self.assertEqual(self.variables("List")["TINTYPE_OIDC_ISSUER"], f"https://cognito-idp.{REGION}.amazonaws.com/{pool}")
        self.assertEqual([id for _, id in fixture.things("Cognito::UserPoolDomain")], [f"tintype-{ACCOUNT}"])
        self.destroy(pool)


if __name__ == "__main__":
    main()
