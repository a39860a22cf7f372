/* See names.h. */
#include "backup/names.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define FIRST 64

void names_deinit(struct names *x)
{
	for (size_t i = 0; i < x->n; i++)
		mem_free(x->all[i]);
	mem_free(x->all);
	*x = (struct names){ 0 };
}

enum status names_add(struct names *x, struct str name, uint64_t size, struct fault *why)
{
	if (x->n == x->cap) {
		size_t cap = x->cap == 0 ? FIRST : 2 * x->cap;
		struct name_entry **all = mem_resize(x->all, cap, sizeof(struct name_entry *));
		if (all == NULL)
			return fault_no_memory(why);
		x->all = all;
		x->cap = cap;
	}
	struct name_entry *e = mem_new(1, sizeof *e + name.n + 1);
	if (e == NULL)
		return fault_no_memory(why);
	e->size = size;
	e->n = name.n;
	memcpy(e->text, name.p, name.n);
	x->all[x->n++] = e;
	return OK;
}

struct str names_text(const struct name_entry *e)
{
	return (struct str){ e->text, e->n };
}

static int compare_entries(const void *a, const void *b)
{
	return str_compare(names_text(*(struct name_entry *const *)a), names_text(*(struct name_entry *const *)b));
}

void names_sort(struct names *x)
{
	if (x->n > 0)
		qsort(x->all, x->n, sizeof(struct name_entry *), compare_entries);
}

const struct name_entry *names_find(const struct names *x, struct str prefix)
{
	size_t from = 0, to = x->n;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (str_compare(names_text(x->all[middle]), prefix) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from < x->n && str_starts_with(names_text(x->all[from]), prefix) ? x->all[from] : NULL;
}

bool names_has(const struct names *x, struct str name)
{
	const struct name_entry *e = names_find(x, name);
	return e != NULL && e->n == name.n;
}
