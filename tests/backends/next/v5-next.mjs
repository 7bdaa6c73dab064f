import { serve } from "./serve.mjs";

await serve("v5");
