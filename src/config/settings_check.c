/* Grammars of the settings that are texts. Each is the narrowest that still takes all that works.
 * Source: Amazon S3 User Guide, "General purpose bucket naming rules"; RFC 6838 4.2 (media types);
 * RFC 6454 6.2 (origins); RFC 3986 3.2.2 (hosts). */
#include "config/settings_check.h"

#include "base/bucket_name.h"
#include "base/buf.h"
#include "base/codec.h"

#define SHOWN_MAX 60
#define TYPE_NAME_MAX 127

/* "--bucket takes ..., not "a?b"": the value short, and harmless on a terminal. */
static enum status refuse_setting(const char *takes, struct str value, struct fault *why)
{
	char memory[8 * SHOWN_MAX];
	struct buf b;
	buf_init_fixed(&b, memory, sizeof memory);
	terminal_escape(&b, str_slice(value, 0, utf8_prefix(value, SHOWN_MAX)));
	return fault_set(why, BAD_SETTING, "%s, not \"%.*s\"", takes, STRF(buf_str(&b)));
}

enum status settings_check_bucket(struct str bucket, struct fault *why)
{
	if (bucket_name_ok(bucket))
		return OK;
	return refuse_setting(
		"--bucket (BUCKET_NAME) must be 3 to 63 of a-z, 0-9, '.' and '-', with a letter or digit at both ends and around each "
		"dot, not an IP address, and without what AWS reserves (xn--, -s3alias)",
		bucket, why);
}

enum status settings_check_region(struct str region, struct fault *why)
{
	if (str_consists_of_lower(region, STR("-")))
		return OK;
	return refuse_setting("--region (REGION) must be a-z, 0-9 and '-', such as us-east-1", region, why);
}

static bool is_type_name(struct str s)
{
	return s.n <= TYPE_NAME_MAX && str_consists_of(s, STR("!#$&-^_.+"));
}

static bool are_types(struct str types)
{
	for (struct str rest = types; rest.p != NULL;) {
		struct str subtype = str_trim(str_cut(&rest, ','));
		struct str type = str_cut(&subtype, '/');
		if (!is_type_name(type) || !is_type_name(subtype))
			return false;
	}
	return true;
}

enum status settings_check_types(struct str types, struct fault *why)
{
	if (are_types(types))
		return OK;
	return refuse_setting("--allowed-types (TINTYPE_ALLOWED_TYPES) must be media types without parameters, separated "
						  "by commas, such as image/jpeg,image/png",
		types, why);
}

enum status settings_check_unverified(struct str types, struct fault *why)
{
	if (types.n == 0 || are_types(types))
		return OK;
	return refuse_setting("--unverified-types (TINTYPE_UNVERIFIED_TYPES) must be media types without parameters, separated "
						  "by commas, such as image/tiff,application/pdf",
		types, why);
}

enum status settings_check_keep(struct str words, struct fault *why)
{
	for (struct str rest = words; words.n > 0 && rest.p != NULL;) {
		struct str word = str_trim(str_cut(&rest, ','));
		if (!str_equal(word, STR("taken-at")) && !str_equal(word, STR("camera")) && !str_equal(word, STR("position")))
			return refuse_setting(
				"--keep-metadata (TINTYPE_KEEP_METADATA) must be some of taken-at, camera and position, separated by commas", words, why);
	}
	return OK;
}

static bool is_port(struct str s)
{
	uint64_t port;
	return s.n <= 5 && str_to_u64(s, &port) && port >= 1 && port <= UINT16_MAX;
}

/* "name", "name:port", "[v6]" or "[v6]:port". */
static bool is_host(struct str s)
{
	bool literal = str_starts_with(s, STR("["));
	size_t end = str_find_char(s, literal ? ']' : ':');
	struct str name = str_slice(s, literal ? 1 : 0, end), rest = str_slice(s, literal ? end + 1 : end, s.n);
	if (end == s.n && literal)
		return false;
	if (rest.n > 0 && (rest.p[0] != ':' || !is_port(str_slice(rest, 1, rest.n))))
		return false;
	return str_consists_of_lower(name, literal ? STR(":.") : STR("-._"));
}

static bool is_origin(struct str s)
{
	size_t end = str_find(s, STR("://"));
	return end < s.n && str_consists_of_lower(str_slice(s, 0, end), STR("+-.")) && is_host(str_slice(s, end + 3, s.n));
}

enum status settings_check_origins(struct str origins, struct fault *why)
{
	for (struct str rest = origins; origins.n > 0 && rest.p != NULL;) {
		struct str one = str_trim(str_cut(&rest, ','));
		if (!str_equal(one, STR("*")) && !is_origin(one))
			return refuse_setting("--cors-origins (TINTYPE_CORS_ORIGINS) must be *, or origins in lower case separated by commas, such as "
								  "https://app.example.com or http://localhost:3000",
				origins, why);
	}
	return OK;
}

static bool is_own_http(struct str url)
{
	return str_starts_with(url, STR("http://127.0.0.1:")) || str_starts_with(url, STR("http://[::1]:")) ||
		str_starts_with(url, STR("http://localhost:"));
}

/* An ID of CloudFront. */
static bool is_cdn_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'A' && s.p[i] <= 'Z') && !(s.p[i] >= '0' && s.p[i] <= '9'))
			return false;
	return s.n > 0 && s.n <= 32;
}

enum status settings_check_cdn(struct str url, struct str distribution, struct str key_id, struct str key_parameter, struct fault *why)
{
	if (url.n == 0 && distribution.n + key_id.n + key_parameter.n == 0)
		return OK;
	if (!is_origin(url) || (!str_starts_with(url, STR("https://")) && !is_own_http(url)))
		return refuse_setting(
			"--cdn-url (TINTYPE_CDN_URL) must be https://HOST[:PORT] in lower case, such as https://d111111abcdef8.cloudfront.net", url,
			why);
	if (!is_cdn_id(distribution))
		return refuse_setting(
			"--cdn-distribution (TINTYPE_CDN_DISTRIBUTION) must be the distribution's ID, such as EDFDVBD632BHDS5", distribution, why);
	if (key_id.n == 0 && key_parameter.n == 0)
		return OK;
	if (!is_cdn_id(key_id))
		return refuse_setting("TINTYPE_CDN_KEY_ID must be CloudFront's ID of the key, such as K2JCJMDEHXQW5F", key_id, why);
	if (key_parameter.n > 1011 || !str_consists_of(key_parameter, STR("/._-")))
		return refuse_setting(
			"TINTYPE_CDN_KEY_PARAMETER must be the parameter's name, such as /tintype/prod/cdn-key-1", key_parameter, why);
	return OK;
}
