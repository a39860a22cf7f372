/* The Lambda program on engines in memory, for the black-box tests: the same but for what it keeps. */
#include "app/lambda_main.h"

#include "fake/fake_store.h"
#include "fake/fake_table.h"

#include <stdlib.h>

static struct fake_table *table;
static struct fake_store *store;

/* FAKE_FAIL: what must happen. open: the engines cannot be had; table: the first call of the table fails. */
static bool must_fail(const char *what)
{
	return str_equal(str_of(getenv("FAKE_FAIL")), str_of(what));
}

static enum status open_fakes(const struct settings *s, const struct lambda_work *work, struct lambda_ports *out, struct fault *why)
{
	(void)work;
	table = fake_table_new(s->max_pending);
	store = fake_store_new();
	if (must_fail("open"))
		return fault_set(why, UPSTREAM_FAILED, "there are no credentials");
	if (must_fail("table"))
		fake_table_fail_nth(table, 1, F_UPSTREAM_FAILED);
	*out = (struct lambda_ports){ .store = fake_store_port(store), .table = fake_table_port(table) };
	return OK;
}

int main(void)
{
	int status = lambda_main(open_fakes);
	fake_table_free(&table);
	fake_store_free(&store);
	return status;
}
