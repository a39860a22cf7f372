/* Any bytes as a discovery document, a URL and a Cache-Control. What must hold: URLs that are given are valid, and lead over plain http to
 * this machine alone; an age is within its bounds. */
#include "identity/discovery.h"

#include "base/arena.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_url(struct str url)
{
	struct str rest = str_slice(url, 7, url.n);
	assert(discovery_url_valid(url));
	assert(str_starts_with(url, STR("https://")) || str_starts_with(rest, STR("localhost")) || str_starts_with(rest, STR("127.0.0.1")) ||
		str_starts_with(rest, STR("[::1]")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct discovery d;
	struct arena arena;
	arena_init(&arena, (size_t)4 << 20);
	if (discovery_read(text, STR("https://id.example/"), &arena, &d, NULL) == OK) {
		const struct str urls[] = { d.jwks_url, d.authorize_url, d.token_url, d.logout_url, d.revoke_url };
		assert(d.jwks_url.n > 0);
		for (size_t i = 0; i < COUNT_OF(urls); i++)
			if (urls[i].n > 0)
				check_url(urls[i]);
	}
	if (discovery_url_valid(text))
		check_url(text);
	int64_t age_ms = discovery_age_ms(text);
	assert(age_ms >= DISCOVERY_AGE_MIN_MS && age_ms <= DISCOVERY_AGE_MAX_MS);
	arena_deinit(&arena);
	return 0;
}
