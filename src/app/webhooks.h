/* Webhooks, put together: settings, the outbox's source, and the sender. */
#ifndef APP_WEBHOOKS_H
#define APP_WEBHOOKS_H

#include "app/backends.h"
#include "http/server/serve.h"
#include "image/product.h"
#include "webhook/endpoint.h"
#include "webhook/sender.h"
#include "webhook/sign.h"

struct webhooks {
	struct outbox *outbox;
	struct product *product;
	struct webhook_endpoint endpoint;
	struct webhook_secrets secrets;
	struct outbox_source source;
	struct webhook_sender *sender; /* NULL: events are only written */
};

/* Check what the settings say of webhooks.  Errors: BAD_SETTING, with a sentence for the terminal */
enum status webhooks_check(const struct settings *s, struct fault *why) MUST_CHECK;
/* Write events of changes from now on, if the settings say so; they are checked. The product, whose records they are made of, and the
 * backends must outlive them.
 * at      where this server listens; NULL: it is none, and nothing is sent
 * Errors  BAD_SETTING; OUT_OF_MEMORY; STORAGE_FAILED */
enum status webhooks_start(struct webhooks *w, const struct settings *s, struct backends *e, struct product *p,
	const struct serve_addresses *at, struct fault *why) MUST_CHECK;
/* When nothing makes changes any more. Safe on zeroed and on stopped ones. */
void webhooks_stop(struct webhooks *w);
/* Set the gauges of the outbox. */
void webhooks_measure(struct webhooks *w);

#endif
