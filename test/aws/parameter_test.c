/* Reading a parameter from a service that answers as AWS Systems Manager does: what is sent, what is given, and what a failure says. */
#include "aws/one_answer.h"
#include "aws/surroundings.h"

#include "aws/parameter.h"

#include <stdio.h>
#include <string.h>

struct fixture {
	struct one_answer http;
	struct aws_chain *chain;
	struct aws_service *service;
	struct arena a;
	struct fault why;
	struct str value;
};

static void start(struct fixture *f, const char *status, const char *body)
{
	assert_int_equal(surroundings_clear(NULL), 0);
	surroundings_give_keys("AKIDEXAMPLE", "secret", "the-session-token");
	*f = (struct fixture){ 0 };
	one_answer_start(&f->http, status, body);
	arena_init(&f->a, 16u << 20);
	f->chain = aws_chain_new();
	const struct aws_service_options o = {
		.service = STR("ssm"), .region = STR("eu-west-1"), .endpoint = str_of(f->http.server.url), .chain = f->chain
	};
	f->service = aws_service_new(&o);
	assert_non_null(f->service);
}

static void stop(struct fixture *f)
{
	aws_service_free(&f->service);
	aws_chain_free(&f->chain);
	one_answer_stop(&f->http);
	arena_deinit(&f->a);
}

static enum status get(struct fixture *f)
{
	return aws_parameter_get(f->service, STR("/tintype/a/key"), &f->a, &f->value, &f->why);
}

static void assert_sent(const struct fixture *f, const char *part)
{
	struct str all = buf_str(&f->http.last);
	assert_true(str_find(all, str_of(part)) < all.n);
}

static void test_get_when_there_then_its_value_is_given(void **state)
{
	struct fixture f;
	(void)state;
	start(&f, "200 OK",
		"{\"Parameter\":{\"Name\":\"/tintype/a/key\",\"Type\":\"SecureString\",\"Value\":\"a secret of ours\",\"Version\":1}}");
	assert_int_equal(get(&f), OK);
	assert_str(f.value, STR("a secret of ours"));
	assert_sent(&f, "x-amz-target: AmazonSSM.GetParameter\r\n");
	assert_sent(&f, "/eu-west-1/ssm/aws4_request");
	assert_sent(&f, "{\"Name\":\"/tintype/a/key\",\"WithDecryption\":true}");
	stop(&f);
}

static void test_get_when_refused_then_the_cause_has_the_service_s_words(void **state)
{
	static const char *const bodies[] = { "{\"__type\":\"ParameterNotFound\"}",
		"{\"__type\":\"AccessDeniedException\",\"Message\":\"not authorized to perform: ssm:GetParameter\"}" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct fixture f;
		start(&f, "400 Bad Request", bodies[i]);
		assert_int_equal(get(&f), UPSTREAM);
		assert_string_equal(f.why.text, "The parameter /tintype/a/key cannot be read.");
		assert_non_null(strstr(f.why.cause, i == 0 ? "ParameterNotFound" : "AccessDeniedException"));
		stop(&f);
	}
}

static void test_get_when_the_answer_has_no_value_then_nothing_of_it_is_quoted(void **state)
{
	static const char *const bodies[] = { "", "[]", "{\"Parameter\":{\"Value\":\"\"}}", "{\"Parameter\":{\"Value\":7}}",
		"{\"Parameter\":{\"Value\":\"half of a secre" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct fixture f;
		start(&f, "200 OK", bodies[i]);
		assert_int_equal(get(&f), UPSTREAM);
		assert_string_equal(f.why.cause, "SSM GetParameter: the answer has no value");
		stop(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get_when_there_then_its_value_is_given),
		cmocka_unit_test(test_get_when_refused_then_the_cause_has_the_service_s_words),
		cmocka_unit_test(test_get_when_the_answer_has_no_value_then_nothing_of_it_is_quoted),
	};
	return cmocka_run_group_tests(tests, NULL, surroundings_clear);
}
