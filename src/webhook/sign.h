/* Signatures of webhooks, and the secrets that make them. Pure; any thread.
 *
 * A receiver computes the HMAC-SHA256 of "ID.TIMESTAMP.BODY" with the secret that it shares with this server, and compares it with
 * those of the header webhook-signature. While the secret is being replaced there are two, and each signs.
 * Source: Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers". */
#ifndef WEBHOOK_SIGN_H
#define WEBHOOK_SIGN_H

#include "base/buf.h"
#include "base/fault.h"

#define WEBHOOK_SECRETS_MAX 2
#define WEBHOOK_SECRET_MIN_BYTES 24
#define WEBHOOK_SECRET_MAX_BYTES 64
/* Of webhook-signature: "v1," and the base64 of 32 bytes for each secret, a blank between them. */
#define WEBHOOK_SIGNATURE_CHARS (WEBHOOK_SECRETS_MAX * (3 + 44) + 1)

struct webhook_secrets {
	struct {
		unsigned char bytes[WEBHOOK_SECRET_MAX_BYTES];
		size_t n_bytes;
	} secrets[WEBHOOK_SECRETS_MAX];
	size_t n;
};

/* Read one secret, or two with a comma between them: "whsec_" and the base64 of 24 to 64 bytes. The caller wipes them.
 * out     written only on OK
 * Errors  BAD_SETTING; the text never has any of the secret; OUT_OF_MEMORY */
enum status webhook_secrets_parse(struct str text, struct webhook_secrets *out, struct fault *why) MUST_CHECK;
/* Append the value of webhook-signature; `out` is marked when memory fails.
 * id           of the event; no dot in it, which would make the signed text ambiguous
 * timestamp_s  of this attempt */
void webhook_sign(const struct webhook_secrets *s, struct str id, int64_t timestamp_s, struct str body, struct buf *out);

#endif
