import { hasNetAdmin, openKernel } from '../../src/kernel/kernel.js';
import { makeMark } from '../../src/kernel/mark.js';
import { linkName } from '../../src/model/ids.js';

/**
 * Started by permission.test.ts with fewer rights: looks, tries to change the tap, and prints what came of
 * it.
 */
const kernel = openKernel();
const { byName } = kernel.observe();
const tap = byName.get(linkName('tap1'));
if (tap === undefined) throw new Error('there is no tap1');
const about = { device: tap.name, reason: 'a test', network: null, scope: 'device', target: tap } as const;
const outcomes = kernel.apply([
  { ...about, op: 'disable-ipv6' },
  { ...about, op: 'set-up' },
]);
const failure =
  outcomes
    .map((outcome) => (outcome.ok ? null : outcome.failure))
    .findLast((found) => found !== null && found.errno !== 'SKIPPED') ?? null;
function mark(): boolean {
  try {
    makeMark().remove();
    return true;
  } catch {
    return false;
  }
}

const seen = {
  mark: mark(),
  netAdmin: hasNetAdmin(),
  links: [...byName.keys()].sort(),
  errno: failure?.errno ?? null,
  message: failure?.message ?? null,
};
process.stdout.write(JSON.stringify(seen));
await kernel.close();
