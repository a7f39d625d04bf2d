import "./required-node.js";
// Not by name: an older Node, which lacks it, is told of above.
import module from "node:module";
import { join } from "node:path";

// What one start has compiled the next one finds, beside the packages, whose code is most of it; a
// directory that others write to would be unsafe. To be imported before the first TypeScript, with
// `--import`, and itself JavaScript: Node would else load the compiler for what is not in the cache.
module.enableCompileCache(join(import.meta.dirname, "..", "node_modules", ".cache", "compile"));
