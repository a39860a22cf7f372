/* Two figures of owners on the embedded engine, as one line of JSON:
 *   owner_list pages DIR SECONDS OWNER   pages of 50 of the list of one owner (see seed.c) that are read in a second of processor time
 *   owner_list slots DIR SECONDS [quota]   slots a second of processor time: nobody's, or of 100 owners that have quotas */
#include "base/clock.h"
#include "base/hash.h"
#include "store/store.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE 50
#define AT_ONCE 64

static void die(const struct fault *why)
{
	fprintf(stderr, "owner_list: %s %s\n", why->text, why->cause);
	exit(1);
}

static double processor_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Through the whole list, again and again. */
static double read_pages(struct image_table *table, double seconds, struct str owner)
{
	double begun = processor_s();
	unsigned long pages = 0;
	char cursor[256] = "";
	while (processor_s() < begun + seconds) {
		struct arena a;
		struct fault why = { 0 };
		struct image_page page;
		arena_init(&a, 1 << 20);
		const struct image_query q = { .owner = owner, .status = LIST_ALL, .limit = PAGE, .cursor = str_of(cursor) };
		if (table_list(table, &q, &a, &page, &why) != OK || page.n == 0)
			die(&why);
		snprintf(cursor, sizeof(cursor), "%.*s", STRF(page.next_cursor));
		arena_deinit(&a);
		pages++;
	}
	return (double)pages / (processor_s() - begun);
}

struct batch {
	sem_t ended;
	struct slot {
		struct write_completion wait;
		struct batch *batch;
		struct arena a;
		struct image_row row;
		char id[UUID_CHARS + 1], owner[33];
	} slots[AT_ONCE];
};

static void note_end(struct write_completion *w, enum status status)
{
	if (status != OK)
		die(&w->why);
	sem_post(&((struct slot *)w)->batch->ended);
}

static void start_slot(struct image_table *table, struct slot *s, unsigned owner)
{
	int64_t now_ms = clock_now_ms();
	uuid_v4(s->id);
	if (owner > 0)
		snprintf(s->owner, sizeof(s->owner), "%032u", owner);
	arena_init(&s->a, 65536);
	s->row = (struct image_row){ .image_id = str_of(s->id),
		.version = 1,
		.owner = owner > 0 ? str_of(s->owner) : STR(""),
		.issuer = owner > 0 ? STR("https://issuer.example/") : STR(""),
		.subject = owner > 0 ? str_of(s->owner) : STR(""),
		.key = str_printf(&s->a, "images/%s.jpg", s->id),
		.file_name = STR("IMG_20261122_073722.jpg"),
		.file_type = STR("image/jpeg"),
		.max_bytes = 200000,
		.created_ms = now_ms,
		.expires_ms = now_ms + 300000,
		.ends_ms = now_ms + 3900000,
		.delete_hash = STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") };
	s->wait.done = note_end;
	table_start_insert(table, &s->row, &s->a, &s->wait);
}

static double make_slots(struct image_table *table, double seconds, bool owned)
{
	static struct batch b;
	double begun = processor_s();
	unsigned long n = 0;
	sem_init(&b.ended, 0, 0);
	while (processor_s() < begun + seconds) {
		for (unsigned i = 0; i < AT_ONCE; i++, n++) {
			b.slots[i].batch = &b;
			start_slot(table, &b.slots[i], owned ? 1 + (unsigned)(n % 100) : 0);
		}
		for (unsigned i = 0; i < AT_ONCE; i++)
			sem_wait(&b.ended);
		for (unsigned i = 0; i < AT_ONCE; i++)
			arena_deinit(&b.slots[i].a);
	}
	return (double)n / (processor_s() - begun);
}

int main(int argc, char **argv)
{
	bool reads = argc == 5 && strcmp(argv[1], "pages") == 0;
	if (!reads && argc < 4) {
		fprintf(stderr, "usage: owner_list pages DIR SECONDS OWNER | owner_list slots DIR SECONDS [quota]\n");
		return 2;
	}
	bool owned = !reads && argc > 4;
	struct fault why = { 0 };
	struct engine *engine = NULL;
	struct engine_options o = { .dir = argv[2],
		.bucket = STR("image-uploads"),
		.region = STR("us-east-1"),
		.public_url = STR("http://127.0.0.1:9000"),
		.max_pending = 100000000,
		.quota = owned ? (struct owner_quota){ UINT64_C(1) << 50, 1000000000, 1000000000, 1000000000 } : (struct owner_quota){ 0 },
		.small_bytes = BUCKET_SMALL_BYTES };
	if (engine_open(&o, &engine, &why) != OK)
		die(&why);
	struct image_table *table = &engine_ports(engine)->table;
	double seconds = atof(argv[3]), rate = reads ? read_pages(table, seconds, str_of(argv[4])) : make_slots(table, seconds, owned);
	printf("{\"rate\": %.1f}\n", rate);
	engine_free(&engine);
	return 0;
}
