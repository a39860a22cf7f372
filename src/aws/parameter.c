/* See parameter.h. One call of the JSON protocol, which is repeated freely, since it changes nothing. */
#include "aws/parameter.h"

#include "base/json.h"
#include "base/writer.h"

#define REQUEST_MAX_BYTES 4096
#define ANSWER_MAX_BYTES 65536 /* a value has at most 8 KB */

static enum status send_get(struct aws_service *ssm, struct str name, struct arena *a, struct http_response *out, struct fault *why)
{
	struct buf body;
	buf_init_arena(&body, a, REQUEST_MAX_BYTES);
	writer_open(&body, STR(""), '{');
	writer_text(&body, STR("Name"), name);
	writer_bool(&body, STR("WithDecryption"), true);
	writer_close(&body, '}');
	TRY(fault_check_buf(&body, why));
	const struct header headers[] = {
		{ STR("content-type"), STR("application/x-amz-json-1.1") },
		{ STR("x-amz-target"), STR("AmazonSSM.GetParameter") },
	};
	const struct aws_call call = { .method = STR("POST"),
		.path = STR("/"),
		.headers = headers,
		.n_headers = COUNT_OF(headers),
		.body = buf_str(&body),
		.repeatable = true,
		.max_response_bytes = ANSWER_MAX_BYTES };
	return aws_service_call(ssm, &call, a, out, why);
}

/* An answer of 200 is quoted nowhere: it may have the value. */
static enum status read_value(const struct http_response *answer, struct str name, struct arena *a, struct str *out, struct fault *why)
{
	json_error_t error;
	bool starved;
	json_auto_t *json = json_read(answer->body, 0, &error, &starved);
	struct str value = json_text(json_object_get(json_object_get(json, "Parameter"), "Value"));
	if (answer->status == 200 && value.n > 0) {
		*out = str_dup(a, value);
		return fault_check_arena(a, why);
	}
	if (starved)
		return fault_no_memory(why);
	enum status end = fault_set(why, UPSTREAM_FAILED, "The parameter %.*s cannot be read.", STRF(str_slice(name, 0, 100)));
	if (answer->status == 200)
		fault_cause(why, "SSM GetParameter: the answer has no value");
	else
		fault_cause(why, "SSM GetParameter: HTTP %d %.*s", answer->status, STRF(str_slice(answer->body, 0, 160)));
	return end;
}

enum status aws_parameter_get(struct aws_service *ssm, struct str name, struct arena *a, struct str *out, struct fault *why)
{
	assert(ssm != NULL && name.n > 0 && a != NULL && out != NULL);
	struct http_response answer;
	TRY(send_get(ssm, name, a, &answer, why));
	return read_value(&answer, name, a, out, why);
}
