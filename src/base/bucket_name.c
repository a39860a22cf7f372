/* The rules for general purpose buckets. A name is also a label of DNS names elsewhere, so that every part
 * between dots must begin and end with a letter or digit. */
#include "base/bucket_name.h"

static bool label_ok(struct str label)
{
	return str_consists_of_lower(label, STR("-")) && label.p[0] != '-' && label.p[label.n - 1] != '-';
}

static bool looks_like_address(struct str name)
{
	size_t numbers = 0;
	while (name.p != NULL) {
		uint64_t n;
		struct str label = str_cut(&name, '.');
		if (label.n > 3 || !str_to_u64(label, &n))
			return false;
		numbers++;
	}
	return numbers == 4;
}

bool bucket_name_ok(struct str name)
{
	static const char *const prefixes[] = { "xn--", "sthree-", "amzn-s3-demo-" };
	static const char *const suffixes[] = { "-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3" };
	struct str rest = name;
	if (name.n < 3 || name.n > 63 || looks_like_address(name))
		return false;
	while (rest.p != NULL)
		if (!label_ok(str_cut(&rest, '.')))
			return false;
	for (size_t i = 0; i < COUNT_OF(prefixes); i++)
		if (str_starts_with(name, str_of(prefixes[i])))
			return false;
	for (size_t i = 0; i < COUNT_OF(suffixes); i++)
		if (str_ends_with(name, str_of(suffixes[i])))
			return false;
	return true;
}
