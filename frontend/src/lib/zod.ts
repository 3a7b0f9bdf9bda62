import { config } from "zod";

// Zod compiles its schemas with `new Function` where it may. The content security policy forbids that, and
// the mere attempt is reported as a violation.
config({ jitless: true });
