/* See image_id.h. The list is read page by page, the newest images first, since those are asked for most. */
#include "cli/image_id.h"

#include "base/arena.h"
#include "base/codec.h"
#include "base/hash.h"
#include "cli/output.h"

#define SHOWN_MAX 10 /* of ambiguous ones */

struct id_search {
	struct str prefix;
	size_t searched, found;
	json_t *records[SHOWN_MAX];
	struct remote_list list;
};

/* Whether an ID, a UUID in lower case, can begin with it. */
static bool can_begin_id(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (str_find_char(STR("0123456789abcdef-"), text.p[i]) == 17)
			return false;
	return text.n < UUID_CHARS;
}

static void match_page(struct id_search *s, const json_t *page)
{
	size_t i;
	json_t *record;
	json_array_foreach(json_object_get(page, "images"), i, record)
	{
		struct str id = remote_text(record, "imageId");
		s->searched++;
		if (id.n != UUID_CHARS || !str_starts_with(id, s->prefix))
			continue;
		if (s->found < SHOWN_MAX)
			s->records[s->found] = json_incref(record);
		s->found++;
	}
}

static enum status search_pages(struct id_search *s, struct fault *why)
{
	do {
		struct arena a CLEANUP(arena_deinit) = { 0 };
		json_auto_t *page = NULL;
		arena_init(&a, REMOTE_PAGE_BYTES);
		enum status st = remote_list_next(&s->list, &a, &page, why);
		if (st == DENIED)
			return fault_set(why, KEY_NEEDED, "give the whole ID: finding it by its start requires a key that may list images");
		TRY(st);
		match_page(s, page);
	} while (s->list.cursor.n > 0 && s->searched < ID_SEARCHED_MAX);
	return OK;
}

static enum status judge_matches(const struct id_search *s, struct arena *a, struct str *id, struct fault *why)
{
	bool is_cut = s->list.cursor.n > 0;
	if (s->found == 0 && is_cut)
		return fault_set(
			why, NO_SUCH_IMAGE, "no ID of the newest %zu images begins with it; of an older image give the whole ID", s->searched);
	if (s->found == 0)
		return fault_set(
			why, NO_SUCH_IMAGE, "no ID of the %zu image%s begins with it; `tintype list` shows them", s->searched, plural_s(s->searched));
	for (size_t i = 0; s->found > 1 && i < s->found && i < SHOWN_MAX; i++)
		show_line(stderr, "%.*s  %.*s  %.*s", STRF(remote_text(s->records[i], "imageId")), STRF(remote_text(s->records[i], "uploadedAt")),
			STRF(remote_text(s->records[i], "fileName")));
	if (s->found > 1)
		return fault_set(why, INVALID_INPUT, "%zu images have an ID that begins with it: give more characters", s->found);
	if (is_cut && s->prefix.n < ID_PREFIX_SAFE_MIN)
		return fault_set(why, INVALID_INPUT, "there are more than %d images: give the first %d characters of the ID, or more",
			ID_SEARCHED_MAX, ID_PREFIX_SAFE_MIN);
	*id = str_dup(a, remote_text(s->records[0], "imageId"));
	return fault_check_arena(a, why);
}

enum status image_id_find(struct remote *r, struct arena *a, const char *text, struct str *id, struct fault *why)
{
	assert(r != NULL && a != NULL && text != NULL && id != NULL);
	struct id_search s = { .prefix = str_of(text) };
	*id = s.prefix;
	if (!can_begin_id(s.prefix))
		return OK;
	if (s.prefix.n < ID_PREFIX_MIN)
		return fault_set(why, INVALID_INPUT, "give at least the first %d characters of the ID", ID_PREFIX_MIN);
	remote_list_init(&s.list, r, "urls=false&limit=1000");
	enum status st = search_pages(&s, why);
	if (st == OK)
		st = judge_matches(&s, a, id, why);
	for (size_t i = 0; i < SHOWN_MAX; i++)
		json_decref(s.records[i]);
	remote_list_deinit(&s.list);
	return st;
}
