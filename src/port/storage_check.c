/* What findings are called. See storage_check.h. */
#include "port/storage_check.h"

const struct finding_words *finding_words(enum finding_kind kind)
{
	static const struct finding_words words[FINDING_KINDS] = {
#define FINDING(id, name, meaning, repair) [FINDING_##id] = { name, meaning, repair },
#include "port/finding.def"
#undef FINDING
	};
	assert(kind > FINDING_NONE && kind < FINDING_KINDS);
	return &words[kind];
}
