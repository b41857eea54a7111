import type { LoadedSettings } from '../config/load.js';
import type { NetworkMtu } from '../database/network-mtus.js';
import { DatabaseError } from '../model/database.js';
import { EXIT, type ExitCode } from '../model/exit-codes.js';
import { databaseFailure, FAILURES, type FailureCode } from '../model/failure.js';
import type { LinkName, PhysicalNetwork } from '../model/ids.js';
import { KernelError } from '../model/kernel.js';
import { type HostState, type Link, linkCalled } from '../model/link.js';
import { isExactBridgeName, networkOfLabel } from '../model/names.js';
import type { PreflightCode } from '../model/preflight.js';
import type { HostSettings } from '../model/settings.js';
import { jsonOf, visible } from '../model/visible.js';
import { WARNINGS, type WarningCode } from '../model/warning.js';
import type { Invocation } from './invocation.js';
import { type Preflight, preflight } from './preflight.js';
import type { PreflightResult } from './preflight-result.js';
import { takeOverSteps } from './take-over.js';

/** What the database says beside the rows of this host. */
export interface FoundDatabase {
  readonly generation: string;
  readonly mtus: readonly NetworkMtu[];
}

/** How the check looks at this host and at the database. */
export interface Probes {
  links(): HostState | KernelError;
  /** Whether this process holds CAP_NET_ADMIN. */
  netAdmin(): boolean;
  /** Whether every user of this host may read this file. */
  isReadableByAll(path: string): boolean;
  /** What of the host matters beside its links. */
  host(): Preflight;
  /** The database, which answered and has a known schema; or why not. */
  database(): Promise<FoundDatabase | DatabaseError>;
}

/** One thing that is not as it must be, and what to do about it. */
export interface Finding {
  readonly code: WarningCode | FailureCode | PreflightCode;
  readonly message: string;
  readonly remedy: string;
}

/** How many interfaces a message lists at most, so that a host with thousands of taps gets one line. */
const LISTED_MAX = 8;

/**
 * Checks the settings against the live host: the mapped interfaces and bridges, the right to change them, what else works
 * on them, what the kernel can, and the database. Prints every finding with its remedy, or with `--json` one object
 * `{ findings, notes, takeOver, warnings }`, where `takeOver` is what is left to do after another agent, in order. Exit code 0 without a finding, 78 when the schema is wrong, 75 when the database cannot
 * be reached, else 1. Notes, and warnings about the files, are printed, but are no findings.
 */
export async function configCheck({ loaded, json, output }: Invocation, probes: Probes): Promise<ExitCode> {
  const { host, firewallDriver } = loaded.settings;
  const links = probes.links();
  const answer = await probes.database();
  const failure = answer instanceof DatabaseError ? answer : null;
  const { generation, mtus } = answer instanceof DatabaseError ? { generation: null, mtus: [] } : answer;
  const openSecrets = passwordFiles(loaded).filter((path) => probes.isReadableByAll(path));
  const seen = links instanceof KernelError ? null : { ...probes.host(), links };
  const looks =
    seen === null ? [] : preflight({ ...seen, ...host, firewallDriver, openSecrets, generation, mtus });
  const takeOver = seen === null ? [] : takeOverSteps(seen);
  const results = (weight: PreflightResult['weight']): Finding[] =>
    looks.filter((look) => look.weight === weight).map(({ weight: _, ...rest }) => rest);
  const findings = [
    ...(links instanceof KernelError ? [kernelFinding(links)] : mappingFindings(host, links)),
    ...(probes.netAdmin() ? [] : [NET_ADMIN_MISSING]),
    ...results('finding'),
    ...(failure === null ? [] : [databaseFinding(failure)]),
  ];
  const notes = results('note');
  if (json) output.print(jsonOf({ findings, notes, takeOver, warnings: loaded.warnings }, 2));
  else {
    for (const { code, message, remedy } of visible(findings))
      output.print(`${code}: ${message}\n  ${remedy}`);
    for (const { code, message, remedy } of visible(notes))
      output.print(`Note ${code}: ${message}\n  ${remedy}`);
    for (const { code, message } of visible(loaded.warnings))
      output.complain(`${code}: ${message}\n  ${WARNINGS[code].remedy}`);
    if (takeOver.length > 0) output.print('Taking over from the agent before, in order');
    for (const [at, step] of visible(takeOver).entries()) output.print(`  ${at + 1}. ${step}`);
    if (findings.length === 0) output.print('The settings fit this host, and the database answers.');
  }
  return findings.length === 0 ? EXIT.ok : exitCodeOf(failure);
}

/** Where the password stands, as far as it stands in files. */
const passwordFiles = ({ entries }: LoadedSettings): string[] =>
  entries.flatMap(({ name, value, origin }) => {
    if (name === 'sql_password_file') return value === '' ? [] : [value];
    return name === 'sql_connection' && value.includes(':***@') && origin.kind === 'file'
      ? [origin.file]
      : [];
  });

function exitCodeOf(database: DatabaseError | null): ExitCode {
  if (database?.kind === 'schema') return EXIT.misconfigured;
  if (database?.kind === 'unreachable' || database?.kind === 'name-resolution') return EXIT.unreachable;
  return EXIT.failed;
}

const NET_ADMIN_MISSING: Finding = {
  code: 'NET_ADMIN_MISSING',
  message: 'This process may not change network devices (CAP_NET_ADMIN is missing).',
  remedy: FAILURES.NET_ADMIN_MISSING.remedy,
};

const kernelFinding = (error: KernelError): Finding => ({
  code: 'KERNEL_UNREADABLE',
  message: `The network devices of this host cannot be read: ${error.message}`,
  remedy: FAILURES.KERNEL_UNREADABLE.remedy,
});

function databaseFinding(error: DatabaseError): Finding {
  const code = databaseFailure(error.kind);
  return { code, message: error.message, remedy: FAILURES[code].remedy };
}

/** What is wrong with the devices that the mappings name, in the order of the mappings. */
function mappingFindings(host: HostSettings, state: HostState): Finding[] {
  const interfaces = [...host.physicalInterfaces].map(([network, name]) =>
    interfaceFinding(network, name, host, state),
  );
  const bridges = [...host.bridgeMappings].map(([network, name]) => bridgeFinding(network, name, state));
  return [...interfaces, ...bridges].filter((finding) => finding !== null);
}

function interfaceFinding(
  network: PhysicalNetwork,
  name: LinkName,
  host: HostSettings,
  state: HostState,
): Finding | null {
  const link = linkCalled(state, name);
  const what = `${name}, mapped to the physical network ${network},`;
  if (link === undefined)
    return finding('PHYSICAL_INTERFACE_MISSING', `${what} does not exist; ${others(state)}.`);
  if (link.detail.kind === 'bridge')
    return finding('PHYSICAL_INTERFACE_UNUSABLE', `${what} is itself a bridge.`);
  if (link.name === 'lo') return finding('PHYSICAL_INTERFACE_UNUSABLE', `${what} is the loopback.`);
  const master = link.master === null ? undefined : state.links.get(link.master);
  if (link.master === null || (master !== undefined && mayHold(master, network, host))) return null;
  return finding(
    'PHYSICAL_INTERFACE_ENSLAVED',
    `${what} is enslaved to ${master?.name ?? `link ${link.master}`}.`,
  );
}

/** A bridge that a mapped interface may be in: the agent's own, or the operator's for the same physical network. */
function mayHold(master: Link, network: PhysicalNetwork, host: HostSettings): boolean {
  if (master.detail.kind !== 'bridge') return false;
  const agents = networkOfLabel(master.alias) !== null || isExactBridgeName(master.name);
  return agents || host.bridgeMappings.get(network) === master.name;
}

function bridgeFinding(network: PhysicalNetwork, name: LinkName, state: HostState): Finding | null {
  const link = state.byName.get(name);
  const what = `${name}, in bridge_mappings for the physical network ${network},`;
  if (link === undefined)
    return finding('BRIDGE_MAPPING_MISSING', `${what} does not exist; ${others(state)}.`);
  return link.detail.kind === 'bridge' ? null : finding('BRIDGE_MAPPING_MISSING', `${what} is no bridge.`);
}

const finding = (code: WarningCode, message: string): Finding => ({
  code,
  message,
  remedy: WARNINGS[code].remedy,
});

/** The links that could have been meant: no loopback, no taps. */
function others(state: HostState): string {
  const names = [...state.byName.keys()].filter((name) => name !== 'lo' && !name.startsWith('tap'));
  if (names.length === 0) return 'this host has no interface but the loopback';
  return `this host has ${names.slice(0, LISTED_MAX).join(', ')}${names.length > LISTED_MAX ? ' and more' : ''}`;
}
