/* The chain: which place wins, what each may say, and that what expires is refreshed in time by one
 * thread. Endpoints are a scripted server on loopback. */
#include "aws/surroundings.h"
#include "temp.h"

#include "aws/credentials.h"
#include "aws/sources.h"
#include "base/clock.h"
#include "base/log/log.h"
#include "fake/http_server.h"

#define NOW_MS 1700000000000 /* 2023-11-14T22:13:20Z */

static struct arena arena;
static struct fault why;

static int set_up(void **state)
{
	arena_init(&arena, 8u << 20);
	why = (struct fault){ 0 };
	return surroundings_clear(state);
}

static int tear_down(void **state)
{
	arena_deinit(&arena);
	return 0;
}

/* What a fresh chain gives now. */
static enum status ask(struct aws_credentials *out)
{
	struct aws_chain *chain = aws_chain_new();
	enum status st = aws_chain_get(chain, NOW_MS, &arena, out, &why);
	aws_chain_free(&chain);
	assert_null(chain);
	return st;
}

static void assert_key(const char *id)
{
	struct aws_credentials c;
	if (ask(&c) != OK)
		fail_msg("%s", why.text);
	assert_str(c.access_key, str_of(id));
}

static void assert_refused(const char *says)
{
	struct aws_credentials c;
	assert_int_equal(ask(&c), UPSTREAM);
	if (strstr(why.text, says) == NULL)
		fail_msg("\"%s\" is not in: %s", says, why.text);
}

/* the environment and the files */

static void test_chain_when_there_are_no_credentials_then_the_places_are_named(void **state)
{
	assert_refused("no AWS credentials found");
	assert_non_null(strstr(why.text, "environment"));
	assert_non_null(strstr(why.text, "metadata"));
}

static void test_environment_when_whole_then_it_wins_and_half_or_expired_is_refused(void **state)
{
	struct aws_credentials c;
	surroundings_give_keys("AKIDENV", "secret", "token");
	assert_int_equal(ask(&c), OK);
	assert_str(c.access_key, STR("AKIDENV"));
	assert_str(c.secret, STR("secret"));
	assert_str(c.session_token, STR("token"));
	assert_int_equal(c.expires_ms, 0);
	setenv("AWS_CREDENTIAL_EXPIRATION", "2023-11-14T23:13:20Z", 1);
	assert_int_equal(ask(&c), OK);
	assert_int_equal(c.expires_ms, NOW_MS + 3600000);
	setenv("AWS_CREDENTIAL_EXPIRATION", "2023-11-14T22:13:20Z", 1);
	assert_refused("expired");
	setenv("AWS_CREDENTIAL_EXPIRATION", "soon", 1);
	assert_refused("AWS_CREDENTIAL_EXPIRATION");
	unsetenv("AWS_CREDENTIAL_EXPIRATION");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	assert_refused("only one is set");
}

struct files {
	char dir[TEMP_PATH_MAX];
};

static void write_files(struct files *f, const char *credentials, const char *config)
{
	temp_make(f->dir);
	setenv("AWS_SHARED_CREDENTIALS_FILE", temp_path(f->dir, "credentials"), 1);
	setenv("AWS_CONFIG_FILE", temp_path(f->dir, "config"), 1);
	if (credentials != NULL)
		temp_write(temp_path(f->dir, "credentials"), str_of(credentials));
	if (config != NULL)
		temp_write(temp_path(f->dir, "config"), str_of(config));
}

#define KEYS(id) "aws_access_key_id = " id "\naws_secret_access_key = s\n"

static void test_files_when_a_profile_is_named_then_that_one_else_default(void **state)
{
	struct files f;
	write_files(
		&f, "[default]\n" KEYS("AKIDDEF") "[work]\n" KEYS("AKIDWORK"), "[profile far]\n" KEYS("AKIDFAR") "[profile role]\nrole_arn = x\n");
	assert_key("AKIDDEF");
	setenv("AWS_PROFILE", "work", 1);
	assert_key("AKIDWORK");
	setenv("AWS_PROFILE", "far", 1);
	assert_key("AKIDFAR");
	setenv("AWS_PROFILE", "role", 1);
	assert_refused("role has no access key");
	setenv("AWS_PROFILE", "unknown", 1);
	assert_refused("unknown is in no file");
	surroundings_give_keys("AKIDENV", "s", "");
	assert_key("AKIDENV");
	temp_remove(f.dir);
}

static void test_files_when_only_home_is_set_then_found_there(void **state)
{
	struct files f;
	char *home = getenv("HOME") != NULL ? strdup(getenv("HOME")) : NULL;
	write_files(&f, NULL, NULL);
	unsetenv("AWS_SHARED_CREDENTIALS_FILE");
	setenv("HOME", f.dir, 1);
	assert_int_equal(mkdir(temp_path(f.dir, ".aws"), 0700), 0);
	temp_write(temp_path(f.dir, ".aws/credentials"), STR("[default]\n" KEYS("AKIDHOME")));
	assert_key("AKIDHOME");
	if (home != NULL)
		setenv("HOME", home, 1);
	free(home);
	temp_remove(f.dir);
}

static void test_files_when_malformed_or_half_then_refused_and_the_path_is_for_the_log(void **state)
{
	struct files f;
	write_files(&f, "[default]\naws_access_key_id\n", NULL);
	assert_refused("line 2");
	assert_null(strstr(why.text, f.dir));
	assert_non_null(strstr(why.cause, f.dir));
	temp_write(temp_path(f.dir, "credentials"), STR("[default]\naws_access_key_id = AKID\n"));
	assert_refused("only one of");
	assert_int_equal(unlink(temp_path(f.dir, "credentials")), 0);
	assert_int_equal(mkdir(temp_path(f.dir, "credentials"), 0700), 0);
	assert_refused("cannot be read");
	temp_remove(f.dir);
}

static void test_region_when_set_in_several_places_then_in_order(void **state)
{
	struct files f;
	write_files(&f, "[default]\nregion = from-credentials\n", "[default]\nregion = from-config\n");
	assert_str(aws_region(&arena), STR("from-config"));
	setenv("AWS_DEFAULT_REGION", "third", 1);
	assert_str(aws_region(&arena), STR("third"));
	setenv("AWS_REGION", "second", 1);
	assert_str(aws_region(&arena), STR("second"));
	setenv("REGION", "first", 1);
	assert_str(aws_region(&arena), STR("first"));
	temp_remove(f.dir);
	assert_int_equal(surroundings_clear(state), 0);
	assert_str(aws_region(&arena), STR(""));
}

/* the container's endpoint and the metadata service */

struct endpoint {
	struct fake_http http;
	atomic_uint requests;
	atomic_uint documents; /* given out so far: AKID1, AKID2, ... */
	const char *expiration;
	const char *document; /* in place of the usual one */
	const char *status;   /* of the document */
	const char *role;     /* "": the instance has none */
	bool no_token;        /* the first version of the metadata service */
	const char *expects;  /* a header line that the document's request must have */
	atomic_bool broken;
};

static void answer_document(int fd, struct endpoint *e, struct str request)
{
	char text[512];
	if (e->expects != NULL && str_find(request, str_of(e->expects)) == request.n) {
		fake_http_answer(fd, "401 Unauthorized", "", STR(""));
		return;
	}
	(void)snprintf(text, sizeof text,
		"{\"Code\":\"Success\",\"AccessKeyId\":\"AKID%u\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"%s\"}",
		atomic_fetch_add(&e->documents, 1) + 1, e->expiration);
	fake_http_answer(fd, e->status, "", str_of(e->document != NULL ? e->document : text));
}

static void serve_endpoint(int fd, unsigned nth, void *arg)
{
	struct endpoint *e = arg;
	struct buf request;
	buf_init(&request, 1 << 20);
	while (!atomic_load(&e->broken) && fake_http_read(fd, &request)) {
		struct str r = buf_str(&request);
		atomic_fetch_add(&e->requests, 1);
		bool token = str_starts_with(r, STR("PUT /latest/api/token "));
		bool roles = str_starts_with(r, STR("GET /latest/meta-data/iam/security-credentials/ "));
		if (token && (e->no_token || str_find(r, STR("token-ttl-seconds: 21600")) == r.n))
			fake_http_answer(fd, "403 Forbidden", "", STR(""));
		else if (token)
			fake_http_answer(fd, "200 OK", "", STR("the-token"));
		else if (roles)
			fake_http_answer(fd, e->role[0] != '\0' ? "200 OK" : "404 Not Found", "", str_of(e->role));
		else
			answer_document(fd, e, r);
	}
	buf_deinit(&request);
}

static void start_endpoint(struct endpoint *e)
{
	*e = (struct endpoint){ .expiration = "2023-11-14T23:13:20Z", .status = "200 OK", .role = "the-role\n" };
	fake_http_start(&e->http, serve_endpoint, e);
}

static void use_container(struct endpoint *e)
{
	char url[128];
	(void)snprintf(url, sizeof url, "%s/v1/credentials", e->http.url);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
}

static void test_container_when_it_answers_then_credentials_with_expiry(void **state)
{
	struct endpoint e;
	struct aws_credentials c;
	start_endpoint(&e);
	use_container(&e);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc", 1);
	e.expects = "Authorization: Basic abc\r\n";
	assert_int_equal(ask(&c), OK);
	assert_str(c.access_key, STR("AKID1"));
	assert_str(c.session_token, STR("t"));
	assert_int_equal(c.expires_ms, NOW_MS + 3600000);
	fake_http_stop(&e.http);
}

static void test_container_when_token_is_in_a_file_then_the_file_wins(void **state)
{
	struct endpoint e;
	struct files f;
	start_endpoint(&e);
	use_container(&e);
	write_files(&f, NULL, NULL);
	temp_write(temp_path(f.dir, "token"), STR("from-the-file\n"));
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "no", 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", temp_path(f.dir, "token"), 1);
	e.expects = "Authorization: from-the-file\r\n";
	assert_key("AKID1");
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", temp_path(f.dir, "none"), 1);
	assert_refused("does not name a file with a token");
	temp_remove(f.dir);
	fake_http_stop(&e.http);
}

static void test_container_when_its_response_is_invalid_then_refused(void **state)
{
	static const struct {
		const char *status, *document, *says;
	} rows[] = { { "500 No", "x", "answered 500" }, { "302 Found", "", "answered 302" }, { "200 OK", "not json", "no AccessKeyId" },
		{ "200 OK", "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}", "did not answer with success" },
		{ "200 OK", "{\"AccessKeyId\":\"A\"}", "no AccessKeyId and" },
		{ "200 OK", "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Expiration\":\"never\"}", "Expiration" },
		{ "200 OK", "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Expiration\":\"2023-11-14T22:13:19Z\"}", "expired" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct endpoint e;
		start_endpoint(&e);
		e.status = rows[i].status;
		e.document = rows[i].document;
		use_container(&e);
		assert_refused(rows[i].says);
		fake_http_stop(&e.http);
	}
}

static void test_container_when_plain_http_to_another_machine_then_never_called(void **state)
{
	static const char *const bad[] = {
		"http://10.0.0.1/",
		"http://169.254.169.254/",
		"http://169.254.170.3/",
		"http://127.0.0.1.example.com/",
		"http://127.0.0.1@10.0.0.1/",
		"http://localhost.example.com/",
		"http://[fe80::1]/",
		"http://169.254.170.23.example/",
		"ftp://127.0.0.1/",
		"http://2130706433/",
		"http://",
		"127.0.0.1",
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", bad[i], 1);
		assert_refused("must be https");
	}
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@10.0.0.1/", 1);
	assert_refused("does not begin with '/'");
}

static void test_container_when_no_one_listens_then_refused(void **state)
{
	struct endpoint e;
	start_endpoint(&e);
	use_container(&e);
	fake_http_stop(&e.http);
	assert_refused("the container's credentials endpoint: cannot connect");
}

static void use_instance(struct endpoint *e)
{
	unsetenv("AWS_EC2_METADATA_DISABLED");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", e->http.url, 1);
}

static void test_instance_when_it_has_a_role_then_its_credentials_by_token(void **state)
{
	struct endpoint e;
	start_endpoint(&e);
	use_instance(&e);
	e.expects = "X-aws-ec2-metadata-token: the-token\r\n";
	assert_key("AKID1");
	assert_int_equal(atomic_load(&e.requests), 3);
	assert_int_equal(atomic_load(&e.http.n), 1);
	setenv("AWS_EC2_METADATA_DISABLED", "True", 1);
	assert_refused("no AWS credentials found");
	assert_int_equal(atomic_load(&e.requests), 3);
	fake_http_stop(&e.http);
}

static void test_instance_when_no_role_no_second_version_or_no_one_then_none(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct endpoint e;
		start_endpoint(&e);
		use_instance(&e);
		e.role = i == 0 ? "" : "role";
		e.no_token = i == 1;
		if (i == 2)
			fake_http_stop(&e.http);
		assert_refused("no AWS credentials found");
		assert_int_equal(atomic_load(&e.documents), 0);
		if (i != 2)
			fake_http_stop(&e.http);
	}
}

/* keeping and fetching again */

static void test_chain_when_requested_again_then_kept_until_shortly_before_the_end(void **state)
{
	struct endpoint e;
	struct aws_credentials c;
	start_endpoint(&e);
	use_container(&e);
	struct aws_chain *chain = aws_chain_new();
	for (int i = 0; i < 3; i++)
		assert_int_equal(aws_chain_get(chain, NOW_MS + i * 1000000, &arena, &c, &why), OK);
	assert_str(c.access_key, STR("AKID1"));
	assert_int_equal(atomic_load(&e.documents), 1);
	e.expiration = "2023-11-15T23:13:20Z";
	assert_int_equal(aws_chain_get(chain, NOW_MS + 3400000, &arena, &c, &why), OK);
	assert_str(c.access_key, STR("AKID2"));
	assert_int_equal(c.expires_ms, NOW_MS + 25 * 3600000);
	aws_chain_free(&chain);
	fake_http_stop(&e.http);
}

static void test_chain_when_refreshing_fails_then_the_old_ones_while_valid_and_then_the_fault(void **state)
{
	struct endpoint e;
	struct aws_credentials c;
	start_endpoint(&e);
	use_container(&e);
	struct aws_chain *chain = aws_chain_new();
	assert_int_equal(aws_chain_get(chain, NOW_MS, &arena, &c, &why), OK);
	atomic_store(&e.broken, true);
	for (int i = 0; i < 5; i++)
		assert_int_equal(aws_chain_get(chain, NOW_MS + 3400000 + i, &arena, &c, &why), OK);
	assert_str(c.access_key, STR("AKID1"));
	/* Once at first, once for the five: the rest did not ask. */
	assert_int_equal(atomic_load(&e.http.n), 2);
	assert_int_equal(aws_chain_get(chain, NOW_MS + 3600000, &arena, &c, &why), UPSTREAM);
	unsigned tried = atomic_load(&e.http.n);
	assert_int_equal(aws_chain_get(chain, NOW_MS + 3600001, &arena, &c, &why), UPSTREAM);
	assert_non_null(strstr(why.text, "container"));
	assert_int_equal(atomic_load(&e.http.n), tried);
	atomic_store(&e.broken, false);
	e.expiration = "2023-11-15T23:13:20Z";
	assert_int_equal(aws_chain_get(chain, NOW_MS + 3602000, &arena, &c, &why), OK);
	assert_str(c.access_key, STR("AKID2"));
	aws_chain_free(&chain);
	fake_http_stop(&e.http);
}

static void test_chain_when_the_credentials_are_refused_then_fetched_again_but_not_at_once(void **state)
{
	struct endpoint e;
	struct aws_credentials c;
	(void)state;
	start_endpoint(&e);
	use_container(&e);
	struct aws_chain *chain = aws_chain_new();
	assert_int_equal(aws_chain_get(chain, NOW_MS, &arena, &c, &why), OK);
	assert_false(aws_chain_refuse(chain, STR("AKID1"), NOW_MS + 1)); /* just fetched */
	assert_true(aws_chain_refuse(chain, STR("AKID0"), NOW_MS + 1));  /* others by now */
	assert_int_equal(aws_chain_get(chain, NOW_MS + 2, &arena, &c, &why), OK);
	assert_str(c.access_key, STR("AKID1"));
	assert_true(aws_chain_refuse(chain, STR("AKID1"), NOW_MS + 60000));
	atomic_store(&e.broken, true);
	assert_int_equal(aws_chain_get(chain, NOW_MS + 60001, &arena, &c, &why), UPSTREAM); /* what was refused is not given again */
	atomic_store(&e.broken, false);
	assert_int_equal(aws_chain_get(chain, NOW_MS + 62000, &arena, &c, &why), OK);
	assert_str(c.access_key, STR("AKID2"));
	aws_chain_free(&chain);
	fake_http_stop(&e.http);
}

struct asker {
	struct aws_chain *chain;
	enum status st;
	pthread_t thread;
};

static void *ask_once(void *arg)
{
	struct asker *k = arg;
	struct arena a;
	struct aws_credentials c;
	arena_init(&a, 1 << 20);
	k->st = aws_chain_get(k->chain, NOW_MS, &a, &c, NULL);
	arena_deinit(&a);
	return NULL;
}

static void test_chain_when_many_ask_at_once_then_one_fetches(void **state)
{
	struct endpoint e;
	struct asker askers[8];
	start_endpoint(&e);
	use_container(&e);
	struct aws_chain *chain = aws_chain_new();
	for (size_t i = 0; i < COUNT_OF(askers); i++) {
		askers[i] = (struct asker){ .chain = chain };
		assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_once, &askers[i]), 0);
	}
	for (size_t i = 0; i < COUNT_OF(askers); i++) {
		pthread_join(askers[i].thread, NULL);
		assert_int_equal(askers[i].st, OK);
	}
	assert_int_equal(atomic_load(&e.documents), 1);
	aws_chain_free(&chain);
	fake_http_stop(&e.http);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_chain_when_there_are_no_credentials_then_the_places_are_named),
		TEST(test_environment_when_whole_then_it_wins_and_half_or_expired_is_refused),
		TEST(test_files_when_a_profile_is_named_then_that_one_else_default),
		TEST(test_files_when_only_home_is_set_then_found_there),
		TEST(test_files_when_malformed_or_half_then_refused_and_the_path_is_for_the_log),
		TEST(test_region_when_set_in_several_places_then_in_order),
		TEST(test_container_when_it_answers_then_credentials_with_expiry),
		TEST(test_container_when_token_is_in_a_file_then_the_file_wins),
		TEST(test_container_when_its_response_is_invalid_then_refused),
		TEST(test_container_when_plain_http_to_another_machine_then_never_called),
		TEST(test_container_when_no_one_listens_then_refused),
		TEST(test_instance_when_it_has_a_role_then_its_credentials_by_token),
		TEST(test_instance_when_no_role_no_second_version_or_no_one_then_none),
		TEST(test_chain_when_requested_again_then_kept_until_shortly_before_the_end),
		TEST(test_chain_when_refreshing_fails_then_the_old_ones_while_valid_and_then_the_fault),
		TEST(test_chain_when_the_credentials_are_refused_then_fetched_again_but_not_at_once),
		TEST(test_chain_when_many_ask_at_once_then_one_fetches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
