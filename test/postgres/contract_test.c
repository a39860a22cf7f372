/* The contract tests on PostgreSQL, each in a schema of its own. */
#include "fake/contract_table.h"
#include "fake/contract_transfer.h"
#include "postgres/fixture.h"

int main(void)
{
	static const struct contract_maker maker = { "postgres", pg_fixture_make, pg_fixture_reopen, pg_fixture_unmake };

	postgres_server_start(&pg_server, NULL);
	int failed = contract_table(&maker) + contract_table_owners(&maker) + contract_transfer(&maker);
	postgres_server_stop(&pg_server);
	return failed;
}
