import { array, boolean, coerce, config, email, enum as enum_, object, string } from "zod";

// Zod compiles object schemas with `new Function` where it may. The content security policy forbids that, and
// the mere attempt is reported as a violation; so the rest of the console imports zod from here only.
config({ jitless: true });

/** What the console uses of zod, by name: re-exporting all of it would put all of it into the first download. */
export const z = { array, boolean, coerce, email, enum: enum_, object, string };
export type { infer as Infer, input as Input, output as Output } from "zod";
