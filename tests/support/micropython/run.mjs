// Runs Python in PyScript's MicroPython, under Node: node run.mjs MICROPYTHON_FOLDER PACKAGE_FOLDER <code
// The package is importable under its folder's name. Top-level `await` works. A traceback goes to stderr, with exit 1.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [micropythonFolder, packageFolder] = process.argv.slice(2);
const { loadMicroPython } = await import(pathToFileURL(resolve(micropythonFolder, "micropython.mjs")));
const micropython = await loadMicroPython({ stdout: line => console.log(line), stderr: line => console.error(line) });

function copyFolder(from, to) {
    micropython.FS.mkdirTree(to);
    for (const name of readdirSync(from)) {
        const [source, target] = [join(from, name), `${to}/${name}`];
        if (statSync(source).isDirectory()) copyFolder(source, target);
        else micropython.FS.writeFile(target, readFileSync(source));
    }
}

copyFolder(packageFolder, `/lib/${basename(packageFolder)}`); // /lib is on MicroPython's sys.path
try {
    await micropython.runPythonAsync(readFileSync(0, "utf8"));
} catch (error) {
    console.error(error.message);
    process.exitCode = 1;
}
