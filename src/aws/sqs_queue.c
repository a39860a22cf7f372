/* thumb_queue on SQS. A message that is sent twice is harmless, so a call whose answer is lost is sent again.
 * Source: Amazon SQS API reference, SendMessage, in the AWS JSON protocol. */
#include "aws/aws.h"

#include "base/mem.h"
#include "base/writer.h"
#include "port/thumb_message.h"

#include <assert.h>

#define SCRATCH_BYTES ((size_t)1 << 20)
#define BODY_MAX ((size_t)8 << 10)

struct sqs_queue {
	struct thumb_queue port;
	struct aws_service *service;
	char *url;
};

static enum status put_body(struct buf *body, struct str url, const struct thumb_message *m, struct arena *a, struct fault *why)
{
	struct buf text;
	buf_init_arena(&text, a, BODY_MAX);
	thumb_message_write(&text, m);
	TRY(fault_check_buf(&text, why));
	writer_open(body, STR(""), '{');
	writer_text(body, STR("QueueUrl"), url);
	writer_text(body, STR("MessageBody"), buf_str(&text));
	writer_close(body, '}');
	return fault_check_buf(body, why);
}

static enum status send_message(struct thumb_queue *port, struct str id, struct str etag, struct fault *why)
{
	const struct sqs_queue *q = (const struct sqs_queue *)port;
	const struct thumb_message m = { id, etag };
	struct arena a CLEANUP(arena_deinit);
	struct http_response answer;
	struct buf body;
	arena_init(&a, SCRATCH_BYTES);
	buf_init_arena(&body, &a, BODY_MAX);
	TRY(put_body(&body, str_of(q->url), &m, &a, why));
	const struct header headers[] = {
		{ STR("content-type"), STR("application/x-amz-json-1.0") },
		{ STR("x-amz-target"), STR("AmazonSQS.SendMessage") },
	};
	const struct aws_call call = { .method = STR("POST"),
		.path = STR("/"),
		.headers = headers,
		.n_headers = COUNT_OF(headers),
		.body = buf_str(&body),
		.repeatable = true };
	TRY(aws_service_call(q->service, &call, &a, &answer, why));
	if (answer.status == 200)
		return OK;
	enum status end = fault_set(why, UPSTREAM_FAILED, "The queue of thumbnails refused a message.");
	fault_cause(why, "SQS answered %d: %.*s", answer.status, STRF(str_slice(answer.body, 0, 160)));
	return end;
}

static const struct thumb_queue_ops ops = { .send = send_message };

struct thumb_queue *sqs_queue_new(struct aws_service *service, struct str url)
{
	assert(service != NULL && url.n > 0);
	struct sqs_queue *q = mem_new(1, sizeof *q);
	if (q == NULL)
		return NULL;
	*q = (struct sqs_queue){ .port = { &ops }, .service = service, .url = mem_dup_cstr(url) };
	if (q->url != NULL)
		return &q->port;
	mem_free(q);
	return NULL;
}

void sqs_queue_free(struct thumb_queue **port)
{
	assert(port != NULL);
	struct sqs_queue *q = (struct sqs_queue *)*port;
	if (q == NULL)
		return;
	mem_free(q->url);
	mem_free(q);
	*port = NULL;
}
