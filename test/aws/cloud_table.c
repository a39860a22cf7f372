/* See cloud_table.h. */
#include "aws/cloud_table.h"

#include "aws/dynamo/dynamo.h"
#include "aws/dynamo/request.h"
#include "aws/dynamo/row.h"
#include "aws/dynamo/usage.h"
#include "base/mem.h"
#include "base/writer.h"

#include <assert.h>
#include <stdio.h>

struct cloud_kind cloud_kind;

static unsigned fixtures;

struct image_table *cloud_open(struct cloud *c, struct str url)
{
	c->chain = aws_chain_new();
	c->service = aws_service_new(
		&(struct aws_service_options){ .service = STR("dynamodb"), .region = STR("eu-west-1"), .endpoint = url, .chain = c->chain });
	assert(c->chain != NULL && c->service != NULL);
	struct image_table *t = dynamo_table_new(&(struct dynamo_table_options){ .service = c->service,
		.table = str_of(c->table),
		.shards = cloud_kind.shards,
		.count_owners = cloud_kind.count_owners,
		.obeys_migration = cloud_kind.obeys_migration });
	assert(t != NULL);
	return t;
}

void cloud_close(struct cloud *c, struct image_table **t)
{
	dynamo_table_free(t);
	aws_service_free(&c->service);
	aws_chain_free(&c->chain);
}

/* Counters that a bug, or a row that DynamoDB removed by its TTL, left behind long ago. */
static void spoil(struct contract_fixture *w, struct str owner)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct fault why;
	dynamo_call_init(&c, (struct dynamo *)w->table, "UpdateItem", 0);
	dynamo_key_put(dynamo_owner_key(DYNAMO_USAGE, owner, &c.scratch), &c.scratch, &c.body);
	writer_text(&c.body, STR("UpdateExpression"),
		STR("SET claimedBytes = claimedBytes + :n, claimedImages = claimedImages + :n, reservedBytes = :zero, pendingSlots = :zero, "
			"changedMs = :zero"));
	writer_raw(&c.body, STR("ExpressionAttributeValues"), STR("{\":n\":{\"N\":\"1000\"},\":zero\":{\"N\":\"0\"}}"));
	enum status spoilt = dynamo_call_send(&c, (struct dynamo *)w->table, &why);
	assert(spoilt == OK);
}

static void name_ports(struct contract_fixture *w)
{
	w->users = dynamo_users(w->table);
	w->api_keys = dynamo_api_keys(w->table);
	w->outbox = dynamo_outbox(w->table);
	w->transfer = dynamo_transfer(w->table);
}

void cloud_make(struct contract_fixture *w, uint64_t max_pending)
{
	struct cloud *c = mem_new(1, sizeof *c);
	struct fault why;
	(void)max_pending;
	assert(c != NULL);
	snprintf(c->table, sizeof c->table, "ImageMetadata-%u", ++fixtures);
	*w = (struct contract_fixture){ .table = cloud_open(c, str_of(cloud_kind.url)), .spoil = spoil, .own = c };
	name_ports(w);
	enum status made = dynamo_table_create(w->table, &why);
	if (made != OK)
		fprintf(stderr, "%s (%s)\n", why.text, why.cause);
	assert(made == OK);
}

void cloud_reopen(struct contract_fixture *w)
{
	struct cloud *c = w->own;
	cloud_close(c, &w->table);
	w->table = cloud_open(c, str_of(cloud_kind.url));
	name_ports(w);
}

void cloud_unmake(struct contract_fixture *w)
{
	struct cloud *c = w->own;
	cloud_close(c, &w->table);
	mem_free(c);
}
