/* XML from clients: any text is refused, or it is a tree within its bounds. */
#include "base/xml.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct xml_node *n, size_t depth)
{
	size_t nodes = 1;
	assert(depth < XML_DEPTH_MAX && n->name.n > 0 && n->text.n <= XML_TEXT_MAX && (n->first == NULL || n->text.n == 0));
	for (const struct xml_node *c = n->first; c != NULL; c = c->next)
		nodes += walk(c, depth + 1);
	return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena a;
	struct fault why;
	const struct xml_node *root;
	arena_init(&a, 16 << 20);
	if (xml_read(&a, text, "Delete", &root, &why) == OK)
		assert(walk(root, 0) <= XML_NODES_MAX);
	arena_deinit(&a);
	return 0;
}
