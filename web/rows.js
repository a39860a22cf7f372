// How pictures of known proportions fill rows of one width: the rows whose heights are together the nearest to a target. Nothing here
// knows of elements.

export const GAP = 6;
const TOO_FEW = 0.05, LOST = 1;   // what a last row that is not full costs: at the end of a month or of the list, and elsewhere

/** How far a height is from the target: 0 if it is the same, 1 if it is twice as much or half. */
const costOf = (height, target) => (Math.max(height / target, target / height) - 1) ** 2;

/**
 * The rows as [{ from, to, height, isFull }], `to` not included. Heights are not rounded; only the last row may not be full.
 * ratios  width by height of each
 * isEnd   what comes after does not belong to these, so that the last row may be short
 */
export function rowsOf(ratios, width, target, isEnd) {
	const best = [{ cost: 0 }];
	for (let to = 1; to <= ratios.length; to++) {
		best[to] = { cost: Infinity };
		for (let from = to - 1, sum = 0; from >= 0; from--) {
			sum += ratios[from];
			const height = (width - GAP * (to - from - 1)) / sum;
			const isShort = to === ratios.length && height > target && costOf(height, target) > (isEnd ? TOO_FEW : LOST);
			const cost = best[from].cost + (isShort ? isEnd ? TOO_FEW : LOST : costOf(height, target));
			if (cost < best[to].cost)
				best[to] = { cost, from, to, height: isShort ? target : height, isFull: !isShort };
			if (height < target / 2.5 && to - from > 1)
				break;
		}
	}
	const rows = [];
	for (let to = ratios.length; to > 0; to = best[to].from)
		rows.unshift(best[to]);
	return rows;
}
