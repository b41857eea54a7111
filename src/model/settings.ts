import type { TunnelSettings } from './forwarding.js';
import type { LinkName, PhysicalNetwork } from './ids.js';

/** What the reconciling core needs to know of the configuration. */
export interface HostSettings {
  /** The host's name as the database has it in its bindings. */
  readonly host: string;
  readonly physicalInterfaces: ReadonlyMap<PhysicalNetwork, LinkName>;
  readonly bridgeMappings: ReadonlyMap<PhysicalNetwork, LinkName>;
  readonly dropTaggedFrames: boolean;
  readonly dropSwitchFrames: boolean;
  readonly flatAddressMove: 'move' | 'refuse';
  readonly plugGraceMs: number;
  /** How this host takes part in tunnels; null: `enable_vxlan` is false. */
  readonly tunnels: TunnelSettings | null;
}

/** When removals are held back: the guard. */
export interface GuardSettings {
  /** Removals within the window; null: the larger of 1 and 20 % of the most taps that were wired in it. */
  readonly maxRemovals: number | null;
  readonly windowMs: number;
  readonly release: 'operator' | 'auto';
}

/** A server of the shared database; the password is behind a function so that nothing prints it by accident. */
export interface DatabaseServer {
  readonly engine: 'postgresql' | 'mysql';
  readonly host: string | null;
  readonly port: number | null;
  readonly socketPath: string | null;
  readonly user: string;
  readonly password: () => string | null;
  readonly database: string;
  readonly tls: TlsSettings | null;
  /** MySQL: the server's RSA key, under which the password may be sent without TLS; null: it is not. */
  readonly publicKeyFile: string | null;
}

export interface TlsSettings {
  /** false: encrypt without checking who answers (sslmode=require). */
  readonly verify: boolean;
  /** false: check the certificate but not the name in it (sslmode=verify-ca). */
  readonly verifyHostname: boolean;
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

export interface DatabaseSettings {
  /** Tried in order. At least one. */
  readonly servers: readonly [DatabaseServer, ...DatabaseServer[]];
  readonly connectTimeoutMs: number;
  readonly queryTimeoutMs: number;
  readonly readOnly: boolean;
  /** Whether this host's tunnels are served, so that it is read who is behind them. */
  readonly tunnels: boolean;
  /** The host whose bindings count as `here`. */
  readonly host: string;
}

/** Where the web server listens. */
export interface ListenAddress {
  /** An IP address; null: every address of the host. */
  readonly host: string | null;
  /** 0: any free one. */
  readonly port: number;
}

/** What of the settings a pass depends on. */
export type PassSettings = Pick<Settings, 'host' | 'guard' | 'knownPortRetentionMs'>;

/** Every effective setting, as a value. */
export interface Settings {
  readonly host: HostSettings;
  readonly guard: GuardSettings;
  readonly database: DatabaseSettings;
  /** What filtered guests here before, by the same files; null: nothing. This agent filters nothing. */
  readonly firewallDriver: string | null;
  readonly pollingIntervalMs: number;
  readonly reconnectIntervalMs: number;
  /** -1: for ever. */
  readonly sqlMaxRetries: number;
  readonly knownPortRetentionMs: number;
  readonly lastKnownGoodMaxAgeMs: number;
  readonly stateDir: string;
  readonly runDir: string;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  readonly logFormat: 'auto' | 'json' | 'pretty';
  /** null: no web server. */
  readonly webListenAddress: ListenAddress | null;
  /** Names of the web server, besides its addresses, `localhost` and `host`. */
  readonly webHostNames: readonly string[];
  /** Group that may use the control socket besides the agent's own user; null: the process's own group. */
  readonly controlGroup: string | null;
}
