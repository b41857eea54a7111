import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databaseError } from '../../../src/database/errors.js';
import {
  type DatabaseError,
  type DatabaseServer,
  databaseFailure,
  FAILURES,
} from '../../../src/model/index.js';

const MYSQL: DatabaseServer = {
  engine: 'mysql',
  host: 'db',
  port: null,
  socketPath: null,
  user: 'quantum',
  password: () => 's3cret',
  database: 'nope',
  tls: null,
  publicKeyFile: null,
};
const POSTGRESQL: DatabaseServer = { ...MYSQL, engine: 'postgresql' };

/** An error as a driver throws it. */
const thrown = (message: string, fields: object = {}): Error => Object.assign(new Error(message), fields);

/** What a command prints: the sentence, and below it the remedy of its code. */
const told = ({ kind, message }: DatabaseError): string =>
  `${message}\n${FAILURES[databaseFailure(kind)].remedy}`;

for (const [server, error] of [
  [POSTGRESQL, thrown('database "nope" does not exist', { code: '3D000' })],
  [MYSQL, thrown("Unknown database 'nope'", { code: 'ER_BAD_DB_ERROR', errno: 1049 })],
] as const)
  test(`${server.engine}: a database that is not there is told in one sentence, its remedy once`, () => {
    const failure = databaseError(error, server);
    assert.equal(failure.kind, 'no-such-database');
    assert.match(failure.message, /database "nope": there is no such database\.$/);
    assert.equal(told(failure).match(/sql_connection/g)?.length, 1);
  });

test('MySQL hides from an account without rights whether a database is there: both are told, with the account', () => {
  const text = "Access denied for user 'quantum'@'10.0.0.5' to database 'nope'";
  const failure = databaseError(thrown(text, { code: 'ER_DBACCESS_DENIED_ERROR', errno: 1044 }), MYSQL);
  assert.equal(failure.kind, 'no-such-database');
  assert.match(
    failure.message,
    /there is no such database, or user "quantum" has no right to it: .*10\.0\.0\.5/,
  );
  assert.match(told(failure), /Correct the name .* grant rights/);
});

for (const code of ['EACCES', 'EPERM'])
  test(`a socket that this user may not use (${code}) is told as such, without a word of firewalls`, () => {
    const socketPath = '/run/mysqld/mysqld.sock';
    const error = thrown(`connect ${code} ${socketPath}`, { code, errno: -13, syscall: 'connect' });
    const failure = databaseError(error, { ...MYSQL, socketPath });
    assert.equal(failure.kind, 'socket-forbidden');
    assert.match(failure.message, /^MySQL at \/run\/mysqld\/mysqld\.sock, .*may not use its socket/);
    assert.doesNotMatch(told(failure), /firewall|Start the server/);
  });

test('a host that a firewall rejects is told with the firewall', () => {
  const failure = databaseError(thrown('connect EACCES 10.0.0.1:3306', { code: 'EACCES' }), MYSQL);
  assert.equal(failure.kind, 'unreachable');
  assert.match(told(failure), /firewall/);
});

const textOf = (message: string, password: string): string =>
  databaseError(thrown(message), { ...MYSQL, password: () => password }).message;

test('a short password leaves the words alone whose letters it has, and is masked where it stands as a value', () => {
  const text = textOf('the key "e" of user e: password=e, e-mail are refused', 'e');
  assert.match(text, /the key "\*\*\*" of user \*\*\*: password=\*\*\*, \*\*\*-mail are refused/);
});

test('a long password is masked wherever it is', () => {
  assert.match(textOf('near "xcorrect-horse9"', 'correct-horse'), /near "x\*\*\*9"/);
});

for (const [what, password, url] of [
  ['as it is', 's3cret', 'mysql://quantum:s3cret@db/nope'],
  ['of one letter', 'e', 'mysql://e:e@edge.example/e'],
  ['in percent encoding', 'p#w d', 'mysql://quantum:p%23w%20d@db/nope'],
  ['with an at sign', 'p@w', 'mysql://quantum:p@w@db/nope'],
  ['in the query', 'p#w', 'mysql://db/nope?user=quantum&password=p%23w&ssl=1'],
  ['that is another than the one in use', 'new', 'mysql://quantum:former@db/nope'],
] as const)
  test(`a password in a URL is never printed: ${what}`, () => {
    const text = textOf(`cannot use ${url} here`, password);
    assert.match(text, /cannot use mysql:\/\/\S*\*\*\*\S* here/);
    assert.doesNotMatch(text, /s3cret|:e@|p%23w|p@w|former/);
  });

test('a fault of this program is thrown on as what it is, and is no word of the database', () => {
  const fault = new TypeError("Cannot read properties of undefined (reading 'length')");
  assert.throws(
    () => databaseError(fault, MYSQL),
    (error) => error === fault,
  );
});

test('a setting that Node cannot use is told as a failure of the connection, although it is a TypeError', () => {
  const error = Object.assign(new TypeError('The "ca" is wrong'), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.equal(databaseError(error, MYSQL).kind, 'query');
});
