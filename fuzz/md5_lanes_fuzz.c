/* MD5 side by side: each input's digest is OpenSSL's, whatever the lengths are. */
#include "base/md5_lanes.h"

#include <assert.h>
#include <string.h>

#define INPUTS_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct memory_input {
	struct md5_input input;
	const unsigned char *p;
	size_t n;
};

static bool read_memory(struct md5_input *input, unsigned char *p, size_t n, size_t *got)
{
	struct memory_input *m = (struct memory_input *)input;
	*got = m->n < n ? m->n : n;
	memcpy(p, m->p, *got);
	m->p += *got;
	m->n -= *got;
	return true;
}

static void check_digest(const struct md5_input *input, const uint8_t *p, size_t n)
{
	unsigned char expected[MD5_BYTES];
	struct hash h;
	hash_init(&h, HASH_MD5);
	hash_update(&h, p, n);
	hash_final(&h, expected);
	assert(!input->failed && memcmp(input->digest, expected, MD5_BYTES) == 0);
}

/* The first byte says how many inputs, and two bytes for each where it begins in the rest. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct memory_input all[INPUTS_MAX];
	struct md5_input *inputs[INPUTS_MAX];
	size_t begins[INPUTS_MAX], count = n > 0 ? data[0] % (INPUTS_MAX + 1) : 0;
	if (n < 1 + 2 * count)
		return 0;
	const uint8_t *rest = data + 1 + 2 * count;
	n -= 1 + 2 * count;
	for (size_t i = 0; i < count; i++) {
		begins[i] = ((size_t)data[1 + 2 * i] << 8 | data[2 + 2 * i]) % (n + 1);
		all[i] = (struct memory_input){ .input.read = read_memory, .p = rest + begins[i], .n = n - begins[i] };
		inputs[i] = &all[i].input;
	}
	md5_inputs(inputs, count);
	for (size_t i = 0; i < count; i++)
		check_digest(inputs[i], rest + begins[i], n - begins[i]);
	return 0;
}
