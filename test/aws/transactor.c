/* Transactions of DynamoDB on dynalite. Each write of a transaction is one call to it, after its item was read; if one fails, those that
 * were done are undone. Nobody sees what is between, because all calls go through here, one after the other.
 * Source: Amazon DynamoDB API reference, TransactWriteItems. */
#include "aws/transactor.h"

#include "base/json.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX ((size_t)32 << 20)
#define ITEMS_MAX 4
#define PREFIX "DynamoDB_20120810."

/* One answer. */
struct reply {
	unsigned status;
	json_t *body;
};

static int dial(unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool there = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
	assert(there);
	return fd;
}

/* Send a whole request, and read the whole response into the same buffer. */
static void forward(const struct transactor *x, struct buf *message)
{
	int fd = dial(x->engine->port);
	fake_http_write(fd, buf_str(message));
	bool answered = fake_http_read(fd, message);
	assert(answered);
	close(fd);
}

static struct str body_of(struct str message)
{
	return str_slice(message, str_find(message, STR("\r\n\r\n")) + 4, message.n);
}

static struct str header_of(struct str message, struct str name)
{
	struct str rest = str_slice(message, 0, str_find(message, STR("\r\n\r\n")));
	while (rest.p != NULL) {
		struct str line = str_cut(&rest, '\n');
		if (str_ends_with(line, STR("\r")))
			line.n--;
		if (str_starts_with_nocase(line, name))
			return str_trim(str_slice(line, name.n, line.n));
	}
	return STR("");
}

static struct reply reply_read(struct str message)
{
	bool starved;
	json_error_t where;
	struct reply r = { .body = json_read(body_of(message), JSON_ALLOW_NUL, &where, &starved) };
	r.status = (unsigned)strtoul(message.p + sizeof "HTTP/1.1", NULL, 10);
	assert(r.body != NULL);
	return r;
}

/* A call of ours to dynalite, signed as the client's was: it does not verify that. */
static struct reply call(const struct transactor *x, struct str authorization, const char *action, const json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	struct buf b;
	assert(text != NULL);
	buf_init(&b, MESSAGE_MAX);
	buf_printf(&b,
		"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Date: 20260101T000000Z\r\nAuthorization: %.*s\r\nX-Amz-Target: " PREFIX
		"%s\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %zu\r\n\r\n%s",
		STRF(authorization), action, strlen(text), text);
	assert(buf_ok(&b));
	mem_free(text);
	forward(x, &b);
	struct reply r = reply_read(buf_str(&b));
	buf_deinit(&b);
	return r;
}

static struct str error_of(const json_t *body)
{
	struct str word = json_text(json_object_get(body, "__type"));
	return str_slice(word, str_find_char(word, '#') + 1, word.n);
}

static struct reply refuse(const char *error, json_t *reasons)
{
	char type[96];
	snprintf(type, sizeof type, "com.amazonaws.dynamodb.v20120810#%s", error);
	json_t *body = json_pack("{s:s, s:s}", "__type", type, "Message", "refused by the test");
	if (reasons != NULL)
		json_object_set_new(body, "CancellationReasons", reasons);
	return (struct reply){ 400, body };
}

/* transactions */

struct item_write {
	const char *kind; /* "Put", "Update", "Delete" */
	json_t *members;  /* borrowed */
	json_t *key;
	json_t *before; /* the item; NULL: there was none */
	bool done;
};

static void write_begin(const struct transactor *x, struct str authorization, json_t *item, struct item_write *w)
{
	w->kind = json_object_iter_key(json_object_iter(item));
	w->members = json_object_get(item, w->kind);
	json_t *id = json_object_get(json_object_get(w->members, strcmp(w->kind, "Put") == 0 ? "Item" : "Key"), "imageId");
	w->key = json_pack("{s:O}", "imageId", id);
	json_t *get = json_pack("{s:O, s:O, s:b}", "TableName", json_object_get(w->members, "TableName"), "Key", w->key, "ConsistentRead", 1);
	struct reply r = call(x, authorization, "GetItem", get);
	w->before = json_incref(json_object_get(r.body, "Item"));
	json_decref(r.body);
	json_decref(get);
}

/* The reason why not; "None". */
static json_t *write_do(const struct transactor *x, struct str authorization, struct item_write *w)
{
	char action[16];
	snprintf(action, sizeof action, "%sItem", w->kind);
	struct reply r = call(x, authorization, action, w->members);
	w->done = r.status == 200;
	bool condition = str_equal(error_of(r.body), STR("ConditionalCheckFailedException"));
	json_t *reason = json_pack("{s:s}", "Code", w->done ? "None" : condition ? "ConditionalCheckFailed" : "ValidationError");
	if (!w->done && !condition)
		fprintf(stderr, "# %s: %s\n", action, json_string_value(json_object_get(r.body, "message")));
	if (condition && w->before != NULL)
		json_object_set(reason, "Item", w->before);
	json_decref(r.body);
	return reason;
}

static void write_undo(const struct transactor *x, struct str authorization, struct item_write *w)
{
	json_t *table = json_object_get(w->members, "TableName");
	json_t *body = w->before != NULL ? json_pack("{s:O, s:O}", "TableName", table, "Item", w->before)
									 : json_pack("{s:O, s:O}", "TableName", table, "Key", w->key);
	struct reply r = call(x, authorization, w->before != NULL ? "PutItem" : "DeleteItem", body);
	assert(r.status == 200);
	json_decref(r.body);
	json_decref(body);
}

static struct reply transact(struct transactor *x, struct str authorization, const json_t *items)
{
	struct item_write writes[ITEMS_MAX] = { 0 };
	size_t n = json_array_size(items);
	json_t *reasons = json_array();
	bool failed = false;
	assert(n >= 1 && n <= ITEMS_MAX);
	for (size_t i = 0; i < n; i++)
		write_begin(x, authorization, json_array_get(items, i), &writes[i]);
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(reasons, write_do(x, authorization, &writes[i]));
		failed = failed || !writes[i].done;
	}
	for (size_t i = 0; i < n; i++) {
		if (failed && writes[i].done)
			write_undo(x, authorization, &writes[i]);
		json_decref(writes[i].key);
		json_decref(writes[i].before);
	}
	if (failed)
		return refuse("TransactionCanceledException", reasons);
	json_decref(reasons);
	x->done++;
	return (struct reply){ 200, json_object() };
}

/* One that was done already is not done again, and says that it was. */
static struct reply transact_once(struct transactor *x, struct str request)
{
	struct str body = body_of(request);
	struct reply r;
	bool starved;
	json_error_t where;
	json_t *asked = json_read(body, JSON_ALLOW_NUL, &where, &starved), *text = json_stringn(body.p, body.n);
	const char *token = json_string_value(json_object_get(asked, "ClientRequestToken"));
	assert(asked != NULL && token != NULL);
	const json_t *known = x->forgetful ? NULL : json_object_get(x->tokens, token);
	if (known != NULL && !json_equal(known, text))
		r = refuse("IdempotentParameterMismatchException", NULL);
	else if (known != NULL) {
		x->repeats++;
		r = (struct reply){ 200, json_object() };
	} else
		r = transact(x, header_of(request, STR("authorization:")), json_object_get(asked, "TransactItems"));
	if (r.status == 200)
		json_object_set(x->tokens, token, text);
	json_decref(asked);
	json_decref(text);
	return r;
}

/* As each kind of call says that another transaction is in the way. */
static struct reply conflict(bool transaction)
{
	return transaction ? refuse("TransactionCanceledException", json_pack("[{s:s}, {s:s}]", "Code", "None", "Code", "TransactionConflict"))
					   : refuse("TransactionConflictException", NULL);
}

static void answer(int fd, struct reply r)
{
	char *text = json_dumps(r.body, JSON_COMPACT);
	fake_http_answer(fd, r.status == 200 ? "200 OK" : "400 Bad Request", "Content-Type: application/x-amz-json-1.0\r\n", str_of(text));
	mem_free(text);
	json_decref(r.body);
}

/* false: the connection is cut. */
static bool serve_one(struct transactor *x, int fd, struct buf *message)
{
	char action[32];
	struct str target = header_of(buf_str(message), STR("x-amz-target:"));
	snprintf(action, sizeof action, "%.*s", STRF(str_slice(target, sizeof PREFIX - 1, target.n)));
	bool transaction = strcmp(action, "TransactWriteItems") == 0;
	struct reply r = { 0 };
	pthread_mutex_lock(&x->lock);
	x->n++;
	enum transactor_fault f = x->fault != NULL ? x->fault(x, str_of(action)) : FAULT_NONE;
	if (f == FAULT_CONFLICT)
		r = conflict(transaction);
	else if (f == FAULT_THROTTLE)
		r = refuse("ThrottlingException", NULL);
	else if (f != FAULT_CUT && transaction)
		r = transact_once(x, buf_str(message));
	else if (f != FAULT_CUT)
		forward(x, message);
	pthread_mutex_unlock(&x->lock);
	bool cut = f == FAULT_CUT || f == FAULT_LOST;
	if (cut)
		json_decref(r.body);
	else if (r.body != NULL)
		answer(fd, r);
	else
		fake_http_write(fd, buf_str(message));
	return !cut;
}

static void serve(int fd, unsigned nth, void *arg)
{
	struct buf message;
	(void)nth;
	buf_init(&message, MESSAGE_MAX);
	while (fake_http_read(fd, &message) && serve_one(arg, fd, &message))
		continue;
	buf_deinit(&message);
	shutdown(fd, SHUT_RDWR);
}

void transactor_start(struct transactor *x, const struct emulator *engine)
{
	*x = (struct transactor){ .engine = engine, .tokens = json_object() };
	pthread_mutex_init(&x->lock, NULL);
	fake_http_start(&x->server, serve, x);
}

void transactor_stop(struct transactor *x)
{
	fake_http_stop(&x->server);
	pthread_mutex_destroy(&x->lock);
	json_decref(x->tokens);
}
