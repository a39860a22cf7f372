/* Owners of images on DynamoDB, with every owner counted: the contracts of their table, and of the image table again, whose writes
 * are transactions then. Further what only DynamoDB can do: other transactions in the way, throttling, answers that are lost
 * after the commit; and owners who are not counted. Quotas hold, and the counters are those of the rows, whatever happens. */
#include "fake/bench.h"
#include "fake/contract_api_keys.h"
#include "fake/contract_outbox.h"
#include "fake/contract_table.h"
#include "fake/contract_transfer.h"
#include "fake/contract_users.h"
#include "fake/owned.h"

#include "aws/cloud_table.h"
#include "aws/dynamo/outbox.h"
#include "aws/dynamo/row.h"
#include "aws/surroundings.h"
#include "aws/transactor.h"
#include "base/writer.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct emulator emulator;
static struct transactor engine;

/* faults */

#define THREADS 6
#define SLOTS_EACH 50
#define ROOM 100

static bool is_transaction(struct str action)
{
	return str_equal(action, STR("TransactWriteItems"));
}

/* Of the transactions every third is in conflict, every fifth is throttled, of every fourth the answer is lost. */
static enum transactor_fault often(struct transactor *x, struct str action)
{
	static unsigned n;
	(void)x;
	if (!is_transaction(action))
		return FAULT_NONE;
	n++;
	return n % 3 == 0 ? FAULT_CONFLICT : n % 5 == 0 ? FAULT_THROTTLE : n % 4 == 0 ? FAULT_LOST : FAULT_NONE;
}

struct asker {
	pthread_t thread;
	struct bench *bench;
	unsigned first, accepted, full, busy, other;
};

static void *ask_many(void *arg)
{
	struct asker *k = arg;
	struct arena a CLEANUP(arena_deinit);
	arena_init(&a, (size_t)4 << 20);
	struct bench mine = { .w = k->bench->w, .a = a };
	for (unsigned n = 0; n < SLOTS_EACH; n++) {
		struct image_row row = owned_row(&mine, k->first + n, ALICE);
		row.max_bytes = 10;
		enum status end = table_insert(mine.w.table, &row, &mine.why);
		k->accepted += end == OK;
		k->full += end != OK && mine.why.code == F_QUOTA_FULL;
		k->busy += end != OK && mine.why.code == F_OVERLOADED;
		k->other += end != OK && mine.why.code != F_QUOTA_FULL && mine.why.code != F_OVERLOADED;
	}
	arena_deinit(&mine.a);
	a = (struct arena){ 0 };
	return NULL;
}

/* Hundreds of slots for room of 100, several at once. One that was refused as busy may be there all the same: its answer was lost. */
static void test_insert_by_many_at_once_under_faults_then_never_more_than_the_quota(void **state)
{
	struct bench *b = *state;
	struct asker askers[THREADS] = { 0 };
	struct image_row row;
	unsigned accepted = 0, there = 0;
	assert_int_equal(user_set_quota(b->w.users, ALICE, &(struct owner_quota){ .bytes = 10 * ROOM + 9 }, &b->why), OK);
	engine.fault = often;
	for (unsigned i = 0; i < THREADS; i++) {
		askers[i] = (struct asker){ .bench = b, .first = i * SLOTS_EACH };
		assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_many, &askers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(askers[i].thread, NULL);
		accepted += askers[i].accepted;
		assert_int_equal(askers[i].other, 0);
	}
	engine.fault = NULL;
	for (unsigned n = 0; n < THREADS * SLOTS_EACH; n++)
		there += table_get(b->w.table, row_id(&b->a, n), &b->a, &row, &b->why) == OK;
	assert_true(accepted <= there && there == ROOM);
	assert_true(engine.repeats > 0);
	assert_usage(b, ALICE, &(struct owner_usage){ .pending = ROOM, .reserved_bytes = 10 * ROOM });
}

/* One fault for the next transaction, and none for those that follow. */
static enum transactor_fault next_fault;

static enum transactor_fault once(struct transactor *x, struct str action)
{
	enum transactor_fault f = is_transaction(action) ? next_fault : FAULT_NONE;
	(void)x;
	if (is_transaction(action))
		next_fault = FAULT_NONE;
	return f;
}

static void live_and_die(struct bench *b, unsigned n, enum transactor_fault f)
{
	struct image_row now;
	struct resolution s = row_verdict(&b->a, n, 5000, STR(""));
	engine.fault = once;
	next_fault = f;
	owned_insert(b, n, ALICE);
	assert_int_equal(next_fault, FAULT_NONE);
	assert_usage(b, ALICE, &(struct owner_usage){ .pending = 1, .reserved_bytes = 1000 + n });
	next_fault = f;
	assert_int_equal(table_resolve(b->w.table, &s, &b->a, &now, &b->why), OK);
	assert_int_equal(next_fault, FAULT_NONE);
	assert_int_equal(now.status, IMAGE_UPLOADED);
	assert_int_equal(now.version, 2);
	assert_usage(b, ALICE, &(struct owner_usage){ .images = 1, .bytes = 2000 + n });
	next_fault = f;
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, n), 0, &b->why), OK);
	assert_int_equal(next_fault, FAULT_NONE);
	assert_usage(b, ALICE, &(struct owner_usage){ 0 });
	engine.fault = NULL;
}

/* By its token a transaction is recognised for ten minutes, and by its mark in the row after that. */
static void test_each_write_when_disturbed_once_then_done_once(void **state)
{
	static const enum transactor_fault faults[] = { FAULT_NONE, FAULT_CONFLICT, FAULT_THROTTLE, FAULT_LOST, FAULT_CUT };
	struct bench *b = *state;
	for (unsigned i = 0; i < 2 * COUNT_OF(faults); i++) {
		engine.forgetful = i >= COUNT_OF(faults);
		live_and_die(b, i + 1, faults[i % COUNT_OF(faults)]);
	}
	engine.forgetful = false;
}

/* events */

#define FAR_MS (INT64_MAX / 2)

/* A source, whose test may change the row between its read and the transaction that tells of it. */
struct event_source {
	struct outbox_source port;
	struct bench *bench;
	unsigned renames;
};

static enum status write_event(
	void *arg, enum outbox_kind kind, const struct image_row *row, int64_t now_ms, struct buf *body, struct fault *why)
{
	struct event_source *s = arg;
	struct image_row now;
	const struct image_change c = { .image_id = row->image_id, .has_file_name = true, .file_name = STR("renamed") };
	buf_printf(body, "%.*s %.*s v%u", STRF(outbox_kind_name(kind)), STRF(row->file_name), (unsigned)row->version);
	if (s->renames > 0) {
		s->renames--;
		TRY(table_change(s->bench->w.table, &c, &s->bench->a, &now, why));
	}
	return now_ms > 0 ? OK : fault_set(why, INTERNAL, "no time");
}

static void no_change(void *arg)
{
	(void)arg;
}

static void start_events(struct bench *b, struct event_source *s)
{
	*s = (struct event_source){ .port = { .kinds = OUTBOX_ALL_KINDS, .write = write_event, .changed = no_change, .arg = s }, .bench = b };
	assert_int_equal(outbox_start(b->w.outbox, &s->port, &b->why), OK);
}

/* What the table has of them, as another process sees it. */
static struct outbox_page events_of(struct bench *b)
{
	struct outbox_page page;
	bench_reopen(b);
	assert_int_equal(outbox_due(b->w.outbox, FAR_MS, 100, &b->a, &page, &b->why), OK);
	return page;
}

/* The newest first. */
static struct outbox_page list_waiting(struct bench *b)
{
	struct outbox_page page;
	const struct outbox_query q = { .has_state = true, .state = OUTBOX_WAITING, .limit = OUTBOX_LIST_MAX };
	assert_int_equal(outbox_list(b->w.outbox, &q, &b->a, &page, &b->why), OK);
	return page;
}

static void deliver(struct bench *b, const struct outbox_page *page)
{
	for (size_t i = 0; i < page->n; i++) {
		const struct outbox_result done = { .n = page->events[i].n, .state = OUTBOX_DELIVERED, .ended_ms = 1 };
		assert_int_equal(outbox_record(b->w.outbox, &(struct outbox_record){ .results = &done, .n = 1 }, &b->why), OK);
	}
}

static void test_each_write_with_an_event_when_disturbed_once_then_one_event(void **state)
{
	static const enum transactor_fault faults[] = { FAULT_NONE, FAULT_CONFLICT, FAULT_THROTTLE, FAULT_LOST, FAULT_CUT };
	struct bench *b = *state;
	struct event_source s;
	unsigned kinds[OUTBOX_KINDS] = { 0 };
	start_events(b, &s);
	for (unsigned i = 0; i < 2 * COUNT_OF(faults); i++) {
		engine.forgetful = i >= COUNT_OF(faults);
		live_and_die(b, i + 1, faults[i % COUNT_OF(faults)]);
	}
	engine.forgetful = false;
	struct outbox_page page = events_of(b);
	for (size_t i = 0; i < page.n; i++)
		kinds[page.events[i].kind]++;
	assert_int_equal(kinds[OUTBOX_UPLOADED], 2 * COUNT_OF(faults));
	assert_int_equal(kinds[OUTBOX_DELETED], 2 * COUNT_OF(faults));
	assert_int_equal(page.n, 4 * COUNT_OF(faults));
}

static void test_change_between_the_read_and_the_transaction_then_the_event_tells_of_it(void **state)
{
	struct bench *b = *state;
	struct event_source s;
	start_events(b, &s);
	owned_insert(b, 1, ALICE);
	s.renames = 2;
	bench_resolve(b, 1, 5000, STR(""));
	s.renames = 1;
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), OK);
	struct outbox_page page = events_of(b);
	assert_int_equal(page.n, 2);
	assert_str(page.events[0].body, STR("image.uploaded renamed v4"));
	assert_str(page.events[1].body, STR("image.deleted renamed v5"));
	assert_usage(b, ALICE, &(struct owner_usage){ 0 });
}

/* Change the item of an event as no version does. */
static void spoil_event(struct bench *b, const struct outbox_event *e, const char *update, const char *values)
{
	struct dynamo *t = (struct dynamo *)b->w.table;
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	dynamo_call_init(&c, t, "UpdateItem", 0);
	dynamo_key_put(dynamo_event_key(e->n, &c.scratch), &c.scratch, &c.body);
	writer_text(&c.body, STR("UpdateExpression"), str_of(update));
	if (values != NULL)
		writer_raw(&c.body, STR("ExpressionAttributeValues"), str_of(values));
	assert_int_equal(dynamo_call_send(&c, t, &b->why), OK);
}

static struct outbox_status status_of(struct bench *b)
{
	struct outbox_status now;
	assert_int_equal(outbox_status(b->w.outbox, &b->a, &now, &b->why), OK);
	return now;
}

static uint64_t list_of(struct bench *b)
{
	struct outbox_page page;
	const struct outbox_query q = { .limit = OUTBOX_LIST_MAX };
	assert_int_equal(outbox_list(b->w.outbox, &q, &b->a, &page, &b->why), OK);
	return page.n;
}

/* One way after the other, each with an event before it and one behind it. */
static void test_due_when_an_item_is_no_event_then_the_others_are_sent_and_it_is_kept(void **state)
{
	static const struct {
		const char *update, *values, *repair, *repair_values;
	} spoilt[] = {
		{ "SET eventKind = :v", "{\":v\":{\"S\":\"image.of_a_later_version\"}}", "SET eventKind = :v",
			"{\":v\":{\"S\":\"image.deleted\"}}" },
		{ "REMOVE body", NULL, "SET body = :v", "{\":v\":{\"S\":\"{}\"}}" },
		{ "SET eventState = :v", "{\":v\":{\"S\":\"delivered\"}}", "SET eventState = :v", "{\":v\":{\"S\":\"waiting\"}}" },
	};
	struct bench *b = *state;
	struct event_source s;
	uint64_t n;
	for (unsigned i = 0; i < COUNT_OF(spoilt); i++) {
		start_events(b, &s);
		for (unsigned k = 1; k <= 3; k++) {
			owned_insert(b, 3 * i + k, ALICE);
			assert_int_equal(table_remove(b->w.table, row_id(&b->a, 3 * i + k), 0, &b->why), OK);
		}
		struct outbox_page before = list_waiting(b), page;
		assert_int_equal(before.n, 3);
		spoil_event(b, &before.events[1], spoilt[i].update, spoilt[i].values);
		page = events_of(b);
		assert_int_equal(page.n, 2);
		assert_int_equal(page.events[0].n, before.events[2].n);
		assert_int_equal(page.events[1].n, before.events[0].n);
		deliver(b, &page);
		assert_int_equal(events_of(b).n, 0);
		assert_int_equal(list_of(b), 0);
		assert_int_equal(status_of(b).unreadable, 1);
		assert_int_equal(status_of(b).counts[OUTBOX_WAITING] + status_of(b).counts[OUTBOX_FAILED], 0);
		spoil_event(b, &before.events[1], spoilt[i].repair, spoilt[i].repair_values);
		assert_int_equal(outbox_resend(b->w.outbox, &(struct outbox_selection){ .state = OUTBOX_FAILED }, FAR_MS, &n, &b->why), OK);
		assert_int_equal(n, 1);
		page = events_of(b);
		assert_int_equal(page.n, 1);
		assert_int_equal(page.events[0].n, before.events[1].n);
		deliver(b, &page);
		assert_int_equal(status_of(b).unreadable, 0);
	}
}

/* More of them than a page of the index has. */
static void test_due_when_many_items_are_no_events_then_it_comes_to_those_behind_them(void **state)
{
	struct bench *b = *state;
	struct event_source s;
	struct outbox_page page, found = { 0 };
	uint64_t n;
	start_events(b, &s);
	for (unsigned k = 1; k <= 12; k++) {
		owned_insert(b, k, ALICE);
		assert_int_equal(table_remove(b->w.table, row_id(&b->a, k), 0, &b->why), OK);
	}
	struct outbox_page before = list_waiting(b);
	assert_int_equal(before.n, 12);
	for (unsigned k = 1; k < 12; k++)
		spoil_event(b, &before.events[k], "REMOVE eventKind", NULL);
	bench_reopen(b);
	do {
		assert_int_equal(outbox_due(b->w.outbox, FAR_MS, 2, &b->a, &page, &b->why), OK);
		assert_true(page.n + found.n <= 1);
		if (page.n > 0)
			found = page;
	} while (page.n > 0 || page.next_ms <= FAR_MS);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.events[0].n, before.events[0].n);
	assert_int_equal(status_of(b).unreadable, 11);
	/* put back they are what they were, and are set aside again */
	assert_int_equal(outbox_resend(b->w.outbox, &(struct outbox_selection){ .state = OUTBOX_FAILED }, FAR_MS, &n, &b->why), OK);
	assert_int_equal(n, 11);
	assert_int_equal(status_of(b).unreadable, 0);
	deliver(b, &found);
	assert_int_equal(events_of(b).n, 0);
	assert_int_equal(status_of(b).unreadable, 11);
}

/* What waits of an owner goes with the owner, also what cannot be read, and where no events are written any more. */
static void test_remove_of_an_owner_then_its_events_are_gone_whatever_they_are(void **state)
{
	struct bench *b = *state;
	struct event_source s;
	start_events(b, &s);
	for (unsigned k = 1; k <= 3; k++) {
		owned_insert(b, k, k == 3 ? BOB : ALICE);
		assert_int_equal(table_remove(b->w.table, row_id(&b->a, k), 0, &b->why), OK);
	}
	spoil_event(b, &list_waiting(b).events[1], "REMOVE eventKind", NULL);
	assert_int_equal(events_of(b).n, 2);
	assert_int_equal(outbox_start(b->w.outbox, NULL, NULL), OK);
	assert_int_equal(user_block(b->w.users, ALICE, &b->why), OK);
	assert_int_equal(user_remove(b->w.users, ALICE, &b->why), OK);
	assert_int_equal(status_of(b).unreadable, 0);
	assert_int_equal(status_of(b).counts[OUTBOX_WAITING], 1);
}

static enum transactor_fault always_conflict(struct transactor *x, struct str action)
{
	(void)x;
	return is_transaction(action) ? FAULT_CONFLICT : FAULT_NONE;
}

static void test_insert_when_others_are_always_in_the_way_then_overloaded_and_no_row(void **state)
{
	struct bench *b = *state;
	struct image_row row = owned_row(b, 1, ALICE);
	engine.fault = always_conflict;
	unsigned before = engine.n;
	assert_fails(b, table_insert(b->w.table, &row, &b->why), F_OVERLOADED);
	assert_int_equal(engine.n - before, 1 + 4);
	engine.fault = NULL;
	assert_fails(b, table_get(b->w.table, row.image_id, &b->a, &row, &b->why), F_NO_SUCH_IMAGE);
}

/* A write that is no transaction is retried too when one is in the way. */
static enum transactor_fault conflict_of_updates(struct transactor *x, struct str action)
{
	static unsigned n;
	(void)x;
	return str_equal(action, STR("UpdateItem")) && n++ == 0 ? FAULT_CONFLICT : FAULT_NONE;
}

static void test_change_when_a_transaction_is_in_the_way_then_done(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	owned_insert(b, 1, ALICE);
	engine.fault = conflict_of_updates;
	const struct image_change c = { .image_id = row_id(&b->a, 1), .has_file_name = true, .file_name = STR("n") };
	assert_int_equal(table_change(b->w.table, &c, &b->a, &now, &b->why), OK);
	engine.fault = NULL;
	assert_int_equal(now.version, 2);
}

/* limits that cannot be looked up */

static enum transactor_fault no_reads(struct transactor *x, struct str action)
{
	(void)x;
	return str_equal(action, STR("GetItem")) ? FAULT_CUT : FAULT_NONE;
}

static void test_insert_when_the_owner_cannot_be_read_then_refused(void **state)
{
	struct bench *b = *state;
	struct image_row row = owned_row(b, 1, ALICE);
	engine.fault = no_reads;
	unsigned before = engine.done;
	assert_fails(b, table_insert(b->w.table, &row, &b->why), F_OVERLOADED);
	assert_true(b->why.cause[0] != '\0');
	engine.fault = NULL;
	assert_int_equal(engine.done, before);
	assert_fails(b, table_get(b->w.table, row.image_id, &b->a, &row, &b->why), F_NO_SUCH_IMAGE);
}

/* owners who are not counted */

static void count_owners(struct bench *b, bool on)
{
	cloud_kind.count_owners = on;
	bench_reopen(b);
}

static void test_insert_when_owners_are_not_counted_then_no_transaction_but_a_user_who_can_be_blocked(void **state)
{
	struct bench *b = *state;
	struct image_row row = owned_row(b, 2, ALICE);
	count_owners(b, false);
	unsigned before = engine.done;
	owned_insert(b, 1, ALICE);
	bench_resolve(b, 1, 5000, STR(""));
	struct user_row user = owned_user(b, ALICE);
	assert_str(user.subject, row.subject);
	assert_usage(b, ALICE, &(struct owner_usage){ 0 });
	assert_int_equal(user_block(b->w.users, ALICE, &b->why), OK);
	assert_fails(b, table_insert(b->w.table, &row, &b->why), F_OWNER_BLOCKED);
	assert_fails(b, user_remove(b->w.users, ALICE, &b->why), F_STATE_CHANGED);
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), OK);
	assert_int_equal(user_remove(b->w.users, ALICE, &b->why), OK);
	assert_int_equal(engine.done, before);
	count_owners(b, true);
}

static void test_quota_of_an_owners_own_when_owners_are_not_counted_then_it_is_kept(void **state)
{
	struct bench *b = *state;
	struct image_row row = owned_row(b, 3, ALICE);
	count_owners(b, false);
	owned_insert(b, 1, ALICE); /* not counted yet */
	assert_int_equal(user_set_quota(b->w.users, ALICE, &(struct owner_quota){ .images = 2 }, &b->why), OK);
	owned_insert(b, 2, ALICE);
	struct user_recount counted;
	assert_int_equal(user_recount(b->w.users, STR(""), true, &b->a, &counted, &b->why), OK);
	assert_fails(b, table_insert(b->w.table, &row, &b->why), F_QUOTA_FULL);
	assert_usage(b, ALICE, &(struct owner_usage){ .pending = 2, .reserved_bytes = 1001 + 1002 });
	bench_resolve(b, 1, 5000, STR(""));
	bench_resolve(b, 2, 5000, STR("no image"));
	assert_usage(b, ALICE, &(struct owner_usage){ .images = 1, .bytes = 2001 });
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
	count_owners(b, true);
}

/* Rows from before their owners were counted. */
static void test_recount_of_rows_that_were_not_counted_then_they_are(void **state)
{
	struct bench *b = *state;
	count_owners(b, false);
	for (unsigned n = 1; n <= 5; n++)
		owned_insert(b, n, ALICE);
	bench_resolve(b, 1, 5000, STR(""));
	count_owners(b, true);
	bench_resolve(b, 2, 5000, STR(""));
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 3), 0, &b->why), OK);
	struct user_recount counted;
	assert_int_equal(user_recount(b->w.users, STR(""), true, &b->a, &counted, &b->why), OK);
	assert_usage(b, ALICE, &(struct owner_usage){ .images = 2, .bytes = 2001 + 2002, .pending = 2, .reserved_bytes = 1004 + 1005 });
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 2), 0, &b->why), OK);
	assert_usage(b, ALICE, &(struct owner_usage){ .images = 1, .bytes = 2001, .pending = 2, .reserved_bytes = 1004 + 1005 });
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_insert_by_many_at_once_under_faults_then_never_more_than_the_quota),
	BENCH_TEST(test_each_write_when_disturbed_once_then_done_once),
	BENCH_TEST(test_each_write_with_an_event_when_disturbed_once_then_one_event),
	BENCH_TEST(test_change_between_the_read_and_the_transaction_then_the_event_tells_of_it),
	BENCH_TEST(test_due_when_an_item_is_no_event_then_the_others_are_sent_and_it_is_kept),
	BENCH_TEST(test_due_when_many_items_are_no_events_then_it_comes_to_those_behind_them),
	BENCH_TEST(test_remove_of_an_owner_then_its_events_are_gone_whatever_they_are),
	BENCH_TEST(test_insert_when_others_are_always_in_the_way_then_overloaded_and_no_row),
	BENCH_TEST(test_change_when_a_transaction_is_in_the_way_then_done),
	BENCH_TEST(test_insert_when_the_owner_cannot_be_read_then_refused),
	BENCH_TEST(test_insert_when_owners_are_not_counted_then_no_transaction_but_a_user_who_can_be_blocked),
	BENCH_TEST(test_quota_of_an_owners_own_when_owners_are_not_counted_then_it_is_kept),
	BENCH_TEST(test_recount_of_rows_that_were_not_counted_then_they_are),
};

int main(void)
{
	static const struct contract_maker counting = { .name = "dynamo that counts owners",
		.make = cloud_make,
		.reopen = cloud_reopen,
		.unmake = cloud_unmake,
		.no_limit = true,
		.counts_lag = true };
	surroundings_clear(NULL);
	surroundings_give_keys("AKIATESTTESTTESTTEST", "test-secret", "");
	emulator_start(&emulator);
	transactor_start(&engine, &emulator);
	cloud_kind = (struct cloud_kind){ .url = engine.server.url, .shards = 2, .count_owners = true };
	int failed = contract_users(&counting) + contract_api_keys(&counting) + contract_outbox(&counting) + contract_table(&counting) +
		contract_table_owners(&counting) + bench_run(&counting, "owners", tests, COUNT_OF(tests));
	cloud_kind.count_owners = false;
	failed += contract_outbox(&counting);
	cloud_kind.count_owners = cloud_kind.obeys_migration = true;
	failed += contract_transfer(&counting);
	transactor_stop(&engine);
	emulator_stop(&emulator);
	return failed;
}
