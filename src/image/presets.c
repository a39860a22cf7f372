/* See presets.h. */
#include "image/presets.h"

#include "image/delivery_link.h"

#include <stdio.h>

#define SIDE_LEAST 16
#define QUALITY 80
#define WEBP_EFFORT 2

static const char *const EXTENSIONS[THUMBNAIL_FORMATS] = { "webp", "jpg", "png" };

size_t preset_format_index(enum render_format format)
{
	assert(format >= RENDER_TO_WEBP && format <= RENDER_TO_PNG);
	return (size_t)format - RENDER_TO_WEBP;
}

static bool read_box(struct str text, struct render_preset *p)
{
	uint64_t width, height;
	struct str rest = text, first = str_cut(&rest, 'x');
	if (!str_to_u64(first, &width) || !str_to_u64(rest, &height) || width < SIDE_LEAST || height < SIDE_LEAST || width > RENDER_BOX_MAX ||
		height > RENDER_BOX_MAX)
		return false;
	p->width = (uint16_t)width;
	p->height = (uint16_t)height;
	return true;
}

/* How the preset is made in WebP, or that it is not. */
static bool read_format(struct str text, struct render_preset *p)
{
	static const struct {
		const char *word;
		enum render_format format;
	} words[] = { { "webp", RENDER_TO_WEBP }, { "animated", RENDER_TO_ANIMATION }, { "jpeg", RENDER_TO_JPEG } };
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_equal(text, str_of(words[i].word))) {
			p->format = (uint8_t)words[i].format;
			return true;
		}
	return false;
}

enum option { OPTION_NONE, OPTION_FIT = 1, OPTION_FORMAT = 2, OPTION_QUALITY = 4, OPTION_EFFORT = 8 };

/* Which one it is. OPTION_NONE: it is malformed. */
static enum option read_option(struct str text, struct render_preset *p)
{
	uint64_t n = 0;
	bool number = text.n > 1 && str_to_u64(str_slice(text, 1, text.n), &n);
	if (read_format(text, p))
		return OPTION_FORMAT;
	if (str_equal(text, STR("fit")) || str_equal(text, STR("cover"))) {
		p->fit = text.p[0] == 'f' ? RENDER_FIT : RENDER_COVER;
		return OPTION_FIT;
	}
	if (number && text.p[0] == 'q' && n >= 1 && n <= 100) {
		p->quality = (uint8_t)n;
		return OPTION_QUALITY;
	}
	if (!number || text.p[0] != 'e' || n > 6)
		return OPTION_NONE;
	p->effort = (uint8_t)n;
	return OPTION_EFFORT;
}

/* All options after the size. false: one is malformed, or two are of one kind. */
static bool read_options(struct str rest, struct render_preset *p)
{
	unsigned seen = OPTION_NONE;
	while (rest.p != NULL) {
		enum option o = read_option(str_cut(&rest, ':'), p);
		if (o == OPTION_NONE || (seen & o) != 0)
			return false;
		seen |= o;
	}
	return true;
}

/* A name of a link's variant: letters, digits and inner '-'. */
static bool is_name(struct str name)
{
	return name.n <= DELIVERY_PRESET_MAX && str_consists_of_lower(name, STR("-")) && name.p[0] != '-' && name.p[name.n - 1] != '-' &&
		!str_equal(name, STR("original"));
}

/* The preset in each format, with the hash of all that decides about its bytes. */
static void make_variants(struct preset *p, const struct render_preset *webp)
{
	static const uint8_t EFFORTS[THUMBNAIL_FORMATS] = { 0, 1, 6 };
	for (size_t i = 0; i < THUMBNAIL_FORMATS; i++) {
		char how[96], hash[DELIVERY_HASH_CHARS + 1];
		struct render_preset *as = &p->as[i];
		*as = *webp;
		as->format = i == 0 ? webp->format : (uint8_t)(RENDER_TO_WEBP + i);
		as->effort = i == 0 ? webp->effort : EFFORTS[i];
		int n = snprintf(
			how, sizeof how, "%d %ux%u %u %u q%u e%u", RENDER_VERSION, as->width, as->height, as->fit, as->format, as->quality, as->effort);
		assert(n > 0 && (size_t)n < sizeof how);
		delivery_variant_hash(str_of(how), hash);
		n = snprintf(p->variant[i], sizeof p->variant[i], "%.*s-%s.%s", STRF(p->name), hash, EXTENSIONS[i]);
		assert(n > 0 && (size_t)n < sizeof p->variant[i]);
	}
}

/* What must be otherwise; NULL: nothing. */
static const char *read_preset(struct str text, struct preset *p)
{
	struct render_preset webp = { .fit = RENDER_FIT, .format = RENDER_TO_WEBP, .quality = QUALITY, .effort = WEBP_EFFORT };
	struct str rest = text;
	p->name = str_cut(&rest, ':');
	if (!is_name(p->name))
		return "a name must be 1 to 32 of a-z, 0-9 and inner '-', and not original";
	if (rest.p == NULL || !read_box(str_cut(&rest, ':'), &webp))
		return "after the name there must be :WIDTHxHEIGHT, each 16 to 4096 pixels";
	if (!read_options(rest, &webp))
		return "after the size there may be :fit or :cover, :webp, :animated or :jpeg, :q1 to :q100, and :e0 to :e6, one of each kind";
	p->no_webp = webp.format == RENDER_TO_JPEG;
	webp.format = p->no_webp ? RENDER_TO_WEBP : webp.format;
	make_variants(p, &webp);
	return NULL;
}

bool presets_find(const struct preset *presets, size_t n, struct str name, size_t *out)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(presets[i].name, name)) {
			*out = i;
			return true;
		}
	return false;
}

enum status presets_read(struct str text, struct preset out[THUMBNAIL_PRESETS_MAX], size_t *n, struct fault *why)
{
	static_assert(SIDE_LEAST == 16 && RENDER_BOX_MAX == 4096 && DELIVERY_PRESET_MAX == 32 && THUMBNAIL_PRESETS_MAX == 8, "in texts");
	size_t same;
	*n = 0;
	for (struct str rest = text; text.n > 0 && rest.p != NULL; ++*n) {
		struct str one = str_trim(str_cut(&rest, ','));
		const char *wrong = *n == THUMBNAIL_PRESETS_MAX ? "there may be 8 presets at most; remove those from" : read_preset(one, &out[*n]);
		if (wrong == NULL && presets_find(out, *n, out[*n].name, &same))
			wrong = "each name must be another one";
		if (wrong != NULL)
			return fault_set(why, BAD_SETTING, "--thumbnails (TINTYPE_THUMBNAILS): %s: \"%.*s\"", wrong, STRF(one));
	}
	return OK;
}
