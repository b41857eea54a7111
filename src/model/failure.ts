import type { DatabaseErrorKind } from './database.js';
import { EXIT, type ExitCode } from './exit-codes.js';

/**
 * Every failure the agent and its commands can give, with what is behind it, what to do, and the exit code of a command
 * that ends because of it (null: none does). Logs, `status`, `explain`, `config check` and the documentation read this list.
 */
export const FAILURES = {
  DATABASE_UNREACHABLE: {
    cause: 'No listed server answers, the connection dropped, or a time limit ran out.',
    remedy: 'Start the server, or correct host and port in sql_connection; look for a firewall between.',
    exit: EXIT.unreachable,
  },
  DATABASE_SOCKET_FORBIDDEN: {
    cause: 'The user of the command may not use the Unix socket of the database server.',
    remedy: 'Run it as a user who may, let this one use the socket and its folder, or name a host instead.',
    exit: EXIT.unreachable,
  },
  DATABASE_AUTHENTICATION: {
    cause: 'The server refuses the user or the password.',
    remedy:
      'Correct user and password in sql_connection (or sql_password_file), or let the DBA allow this host.',
    exit: EXIT.unreachable,
  },
  DATABASE_NO_SUCH_DATABASE: {
    cause: 'The server has no database of that name, or (MySQL) the account has no right to it.',
    remedy:
      'Correct the name of the database at the end of sql_connection, or let the DBA create it or grant rights to it.',
    exit: EXIT.unreachable,
  },
  DATABASE_TLS: {
    cause: 'The encrypted connection cannot be made: certificate, name or protocol do not fit.',
    remedy: 'Correct the TLS options in sql_connection: the CA, the client certificate, the host name in it.',
    exit: EXIT.unreachable,
  },
  DATABASE_NAME_RESOLUTION: {
    cause: 'The name of the database server cannot be resolved.',
    remedy: 'Correct the host in sql_connection, or the name service of this host.',
    exit: EXIT.unreachable,
  },
  DATABASE_PERMISSION: {
    cause: 'The account lacks a right that the agent needs.',
    remedy: 'Let the DBA grant the rights that the message names.',
    exit: EXIT.unreachable,
  },
  DATABASE_NO_TRANSACTIONS: {
    cause: 'The connection pooler before the server gives no transactions (PgBouncer in statement mode).',
    remedy:
      'Set pool_mode = transaction (or session) in PgBouncer for this database, or name the server itself in sql_connection.',
    exit: EXIT.unreachable,
  },
  DATABASE_ROWS_HIDDEN: {
    cause:
      'The server, or a proxy before it, does not show this account every row; what is hidden would look deleted.',
    remedy:
      'Row security (PostgreSQL): alter role … bypassrls, or disable it for the tables. A proxy that limits rows: take the limit out.',
    exit: EXIT.unreachable,
  },
  DATABASE_SCHEMA: {
    cause: 'The tables are not those of any generation of Quantum or Neutron that the agent knows.',
    remedy:
      'Name the Quantum or Neutron database in sql_connection; in an empty one schema migrate makes the tables.',
    exit: EXIT.misconfigured,
  },
  DATABASE_QUERY: {
    cause: 'The server refused a statement for another reason.',
    remedy: 'Look at the message and into the log of the database server.',
    exit: EXIT.unreachable,
  },
  STATUSES_NOT_WRITTEN: {
    cause: 'The host is wired, but port statuses could not be written to the database.',
    remedy:
      'Nothing, when it passes: they are written after the next poll. Else grant UPDATE, or set read_only.',
    exit: EXIT.failed,
  },
  HEARTBEAT_NOT_WRITTEN: {
    cause:
      "This host's row in agents could not be written; wiring goes on, but servers take the agent for dead.",
    remedy: 'Look at the message; schema grants prints the rights that it takes.',
    exit: null,
  },
  MIGRATION_LOCKED: {
    cause: 'Another schema migration is under way, or one was killed and has left its lock behind.',
    remedy: 'When none is under way: update knex_migrations_lock set is_locked = 0; then try again.',
    exit: EXIT.failed,
  },
  NET_ADMIN_MISSING: {
    cause: 'The process may not change network devices (CAP_NET_ADMIN is missing).',
    remedy: 'Run it as root, or with AmbientCapabilities=CAP_NET_ADMIN in its unit.',
    exit: EXIT.notPermitted,
  },
  KERNEL_UNREADABLE: {
    cause: 'The network devices of this host cannot be read.',
    remedy: 'Run it on Linux, outside of a sandbox that forbids AF_NETLINK sockets.',
    exit: EXIT.failed,
  },
  SETTINGS_WRONG: {
    cause: 'A setting cannot be used.',
    remedy: 'Correct it as the message says; config show tells where each value comes from.',
    exit: EXIT.misconfigured,
  },
  AGENT_RUNS_ALREADY: {
    cause: 'Another agent serves this host (this network namespace).',
    remedy: 'Stop that one first; status shows what it does.',
    exit: EXIT.alreadyRunning,
  },
  NO_AGENT: {
    cause: 'No agent runs here, or it has another run_dir.',
    remedy: 'Start it (systemctl start quantum-linuxbridge-agent), or name its run_dir.',
    exit: EXIT.alreadyRunning,
  },
  CONTROL_FORBIDDEN: {
    cause: 'This user may not use the control socket of the running agent.',
    remedy: 'Run the command as root or as a member of control_group.',
    exit: EXIT.notPermitted,
  },
  CONTROL_FAILED: {
    cause: 'The running agent did not answer, or it gave an answer that cannot be understood.',
    remedy: 'Look into the log of the agent; start it again when it hangs or is of another version.',
    exit: EXIT.failed,
  },
  HELD_CHANGED: {
    cause: 'What the running agent holds now is not what the fingerprint stands for: nothing was accepted.',
    remedy: 'Look at what is held now; when it is right, accept its own fingerprint.',
    exit: EXIT.held,
  },
  ACCEPT_UNCONFIRMED: {
    cause: 'accept was given no fingerprint, and nobody at a terminal has said yes.',
    remedy: 'Look at what is held; when it is right, run accept with its fingerprint.',
    exit: EXIT.usage,
  },
  CONTROL_SOCKET_FAILED: {
    cause: 'The agent could not make its control socket; accept and status cannot reach it.',
    remedy:
      'Make run_dir writable for the agent, and let control_group name a group that it may give files to.',
    exit: null,
  },
  WEB_SERVER_FAILED: {
    cause: 'The agent could not listen on web_listen_address, or an answer could not be made.',
    remedy: 'Free the port or name another one; the agent works without it.',
    exit: null,
  },
  STATE_NOT_KEPT: {
    cause: 'state_dir could not be written, or its disk does not answer.',
    remedy:
      'Make it writable for the agent, free space on its file system, or see why its disk does not answer (frozen for a backup, a dead NFS server). Until then the agent works without it, and moves no addresses.',
    exit: null,
  },
  STATE_UNUSABLE: {
    cause:
      'A file in state_dir is damaged, or of another version of the agent; it was put aside as NAME.damaged-TIME.',
    remedy:
      'Nothing: the agent works without it and writes a new one. After address-move see that the addresses of the host are where they belong.',
    exit: null,
  },
  ADDRESS_MOVE_NOT_ENDED: {
    cause: 'A move of addresses that was cut short (a kill, a power cut) could not be ended or taken back.',
    remedy: 'Look at the message and put the addresses where they belong; the agent leaves them alone.',
    exit: null,
  },
  SYSTEM_REFUSED: {
    cause: 'The system refused what the program needs: /proc, a folder, a place for its output.',
    remedy: 'Look at the message, which names the call, and give the user of the command what it needs.',
    exit: EXIT.failed,
  },
  INTERNAL_FAULT: {
    cause:
      'A fault of this program. The running agent gives up the pass, waits, and goes on with what it knows.',
    remedy: 'Report it with the message; a newer version may have mended it.',
    exit: EXIT.fault,
  },
  TEXTFILE_NOT_WRITTEN: {
    cause: 'The file of once --textfile could not be written.',
    remedy: 'Name a file in a folder that exists and that the user of the command may write to.',
    exit: EXIT.failed,
  },
} as const satisfies Record<string, Failure>;

/** One entry of the catalogue. */
export interface Failure {
  readonly cause: string;
  readonly remedy: string;
  readonly exit: ExitCode | null;
}

export type FailureCode = keyof typeof FAILURES;

export type DatabaseFailureCode = `DATABASE_${Uppercase<Snake<DatabaseErrorKind>>}`;
type Snake<Text extends string> = Text extends `${infer Head}-${infer Tail}`
  ? `${Head}_${Snake<Tail>}`
  : Text;

/** `no-such-database` is `DATABASE_NO_SUCH_DATABASE`. */
export const databaseFailure = (kind: DatabaseErrorKind): DatabaseFailureCode =>
  `DATABASE_${kind.toUpperCase().replaceAll('-', '_') as Uppercase<Snake<DatabaseErrorKind>>}`;
