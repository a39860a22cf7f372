/* The tree is built with expat's callbacks. An error in one of them stops the parser and is returned
 * when it has returned. Names are kept once each: a body of ten thousand parts has a dozen of them. */
#include "base/xml.h"

#include "base/buf.h"

#include <expat.h>
#include <string.h>

#define NAMESPACE_MARK '|'
#define SCHEMA_INSTANCE_TYPE "http://www.w3.org/2001/XMLSchema-instance|type"

struct reader {
	XML_Parser parser;
	struct arena *a;
	const char *root_name;
	struct xml_node *root;
	struct xml_node *open[XML_DEPTH_MAX]; /* from the root to where we are */
	struct xml_node *last[XML_DEPTH_MAX]; /* the last child of each */
	size_t depth;
	size_t nodes;
	struct str names[XML_NAMES_MAX];
	size_t n_names;
	struct buf text;
	const char *refusal; /* why it was stopped; NULL: it was not */
};

static void stop(struct reader *r, const char *refusal)
{
	if (r->refusal == NULL)
		r->refusal = refusal;
	(void)XML_StopParser(r->parser, XML_FALSE);
}

static struct str keep_name(struct reader *r, struct str name)
{
	for (size_t i = 0; i < r->n_names; i++)
		if (str_equal(r->names[i], name))
			return r->names[i];
	if (r->n_names == XML_NAMES_MAX) {
		stop(r, "it has too many different elements");
		return (struct str){ 0 };
	}
	return r->names[r->n_names++] = str_dup(r->a, name);
}

/* Hang the element where we are, and go down into it. */
static void place(struct reader *r, struct xml_node *n)
{
	if (r->depth == 0)
		r->root = n;
	else if (r->last[r->depth - 1] == NULL)
		r->open[r->depth - 1]->first = n;
	else
		r->last[r->depth - 1]->next = n;
	if (r->depth > 0)
		r->last[r->depth - 1] = n;
	r->open[r->depth] = n;
	r->last[r->depth++] = NULL;
}

static void begin(void *arg, const char *name, const char **attributes)
{
	struct reader *r = arg;
	if (r->depth == XML_DEPTH_MAX) {
		stop(r, "its elements are too deep");
		return;
	}
	if (r->nodes++ == XML_NODES_MAX) {
		stop(r, "it has too many elements");
		return;
	}
	struct xml_node *n = ARENA_NEW(r->a, struct xml_node);
	if (n == NULL) {
		stop(r, "");
		return;
	}
	const char *mark = strrchr(name, NAMESPACE_MARK);
	n->name = keep_name(r, str_of(mark != NULL ? mark + 1 : name));
	for (; attributes[0] != NULL; attributes += 2)
		if (strcmp(attributes[0], SCHEMA_INSTANCE_TYPE) == 0)
			n->type = str_dup(r->a, str_of(attributes[1]));
	if (r->depth == 0 && !str_equal(n->name, str_of(r->root_name)))
		stop(r, "its outermost element is another");
	buf_clear(&r->text);
	place(r, n);
}

static void add_text(void *arg, const char *p, int n)
{
	struct reader *r = arg;
	buf_put(&r->text, (struct str){ p, (size_t)n });
	if (!buf_ok(&r->text))
		stop(r, "the text of an element is too long");
}

static void end(void *arg, const char *name)
{
	struct reader *r = arg;
	struct xml_node *n = r->open[--r->depth];
	if (n->first == NULL)
		n->text = str_dup(r->a, buf_str(&r->text));
	buf_clear(&r->text);
}

static void refuse_doctype(void *arg, const char *name, const char *system_id, const char *public_id, int has_subset)
{
	stop(arg, "it has a DOCTYPE");
}

static enum status parse_text(struct reader *r, struct str text, struct fault *why)
{
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, begin, end);
	XML_SetCharacterDataHandler(r->parser, add_text);
	XML_SetStartDoctypeDeclHandler(r->parser, refuse_doctype);
	enum XML_Status parsed = XML_Parse(r->parser, text.n > 0 ? text.p : "", (int)text.n, XML_TRUE);
	if (parsed == XML_STATUS_ERROR && XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY)
		return fault_no_memory(why);
	if (!arena_ok(r->a))
		return fault_too_much(why);
	if (parsed == XML_STATUS_OK && r->refusal == NULL)
		return OK;
	return fault_set(why, XML_MALFORMED, "The XML you provided was not well-formed or did not validate against our published schema: %s.",
		r->refusal != NULL ? r->refusal : "it is not well-formed");
}

enum status xml_read(struct arena *a, struct str text, const char *root, const struct xml_node **out, struct fault *why)
{
	assert(a != NULL && root != NULL && out != NULL);
	if (text.n > INT32_MAX)
		return fault_set(why, XML_MALFORMED, "The XML is too large.");
	struct reader r = { .a = a, .root_name = root };
	r.parser = XML_ParserCreateNS("UTF-8", NAMESPACE_MARK);
	if (r.parser == NULL)
		return fault_no_memory(why);
	buf_init(&r.text, XML_TEXT_MAX);
	enum status st = parse_text(&r, text, why);
	XML_ParserFree(r.parser);
	buf_deinit(&r.text);
	if (st == OK)
		*out = r.root;
	return st;
}

bool xml_is(const struct xml_node *n, const char *name)
{
	return str_equal(n->name, str_of(name));
}

const struct xml_node *xml_child(const struct xml_node *n, const char *name)
{
	for (const struct xml_node *c = n->first; c != NULL; c = c->next)
		if (xml_is(c, name))
			return c;
	return NULL;
}

struct str xml_child_text(const struct xml_node *n, const char *name)
{
	const struct xml_node *c = xml_child(n, name);
	if (c == NULL)
		return (struct str){ 0 };
	return c->text.p != NULL ? c->text : STR("");
}

struct str xml_word(const struct xml_node *n)
{
	struct str s = n->text;
	while (s.n > 0 && (s.p[0] == ' ' || (s.p[0] >= '\t' && s.p[0] <= '\r')))
		s = str_slice(s, 1, s.n);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || (s.p[s.n - 1] >= '\t' && s.p[s.n - 1] <= '\r')))
		s.n--;
	return s;
}

struct str xml_child_word(const struct xml_node *n, const char *name)
{
	const struct xml_node *c = xml_child(n, name);
	return c != NULL ? xml_word(c) : (struct str){ 0 };
}

enum status xml_check_children(const struct xml_node *n, const char *const *names, size_t n_names, struct fault *why)
{
	assert(n != NULL && (n_names == 0 || names != NULL));
	for (const struct xml_node *c = n->first; c != NULL; c = c->next) {
		size_t i = 0;
		while (i < n_names && !xml_is(c, names[i] + (names[i][0] == '!')))
			i++;
		if (i == n_names)
			return fault_set(why, XML_MALFORMED,
				"The XML you provided did not validate against our published schema: "
				"%.*s has no element %.*s.",
				STRF(n->name), STRF(str_slice(c->name, 0, 64)));
		if (names[i][0] == '!' && xml_child(n, names[i] + 1) != c)
			return fault_set(why, XML_MALFORMED,
				"The XML you provided did not validate against our published schema: "
				"%s appears more than once.",
				names[i] + 1);
	}
	return OK;
}
