/* Builds the server: settings, listen addresses, the backends that the settings choose, the
 * product on their ports, the handlers, the gc thread; runs it and shuts it down in the opposite
 * order. With remote backends there is no storage handler, and nothing is stored here: no
 * data directory is created, and the log goes to stderr alone. Sentences for the terminal are printed here; once the log
 * is open they are log lines too. */
#include "app/server_main.h"

#include "app/access.h"
#include "delivery/delivery.h"
#include "base/clock.h"
#include "base/op_deadline.h"
#include "admin/admin.h"
#include "base/hash.h"
#include "base/log/log.h"
#include "base/metrics.h"
#include "config/admin_file.h"
#include "config/settings.h"
#include "config/table_url.h"
#include "app/backends.h"
#include "base/rate_limit.h"
#include "http/bearer.h"
#include "image/product.h"
#include "image/slot.h"
#include "app/gc_thread.h"
#include "app/history_thread.h"
#include "app/identity_setup.h"
#include "app/image_rules.h"
#include "app/operator_console.h"
#include "app/render_pool.h"
#include "app/reverify_thread.h"
#include "app/serve_settings.h"
#include "app/webhooks.h"
#include "image/thumb_objects.h"
#include "image/thumbnails.h"
#include "pool/pool.h"
#include "store/thumbs.h"
#include "s3/s3.h"
#include "http/server/serve.h"
#include "web/web.h"

#include <errno.h> /* program_invocation_name */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_RING_BYTES ((size_t)1 << 20) /* some thousands of lines, for the console */
#define MMAP_BYTES (256 << 10)
#define MMAP_AT_START_BYTES (64 << 10)
#define STATE_BYTES 4096
#define COUNTS_WITHIN_MS 3000 /* a scrape continues without them */

struct server_parts {
	struct settings settings;
	struct serve_addresses at;
	struct server *server;
	bool remote;
	struct backends backends;
	struct product product;
	struct pool *pool;               /* NULL: images are not decoded */
	struct thumb_store *thumb_files; /* in the data directory */
	struct thumb_objects thumb_objects;
	struct thumbnails *thumbnails;
	struct identity *identity; /* NULL: no users */
	struct api_options access;
	struct api *api;
	struct s3 *s3;
	struct delivery *delivery; /* in front of the storage handler, or of the API's where there is none */
	struct gc_thread *gc_thread;
	struct reverify_thread *reverify_thread; /* with the embedded store */
	struct webhooks webhooks;
	struct history_ring history_ring; /* if the backend keeps no history */
	struct history_thread *history_thread;
	struct operator_console console;
	struct rate_limit *wrong_secrets; /* of both listeners */
	struct admin admin;
	bool log_open;
};

static bool is_equal(const char *value, const char *word)
{
	return strcmp(value, word) == 0;
}

static enum status open_log(struct server_parts *c, struct fault *why)
{
	const struct settings *s = &c->settings;
	struct log_options o = { .dir = c->remote ? NULL : s->data_dir,
		.file_max_bytes = s->log_max_size,
		.files = (unsigned)s->log_files,
		.queue_lines = 8192,
		.ring_bytes = LOG_RING_BYTES };
	if (!log_level_parse(str_of(s->log_level), &o.level))
		return fault_set(why, BAD_SETTING, "--log-level must be debug, info, warn or error");
	TRY(log_start(&o, why));
	c->log_open = true;
	return OK;
}

/* The S3 protocol, where the store is our own; else what readers of pending images may check. */
static enum status make_storage(struct server_parts *c, struct fault *why)
{
	const struct settings *s = &c->settings;
	struct s3_options s3 = {
		.region = c->backends.region,
		.image_bucket = str_of(s->bucket),
		.cors_origins = str_of(s->cors_origins),
		.explain = is_equal(s->dev, "auto") ? c->at.storage_is_loopback : is_equal(s->dev, "on"),
		.secure = s->tls_cert[0] != '\0' || str_starts_with(str_of(s->public_storage_url), STR("https://")),
	};
	struct s3_ports ports = { .product = &c->product,
		.buckets = c->backends.bucket,
		.catalog = c->backends.catalog,
		.parts = c->backends.parts,
		.keys = c->backends.keys };
	c->product.objects_change = c->remote;
	if (c->remote)
		c->product.recheck_limit = rate_limit_new(1, RECHECK_EVERY_MS);
	else
		c->s3 = s3_new(&ports, &s3);
	return c->product.recheck_limit != NULL || c->s3 != NULL ? OK : fault_no_memory(why);
}

/* What decodes images, unless only their headers are looked at. */
static enum status start_pool(struct server_parts *c, struct fault *why)
{
	const struct settings *s = &c->settings;
	if (c->product.rules.check == CHECK_HEADER)
		return OK;
	/* half of the workers: the others answer what needs no picture */
	const struct pool_options o = render_pool_options(s, 0, (unsigned)(s->workers > 2 ? s->workers / 2 : 1));
	TRY(pool_start(&o, &c->pool, why));
	c->product.renderer = pool_renderer(c->pool);
	LOG(RENDER_READY, STR(""), LOG_I("workers", pool_workers(c->pool)), LOG_S("layers", pool_layers_text(pool_layers(c->pool))));
	if (!o.sandbox)
		LOG(RENDER_UNCONFINED, STR(""), LOG_C("text", "images are decoded without a system-call filter"));
	return OK;
}

/* The embedded store has a key of its own; servers that share a remote store must share theirs. */
static enum status read_delivery(struct server_parts *c, struct fault *why)
{
	const struct settings *s = &c->settings;
	/* An address that listens everywhere leads nowhere: no links then, unless the setting says where they lead. */
	struct str url = str_of(s->delivery_url), api = str_of(c->at.api_is_wildcard ? "" : c->at.api);
	struct str own = c->remote ? api : c->backends.storage_url;
	struct str keys = s->delivery_keys[0] != '\0' ? str_of(s->delivery_keys) : c->backends.delivery_key;
	if (keys.n == 0)
		return fault_set(why, BAD_SETTING,
			"--store s3 needs TINTYPE_DELIVERY_KEYS, the same on every server: set it to what `openssl rand -hex 32` prints.");
	TRY(delivery_rules_of(s, keys, url.n > 0 ? url : own, &c->product.delivery, why));
	slot_set_secret(&c->product, c->backends.delivery_key.n > 0 ? c->backends.delivery_key : c->product.delivery.keys.keys[0]);
	return OK;
}

/* In the data directory; with a remote store next to the images. */
static enum status start_thumbnails(struct server_parts *c, struct fault *why)
{
	const struct settings *s = &c->settings;
	struct thumbnails_options o = thumbnails_of(s, &c->product);
	o.store = &c->thumb_objects.port;
	o.buckets = c->backends.bucket;
	o.bucket = str_of(s->bucket);
	if (s->thumbnail_queue[0] != '\0')
		return fault_set(
			why, BAD_SETTING, "TINTYPE_THUMBNAIL_QUEUE is for functions on AWS Lambda: a server makes thumbnails itself; unset it.");
	if (c->pool == NULL || o.presets.n == 0)
		return OK;
	if (c->remote)
		thumb_objects_init(&c->thumb_objects, c->backends.store);
	else {
		TRY(thumbs_open(s->data_dir, s->thumbnail_space, s->reserve_bytes, &c->thumb_files, why));
		o.store = c->thumb_files;
	}
	o.makers = pool_workers(c->pool);
	TRY(thumbnails_new(&o, &c->thumbnails, why));
	c->product.thumbnails = c->thumbnails;
	return OK;
}

static bool lead_sweep(void *arg, int64_t lease_ms)
{
	struct server_parts *c = arg;
	return c->backends.lead(&c->backends, lease_ms);
}

static void note_changed(void *arg, struct str key)
{
	api_note_changed(arg, key);
}

static enum status make_handlers(struct server_parts *c, struct fault *why)
{
	const struct settings *s = &c->settings;
	c->wrong_secrets = rate_limit_new(BEARER_WRONG_MAX, BEARER_WINDOW_MS);
	if (c->wrong_secrets == NULL)
		return fault_no_memory(why);
	c->product = (struct product){
		.rules = rules_of(s), .store = c->backends.store, .table = c->backends.table, .users = c->backends.users, .cdn = c->backends.cdn
	};
	TRY(start_pool(c, why));
	TRY(start_thumbnails(c, why));
	c->access.wrong_keys = c->wrong_secrets;
	c->access.page = &web_page;
	c->access.storage_url = c->backends.storage_url;
	c->access.direct = c->remote ? DIRECT_SPOOLED : DIRECT_STORE;
	c->access.buckets = c->backends.bucket;
	c->access.bucket = str_of(s->bucket);
	c->access.spool_reserve_bytes = s->reserve_bytes;
	c->access.api_keys = c->backends.api_keys;
	c->access.waits = true;
	c->access.unseen_changes = c->backends.watch == NULL;
	c->access.anonymous_slots_per_minute = (unsigned)s->anonymous_slots_per_minute;
	c->access.requests_per_second = (unsigned)s->address_requests_per_second;
	TRY(read_delivery(c, why));
	TRY(make_storage(c, why));
	c->api = api_new(&c->product, &c->access);
	if (c->api == NULL)
		return fault_no_memory(why);
	if (c->backends.watch != NULL)
		c->backends.watch(&c->backends, note_changed, c->api);
	c->delivery = delivery_new(&(struct delivery_options){ .product = &c->product,
		.buckets = c->backends.bucket,
		.bucket = str_of(s->bucket),
		.next = c->remote ? api_handler(c->api) : s3_handler(c->s3) });
	TRY(webhooks_start(&c->webhooks, s, &c->backends, &c->product, &c->at, why));
	c->gc_thread = gc_thread_start(&(struct gc_thread_options){ .product = &c->product,
		.parts = c->backends.parts,
		.interval_s = s->sweep_interval_s,
		.multipart_ttl_s = s->multipart_ttl_s,
		.dir = c->remote ? NULL : s->data_dir,
		.check = c->backends.check,
		.transfer = c->backends.transfer,
		.lead = c->backends.lead != NULL ? lead_sweep : NULL,
		.lead_arg = c });
	if (!c->remote)
		c->reverify_thread = reverify_thread_start(&(struct reverify_thread_options){
			.product = &c->product, .buckets = c->backends.bucket, .bucket = str_of(s->bucket), .dir = s->data_dir });
	if (c->delivery == NULL || c->gc_thread == NULL || (!c->remote && c->reverify_thread == NULL))
		return fault_no_memory(why);
	return OK;
}

static enum status check_ready(void *arg, struct fault *why)
{
	struct server_parts *c = arg;
	if (c->pool != NULL)
		TRY(pool_ready(c->pool, why));
	return c->backends.ready(&c->backends, why);
}

/* What /readyz says of a server that is ready. */
static void write_notes(void *arg, struct buf *b)
{
	const struct server_parts *c = arg;
	struct transfer_state state;
	struct arena a CLEANUP(arena_deinit);
	struct fault why;
	if (c->pool != NULL && (pool_layers(c->pool) & RENDER_FILTERED) == 0)
		buf_put(b, STR("images are decoded without a system-call filter (--render-sandbox off)\n"));
	arena_init(&a, STATE_BYTES);
	op_deadline_set(clock_mono_ms() + COUNTS_WITHIN_MS);
	enum status got = transfer_get_state(c->backends.transfer, &a, &state, &why);
	op_deadline_set(0);
	if (got == OK && transfer_check_change(state.phase, &why) != OK)
		buf_printf(b, "read only, migration %.*s: %s%s\n", STRF(transfer_phase_name(state.phase)), why.text,
			state.phase == TRANSFER_ARRIVING ? "" : " `tintype migrate --cancel` ends it.");
}

static void count_images(struct server_parts *c)
{
	struct image_counts counts;
	if (table_counts(c->product.table, &counts, NULL) != OK)
		return;
	metric_set(M_IMAGES_PENDING, (int64_t)counts.pending);
	metric_set(M_IMAGES_UPLOADED, (int64_t)counts.uploaded);
	metric_set(M_IMAGES_REJECTED, (int64_t)counts.rejected);
	metric_set(M_STORED_BYTES, (int64_t)counts.stored_bytes);
}

static void refresh_gauges(void *arg)
{
	struct server_parts *c = arg;
	if (c->backends.measure != NULL)
		c->backends.measure(&c->backends);
	op_deadline_set(clock_mono_ms() + COUNTS_WITHIN_MS);
	webhooks_measure(&c->webhooks);
	count_images(c);
	op_deadline_set(0);
}

/* Only the gauges that are in the history. */
static void refresh_image_gauges(void *arg)
{
	op_deadline_set(clock_mono_ms() + COUNTS_WITHIN_MS);
	count_images(arg);
	op_deadline_set(0);
}

static enum status start_history(struct server_parts *c, struct history **out, struct fault *why)
{
	struct history *history = c->backends.history;
	if (history == NULL) {
		TRY(history_ring_init(&c->history_ring, why));
		history = &c->history_ring.port;
	}
	c->history_thread = history_thread_start(&(struct history_thread_options){
		.history = history, .metrics = server_metrics(c->server), .refresh = refresh_image_gauges, .arg = c });
	*out = history;
	return c->history_thread != NULL ? OK : fault_no_memory(why);
}

/* For commands on this machine; they alone are the worse off if it cannot be written. */
static void write_admin_file(const struct server_parts *c)
{
	struct admin_file f = { 0 };
	struct fault why = { 0 };
	if (c->remote)
		return;
	(void)snprintf(f.url, sizeof f.url, "%s", c->at.admin);
	(void)snprintf(f.token, sizeof f.token, "%s", c->console.token);
	if (admin_file_write(c->settings.data_dir, &f, &why) != OK)
		LOG(STORE_FAILED, STR(""), LOG_C("text", why.text));
	secret_wipe(&f, sizeof f);
}

static void on_started(void *arg)
{
	struct server_parts *c = arg;
	const struct settings *s = &c->settings;
	char text[512], table[BACKENDS_TABLE_NAME_CHARS];
	struct buf console;
	/* Set, glibc's threshold no longer rises with what is freed: the memory of large responses is given back at once. */
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	buf_init_fixed(&console, text, sizeof text);
	operator_console_describe(&c->console, c->at.admin, isatty(STDOUT_FILENO), &console);
	buf_put_char(&console, '\0');
	write_admin_file(c);
	(void)backends_table_name(s, table);
	LOG(SERVER_READY, STR(""), LOG_C("api", c->at.api), LOG_C("storage", c->at.storage), LOG_C("admin", c->at.admin),
		LOG_C("data", c->remote ? "" : s->data_dir), LOG_C("bucket", c->remote ? s->bucket : ""), LOG_C("table", c->remote ? table : ""),
		LOG_C("version", VERSION), LOG_C("access", access_word(c->access.images)));
	printf("tintype " VERSION " is ready.\n"
		   "  page     %s/   (for a browser)\n"
		   "  API      %s/prod   %s\n"
		   "  console  %s\n",
		c->at.api, c->at.api,
		c->access.images == ACCESS_OPEN        ? "(open: no key needed)"
			: c->access.images == ACCESS_USERS ? "(list, get and delete require a token or an API key)"
											   : "(list, get and delete require the API key)",
		console.p);
	if (c->remote)
		printf("  images   bucket %s on S3, table %s on %s; nothing is kept here, the log is on stderr\n\n", s->bucket, table,
			table_url_is(str_of(s->table)) ? "PostgreSQL" : "DynamoDB");
	else
		printf("  storage  %s\n"
			   "  data     %s   (keys in %s/credentials, logs in %s/logs)\n\n",
			c->at.storage, s->data_dir, s->data_dir, s->data_dir);
	/* URLs that are given to clients elsewhere lead to this machine's loopback address. */
	if (!c->remote && !c->at.api_is_loopback && c->at.storage_is_loopback && s->public_storage_url[0] == '\0')
		printf("Warning: upload URLs begin with %s, which only this machine can reach. For clients elsewhere start with\n"
			   "  --storage 0.0.0.0:9000 --public-storage-url http://ADDRESS:9000 --hosts ADDRESS\n\n",
			c->at.storage);
	printf("Try it in another terminal:\n"
		   "  %s upload PICTURE.jpg --endpoint %s\n"
		   "  curl -s %s%s/prod/images\n"
		   "Stop with Ctrl-C.\n",
		program_invocation_name, c->at.api, c->access.images != ACCESS_OPEN ? "-H \"Authorization: Bearer $TINTYPE_API_KEY\" " : "",
		c->at.api);
	fflush(stdout);
	secret_wipe(text, sizeof text);
}

static enum status run_server(struct server_parts *c, int argc, char **argv, struct fault *why)
{
	TRY(settings_load(&c->settings, argc - 1, argv + 1, why));
	TRY(serve_settings_check(&c->settings, &c->remote, why));
	TRY(server_bind(&c->settings, &c->server, &c->at, why));
	TRY(access_options(
		&c->settings, &(struct access_place){ .address = c->at.api, .is_loopback = c->at.api_is_loopback }, &c->access, why));
	TRY(serve_settings_check_urls(&c->settings, c->remote, c->at.storage_is_wildcard, why));
	TRY(backends_open(&c->settings, c->at.storage, &c->backends, why));
	assert(c->backends.store != NULL && c->backends.table != NULL && c->backends.ready != NULL);
	assert(c->remote == (c->backends.bucket == NULL));
	TRY(open_log(c, why));
	TRY(identity_setup(&c->settings, &(struct identity_place){ .has_thread = true }, &c->identity, why));
	c->access.identity = c->identity;
	c->access.verify = identity_verify;
	c->access.sign_in = identity_sign_in;
	TRY(make_handlers(c, why));
	struct history *history;
	TRY(start_history(c, &history, why));
	TRY(operator_console_make(&c->console,
		&(struct operator_console_parts){ .settings = &c->settings,
			.product = &c->product,
			.backends = &c->backends,
			.api = api_handler(c->api),
			.delivery = delivery_handler(c->delivery),
			.history = history,
			.history_thread = c->history_thread,
			.wrong_secrets = c->wrong_secrets },
		why));
	struct admin_options admin = { .ready = check_ready,
		.refresh = refresh_gauges,
		.note = write_notes,
		.arg = c,
		.auth = { str_of(c->console.token), c->wrong_secrets },
		.console = console_handler(c->console.console),
		.metrics = server_metrics(c->server),
		.needs_token = !c->at.admin_is_loopback };
	admin_init(&c->admin, &admin);
	struct server_handlers handlers = {
		.api = c->remote ? delivery_handler(c->delivery) : api_handler(c->api),
		.storage = c->remote ? NULL : delivery_handler(c->delivery),
		.admin = &c->admin.handler,
		.arg = c,
	};
	return server_run(c->server, &handlers, on_started, why);
}

int server_main(int argc, char **argv)
{
	assert(argc >= 1 && argv != NULL);
	struct server_parts c = { 0 };
	struct fault why = { 0 };
	/* The tables that are made at the start take memory as they are filled: in the heap they would be zeroed where something was freed. */
	mallopt(M_MMAP_THRESHOLD, MMAP_AT_START_BYTES);
	enum status status = run_server(&c, argc, argv, &why);
	if (status != OK) {
		if (c.log_open)
			LOG(SERVER_FAILED, STR(""), LOG_C("text", why.text), LOG_C("cause", why.cause));
		fprintf(stderr, "tintype serve: %s%s%s%s\n", why.text, why.cause[0] ? " (" : "", why.cause, why.cause[0] ? ")" : "");
	}
	if (c.backends.bucket != NULL)
		admin_file_remove(c.settings.data_dir);
	history_thread_free(&c.history_thread);
	history_ring_deinit(&c.history_ring);
	server_free(&c.server);
	gc_thread_free(&c.gc_thread);
	reverify_thread_free(&c.reverify_thread);
	webhooks_stop(&c.webhooks);
	rate_limit_free(&c.wrong_secrets);
	delivery_free(&c.delivery);
	s3_free(&c.s3);
	if (c.backends.watch != NULL)
		c.backends.watch(&c.backends, NULL, NULL);
	api_free(&c.api);
	identity_free(&c.identity);
	rate_limit_free(&c.product.recheck_limit);
	thumbnails_free(&c.thumbnails);
	thumbs_close(&c.thumb_files);
	pool_free(&c.pool);
	backends_close(&c.backends);
	if (c.log_open) {
		LOG(SERVER_STOPPED, STR(""), LOG_I("logDropped", metric_get(M_LOG_LINES_DROPPED)));
		log_stop();
	}
	operator_console_end(&c.console);
	return status == OK ? 0 : why.code == F_BAD_SETTING ? 2 : 1;
}
