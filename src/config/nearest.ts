/**
 * The candidate that takes the fewest single-character edits (insert, delete, replace, swap of neighbours) to
 * get from `word`, without regard to case; null when there is none. The first of several equally near ones.
 */
export function nearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** The nearest one if it takes fewer edits than one for five of its characters, or a single one: a slip, and not another word. */
export function nearly(word: string, candidates: readonly string[]): string | null {
  const found = nearest(word, candidates);
  if (found === null) return null;
  const edits = editDistance(word.toLowerCase(), found.toLowerCase());
  return edits <= 1 || edits * 5 < found.length ? found : null;
}

/** Optimal string alignment: Levenshtein's distance, with a swap of two neighbours as one edit. */
function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = at(previous, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1);
      const swapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
          ? at(beforePrevious, column - 2) + 1
          : Number.POSITIVE_INFINITY;
      current.push(Math.min(replaced, swapped, at(previous, column) + 1, at(current, column - 1) + 1));
    }
    beforePrevious = previous;
    previous = current;
  }
  return at(previous, to.length);
}

const at = (row: readonly number[], column: number): number => row[column] ?? Number.POSITIVE_INFINITY;
