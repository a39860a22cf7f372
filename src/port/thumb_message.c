/* See thumb_message.h. */
#include "port/thumb_message.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/writer.h"

#define ETAG_MAX 128

void thumb_message_write(struct buf *out, const struct thumb_message *m)
{
	assert(out != NULL && m != NULL);
	writer_open(out, STR(""), '{');
	writer_text(out, STR("imageId"), m->image_id);
	writer_text(out, STR("etag"), m->etag);
	writer_close(out, '}');
}

enum status thumb_message_read(struct str text, struct arena *a, struct thumb_message *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	json_error_t error;
	bool starved;
	json_auto_t *json = json_read(text, 0, &error, &starved);
	struct str id = json_text(json_object_get(json, "imageId")), etag = json_text(json_object_get(json, "etag"));
	if (starved)
		return fault_no_memory(why);
	if (!uuid_valid(id) || etag.n == 0 || etag.n > ETAG_MAX)
		return fault_set(why, INVALID_INPUT, "a message that is not {\"imageId\":…,\"etag\":…} with the id of an image");
	*out = (struct thumb_message){ str_dup(a, id), str_dup(a, etag) };
	return fault_check_arena(a, why);
}
