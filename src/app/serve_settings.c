/* See serve_settings.h. What must hold of one setting alone is in config/settings_check.c. */
#include "app/serve_settings.h"

#include "app/backends.h"
#include "app/image_rules.h"
#include "app/webhooks.h"
#include "config/admin_file.h"
#include "config/settings_check.h"
#include "image/slot.h"

static enum status check_url(const char *flag, struct str url, struct fault *why)
{
	bool http = str_starts_with(url, STR("http://")) || str_starts_with(url, STR("https://"));
	if (url.n > 0 && (!http || str_ends_with(url, STR("/")) || str_find_char(url, '?') < url.n || str_find_char(url, ' ') < url.n))
		return fault_set(why, BAD_SETTING, "%s must be http://HOST[:PORT] or https://HOST[:PORT] without a trailing slash", flag);
	return OK;
}

enum status serve_settings_check_urls(const struct settings *s, bool remote, bool storage_is_wildcard, struct fault *why)
{
	assert(s != NULL);
	struct str url = str_of(s->public_storage_url);
	if (url.n == 0 && !remote && storage_is_wildcard)
		return fault_set(why, BAD_SETTING,
			"The store listens on every address (%s), so its URLs need a name that clients can reach: "
			"set --public-storage-url, for example http://pictures.example.com:9000",
			s->storage_listen);
	if (s->tls_cert[0] != '\0' && !remote && str_starts_with(url, STR("http://")))
		return fault_set(why, BAD_SETTING, "--public-storage-url is http://, but --tls-cert makes the store use https");
	TRY(check_url("--public-storage-url", url, why));
	return check_url("--delivery-url", str_of(s->delivery_url), why);
}

/* A server gives out links, and so it needs the key. */
static enum status check_cdn(const struct settings *s, bool remote, struct fault *why)
{
	TRY(settings_check_cdn(str_of(s->cdn_url), str_of(s->cdn_distribution), str_of(s->cdn_key_id), str_of(s->cdn_key_parameter), why));
	if (s->cdn_url[0] != '\0' && !remote)
		return fault_set(why, BAD_SETTING, "--cdn-url (TINTYPE_CDN_URL) needs --store s3: put a CDN in front of --delivery-url instead.");
	if (s->cdn_url[0] != '\0' && s->cdn_key_id[0] == '\0')
		return fault_set(why, BAD_SETTING,
			"--cdn-url (TINTYPE_CDN_URL) needs TINTYPE_CDN_KEY_ID and TINTYPE_CDN_KEY_PARAMETER too: links to private images are signed.");
	return OK;
}

/* A header's value, which admin.json has room for. */
static enum status check_admin_token(struct str token, struct fault *why)
{
	bool good = token.n < sizeof(((struct admin_file *)0)->token);
	for (size_t i = 0; good && i < token.n; i++)
		good = token.p[i] > ' ' && token.p[i] <= '~';
	return good
		? OK
		: fault_set(why, BAD_SETTING,
			  "TINTYPE_ADMIN_TOKEN must be 32 to 127 printable ASCII characters without blanks: set it to what `openssl rand -hex 32` prints.");
}

enum status serve_settings_check(struct settings *s, bool *remote, struct fault *why)
{
	assert(s != NULL && remote != NULL);
	TRY(backends_choose(s, remote, why));
	if (*remote)
		s->storage_listen = "";
	else if (s->storage_listen[0] == '\0')
		return fault_set(why, BAD_SETTING, "--storage must be HOST:PORT, such as 127.0.0.1:9000: uploads go there");
	TRY(settings_check_bucket(str_of(s->bucket), why));
	if (s->region[0] != '\0') /* not set: the backends' own */
		TRY(settings_check_region(str_of(s->region), why));
	TRY(settings_check_types(str_of(s->allowed_types), why));
	TRY(settings_check_unverified(str_of(s->unverified_types), why));
	const struct image_rules rules = rules_of(s);
	TRY(media_types_check(&rules, why));
	TRY(settings_check_keep(str_of(s->keep_metadata), why));
	TRY(webhooks_check(s, why));
	TRY(check_admin_token(str_of(s->admin_token), why));
	TRY(check_cdn(s, *remote, why));
	return settings_check_origins(str_of(s->cors_origins), why);
}
