import mysql from 'mysql2';
import { DatabaseError } from '../model/database.js';
import type { DatabaseServer } from '../model/settings.js';
import { endpointOf } from './errors.js';
import { readOptionalFile } from './tls.js';

/**
 * How the driver proves the password, by the plugin that the server asks for. MySQL's plugins send the password itself
 * when the server has not cached it: in clear over TLS or a Unix socket, else under an RSA key. The driver would take
 * that key from the server, and so give the password to whoever answers at its address. Here the key is the one of
 * `publicKeyFile`, or nothing is sent. Throws DatabaseError `tls` when that file cannot be read.
 */
export async function authenticationFor(
  server: DatabaseServer,
): Promise<NonNullable<mysql.ConnectionOptions['authPlugins']>> {
  const { caching_sha2_password: cached, sha256_password: plain } = mysql.authPlugins;
  // The driver looks for its own option to see a Unix socket, and is given a stream.
  if (server.socketPath !== null) return { caching_sha2_password: cached({ overrideIsSecure: true }) };
  if (server.tls !== null) return {};
  const key = await readOptionalFile(server.publicKeyFile);
  const options = key === null ? { onServerPublicKey: () => refuse(server) } : { serverPublicKey: key };
  return {
    caching_sha2_password: cached({ overrideIsSecure: false, ...options }),
    sha256_password: plain(options),
  };
}

function refuse(server: DatabaseServer): never {
  throw new DatabaseError(
    'tls',
    `${endpointOf(server)} asks for the password itself and has not shown that it is the right server: in sql_connection set ssl_ca (TLS), unix_socket (a server on this host) or server_public_key_path (its RSA key, as SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key' prints it).`,
  );
}
