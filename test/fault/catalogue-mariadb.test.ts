import { describeCatalogue } from './describe-catalogue.js';

describeCatalogue('MariaDB');
