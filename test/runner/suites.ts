import type { PackageGroup } from './packages.js';

/** One folder under test/ that is run as a whole. */
export interface Suite {
  readonly name: string;
  /** The groups of test/packages.sh that it cannot run without. */
  readonly needs: readonly PackageGroup[];
  /** Network namespaces in the host's user namespace, User-mode Linux and `runuser` are for root only. */
  readonly needsRoot: boolean;
  /** The tests start `dist/cli.js` as a process. */
  readonly needsBuild: boolean;
  /** The suite is ended when no test of it has ended for so long; one of its files, when it takes about so long. */
  readonly quietMinutes: number;
  /** Test files at one time. Those that start servers and agents wait most of the time, and none asserts a time. */
  readonly filesAtOnce: number;
  /** Added to the environment of its tests. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Run once more under the newer Node that is supported, see `SECOND_NODE_MAJOR`. */
  readonly alsoUnderSecondNode: boolean;
}

/**
 * The program runs on Node 20.19 and later; this is the one of the newest long-term line that every change is tried on as well, and that
 * the packages carry: a whole version, so that they can be built again byte for byte.
 */
export const SECOND_NODE = '26.12.1';
export const SECOND_NODE_MAJOR = Number.parseInt(SECOND_NODE, 10);

/** Ends a hang and nothing else: a slow or busy machine needs a few times as long as a fast one. */
const QUIET_MINUTES = 15;

const pure = {
  quietMinutes: QUIET_MINUTES,
  needs: [],
  needsRoot: false,
  needsBuild: false,
  filesAtOnce: 2,
  alsoUnderSecondNode: true,
};
const system = {
  quietMinutes: QUIET_MINUTES,
  needsRoot: true,
  needsBuild: false,
  filesAtOnce: 3,
  alsoUnderSecondNode: false,
};
const program = { ...system, needsBuild: true };

/** Every suite of `npm test`, in the order in which they run: the quick ones first. */
export const SUITES: readonly Suite[] = [
  { ...pure, name: 'unit' },
  { ...pure, name: 'property' },
  { ...pure, name: 'golden' },
  { ...pure, name: 'simulation', alsoUnderSecondNode: false },
  { ...system, name: 'database', needs: ['servers', 'mysql'] },
  { ...system, name: 'kernel', needs: ['hosts', 'witnesses'] },
  { ...program, name: 'fault', needs: ['servers', 'hosts', 'witnesses', 'disks', 'clock'] },
  { ...program, name: 'e2e', needs: ['servers', 'mysql', 'hosts', 'witnesses', 'disks', 'monitoring'] },
  { ...program, name: 'neutron', needs: ['servers', 'hosts', 'neutron'] },
  { ...program, name: 'page', needs: ['servers', 'browser'] },
];

/** What `npm run test:long` runs instead: the long proofs, and what `npm test` goes through on one engine on every engine. */
export const LONG_SUITES: readonly Suite[] = [
  {
    ...program,
    name: 'long',
    needs: ['servers', 'mysql', 'versions', 'hosts', 'witnesses', 'disks', 'clock', 'neutron', 'long'],
    quietMinutes: 170,
    filesAtOnce: 1,
  },
  ...SUITES.filter(({ name }) => ['fault', 'e2e', 'neutron'].includes(name)).map((suite) => ({
    ...suite,
    environment: { TEST_EVERY_ENGINE: '1' },
  })),
];

/** One run of a suite under one Node. */
export interface SuiteRun {
  readonly suite: Suite;
  readonly node: 'this' | 'second';
  /** `unit`, or `unit@26` for the run under the second Node. */
  readonly label: string;
}

/**
 * Spreads suites into runs: all of them under the Node that runs this, then those that ask for it under
 * the second one. Nothing is run twice when this Node is already of that release line.
 */
export function suiteRuns(suites: readonly Suite[], thisNodeMajor: number): SuiteRun[] {
  const first = suites.map((suite): SuiteRun => ({ suite, node: 'this', label: suite.name }));
  if (thisNodeMajor === SECOND_NODE_MAJOR) return first;
  const again = suites.filter((suite) => suite.alsoUnderSecondNode);
  return [
    ...first,
    ...again.map(
      (suite): SuiteRun => ({ suite, node: 'second', label: `${suite.name}@${SECOND_NODE_MAJOR}` }),
    ),
  ];
}
