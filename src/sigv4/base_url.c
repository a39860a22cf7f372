/* A base URL is a scheme, a host and perhaps a port; both ways of signing take the Host from it, so
 * that what is signed is what the client will send. */
#include "sigv4/base_url.h"

enum status base_url_host(struct str base_url, struct str *host, struct fault *why)
{
	assert(host != NULL);
	bool plain = str_starts_with(base_url, STR("http://"));
	if (!plain && !str_starts_with(base_url, STR("https://")))
		return fault_set(why, INVALID_INPUT, "a base URL must begin with http:// or https://");
	*host = str_slice(base_url, plain ? 7 : 8, base_url.n);
	for (size_t i = 0; i < host->n; i++) {
		unsigned char c = (unsigned char)host->p[i];
		if (c <= ' ' || c >= 0x7f || c == '/' || c == '?' || c == '#' || c == '@')
			return fault_set(why, INVALID_INPUT, "a base URL is a scheme, a host and a port, nothing more");
	}
	struct str own_port = plain ? STR(":80") : STR(":443");
	if (str_ends_with(*host, own_port))
		*host = str_slice(*host, 0, host->n - own_port.n);
	if (host->n == 0)
		return fault_set(why, INVALID_INPUT, "a base URL needs a host");
	return OK;
}
