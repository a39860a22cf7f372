/* GET /images/{imageId}?wait=: the record once the image has left `pending`, or as it is when the time is over.
 *
 * A worker enters the call in the table of waiters (wait.h) and then reads the row, so that no change falls between the two. While
 * the row is pending the call is parked there, and takes no thread; when it is woken a worker does the same again, until there is
 * something to tell. Then the call goes on as one without the parameter. */
#include "api/call.h"

#include "base/clock.h"
#include "image/image_service.h"

enum status wait_read(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->route->check == wait_read);
	const struct query *q = &c->x->request.query;
	struct str text;
	uint64_t seconds = 0;
	TRY(call_parameter(q, STR("wait"), &text, why));
	if (query_find(q, STR("wait")) == NULL)
		return OK;
	if (!str_to_u64(text, &seconds) || seconds > WAIT_MAX_S)
		return fault_set(why, BAD_FIELD, "wait must be an integer of seconds from 0 to %d", WAIT_MAX_S);
	c->wait_s = (uint32_t)seconds;
	return OK;
}

static void wake_call(struct waiter *w)
{
	struct api_call *c = (struct api_call *)((char *)w - offsetof(struct api_call, waiter));
	c->x->work(c->x);
}

/* Whether the call is parked, and not the caller's any more. */
static bool park_call(struct api_call *c)
{
	struct waits *waits = c->api->waits;
	while (waits_enter(waits, &c->waiter)) {
		if (!image_service_is_pending(c->api->product, c->at.segment)) {
			waits_leave(waits, &c->waiter);
			return false;
		}
		if (waits_park(waits, &c->waiter))
			return true;
	}
	return false;
}

void wait_start(struct api_call *c)
{
	assert(c != NULL && c->wait_s > 0 && c->api->waits != NULL);
	if (!c->on_worker) {
		c->on_worker = true;
		c->waiter.image_id = c->at.segment;
		c->waiter.until_ms = clock_mono_ms() + (int64_t)c->wait_s * 1000;
		c->waiter.wake = wake_call;
		c->x->work(c->x);
		return;
	}
	/* Before it waits, or the time until the response would tell whether the image exists. */
	struct fault why = { .code = F_NONE };
	enum status admitted = call_admit(c, &why);
	if (admitted == OK && park_call(c))
		return;
	if (admitted == OK)
		call_run(c);
	else
		call_end(c, admitted, &why);
	c->x->done(c->x);
}
