/* tintype list: pages of the API, as a table for people or the records as they came for programs.
 * Each page is shown as it arrives, so a long list needs no memory. */
#include "base/arena.h"
#include "base/codec.h"
#include "cli/api_client.h"
#include "cli/output.h"
#include "cli/verbs.h"

#define PAGE_MAX 1000
#define PAGE_MEMORY_BYTES (64u << 20)
#define CURSOR_MAX_BYTES 8192

static void show_record(const json_t *record)
{
	char size[SHOW_SIZE_CHARS], pixels[48] = "";
	unsigned long long width = remote_number(record, "width"), height = remote_number(record, "height");
	show_size(remote_number(record, "fileSize"), size);
	if (width > 0 && height > 0)
		(void)snprintf(pixels, sizeof pixels, "%llux%llu", width, height);
	show_line(stdout, "%-36.*s  %-24.*s  %-10.*s  %9s  %-11s  %.*s", STRF(remote_text(record, "imageId")),
		STRF(remote_text(record, "uploadedAt")), STRF(remote_text(record, "fileType")), size, pixels,
		STRF(remote_text(record, "fileName")));
}

/* The state of a list. */
struct list_run {
	struct remote *remote;
	bool json, all;
	uint64_t left;         /* of --limit */
	uint64_t shown, total; /* 0: the server does not count */
	bool is_cut;           /* there are more than --limit */
	bool has_head;         /* the table's has been shown */
	struct buf cursor;     /* of the next page; empty: the first, or none */
};

static enum status read_page(struct list_run *l, struct arena *a, json_t **page, struct fault *why)
{
	struct buf path;
	unsigned long long limit = l->all || l->left > PAGE_MAX ? PAGE_MAX : l->left;
	buf_init_arena(&path, a, 4 * CURSOR_MAX_BYTES);
	buf_printf(&path, "/images?limit=%llu", limit);
	if (l->cursor.n > 0) {
		buf_put(&path, STR("&cursor="));
		uri_encode(&path, buf_str(&l->cursor), false);
	}
	struct remote_call call = { .method = "GET", .path = buf_str(&path) };
	TRY(remote_json(l->remote, &call, a, page, why));
	if (json_is_array(json_object_get(*page, "images")))
		return OK;
	return fault_set(why, UPSTREAM_FAILED, "the response is not a list of images: is the endpoint right?");
}

/* Show what the page has and take its cursor; *more unless it was the last. */
static enum status show_page(struct list_run *l, const json_t *page, bool *more, struct fault *why)
{
	size_t i;
	json_t *record;
	if (!l->json && !l->has_head)
		show_styled(stdout, SHOW_BOLD, "%-36s  %-24s  %-10s  %9s  %-11s  %s", "ID", "UPLOADED", "TYPE", "SIZE", "PIXELS", "NAME");
	l->has_head = true;
	l->total = remote_number(page, "total");
	json_array_foreach(json_object_get(page, "images"), i, record)
	{
		if (!l->all && l->left == 0)
			break;
		l->left -= !l->all;
		l->shown++;
		if (l->json)
			show_json(stdout, record);
		else
			show_record(record);
	}
	struct str cursor = remote_text(page, "nextCursor");
	l->is_cut = cursor.n > 0 && !l->all && l->left == 0;
	*more = cursor.n > 0 && !l->is_cut;
	if (*more && str_equal(cursor, buf_str(&l->cursor)))
		return fault_set(why, UPSTREAM_FAILED, "the server returns the same page again and again");
	buf_clear(&l->cursor);
	buf_put(&l->cursor, cursor);
	return buf_ok(&l->cursor) ? OK : fault_set(why, UPSTREAM_FAILED, "the server's cursor is too long");
}

/* After the table, so that both are in order on a terminal. */
static void say_there_is_more(const struct list_run *l)
{
	unsigned long long shown = l->shown, total = l->total;
	if (!show_flush())
		return;
	if (total > shown)
		show_styled(stderr, SHOW_FAINT, "%llu of %llu images. --all lists all of them, --limit N the newest N.", shown, total);
	else
		show_styled(
			stderr, SHOW_FAINT, "The newest %llu image%s. --all lists all of them, --limit N the newest N.", shown, plural_s(shown));
}

enum status verb_list(const struct options *o, struct remote *r, struct fault *why)
{
	assert(o != NULL && r != NULL);
	struct list_run l = { .remote = r, .json = o->json, .all = o->all, .left = o->limit };
	enum status st = OK;
	buf_init(&l.cursor, CURSOR_MAX_BYTES);
	/* Nothing is read for an output that has ended. */
	for (bool more = true; st == OK && more && show_flush();) {
		json_t *page = NULL;
		struct arena a CLEANUP(arena_deinit) = { 0 };
		arena_init(&a, PAGE_MEMORY_BYTES);
		st = read_page(&l, &a, &page, why);
		if (st == OK)
			st = show_page(&l, page, &more, why);
		json_decref(page);
	}
	if (st == OK && l.is_cut && !l.json)
		say_there_is_more(&l);
	buf_deinit(&l.cursor);
	return st;
}
