/* XML that clients send, read into a small tree. Bounded in depth, elements, names and text, and without
 * DOCTYPE, so that there are no entities. Pure; any thread.
 * Source: XML 1.0; Namespaces in XML 1.0 (names are compared without their namespace, as S3 does). */
#ifndef BASE_XML_H
#define BASE_XML_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

struct xml_node {
	struct str name;               /* local, without a prefix */
	struct str type;               /* the attribute xsi:type; "": none */
	struct str text;               /* of an element without children, as it is; "" of others */
	struct xml_node *first, *next; /* the first child, the next sibling; NULL: none */
};

#define XML_DEPTH_MAX 8
#define XML_NODES_MAX 100000
#define XML_NAMES_MAX 64  /* different ones */
#define XML_TEXT_MAX 8192 /* of one element */

/* Read a whole document of UTF-8, whatever encoding it declares.
 * root    the element of this name; lives in `a`, borrows nothing
 * Errors  XML_MALFORMED not well-formed, another root, DOCTYPE, over a bound; TOO_MUCH */
enum status xml_read(struct arena *a, struct str text, const char *root, const struct xml_node **out, struct fault *why) MUST_CHECK;
/* The first child of this name; NULL: none. */
const struct xml_node *xml_child(const struct xml_node *n, const char *name);
bool xml_is(const struct xml_node *n, const char *name);
/* The text of the first child of this name; {NULL, 0} when there is none. */
struct str xml_child_text(const struct xml_node *n, const char *name);
/* The same without blanks and line ends around it: for numbers and names. */
struct str xml_child_word(const struct xml_node *n, const char *name);
/* The text of the element itself, likewise. */
struct str xml_word(const struct xml_node *n);
/* Every child has one of these names (`n_names` of them), each that is marked with '!' at most once.
 * Errors  XML_MALFORMED */
enum status xml_check_children(const struct xml_node *n, const char *const *names, size_t n_names, struct fault *why) MUST_CHECK;

#endif
