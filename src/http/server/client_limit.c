/* How many connections each client has: a hash table with chains, which grows with the clients that are there. A
 * client that has none takes no memory. One lock, held for a look-up. */
#include "http/server/client_limit.h"
#include "base/hash.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

#define BUCKETS 1024 /* a power of two; chains stay short up to some ten thousand clients */

struct client {
	struct client *next;
	struct client_addr addr;
	unsigned n;
};

struct client_limit {
	pthread_mutex_t lock;
	unsigned most;
	uint64_t seed; /* clients do not choose whom they share a chain with */
	struct client *buckets[BUCKETS];
};

enum status client_limit_new(unsigned most, struct client_limit **out, struct fault *why)
{
	struct client_limit *l = mem_new(1, sizeof *l);
	assert(most > 0);
	if (l == NULL)
		return fault_no_memory(why);
	pthread_mutex_init(&l->lock, NULL);
	l->most = most;
	random_bytes(&l->seed, sizeof l->seed);
	*out = l;
	return OK;
}

/* Where the pointer to the client is, or would be. */
static struct client **find_client(struct client_limit *l, const struct client_addr *key)
{
	uint64_t words[2];
	memcpy(words, key->bytes, sizeof words);
	uint64_t hash = (words[0] ^ l->seed) * 0x9e3779b97f4a7c15u ^ words[1];
	hash = (hash ^ hash >> 29) * (l->seed | 1);
	struct client **at = &l->buckets[(hash >> 40) % BUCKETS];
	while (*at != NULL && memcmp(&(*at)->addr, key, sizeof *key) != 0)
		at = &(*at)->next;
	return at;
}

bool client_limit_enter(struct client_limit *l, const struct client_addr *a)
{
	struct client_addr key = client_addr_key(a);
	pthread_mutex_lock(&l->lock);
	struct client **at = find_client(l, &key);
	if (*at == NULL && (*at = mem_new(1, sizeof **at)) != NULL)
		(*at)->addr = key;
	bool ok = *at != NULL && (*at)->n < l->most;
	if (ok)
		(*at)->n++;
	pthread_mutex_unlock(&l->lock);
	return ok;
}

void client_limit_leave(struct client_limit *l, const struct client_addr *a)
{
	struct client_addr key = client_addr_key(a);
	pthread_mutex_lock(&l->lock);
	struct client **at = find_client(l, &key), *client = *at;
	assert(client != NULL && client->n > 0);
	if (--client->n == 0) {
		*at = client->next;
		mem_free(client);
	}
	pthread_mutex_unlock(&l->lock);
}

void client_limit_free(struct client_limit **l)
{
	if (l == NULL || *l == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while ((*l)->buckets[i] != NULL) {
			struct client *client = (*l)->buckets[i];
			(*l)->buckets[i] = client->next;
			mem_free(client);
		}
	pthread_mutex_destroy(&(*l)->lock);
	mem_free(*l);
	*l = NULL;
}
