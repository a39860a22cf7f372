/* Builds a Lambda function. Everything that can be done beforehand is done before the first
 * invocation is asked for: until then the CPU is whole, afterwards it is a share of one.
 *
 * Without TINTYPE_API_KEY the functions are as open as their gateway leaves them; a Lambda function
 * has no listen address to decide by, so `auto` means: with a key where one is set.
 *
 * The functions that decode images start one tintype-render, which is in the package: a program of its own has no credentials in
 * its memory, and a picture that crashes it does not end the function. */
#include "app/lambda_main.h"

#include "app/access.h"
#include "app/identity_setup.h"
#include "app/image_rules.h"
#include "api/event.h"
#include "app/operator_key.h"
#include "base/log/log.h"
#include "delivery/delivery.h"
#include "image/slot.h"
#include "image/thumb_objects.h"
#include "lambda/lambda.h"
#include "pool/pool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM_BYTES ((uint64_t)48 << 20) /* of a function's memory: what the two programs need without an image */
#define IMAGE_COPIES 3                     /* of an image: as it was read, as it is stored, as tintype-render gets it */
#define ONE_PROCESSOR_MB 1769              /* Lambda gives processor time in proportion to memory, and one processor for this */
#define JOB_WALL_MS 12000                  /* of an image: an invocation has 29 s */
#define JOB_MOST_MS 10000                  /* processor time, as on a server */

struct lambda_parts {
	struct settings settings;
	struct lambda_ports ports;
	struct product product;
	struct pool *pool; /* NULL: this function decodes no images */
	struct thumb_objects thumb_objects;
	struct thumbnails *thumbnails;
	struct identity *identity; /* NULL: no users */
	struct operator_key operator_key;
	struct api *api;
	struct delivery *delivery;
	struct outbox_source source;
	struct event_sender events;
	struct runtime *runtime;
};

static struct str variable(const char *name)
{
	return str_of(getenv(name));
}

/* What the function's memory leaves for decoding, and the processor time that comes with it. */
static enum status read_memory(const struct settings *s, struct pool_options *o, struct fault *why)
{
	uint64_t all = 0, taken = PROGRAM_BYTES + IMAGE_COPIES * s->max_size;
	o->memory_bytes = s->render_memory;
	if (!str_to_u64(variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), &all)) /* in MB; not on Lambda */
		return OK;
	int64_t job_ms = all < ONE_PROCESSOR_MB ? (int64_t)all * JOB_WALL_MS / ONE_PROCESSOR_MB : JOB_MOST_MS;
	o->job_ms = job_ms < JOB_MOST_MS ? job_ms : JOB_MOST_MS;
	uint64_t left = all << 20 > taken ? (all << 20) - taken : 0;
	if (left < POOL_MEMORY_MIN)
		return fault_set(why, BAD_SETTING,
			"This function has %llu MB of memory; to decode images of TINTYPE_MAX_SIZE it needs %llu: give it more (EventMemory), or set "
			"TINTYPE_VERIFY=header, which decodes none.",
			(unsigned long long)all, (unsigned long long)((taken + POOL_MEMORY_MIN) >> 20) + 1);
	if (left < o->memory_bytes)
		o->memory_bytes = left;
	return OK;
}

/* Lambda may refuse the filter. Then the decoder is still a process of its own, without credentials, in the function's own virtual
 * machine: images are decoded, and the log says how. */
static enum status start_pool(struct lambda_parts *c, struct fault *why)
{
	const struct settings *s = &c->settings;
	struct pool_options o = { .workers = 1, .waiting_most = 1, .max_pixels = s->max_pixels };
	TRY(read_memory(s, &o, why));
	o.sandbox = strcmp(s->render_sandbox, "on") == 0;
	enum status started = pool_start(&o, &c->pool, why);
	if (started == INVALID && o.sandbox) {
		o.sandbox = false;
		started = pool_start(&o, &c->pool, why);
	}
	TRY(started);
	c->product.renderer = pool_renderer(c->pool);
	LOG(RENDER_READY, STR(""), LOG_I("workers", pool_workers(c->pool)), LOG_S("layers", pool_layers_text(pool_layers(c->pool))));
	if (!o.sandbox)
		LOG(RENDER_UNCONFINED, STR(""), LOG_C("text", "images are decoded without a system-call filter"));
	return OK;
}

/* All functions name thumbnails; those that decode images find, make and remove them. With a queue none is made but by what it feeds. */
static enum status make_thumbnails(struct lambda_parts *c, const struct lambda_work *work, struct fault *why)
{
	struct thumbnails_options o = thumbnails_of(&c->settings, &c->product);
	o.queue = c->ports.thumb_queue;
	if (o.queue != NULL)
		o.at_upload = STR("");
	if (work->renders && (o.queue == NULL || o.presets.n == 0 || c->product.rules.check == CHECK_HEADER))
		return fault_set(why, BAD_SETTING,
			"The function that makes thumbnails needs TINTYPE_THUMBNAIL_QUEUE, TINTYPE_THUMBNAILS other than none, and TINTYPE_VERIFY other "
			"than header.");
	if (c->product.rules.check == CHECK_HEADER)
		return OK;
	if (media_types_need_heif(&c->product.rules))
		return fault_set(why, BAD_SETTING,
			"TINTYPE_ALLOWED_TYPES names HEIC or AVIF, which functions do not decode: remove them, or name them in "
			"TINTYPE_UNVERIFIED_TYPES too, which makes them downloads.");
	if (work->decodes)
		TRY(start_pool(c, why));
	if (o.presets.n == 0)
		return OK;
	thumb_objects_init(&c->thumb_objects, c->ports.store);
	o.store = &c->thumb_objects.port;
	TRY(thumbnails_new(&o, &c->thumbnails, why));
	c->product.thumbnails = c->thumbnails;
	return OK;
}

/* Without keys there are no links. */
static enum status read_delivery(struct lambda_parts *c, struct fault *why)
{
	const struct settings *s = &c->settings;
	if (s->delivery_keys[0] == '\0')
		return OK;
	TRY(delivery_rules_of(s, str_of(s->delivery_keys), str_of(s->delivery_url), &c->product.delivery, why));
	slot_set_secret(&c->product, c->product.delivery.keys.keys[0]);
	return OK;
}

/* Nothing fetches the issuer's document in the background, where the process is frozen between two requests. */
static bool find_sign_in(struct identity *i, struct arena *a, struct identity_sign_in *out)
{
	struct fault unreachable;
	return identity_sign_in(i, a, out) || (identity_prefetch(i, &unreachable) == OK && identity_sign_in(i, a, out));
}

/* The issuer's keys are fetched before the first invocation, as DynamoDB is connected to. A function starts without them, too: then the
 * first token has them fetched. */
static enum status name_users(struct lambda_parts *c, struct api_options *o, struct fault *why)
{
	struct fault cold = { 0 };
	TRY(identity_setup(&c->settings, &(struct identity_place){ .authorities = c->ports.authorities }, &c->identity, why));
	if (c->identity != NULL && identity_prefetch(c->identity, &cold) != OK)
		LOG(LAMBDA_COLD, STR(""), LOG_C("service", "issuer"), LOG_C("code", fault_name(cold.code)), LOG_C("text", cold.text),
			LOG_C("cause", cold.cause));
	o->identity = c->identity;
	o->verify = identity_verify;
	if (c->settings.oidc_client_id[0] != '\0')
		o->sign_in = find_sign_in;
	return OK;
}

/* The operator's key, where a parameter has it. */
static enum status name_key(struct lambda_parts *c, struct api_options *o, struct fault *why)
{
	struct str name = str_of(c->settings.api_key_parameter);
	if (name.n == 0)
		return OK;
	if (c->ports.read_parameter == NULL)
		return fault_set(why, BAD_SETTING, "TINTYPE_API_KEY_PARAMETER needs the parameter store of AWS Systems Manager");
	c->operator_key = (struct operator_key){ .name = name, .read = c->ports.read_parameter, .read_arg = c->ports.read_parameter_arg };
	o->read_key = operator_key_read;
	o->read_key_arg = &c->operator_key;
	return OK;
}

static enum status write_event(
	void *arg, enum outbox_kind kind, const struct image_row *row, int64_t now_ms, struct buf *body, struct fault *why)
{
	struct lambda_parts *c = arg;
	return event_write(&c->product, &(struct event){ kind, row, now_ms }, body, why);
}

static void note_event(void *arg)
{
	struct lambda_parts *c = arg;
	event_sender_note(&c->events);
}

/* Events are only written where they are sent. */
static enum status start_events(struct lambda_parts *c, struct fault *why)
{
	if (c->ports.event_bus == NULL)
		return OK;
	c->source = (struct outbox_source){ .kinds = OUTBOX_ALL_KINDS, .write = write_event, .changed = note_event, .arg = c };
	c->events = (struct event_sender){ .outbox = c->ports.outbox, .bus = c->ports.event_bus };
	return outbox_start(c->ports.outbox, &c->source, why);
}

static enum status prepare_function(struct lambda_parts *c, lambda_open_fn *open, struct fault *why)
{
	struct api_options options = { 0 };
	struct lambda_work work;
	TRY(settings_load(&c->settings, 0, NULL, why));
	struct log_options log = { .direct_fd = STDOUT_FILENO };
	if (!log_level_parse(str_of(c->settings.log_level), &log.level))
		return fault_set(why, BAD_SETTING, "TINTYPE_LOG_LEVEL must be debug, info, warn or error");
	TRY(log_start(&log, why));
	const struct image_rules rules = rules_of(&c->settings);
	TRY(media_types_check(&rules, why));
	TRY(lambda_check(variable("_HANDLER"), c->settings.thumbnail_queue[0] != '\0', &work, why));
	TRY(access_options(&c->settings, &(struct access_place){ 0 }, &options, why));
	TRY(open(&c->settings, &work, &c->ports, why));
	assert(c->ports.store != NULL && c->ports.table != NULL);
	c->product = (struct product){ .rules = rules,
		.store = c->ports.store,
		.table = c->ports.table,
		.users = c->ports.users,
		.cdn = c->ports.cdn,
		.objects_change = true };
	TRY(name_users(c, &options, why));
	options.api_keys = c->ports.api_keys;
	TRY(name_key(c, &options, why));
	TRY(make_thumbnails(c, &work, why));
	TRY(read_delivery(c, why));
	TRY(start_events(c, why));
	c->api = api_new(&c->product, &options);
	if (c->api == NULL)
		return fault_no_memory(why);
	c->delivery = delivery_new(&(struct delivery_options){ .product = &c->product, .redirects = true, .next = api_handler(c->api) });
	return c->delivery != NULL ? OK : fault_no_memory(why);
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
		.http_handler = delivery_handler(c->delivery),
		.product = &c->product,
		.events = &c->events,
		.cdn_secret = str_of(c->settings.cdn_secret),
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
	delivery_free(&c.delivery);
	api_free(&c.api);
	identity_free(&c.identity);
	operator_key_deinit(&c.operator_key);
	thumbnails_free(&c.thumbnails);
	pool_free(&c.pool);
	runtime_free(&c.runtime);
	log_stop();
	return 1;
}
