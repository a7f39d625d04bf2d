import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { cp, lstat, mkdir, readFile, readlink, symlink } from "node:fs/promises";
import { dirname, join, matchesGlob, posix, relative } from "node:path";

/** What `docker build` would make of a Dockerfile, as a folder on this machine. */
export interface Image {
  /** Its root; what belongs to the base image is missing there, and mounted by `enterImage`. */
  readonly root: string;
  readonly workdir: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Numbers: `1000:1000`. */
  readonly user: string;
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly string[];
}

/** How a program is run in an image. */
interface Entry {
  readonly image: Image;
  /** `build`: as RUN does. `run`: nothing can be written but /tmp. */
  readonly mode: "build" | "run";
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a machine's own programs and settings are, which stand for those of the base image. */
const baseDirectories = ["usr", "etc", "bin", "sbin", "lib", "lib32", "lib64"];
const emptyDirectories = ["app", "dev", "proc", "root", "run", "tmp", "var"];

/**
 * Mounts what is missing in the root, read-only, and runs a program there as process 1 of a process
 * namespace of its own, as the user, with no capability and none to be had.
 */
const enter = `
set -euo pipefail
root=$1 mode=$2 user=$3 node=$4 npm=$5; shift 5
mount --make-rprivate /
mount --bind "$root" "$root"
for name in ${baseDirectories.join(" ")}; do
  if [ -d "$root/$name" ] && [ ! -L "$root/$name" ]; then
    mount --bind "/$name" "$root/$name"
    mount -o remount,bind,ro "$root/$name"
  fi
done
# The base image's /usr/local has Node and npm.
mount -t tmpfs -o mode=755 tmpfs "$root/usr/local"
mkdir -p "$root/usr/local/bin" "$root/usr/local/lib/node_modules/npm"
cp "$node" "$root/usr/local/bin/node"
mount --bind "$npm" "$root/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
mount -o remount,ro "$root/usr/local"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
capabilities=
if [ "$mode" = run ]; then
  mount -t tmpfs -o size=16m,mode=1777 tmpfs "$root/tmp"
  mount -o remount,bind,ro "$root"
  capabilities="--bounding-set=-all --inh-caps=-all --no-new-privs"
else
  # npm's cache and settings.
  mount --bind "$HOME" "$root/root"
fi
exec chroot "$root" setpriv --reuid="\${user%:*}" --regid="\${user#*:}" --clear-groups $capabilities \\
  env --ignore-environment "$@"
`;

/** Why no image can be made here, or nothing. */
export function missingForImages(): string {
  const programs = ["unshare", "mount", "chroot", "setpriv", "nsenter", "which", "npm"];
  const absent = programs.filter((name) => spawnSync("which", [name]).status !== 0);
  if (absent.length > 0) {
    return `there is no ${absent.join(", ")}`;
  }
  const { status } = spawnSync("unshare", [
    "--mount",
    "--pid",
    "--fork",
    "mount",
    "--make-rprivate",
    "/",
  ]);
  return status === 0 ? "" : "no namespaces may be made here, which takes root's rights";
}

/** Starts a program in the image. The process is `unshare`; its only child is process 1 in there. */
export function enterImage({ image, mode, environment = {} }: Entry, command: readonly string[]) {
  const variables = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: mode === "build" && image.user.startsWith("0:") ? "/root" : "/tmp",
    ...image.environment,
    ...environment,
  };
  const npm = dirname(
    dirname(realpathSync(execFileSync("which", ["npm"], { encoding: "utf8" }).trim())),
  );
  return spawn(
    "unshare",
    [
      ...["--mount", "--pid", "--fork", "--kill-child", "bash", "-c", enter, "enter"],
      ...[image.root, mode, image.user, process.execPath, npm],
      ...[`--chdir=${image.workdir}`, ...Object.entries(variables).map((pair) => pair.join("="))],
      ...command,
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
}

/** Follows the Dockerfile, with the machine's own programs and this Node for the base image. */
export async function buildImage(
  dockerfile: string,
  context: string,
  directory: string,
): Promise<Image> {
  const isIgnored = readIgnored(await readFile(`${dockerfile}.dockerignore`, "utf8"));
  const stages = new Map<string, Image>();
  const values: Record<string, string> = {};
  let stage = "";

  for (const { name, flags, text: raw } of readInstructions(await readFile(dockerfile, "utf8"))) {
    const text = raw.replaceAll(/\$\{(\w+)\}/g, (_, variable: string) => values[variable] ?? "");
    if (name === "ARG") {
      const [variable = "", value = ""] = text.split("=");
      values[variable] = value;
    } else if (name === "FROM") {
      const [from = "", , as = "image"] = text.split(" ");
      const parent = stages.get(from);
      const root = join(directory, as);
      if (parent === undefined) {
        await makeBase(root);
      } else {
        run("cp", "--archive", parent.root, root);
      }
      stage = as;
      stages.set(stage, { ...(parent ?? blank), root });
    } else {
      stages.set(stage, await follow(stageOf(stage), name, flags, text));
    }
  }
  return stageOf(stage);

  function stageOf(name: string): Image {
    const image = stages.get(name);
    if (image === undefined) {
      throw new Error(`There is no stage ${name}.`);
    }
    return image;
  }

  async function follow(
    image: Image,
    name: string,
    flags: Readonly<Record<string, string>>,
    text: string,
  ): Promise<Image> {
    const absolute = (path: string) => posix.resolve(image.workdir, path);
    switch (name) {
      case "WORKDIR":
        await mkdir(join(image.root, absolute(text)), { recursive: true });
        return { ...image, workdir: absolute(text) };
      case "COPY": {
        const sources = text.split(" ");
        const target = sources.pop() ?? "";
        for (const source of sources) {
          const to = join(image.root, absolute(target));
          if (flags.from === undefined) {
            await copyFromContext(
              source,
              target.endsWith("/") ? join(to, posix.basename(source)) : to,
            );
          } else {
            run(
              "cp",
              "--archive",
              "--no-target-directory",
              join(stageOf(flags.from).root, source),
              to,
            );
          }
          if (flags.chown !== undefined) {
            run("chown", "--recursive", "--no-dereference", flags.chown, to);
          }
        }
        return image;
      }
      case "RUN": {
        const entry = { image, mode: "build", environment: ownCertificates() } as const;
        const { code, output } = await outcomeOf(enterImage(entry, ["sh", "-c", text]));
        if (code !== 0) {
          throw new Error(`RUN ${text}\n${output}`);
        }
        return image;
      }
      case "USER":
        return { ...image, user: text };
      case "ENV":
        return { ...image, environment: { ...image.environment, ...readPairs(text) } };
      case "LABEL":
        return { ...image, labels: { ...image.labels, ...readPairs(text) } };
      case "EXPOSE":
        return { ...image, ports: [...image.ports, text] };
      case "HEALTHCHECK":
        return { ...image, healthCheck: JSON.parse(text.replace(/^CMD /, "")) };
      case "CMD":
        return { ...image, command: JSON.parse(text) };
      default:
        throw new Error(`${name} is not followed here.`);
    }
  }

  async function copyFromContext(source: string, to: string): Promise<void> {
    await cp(join(context, source), to, {
      recursive: true,
      verbatimSymlinks: true,
      // A folder that is ignored is not looked into, as no file in one is named by an exception.
      filter: (path) => !isIgnored(relative(context, path)),
    });
    // What is left out of the context cannot be copied, and fails the build.
    await lstat(to);
  }
}

/** Waits for the end of a process, and returns its exit code and what it has printed. */
export async function outcomeOf(child: ReturnType<typeof enterImage>) {
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output: Buffer.concat(chunks).toString() };
}

const blank: Omit<Image, "root"> = {
  workdir: "/",
  environment: {},
  user: "0:0",
  command: [],
  healthCheck: [],
  labels: {},
  ports: [],
};

/** The root of a base image: folders to mount on, and the links that a merged /usr has. */
async function makeBase(root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const name of emptyDirectories) {
    await mkdir(join(root, name));
  }
  for (const name of baseDirectories) {
    const stats = await lstat(`/${name}`).catch(() => undefined);
    if (stats?.isSymbolicLink()) {
      await symlink(await readlink(`/${name}`), join(root, name));
    } else if (stats?.isDirectory()) {
      await mkdir(join(root, name));
    }
  }
}

function readInstructions(dockerfile: string) {
  const lines = dockerfile
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line) => {
    const [, name = "", flags = "", text = ""] = /^([A-Z]+) ((?:--\S+ )*)(.*)$/.exec(line) ?? [];
    const pairs = [...flags.matchAll(/--(\w[\w-]*)=(\S+)/g)].map(([, key, value]) => [key, value]);
    return { name, flags: Object.fromEntries(pairs) as Record<string, string>, text };
  });
}

function readPairs(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S+))/g)];
  return Object.fromEntries(pairs.map(([, key, quoted, plain]) => [key, quoted ?? plain]));
}

/** Reads a .dockerignore: the last pattern that a path or a folder above it matches decides. */
function readIgnored(text: string): (path: string) => boolean {
  const patterns = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return (path) => {
    const parts = path.split("/");
    const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
    const last = patterns.findLast((pattern) =>
      prefixes.some((prefix) => matchesGlob(prefix, pattern.replace(/^!/, ""))),
    );
    return last !== undefined && !last.startsWith("!");
  };
}

/** The machine's own authorities, which npm needs where it reaches the registry through a proxy. */
function ownCertificates(): Record<string, string> {
  const names = ["NODE_EXTRA_CA_CERTS", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args);
}
