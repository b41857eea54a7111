/** On the machine’s own kernel; guest-apart.test.ts runs them in a User-mode Linux guest. */
import './guest/apart.js';
