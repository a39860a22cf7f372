/* API keys in memory. Implements the whole contract of the port except durability. Fails on demand (trap.h). Any thread. */
#ifndef FAKE_API_KEYS_H
#define FAKE_API_KEYS_H

#include "fake/trap.h"
#include "port/api_key_table.h"

struct fake_api_keys;
struct fake_api_keys *fake_api_keys_new(void);
/* Accepts NULL inside. */
void fake_api_keys_free(struct fake_api_keys **k);
struct api_key_table *fake_api_keys_port(struct fake_api_keys *k);

/* The n-th call from now on (1: the next) fails and changes nothing. */
void fake_api_keys_fail_nth(struct fake_api_keys *k, uint64_t n, enum fault_code code);
uint64_t fake_api_keys_calls(struct fake_api_keys *k);

#endif
