import { describeCatalogue } from '../fault/describe-catalogue.js';

// `npm test` has the catalogue on PostgreSQL and MariaDB.
describeCatalogue('MySQL');
