/* Any bytes as a HEIC or AVIF file, with a whole index in front of its data or without. What must hold: the index that is accepted has
 * a size and a picture, its parts lie in it, and what is kept of the data is sorted, apart, and in the file when the probe accepts it. */
#include "image/probe/heif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ranges(const struct heif_ranges *kept, uint64_t end)
{
	for (size_t i = 0; i < kept->n; i++) {
		assert(kept->range[i].at < kept->range[i].end && kept->range[i].end <= end);
		assert(i == 0 || kept->range[i - 1].end < kept->range[i].at);
	}
}

static void check_plan(struct str meta, const struct heif_plan *plan)
{
	size_t pictures = 0;
	assert(plan->index.width > 0 && plan->index.height > 0 && plan->extents <= HEIF_EXTENTS_MAX);
	for (size_t i = 0; i < plan->index.items; i++) {
		pictures += plan->index.item[i].kept;
		assert(plan->index.item[i].rest.start + 4 <= plan->index.item[i].rest.end && plan->index.item[i].rest.end <= meta.n);
	}
	for (size_t i = 0; i < plan->index.properties; i++)
		assert(plan->index.property[i].end <= plan->index.ipco.end);
	assert(pictures > 0);
	check_ranges(&plan->in_index, plan->index.idat.end - plan->index.idat.start);
	check_ranges(&plan->in_file, UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct heif_plan plan;
	struct probe probe = { 0 };
	struct heif_box box;
	struct str bytes = { (const char *)data, size };
	enum probe_result result = probe_image(bytes, &probe);
	bool found = false;
	for (size_t at = 0; !found && heif_box(str_slice(bytes, at, size), &box) && box.size > 0 && box.size <= size - at;
		 at += (size_t)box.size) {
		struct str whole = str_slice(bytes, at, at + (size_t)box.size);
		found = box.type == HEIF_META;
		if (!found || heif_read(whole, &plan) != NULL)
			continue;
		check_plan(whole, &plan);
		if (result == PROBE_OK && probe.type >= PROBE_HEIC)
			check_ranges(&plan.in_file, size);
	}
	return 0;
}
