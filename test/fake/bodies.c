/* See bodies.h. */
#include "fake/bodies.h"

#include "base/codec.h"
#include "base/hash.h"

#include <unistd.h>

struct str body_noise(struct bench *b, size_t n)
{
	char *p = arena_alloc(&b->a, n);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 2654435761u >> 13);
	return (struct str){ p, n };
}

struct incoming *body_receive(struct bench *b, struct str body)
{
	struct incoming *in = NULL;
	assert_int_equal(bucket_begin(b->w.bucket, body.n, &in, &b->why), OK);
	assert_non_null(in);
	assert_int_equal(bucket_write(in, body.p, body.n, &b->why), OK);
	return in;
}

struct object_commit body_commit(struct bench *b, struct str key)
{
	return (struct object_commit){ .bucket = b->w.bucket_name, .key = key, .content_type = STR("image/jpeg"), .arena = &b->a };
}

void body_put(struct bench *b, struct str bucket, struct str key, struct str body)
{
	struct incoming *in = body_receive(b, body);
	struct object_commit c = body_commit(b, key);
	c.bucket = bucket;
	assert_int_equal(bucket_finish(&in, &c, &b->why), OK);
	assert_null(in);
}

struct str body_read(struct bench *b, const struct object_file *f)
{
	if (f->fd < 0)
		return str_dup(&b->a, f->bytes);
	char *p = arena_alloc(&b->a, (size_t)f->info.size + 1);
	assert_non_null(p);
	ssize_t got = 0, more = 1;
	for (; more > 0; got += more)
		more = pread(f->fd, p + got, (size_t)f->info.size + 1 - (size_t)got, got);
	assert_int_equal(more, 0);
	return (struct str){ p, (size_t)got };
}

struct str body_get(struct bench *b, struct str bucket, struct str key)
{
	struct object_file f;
	assert_int_equal(bucket_open(b->w.bucket, bucket, key, &b->a, &f, &b->why), OK);
	struct str body = body_read(b, &f);
	assert_int_equal(f.info.size, body.n);
	object_file_close(&f);
	return body;
}

struct str body_etag(struct bench *b, struct str body)
{
	struct hash h;
	unsigned char md5[MD5_BYTES];
	char hex[2 * MD5_BYTES + 1];
	hash_init(&h, HASH_MD5);
	hash_update(&h, body.p, body.n);
	hash_final(&h, md5);
	hex_encode(md5, MD5_BYTES, hex);
	return str_dup(&b->a, str_of(hex));
}

void body_expect_absent(struct bench *b, struct str bucket, struct str key)
{
	struct object_file f;
	assert_fails(b, bucket_open(b->w.bucket, bucket, key, &b->a, &f, &b->why), F_NO_SUCH_KEY);
}
