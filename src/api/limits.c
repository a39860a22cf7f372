/* GET /limits: what the caller may send, so that it can check a file before it requests a slot; for an anonymous caller also whether it may
 * change images; whether an image is better sent in one request than to a slot; for a user also the quota, which is read on a worker. */
#include "api/access.h"
#include "api/body.h"
#include "api/call.h"
#include "api/sign_in.h"

#include "base/writer.h"
#include "image/slot.h"
#include "port/user_table.h"

enum status limits_run(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	const struct image_rules *rules = &c->api->product->rules;
	struct user_row user;
	struct buf b;
	bool has_owner = c->caller.owner.n > 0, is_anonymous = c->caller.kind == CALLER_ANONYMOUS;

	if (has_owner)
		TRY(users_read_own(c, &user, why));
	buf_init_arena(&b, c->arena, BODY_MAX_BYTES);
	writer_open(&b, (struct str){ 0 }, '{');
	writer_open(&b, STR("allowedTypes"), '[');
	for (struct str rest = rules->allowed_types; rest.p != NULL;)
		writer_text(&b, (struct str){ 0 }, str_trim(str_cut(&rest, ',')));
	writer_close(&b, ']');
	writer_number(&b, STR("maxFileSize"), rules->max_size_bytes);
	writer_number(&b, STR("maxPixels"), rules->max_pixels);
	writer_number(&b, STR("maxFileNameBytes"), FILE_NAME_MAX_BYTES);
	writer_number(&b, STR("maxMetadataMembers"), METADATA_MAX_MEMBERS);
	writer_number(&b, STR("maxMetadataBytes"), METADATA_MAX_BYTES);
	writer_number(&b, STR("urlLifetimeSeconds"), rules->url_ttl_s);
	writer_bool(&b, STR("requireSize"), rules->require_size);
	if (is_anonymous && !access_anybody_changes(&c->api->options))
		writer_bool(&b, STR("anonymousChanges"), false);
	if (is_anonymous && c->api->options.anonymous_slots_per_minute > 0)
		writer_number(&b, STR("anonymousSlotsPerMinute"), c->api->options.anonymous_slots_per_minute);
	if (c->api->options.requests_per_second > 0)
		writer_number(&b, STR("requestsPerSecond"), c->api->options.requests_per_second);
	if (c->api->options.direct == DIRECT_STORE && c->api->product->has_request_secret)
		writer_bool(&b, STR("directUpload"), true);
	if (has_owner)
		users_write_quota(&b, &user.quota);
	sign_in_write(&b, c);
	writer_close(&b, '}');
	return call_json(c, &b, why);
}
