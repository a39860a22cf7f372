/* See cloudfront_url.h. The policy itself is not sent: CloudFront makes it of the URL and Expires. */
#include "aws/cloudfront_url.h"

#include "base/codec.h"

#define POLICY_MAX_BYTES 4096

/* A wildcard would sign more than this URL, and a quote would end the policy's text. */
static bool is_plain(struct str url)
{
	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] >= 0x7f || url.p[i] == '"' || url.p[i] == '\\' || url.p[i] == '*')
			return false;
	return str_starts_with(url, STR("https://")) || str_starts_with(url, STR("http://"));
}

/* Base64 with the three characters replaced that have a meaning in a query. */
static void put_base64(struct buf *b, struct str bytes)
{
	char memory[2 * CLOUDFRONT_SIGNATURE_MAX];
	struct buf text;
	buf_init_fixed(&text, memory, sizeof memory);
	base64_encode(&text, bytes);
	assert(buf_ok(&text));
	for (size_t i = 0; i < text.n; i++) {
		char c = memory[i];
		buf_put_char(b, c == '+' ? '-' : c == '=' ? '_' : c == '/' ? '~' : c);
	}
}

enum status cloudfront_url_sign(
	const struct cloudfront_key *key, struct str key_id, struct str url, int64_t expires_s, struct buf *b, struct fault *why)
{
	assert(key != NULL && key_id.n > 0 && expires_s > 0 && is_plain(url));
	char memory[POLICY_MAX_BYTES];
	unsigned char signature[CLOUDFRONT_SIGNATURE_MAX];
	size_t n;
	struct buf policy;
	buf_init_fixed(&policy, memory, sizeof memory);
	buf_printf(&policy, "{\"Statement\":[{\"Resource\":\"%.*s\",\"Condition\":{\"DateLessThan\":{\"AWS:EpochTime\":%lld}}}]}", STRF(url),
		(long long)expires_s);
	TRY(fault_check_buf(&policy, why));
	TRY(cloudfront_key_sign(key, buf_str(&policy), signature, &n, why));
	buf_put(b, url);
	buf_printf(b, "%cExpires=%lld&Signature=", str_find_char(url, '?') < url.n ? '&' : '?', (long long)expires_s);
	put_base64(b, (struct str){ (const char *)signature, n });
	buf_printf(b, "&Key-Pair-Id=%.*s&Hash-Algorithm=SHA256", STRF(key_id));
	return fault_check_buf(b, why);
}
