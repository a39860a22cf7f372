/* Make the table that the environment names, for the black-box tests. */
#include "app/aws_adapters.h"

#include <stdio.h>

int main(void)
{
	struct aws_adapters backends = { 0 };
	struct settings settings;
	struct fault why = { 0 };
	enum status end = settings_load(&settings, 0, NULL, &why);
	if (end == OK)
		end = aws_adapters_open(&backends, &settings, false, &why);
	if (end == OK)
		end = dynamo_table_create(backends.table, &why);
	if (end != OK)
		fprintf(stderr, "make_table: %s %s\n", why.text, why.cause);
	aws_adapters_free(&backends);
	return end == OK ? 0 : 1;
}
