import { createHash } from 'node:crypto';

/** Long enough that two lists of one day never share it, short enough to be read out and typed. */
const LENGTH = 10;

/**
 * What stands for a list of held removals: the same for the same list in any order, another one when anything is added,
 * missing or different. null: nothing is held.
 */
export const fingerprintOf = (held: readonly { readonly key: string }[]): string | null =>
  held.length === 0
    ? null
    : createHash('sha256')
        .update(
          held
            .map(({ key }) => key)
            .toSorted()
            .join('\n'),
        )
        .digest('hex')
        .slice(0, LENGTH);
