/** On the machine's own kernel; in a User-mode Linux guest they run beside the tests of frames, see guest-frames.test.ts. */
import './guest/tap-filter.js';
