import type { TlsSettings } from '../model/settings.js';
import { boolean, invalid, type Parsed, valid } from './formats.js';

/** The options of a database URL by name; of a repeated one the first. */
export type Options = ReadonlyMap<string, string>;

/** Options about TLS that each engine's drivers take; any other name beginning with `ssl` is refused. */
export const TLS_OPTIONS = {
  postgresql: ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'],
  mysql: ['ssl_ca', 'ssl_cert', 'ssl_key', 'ssl_verify_cert', 'ssl_check_hostname'],
} as const;

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/**
 * libpq's rules: `require` checks the certificate only when a CA is named, `verify-ca` does not check the name.
 * `allow` and `prefer` promise nothing; they mean no TLS here. A CA without a mode means that it is to be used.
 */
export function postgresqlTls(options: Options): Parsed<TlsSettings | null> {
  const caFile = options.get('sslrootcert') ?? null;
  const mode = options.get('sslmode') ?? (caFile === null ? 'prefer' : 'verify-ca');
  if (!SSL_MODES.includes(mode)) return invalid(`has an sslmode that is not one of ${SSL_MODES.join(', ')}`);
  if (['disable', 'allow', 'prefer'].includes(mode)) return valid(null);
  return valid({
    verify: mode !== 'require' || caFile !== null,
    verifyHostname: mode === 'verify-full',
    caFile,
    certFile: options.get('sslcert') ?? null,
    keyFile: options.get('sslkey') ?? null,
  });
}

/**
 * MySQL has no mode: any of its TLS options asks for TLS. With a CA the certificate is checked, and the name in it
 * as well unless `ssl_check_hostname` is false (PyMySQL's rule; MySQLdb never looked at the name).
 */
export function mysqlTls(options: Options): Parsed<TlsSettings | null> {
  const caFile = options.get('ssl_ca') ?? null;
  const verify = flag(options, 'ssl_verify_cert', caFile !== null);
  const verifyHostname = flag(options, 'ssl_check_hostname', true);
  if (!verify.ok) return verify;
  if (!verifyHostname.ok) return verifyHostname;
  if (!TLS_OPTIONS.mysql.some((name) => options.has(name))) return valid(null);
  return valid({
    verify: verify.value,
    verifyHostname: verify.value && verifyHostname.value,
    caFile,
    certFile: options.get('ssl_cert') ?? null,
    keyFile: options.get('ssl_key') ?? null,
  });
}

function flag(options: Options, name: string, otherwise: boolean): Parsed<boolean> {
  const text = options.get(name);
  const parsed = text === undefined ? valid(otherwise) : boolean.parse(text);
  return parsed.ok ? parsed : invalid(`has an option ${name} that ${parsed.wrong}`);
}
