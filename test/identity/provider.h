/* An issuer on loopback: a discovery document and a key set, which a test may change, hold back or break. */
#ifndef TEST_IDENTITY_PROVIDER_H
#define TEST_IDENTITY_PROVIDER_H

#include "base/buf.h"
#include "fake/http_server.h"

struct provider {
	struct fake_http server;
	struct str url; /* the issuer */
	pthread_mutex_t lock;
	pthread_cond_t released;
	bool held;           /* requests wait */
	const char *status;  /* "200 OK" */
	const char *headers; /* of the keys: "Cache-Control: max-age=60\r\n" or "" */
	struct buf document, keys;
	atomic_uint requests, key_requests; /* that began */
};

void provider_start(struct provider *p);
void provider_stop(struct provider *p);
/* What the key set is from now on. */
void provider_set_keys(struct provider *p, struct str json);
/* What the document is; "": the right one. */
void provider_set_document(struct provider *p, struct str json);
void provider_set_status(struct provider *p, const char *status);
void provider_hold(struct provider *p, bool held);

#endif
