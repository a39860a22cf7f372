/* tintype list: pages of the API, as a table for people or the records as they came for programs.
 * Each page is shown as it arrives, so a long list needs no memory. */
#include "base/arena.h"
#include "base/codec.h"
#include "cli/api_client.h"
#include "cli/output.h"
#include "cli/verbs.h"

#define PAGE_MAX 1000

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
	struct remote_list list;
	bool json, all;
	uint64_t left;         /* of --limit */
	uint64_t shown, total; /* 0: the server does not count */
	bool is_cut;           /* there are more than --limit */
	bool has_head;         /* the table's has been shown */
};

/* Print the records of the page; *more is false after the last page. */
static void show_page(struct list_run *l, const json_t *page, bool *more)
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
	l->is_cut = l->list.cursor.n > 0 && !l->all && l->left == 0;
	*more = l->list.cursor.n > 0 && !l->is_cut;
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
	struct list_run l = { .json = o->json, .all = o->all, .left = o->limit };
	enum status st = OK;
	char query[40] = "";
	remote_list_init(&l.list, r, query);
	/* Nothing is read for an output that has ended. */
	for (bool more = true; st == OK && more && show_flush();) {
		json_t *page = NULL;
		struct arena a CLEANUP(arena_deinit) = { 0 };
		arena_init(&a, REMOTE_PAGE_BYTES);
		(void)snprintf(query, sizeof query, "limit=%llu", (unsigned long long)(l.all || l.left > PAGE_MAX ? PAGE_MAX : l.left));
		st = remote_list_next(&l.list, &a, &page, why);
		if (st == OK)
			show_page(&l, page, &more);
		json_decref(page);
	}
	if (st == OK && l.is_cut && !l.json)
		say_there_is_more(&l);
	remote_list_deinit(&l.list);
	return st;
}
