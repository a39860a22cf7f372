/* The shapes:
 *
 *   {"Records":[{"eventSource":"aws:sqs","messageId","body":"…"}, …]}    body: one of the others, as text
 *   {"Records":[{"eventSource":"aws:s3","eventName","s3":{"bucket":{"name"},"object":{"key","eTag","sequencer"}}}, …]}
 *   {"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name"},"object":{"key","etag","sequencer"}}}
 *   {"Service":"Amazon S3","Event":"s3:TestEvent", …}                    sent when notifications are set up
 *
 * S3 writes keys as forms do ("+" is a blank, %XX), EventBridge as they are. Fields that are not needed
 * are ignored, since every version adds some. A message of a batch that cannot be read is an
 * entry of its own, so that it fails alone. */
#include "lambda/object_events.h"

#include "base/codec.h"
#include "lambda/fields.h"

struct event_reader {
	struct arena *a;
	struct str message_id;
	struct object_event **tail;
};

static const char NOT_ONE_OF_OURS[] = "neither an S3 notification nor an EventBridge event of S3";

static enum status no_room(struct fault *why)
{
	return fault_set(why, TOO_MUCH, "the event is too large");
}

static enum status add_event(struct event_reader *r, const struct object_event *e, struct fault *why)
{
	struct object_event *copy = ARENA_NEW(r->a, struct object_event);
	if (copy == NULL || !arena_ok(r->a))
		return no_room(why);
	*copy = *e;
	copy->message_id = r->message_id;
	*r->tail = copy;
	r->tail = &copy->next;
	return OK;
}

static enum status add_kind(struct event_reader *r, enum object_event_kind kind, const char *problem, struct fault *why)
{
	return add_event(r, &(struct object_event){ .kind = kind, .problem = problem }, why);
}

/* form: the key is encoded as forms do. */
static enum status add_object(struct event_reader *r, const json_t *place, const char *etag_name, bool form, struct fault *why)
{
	const json_t *object = json_object_get(place, "object");
	struct str key = field_text(object, "key"), bucket = field_at(place, "bucket", "name", NULL);
	struct object_event e = { .kind = EVENT_CREATED };
	if (key.n == 0 || bucket.n == 0)
		return add_kind(r, EVENT_UNREADABLE, "a record of S3 without bucket or key", why);
	if (form && !uri_decode(r->a, key, true, &key))
		return arena_ok(r->a) ? add_kind(r, EVENT_UNREADABLE, "a key that is not encoded as S3 does", why) : no_room(why);
	e.key = str_dup(r->a, key); /* which the JSON still holds where there was nothing to decode */
	e.bucket = str_dup(r->a, bucket);
	e.etag = str_dup(r->a, field_text(object, etag_name));
	e.sequencer = str_dup(r->a, field_text(object, "sequencer"));
	return add_event(r, &e, why);
}

static enum status read_s3_record(struct event_reader *r, const json_t *record, struct fault *why)
{
	struct str name = field_text(record, "eventName");
	if (!str_equal(field_text(record, "eventSource"), STR("aws:s3")))
		return add_kind(r, EVENT_UNREADABLE, NOT_ONE_OF_OURS, why);
	if (str_starts_with(name, STR("s3:")))
		name = str_slice(name, 3, name.n);
	if (!str_starts_with(name, STR("ObjectCreated:")))
		return add_kind(r, EVENT_IGNORED, NULL, why);
	return add_object(r, json_object_get(record, "s3"), "eTag", true, why);
}

/* Whatever is not a batch. */
static enum status read_bare(struct event_reader *r, const json_t *root, struct fault *why)
{
	const json_t *records = json_object_get(root, "Records"), *record;
	size_t i;
	if (str_equal(field_text(root, "source"), STR("aws.s3"))) {
		if (!str_equal(field_text(root, "detail-type"), STR("Object Created")))
			return add_kind(r, EVENT_IGNORED, NULL, why);
		return add_object(r, json_object_get(root, "detail"), "etag", false, why);
	}
	if (str_equal(field_text(root, "Event"), STR("s3:TestEvent")))
		return add_kind(r, EVENT_IGNORED, NULL, why);
	if (!json_is_array(records))
		return add_kind(r, EVENT_UNREADABLE, NOT_ONE_OF_OURS, why);
	json_array_foreach((json_t *)records, i, record) TRY(read_s3_record(r, record, why));
	return OK;
}

static enum status read_message(struct event_reader *r, const json_t *message, struct fault *why)
{
	json_auto_t *root = NULL;
	struct str id = field_text(message, "messageId");
	struct fault inner;
	if (id.n == 0)
		return fault_set(why, INVALID_INPUT, "a message of the batch has no messageId");
	r->message_id = str_dup(r->a, id);
	if (fields_parse(field_text(message, "body"), &root, &inner) != OK)
		return add_kind(r, EVENT_UNREADABLE, "a message whose body is not a JSON object", why);
	return read_bare(r, root, why);
}

enum status object_events_read(struct arena *a, struct str event, struct object_events *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	json_auto_t *root = NULL;
	json_t *message;
	struct object_events read = { 0 };
	struct event_reader r = { .a = a, .message_id = STR(""), .tail = &read.first };
	size_t i;
	TRY(fields_parse(event, &root, why));
	const json_t *first = json_array_get(json_object_get(root, "Records"), 0);
	read.from_queue = str_equal(field_text(first, "eventSource"), STR("aws:sqs"));
	if (read.from_queue)
		json_array_foreach(json_object_get(root, "Records"), i, message) TRY(read_message(&r, message, why));
	else
		TRY(read_bare(&r, root, why));
	*out = read;
	return OK;
}

static struct str without_zeros(struct str s)
{
	while (s.n > 0 && s.p[0] == '0')
		s = str_slice(s, 1, s.n);
	return s;
}

int sequencer_compare(struct str a, struct str b)
{
	a = without_zeros(a);
	b = without_zeros(b);
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return str_compare(a, b);
}
