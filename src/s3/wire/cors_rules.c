/* A configuration is stored as the XML that cors_rules_write makes of it, so that what GetBucketCors returns is what
 * applies. */
#include "s3/wire/cors_rules.h"

#include "s3/wire/text.h"
#include "base/xml.h"

#include <string.h>

static size_t count_stars(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '*';
	return n;
}

static enum status check_item(const char *name, struct str item, struct fault *why)
{
	size_t stars = count_stars(item);
	struct str shown = str_slice(item, 0, 64);
	if (strcmp(name, "AllowedMethod") == 0 && !str_is_word_of(item, STR("GET PUT POST DELETE HEAD")))
		return fault_set(why, REQUEST_INVALID, "Found unsupported HTTP method in CORS config. Unsupported method is %.*s", STRF(shown));
	if (strcmp(name, "ExposeHeader") == 0 && stars > 0)
		return fault_set(why, REQUEST_INVALID,
			"ExposeHeader \"%.*s\" contains wildcard. We currently do not support wildcard for ExposeHeader.", STRF(shown));
	if (stars > 1)
		return fault_set(why, REQUEST_INVALID, "%s \"%.*s\" can not have more than one wildcard.", name, STRF(shown));
	return OK;
}

/* Every item may become part of a header of a response. */
static enum status read_list(struct arena *a, const struct xml_node *rule, const char *name, struct cors_list *out, struct fault *why)
{
	*out = (struct cors_list){ .items = arena_array(a, CORS_ITEMS_MAX, sizeof(*out->items)) };
	if (out->items == NULL)
		return fault_too_much(why);
	for (const struct xml_node *n = rule->first; n != NULL; n = n->next) {
		if (!xml_is(n, name))
			continue;
		struct str item = xml_word(n);
		if (out->n == CORS_ITEMS_MAX || item.n == 0 || !header_value_ok(item))
			return fault_set(why, XML_MALFORMED, "A CORSRule takes up to %d %ss of visible ASCII.", CORS_ITEMS_MAX, name);
		TRY(check_item(name, item, why));
		out->items[out->n++] = item;
	}
	return OK;
}

static enum status read_rule(struct arena *a, const struct xml_node *n, struct cors_rule *out, struct fault *why)
{
	static const char *const children[] = { "!ID", "AllowedOrigin", "AllowedMethod", "AllowedHeader", "ExposeHeader", "!MaxAgeSeconds" };
	TRY(xml_check_children(n, children, COUNT_OF(children), why));
	out->id = xml_child_text(n, "ID");
	if (out->id.n > 255)
		return fault_set(why, REQUEST_INVALID, "The ID of a CORSRule can have at most 255 characters.");
	TRY(read_list(a, n, "AllowedOrigin", &out->origins, why));
	TRY(read_list(a, n, "AllowedMethod", &out->methods, why));
	TRY(read_list(a, n, "AllowedHeader", &out->headers, why));
	TRY(read_list(a, n, "ExposeHeader", &out->exposed, why));
	if (out->origins.n == 0 || out->methods.n == 0)
		return fault_set(why, XML_MALFORMED, "A CORSRule needs an AllowedOrigin and an AllowedMethod.");
	struct str text = xml_child_word(n, "MaxAgeSeconds");
	uint64_t seconds;
	if (text.p == NULL)
		return OK;
	if (!str_to_u64(text, &seconds) || seconds > INT32_MAX)
		return fault_set(why, XML_MALFORMED, "MaxAgeSeconds must be an integer between 0 and 2147483647.");
	out->has_max_age = true;
	out->max_age_s = (uint32_t)seconds;
	return OK;
}

enum status cors_rules_read(struct arena *a, struct str xml, struct cors_rules *out, struct fault *why)
{
	assert(a != NULL);
	assert(out != NULL);
	static const char *const children[] = { "CORSRule" };
	const struct xml_node *root;
	size_t n = 0;
	TRY(xml_read(a, xml, "CORSConfiguration", &root, why));
	TRY(xml_check_children(root, children, COUNT_OF(children), why));
	for (const struct xml_node *r = root->first; r != NULL; r = r->next)
		n++;
	if (n == 0 || n > CORS_RULES_MAX)
		return fault_set(why, XML_MALFORMED, "A CORSConfiguration needs 1 to %d rules.", CORS_RULES_MAX);
	*out = (struct cors_rules){ .rules = arena_array(a, n, sizeof(*out->rules)) };
	if (out->rules == NULL)
		return fault_too_much(why);
	for (const struct xml_node *r = root->first; r != NULL; r = r->next)
		TRY(read_rule(a, r, &out->rules[out->n++], why));
	return OK;
}

static void write_list(struct buf *b, const char *name, const struct cors_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		xml_element(b, name, l->items[i]);
}

void cors_rules_write(struct buf *b, const struct cors_rules *rules)
{
	assert(b != NULL);
	assert(rules != NULL);
	buf_put(b, STR(XML_PROLOG "<CORSConfiguration xmlns=\"" XML_NAMESPACE "\">"));
	for (size_t i = 0; i < rules->n; i++) {
		const struct cors_rule *r = &rules->rules[i];
		buf_put(b, STR("<CORSRule>"));
		if (r->id.n > 0)
			xml_element(b, "ID", r->id);
		write_list(b, "AllowedMethod", &r->methods);
		write_list(b, "AllowedOrigin", &r->origins);
		write_list(b, "AllowedHeader", &r->headers);
		write_list(b, "ExposeHeader", &r->exposed);
		if (r->has_max_age)
			xml_number(b, "MaxAgeSeconds", r->max_age_s);
		buf_put(b, STR("</CORSRule>"));
	}
	buf_put(b, STR("</CORSConfiguration>"));
}

/* A '*' matches any bytes, or none. Header names are compared without case, origins with it. */
static bool pattern_matches(struct str pattern, struct str s, bool nocase)
{
	size_t star = str_find_char(pattern, '*');
	bool (*equal)(struct str, struct str) = nocase ? str_equal_nocase : str_equal;
	if (star == pattern.n)
		return equal(pattern, s);
	struct str head = str_slice(pattern, 0, star), tail = str_slice(pattern, star + 1, pattern.n);
	return s.n >= head.n + tail.n && equal(head, str_slice(s, 0, head.n)) && equal(tail, str_slice(s, s.n - tail.n, s.n));
}

static bool any_matches(const struct cors_list *l, struct str s, bool nocase)
{
	for (size_t i = 0; i < l->n; i++)
		if (pattern_matches(l->items[i], s, nocase))
			return true;
	return false;
}

static bool allows_headers(const struct cors_rule *r, struct str wanted)
{
	while (wanted.p != NULL) {
		struct str name = str_trim(str_cut(&wanted, ','));
		if (name.n > 0 && !any_matches(&r->headers, name, true))
			return false;
	}
	return true;
}

const struct cors_rule *cors_rules_match(const struct cors_rules *rules, struct str origin, struct str method, struct str headers)
{
	assert(rules != NULL);
	for (size_t i = 0; i < rules->n; i++) {
		const struct cors_rule *r = &rules->rules[i];
		if (any_matches(&r->origins, origin, false) && any_matches(&r->methods, method, false) && allows_headers(r, headers))
			return r;
	}
	return NULL;
}

bool cors_rule_is_open(const struct cors_rule *rule, struct str origin)
{
	assert(rule != NULL);
	for (size_t i = 0; i < rule->origins.n; i++)
		if (pattern_matches(rule->origins.items[i], origin, false))
			return str_equal(rule->origins.items[i], STR("*"));
	return false;
}
