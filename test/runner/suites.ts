/** Something a suite cannot run without, and the Debian package that brings it. */
export type Need =
  /** A program, looked for on PATH and in the system folders. */
  | { readonly command: string; readonly package: string }
  /** A file. One path segment may hold `*`, for folders named after a version. */
  | { readonly file: string; readonly package: string };

/** One folder under test/ that is run as a whole. */
export interface Suite {
  readonly name: string;
  readonly needs: readonly Need[];
  /** Network namespaces in the host's user namespace, User-mode Linux and `runuser` are for root only. */
  readonly needsRoot: boolean;
  /** The tests start `dist/cli.js` as a process. */
  readonly needsBuild: boolean;
  /** The suite is ended when no test of it has ended for so long; one of its files, when it takes about so long. */
  readonly quietMinutes: number;
  /** Test files at one time. Suites that start guests or servers take the two cores one file after the other. */
  readonly filesAtOnce: number;
  /** Run once more under the newer Node that is supported, see `SECOND_NODE_MAJOR`. */
  readonly alsoUnderSecondNode: boolean;
}

/** The program runs on Node 20.19 and later; this is the release line that every change is tried on as well. */
export const SECOND_NODE_MAJOR = 26;

const SERVERS: readonly Need[] = [
  { file: '/usr/lib/postgresql/*/bin/postgres', package: 'postgresql' },
  { command: 'pgbouncer', package: 'pgbouncer' },
  { command: 'mariadbd', package: 'mariadb-server' },
  { command: 'mariadb-install-db', package: 'mariadb-server' },
  { file: '/usr/lib/galera/libgalera_smm.so', package: 'galera-4' },
  // What a Galera node takes its rows with when it joins, and how it looks for free ports.
  { command: 'rsync', package: 'rsync' },
  { command: 'ss', package: 'iproute2' },
  { command: 'runuser', package: 'util-linux' },
  { command: 'openssl', package: 'openssl' },
];
const HOSTS: readonly Need[] = [
  { command: 'ip', package: 'iproute2' },
  { command: 'unshare', package: 'util-linux' },
  { command: 'linux.uml', package: 'user-mode-linux' },
  { command: 'insmod', package: 'kmod' },
];
const WITNESSES: readonly Need[] = [
  { command: 'nft', package: 'nftables' },
  { command: 'tcpdump', package: 'tcpdump' },
  { command: 'strace', package: 'strace' },
  { command: 'ps', package: 'procps' },
];

/** `promtool` judges metrics, and the rules of alerts. */
const MONITORING: readonly Need[] = [
  { command: 'promtool', package: 'prometheus' },
  { command: 'systemd-analyze', package: 'systemd' },
];

/** One test looks at the page of a real agent in a namespace. */
const BROWSER: readonly Need[] = [
  { command: 'chromium', package: 'chromium' },
  { command: 'ip', package: 'iproute2' },
];

/** Gives one process a clock that a test can set. */
const CLOCK: Need = { file: '/usr/lib/*/faketime/libfaketimeMT.so.1', package: 'faketime' };

/** Make a file system that can be frozen. */
const DISKS: readonly Need[] = [
  { command: 'mkfs.ext4', package: 'e2fsprogs' },
  { command: 'fsfreeze', package: 'util-linux' },
];

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
  filesAtOnce: 1,
  alsoUnderSecondNode: false,
};
const program = { ...system, needsBuild: true };

/** Every suite of `npm test`, in the order in which they run: the quick ones first. */
export const SUITES: readonly Suite[] = [
  { ...pure, name: 'unit' },
  { ...pure, name: 'property' },
  { ...pure, name: 'golden' },
  { ...pure, name: 'simulation', alsoUnderSecondNode: false },
  { ...system, name: 'database', needs: SERVERS },
  { ...system, name: 'kernel', needs: [...HOSTS, ...WITNESSES] },
  { ...program, name: 'fault', needs: [...SERVERS, ...HOSTS, ...WITNESSES, ...DISKS, CLOCK] },
  { ...program, name: 'e2e', needs: [...SERVERS, ...HOSTS, ...WITNESSES, ...DISKS, ...MONITORING] },
  { ...program, name: 'page', needs: [...SERVERS, ...BROWSER] },
];

/** What `npm run test:long` runs instead. */
export const LONG_SUITES: readonly Suite[] = [
  { ...program, name: 'long', needs: [...SERVERS, ...HOSTS, ...WITNESSES], quietMinutes: 170 },
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
