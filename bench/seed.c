/* Fill a data directory with N uploaded images, through the engine itself: rows as real uploads leave
 * them, without the bytes; or, with a bucket's name, with N small objects "k/00000000", ... in it. For measuring
 * lists and the start. With "@OWNER" in place of a bucket the images have owners: 1000 of them, spread evenly, this one,
 * and the others 1000 different ones.   seed DIR N [BUCKET|@OWNER] */
#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 64

static struct {
	struct image_table *table;
	struct bucket_store *buckets;
	struct str bucket; /* "": images */
	struct str owner;  /* of 1000 images; "": images have no owners */
	unsigned long each;
	unsigned long ours_every; /* so many images, one of them of that owner */
	_Atomic unsigned long next_key;
} seed;

static void die(const struct fault *why)
{
	fprintf(stderr, "seed: %s %s\n", why->text, why->cause);
	exit(1);
}

static void add_one(struct arena *a)
{
	struct fault why = { 0 };
	char id[UUID_CHARS + 1], key[64], owner[33] = "";
	unsigned long n = atomic_fetch_add(&seed.next_key, 1);
	struct image_row now;
	uuid_v4(id);
	snprintf(key, sizeof(key), "images/%s.jpg", id);
	if (seed.owner.n > 0 && n % seed.ours_every == 0)
		snprintf(owner, sizeof(owner), "%.*s", STRF(seed.owner));
	else if (seed.owner.n > 0)
		snprintf(owner, sizeof(owner), "%032lu", n % 1000);
	struct image_row row = { .image_id = str_of(id),
		.version = 1,
		.owner = str_of(owner),
		.key = str_of(key),
		.file_name = STR("IMG_20261122_073722.jpg"),
		.file_type = STR("image/jpeg"),
		.created_ms = clock_now_ms(),
		.expires_ms = clock_now_ms() + 300000,
		.ends_ms = clock_now_ms() + 3900000,
		.delete_hash = STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") };
	struct resolution s = { .image_id = row.image_id,
		.status = IMAGE_UPLOADED,
		.file_type = row.file_type,
		.file_size = 200000,
		.etag = STR("d41d8cd98f00b204e9800998ecf8427e"),
		.width = 4000,
		.height = 3000,
		.orientation = 1,
		.frames = 1,
		.uploaded_ms = clock_now_ms() };
	if (table_insert(seed.table, &row, &why) != OK || table_resolve(seed.table, &s, a, &now, &why) != OK)
		die(&why);
}

static void add_object(struct arena *a)
{
	struct fault why = { 0 };
	struct incoming *in;
	struct object_commit c = { .bucket = seed.bucket,
		.key = str_printf(a, "k/%08lu", atomic_fetch_add(&seed.next_key, 1)),
		.content_type = STR("binary/octet-stream"),
		.arena = a };
	if (bucket_begin(seed.buckets, 1, &in, &why) != OK || bucket_write(in, "x", 1, &why) != OK || bucket_finish(&in, &c, &why) != OK)
		die(&why);
}

static void *add_all(void *arg)
{
	(void)arg;
	for (unsigned long i = 0; i < seed.each; i++) {
		struct arena a;
		arena_init(&a, 65536);
		seed.bucket.n > 0 ? add_object(&a) : add_one(&a);
		arena_deinit(&a);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: seed DIR N [BUCKET|@OWNER]\n");
		return 2;
	}
	struct fault why = { 0 };
	struct engine *engine = NULL;
	struct engine_options o = { .dir = argv[1],
		.bucket = STR("image-uploads"),
		.region = STR("us-east-1"),
		.public_url = STR("http://127.0.0.1:9000"),
		.max_pending = 1000000,
		.small_bytes = BUCKET_SMALL_BYTES };
	if (engine_open(&o, &engine, &why) != OK)
		die(&why);
	seed.table = &engine_ports(engine)->table;
	seed.buckets = &engine_ports(engine)->buckets;
	struct str kind = str_of(argv[3]); /* NULL is "" */
	bool owned = str_starts_with(kind, STR("@"));
	seed.owner = owned ? str_slice(kind, 1, kind.n) : STR("");
	seed.bucket = owned ? STR("") : kind;
	if (seed.bucket.n > 0 && catalog_create(&engine_ports(engine)->catalog, seed.bucket, STR("tintype"), &why) != OK)
		die(&why);
	seed.ours_every = (strtoul(argv[2], NULL, 10) + 999) / 1000;
	seed.each = (strtoul(argv[2], NULL, 10) + THREADS - 1) / THREADS;
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, add_all, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	engine_free(&engine);
	return 0;
}
