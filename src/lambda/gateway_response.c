/* {"statusCode","headers","multiValueHeaders"?,"body","isBase64Encoded"}. A body that is UTF-8 goes as
 * text, for whether a gateway decodes base64 depends on what the client accepts. */
#include "lambda/gateway_response.h"

#include "base/writer.h"
#include "base/codec.h"

static bool is_first(const struct answer *ans, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (str_equal_nocase(ans->headers[k].name, ans->headers[i].name))
			return false;
	return true;
}

/* The next header of this name after i; n_headers when there is none. */
static size_t next_of(const struct answer *ans, size_t i)
{
	size_t k = i + 1;
	while (k < ans->n_headers && !str_equal_nocase(ans->headers[k].name, ans->headers[i].name))
		k++;
	return k;
}

static void write_headers(struct buf *b, enum gateway_version version, const struct answer *ans)
{
	bool apart = false;
	writer_open(b, STR("headers"), '{');
	for (size_t i = 0; i < ans->n_headers && buf_ok(b); i++) {
		bool several = version == GATEWAY_V1 && next_of(ans, i) < ans->n_headers;
		apart = apart || several;
		if (is_first(ans, i) && !several) {
			writer_open(b, ans->headers[i].name, '"');
			for (size_t k = i; k < ans->n_headers; k = next_of(ans, k)) {
				buf_put(b, k == i ? STR("") : STR(", "));
				json_escape(b, ans->headers[k].value);
			}
			writer_close(b, '"');
		}
	}
	writer_close(b, '}');
	if (!apart)
		return;
	writer_open(b, STR("multiValueHeaders"), '{');
	for (size_t i = 0; i < ans->n_headers; i++)
		if (is_first(ans, i) && next_of(ans, i) < ans->n_headers) {
			writer_open(b, ans->headers[i].name, '[');
			for (size_t k = i; k < ans->n_headers; k = next_of(ans, k))
				writer_text(b, STR(""), ans->headers[k].value);
			writer_close(b, ']');
		}
	writer_close(b, '}');
}

void gateway_answer_write(struct buf *b, enum gateway_version version, const struct answer *ans, bool bodiless)
{
	assert(b != NULL && ans != NULL && ans->status != 0 && ans->fd < 0 && ans->n_more == 0);
	struct str body = bodiless ? STR("") : ans->body;
	bool text = utf8_valid(body);
	writer_open(b, STR(""), '{');
	writer_number(b, STR("statusCode"), (uint64_t)ans->status);
	write_headers(b, version, ans);
	writer_open(b, STR("body"), '"');
	if (text)
		json_escape(b, body);
	else
		base64_encode(b, body);
	writer_close(b, '"');
	writer_bool(b, STR("isBase64Encoded"), !text);
	writer_close(b, '}');
}
