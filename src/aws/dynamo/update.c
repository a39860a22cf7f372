/* An update expression is "SET #a = :a, … REMOVE #b, … ADD c :c, …"; each clause is left out where it is empty.
 * Source: Amazon DynamoDB developer guide, "Update expressions". */
#include "aws/dynamo/update.h"

#include "base/writer.h"

/* The attributes that are there, or those that are missing, each by this format. */
static const char *put_names(struct buf *b, const struct dynamo_item *item, bool there, const char *before, const char *format)
{
	for (size_t i = 0; i < item->n; i++) {
		const char *name = item->attributes[i].name;
		if ((item->attributes[i].value.n > 0) != there)
			continue;
		buf_put(b, str_of(before));
		for (const char *p = format; *p != '\0'; p++)
			buf_put(b, *p == '@' ? str_of(name) : (struct str){ p, 1 });
		before = ", ";
	}
	return before;
}

static void put_expression(const struct dynamo_update *u, struct buf *b)
{
	const char *before = put_names(b, &u->attributes, true, "SET ", "#@ = :@");
	if (u->also != NULL) {
		buf_put(b, str_of(before));
		buf_put(b, str_of(u->also));
	}
	(void)put_names(b, &u->attributes, false, " REMOVE ", "#@");
	(void)put_names(b, &u->added, true, " ADD ", "@ :@");
}

void dynamo_update_put(const struct dynamo_update *u, struct arena *a, struct buf *body)
{
	struct dynamo_item values = u->attributes;
	const struct dynamo_item *const more[] = { &u->added, &u->values };
	writer_open(body, STR("UpdateExpression"), '"');
	put_expression(u, body);
	writer_close(body, '"');
	if (u->condition.n > 0)
		writer_text(body, STR("ConditionExpression"), u->condition);
	if (u->attributes.n > 0) {
		writer_open(body, STR("ExpressionAttributeNames"), '{');
		for (size_t i = 0; i < u->attributes.n; i++)
			writer_text(body, str_printf(a, "#%s", u->attributes.attributes[i].name), str_of(u->attributes.attributes[i].name));
		writer_close(body, '}');
	}
	for (size_t m = 0; m < COUNT_OF(more); m++)
		for (size_t i = 0; i < more[m]->n; i++) {
			assert(values.n < DYNAMO_ATTRIBUTES_MAX);
			values.attributes[values.n++] = more[m]->attributes[i];
		}
	dynamo_item_put(&values, STR("ExpressionAttributeValues"), ":", body);
}
