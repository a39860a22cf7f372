/* Builds a Lambda function. Everything that can be done beforehand is done before the first
 * invocation is asked for: until then the CPU is whole, afterwards it is a share of one. What is never
 * needed is left out: no crypto_init, because the one-shot hashes do without, and fetching algorithms
 * takes OpenSSL as long as all the rest of a start.
 *
 * Without TINTYPE_API_KEY the functions are as open as their gateway leaves them; a Lambda function
 * has no listen address to decide by, so `auto` means: with a key where one is set. */
#include "app/lambda_main.h"

#include "api/api.h"
#include "base/log.h"
#include "lambda/lambda.h"
#include "app/image_rules.h"
#include "image/slot.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lambda_parts {
	struct settings settings;
	struct lambda_ports ports;
	struct product product;
	struct api *api;
	struct runtime *runtime;
};

static struct str variable(const char *name)
{
	return str_of(getenv(name));
}

static enum status read_access(const struct settings *s, struct api_options *out, struct fault *why)
{
	bool has_key = s->api_key[0] != '\0';
	*out = (struct api_options){
		.key_for_images = strcmp(s->access, "key") == 0 || (strcmp(s->access, "auto") == 0 && has_key),
		.key_for_slots = strcmp(s->upload, "key") == 0,
		.key = str_of(s->api_key),
		.cors_origins = str_of(s->cors_origins),
	};
	if ((out->key_for_images || out->key_for_slots) && !has_key)
		return fault_set(why, BAD_SETTING, "TINTYPE_ACCESS or TINTYPE_UPLOAD requires a key: set TINTYPE_API_KEY");
	return OK;
}

static enum status prepare_function(struct lambda_parts *c, lambda_open_fn *open, struct fault *why)
{
	struct api_options options;
	TRY(settings_load(&c->settings, 0, NULL, why));
	struct log_options log = { .direct_fd = STDOUT_FILENO };
	if (!log_level_parse(str_of(c->settings.log_level), &log.level))
		return fault_set(why, BAD_SETTING, "TINTYPE_LOG_LEVEL must be debug, info, warn or error");
	TRY(log_start(&log, why));
	const struct image_rules rules = rules_of(&c->settings);
	TRY(media_types_check(&rules, why));
	TRY(lambda_check(variable("_HANDLER"), why));
	TRY(read_access(&c->settings, &options, why));
	TRY(open(&c->settings, &c->ports, why));
	assert(c->ports.store != NULL && c->ports.table != NULL);
	c->product = (struct product){ .rules = rules, .store = c->ports.store, .table = c->ports.table, .objects_change = true };
	c->api = api_new(&c->product, &options);
	return c->api != NULL ? OK : fault_no_memory(why);
}

/* The log may not be open yet: then the line goes to stderr, which Lambda keeps as well. */
static void report_failure(const struct fault *why)
{
	LOG(LAMBDA_FAILED, STR(""), LOG_S("function", variable("AWS_LAMBDA_FUNCTION_NAME")), LOG_C("code", fault_name(why->code)),
		LOG_C("text", why->text), LOG_C("cause", why->cause));
}

static enum status run_function(struct lambda_parts *c, struct fault *why)
{
	const struct lambda_options o = {
		.function_handler = variable("_HANDLER"),
		.function = variable("AWS_LAMBDA_FUNCTION_NAME"),
		.bucket = str_of(c->settings.bucket),
		.http_handler = api_handler(c->api),
		.product = &c->product,
	};
	return lambda_run(c->runtime, &o, why);
}

int lambda_main(lambda_open_fn *open)
{
	assert(open != NULL);
	struct lambda_parts c = { 0 };
	struct fault why = { 0 }, not_given = { 0 };
	struct str runtime_api = variable("AWS_LAMBDA_RUNTIME_API");
	signal(SIGPIPE, SIG_IGN);
	if (runtime_api.n == 0) {
		fputs("bootstrap: AWS_LAMBDA_RUNTIME_API is not set; this program is started by AWS Lambda\n", stderr);
		return 2;
	}
	c.runtime = runtime_new(runtime_api);
	if (c.runtime == NULL)
		return 1;
	enum status status = prepare_function(&c, open, &why);
	if (status != OK) {
		report_failure(&why);
		if (runtime_fail_init(c.runtime, &why, &not_given) != OK)
			report_failure(&not_given);
	} else if (run_function(&c, &why) != OK) {
		report_failure(&why);
	}
	api_free(&c.api);
	runtime_free(&c.runtime);
	log_stop();
	return 1;
}
