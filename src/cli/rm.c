/* tintype rm: each image on its own; one that fails does not stop the others. */
#include "base/arena.h"
#include "cli/api_client.h"
#include "cli/image_id.h"
#include "cli/output.h"
#include "cli/verbs.h"

#define MEMORY_BYTES (4u << 20)

static bool remove_one(struct remote *r, const struct options *o, const char *id)
{
	struct fault why = { 0 };
	struct arena a CLEANUP(arena_deinit) = { 0 };
	arena_init(&a, MEMORY_BYTES);
	struct str whole;
	enum status st = image_id_find(r, &a, id, &whole, &why);
	const struct remote_call call = { .method = "DELETE", .path = remote_image_path(&a, whole, ""), .delete_token = o->token };
	if (st == OK)
		st = remote_json(r, &call, &a, NULL, &why);
	bool ok = st == OK;
	if (!ok)
		show_styled(stderr, SHOW_RED, "%s: %s", id, why.text);
	if (o->json) {
		json_t *line = json_pack(
			"{s:o, s:b, s:o*}", "imageId", show_json_text(whole), "deleted", ok, "error", ok ? NULL : show_json_text(str_of(why.text)));
		show_json(stdout, line);
		json_decref(line);
	} else if (ok) {
		show_line(stdout, "%.*s  deleted", STRF(whole));
	}
	return ok;
}

enum status verb_rm(const struct options *o, struct remote *r, struct fault *why)
{
	assert(o != NULL && r != NULL);
	bool all = true;
	for (size_t i = 0; i < o->n_operands; i++)
		all = remove_one(r, o, o->operands[i]) && all;
	return all ? OK : UPSTREAM;
}
