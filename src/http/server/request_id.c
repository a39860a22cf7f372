/* Request ids: each thread has 128 random bits and counts on from there. The count is spread over all
 * digits by the finaliser of SplitMix64, a bijection: so ids of one thread never repeat, those of
 * two threads only if 128 random bits do, and none costs a system call. They are names, not secrets:
 * who has seen one could work out the next. */
#include "http/server/request_id.h"
#include "base/codec.h"
#include "base/hash.h"

#include <string.h>

static _Thread_local uint64_t seeds[2];
static _Thread_local bool seeded;

static uint64_t mix_bits(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

void request_id_make(char out[REQUEST_ID_CHARS + 1])
{
	if (!seeded)
		random_bytes(seeds, sizeof seeds);
	seeded = true;
	seeds[0]++;
	uint64_t words[2] = { mix_bits(seeds[0]), mix_bits(seeds[0] ^ seeds[1]) };
	unsigned char bytes[sizeof words];
	memcpy(bytes, words, sizeof words);
	hex_encode(bytes, sizeof bytes, out);
}
