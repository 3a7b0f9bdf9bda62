import * as z from "zod";

// Zod compiles object schemas with `new Function` where it may. The content security policy forbids that, and
// the mere attempt is reported as a violation; so the rest of the console imports zod from here only.
z.config({ jitless: true });

export { z };
