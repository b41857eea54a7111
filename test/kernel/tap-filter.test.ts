/** On the machine’s own kernel; guest-tap-filter.test.ts runs them in a User-mode Linux guest. */
import './guest/tap-filter.js';
