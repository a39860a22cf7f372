/* A server of toy handlers (fake/toy_handler.h), for black-box tests of the listeners: run with the settings'
 * flags, it prints its addresses as one JSON line on stdout and serves until a signal comes. It is
 * not ready once /release was asked. Both listeners have the same handler, but for the deadline of
 * bodies: a total on api, a rate on storage. */
#include "admin/admin.h"
#include "base/log/log.h"
#include "fake/toy_handler.h"
#include "http/server/serve.h"

#include <stdio.h>

static struct serve_addresses at;
static struct admin admin;
static struct handler api = { .ops = &toy_handler_ops, .arena_bytes = (size_t)64 << 20, .body_max = 16384 };
static struct handler storage = {
	.ops = &toy_handler_ops, .arena_bytes = (size_t)64 << 20, .body_max = 5 << 20, .slow_body_is_rate = true
};

static void tell_started(void *arg)
{
	printf("{\"api\":\"%s\",\"storage\":\"%s\",\"admin\":\"%s\"}\n", at.api, at.storage, at.admin);
	fflush(stdout);
}

static enum status ready(void *arg, struct fault *why)
{
	return toy_is_released() ? fault_set(why, DISK_FULL, "no room") : OK;
}

int main(int argc, char **argv)
{
	struct settings settings;
	struct server *server = NULL;
	struct fault why;
	struct server_handlers handlers = { .api = &api, .storage = &storage, .admin = &admin.handler };
	enum log_level level = LOG_INFO;
	if (settings_load(&settings, argc - 1, argv + 1, &why) != OK || server_bind(&settings, &server, &at, &why) != OK) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	admin_init(&admin,
		&(struct admin_options){
			.ready = ready, .auth = { STR("toy-token") }, .metrics = server_metrics(server), .needs_token = !at.admin_is_loopback });
	if (!log_level_parse(str_of(settings.log_level), &level))
		return 1;
	struct log_options log = { .level = level, .queue_lines = 4096 };
	if (log_start(&log, &why) != OK)
		return 1;
	enum status status = server_run(server, &handlers, tell_started, &why);
	log_stop();
	server_free(&server);
	fprintf(stderr, "%s\n", status == OK ? "drained" : why.text);
	return status == OK ? 0 : 1;
}
